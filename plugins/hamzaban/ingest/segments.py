"""Make segments end where their recording ends."""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from hamzaban.audio.source import (
    HEADER_OVERHANG_S,
    SEGMENT_OVERHANG_S,
    UnreadableError,
    is_beyond,
    is_pipe,
)
from hamzaban.ingest.utterances import Tally, Utterance

BEYOND = f"segment over {SEGMENT_OVERHANG_S} s beyond its recording"
CUT_SHORT = f"audio file over {HEADER_OVERHANG_S} s shorter than its header states"
TO_THE_END = -1.0  # stands, as in Kaldi, for the end of the recording
MAX_LENGTHS = 100_000  # lengths of recordings that are held in memory


class _Length(NamedTuple):
    """The seconds of a recording, 0 where unknown, and whether they are exact."""

    duration_s: float
    is_exact: bool


def fit_segments(utterances: Iterator[Utterance], tally: Tally) -> Iterator[Utterance]:
    """Shorten segments that end a little after their recording; leave others out.

    Commands are not run, so that their segments stay as they are.

    Args:
        utterances: Segments or whole recordings; the latter pass as they are.
        tally: Counts the segments that are left out.
    """
    measure = lru_cache(MAX_LENGTHS)(_measure)
    for utt in utterances:
        if not utt.rec_id:
            yield utt
            continue
        length = measure(utt.audio)
        fitted = _fit(utt, length)
        if isinstance(fitted, Utterance):
            yield fitted
            continue
        span = f"from {utt.begin_s:.3f} to {utt.end_s:.3f} s of {utt.audio}"
        known = f", {length.duration_s:.3f} s long" if length.duration_s else ""
        place = f"{utt.place}: " if utt.place else ""
        tally.add_fault(fitted, f"{place}{utt.utt_id}, {span}{known}")


def _fit(utt: Utterance, length: _Length) -> Utterance | str:
    """Return a segment that ends with its recording, or the reason to leave it out."""
    duration_s = length.duration_s
    is_open = utt.end_s == TO_THE_END
    if utt.begin_s < 0 or (utt.end_s < 0 and not is_open):
        return "segment with a negative time"
    if utt.end_s <= utt.begin_s and not is_open:
        return "segment that ends before it begins"
    if not duration_s:
        return utt
    if is_beyond(utt.begin_s, utt.end_s, duration_s):
        return BEYOND
    if is_open or (utt.end_s > duration_s and length.is_exact):
        return utt._replace(end_s=duration_s)
    return utt


def is_cut_short(audio: str) -> bool:
    """Return whether an audio file is truncated, as its header tells."""
    from hamzaban.audio.reader import find_cut

    return bool(find_cut(audio))


def _measure(audio: str) -> _Length:
    from hamzaban.audio.reader import measure_audio

    if is_pipe(audio):
        return _Length(0.0, False)
    try:
        length = measure_audio(audio)
    except UnreadableError:
        return _Length(0.0, False)
    return _Length(length.duration_s, length.is_exact)
