"""Divide words into the cues of subtitles, with lines of a readable length."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from hamzaban.config import check_options, option
from hamzaban.transcribe.transcript import TimedWord

RIGHT_TO_LEFT = "\u2067"  # RIGHT-TO-LEFT ISOLATE
END_ISOLATE = "\u2069"  # POP DIRECTIONAL ISOLATE


@dataclasses.dataclass(frozen=True, kw_only=True)
class CueOptions:
    """How words are divided into subtitles.

    Attributes:
        max_chars: Most characters in a line; a longer word has a line of its own.
        max_lines: Most lines in a cue.
        max_cue_s: Longest cue.
        min_cue_s: Shortest time a cue is shown, unless the next one begins earlier.
        max_gap_s: Longest pause within a cue.
    """

    max_chars: int = option(42, at_least=1)
    max_lines: int = option(2, at_least=1)
    max_cue_s: float = option(7.0, above=0)
    min_cue_s: float = option(1.0, at_least=0)
    max_gap_s: float = option(1.0, at_least=0)

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: One is out of range.
        """
        check_options(self, "--")


@dataclasses.dataclass(frozen=True)
class Cue:
    """The lines of a subtitle and when they are shown.

    Attributes:
        start_s: When it appears, in seconds.
        end_s: When it disappears.
        lines: Its lines, without isolates.
    """

    start_s: float
    end_s: float
    lines: tuple[str, ...]


def make_cues(words: Iterable[TimedWord], options: CueOptions) -> list[Cue]:
    """Return the cues of words, in order; no two overlap in time."""
    groups = list(_group(words, options))
    cues = []
    for index, group in enumerate(groups):
        is_last = index + 1 == len(groups)
        following_s = float("inf") if is_last else groups[index + 1][0].start_s
        start_s = group[0].start_s
        end_s = max(group[-1].end_s, start_s + options.min_cue_s)
        lines = wrap([word.text for word in group], options.max_chars)
        cues.append(Cue(start_s, min(end_s, following_s), tuple(lines)))
    return cues


def wrap(words: Sequence[str], max_chars: int) -> list[str]:
    """Return as few lines as possible, of lengths as equal as possible.

    Examples:
        >>> wrap("a subtitle of two lines".split(), 16)
        ['a subtitle', 'of two lines']
    """
    lines = _fill(words, max_chars)
    shortest = max(map(len, words), default=1)
    for width in range(min(shortest, max_chars), max_chars):
        balanced = _fill(words, width)
        if len(balanced) == len(lines):
            return balanced
    return lines


def isolate(line: str) -> str:
    """Return a line so that a player shows it in its own direction.

    A line whose first letter is of a right-to-left script stands between isolates
    (Unicode UAX 9), since players lay out lines from left to right.
    """
    for char in line:
        direction = unicodedata.bidirectional(char)
        if direction in ("R", "AL"):
            return f"{RIGHT_TO_LEFT}{line}{END_ISOLATE}"
        if direction == "L":
            return line
    return line


def _group(
    words: Iterable[TimedWord], options: CueOptions
) -> Iterator[list[TimedWord]]:
    group: list[TimedWord] = []
    for word in words:
        if group and not _fits(group, word, options):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _fits(group: Sequence[TimedWord], word: TimedWord, options: CueOptions) -> bool:
    if word.start_s - group[-1].end_s > options.max_gap_s:
        return False
    if word.end_s - group[0].start_s > options.max_cue_s:
        return False
    texts = [*(each.text for each in group), word.text]
    return len(_fill(texts, options.max_chars)) <= options.max_lines


def _fill(words: Sequence[str], width: int) -> list[str]:
    """Return lines of at most `width` characters, each filled before the next."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
