"""Speed and WER of CTC beam search: ours, ESPnet's, pyctcdecode's, torchaudio's.

Every decoder gets the same simulated emissions (`simulated_emissions`) of the same
held-out sentences, in memory, on one thread: characters and BPE of 512 and 1,000
pieces, without a language model and with the same word 3-gram and word list (which has
all the words of the held-out sentences), the same beam (50, 15 nats) and the same
weights. ESPnet has no word model and no lexicon; its search is what
`espnet2.bin.asr_inference` builds for a CTC model (BatchBeamSearch over
CTCPrefixScorer, beam 10), on the first --espnet_utts sentences only. torchaudio's
decoder is flashlight-text as well; it is run with our number of tokens a frame and, as
its default is, with all. The words of characters are given the closing space that our
search adds itself. pyctcdecode prunes in its own way. One more row shows our search
with a beam of 15 and 8 tokens for each frame.

Run:
    python tests/bench/bench_beam.py [--num_utts 100] [--espnet_utts 2] [--peers DIR]
--peers is a folder with pyctcdecode and kenlm, which the pinned set does not have:
    uv pip install --no-deps --target DIR pyctcdecode==0.5.0 pygtrie==2.5.0 kenlm==0.3.0

Output: utterances per second of CPU time (which other jobs hardly change), WER on all
    utterances and on those of ESPnet, and the speed of ours relative to each other
    decoder. Then the same emissions in one and in two processes: wall time, CPU time,
    speed-up.
Goals: 100 times ESPnet, 5 times pyctcdecode, torchaudio's speed, 1.8 with two workers;
WER never worse.
"""

import argparse
import dataclasses
import logging
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
from rapidfuzz.distance import Levenshtein
from simulated_emissions import Channel, make_tokenizer, read_sentences

from hamzaban.decode.beam_options import BeamOptions
from hamzaban.decode.lexicon import build_lexicon
from hamzaban.decode.search import Decoder, SearchFiles
from hamzaban.decode.search_run import search_emissions
from hamzaban.decode.searches.lexicon import LexiconSearch
from hamzaban.decode.searches.token import TokenSearch
from hamzaban.decode.store import EmissionStore, Meta, write_meta, write_part
from hamzaban.lm import kenlm
from hamzaban.lm.info import LmInfo, write_info
from hamzaban.text.tokens import SPACE, BpeTokenizer, Tokenizer

LM_WEIGHT, WORD_SCORE, BEAM, THRESHOLD = 0.5, 1.0, 50, 15.0
BEAM_TOKENS = {False: 10, True: 20}  # without and with a language model
FAST: dict[str, Any] = {"beam_size": 15, "beam_size_token": 8}
Decode = Callable[[np.ndarray], str]


def train_lm(folder: Path, text: Sequence[str], held_out: Sequence[str]) -> Path:
    """Train the word 3-gram in the layout of train-lm; the word list has all words."""
    word = folder / "word"
    word.mkdir(parents=True)
    (word / "text").write_text("".join(f"{line}\n" for line in text))
    kenlm.train(word / "text", word / "lm.arpa", 3, prune=(0,), memory="500M")
    kenlm.pack(word / "lm.arpa", word / "lm.bin", "500M")
    words = sorted({w for line in [*text, *held_out] for w in line.split()})
    (word / "units.txt").write_text("".join(f"{w}\n" for w in words))
    write_info(word, LmInfo.make("word", 3, "raw", 1.0, None, binary=word / "lm.bin"))
    return folder


def ours(tokenizer: Tokenizer, lm_dir: Path | None) -> tuple[Decoder, Decode]:
    """Our search with its default pruning."""
    tokens = BEAM_TOKENS[lm_dir is not None]
    values: dict[str, Any] = {"beam_size": BEAM, "beam_size_token": tokens}
    if lm_dir is None:
        search: BeamOptions = TokenSearch(lm_unit="none", **values)
    else:
        values |= {"lm_weight": LM_WEIGHT, "word_score": WORD_SCORE}
        search = LexiconSearch(**values)
    decoder = search.build(tokenizer, SearchFiles(lm_dir))
    return decoder, lambda log_probs: decoder.decode(log_probs)[0].text


def torchaudio_way(tokenizer: Tokenizer, lm_dir: Path | None, tokens: int) -> Decode:
    """torchaudio's decoder with one spelling for each word, as in its tutorials."""
    import torch
    from torchaudio.models.decoder import ctc_decoder

    is_bpe = isinstance(tokenizer, BpeTokenizer)
    lexicon = lm = None
    if lm_dir is not None:
        words = (lm_dir / "word" / "units.txt").read_text().split()
        spelled = build_lexicon(words, tokenizer)
        ways = (tokenizer.ids2tokens(s[0]) for s in spelled.spellings)
        lines = (
            f"{w} {' '.join(way)}" for w, way in zip(spelled.words, ways, strict=True)
        )
        lexicon = str(lm_dir / f"lexicon{len(tokenizer.tokens)}")
        Path(lexicon).write_text("\n".join(lines) + "\n")
        lm = str(lm_dir / "word" / "lm.bin")
    decoder = ctc_decoder(
        lexicon, tokenizer.tokens, lm, nbest=1, beam_size=BEAM, log_add=True,
        beam_size_token=tokens, beam_threshold=THRESHOLD,
        lm_weight=LM_WEIGHT * math.log(10),
        word_score=WORD_SCORE, blank_token="<blank>", unk_word="<unk>",
        sil_token="<blank>" if is_bpe else SPACE,
    )  # fmt: skip
    space = None if is_bpe or lm is None else tokenizer.token2id[SPACE]

    def decode(log_probs: np.ndarray) -> str:
        if space is not None:
            last = np.full((1, log_probs.shape[1]), -1e9, np.float32)
            last[0, space] = 0
            log_probs = np.concatenate([log_probs, last])
        (best, *_) = decoder(torch.from_numpy(log_probs)[None])[0]
        if lm is not None:
            return " ".join(best.words)
        ids = [t for t in best.tokens.tolist() if t < len(tokenizer.tokens)]
        return tokenizer.tokens2text(tokenizer.ids2tokens(ids))

    return decode


def pyctcdecode_way(tokenizer: Tokenizer, lm_dir: Path | None) -> Decode:
    """pyctcdecode with its own pruning."""
    from pyctcdecode import build_ctcdecoder

    special = {"<blank>": "", "<unk>": "\u2047", SPACE: " ", "<sos/eos>": "</s>"}
    if isinstance(tokenizer, BpeTokenizer):
        special["<unk>"] = "\u2581\u2047\u2581"
    labels = [special.get(token, token) for token in tokenizer.tokens]
    if lm_dir is None:
        decoder = build_ctcdecoder(labels)
    else:
        words = (lm_dir / "word" / "units.txt").read_text().split()
        decoder = build_ctcdecoder(
            labels, str(lm_dir / "word" / "lm.arpa"), words, LM_WEIGHT, WORD_SCORE
        )
    return lambda log_probs: decoder.decode(log_probs, beam_width=BEAM)


def espnet_way(tokenizer: Tokenizer) -> Decode:
    """ESPnet's search, as asr_inference builds it for a pure CTC model."""
    import torch

    from hamzaban import compat

    compat.prepare()
    try:
        from espnet.nets.batch_beam_search import BatchBeamSearch
        from espnet.nets.scorers.ctc import CTCPrefixScorer
        from espnet.nets.scorers.length_bonus import LengthBonus
    except ImportError:
        from espnet2.legacy.nets.batch_beam_search import BatchBeamSearch
        from espnet2.legacy.nets.scorers.ctc import CTCPrefixScorer
        from espnet2.legacy.nets.scorers.length_bonus import LengthBonus

    class Given(torch.nn.Module):
        def log_softmax(self, given: Any) -> Any:
            return given

    size = len(tokenizer.tokens)
    ctc = CTCPrefixScorer(Given(), size - 1)
    search = BatchBeamSearch(
        beam_size=10,
        weights={"ctc": 1.0, "length_bonus": 0.0},
        scorers={"ctc": ctc, "length_bonus": LengthBonus(size)},
        sos=size - 1,
        eos=size - 1,
        vocab_size=size,
        token_list=tokenizer.tokens,
        pre_beam_score_key=None,
    )

    def decode(log_probs: np.ndarray) -> str:
        with torch.no_grad():
            best = search(torch.from_numpy(log_probs), 0.0, 0.0)[0]
        ids = [t for t in best.yseq[1:-1].tolist() if t]
        return tokenizer.tokens2text(tokenizer.ids2tokens(ids))

    return decode


def measure(decode: Decode, emissions: Sequence[np.ndarray]) -> tuple[list[str], float]:
    """Decode; return the texts and the CPU time in seconds."""
    start = time.process_time()
    texts = [decode(log_probs) for log_probs in emissions]
    return texts, time.process_time() - start


def word_error_rate(refs: Sequence[str], hyps: Sequence[str]) -> float:
    """Return the WER of hypotheses in percent."""
    pairs = list(zip(refs, hyps, strict=False))
    errors = sum(Levenshtein.distance(r.split(), h.split()) for r, h in pairs)
    return 100 * errors / sum(len(r.split()) for r, _ in pairs)


def run_workers(
    decoder: Decoder, emissions: Sequence[np.ndarray], folder: Path
) -> None:
    """Search a store in one and two processes; print times and speed-up."""
    size = emissions[0].shape[1]
    write_meta(folder, Meta({}, size, 0.02, len(emissions), 1))
    write_part(folder, 0, ((f"u{i:05d}", e) for i, e in enumerate(emissions)))
    store, walls, found = EmissionStore(folder), {1: [], 2: []}, {}
    cpus: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(3):
        for nj in (1, 2):
            before, start = os.times(), time.monotonic()
            found[nj] = search_emissions(decoder, store, nj)
            walls[nj].append(time.monotonic() - start)
            spent = zip(os.times()[:4], before[:4], strict=True)
            cpus[nj].append(sum(now - then for now, then in spent))
    assert found[1] == found[2]
    ratio = min(walls[1]) / min(walls[2])
    share = min(cpus[2]) / min(cpus[1])
    times = [
        f"{nj}: wall {min(walls[nj]):.2f} s, CPU {min(cpus[nj]):.2f} s" for nj in (1, 2)
    ]
    print(f"  processes {'; '.join(times)}; best of 3, equal results")
    print(
        f"  speed-up {ratio:.2f} at load {os.getloadavg()[0]:.1f}; on two free cores "
        f"at most {2 / share:.2f} (twice the CPU time of one process over that of two)"
    )


def run_size(num_tokens: int, texts: tuple, folder: Path, args: Any) -> None:
    """Run all decoders on one token list and print their tables."""
    train, refs = texts
    tokenizer = make_tokenizer(folder / f"tokens{num_tokens}", train, num_tokens)
    channel = Channel(tokenizer)
    emissions = [channel.emit(ref) for ref in refs]
    frames = sum(map(len, emissions))
    sure = sum(int((e[:, 0] > math.log(0.999)).sum()) for e in emissions) / frames
    print(
        f"\n{len(tokenizer.tokens)} tokens, {len(refs)} utterances, {frames} frames, ",
        end="",
    )
    print(f"blank over 0.999 in {100 * sure:.0f} %")
    few = emissions[: args.espnet_utts]
    espnet = measure(espnet_way(tokenizer), few)
    for lm_dir in (None, folder / "lm"):
        decoder, own = ours(tokenizer, lm_dir)
        ways = {"ours": own}
        for tokens in (BEAM_TOKENS[lm_dir is not None], len(tokenizer.tokens)):
            ways[f"torchaudio, {tokens} tokens"] = torchaudio_way(
                tokenizer, lm_dir, tokens
            )
        if args.peers is not None:
            ways["pyctcdecode"] = pyctcdecode_way(tokenizer, lm_dir)
        rows = {name: measure(way, emissions) for name, way in ways.items()}
        own_options = decoder.options
        decoder.tune(dataclasses.replace(own_options, **FAST))
        rows["ours, beam 15, 8 tokens"] = measure(own, emissions)
        decoder.tune(own_options)
        base = rows["ours"][1] / len(refs)
        print(
            f"  {'word 3-gram' if lm_dir else 'no LM':24} utt/s    WER   WER  ours/it"
        )
        rows["ESPnet, beam 10, no LM"] = espnet
        for name, (hyps, cpu_s) in rows.items():
            each, all_done = cpu_s / len(hyps), len(hyps) == len(refs)
            wer = f"{word_error_rate(refs, hyps):6.2f}" if all_done else "     -"
            part = word_error_rate(refs, hyps[: args.espnet_utts])
            print(f"  {name:24}{1 / each:7.2f} {wer} {part:6.2f} {each / base:8.1f}")
        run_workers(decoder, emissions, folder / f"store{num_tokens}{bool(lm_dir)}")


def main() -> None:
    """Run all token lists."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_utts", type=int, default=100)
    parser.add_argument("--espnet_utts", type=int, default=2)
    parser.add_argument("--num_tokens", type=int, nargs="+", default=[32, 512, 1000])
    parser.add_argument("--peers", type=Path)
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    if args.peers is not None:
        sys.path.insert(0, str(args.peers))
    import torch

    torch.set_num_threads(1)
    train, held_out = read_sentences()
    texts = train, held_out[: args.num_utts]
    print(f"{len(train)} sentences to train on, beam {BEAM}")
    with tempfile.TemporaryDirectory() as name:
        train_lm(Path(name) / "lm", train, held_out)
        for num_tokens in args.num_tokens:
            run_size(num_tokens, texts, Path(name), args)


if __name__ == "__main__":
    main()
