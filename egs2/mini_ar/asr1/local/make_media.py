#!/usr/bin/env python3
"""Make long media files from the unlabelled speech of mini_ar, and truth.tsv.

The files contain blocks of speech of many speakers, with silence, music-like tones or
noise between the blocks. Some blocks are repeated in another file, one file is repeated
in another encoding, and one is copied unchanged. truth.tsv lists what is where. The
same input and seed give the same speech; the encoded files may differ between versions
of the encoders.
"""

import argparse
import csv
import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import soundfile
import soxr

FS = 16_000
CODINGS = {  # suffix -> codec, rate in Hz, layout, bits per second
    ".mp3": ("libmp3lame", 44_100, "stereo", 96_000),
    ".m4a": ("aac", 44_100, "stereo", 96_000),
    ".opus": ("libopus", 48_000, "mono", 24_000),
    ".mkv": ("flac", 48_000, "stereo", None),
}
NAMES = ("حديث 1.mp3", "talk 2.m4a", "film 3.mkv")
AGAIN = "first again.opus"  # NAMES[0] in another encoding, from START_S on
SAME = "same talk.m4a"  # a copy of NAMES[1]
START_S = 3.7
NOISE_FLOOR = 1e-4  # of full scale; recordings are never all zeros
NUM_REPEATED = 4  # blocks of the first file that are repeated in the last


class Piece(NamedTuple):
    """Audio of one kind: speech, silence, music or noise; only speech has an id."""

    kind: str
    utt_id: str
    audio: np.ndarray


def read_blocks(corpus: Path, rng: random.Random) -> list[list[Piece]]:
    """Return the unlabelled utterances with pauses, in blocks of one speaker."""
    with open(corpus / "utterances.tsv", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    rows = [row for row in rows if row["set"] == "unlabelled"]
    blocks: list[list[Piece]] = []
    last = None
    for row in rows:
        if row["spk_id"] != last or len(blocks[-1]) >= rng.randint(8, 16):
            blocks.append([])
            last = row["spk_id"]
        path = corpus / "audio" / f"{row['recording']}.opus"
        first, stop = (round(float(row[name]) * FS) for name in ("start_s", "end_s"))
        speech, _ = soundfile.read(path, start=first, stop=stop, dtype="float32")
        pause = np.zeros(round(rng.uniform(0.1, 0.6) * FS), np.float32)
        blocks[-1] += [
            Piece("speech", row["utt_id"], speech),
            Piece("silence", "", pause),
        ]
    rng.shuffle(blocks)
    return blocks


def make_filler(rng: random.Random) -> Piece:
    """Return silence, chords or swelling noise of 2 to 12 s."""
    kind = rng.choice(("silence", "music", "noise"))
    num_samples = round(rng.uniform(2.0, 5.0 if kind == "silence" else 12.0) * FS)
    if kind == "silence":
        return Piece(kind, "", np.zeros(num_samples, np.float32))
    generator = np.random.default_rng(rng.randrange(1 << 30))
    time_s = np.arange(num_samples) / FS
    if kind == "noise":
        noise = np.convolve(generator.standard_normal(num_samples), np.ones(6), "same")
        audio = noise / np.abs(noise).max() * (0.4 + 0.3 * np.sin(0.7 * time_s))
        return Piece(kind, "", (0.2 * audio).astype(np.float32))
    audio = np.zeros(num_samples)
    for start in range(0, num_samples, FS // 2):  # one chord every half second
        root = 110.0 * 2 ** (generator.integers(0, 18) / 12)
        local_s = time_s[start : start + FS // 2] - start / FS
        for step in (0, 4, 7, 12):
            tone = root * 2 ** (step / 12)
            for overtone in range(1, 5):
                wave = np.sin(2 * np.pi * tone * overtone * local_s) / overtone
                audio[start : start + FS // 2] += wave * np.exp(-3 * local_s)
    return Piece(kind, "", (0.3 * audio / np.abs(audio).max()).astype(np.float32))


def lay_out(blocks: list[list[Piece]], rng: random.Random) -> list[list[Piece]]:
    """Divide blocks among the files, with fillers; repeat some in the last file."""
    share = -(-len(blocks) // len(NAMES))
    files: list[list[Piece]] = []
    for number in range(len(NAMES)):
        chosen = blocks[number * share : (number + 1) * share]
        if number == len(NAMES) - 1:
            chosen = chosen + rng.sample(blocks[:share], NUM_REPEATED)
            rng.shuffle(chosen)
        pieces = [make_filler(rng)]
        for block in chosen:
            pieces += [*block, make_filler(rng)]
        files.append(pieces)
    return files


def list_truth(
    name: str, pieces: list[Piece], first_s: float = 0.0
) -> Iterator[tuple[str, float, float, str, str]]:
    """Yield file, start, end, kind and utterance of each piece after `first_s`."""
    position_s = -first_s
    for piece in pieces:
        begin_s, position_s = position_s, position_s + len(piece.audio) / FS
        if position_s > 0:
            yield name, max(begin_s, 0.0), position_s, piece.kind, piece.utt_id


def write_media(path: Path, audio: np.ndarray) -> None:
    """Encode audio in the format that the suffix of the path names."""
    codec, rate, layout, bit_rate = CODINGS[path.suffix]
    audio = soxr.resample(audio, FS, rate)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout = layout
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
        for start in range(0, len(audio), rate):
            block = np.tile(audio[start : start + rate], (stream.channels, 1))
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, start
            frame.time_base = Fraction(1, rate)
            for ready in resampler.resample(frame):
                container.mux(stream.encode(ready))
        for ready in resampler.resample(None):
            container.mux(stream.encode(ready))
        container.mux(stream.encode(None))


def main() -> None:
    """Read the command line and write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="downloads/mini_ar")
    parser.add_argument("output", type=Path, help="folder to write, such as data/media")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    files = lay_out(read_blocks(args.corpus, rng), rng)
    args.output.mkdir(parents=True, exist_ok=True)
    truth = []
    for name, pieces in zip(NAMES, files, strict=True):
        audio = np.concatenate([piece.audio for piece in pieces])
        noise = np.random.default_rng(args.seed).standard_normal(len(audio))
        audio = (audio + NOISE_FLOOR * noise).astype(np.float32)
        write_media(args.output / name, audio)
        truth += list_truth(name, pieces)
        if name == NAMES[0]:
            write_media(args.output / AGAIN, audio[round(START_S * FS) :])
            truth += list_truth(AGAIN, pieces, START_S)
    (args.output / SAME).write_bytes((args.output / NAMES[1]).read_bytes())
    truth += list_truth(SAME, files[1])
    with open(args.output / "truth.tsv", "w", encoding="utf-8") as stream:
        stream.write("file\tstart_s\tend_s\tkind\tutt_id\n")
        for file, start_s, end_s, kind, utt_id in truth:
            stream.write(f"{file}\t{start_s:.4f}\t{end_s:.4f}\t{kind}\t{utt_id}\n")


if __name__ == "__main__":
    main()
