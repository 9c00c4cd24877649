"""Cost of rounds of pseudo-labels as `pseudo-label` runs them: time, memory, disk.

Emissions are simulated (`simulated_emissions`), of --num_different held-out sentences,
repeated under other ids to --num_utts. Each round has a store of as many, and one more,
of a noisier channel, in the place of a pass with dropout; beside lie a data directory
of as many, true text, and another decoding. `run_round` opens, searches, filters and
judges them and writes what is kept, with conf/pseudo.yaml and both filters by
agreement. Nothing is trained, no audio is read; what is made before is not measured.

Run:
    python tests/bench/bench_pseudo.py [--num_utts 100000] [--nj 2]
    python tests/bench/bench_pseudo.py --num_utts 1000 --rounds 2

Output: for each round and step the processor time, that of ended children included, and
the wall time; peak memory of this process while it ran (with --nj 1 there is no other);
disk.
"""

import argparse
import functools
import itertools
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np
from bench_beam import train_lm
from simulated_emissions import Channel, make_tokenizer, read_sentences

from hamzaban.data.write import DirWriter, write_scp
from hamzaban.decode.store import Meta, write_meta, write_part
from hamzaban.pseudo import rounds
from hamzaban.pseudo.round_options import read_options

CONFIG = Path(__file__).parents[2] / "conf" / "pseudo.yaml"
SHIFT_S, FS = 0.02, 16000
PART_UTTS = 500
STEPS = {  # of run_round, by the function that does it; reading and writing is "rest"
    "read_text_facts": "read sentences",
    "EmissionStore": "open emissions",
    "_label": "decode",
    "score_perplexity": "perplexity",
    "measure": "health",
    "measure_agreement": "agreement",
    "_filter": "filter",
    "_write_kept": "write kept",
    "score_labels": "WER by ref",
    "write_status": "table, picture",
}
OPTIONS: dict[str, Any] = {
    "mapping": None,
    "filters": {
        "bounds": {
            "others_disagreement": {"max": 0.5},
            "dropout_disagreement": {"max": 0.5},
        }
    },
}
Times = dict[str, tuple[float, float]]


def read_clocks() -> tuple[float, float]:
    """Return seconds of processor time, ended children's included, and of wall time."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = time.process_time() + children.ru_utime + children.ru_stime
    return cpu_s, time.monotonic()


def read_peak_mib(reset: bool = False) -> float:
    """Return the peak memory of this process since the last reset, MiB."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return int(fields["VmHWM"].split()[0]) / 1024


def watch(times: Times) -> None:
    """Make each step of run_round add its own seconds to `times`."""

    def timed(function: Callable[..., Any], step: str) -> Callable[..., Any]:
        @functools.wraps(function, updated=())
        def run(*args: Any, **options: Any) -> Any:
            before = read_clocks()
            try:
                return function(*args, **options)
            finally:
                cpu_s, wall_s = np.subtract(read_clocks(), before)
                old = times.get(step, (0.0, 0.0))
                times[step] = old[0] + cpu_s, old[1] + wall_s

        return run

    for name, step in STEPS.items():
        function = getattr(rounds, name)
        setattr(rounds, name, timed(getattr(function, "__wrapped__", function), step))


def name_utts(number: int) -> Iterator[tuple[int, str]]:
    """Yield numbers and ids, with twenty utterances for each speaker."""
    return ((i, f"s{i // 20:06d}-u{i:07d}") for i in range(number))


def write_store(folder: Path, made: list[np.ndarray], number: int, source: dict) -> int:
    """Write a store of `number` emissions, which repeat those made; return its size."""
    parts = -(-number // PART_UTTS)
    write_meta(folder, Meta(source, made[0].shape[1], SHIFT_S, number, parts))
    utts = ((utt_id, made[i % len(made)]) for i, utt_id in name_utts(number))
    for part in range(parts):
        write_part(folder, part, itertools.islice(utts, PART_UTTS))
    return measure_disk(folder)


def write_data(folder: Path, texts: list[str], lengths: list[int], number: int) -> None:
    """Write a data directory of `number` utterances, with the true text beside it."""
    with DirWriter(folder / "data") as writer:
        for i, utt_id in name_utts(number):
            samples = round(lengths[i % len(lengths)] * SHIFT_S * FS)
            writer.open("wav.scp").write(utt_id, f"dump/raw/data/{utt_id}.flac")
            writer.open("utt2spk").write(utt_id, utt_id.split("-")[0])
            writer.open("utt2num_samples").write(utt_id, str(samples))
    said = ((utt_id, texts[i % len(texts)]) for i, utt_id in name_utts(number))
    write_scp(folder / "ref", said)


def measure_disk(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def prepare(folder: Path, args: argparse.Namespace) -> tuple[rounds.RoundFiles, Any]:
    """Write all files except emissions; return them and a function that makes
    emissions."""
    train, held_out = read_sentences()
    texts = held_out[: args.num_different or None]
    tokenizer = make_tokenizer(folder / "tokens", train, args.num_tokens)
    train_lm(folder / "lm", train, held_out)
    (folder / "sentences").write_text("".join(f"{s}\n" for s in train))
    kind = "char" if args.num_tokens <= 32 else "bpe"
    model = str(folder / "tokens" / "bpe.model") if kind == "bpe" else None
    config = {"token_list": list(tokenizer.tokens), "token_type": kind}
    (folder / "asr").mkdir()
    (folder / "asr/config.yaml").write_text(json.dumps({**config, "bpemodel": model}))

    def emit(seed: int, confusion: float) -> list[np.ndarray]:
        channel = Channel(tokenizer, seed=seed, confusion=confusion)
        return [channel.emit(text) for text in texts]

    lengths = [len(log_probs) for log_probs in emit(0, args.confusion)]
    write_data(folder, texts, lengths, args.num_utts)
    paths = [folder / name for name in ("exp", "asr", "data", "lm")]
    return rounds.RoundFiles(*paths, (folder / "sentences",), ref=folder / "ref"), emit


def run(number: int, files: rounds.RoundFiles, emit: Any, args: Any) -> None:
    """Make the emissions of a round, run it, and print its cost."""
    folder, times, disk = files.folder(number), Times(), {}
    for name, seed, worse in (("", 0, 1.0), ("_dropout_1", 1000, 1.5)):
        made = emit(seed + number, worse * args.confusion)
        source = {"model": f"{number}"} | ({"dropout": "0.1"} if name else {})
        store = folder / f"emissions{name}"
        disk[store.name] = write_store(store, made, args.num_utts, source)
    frames = sum(len(made[i % len(made)]) for i in range(args.num_utts))
    del made
    options = read_options(write_config(files))
    watch(times)
    held = read_peak_mib(reset=True)
    before = read_clocks()
    verdict = rounds.run_round(number, files, options, nj=args.nj)
    total = tuple(np.subtract(read_clocks(), before))
    print_times(times, total, args.num_utts)
    cpu_s, audio_s = times["decode"][0], frames * SHIFT_S
    print(
        f"round {number}: {args.num_utts} utterances, {audio_s / 3600:.1f} h of audio: "
        f"{1000 * cpu_s / args.num_utts:.2f} ms CPU each to decode, "
        f"{cpu_s / audio_s:.5f} of the audio; --nj {args.nj}; {verdict.why}"
    )
    print(f"peak memory {read_peak_mib():.0f} MiB, {held:.0f} before")
    disk |= {name: measure_disk(folder / name) for name in ("labels", "data")}
    shown = ", ".join(f"{name} {b / 2**20:.1f}" for name, b in disk.items())
    print(f"disk, MiB: {shown}; all {measure_disk(folder) / 2**20:.1f}\n")


def write_config(files: rounds.RoundFiles) -> Path:
    """Write the options; true text stands in for another decoding."""
    config = files.pseudo_exp / "pseudo.yaml"
    filters = {**OPTIONS["filters"], "others": [str(files.ref)]}
    values = {"base": str(CONFIG), **OPTIONS, "filters": filters}
    config.write_text(json.dumps(values))
    return config


def print_times(times: Times, total: tuple, number: int) -> None:
    """Print a table of the steps."""
    known = np.sum(list(times.values()), axis=0)
    rows = {**times, "rest": tuple(np.subtract(total, known)), "all": total}
    print(f"{'step':16s}{'CPU s':>10s}{'wall s':>10s}{'us CPU each':>14s}")
    for step, (cpu_s, wall_s) in rows.items():
        print(f"{step:16s}{cpu_s:10.2f}{wall_s:10.2f}{1e6 * cpu_s / number:14.1f}")


def main() -> None:
    """Run the rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num_utts", type=int, default=100_000)
    parser.add_argument("--num_different", type=int, default=0, help="0: all there are")
    parser.add_argument("--num_tokens", type=int, default=32, help="to 32: characters")
    parser.add_argument("--confusion", type=float, default=0.15, help="of the channel")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--nj", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where there is room; default: tmp")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        files, emit = prepare(Path(name), args)
        for number in range(args.rounds):
            run(number, files, emit, args)


if __name__ == "__main__":
    main()
