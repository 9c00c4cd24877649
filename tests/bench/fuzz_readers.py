"""Damage the inputs of all readers for a chosen time and print the outcomes.

    python tests/bench/fuzz_readers.py --minutes 60 --seed 0

A fault is a traceback, more than one line, a line without a path, a temporary file, an
output beside a refusal, or 30 s of processor time; each is printed with its seed.
"""

import argparse
import importlib
import itertools
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "plugins")]
MODULES = ("fuzz_text_readers", "fuzz_audio_readers", "fuzz_model_readers")
MAX_SHOWN = 20  # faults of a reader


def run(args: argparse.Namespace, folder: Path) -> dict[str, Counter[str]]:
    """Run cases in turn until the time is over; return the counts by reader."""
    import fuzzing

    names = [name for name in MODULES if (HERE.parent / f"plugins/{name}.py").exists()]
    readers = [r for n in names for r in importlib.import_module(n).all_readers()]
    readers = [reader for reader in readers if args.only in reader.name]
    counts: dict[str, Counter[str]] = {reader.name: Counter() for reader in readers}
    end = time.monotonic() + 60 * args.minutes
    for seed in itertools.count(args.seed):
        for number, reader in enumerate(readers):
            if time.monotonic() > end or seed - args.seed == args.cases:
                return counts
            sound = folder / f"sound {number}"
            if not sound.exists():
                sound.mkdir()
                reader.write(sound)
            case = fuzzing.run_case(reader, sound, folder / "case", seed)
            result = "faults" if case.faults else "refused" if case.status else "ok"
            counts[reader.name][result] += 1
            if case.faults and counts[reader.name]["faults"] <= MAX_SHOWN:
                print(case, flush=True)
    return counts


def main() -> None:
    """Read the options, run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--cases", type=int, default=-1, help="of each reader, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of the name of a reader")
    args = parser.parse_args()
    logging.getLogger().addHandler(logging.NullHandler())
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        counts = run(args, Path(folder))
    print("| reader | cases | ok | refused | faults |\n|---|---|---|---|---|")
    counts["all"] = sum(counts.values(), Counter())
    for name, count in counts.items():
        results = " | ".join(str(count[key]) for key in ("ok", "refused", "faults"))
        print(f"| {name} | {count.total()} | {results} |")
    print(f"{(time.monotonic() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
