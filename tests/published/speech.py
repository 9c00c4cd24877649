"""Artificial speech: each word is two tones of its own, in any format."""

import functools
import io
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

WORDS = {
    "fa": "سلام دنیا باب کتاب نور خانه",
    "ar": "سلام دنيا باب كتاب نور بيت",
    "ur": "سلام دنیا باب کتاب نور گھر",
    "sw": "habari dunia mlango kitabu nuru nyumba",
}


def draw_sentences(lang: str, count: int, seed: int = 0) -> list[str]:
    """Return sentences of 4 to 6 words, all different."""
    rng, words = random.Random(seed), WORDS[lang].split()
    found: dict[str, None] = {}
    while len(found) < count:
        found[" ".join(rng.choices(words, k=rng.randint(4, 6)))] = None
    return list(found)


def say(sentence: str, fs: int, seed: int = 0) -> np.ndarray:
    """Return 0.3 s of two tones and noise for each word, shape (num_samples,)."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(3 * fs // 10) / fs
    spoken = []
    for word in sentence.split():
        pitch = 200.0 + sum(word.encode()) % 997
        tones = np.sin(2 * np.pi * pitch * time_s) + np.sin(
            4.4 * np.pi * pitch * time_s
        )
        spoken.append(0.2 * tones + rng.normal(0, 0.02, len(time_s)))
    return np.concatenate(spoken)


def write_audio(path: Path, sentence: str, fs: int = 16000, seed: int = 0) -> float:
    """Write a sentence as wav, flac or, as Common Voice does, mp3 of 48 kbit/s.

    Returns:
        Its duration in seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    content, duration_s = _encode(sentence, path.suffix[1:], fs, seed)
    path.write_bytes(content)
    return duration_s


@functools.cache
def _encode(sentence: str, suffix: str, fs: int, seed: int) -> tuple[bytes, float]:
    speech, file = say(sentence, fs, seed), io.BytesIO()
    if suffix == "mp3":
        _write_mp3(file, speech, fs)
    else:
        soundfile.write(file, speech, fs, format=suffix)
    return file.getvalue(), len(speech) / fs


def _write_mp3(file: io.BytesIO, speech: np.ndarray, fs: int) -> None:
    import av

    with av.open(file, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=fs, layout="mono")
        stream.bit_rate = 48_000
        samples = (speech[None] * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16p", layout="mono")
        frame.sample_rate = fs
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


def write_lines(path: Path, lines: Sequence[str]) -> None:
    """Write lines of UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
