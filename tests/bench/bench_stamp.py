"""Cost of a stamp that records the size and time of many files of audio."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hamzaban.launch.many_files import describe_below, describe_recordings

FILES_PER_FOLDER = 4000  # as format-audio writes them


def make_files(folder: Path, count: int) -> None:
    """Make the files and the wav.scp."""
    folder.mkdir(parents=True)
    with open(folder / "wav.scp", "w", encoding="utf-8") as lines:
        for number in range(count):
            below = folder / "data" / f"format.{number // FILES_PER_FOLDER}"
            if number % FILES_PER_FOLDER == 0:
                below.mkdir(parents=True)
            path = below / f"utt_{number:08}.flac"
            path.touch()
            lines.write(f"utt_{number:08} {path}\n")


def measure(title: str, function: Callable[[Path], Any], path: Path) -> None:
    """Print the processor time and wall time of a call."""
    began, began_cpu = time.perf_counter(), time.process_time()
    function(path)
    elapsed_s = time.perf_counter() - began
    cpu_s = time.process_time() - began_cpu
    print(f"{title}: {elapsed_s:.1f} s, {cpu_s:.1f} s of CPU")


def main() -> None:
    """Make the files if they are missing, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="gets empty files and a wav.scp")
    parser.add_argument("--count", type=int, default=1_000_000, help="of files")
    args = parser.parse_args()
    folder = args.folder
    if not folder.exists():
        make_files(folder, args.count)
    measure("files below an output", describe_below, folder)
    measure("files that a wav.scp names", describe_recordings, folder / "wav.scp")


if __name__ == "__main__":
    main()
