"""Cost of stages at two sizes: time per million utterances, and growth of memory.

Data are made up: Kaldi files of many utterances of 15 s, short noise as
audio, random fingerprints. Each command runs in a process of its own; its memory is the
highest it ever was, all its files read through the page cache. A stage whose memory is
level at both sizes holds nothing that grows with hours.

    python tests/bench/bench_scale.py [--sizes 50000 200000] [--only NAME ...]
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

UTT_S = 15.0  # length of an utterance, for hours
UTTS_PER_SPK = 200
FILES = ("utt2spk", "spk2utt", "text", "wav.scp", "utt2num_samples")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
NUM_WORDS = 30_000
NUM_SOUNDS = 20_000  # audio files; more are links to them


class Cost(NamedTuple):
    """The cost of a process: processor seconds, peak memory in MiB."""

    cpu_s: float
    memory_mib: float


def write_dir(folder: Path, num_utts: int) -> Path:
    """Write a data directory with transcripts of 8 to 16 words."""
    folder.mkdir(parents=True)
    rng = random.Random(0)
    words = [
        "".join(rng.choices(LETTERS, k=rng.randint(2, 9))) for _ in range(NUM_WORDS)
    ]
    streams = {n: open(folder / n, "w", encoding="utf-8") for n in FILES}  # noqa: SIM115
    utts: list[str] = []
    for number in range(num_utts):
        spk = f"spk{number // UTTS_PER_SPK:07d}"
        utts.append(f"{spk}-utt{number:09d}")
        streams["utt2spk"].write(f"{utts[-1]} {spk}\n")
        said = " ".join(rng.choices(words, k=rng.randint(8, 16)))
        streams["text"].write(f"{utts[-1]} {said}\n")
        streams["wav.scp"].write(f"{utts[-1]} dump/raw/x/data/{utts[-1]}.flac\n")
        streams["utt2num_samples"].write(f"{utts[-1]} {rng.randint(160000, 320000)}\n")
        if number % UTTS_PER_SPK == UTTS_PER_SPK - 1 or number == num_utts - 1:
            streams["spk2utt"].write(" ".join([spk, *utts]) + "\n")
            utts.clear()
    for stream in streams.values():
        stream.close()
    return folder


def measure(words: list[str], folder: Path) -> Cost:
    """Run a command to its end, children included; the largest one counts for
    memory."""
    with open(folder / "log", "ab") as log:
        child = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder)
        _, status, used = os.wait4(child.pid, 0)
    child.returncode = status
    if status:
        text = (folder / "log").read_text(encoding="utf-8", errors="replace")
        raise SystemExit(f"{' '.join(words)} failed:\n{text[-2000:]}")
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def verb(*words: object) -> list[str]:
    """Return the words of a verb of hamzaban."""
    return [sys.executable, "-m", "hamzaban", *map(str, words)]


def own(part: str, *words: object) -> list[str]:
    """Return the words that run a part of this script."""
    return [sys.executable, __file__, "--part", part, *map(str, words)]


def write_audio(folder: Path, num_utts: int) -> Path:
    """Write a data directory of 0.2 s of noise as wav at 16 kHz; many are links."""
    import soundfile

    (folder / "wav").mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines: dict[str, list[str]] = {"wav.scp": [], "utt2spk": []}
    for number in range(num_utts):
        utt, path = f"utt{number:09d}", folder / "wav" / f"{number}.wav"
        if number < NUM_SOUNDS:
            soundfile.write(path, 0.1 * rng.standard_normal(3200), 16000)
        else:
            os.link(folder / "wav" / f"{number % NUM_SOUNDS}.wav", path)
        lines["wav.scp"].append(f"{utt} {path}\n")
        lines["utt2spk"].append(f"{utt} spk{number // UTTS_PER_SPK}\n")
    for name, found in lines.items():
        (folder / name).write_text("".join(sorted(found)), encoding="utf-8")
    return folder


def measure_duplicates(num_chunks: int) -> None:
    """Look for duplicates among chunks of 15 s, with 240 of them (1 h) in a source."""
    from hamzaban.mine.duplicates import Voice, find_duplicates
    from hamzaban.mine.mining_options import read_options

    root = Path(__file__).resolve().parents[2]
    options = read_options(root / "conf" / "mine.yaml")
    length = round(UTT_S * 16000 / 512)
    voices = [Voice(n // 240, n % 240 * length, length) for n in range(num_chunks)]

    def load(number: int) -> np.ndarray:
        rng = np.random.default_rng(number)
        return rng.integers(1, 1 << 32, length, dtype=np.uint32)

    print(len(find_duplicates(voices, load, options)))


def finish_mining(num_chunks: int) -> None:
    """Run the end of mining, which sees all chunks, over made-up records of 1 h."""
    from hamzaban.mine.decode import Media
    from hamzaban.mine.mining_options import read_options
    from hamzaban.mine.mining_state import Chunk, Part, Source, save_part
    from hamzaban.mine.output import write_output
    from hamzaban.mine.part_jobs import Mined
    from hamzaban.mine.part_mining import PartJob
    from hamzaban.mine.stage import _list_heard

    root = Path(__file__).resolve().parents[2]
    options = read_options(root / "conf" / "mine.yaml")
    length, samples, count = round(UTT_S * 16000 / 512), round(UTT_S * 16000), 240
    none, mined = np.zeros(0, np.float32), []
    for number in range(num_chunks // count):
        rng = np.random.default_rng(number)
        numbers = rng.integers(1, 1 << 32, count * length, dtype=np.uint32)
        chunks = [
            Chunk(k * samples, (k + 1) * samples, "-", 0.9, -20.0, num_numbers=length)
            for k in range(count)
        ]
        record = Path(f"state/parts/{number}.npz")
        whole = count * samples
        save_part(record, Part(0, whole, chunks, 0, "", False, none, none, numbers))
        name = f"talk{number}.mp3"
        media = Media(name, "best", 44100, 2, 0.0, 3600.0, True, "mp3", "")
        rec_id = f"talk{number}-{number:012x}"
        source = Source(name, f"{number:064x}", 10**7, media)
        job = PartJob(media, rec_id, 0, None, record, Path("audio"), options)
        mined.append(Mined(source, rec_id, (job,)))
    heard = _list_heard(mined, options)
    tally = write_output(mined, heard, Path("mined"), options)
    print(tally.kept_s / 3600, "h")


def make_batches(folder: str) -> None:
    """Make the dataset and the batches of an epoch, as training does at its start."""
    from hamzaban import compat

    with compat.fast_imports():
        from espnet2.samplers.build_batch_sampler import build_batch_sampler
        from espnet2.train.dataset import ESPnetDataset

    files = (("wav.scp", "speech", "sound"), ("text", "text", "text"))
    data = ESPnetDataset([(f"{folder}/{name}", *kind) for name, *kind in files])
    sampler = build_batch_sampler(
        type="numel", batch_size=20, batch_bins=1_800_000,
        shape_files=[f"{folder}/utt2num_samples"], sort_in_batch="descending",
        sort_batch="descending", drop_last=False, min_batch_size=1, fold_lengths=[],
        padding=True, utt2category_file=None,
    )  # fmt: skip
    numbered = [[(k, utt) for utt in batch] for k, batch in enumerate(sampler)]
    print(len(data.loader_dict), len(numbered))  # as EpochBatches numbers them


PARTS: dict[str, Callable] = {
    "measure_duplicates": measure_duplicates,
    "finish_mining": finish_mining,
    "make_batches": make_batches,
}


def make_cases(root: Path, num_utts: int) -> dict[str, list[str]]:
    """Write the data of a size; return the commands by name."""
    data, out = write_dir(root / "data", num_utts), root / "out"
    text = data / "text"
    for part, count in (("valid", 2000), ("test", 2000)):
        with open(text, encoding="utf-8") as lines:
            head = [line for _, line in zip(range(count), lines, strict=False)]
        changed = [f"{line.split()[0]} {part} {line.split()[-1]}\n" for line in head]
        (root / part).write_text("".join(changed), encoding="utf-8")
    tokens = root / "tokens"
    bpe = ["--token_type", "bpe", "--bpemodel", tokens / "bpe.model"]
    bpe += ["--token_list", tokens / "tokens.txt"]
    audio = write_audio(root / "audio", num_utts)
    return {
        "validate-data": verb("validate-data", "--no_wav", data),
        "normalize-data": verb(
            "normalize-data", "--lang", "sw", "--profile", "train", data, out / "norm"
        ),
        "audit-leaks": verb(
            "audit-leaks", "--train_text", text, "--valid_text", root / "valid",
            "--test_text", root / "test", "--allow_near", "made up",
            "--allow_exact", "made up",
        ),
        "combine-data": verb("combine-data", out / "combined", data),
        "hold-out-data": verb(
            "hold-out-data", data, out / "rest", out / "held", "--hours", 2
        ),
        "format-audio": verb(
            "format-audio", "--nj", 1, "--min_duration_s", 0, audio, out / "audio"
        ),
        "mine: duplicates": own("measure_duplicates", num_utts),
        "mine: end, all chunks": own("finish_mining", num_utts),
        "make-tokens bpe512": verb(
            "make-tokens", "--token_type", "bpe", "--nbpe", 512,
            "--output_dir", tokens, text,
        ),
        "collect-stats": verb("collect-stats", "--data_dir", data, *bpe,
            "--output_dir", out / "stats"),
        "train: data, batches (ESPnet)": own("make_batches", data),
    }  # fmt: skip


def main() -> None:
    """Measure both sizes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs=2, default=[50_000, 200_000])
    parser.add_argument("--only", nargs="+", default=[], help="names of rows")
    parser.add_argument("--part", nargs=2, metavar=("NAME", "ARGUMENT"))
    args = parser.parse_args()
    if args.part:
        name, argument = args.part
        PARTS[name](int(argument) if argument.isdigit() else argument)
        return
    costs: dict[str, list[Cost]] = {}
    for size in args.sizes:
        with tempfile.TemporaryDirectory() as folder:
            cases = make_cases(Path(folder), size)
            for name, words in cases.items():
                if not args.only or any(wanted in name for wanted in args.only):
                    costs.setdefault(name, []).append(measure(words, Path(folder)))
    small, large = args.sizes
    print(f"{small} and {large} utterances, {small * UTT_S / 3600:.0f} and "
          f"{large * UTT_S / 3600:.0f} h; load {os.getloadavg()[0]:.1f}\n")  # fmt: skip
    print("| stage | CPU s | CPU s | MiB | MiB | MiB a million more |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, (one, two) in costs.items():
        slope = (two.memory_mib - one.memory_mib) / (large - small) * 1e6
        cells = [f"{one.cpu_s:.1f}", f"{two.cpu_s:.1f}", f"{one.memory_mib:.0f}"]
        print(f"| {name} | {' | '.join(cells)} | {two.memory_mib:.0f} | {slope:.0f} |")


if __name__ == "__main__":
    main()
