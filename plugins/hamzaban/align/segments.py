"""Find times and scores of sentences on a path, and speech that the text lacks."""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hamzaban.align.graph import Graph
from hamzaban.align.pauses import find_end, find_start, has_pause
from hamzaban.align.recording import Floats, Recording
from hamzaban.align.spelled import Spelled
from hamzaban.decode.path import collapse
from hamzaban.transcribe.transcript import TimedWord

MAX_STRAY_S = 0.3  # of speech that may be part of the sentence beside it
NO_LETTERS, NOT_SPOKEN = "no letter that the model writes", "not spoken"


@dataclass(frozen=True)
class Aligned:
    """A sentence of the text and where it is said.

    Attributes:
        sentence: The sentence.
        start_s: Start in seconds; NaN if it is not said.
        end_s: End in seconds; NaN if it is not said.
        score: How well the text fits, 0..1; 1: the model recognizes exactly the text.
        words: Its words with their times.
        reason: Why it has no times; "" if it has.
    """

    sentence: Spelled
    start_s: float = math.nan
    end_s: float = math.nan
    score: float = 0.0
    words: tuple[TimedWord, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Extra:
    """Speech that the text lacks, and what the model writes for it."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class _Span:
    """Frames of a sentence or of other speech: first to last token, end excluded."""

    start: int
    end: int


@dataclass(frozen=True)
class Layout:
    """A path through a recording, and what is needed to read it.

    Attributes:
        recording: The recording.
        graph: The text.
        path: State of each frame, shape (T,).
        write: Returns the text of tokens.
    """

    recording: Recording
    graph: Graph
    path: NDArray[np.int64]
    write: Callable[[Sequence[int]], str]


def list_aligned(
    sentences: Sequence[Spelled],
    layout: Layout,
    along: Floats,
    heard: NDArray[np.bool_],
) -> tuple[list[Aligned], list[Extra]]:
    """Return each sentence with its times, and the speech between them.

    Args:
        sentences: Those of the graph.
        layout: The path.
        along: Score of the path at each frame, shape (T,).
        heard: Frames at which the model's own path begins a token, shape (T,).
    """
    spans = _find_spans(layout.graph, layout.path)
    extras = _find_extras(spans, heard, layout.recording)
    wide, extras = _absorb(spans, extras, layout.recording)
    events = sorted([s for s in wide if s] + extras, key=lambda span: span.start)
    places = {(span.start, span.end): i for i, span in enumerate(events)}
    aligned = []
    for i, (sentence, span) in enumerate(zip(sentences, spans, strict=True)):
        around = wide[i]
        if span is None or around is None:
            reason = NOT_SPOKEN if sentence.words else NO_LETTERS
            aligned.append(Aligned(sentence, reason=reason))
            continue
        start_s, end_s = _refine(events, places[around.start, around.end], layout)
        score = _score(span, along, layout.recording.best, len(sentence.ids))
        words = _time_words(sentence, layout, int(layout.graph.wildcards[i]), along)
        aligned.append(Aligned(sentence, start_s, end_s, score, words))
    found = []
    for span in extras:
        start_s, end_s = _refine(events, places[span.start, span.end], layout)
        tokens = layout.recording.greedy[span.start : span.end]
        text = layout.write(collapse(tokens.tolist()))
        found.append(Extra(start_s, end_s, text))
    return aligned, found


def _find_spans(graph: Graph, path: NDArray[np.int64]) -> list[_Span | None]:
    """Return the frames of each sentence; None for one that is skipped."""
    stars = graph.wildcards
    number = np.searchsorted(stars, path, "right") - 1  # (T,)
    inside = np.flatnonzero(stars[number] != path)
    spans: list[_Span | None] = [None] * (len(stars) - 1)
    if len(inside):
        own = number[inside]
        first = np.flatnonzero(np.diff(own, prepend=-1))
        last = [*(first[1:] - 1).tolist(), len(inside) - 1]
        for a, b in zip(first.tolist(), last, strict=True):
            spans[int(own[a])] = _Span(int(inside[a]), int(inside[b]) + 1)
    return spans


def _find_extras(
    spans: Sequence[_Span | None], heard: NDArray[np.bool_], recording: Recording
) -> list[_Span]:
    """Return the frames between sentences in which the model hears something."""
    said = [span for span in spans if span]
    starts = [0, *(span.end for span in said)]
    ends = [*(span.start for span in said), recording.num_frames]
    found = []
    for start, end in zip(starts, ends, strict=True):
        frames = np.flatnonzero(heard[start:end])
        if len(frames):
            last = int(frames[-1]) + 1
            while start + last < end and (
                recording.greedy[start + last] == recording.greedy[start + last - 1]
            ):
                last += 1
            found.append(_Span(start + int(frames[0]), start + last))
    return found


def _absorb(
    spans: Sequence[_Span | None], extras: Sequence[_Span], recording: Recording
) -> tuple[list[_Span | None], list[_Span]]:
    """Return spans with the stray tokens beside them, and the other speech.

    A token that no pause separates from a sentence belongs to its sound.
    """
    shift_s, energy = recording.frame_shift_s, recording.energy_db
    wide = list(spans)
    said = [i for i, span in enumerate(spans) if span]
    firsts = [span.start for span in spans if span]
    kept = []
    for extra in extras:
        k = bisect.bisect_left(firsts, extra.start)
        is_short = (extra.end - extra.start) * shift_s <= MAX_STRAY_S
        for i in said[max(k - 1, 0) : k + 1] if is_short else ():
            span = wide[i]
            assert span is not None
            gap = min(span.end, extra.end), max(span.start, extra.start)
            speech = span.start * shift_s, span.end * shift_s
            if not has_pause(energy, gap[0] * shift_s, gap[1] * shift_s, speech):
                wide[i] = _Span(min(span.start, extra.start), max(span.end, extra.end))
                break
        else:
            kept.append(extra)
    return wide, kept


def _refine(events: Sequence[_Span], i: int, layout: Layout) -> tuple[float, float]:
    """Return start and end in seconds of speech, at the pauses beside it."""
    shift_s = layout.recording.frame_shift_s
    duration_s = layout.recording.duration_s
    span = events[i]
    after_s = next_s = duration_s
    if i + 1 < len(events):
        after_s = min(events[i + 1].start * shift_s, duration_s)
        next_s = _refine_start(events, i + 1, layout)
    start_s, end_s = span.start * shift_s, span.end * shift_s
    found_start_s = _refine_start(events, i, layout)
    energy = layout.recording.energy_db
    found_end_s = find_end(energy, start_s, end_s, after_s, next_s)
    found_end_s = min(found_end_s, duration_s)
    if found_end_s <= found_start_s:
        return start_s, end_s
    return found_start_s, found_end_s


def _refine_start(events: Sequence[_Span], i: int, layout: Layout) -> float:
    shift_s = layout.recording.frame_shift_s
    before_s = events[i - 1].end * shift_s if i else 0.0
    start_s, end_s = events[i].start * shift_s, events[i].end * shift_s
    return find_start(layout.recording.energy_db, before_s, start_s, end_s)


def _score(span: _Span, along: Floats, best: Floats, num_tokens: int) -> float:
    """Return the ratio, per token, of the text's likelihood to the best path's."""
    frames = slice(span.start, span.end)
    ratio = (along[frames] - best[frames]).astype(np.float64).sum() / num_tokens
    return float(np.exp(min(ratio, 0.0)))


def _time_words(
    sentence: Spelled, layout: Layout, wildcard: int, along: Floats
) -> tuple[TimedWord, ...]:
    """Return the words of a sentence that begins after a wildcard's state."""
    shift_s = layout.recording.frame_shift_s
    words = []
    state = wildcard + 1
    for word in sentence.words:
        best, frames = [], []
        for _ in word.ids:
            start, end = np.searchsorted(layout.path, (state, state + 1))
            best.append(float(along[start:end].max()))
            frames += [int(start), int(end)]
            state += 2
        confidence = min(1.0, math.exp(sum(best) / len(best)))
        times = frames[0] * shift_s, frames[-1] * shift_s
        words.append(TimedWord(word.raw, *times, confidence))
    return tuple(words)
