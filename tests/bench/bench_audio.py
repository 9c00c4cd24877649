"""Speed of the audio stage beside a plain loop of soundfile and soxr.

Each case is a directory of recordings of one kind, made of filtered noise (seeded).
The plain loop reads a file, resamples it to 16 kHz and writes FLAC: no checks, no
index, no atomic writes. `format_audio` does the whole stage with one process and with
two. Files are warm in the page cache, and output folders are removed before each run.

Run:
    python tests/bench/bench_audio.py [--num_utts 120] [--duration_s 10] [--runs 3]

Output: seconds of audio per second of wall time, the median of the runs, and the ratio
to the plain loop (above 1: faster). The rows to watch are those of one process, where
a ratio below 0.9 is a regression. Starting the processes of a pool takes about half a
second, whatever the size of the data; the column of two processes includes it. The case
of one long recording is cut into segments; there the plain loop opens the file and
seeks once for each segment.
"""

import argparse
import logging
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import soxr

from hamzaban.audio.format_options import FormatOptions
from hamzaban.audio.stage import format_audio

FS = 16000
CASES = {
    "flac 16 kHz, copy": ("flac", 16000, 1),
    "wav 16 kHz": ("wav", 16000, 1),
    "wav 48 kHz": ("wav", 48000, 1),
    "wav 44.1 kHz stereo": ("wav", 44100, 2),
    "mp3 48 kHz": ("mp3", 48000, 1),
    "opus 48 kHz": ("opus", 48000, 1),
}
NUM_SEGMENTS = 200


def make_speech(num_samples: int, channels: int, seed: int) -> np.ndarray:
    """Return noise falling with frequency, shape (num_samples, channels)."""
    noise = np.random.default_rng(seed).standard_normal((num_samples, channels))
    smooth = sum(np.roll(noise, shift, axis=0) for shift in range(12))
    return (0.5 * smooth / np.abs(smooth).max()).astype(np.float32)


def make_case(folder: Path, kind: str, num_utts: int, duration_s: float) -> Path:
    """Write a data directory of recordings of one kind."""
    suffix, fs, channels = CASES[kind]
    folder.mkdir()
    lines = []
    for index in range(num_utts):
        path = folder / f"utt{index:04}.{suffix}"
        speech = make_speech(round(duration_s * fs), channels, index)
        form = {"opus": {"format": "OGG", "subtype": "OPUS"}}.get(suffix, {})
        soundfile.write(path, speech, fs, **form)
        lines.append(f"{path.stem} {path}\n")
    (folder / "wav.scp").write_text("".join(lines))
    speakers = (f"{line.split()[0]} spk\n" for line in lines)
    (folder / "utt2spk").write_text("".join(speakers))
    return folder


def make_long(folder: Path, duration_s: float) -> Path:
    """Write a data directory of one 48 kHz FLAC recording with many segments."""
    folder.mkdir()
    path = folder / "long.flac"
    soundfile.write(path, make_speech(round(duration_s * 48000), 1, 0), 48000)
    step = duration_s / NUM_SEGMENTS
    spans = [(i * step, (i + 1) * step) for i in range(NUM_SEGMENTS)]
    lines = [f"utt{i:04} long {b:.3f} {e:.3f}\n" for i, (b, e) in enumerate(spans)]
    (folder / "wav.scp").write_text(f"long {path}\n")
    (folder / "segments").write_text("".join(lines))
    (folder / "utt2spk").write_text("".join(f"{x.split()[0]} spk\n" for x in lines))
    return folder


def run_plain(data_dir: Path, out_dir: Path) -> None:
    """Read, resample and write in a loop."""
    out_dir.mkdir(parents=True)
    lines = (data_dir / "wav.scp").read_text().splitlines()
    paths = dict(line.split(" ", 1) for line in lines)
    jobs = [(key, path, 0.0, None) for key, path in paths.items()]
    if (data_dir / "segments").exists():
        rows = map(str.split, (data_dir / "segments").read_text().splitlines())
        jobs = [(key, paths[rec], float(b), float(e)) for key, rec, b, e in rows]
    for key, path, begin_s, end_s in jobs:
        with soundfile.SoundFile(path) as file:
            file.seek(round(begin_s * file.samplerate))
            count = -1 if end_s is None else round((end_s - begin_s) * file.samplerate)
            speech = file.read(count, dtype="float32", always_2d=True).mean(1)
            resampled = soxr.resample(speech, file.samplerate, FS)
        soundfile.write(out_dir / f"{key}.flac", resampled, FS)


def measure(works: list[Callable[[Path], None]], out_dir: Path, runs: int) -> list:
    """Return the median time of each kind of work, s; they take turns, to share
    load."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(runs):
        for work, found in zip(works, times, strict=True):
            shutil.rmtree(out_dir, ignore_errors=True)
            began = time.perf_counter()
            work(out_dir)
            found.append(time.perf_counter() - began)
    return [statistics.median(found) for found in times]


def bench(title: str, data_dir: Path, audio_s: float, runs: int) -> None:
    """Measure one case and print its row."""
    options = FormatOptions(max_duration_s=float("inf"))
    works = [
        lambda out: run_plain(data_dir, out),
        lambda out: format_audio(data_dir, out, options, nj=1),
        lambda out: format_audio(data_dir, out, options, nj=2),
    ]
    plain_s, *stage_s = measure(works, data_dir.parent / "out", runs)
    cells = [
        f"{audio_s / time_s:>6.0f} | {plain_s / time_s:>5.2f}" for time_s in stage_s
    ]
    plain = f"{audio_s / plain_s:>6.0f}"
    print(f"| {title:<20} | {plain} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Make the cases, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num_utts", type=int, default=120)
    parser.add_argument("--duration_s", type=float, default=10.0)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    logging.disable(logging.INFO)
    audio_s = args.num_utts * args.duration_s
    print("| to FLAC 16 kHz       |  plain |   nj 1 | ratio |   nj 2 | ratio |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for number, kind in enumerate(CASES):
            place = Path(folder) / str(number)
            data_dir = make_case(place, kind, args.num_utts, args.duration_s)
            bench(kind, data_dir, audio_s, args.runs)
        data_dir = make_long(Path(folder) / "long", audio_s)
        bench(f"long, {NUM_SEGMENTS} segments", data_dir, audio_s, args.runs)


if __name__ == "__main__":
    main()
