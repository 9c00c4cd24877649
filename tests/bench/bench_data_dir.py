"""Time and memory of data directories: the validator and the copying verbs.

Writes a made-up directory (Persian text with ZWNJ, ten words an utterance), then runs
each command in a process of its own, the repeats interleaved, and prints medians as a
Markdown table with ratios to a plain read: each file opened in Python, every line
decoded and split. Processor seconds are those to compare on a busy machine.

    python tests/bench/bench_data_dir.py [--num_utts 1000000] [--repeats 3]
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

LIMIT_S, LIMIT_MIB = 15.0, 1024.0  # for a million utterances, text side
UTTS_PER_SPK = 100
WORDS = ("می\u200cروم", "سلام", "کتاب", "خانه", "بزرگ", "در", "است", "این", "امروز")
FILES = ("utt2spk", "spk2utt", "text", "wav.scp", "utt2num_samples")
PLAIN_READ = """
import sys
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            line.split(maxsplit=1)
"""


class Cost(NamedTuple):
    """The cost of a process: wall seconds, processor seconds, peak memory."""

    wall_s: float
    cpu_s: float
    memory_mib: float


def write_dir(data_dir: Path, num_utts: int, *, is_grouped: bool) -> Path:
    """Write a valid directory.

    Args:
        data_dir: The directory, which is made.
        num_utts: Number of utterances.
        is_grouped: Utterance ids begin with the speaker; otherwise the speakers of
            neighbouring utterances differ.
    """
    data_dir.mkdir(parents=True)
    rng = random.Random(0)
    num_spks = max(1, num_utts // UTTS_PER_SPK)
    utts_of: dict[str, list[str]] = {f"spk{n:06d}": [] for n in range(num_spks)}
    streams = {n: open(data_dir / n, "w", encoding="utf-8") for n in FILES}  # noqa: SIM115
    for number in range(num_utts):
        place = number * num_spks // num_utts if is_grouped else number % num_spks
        spk = f"spk{place:06d}"
        utt = f"{spk}-utt{number:08d}" if is_grouped else f"utt{number:08d}-of-corpus"
        utts_of[spk].append(utt)
        streams["utt2spk"].write(f"{utt} {spk}\n")
        streams["text"].write(f"{utt} {' '.join(rng.choices(WORDS, k=10))}\n")
        streams["wav.scp"].write(f"{utt} /data/corpus/audio/{spk}/{utt}.flac\n")
        streams["utt2num_samples"].write(f"{utt} {rng.randrange(16000, 160000)}\n")
    for spk, utts in utts_of.items():
        streams["spk2utt"].write(" ".join([spk, *utts]) + "\n")
    for stream in streams.values():
        stream.close()
    return data_dir


def shuffle_text(source: Path, target: Path) -> Path:
    """Link the files of a directory except text, which is shuffled."""
    target.mkdir()
    for name in FILES:
        if name != "text":
            os.link(source / name, target / name)
    lines = (source / "text").read_bytes().splitlines(keepends=True)
    random.Random(0).shuffle(lines)
    (target / "text").write_bytes(b"".join(lines))
    return target


def measure(words: Sequence[str], expected_status: int) -> Cost:
    """Run a command and measure it.

    Raises:
        RuntimeError: It ended with another status.
    """
    start = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as child:
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - start
    if child.returncode != expected_status:
        raise RuntimeError(f"{' '.join(words)}: status {child.returncode}")
    return Cost(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def make_cases(folder: Path, num_utts: int) -> dict[str, tuple[list[str], int]]:
    """Return the commands to measure and their exit statuses; the plain read is
    first."""
    plain = write_dir(folder / "plain", num_utts, is_grouped=True)
    mixed = write_dir(folder / "mixed", num_utts, is_grouped=False)
    shuffled = shuffle_text(plain, folder / "shuffled")
    verb = [sys.executable, "-m", "hamzaban"]
    validate = [*verb, "validate-data", "--no_wav"]
    read = [sys.executable, "-c", PLAIN_READ, *(str(plain / name) for name in FILES)]
    out = str(folder / "out")
    return {
        "plain read, line by line": (read, 0),
        "validate-data": ([*validate, str(plain)], 0),
        "validate-data, speakers mixed": ([*validate, str(mixed)], 0),
        "validate-data, text shuffled": ([*validate, str(shuffled)], 1),
        "copy-data": ([*verb, "copy-data", str(plain), out], 0),
        "copy-data, text shuffled": ([*verb, "copy-data", str(shuffled), out], 0),
        "subset-data, half at random": (
            [*verb, "subset-data", "--random", str(num_utts // 2), str(plain), out],
            0,
        ),
    }


def main() -> int:
    """Measure and print the table; status 1 if the validator is over a limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_utts", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with ProcessPoolExecutor(
            1
        ) as pool:  # a child's peak counts its parent's memory
            cases = pool.submit(make_cases, Path(folder), args.num_utts).result()
        costs: dict[str, list[Cost]] = {name: [] for name in cases}
        for _ in range(args.repeats):
            for name, (words, status) in cases.items():
                costs[name].append(measure(words, status))
    medians = {
        name: Cost(*map(statistics.median, zip(*found, strict=True)))
        for name, found in costs.items()
    }
    base = next(iter(medians.values()))
    load = os.getloadavg()[0]
    print(f"{args.num_utts} utterances, median of {args.repeats}, load {load:.1f}\n")
    print("| command | wall s | processor s | ratio | MiB |\n|---|---|---|---|---|")
    for name, cost in medians.items():
        ratio = cost.cpu_s / base.cpu_s
        numbers = f"{cost.wall_s:.1f} | {cost.cpu_s:.1f} | {ratio:.1f}"
        print(f"| {name} | {numbers} | {cost.memory_mib:.0f} |")
    found = medians["validate-data"]
    scale = max(1.0, args.num_utts / 1_000_000)
    return int(found.cpu_s > LIMIT_S * scale or found.memory_mib > LIMIT_MIB)


if __name__ == "__main__":
    raise SystemExit(main())
