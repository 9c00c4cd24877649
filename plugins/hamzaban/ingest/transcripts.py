"""Read transcripts as some corpora write them: quoted pairs, Buckwalter, WebVTT."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hamzaban.ingest.lines import open_utf8

# Tim Buckwalter's transliteration of Arabic, www.qamus.org/transliteration.htm
BUCKWALTER = dict(
    zip(
        "'|>&<}AbptvjHxd*rzs$SDTZEg_fqklmnhwYyFNKaui~o`{PJVG",
        "ءآأؤإئابةتثجحخدذرزسشصضطظعغـفقكلمنهوىيًٌٍَُِّْٰٱپچڤگ",
        strict=True,
    )
)
_PAIR = re.compile(r'"(.+?)"\s+"(.*)"')
_TIMES = re.compile(r"((?:\d+:)?\d+:[\d.,]+)\s+-->\s+((?:\d+:)?\d+:[\d.,]+)")
_MARKUP = re.compile(r"<[^>]*>|&[lr]rm;|^\s*\d+\]")


class Caption(NamedTuple):
    """A line of subtitles and when it is shown, in seconds."""

    begin_s: float
    end_s: float
    text: str


def from_buckwalter(text: str) -> str:
    """Return transliterated Arabic in Arabic letters; other characters stay."""
    return "".join(BUCKWALTER.get(char, char) for char in text)


def read_pairs(path: Path) -> Iterator[tuple[str, str]]:
    """Read lines `"file.wav" "transcript"`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line has another form.
    """
    with open_utf8(path) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            found = _PAIR.fullmatch(line.strip())
            if found is None:
                raise ValueError(
                    f'{path}:{number}: {line.strip()[:60]!r}, expected "file.wav" '
                    '"transcript"; fetch the corpus again'
                )
            yield found[1], found[2]


def read_captions(path: Path) -> Iterator[Caption]:
    """Read the captions of a WebVTT file without their markup; leave out empty ones.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A time is not a number.
    """
    times: tuple[float, float] | None = None
    words: list[str] = []
    with open_utf8(path) as lines:
        for number, line in enumerate((*lines, ""), 1):
            found = _TIMES.search(line)
            if found or not line.strip():
                if times and "".join(words).strip():
                    yield Caption(*times, " ".join(words))
                times, words = None, []
            if found:
                place = f"{path}:{number}"
                times = _seconds(found[1], place), _seconds(found[2], place)
            elif times and line.strip():
                words.append(_MARKUP.sub(" ", line).strip())


def _seconds(clock: str, place: str) -> float:
    total = 0.0
    try:
        for part in clock.replace(",", ".").split(":"):
            total = 60 * total + float(part)
    except ValueError:
        raise ValueError(
            f"{place}: time '{clock}', expected such as 0:01:02.500; correct the line"
        ) from None
    return total
