"""The recordings of a set: their lengths, levels, outlines, and how to play them."""

import base64
import io
import logging
import os
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from hamzaban.audio.reader import open_audio
from hamzaban.audio.signal import resample, to_mono
from hamzaban.audio.source import source_file

NUM_PEAKS = 320  # of the outline of a recording
MAX_AUDIO_S = 60.0  # longer recordings are cut where the page holds them
DATA_BYTES_PER_S = 5000  # about, of speech as `encode_audio` returns it
SILENCE_DB = -120.0
PLAYABLE = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".webm")
_OPUS_FS = 16000
_PEAK_S = 0.01
_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


@dataclass(frozen=True)
class Sound:
    """What a recording sounds like.

    Attributes:
        duration_s: Duration in seconds.
        level_db: Root mean square in dB of full scale, not below `SILENCE_DB`.
        peaks: Outline, `NUM_PEAKS` letters for 0 to 63 in the order of base64: square
            roots of peaks, relative to the highest.
    """

    duration_s: float
    level_db: float
    peaks: str


def measure_sounds(sources: Mapping[str, str], nj: int) -> dict[str, Sound]:
    """Measure recordings, each read once, block by block.

    Args:
        sources: Entries of wav.scp by utterance id.
        nj: Number of threads.
    """
    logging.info("Measuring %d recordings", len(sources))
    with ThreadPoolExecutor(nj) as pool:
        found = pool.map(measure_sound, sources.values())
        return dict(zip(sources, found, strict=True))


def measure_sound(source: str) -> Sound:
    """Measure a recording."""
    peaks: list[NDArray[np.float64]] = []
    squares, count = 0.0, 0
    with open_audio(source) as stream:
        hop = max(1, int(stream.fs * _PEAK_S))
        for block in stream.blocks:  # (samples, channels)
            squares += float(np.square(block, dtype=np.float64).sum())
            count += len(block)
            starts = np.arange(0, len(block), hop)
            if len(starts):
                heights = np.abs(block).max(axis=1)  # (samples,)
                peaks.append(np.maximum.reduceat(heights, starts).astype(np.float64))
        power = squares / max(1, count * stream.num_channels)
        level_db = 10 * np.log10(power) if power else SILENCE_DB
        outline = np.concatenate(peaks) if peaks else np.zeros(1)
        return Sound(
            count / stream.fs, float(max(SILENCE_DB, level_db)), encode_peaks(outline)
        )


def encode_peaks(heights: NDArray[np.float64]) -> str:
    """Return an outline as `Sound.peaks` from heights of any number but 0."""
    edges = np.linspace(0, len(heights), NUM_PEAKS + 1)[:-1].astype(int)
    outline = np.maximum.reduceat(heights, edges)
    highest = outline.max() or 1.0
    return "".join(_DIGITS[round(63 * float(h / highest) ** 0.5)] for h in outline)


def find_link(source: str, folder: Path) -> str:
    """Return the address of a recording relative to a folder.

    Returns:
        The address; empty if the entry of wav.scp is no file that browsers play.
    """
    path = source_file(source)
    if path is None or not path.is_file() or path.suffix.lower() not in PLAYABLE:
        return ""
    return "./" + quote(os.path.relpath(path.absolute(), folder.absolute()))


def encode_audio(source: str) -> tuple[str, bool]:
    """Encode a recording as a data URI, Ogg Opus of 16 kHz, one channel.

    Args:
        source: An entry of wav.scp, no command.

    Returns:
        The URI, and whether the recording was cut.
    """
    import soundfile

    blocks: list[np.ndarray] = []
    size, is_cut = 0, False
    with open_audio(source) as stream:
        limit = int(MAX_AUDIO_S * stream.fs)
        for block in stream.blocks:
            speech = to_mono(block)[: limit - size]
            blocks.append(speech)
            size += len(speech)
            is_cut = len(block) > len(speech)
            if is_cut:
                break
        fs = stream.fs
    samples = np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.float32)
    samples = resample(samples, fs, _OPUS_FS)
    encoded = io.BytesIO()
    soundfile.write(encoded, samples, _OPUS_FS, format="OGG", subtype="OPUS")
    data = base64.b64encode(encoded.getvalue()).decode("ascii")
    return f"data:audio/ogg;base64,{data}", is_cut


def is_data(address: str) -> bool:
    """Return whether an address holds the recording itself."""
    return address.startswith("data:")


def estimate_size(durations_s: Iterable[float]) -> float:
    """Return about how many bytes recordings have as data URIs."""
    return DATA_BYTES_PER_S * sum(min(s, MAX_AUDIO_S) for s in durations_s)


def play_sounds(
    sources: Mapping[str, str], folder: Path, embedded: Collection[str], nj: int
) -> dict[str, tuple[str, int]]:
    """Return address of each recording, and 1 if only its first minute is there.

    Args:
        sources: Entries of wav.scp by utterance id.
        folder: Folder of the page.
        embedded: Utterances whose recordings the page holds.
        nj: Number of threads.
    """
    found = {
        utt: (find_link(source, folder), 0)
        for utt, source in sources.items()
        if utt not in embedded
    }
    with ThreadPoolExecutor(nj) as pool:
        encoded = pool.map(encode_audio, (sources[utt] for utt in embedded))
        for utt, (uri, is_cut) in zip(embedded, encoded, strict=True):
            found[utt] = uri, int(is_cut)
    return found
