"""Speed of text normalization: ours and other packages, on the same real text.

Text: the files <lang>_*.txt of --text_dir, shuffled and repeated to --megabytes; one
process each, line by line, all held in memory. The normalizers take turns, so that
other work on the machine affects all alike. Results are medians of the processor time
over --rounds. `ours, blocks` gets 1,000 lines at once, as `hamzaban normalize` does it.
A package that does not install or run is named with the reason.

Usage: python tests/bench/bench_normalize.py --text_dir DIR [--env_dir DIR]
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from peers import PEERS, Worker, install, program_of_ours

OURS = "ours, train, blocks"


def write_text(files: Sequence[Path], path: Path, megabytes: float, seed: int) -> int:
    """Write the lines of files, shuffled and repeated; return how many."""
    lines = [
        line for file in files for line in file.read_text("utf-8").split("\n") if line
    ]
    random.Random(seed).shuffle(lines)
    chosen: list[str] = []
    size = 0
    while size < megabytes * 1e6:
        chosen += lines
        size += sum(len(line.encode()) + 1 for line in lines)
    path.write_text("\n".join(chosen), encoding="utf-8")
    return len(chosen)


def start_workers(lang: str, env_dir: Path) -> dict[str, Worker]:
    """Start ours and every peer of a language that installs and runs."""
    workers = {
        OURS: Worker(sys.executable, program_of_ours(lang, "train", in_blocks=True)),
        "ours, train": Worker(sys.executable, program_of_ours(lang, "train")),
        "ours, score": Worker(sys.executable, program_of_ours(lang, "score")),
    }
    for peer in PEERS:
        if lang in peer.langs:
            name = f"{peer.name} ({peer.scope})"
            try:
                workers[name] = Worker(install(peer, env_dir), peer.program)
            except ValueError as error:
                print(f"{lang}: {name}: {error}")
    return workers


def measure(workers: dict[str, Worker], path: Path, rounds: int) -> dict[str, float]:
    """Return the median processor time in seconds of each worker over the file."""
    times: dict[str, list[float]] = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            times[name].append(worker.ask("time", str(path))[0])
    return {name: statistics.median(values) for name, values in times.items()}


def measure_processes(lang: str, path: Path, processes: int) -> tuple[float, float]:
    """Run ours in several processes at once; return CPU and wall seconds of all."""
    program = program_of_ours(lang, "train", in_blocks=True)
    workers = [Worker(sys.executable, program) for _ in range(processes)]
    with ThreadPoolExecutor(processes) as pool:
        start = time.perf_counter()
        answers = pool.map(lambda worker: worker.ask("time", str(path)), workers)
        cpu_s = sum(answer[0] for answer in answers)
    wall_s = time.perf_counter() - start
    for worker in workers:
        worker.close()
    return cpu_s, wall_s


def main(cmd: Sequence[str] | None = None) -> int:
    """Measure and print a table for each language that has text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text_dir", type=Path, required=True)
    parser.add_argument("--env_dir", type=Path, help="keeps environments for next time")
    parser.add_argument("--langs", nargs="+", default=["fa", "ar", "ur", "sd", "ps"])
    parser.add_argument("--megabytes", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args(cmd)
    with tempfile.TemporaryDirectory(prefix="bench normalize ") as folder:
        for lang in args.langs:
            files = sorted(args.text_dir.glob(f"{lang}_*.txt"))
            if not files:
                print(f"{lang}: no text")
                continue
            path = Path(folder) / f"{lang}.txt"
            num_lines = write_text(files, path, args.megabytes, 0)
            workers = start_workers(lang, args.env_dir or Path(folder))
            print_table(lang, measure(workers, path, args.rounds), path, num_lines)
            for worker in workers.values():
                worker.close()
            print_processes(lang, path, args.processes)
    return 0


def print_table(lang: str, times: dict[str, float], path: Path, num_lines: int) -> None:
    """Print speeds and their ratios to ours."""
    size = path.stat().st_size / 1e6
    print(f"\n{lang}: {size:.2f} MB, {num_lines} lines")
    print("| normalizer | MB/s | lines/s | ours, blocks / it | ours, lines / it |")
    print("|---|---|---|---|---|")
    for name, cpu_s in times.items():
        print(
            f"| {name} | {size / cpu_s:.2f} | {num_lines / cpu_s:,.0f} "
            f"| {cpu_s / times[OURS]:.1f} | {cpu_s / times['ours, train']:.1f} |"
        )


def print_processes(lang: str, path: Path, processes: int) -> None:
    """Print what several processes of ours cost and gain."""
    size = path.stat().st_size / 1e6
    for number in (1, processes):
        cpu_s, wall_s = measure_processes(lang, path, number)
        print(
            f"{lang}: {number} processes: {number * size / wall_s:.1f} MB/s by the "
            f"clock, {number * size / cpu_s:.1f} MB/s of one processor's time"
        )


if __name__ == "__main__":
    raise SystemExit(main())
