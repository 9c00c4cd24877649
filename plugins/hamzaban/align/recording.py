"""Run a model over a recording of any length; memory does not grow with its hours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hamzaban.decode.path import BLANK_ID
from hamzaban.mine.decode import probe_media, read_media
from hamzaban.progress import ItemProgress
from hamzaban.text.tokens import SPACE, Tokenizer
from hamzaban.wav2vec2.frames import count_frames

if TYPE_CHECKING:
    from hamzaban.decode.recognizer import Recognizer

CHUNK_S = 12.0  # run through the model at a time
CONTEXT_S = 1.5  # audio on both sides of a chunk whose output is discarded
ENERGY_SHIFT_S = 0.01
_FLOOR = 1e-10  # lowest power, so that digital silence has a logarithm

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """What a model heard in a recording.

    Attributes:
        path: File of log-posteriors, float16, shape (T, V).
        num_tokens: Number of tokens, V.
        greedy: Likeliest token of each frame, shape (T,).
        best: Its log-posterior, shape (T,).
        quiet: Log-posterior of the blank or, if it is higher, of the space, shape (T,).
        energy_db: Power of each 10 ms, shape (E,).
        frame_shift_s: Time between two frames.
        duration_s: Length of the recording.
    """

    path: Path
    num_tokens: int
    greedy: NDArray[np.int32]
    best: Floats
    quiet: Floats
    energy_db: Floats
    frame_shift_s: float
    duration_s: float

    @property
    def num_frames(self) -> int:
        """Return the number of frames, T."""
        return len(self.greedy)

    def read(self, start: int, end: int) -> Floats:
        """Return the log-posteriors of frames start to end, shape (end - start, V)."""
        count = (end - start) * self.num_tokens
        offset = 2 * start * self.num_tokens
        found = np.fromfile(self.path, np.float16, count, offset=offset)
        return found.reshape(end - start, self.num_tokens).astype(np.float32)


def hear(recognizer: Recognizer, media: Path, path: Path) -> Recording:
    """Run a model over a recording and write its log-posteriors.

    Args:
        recognizer: The model.
        media: A file that PyAV reads.
        path: File to write the log-posteriors to.

    Raises:
        UnreadableError: There is no audio to read.
        ValueError: The recording is too short for a frame, or the model gives NaN.
    """
    fs = recognizer.fs
    energy = _Energy(round(ENERGY_SHIFT_S * fs))
    found = probe_media(media)
    faults: list[str] = []
    blocks = energy.watch(read_media(found, 0, fs, faults))
    silent = [BLANK_ID, *list_unheard(recognizer.tokenizer)]
    progress = ItemProgress(f"{media.name} heard", round(found.duration_s or 0), "s")
    greedy, best, quiet = [], [], []
    with open(path, "wb") as stream:
        for log_probs in _emit_chunks(recognizer, blocks):
            _check_numbers(log_probs, media)
            log_probs.astype(np.float16).tofile(stream)
            greedy.append(log_probs.argmax(1).astype(np.int32))
            best.append(log_probs.max(1))
            quiet.append(log_probs[:, silent].max(1))
            progress.add(round(len(log_probs) * recognizer.frame_shift_s))
    if faults:
        text = "%s: %d faults in the file are skipped, the first: %s"
        logging.warning(text, media, len(faults), faults[0])
    if not greedy:
        raise ValueError(
            f"{media}: {energy.num_samples} samples, too short for a frame; "
            "expected a recording of speech"
        )
    return Recording(
        path,
        len(recognizer.tokenizer.tokens),
        np.concatenate(greedy),
        np.concatenate(best),
        np.concatenate(quiet),
        energy.finish(),
        recognizer.frame_shift_s,
        energy.num_samples / fs,
    )


def _check_numbers(log_probs: Floats, media: Path) -> None:
    if np.isnan(log_probs).any():
        raise ValueError(
            f"{media}: the model's log-posteriors are NaN; align with another "
            "checkpoint and look at the losses in train.log"
        )


def _emit_chunks(recognizer: Recognizer, blocks: Iterator[Floats]) -> Iterator[Floats]:
    """Yield log-posteriors of consecutive frames, shape (frames, V) each."""
    import torch

    stride = round(recognizer.frame_shift_s * recognizer.fs)
    chunk = round(CHUNK_S * recognizer.fs) // stride * stride
    context = round(CONTEXT_S * recognizer.fs) // stride * stride
    window = np.zeros(0, np.float32)
    begin = 0  # frames at the head of the window that are context
    is_last = False
    while not is_last:
        pieces, length = [window], len(window)
        wanted = begin * stride + chunk + 2 * context
        while length < wanted and (block := next(blocks, None)) is not None:
            pieces.append(block)
            length += len(block)
        window = np.concatenate(pieces)
        is_last = length < wanted
        num_frames = count_frames(length, recognizer.conv)
        if not is_last:
            length = begin * stride + chunk + context
        if num_frames > begin:
            out, lens, _ = recognizer.emit([torch.from_numpy(window[:length])], [""])
            log_probs = out[0, : int(lens[0])].float().cpu().numpy()  # (T, V)
            end = len(log_probs) if is_last else begin + chunk // stride
            yield log_probs[begin:end]
        window = window[max(0, begin * stride + chunk - context) :]
        begin = context // stride


class _Energy:
    """Measures the power of a stream of samples."""

    def __init__(self, shift: int) -> None:
        """Set the number of samples that one value covers."""
        self.num_samples = 0
        self._shift = shift
        self._rest = np.zeros(0, np.float32)
        self._found: list[Floats] = []

    def watch(self, blocks: Iterator[Floats]) -> Iterator[Floats]:
        """Yield the blocks of a stream unchanged, and measure them."""
        for block in blocks:
            self.num_samples += len(block)
            self._measure(np.concatenate([self._rest, block]))
            yield block

    def finish(self) -> Floats:
        """Return the power of all samples in dB, shape (E,)."""
        if len(self._rest):
            self._measure(np.pad(self._rest, (0, self._shift - len(self._rest))))
        return np.concatenate(self._found)

    def _measure(self, samples: Floats) -> None:
        count = len(samples) // self._shift
        self._rest = samples[count * self._shift :]
        rows = samples[: count * self._shift].reshape(count, self._shift)
        power = (rows - rows.mean(1, keepdims=True, dtype=np.float32)) ** 2
        level = 10 * np.log10(power.mean(1) + _FLOOR)
        self._found.append(level.astype(np.float32))


def list_unheard(tokenizer: Tokenizer) -> list[int]:
    """Return the tokens that are not a sound, such as the space among characters."""
    return [i for i, token in enumerate(tokenizer.tokens) if token == SPACE]
