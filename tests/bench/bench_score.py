"""Speed of scoring: ours, NIST sclite and jiwer on the same random Arabic text.

Prints medians in seconds of the processor and of the clock; ratios are of the former.
Ours is the whole of `score-text` after its start: trn files, alignment, result.txt.
sclite is run on those trn files; jiwer gets the texts in memory and computes counts
only. The rows `four` are words and characters of 871 utterances, raw and normalized.
Then come the comparison of two systems on the words (bootstrap of 10,000 draws,
MAPSSWE, and NIST sc_stats for the latter) and the analysis of the errors of one.

Usage: python tests/bench/bench_score.py [--utterances 10000]
"""

import argparse
import contextlib
import io
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hamzaban.bin import score_text
from hamzaban.score.analysis import Details, analyse
from hamzaban.score.bootstrap import Plan
from hamzaban.score.compare import compare_systems
from hamzaban.score.files import pair_texts, score_folder
from hamzaban.score.mapsswe import compare_segments
from hamzaban.score.nist_stats import run_sc_stats
from hamzaban.score.programs import find_program
from hamzaban.score.sclite import score_pairs
from hamzaban.score.systems import System
from hamzaban.score.tokens import split_chars, split_words
from hamzaban.score.trn import format_trn_ids

LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"
WORDS_PER_UTTERANCE = 10
NUM_FLEURS = 871


def make_texts(
    utterances: int, seed: int, hyp_seed: int | None = None
) -> tuple[dict[str, str], dict[str, str]]:
    """Draw references, and hypotheses with about 18 % of word errors."""
    ref_rng, rng = random.Random(seed), random.Random(hyp_seed or seed + 100)
    sizes = [ref_rng.randint(2, 8) for _ in range(5000)]
    words = ["".join(ref_rng.choices(LETTERS, k=size)) for size in sizes]
    refs, hyps = {}, {}
    for u in range(utterances):
        utt_id = f"u{u:06d}"
        ref = ref_rng.choices(words, k=WORDS_PER_UTTERANCE)
        hyp = []
        for word in ref:
            draw = rng.random()
            if draw > 0.05:
                hyp.append(rng.choice(words) if draw < 0.15 else word)
            if draw > 0.97:
                hyp.append(rng.choice(words))
        refs[utt_id], hyps[utt_id] = " ".join(ref), " ".join(hyp)
    return refs, hyps


def split_pieces(text: str) -> list[str]:
    """Cut words into pieces of three letters, about as a BPE model does."""
    pieces = []
    for word in text.split():
        word = "▁" + word
        pieces += [word[i : i + 3] for i in range(0, len(word), 3)]
    return pieces


def measure(call: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return the median seconds of a call: of processors (children included), and
    wall."""
    found = []
    for _ in range(rounds):
        start, used = time.perf_counter(), sum(os.times()[:4])
        call()
        found.append((sum(os.times()[:4]) - used, time.perf_counter() - start))
    cpu, clock = zip(*found, strict=True)
    return statistics.median(cpu), statistics.median(clock)


def make_contenders(
    kind: str, refs: dict[str, str], hyps: dict[str, str], folder: Path
) -> dict[str, Callable[[], object]]:
    """Return the scorers to measure by name; ours comes first and writes the trn
    files."""
    split = {"words": split_words, "chars": split_chars, "tokens": split_pieces}[kind]
    trn_ids = format_trn_ids({utt_id: f"s{int(utt_id[1:]) % 50}" for utt_id in refs})
    contenders: dict[str, Callable[[], object]] = {
        "ours": lambda: score_folder(pair_texts(refs, hyps, trn_ids, split), folder)
    }
    command = find_program("sclite")
    if command is not None:
        words = [*command, "-r", "ref.trn", "trn", "-h", "hyp.trn", "trn"]
        words += ["-i", "rm", "-o", "all", "stdout"]
        contenders["sclite"] = lambda: subprocess.run(
            words, cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
    import jiwer

    texts = list(refs.values()), list(hyps.values())
    if kind == "chars":
        contenders["jiwer"] = lambda: jiwer.process_characters(*texts)
    else:
        cut = [[" ".join(split(text)) for text in side] for side in texts]
        contenders["jiwer"] = lambda: jiwer.process_words(*cut)
    return contenders


def main() -> None:
    """Print a line for each kind and scorer, and the totals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--utterances", type=int, default=10000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    refs, hyps = make_texts(args.utterances, args.seed)
    totals: dict[str, float] = {}
    print("kind    scorer      cpu s  clock s   ratio to ours")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("words", "chars", "tokens"):
            ours = 0.0
            contenders = make_contenders(kind, refs, hyps, Path(folder) / kind)
            for name, call in contenders.items():
                seconds, clock = measure(call, args.rounds)
                ours = ours or seconds
                totals[name] = totals.get(name, 0.0) + seconds
                show(kind, name, seconds, clock, ours)
    for name, seconds in totals.items():
        print(f"total   {name:<9} {seconds:7.3f}   {seconds / totals['ours']:14.2f}")
    with tempfile.TemporaryDirectory() as folder:
        ours = 0.0
        for name, call in make_four(args.seed, Path(folder)).items():
            seconds, clock = measure(call, args.rounds)
            ours = ours or seconds
            show("four", name, seconds, clock, ours)
    for name, call in make_analyses(refs, hyps, args.seed).items():
        seconds, clock = measure(call, args.rounds)
        print(f"words   {name:<9} {seconds:7.3f}  {clock:7.3f}")


def make_four(seed: int, folder: Path) -> dict[str, Callable[[], object]]:
    """Return the scorers of words and characters, raw and normalized, by name.

    Ours is all of `score-text --lang fa` on 871 utterances, the size of a FLEURS test
    set, after its start. The others count the words and characters of the same texts
    twice.
    """
    refs, hyps = make_texts(NUM_FLEURS, seed)
    paths = {name: folder / name for name in ("ref", "hyp", "out")}
    for name, texts in (("ref", refs), ("hyp", hyps)):
        lines = [f"{utt_id} {text}\n" for utt_id, text in texts.items()]
        paths[name].write_text("".join(lines), encoding="utf-8")
    words = [
        word for name in ("ref", "hyp") for word in (f"--{name}", str(paths[name]))
    ]
    words += ["--output_dir", str(paths["out"]), "--lang", "fa", "--scorer", "own"]

    def score() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            score_text.main(words)

    contenders: dict[str, Callable[[], object]] = {"ours": score}
    kinds = [
        make_contenders(kind, refs, hyps, paths["out"] / f"score_{name}")
        for kind, name in (("words", "wer"), ("chars", "cer"))
    ]
    for name in kinds[0].keys() - {"ours"}:
        calls = [kind[name] for kind in kinds] * 2
        contenders[name] = lambda calls=calls: [call() for call in calls]
    return contenders


def show(kind: str, name: str, seconds: float, clock: float, ours: float) -> None:
    """Print a line of the table."""
    print(f"{kind:<7} {name:<9} {seconds:7.3f}  {clock:7.3f}   {seconds / ours:6.2f}")


def make_analyses(
    refs: dict[str, str], hyps: dict[str, str], seed: int
) -> dict[str, Callable[[], object]]:
    """Return the comparison of two systems and the analysis of one, by name."""
    trn_ids = format_trn_ids({utt_id: f"s{int(utt_id[1:]) % 50}" for utt_id in refs})
    other = make_texts(len(refs), seed, hyp_seed=seed + 1)[1]
    runs = [
        score_pairs(pair_texts(refs, side, trn_ids, split_words))
        for side in (hyps, other)
    ]
    systems = [System(name, [run], "raw") for name, run in zip("ab", runs, strict=True)]
    steps = [run.steps for run in runs]
    calls: dict[str, Callable[[], object]] = {
        "compare": lambda: compare_systems(systems, Plan()),
        "mapsswe": lambda: compare_segments(*steps),
        "analyse": lambda: analyse(runs[0], Details(), Plan()),
    }
    command = find_program("sc_stats")
    if command is not None:
        calls["sc_stats"] = lambda: run_sc_stats(command, *steps)
    return calls


if __name__ == "__main__":
    main()
