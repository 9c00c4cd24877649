"""Time and memory of the leak audit on a million lines, with leaks planted.

Lines of 4 to 16 made-up words whose frequencies fall as 1 / rank and whose lengths grow
with the logarithm of the rank, as in natural text; 10,000 held-out sentences (valid and
test). Planted: equal lines, and lines with one edit in every twenty characters.

Run:
    python tests/bench/bench_leaks.py [--num_lines 1000000] [--num_held_out 10000]

Output: CPU and wall seconds of reading, comparing and all, peak memory, and how many of
the planted lines were found.
"""

import argparse
import itertools
import math
import random
import resource
import tempfile
import time
from pathlib import Path

from hamzaban.lm.audit import Texts, list_leaks

LETTERS = "ابپتثجچحخدذرزسشصضطظعغفقکگلمنوهی"


def make_words(rng: random.Random, num_words: int = 60_000) -> list[str]:
    """Make words, the frequent ones short, of letters of unequal frequency."""
    weights = [1 / (i + 2) for i in range(len(LETTERS))]
    lengths = (
        max(1, round(rng.gauss(1.2 + 0.5 * math.log2(i + 2), 1)))
        for i in range(num_words)
    )
    found = ("".join(rng.choices(LETTERS, weights, k=length)) for length in lengths)
    return list(dict.fromkeys(found))


def main() -> None:
    """Write the files, audit them, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_lines", type=int, default=1_000_000)
    parser.add_argument("--num_held_out", type=int, default=10_000)
    args = parser.parse_args()
    rng = random.Random(0)
    words = make_words(rng)
    weights = list(itertools.accumulate(1 / (i + 1) for i in range(len(words))))

    def sentence() -> str:
        return " ".join(rng.choices(words, cum_weights=weights, k=rng.randint(4, 16)))

    held_out = [sentence() for _ in range(args.num_held_out)]
    with tempfile.TemporaryDirectory() as name:
        test, lm = Path(name) / "text", Path(name) / "lm.txt"
        rows = (f"u{i:07d} {text}\n" for i, text in enumerate(held_out))
        test.write_text("".join(rows), encoding="utf-8")
        planted = {}
        with open(lm, "w", encoding="utf-8") as f:
            for number in range(1, args.num_lines + 1):
                text = sentence()
                if number % (args.num_lines // 100) == 0:
                    text = list(rng.choice(held_out))
                    edits = len(text) // 20 if len(planted) % 2 else 0
                    for i in rng.sample(range(len(text)), edits):
                        text[i] = rng.choice(LETTERS)
                    text, planted[number] = "".join(text), edits
                f.write(text + "\n")
        start, cpu = time.monotonic(), time.process_time()
        leaks = list_leaks(Texts(test=(test,), lm=(lm,)))
        wall_s, cpu_s = time.monotonic() - start, time.process_time() - cpu
    found = {int(leak.place.rpartition(":")[2]) for leak in leaks}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{args.num_lines} lines, {args.num_held_out} held out, {len(planted)} planted"
    )
    print(f"CPU {cpu_s:.1f} s, wall {wall_s:.1f} s, peak memory {peak:.0f} MiB")
    print(f"planted lines found: {len(found & set(planted))} of {len(planted)}")
    print(f"other lines found: {len(found - set(planted))}")


if __name__ == "__main__":
    main()
