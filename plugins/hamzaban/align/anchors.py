"""Find anchors: places where the text and what a model hears certainly agree.

Strings of characters that occur once in each are matched: first long ones and then,
between them, shorter ones. Only states near the line through these anchors have to be
visited, so time and memory are linear in the length of a recording, not quadratic.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hamzaban.align.viterbi import Band
from hamzaban.text.tokens import SPACE, WORD_BOUNDARY

LENGTHS = (24, 16, 12, 9)  # of the strings that are matched, in characters
MIN_CELLS = 1 << 21  # frames times states between two anchors that need no more between
MARGIN = 60  # states on both sides of the anchors


@dataclass(frozen=True)
class Track:
    """Characters and their places, which are frames or states.

    Attributes:
        text: N characters.
        places: Their places, shape (N,), non-decreasing.
        tokens: The token that begins with this character; -1 if none does.
    """

    text: str
    places: NDArray[np.int64]
    tokens: NDArray[np.int64]


def make_track(
    tokens: Sequence[str], ids: Sequence[int], places: Sequence[int]
) -> Track:
    """Return the characters of tokens and their places.

    Args:
        tokens: The token list of a model.
        ids: Tokens that were heard, or those of the text, N of them.
        places: The frame or the state of each.
    """
    texts = [_plain(tokens[i]) for i in ids]
    lengths = [len(text) for text in texts]
    firsts = np.cumsum([0, *lengths[:-1]]) if lengths else np.zeros(0, np.int64)
    found = np.full(sum(lengths), -1)
    found[firsts] = ids
    return Track("".join(texts), np.repeat(np.asarray(places), lengths), found)


def find_anchors(heard: Track, text: Track) -> list[tuple[int, int]]:
    """Return places (frame, state) at which text and recording agree, both rising."""
    anchors = [(0, 0), (len(heard.text), len(text.text))]
    for length in LENGTHS:
        found = [anchors[0]]
        for (h0, t0), (h1, t1) in itertools.pairwise(anchors):
            if _cells(heard, h0, h1) * _cells(text, t0, t1) > MIN_CELLS:
                a, b = heard.text[h0:h1], text.text[t0:t1]
                found += ((h0 + i, t0 + j) for i, j in _match(a, b, length))
            found.append((h1, t1))
        anchors = sorted(set(found))
    places: list[tuple[int, int]] = []
    for i, j in anchors[1:-1]:
        if heard.tokens[i] >= 0 and heard.tokens[i] == text.tokens[j]:
            place = int(heard.places[i]), int(text.places[j])
            if not places or (place[0] > places[-1][0] and place[1] > places[-1][1]):
                places.append(place)
    return places


def make_band(
    anchors: Sequence[tuple[int, int]], num_frames: int, num_states: int
) -> Band:
    """Return the band of states that leads from anchor to anchor.

    At the frames between two anchors, the band holds the states between theirs, and
    MARGIN more on both sides.
    """
    frames = np.array([frame for frame, _ in anchors], np.int64)
    states = np.array([state for _, state in anchors], np.int64)
    at = np.searchsorted(frames, np.arange(num_frames), "right")
    low = np.concatenate([[0], states - MARGIN])[at]
    high = np.concatenate([states + MARGIN + 1, [num_states]])[at]
    return Band(np.clip(low, 0, num_states), np.clip(high, 0, num_states))


def _cells(track: Track, start: int, end: int) -> int:
    """Return how many frames or states lie between two characters."""
    if start >= len(track.places):
        return 0
    last = track.places[end] if end < len(track.places) else track.places[-1]
    return int(last - track.places[start]) + 1


def _match(heard: str, text: str, length: int) -> list[tuple[int, int]]:
    """Return the places of the strings that occur once in each, in the same order."""
    ours, theirs = _find_unique(heard, length), _find_unique(text, length)
    pairs = sorted((i, theirs[key]) for key, i in ours.items() if key in theirs)
    chosen = _longest_rising([j for _, j in pairs])
    return [pairs[k] for k in chosen]


def _find_unique(text: str, length: int) -> dict[str, int]:
    """Return the place of each string of a length that occurs once."""
    found: dict[str, int] = {}
    for i in range(len(text) - length + 1):
        key = text[i : i + length]
        found[key] = -1 if key in found else i
    return {key: i for key, i in found.items() if i >= 0}


def _longest_rising(values: Sequence[int]) -> list[int]:
    """Return the indices of a longest rising subsequence."""
    tails: list[int] = []  # the last value of the best subsequence of each length
    ends: list[int] = []
    before: list[int] = []
    for i, value in enumerate(values):
        k = bisect.bisect_left(tails, value)
        before.append(ends[k - 1] if k else -1)
        tails[k : k + 1] = [value]
        ends[k : k + 1] = [i]
    chosen = []
    i = ends[-1] if ends else -1
    while i >= 0:
        chosen.append(i)
        i = before[i]
    return chosen[::-1]


def _plain(token: str) -> str:
    return " " if token == SPACE else token.replace(WORD_BOUNDARY, " ")
