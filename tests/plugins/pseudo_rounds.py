"""Files of a round: a tiny target language, recognized by a model of another one."""

import random

import numpy as np
import yaml

from hamzaban.decode.store import Meta, write_meta, write_part
from hamzaban.lm import kenlm
from hamzaban.text.tokens import CharTokenizer
from tools import require_tools

SOURCE = ["<blank>", "<unk>", "<space>", *"ابتجكسلمندر", "<sos/eos>"]
WORDS = ["سلام", "چپ", "گل", "پدر", "مادر", "باران", "کتاب", "نان", "دل", "رنگ", "سرد"]
FOLDS = str.maketrans("چپگک", "جبكك")


def make_sentences(number, seed):
    words = random.Random(seed)
    return [
        " ".join(words.choices(WORDS, k=words.randint(2, 5))) for _ in range(number)
    ]


def emit(text, seed, share=0.95):
    """Return emissions of a target sentence in source letters; a tenth is misheard."""
    rng = np.random.default_rng(seed)
    ids = CharTokenizer(SOURCE).texts2ids([text.translate(FOLDS)])[0]
    path = [x for i in ids for x in (0, i)] + [0]
    probs = np.full((len(path), len(SOURCE)), (1 - share) / (len(SOURCE) - 1), "f4")
    for t, token in enumerate(path):
        if token and rng.random() < 0.1:
            token = int(rng.integers(3, len(SOURCE) - 1))
        probs[t, token] = share
    return np.log(probs)


def write_emissions(folder, utts, name="model"):
    """Write emissions (utt_id -> matrix) as make-emissions does, in two parts."""
    size = len(next(iter(utts.values()))[0])
    write_meta(folder, Meta({"model": name}, size, 0.02, len(utts), 2))
    ids = sorted(utts)
    for part in (0, 1):
        write_part(folder, part, ((u, utts[u]) for u in ids[part::2]))


def write_inputs(folder, number=60):
    """Write experiment, data directory, text and model; return the sentences by id."""
    exp, data, lm = folder / "source exp", folder / "data ه", folder / "lm" / "word"
    for path in (exp, data, lm):
        path.mkdir(parents=True)
    (exp / "tokens.txt").write_text("\n".join(SOURCE) + "\n", encoding="utf-8")
    config = {"token_type": "char", "bpemodel": None}
    config["token_list"] = str(exp / "tokens.txt")
    (exp / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    text = {f"s{i % 5}-u{i:03d}": s for i, s in enumerate(make_sentences(number, 1))}
    for name, value in (
        ("wav.scp", "a.flac"), ("utt2spk", ""), ("utt2num_samples", "32000"),
        ("text", "باید خوانده نشود"),
    ):  # fmt: skip
        rows = (f"{u} {value or u[:2]}\n" for u in sorted(text))
        (data / name).write_text("".join(rows), encoding="utf-8")
    rows = (f"{u} {text[u]}\n" for u in sorted(text))
    (folder / "ref").write_text("".join(rows), encoding="utf-8")
    lines = "".join(f"{s}\n" for s in make_sentences(300, 2))
    (folder / "sentences").write_text(lines, encoding="utf-8")
    require_tools("lmplz", "build_binary")
    kenlm.train(folder / "sentences", lm / "arpa", 2, prune=[0], memory="100M")
    kenlm.pack(lm / "arpa", lm / "lm.bin", "100M")
    (lm / "units.txt").write_text("".join(f"{w}\n" for w in [*WORDS, "чай"]))
    return text


def options_of(folder, pseudo_exp, number, *more):
    """Return the command line of pseudo-label for a round."""
    words = ["--pseudo_exp", pseudo_exp, "--round", number, "--text"]
    words += [folder / "sentences", "--asr_exp", folder / "source exp"]
    words += ["--data_dir", folder / "data ه", "--lm_dir", folder / "lm"]
    return [str(word) for word in [*words, *more]]
