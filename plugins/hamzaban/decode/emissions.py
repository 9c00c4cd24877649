"""Utterances of a data directory: read, batched by length, and run through a model."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamzaban.data.files import read_scp
from hamzaban.wav2vec2.frames import WAV2VEC2_CONV, count_frames, parse_conv_layers

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Utterance:
    """One recording.

    Attributes:
        utt_id: Id of the utterance.
        path: Audio file of the utterance alone.
        num_samples: Length at the sampling rate of the file.
        is_measured: Whether the length comes from `utt2num_samples`.
    """

    utt_id: str
    path: str
    num_samples: int
    is_measured: bool = field(default=False, compare=False)


def read_utterances(data_dir: str | Path) -> list[Utterance]:
    """Return the utterances of `wav.scp`.

    Lengths are those of `utt2num_samples` or, without it, of the audio files.

    Raises:
        FileNotFoundError: `wav.scp` is missing.
        ValueError: The directory has `segments`, or a length is missing or no number.
    """
    data_dir = Path(data_dir)
    if (data_dir / "segments").exists():
        raise ValueError(
            f"{data_dir}/segments: found, expected one audio file per utterance; run "
            "`hamzaban format-audio` on the directory first"
        )
    paths = dict(read_scp(data_dir / "wav.scp"))
    lengths_path = data_dir / "utt2num_samples"
    is_measured = lengths_path.exists()
    if is_measured:
        lengths = {
            utt_id: _parse_length(lengths_path, utt_id, text)
            for utt_id, text in read_scp(lengths_path)
        }
    else:
        lengths = {utt_id: _read_length(utt_id, p) for utt_id, p in paths.items()}
    for utt_id in paths:
        if utt_id not in lengths:
            raise ValueError(
                f"{lengths_path}: utt_id {utt_id} of wav.scp is missing; run "
                "`hamzaban format-audio` again"
            )
    return [
        Utterance(utt_id, path, lengths[utt_id], is_measured)
        for utt_id, path in paths.items()
    ]


def make_batches(
    utts: Sequence[Utterance], batch_bins: int
) -> list[tuple[Utterance, ...]]:
    """Return batches of utterances of similar length.

    Args:
        utts: Utterances in any order.
        batch_bins: Most samples in a batch, padding counted; a longer utterance is
            alone in its batch.

    Returns:
        Batches, the longest utterances first; the same for any order of `utts`.

    Raises:
        ValueError: `batch_bins` is not positive.
    """
    if batch_bins < 1:
        raise ValueError(f"batch_bins {batch_bins} found, expected 1 sample or more")
    batches: list[list[Utterance]] = []
    for utt in sorted(utts, key=lambda utt: (-utt.num_samples, utt.utt_id)):
        if (
            batches
            and batches[-1][0].num_samples * (len(batches[-1]) + 1) <= batch_bins
        ):
            batches[-1].append(utt)
        else:
            batches.append([utt])
    return [tuple(batch) for batch in batches]


def read_speech(utt: Utterance, fs: int) -> Tensor:
    """Read the waveform of an utterance; mix and resample it if necessary.

    Args:
        utt: The utterance.
        fs: Sampling rate of the model, in Hz.

    Returns:
        The waveform in -1..1 at the rate `fs`, shape (samples,).

    Raises:
        ValueError: The file is unreadable.
    """
    import soundfile
    import torch

    from hamzaban.audio.signal import Mixer, resample

    try:
        speech, rate = soundfile.read(utt.path, dtype="float32")
    except (OSError, RuntimeError) as e:
        raise ValueError(
            f"{utt.path}: audio of {utt.utt_id} cannot be read ({e}); run "
            "`hamzaban format-audio` on its data directory"
        ) from e
    if speech.ndim != 1:
        speech = Mixer(name=utt.path).mix(speech, rate)
    return torch.from_numpy(resample(speech, rate, fs))


def report_other_forms(utts: Sequence[Utterance], fs: int) -> None:
    """Log how many recordings are not mono at the model's rate.

    If the first is, and lengths are known, the others are taken to be so as well:
    format-audio wrote them.

    Args:
        utts: The utterances, in the order of `wav.scp`.
        fs: Sampling rate of the model, in Hz.
    """
    counts: Counter[tuple[int, int]] = Counter()
    first = ""
    for utt in utts:
        form = _read_form(utt)
        if form in (None, (fs, 1)):
            if utt is utts[0] and utt.is_measured:
                return
            continue
        counts[form or (0, 0)] += 1
        first = first or utt.utt_id
    if counts:
        forms = ", ".join(
            f"{count} of {rate} Hz and {channels} channel(s)"
            for (rate, channels), count in counts.most_common()
        )
        logging.warning(
            "%d of %d utterances are brought to the model's %d Hz mono while they are "
            "read: %s; the first is %s",
            counts.total(),
            len(utts),
            fs,
            forms,
            first,
        )


def _read_form(utt: Utterance) -> tuple[int, int] | None:
    """Return rate and channels of a file; None if it cannot be read."""
    import soundfile

    try:
        info = soundfile.info(utt.path)
    except (OSError, RuntimeError):
        return None  # reported when it is decoded
    return info.samplerate, info.channels


def emit(model: Any, waveforms: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Run a CTC model on a batch of waveforms.

    Args:
        model: An ESPnet2 ASR model with a CTC head, in eval mode.
        waveforms: B waveforms, shape (samples,) each, at least one frame long.

    Returns:
        Log-posteriors (natural log), shape (B, T, V), and numbers of valid frames,
        shape (B,), on the model's device.
    """
    import torch

    with torch.inference_mode():
        out, out_lens = model.encode(*pad(model, waveforms))
        if isinstance(out, tuple):  # the outputs of intermediate layers come second
            out = out[0]  # (B, T, D)
        return model.ctc.log_softmax(out), out_lens  # (B, T, V), (B,)


def pad(model: Any, waveforms: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Pad waveforms, shape (samples,) each, and move them to the model's device.

    Returns:
        The waveforms, shape (B, S), and their lengths, shape (B,).
    """
    import torch

    device = next(model.parameters()).device
    lengths = torch.tensor([len(speech) for speech in waveforms])  # (B,)
    speech = torch.nn.utils.rnn.pad_sequence(list(waveforms), batch_first=True)
    return speech.to(device), lengths.to(device)


def list_conv_layers(model: Any) -> Sequence[tuple[int, int]]:
    """Return kernel and stride of each convolution of the model's frontend.

    For a frontend other than ours they are those of wav2vec 2.0 (25 ms every 20 ms).
    """
    conv = getattr(getattr(model, "frontend", None), "conv", None)
    return conv or parse_conv_layers(WAV2VEC2_CONV)


def has_frames(num_samples: int, conv: Sequence[tuple[int, int]]) -> bool:
    """Return whether a waveform is long enough for one frame."""
    return count_frames(num_samples, conv) > 0


def _parse_length(path: Path, utt_id: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(
            f"{path}: {utt_id} has {text!r} samples, expected a whole number; run "
            "`hamzaban format-audio` again"
        )
    return int(text)


def _read_length(utt_id: str, path: str) -> int:
    import soundfile

    try:
        return soundfile.info(path).frames
    except (OSError, RuntimeError) as e:
        raise ValueError(
            f"{path}: audio of {utt_id} cannot be read ({e}); run "
            "`hamzaban format-audio` on its data directory"
        ) from e
