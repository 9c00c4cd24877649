"""Speed and memory of mining beside its decoder and its voice activity alone.

The speech is that of mini_ar, with noise between, coded by this script. `decoder` is
PyAV alone, packets to frames; `VAD` is Silero on samples at 16 kHz in memory, in blocks
as mining gives them; `mine` is a part from file to FLAC chunks, fingerprints and
record. Times are CPU time of one process and take turns, so that other programs
disturb little. `command` is the whole of `hamzaban mine`, all its processes, start
included; its memory is that of its largest process, the highest it ever was.

Run:
    python tests/bench/bench_mine.py [--minutes 10] [--runs 3] [--hours 10]

Output: seconds of audio per CPU second (medians), and the time of `mine` divided by
that of decoder and VAD together; above 1.5, or below 200 times real time, is a
regression. Then memory by length: it is to stay level. Then fingerprints: bits that
change by coding, over 2 s, half a frame apart, against the most alike speech of the
same speaker.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins"))
from mine_media import FS, ROOT, make_config, read_speech, write_media

from hamzaban.mine.decode import probe_media, read_media
from hamzaban.mine.fingerprint import NUM_BITS, WINDOW_FRAMES, fingerprint
from hamzaban.mine.mining_options import read_options
from hamzaban.mine.part_mining import PartJob, mine_part
from hamzaban.mine.vad import BLOCK_SAMPLES, VoiceActivity

CODINGS = (("mp3", 128000), ("mp3", 64000), ("opus", 64000), ("opus", 24000))
CODINGS += (("m4a", 96000),)
WORSE = (("mp3", 64000), ("mp3", 32000), ("opus", 12000), ("m4a", 48000))
SPEAKERS = [f"spk{number:02}" for number in range(1, 31)]


def make_speech(duration_s: float) -> np.ndarray:
    """Return utterances of all speakers with pauses and noise between them."""
    rng = np.random.default_rng(0)
    parts = []
    for spk_id in SPEAKERS:
        parts.append(read_speech(spk_id, 55.0))
        noise = rng.standard_normal(round(rng.uniform(1, 6) * FS)).astype(np.float32)
        parts.append(noise * np.float32(0.02))
    speech = np.concatenate(parts)
    return np.tile(speech, int(duration_s * FS / len(speech)) + 1)[
        : round(duration_s * FS)
    ]


def decode(path: Path) -> None:
    """Turn packets into frames, no more."""
    with av.open(str(path)) as container:
        stream = container.streams.best("audio")
        stream.codec_context.thread_count = 1
        for _ in container.decode(stream):
            pass


def run_vad(speech: np.ndarray) -> None:
    """Run Silero VAD in blocks as mining does."""
    vad = VoiceActivity()
    for start in range(0, len(speech) - BLOCK_SAMPLES + 1, BLOCK_SAMPLES):
        vad(speech[start : start + BLOCK_SAMPLES])


def measure(works: list[Callable[[], object]], runs: int) -> list[float]:
    """Return the median CPU time of each kind of work, s."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(runs):
        for work, found in zip(works, times, strict=True):
            began = time.process_time()
            work()
            found.append(time.process_time() - began)
    return [statistics.median(found) for found in times]


def bench_speed(folder: Path, speech: np.ndarray, runs: int) -> None:
    """Print the table of speeds."""
    options = read_options(ROOT / "conf" / "mine.yaml")
    duration_s = len(speech) / FS
    print("| coding | decoder | VAD | mine | mine / (decoder + VAD) |")
    print("|---|---:|---:|---:|---:|")
    for suffix, bit_rate in CODINGS:
        path = write_media(folder / f"{bit_rate}.{suffix}", speech, bit_rate=bit_rate)
        record, audio = folder / "part.npz", folder / "chunks"
        job = PartJob(probe_media(path), "x", 0, None, record, audio, options)
        works = [
            lambda path=path: decode(path),
            lambda: run_vad(speech),
            lambda job=job: mine_part(job),
        ]
        times = measure(works, runs)
        cells = [f"{duration_s / time_s:.0f}" for time_s in times]
        ratio = f"{times[2] / (times[0] + times[1]):.2f}"
        name = f"{suffix} {bit_rate // 1000} kbit/s"
        print(f"| {name} | {' | '.join(cells)} | {ratio} |", flush=True)


def repeat_media(path: Path, target: Path, duration_s: float) -> None:
    """Copy the packets of a file repeatedly until it has the duration wanted."""
    with av.open(str(target), "w") as output:
        copy, offset = None, 0
        while True:
            with av.open(str(path)) as source:
                stream = source.streams.best("audio")
                copy = copy or output.add_stream_from_template(stream)
                last = 0
                for packet in source.demux(stream):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    last = packet.pts + packet.duration
                    packet.stream = copy
                    if last * packet.time_base > duration_s:
                        return
                    output.mux(packet)
                offset = last


def run_command(folder: Path, path: Path, name: str, **changes: object) -> None:
    """Run `hamzaban mine` on a file and print its row."""
    config = make_config(folder, **changes)
    command = [sys.executable, "-m", "hamzaban", "mine", "--config", str(config)]
    command += ["--output_dir", str(folder / f"out {name}"), str(path)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"{name}: hamzaban mine failed")
    cpu_s = usage.ru_utime + usage.ru_stime
    duration_s = probe_media(path).duration_s or 0.0
    speed = f"{duration_s / cpu_s:.0f}"
    memory = f"{usage.ru_maxrss / 1024:.0f}"
    print(f"| {name} | {speed} | {cpu_s:.0f} | {memory} |", flush=True)


def bench_memory(folder: Path, speech: np.ndarray, hours: float) -> None:
    """Print the table of the whole command by length."""
    path = write_media(folder / "loop.mp3", speech, bit_rate=64000)
    print("\n| `hamzaban mine`, mp3 | times real time | CPU s | memory, MiB |")
    print("|---|---:|---:|---:|")
    lengths = [
        (1 / 60, "1 min"),
        (1 / 6, "10 min"),
        (1.0, "1 h"),
        (hours, f"{hours:g} h"),
    ]
    for length_h, name in lengths:
        target = folder / f"{name}.mp3"
        repeat_media(path, target, length_h * 3600)
        run_command(folder, target, f"{name}, in one part", part_s=1e6)
    run_command(folder, target, f"{name}, in parts")


def bench_fingerprints(folder: Path) -> None:
    """Print the shares of bits that change."""

    def errors(numbers: np.ndarray, others: np.ndarray) -> np.ndarray:
        count = min(len(numbers), len(others))
        wrong = np.bitwise_count(numbers[:count] ^ others[:count]) / NUM_BITS
        return np.convolve(wrong, np.full(WINDOW_FRAMES, 1 / WINDOW_FRAMES), "valid")

    print("\n| bits that change over 2 s | half | 99 % below | most | least |")
    print("|---|---:|---:|---:|---:|")

    def show(name: str, found: np.ndarray) -> None:
        marks = (0.5, 0.99, 1, 0)
        cells = " | ".join(f"{100 * np.quantile(found, m):.1f} %" for m in marks)
        print(f"| {name} | {cells} |", flush=True)

    for suffix, bit_rate in (
        ("mp3", 64000),
        ("mp3", 32000),
        ("opus", 12000),
        ("m4a", 48000),
    ):
        found = []
        for spk_id in SPEAKERS[::4]:
            speech = read_speech(spk_id, 55.0)
            path = folder / f"{spk_id} {bit_rate}.{suffix}"
            media = probe_media(write_media(path, speech, bit_rate=bit_rate))
            coded = np.concatenate(list(read_media(media, 256, FS, [])))
            found.append(errors(fingerprint(speech), fingerprint(coded)))
        show(f"{suffix} {bit_rate // 1000} kbit/s, 16 ms apart", np.concatenate(found))
    nearest = []
    for spk_id in SPEAKERS:
        numbers = fingerprint(read_speech(spk_id, 170.0))
        lags = range(WINDOW_FRAMES, len(numbers) - WINDOW_FRAMES)
        nearest.append(min(errors(numbers[n:], numbers[:-n]).min() for n in lags))
    show("the most alike other speech of each speaker", np.array(nearest))


def main() -> None:
    """Make the media, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--hours", type=float, default=10.0, help="0: no memory test")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        speech = make_speech(args.minutes * 60)
        bench_speed(folder, speech, args.runs)
        if args.hours:
            bench_memory(folder, speech, args.hours)
        bench_fingerprints(folder)


if __name__ == "__main__":
    main()
