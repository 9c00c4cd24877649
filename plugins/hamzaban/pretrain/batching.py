"""Make batches: normalize and crop utterances, and drop those that are too short."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hamzaban.fileio import atomic_text

_EPS = 1e-5  # of torch's layer norm, which S3PRL applies to waveforms


@dataclass(frozen=True)
class CropSpeech:
    """Prepares a waveform: normalizes all of it, then crops.

    Attributes:
        normalize: Whether to scale the whole utterance to mean 0 and variance 1.
        max_sample_size: Longest crop in samples; None keeps all.
        train: Whether to crop at a random place, drawn from NumPy's global generator,
            which ESPnet seeds in each loader process; otherwise at the start.
    """

    normalize: bool
    max_sample_size: int | None
    train: bool

    def __call__(self, utt_id: str, data: dict[str, Any]) -> dict[str, Any]:
        """Prepare `data["speech"]`, a waveform of shape (S,)."""
        speech = np.asarray(data["speech"], dtype=np.float32)
        if speech.ndim != 1:
            raise ValueError(
                f"{utt_id}: audio has shape {speech.shape}, expected one channel; "
                "run hamzaban format-audio"
            )
        if self.normalize:
            speech = (speech - speech.mean()) / np.sqrt(speech.var() + _EPS)
        return {"speech": crop(speech, self.max_sample_size, self.train)}


class CropCollate:
    """Joins utterances to a batch, padded or cropped to the shortest.

    Args:
        crop_to_shortest: Crop all utterances to the length of the shortest at a random
            place, as fairseq does; otherwise pad with zeros, which the model ignores.
    """

    def __init__(self, crop_to_shortest: bool) -> None:
        """Store the option."""
        self.crop_to_shortest = crop_to_shortest

    def __call__(
        self, data: Sequence[tuple[str, dict[str, np.ndarray]]]
    ) -> tuple[list[str], dict[str, Tensor]]:
        """Return `speech` (B, S) and `speech_lengths` (B,) of B utterances."""
        waveforms = [item["speech"] for _, item in data]
        if self.crop_to_shortest:
            size = min(map(len, waveforms))
            waveforms = [crop(speech, size, True) for speech in waveforms]
        lengths = torch.tensor([len(speech) for speech in waveforms])
        speech = torch.zeros(len(waveforms), int(lengths.max()))
        for row, waveform in zip(speech, waveforms, strict=True):
            row[: len(waveform)] = torch.from_numpy(waveform)
        utt_ids = [utt_id for utt_id, _ in data]
        return utt_ids, {"speech": speech, "speech_lengths": lengths}


def crop(speech: np.ndarray, size: int | None, random: bool) -> np.ndarray:
    """Return at most `size` samples of a waveform, from a random place or the start."""
    if size is None or len(speech) <= size:
        return speech
    spare = len(speech) - size
    start = np.random.randint(spare + 1) if random else 0
    return speech[start : start + size]


def select_utterances(
    shape_file: str | Path,
    output: str | Path,
    *,
    min_samples: int,
    max_samples: int | None,
    max_drop: float,
) -> int:
    """Write the shape file of the utterances that are long enough, after cropping.

    Args:
        shape_file: Lines `utt_id samples`.
        output: File to write, in the same order; a length is that of the crop, at
            most `max_samples`, so that batches are full.
        min_samples: Shortest utterance kept, in samples.
        max_samples: Longest crop in samples, or None.
        max_drop: Largest share that may be dropped, in 0..1.

    Returns:
        Number of utterances kept.

    Raises:
        FileNotFoundError: There is no such shape file.
        ValueError: A line is not a shape, or too many utterances are too short.
    """
    if not Path(shape_file).is_file():
        raise FileNotFoundError(f"{shape_file}: no such shape file; run collect-stats")
    kept = total = 0
    with open(shape_file, encoding="utf-8") as lines, atomic_text(output) as out:
        for number, line in enumerate(lines, 1):
            utt_id, samples = _read_shape(line, f"{shape_file}:{number}")
            total += 1
            if samples >= min_samples:
                kept += 1
                out.write(f"{utt_id} {min(samples, max_samples or samples)}\n")
    _check_dropped(total - kept, total, max_drop, f"{shape_file}", min_samples)
    return kept


def _check_dropped(
    dropped: int, total: int, max_drop: float, place: str, min_samples: int
) -> None:
    short = f"utterances are shorter than {min_samples} samples"
    logging.info(f"{place}: {dropped} of {total} {short} and are dropped")
    if dropped == total or dropped > max_drop * total:
        raise ValueError(
            f"{place}: {dropped} of {total} {short}, expected at most {max_drop:.0%}; "
            "lower task_cfg.min_sample_size or raise max_drop"
        )


def _read_shape(line: str, place: str) -> tuple[str, int]:
    try:
        utt_id, shape = line.split()
        return utt_id, int(shape.split(",")[0])
    except ValueError:
        raise ValueError(
            f"{place}: found {line.strip()!r}, expected 'utt_id samples'; run "
            "hamzaban collect-stats again"
        ) from None
