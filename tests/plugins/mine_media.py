"""Media for the tests of mining, coded from the speech of mini_ar."""

import csv
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr
import yaml

from hamzaban.mine.mining_options import MineOptions, read_options

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "egs2" / "mini_ar" / "asr1" / "downloads" / "mini_ar"
FS = 16000
CODECS = {
    "mp3": ("libmp3lame", 44100, "stereo"),
    "opus": ("libopus", 48000, "mono"),
    "m4a": ("aac", 44100, "stereo"),
    "mp4": ("aac", 48000, "5.1"),
    "webm": ("libopus", 48000, "stereo"),
    "mkv": ("flac", 22050, "mono"),
    "wav": ("pcm_s16le", 8000, "mono"),
    "flac": ("flac", 16000, "mono"),
}


def read_speech(spk_id: str, duration_s: float, gap_s: float = 0.3) -> np.ndarray:
    """Return utterances of a speaker of mini_ar with pauses, shape (num_samples,)."""
    with open(CORPUS / "utterances.tsv", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    rows = [row for row in rows if row["spk_id"] == spk_id]
    parts: list[np.ndarray] = []
    wanted = round(duration_s * FS)
    for row in rows:
        path = CORPUS / "audio" / f"{row['recording']}.opus"
        span = [round(float(row[name]) * FS) for name in ("start_s", "end_s")]
        parts += [soundfile.read(path, start=span[0], stop=span[1], dtype="float32")[0]]
        parts += [np.zeros(round(gap_s * FS), np.float32)]
        if sum(map(len, parts)) >= wanted:
            break
    speech = np.concatenate(parts)[:wanted]
    noise = np.random.default_rng(0).standard_normal(len(speech))
    return (speech + 1e-4 * noise).astype(np.float32)


def write_media(
    path: Path, *tracks: np.ndarray, bit_rate: int = 64000, languages: tuple = ()
) -> Path:
    """Encode speech at 16 kHz in the format of the suffix, one audio stream per
    track."""
    codec, rate, layout = CODECS[path.suffix[1:]]
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        streams = [container.add_stream(codec, rate=rate) for _ in tracks]
        for number, stream in enumerate(streams):
            stream.layout = layout
            if codec not in ("flac", "pcm_s16le"):
                stream.bit_rate = bit_rate
            if languages:
                stream.metadata["language"] = languages[number]
        for stream, track in zip(streams, tracks, strict=True):
            _encode(container, stream, soxr.resample(track, FS, rate), layout, rate)
    return path


def _encode(container, stream, speech, layout, rate) -> None:
    resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
    for start in range(0, len(speech), rate):
        block = np.tile(speech[start : start + rate], (stream.channels, 1))
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        for ready in resampler.resample(frame):
            container.mux(stream.encode(ready))
    for ready in resampler.resample(None):
        container.mux(stream.encode(ready))
    container.mux(stream.encode(None))


def make_config(folder: Path, **changes) -> Path:
    """Write a config based on conf/mine.yaml."""
    path = folder / "mine.yaml"
    values = {"base": str(ROOT / "conf" / "mine.yaml"), **changes}
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def make_options(folder: Path, **changes) -> MineOptions:
    """Return the options of conf/mine.yaml with changes."""
    return read_options(make_config(folder, **changes))
