"""local/pseudo.sh runs to its end on artificial words that sound like chords."""

import os
import subprocess

import numpy as np
import pytest
import soundfile
import yaml
from tiny_recipe import FS, MODEL, TRAIN, WORDS, make_recipe, say
from warm import warm_process

pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.torch,
    pytest.mark.needs("lmplz", "build_binary"),
]

PSEUDO = """\
base: ../../../../conf/pseudo.yaml
mapping: null
valid_share: 0.2
filters:
    bounds: {duration_s: null, blank_rate: null, disagreement: null,
        lm_only_share: null, chars_per_s: null, confidence: null}
    top_share: 1.0
guard:
    min_kept: 2
    rules: {empty_rate: null, blank_rate: null, length_ratio: null, disagreement: null,
        lm_only_share: null, type_token_ratio: null, top_word_share: null,
        top_label_share: null, perplexity: null, copied_share: null}
"""
CONTINUOUS = """\
base: ../../../../conf/pseudo_continuous.yaml
continuous_conf: {warmup_updates: 1, ratio: [1, 2], cache_size: 8, guard_window: 4,
    min_length_ratio: 0.0, max_length_ratio: 100.0, max_blank_rate: null,
    max_rejected: null, max_top_label_share: null, max_top_word_share: null}
optim_conf: {lr: 1.0e-5}
max_epoch: 1
"""


def write_data(folder, number, seed, *, has_text=True):
    """Write a data directory as format-audio does; return its sentences."""
    rng = np.random.default_rng(seed)
    (folder / "audio").mkdir(parents=True)
    rows = {name: [] for name in ("wav.scp", "utt2spk", "utt2num_samples", "text")}
    for i in range(number):
        utt_id, chosen = f"s{seed}-u{i:02d}", rng.integers(len(WORDS), size=4)
        audio = np.concatenate([say(int(word), rng) for word in chosen])
        path = folder / "audio" / f"{utt_id}.flac"
        soundfile.write(path, audio, FS)
        text = " ".join(WORDS[word] for word in chosen)
        for name, value in zip(rows, (path, f"s{seed}", len(audio), text), strict=True):
            rows[name].append(f"{utt_id} {value}\n")
    if not has_text:
        del rows["text"]
    for name, lines in rows.items():
        (folder / name).write_text("".join(lines), encoding="utf-8")
    spk2utt = " ".join(line.split()[0] for line in rows["utt2spk"])
    (folder / "spk2utt").write_text(f"s{seed} {spk2utt}\n", encoding="utf-8")


@pytest.fixture
def recipe(tmp_path):
    recipe = make_recipe(tmp_path)
    raw = recipe / "dump" / "raw"
    for name, number, seed in (("labelled", 8, 1), ("valid", 4, 2), ("heard", 16, 3)):
        write_data(raw / name, number, seed, has_text=name != "heard")
    rng = np.random.default_rng(0)
    drawn = (rng.choice(WORDS, size=4) for _ in range(200))
    text = "".join(" ".join(words) + "\n" for words in drawn)
    (recipe / "sentences").write_text(text, encoding="utf-8")
    model = yaml.safe_load(f"model_cfg:\n{MODEL}")
    train = yaml.safe_load(TRAIN) | {"frontend_conf": {**model, "freeze": []}}
    train |= {"max_epoch": 1, "keep_nbest_models": 1}
    (recipe / "conf" / "asr.yaml").write_text(yaml.safe_dump(train), encoding="utf-8")
    for name, content in (("pseudo", PSEUDO), ("continuous", CONTINUOUS)):
        (recipe / "conf" / f"{name}.yaml").write_text(content, encoding="utf-8")
    return recipe


def run(recipe, *words):
    """Run a command in the recipe; `hamzaban` is a fork of a warm process."""
    done = subprocess.run(
        list(words), cwd=recipe, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def train_source(recipe):
    """Train a model for one epoch on the labelled audio; its output is random."""
    data = "dump/raw/labelled"
    tokens = ["--token_type", "char", "--token_list", "tokens/tokens.txt"]
    words = ["--config", "exp/asr.yaml", "--output_dir", "exp/source", "--ngpu", "0"]
    for part in ("train", "valid"):
        for name, kind in (("wav.scp", "speech,sound"), ("text", "text,text")):
            words += [f"--{part}_data_path_and_name_and_type", f"{data}/{name},{kind}"]
        for name in ("speech_shape", "text_shape.char"):
            words += [f"--{part}_shape_file", f"stats/{name}"]
    for line in (
        f"make-tokens --token_type char --output_dir tokens {data}/text",
        f"collect-stats --data_dir {data} --output_dir stats {' '.join(tokens)}",
        "config merge conf/asr.yaml exp/asr.yaml",
        f"train-asr {' '.join([*words, *tokens])}",
        "train-lm --config conf/lm.yaml --output_dir exp/lm --lm_text sentences "
        f"--valid_text {data}/text",
    ):
        run(recipe, "hamzaban", *line.split())


def test_loop_ends_in_a_continuous_round_that_is_judged(recipe, monkeypatch):
    with warm_process() as programs:
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
        train_source(recipe)
        options = (
            "--source_exp exp/source --rounds 0 --start random --lm_dir exp/lm "
            "--data_dir dump/raw/heard --text sentences --asr_config conf/asr.yaml "
            "--pseudo_config conf/pseudo.yaml --pseudo_exp exp/pseudo --ngpu 0 --nj 1 "
            "--labelled_dir dump/raw/labelled --labelled_valid_dir dump/raw/valid "
            "--continuous_config conf/continuous.yaml"
        )
        run(recipe, "../../../local/pseudo.sh", *options.split())
    model = recipe / "exp" / "pseudo" / "round_1" / "model"
    head, row = (model / "pseudo_labels.tsv").read_text().splitlines()
    figures = dict(zip(head.split("\t"), row.split("\t"), strict=True))
    assert int(figures["labelled"]) >= 8
    table = (recipe / "exp" / "pseudo" / "rounds.tsv").read_text().splitlines()
    assert len(table) == 3  # a head, rounds 0 and 1
