"""Read ctm files: words with times, confidences and alternatives."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hamzaban.score.notation import NULL_WORD, Heard, Notation, parse_words
from hamzaban.score.trn import read_lines

BEGIN, OR, END = "<alt_begin>", "<alt>", "<alt_end>"


@dataclass(frozen=True)
class TimedWord:
    """A word, or a group of alternatives, of a ctm file.

    Attributes:
        recording: File and channel.
        start_s: Start in seconds; of alternatives, the least.
        end_s: End in seconds; of alternatives, the greatest.
        middle_s: Middle in seconds, which decides the segment; of alternatives, the
            greatest.
        token: The word, or `Notation`.
    """

    recording: tuple[str, str]
    start_s: float
    end_s: float
    middle_s: float
    token: str


def read_ctm(path: str, *, case_sensitive: bool = False) -> list[TimedWord]:
    """Read `<file> <channel> <start> <duration> <word> [<confidence>]` lines.

    Alternatives stand between lines whose word is <ALT_BEGIN>, <ALT> and <ALT_END>.

    Args:
        path: The file.
        case_sensitive: Tell recordings apart whose names differ in case only.

    Raises:
        ValueError: A line is malformed, or alternatives do not end.
    """
    lines = _read_fields(path, case_sensitive)
    words = []
    for place, recording, fields in lines:
        if fields[2].lower() == BEGIN:
            words.append(_read_alternatives(place, recording, lines))
        elif fields[2].lower() in (OR, END):
            raise ValueError(
                f"{place}: {fields[2]} without <ALT_BEGIN> before it; add that line"
            )
        else:
            words.append(_read_word(place, recording, fields))
    return words


def read_times(fields: Sequence[str], place: str) -> tuple[float, float]:
    """Return two times in seconds.

    Raises:
        ValueError: They are no numbers from 0.
    """
    try:
        first, second = map(float, fields)
    except ValueError:
        first = second = math.nan
    if not (0 <= first < math.inf and 0 <= second < math.inf):
        raise ValueError(
            f"{place}: times '{' '.join(fields)}' found, expected two numbers of "
            "seconds from 0; correct them"
        )
    return first, second


Line = tuple[str, tuple[str, str], list[str]]


def _read_fields(path: str, case_sensitive: bool) -> Iterator[Line]:
    """Yield the place, the recording and the further fields of each line."""
    for number, line in read_lines(path):
        fields = line.split()
        if not fields or fields[0].startswith(";"):
            continue
        place = f"{path}:{number}"
        if len(fields) not in (5, 6, 7):
            raise ValueError(
                f"{place}: {len(fields)} fields, expected file, channel, start, "
                "duration, word and, optionally, confidence"
            )
        name = " ".join(fields[:2])
        file, channel = (name if case_sensitive else name.lower()).split()
        yield place, (file, channel), fields[2:]


def _read_word(
    place: str, recording: tuple[str, str], fields: Sequence[str]
) -> TimedWord:
    start_s, duration_s = read_times(fields[:2], place)
    (token,) = parse_words(fields[2], place)
    if isinstance(token, Notation):
        if token.choices:
            raise ValueError(
                f"{place}: braces in a ctm; write alternatives as lines between "
                "<ALT_BEGIN>, <ALT> and <ALT_END>"
            )
    else:
        token = Heard(token)
        token.confidence = _read_confidence(fields[3:], place)
    middle_s = start_s + duration_s / 2
    return TimedWord(recording, start_s, start_s + duration_s, middle_s, token)


def _read_confidence(fields: Sequence[str], place: str) -> float | None:
    if not fields or fields[0].lower() == "na":
        return None
    try:
        confidence = float(fields[0])
    except ValueError:
        confidence = math.nan
    if not math.isfinite(confidence):
        raise ValueError(
            f"{place}: confidence '{fields[0]}' found, expected a number from 0 to 1 "
            "or NA; correct it"
        )
    return confidence


def _read_alternatives(
    begin: str, recording: tuple[str, str], lines: Iterator[Line]
) -> TimedWord:
    """Read the lines up to <ALT_END>; an alternative without words is a null word."""
    choices: list[list[str]] = [[]]
    words: list[TimedWord] = []
    for place, other, fields in lines:
        mark = fields[2].lower()
        if other != recording or mark == BEGIN:
            break
        if mark == END:
            if not words:
                raise ValueError(f"{begin}: alternatives without a word; remove them")
            token = Notation.make([choice or [NULL_WORD] for choice in choices])
            ends = (max(w.end_s for w in words), max(w.middle_s for w in words))
            return TimedWord(recording, min(w.start_s for w in words), *ends, token)
        if mark == OR:
            choices.append([])
        else:
            words.append(_read_word(place, recording, fields))
            choices[-1].append(words[-1].token)
    raise ValueError(
        f"{begin}: nothing ends these alternatives of recording "
        f"'{' '.join(recording)}'; add a line with <ALT_END>"
    )
