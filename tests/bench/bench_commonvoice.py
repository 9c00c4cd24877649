"""Prepare a Common Voice of 2.5 million clips: time, memory, disk.

Tables in the layout of release 25.0 with the counts of English are made up (sentences
of random words, 100,000 contributors); clips are links to one file. Run by hand:

    python tests/bench/bench_commonvoice.py --scale 1.0 /a/folder/of/2/GB
"""

import argparse
import hashlib
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

COUNTS = {"validated": 1_881_067, "dev": 16_403, "test": 16_403, "other": 382_810}
NUM_SPEAKERS = 99_724
LINKS_PER_FILE = 60_000
HEADER = (
    "client_id path sentence_id sentence sentence_domain up_votes down_votes age "
    "gender accents variant locale segment"
)


def make_rows(count: int, num_speakers: int, words: list[str]) -> Iterator[list[str]]:
    """Yield rows of validated.tsv, sorted by contributor as the releases are."""
    rng = random.Random(0)
    for number in range(count):
        speaker = hashlib.sha512(str(number * num_speakers // count).encode())
        sentence = " ".join(rng.choices(words, k=rng.randint(5, 14))) + "."
        place = f"common_voice_en_{10_000_000 + number}.mp3"
        sentence_id = hashlib.sha256(sentence.encode()).hexdigest()
        row = [speaker.hexdigest(), place, sentence_id, sentence, "", "2", "0"]
        yield [*row, "twenties", "", "United States English", "", "en", ""]


def make_corpus(root: Path, scale: float) -> Path:
    """Write the tables, and clips as links to short files."""
    folder = root / "cv-corpus-25.0-2026-03-09" / "en"
    (folder / "clips").mkdir(parents=True, exist_ok=True)
    rng = random.Random(1)
    letters = "abcdefghijklmnoprstuvwy"
    words = ["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(60_000)]
    counts = {name: max(1, round(count * scale)) for name, count in COUNTS.items()}
    held = counts["dev"] + counts["test"]
    with ExitStack() as stack:
        tables = {
            name: stack.enter_context(open(folder / f"{name}.tsv", "w"))
            for name in (*counts, "train", "clip_durations")
        }
        for table in tables.values():
            table.write(HEADER.replace(" ", "\t") + "\n")
        rows = make_rows(counts["validated"], round(NUM_SPEAKERS * scale) + 9, words)
        for number, row in enumerate(rows):
            line = "\t".join(row) + "\n"
            tables["validated"].write(line)
            if number < held:
                tables["dev" if number < counts["dev"] else "test"].write(line)
            tables["clip_durations"].write(f"{row[1]}\t{rng.randint(2000, 9000)}\n")
            link_clip(root, folder / "clips" / row[1], number)
    return folder


def link_clip(root: Path, clip: Path, number: int) -> None:
    """Link a clip to one of some files, since a file system limits the links of one."""
    source = root / f"clip {number // LINKS_PER_FILE}"
    if not source.exists():
        source.write_bytes(b"\xff\xfb" + bytes(100))
    if not clip.exists():
        os.link(source, clip)


def measure(folder: Path, output: Path, *options: str) -> None:
    """Run the verb and print wall and processor time, peak memory, and bytes."""
    words = [sys.executable, "-m", "hamzaban", "prepare-corpus", "commonvoice"]
    words += [str(folder), "--lang", "en", "--output", str(output)]
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*words, "--check_counts", "false", *options], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print(
        f"{' '.join(options) or 'all of it':<12}{time.monotonic() - began:8.1f} s wall"
        f"{used:8.1f} s CPU{after.ru_maxrss / 1024:8.0f} MiB peak{size / 1e6:8.1f} MB"
    )


def main() -> None:
    """Read the command line, make the corpus, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="kept, for a second run")
    parser.add_argument("--scale", type=float, default=1.0, help="of English")
    args = parser.parse_args()
    began = time.process_time()
    folder = make_corpus(args.folder, args.scale)
    print(f"made in {time.process_time() - began:.1f} s CPU")
    measure(folder, args.folder / "data")
    measure(folder, args.folder / "data", "--hours", "5")


if __name__ == "__main__":
    main()
