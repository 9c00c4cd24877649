"""Time that noise and rooms add to the audio stage.

Recordings of filtered noise (seeded) go through `format_audio` in one process: as they
are, with a noise of a list of 60 s files, with a babble of five of them, and with a
noise and a room of 1 s. Files are warm in the page cache, output folders are removed
before each run, the works take turns.

Run:
    python tests/bench/bench_noise.py [--num_utts 120] [--duration_s 6] [--runs 3]

Output: CPU time of an utterance in ms (of this process, which other jobs on the machine
hardly change) as median of the runs, wall time beside it, and how much more CPU time
than without noise. The first row links its files when there is no noise, so that all
decoding and coding is added: look at the others for the price of noise itself.
"""

import argparse
import logging
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from bench_audio import FS, make_case, make_speech

from hamzaban.audio.format_options import FormatOptions, NoiseOptions
from hamzaban.audio.noise import prepare_noise
from hamzaban.audio.stage import format_audio

KINDS = ("flac 16 kHz, copy", "wav 16 kHz", "mp3 48 kHz")
NUM_NOISES = 20


def make_lists(folder: Path) -> dict[str, NoiseOptions | None]:
    """Write noises and rooms; return the options of each work."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    noises, rooms = [], []
    for index in range(NUM_NOISES):
        noises.append(folder / f"noise{index}.wav")
        soundfile.write(noises[-1], make_speech(60 * FS, 1, index), FS)
        response = rng.normal(0, 0.1, FS) * np.exp(-np.arange(FS) / 4000)
        response[100] = 1.0
        rooms.append(folder / f"room{index}.wav")
        soundfile.write(rooms[-1], response / 2, FS)
    for name, paths in (("noise", noises), ("room", rooms)):
        (folder / name).write_text("".join(f"{path}\n" for path in paths))
    noise = NoiseOptions(noise_list=folder / "noise")
    return {
        "clean": None,
        "noise": prepare_noise(noise),
        "babble of 5": prepare_noise(
            NoiseOptions(noise_list=folder / "noise", num_noises=(5, 5))
        ),
        "noise, room": prepare_noise(
            NoiseOptions(noise_list=folder / "noise", rir_list=folder / "room")
        ),
    }


def main() -> None:
    """Make the cases, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num_utts", type=int, default=120)
    parser.add_argument("--duration_s", type=float, default=6.0)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    logging.disable(logging.INFO)
    print("| recordings | work | CPU, ms | wall, ms | CPU more than clean |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        works = make_lists(Path(folder) / "sounds")
        for number, kind in enumerate(KINDS):
            place = Path(folder) / str(number)
            data_dir = make_case(place, kind, args.num_utts, args.duration_s)
            bench(kind, data_dir, works, args)


def bench(
    kind: str,
    data_dir: Path,
    works: dict[str, NoiseOptions | None],
    args: argparse.Namespace,
) -> None:
    """Measure one kind of recordings and print its rows."""
    out_dir = data_dir.parent / "out"
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
    for _ in range(args.runs):
        for name, noise in works.items():
            shutil.rmtree(out_dir, ignore_errors=True)
            began = time.process_time(), time.perf_counter()
            format_audio(data_dir, out_dir, FormatOptions(noise=noise))
            ended = time.process_time(), time.perf_counter()
            found[name].append((ended[0] - began[0], ended[1] - began[1]))
    clean = statistics.median(cpu for cpu, _ in found["clean"])
    for name, times in found.items():
        cpu, wall = (statistics.median(t) for t in zip(*times, strict=True))
        cells = [f"{1000 * t / args.num_utts:.1f}" for t in (cpu, wall)]
        print(f"| {kind} | {name} | {' | '.join(cells)} | {cpu / clean - 1:+.0%} |")


if __name__ == "__main__":
    main()
