"""The utterances with most errors: both texts aligned, and their audio."""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hamzaban.audio.reader import open_audio
from hamzaban.audio.signal import resample, to_mono
from hamzaban.data.files import read_scp
from hamzaban.score.breakdown import match_utterances
from hamzaban.score.notation import unescape_token
from hamzaban.score.sclite import Scored
from hamzaban.score.trn import read_text

MAX_AUDIO_S = 60.0  # longer recordings are cut, which the page says
_OPUS_FS = 16000
_NAMES = {"C": "correct", "S": "substituted", "D": "deleted", "I": "inserted"}


@dataclass(frozen=True)
class Column:
    """A column of an alignment.

    Attributes:
        step: `C`, `S`, `D` or `I`.
        ref: Reference word; empty for `I`.
        hyp: Hypothesis word; empty for `D`.
    """

    step: str
    ref: str
    hyp: str

    @property
    def name(self) -> str:
        """What the letter means."""
        return _NAMES[self.step]


@dataclass(frozen=True)
class Utterance:
    """An utterance to look at and listen to.

    Attributes:
        name: Its utterance id, or its trn id where that is not known.
        errors: Word errors.
        num_words: Reference words.
        columns: The alignment.
        audio: Data URI of the recording; empty if it is not at hand.
        is_cut: Whether only the first `MAX_AUDIO_S` seconds are in it.
    """

    name: str
    errors: int
    num_words: int
    columns: Sequence[Column]
    audio: str
    is_cut: bool


def choose_worst(scored: Scored, count: int) -> list[int]:
    """Return the utterances with most errors, the higher rate first among equals."""
    errors = scored.counts[:, 1:].sum(axis=1)
    sizes = np.maximum(1, scored.counts[:, :3].sum(axis=1))
    order = np.lexsort((-errors / sizes, -errors))
    return [int(u) for u in order[:count] if errors[u]]


def describe_worst(
    scored: Scored, count: int, data_dir: Path | None
) -> list[Utterance]:
    """Describe the utterances with most errors.

    Args:
        scored: Aligned words.
        count: How many utterances.
        data_dir: Data directory of the set; None: without audio.
    """
    names: Sequence[str | None] = [None] * len(scored.trn_ids)
    sources: Mapping[str, str] = {}
    if data_dir is not None:
        names = match_utterances(scored, read_text(data_dir / "utt2spk"))
        sources = dict(read_scp(data_dir / "wav.scp"))
    return [
        _describe(scored, u, names[u], sources) for u in choose_worst(scored, count)
    ]


def align_columns(scored: Scored, u: int) -> Iterator[Column]:
    """Yield the alignment of an utterance, with words as they were written."""
    ref, hyp = iter(scored.refs[u]), iter(scored.hyps[u])
    for step in scored.steps[u].decode():
        yield Column(
            step,
            "" if step == "I" else unescape_token(next(ref)),
            "" if step == "D" else unescape_token(next(hyp)),
        )


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


def _describe(
    scored: Scored, u: int, name: str | None, sources: Mapping[str, str]
) -> Utterance:
    audio, is_cut = "", False
    if name is not None and name in sources:
        audio, is_cut = encode_audio(sources[name])
    corr, sub, dele, ins = scored.counts[u].tolist()
    return Utterance(
        name or scored.trn_ids[u][1:-1],
        sub + dele + ins,
        corr + sub + dele,
        list(align_columns(scored, u)),
        audio,
        is_cut,
    )
