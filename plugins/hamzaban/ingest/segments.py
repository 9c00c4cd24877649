"""Segments of recordings, made to end where their recording ends."""

import logging
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from hamzaban.ingest.utterances import Tally, Utterance
from hamzaban.validate.audio import AudioCheck, check_entry

OVERHANG_S = 0.5  # a segment may end this much later and is cut there; as in Kaldi
TO_THE_END = -1.0  # the end of a segment that ends with its recording, as in Kaldi
RECORDINGS_AT_ONCE = 100_000  # whose lengths are held in memory


class _Length(NamedTuple):
    """Seconds of a recording, 0 where unknown, and whether its header is exact."""

    duration_s: float
    is_exact: bool


def fit_segments(utterances: Iterator[Utterance], tally: Tally) -> Iterator[Utterance]:
    """Shorten segments that end a little after their recording; leave others out.

    Recordings whose length no header tells, such as commands, are not looked at.

    Args:
        utterances: Any; whole recordings pass as they are.
        tally: Counts those left out.
    """
    measure = lru_cache(RECORDINGS_AT_ONCE)(_measure)
    for utt in utterances:
        if not utt.rec_id:
            yield utt
            continue
        length = measure(utt.audio)
        fitted = _fit(utt, length)
        if isinstance(fitted, Utterance):
            yield fitted
            continue
        if not tally.faults[fitted]:
            span = f"from {utt.begin_s:.3f} to {utt.end_s:.3f} s of {utt.audio}"
            known = f", {length.duration_s:.3f} s long" if length.duration_s else ""
            first = f"{utt.utt_id}, {span}{known}"
            logging.warning("%s: %s, the first: %s", tally.place, fitted, first)
        tally.faults[fitted] += 1


def _fit(utt: Utterance, length: _Length) -> Utterance | str:
    """Return an utterance that ends with its recording, or why there is none."""
    duration_s = length.duration_s
    is_open = utt.end_s == TO_THE_END
    if utt.begin_s < 0 or (utt.end_s <= utt.begin_s and not is_open):
        return "segment that ends before it begins"
    if not duration_s:
        return utt
    if utt.begin_s >= duration_s or utt.end_s > duration_s + OVERHANG_S:
        return f"segment over {OVERHANG_S} s beyond its recording"
    if is_open or (utt.end_s > duration_s and length.is_exact):
        return utt._replace(end_s=duration_s)
    return utt


def _measure(audio: str) -> _Length:
    info = check_entry(audio, AudioCheck())
    if info.num_samples is None or not info.fs:
        return _Length(0.0, False)
    return _Length(info.num_samples / info.fs, info.is_exact)
