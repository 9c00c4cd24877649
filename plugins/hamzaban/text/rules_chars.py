"""Characters and maps of characters as the YAMLs of the languages write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES_DIR = Path(__file__).parent / "languages"

_HEX = re.compile(r"(?:U\+)?([0-9A-F]+)(?:-([0-9A-F]+))?", re.I)


def read_ranges(text: str) -> list[int]:
    """Expand `U+064B-065F 670` to code points.

    Raises:
        ValueError: A word is not hexadecimal.
    """
    points: list[int] = []
    for word in text.split():
        found = _HEX.fullmatch(word)
        if found is None:
            raise ValueError(
                f"{word!r} is not a code point; expected U+0640 or 64B-65F"
            )
        first = int(found[1], 16)
        points.extend(range(first, int(found[2] or found[1], 16) + 1))
    return points


@cache
def unicode_classes() -> dict[str, frozenset[str]]:
    """Return the classes of `languages/_unicode.yaml`, each a set of characters."""
    data = read_yaml(LANGUAGES_DIR / "_unicode.yaml")
    classes = {name: frozenset(map(chr, read_ranges(data[name]))) for name in data}
    upper = frozenset(c for c in map(chr, range(0x1E944)) if c.lower() != c)
    return {**classes, "digits": frozenset(_digit_values()), "upper": upper}


def read_chars(text: str) -> list[str]:
    """Expand code points and names of classes, `U+0640 :symbols:`, to characters."""
    chars: list[str] = []
    for word in text.split():
        if word[0] == word[-1] == ":":
            chars.extend(sorted(_class(word[1:-1])))
        else:
            chars.extend(map(chr, read_ranges(word)))
    return chars


def read_string(text: str) -> str:
    """Read a replacement: code points `U+0627 U+0644`, or the text itself."""
    return "".join(read_chars(text)) if text.startswith("U+") else text


def _class(name: str) -> frozenset[str]:
    classes = unicode_classes()
    if name not in classes:
        raise ValueError(f"class {name!r} is unknown; known: {', '.join(classes)}")
    return classes[name]


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file."""
    from hamzaban.config import load_mapping

    return load_mapping(path)


def read_map(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Expand the keys `chars`, `to`, `except`, `map` and `use` of a rule.

    Yields:
        A character and what replaces it.
    """
    kept = set(read_chars(entry.get("except", "")))
    change = MAPS.get(entry.get("use", ""), lambda char: read_string(entry["to"]))
    for char in read_chars(entry.get("chars", "")):
        if char not in kept and change(char) != char:
            yield char, change(char)
    for chars, to in entry.get("map", {}).items():
        for char in read_chars(chars):
            yield char, read_string(to)


def expand_presentation_form(char: str) -> str:
    """Return the letters of a presentation form, or the marks without their carrier.

    NFKC adds a space or a tatweel as carrier to the forms of isolated and medial marks.
    """
    letters = unicodedata.normalize("NFKC", char)
    if letters[0] in " \u0640" and len(letters) > 1:
        letters = letters[1:]
    return letters


def to_ascii_digit(char: str) -> str:
    """Return the ASCII digit of the same value, and other characters as they are."""
    return _digit_values().get(char, char)


MAPS: dict[str, Callable[[str], str]] = {
    "presentation_forms": expand_presentation_form,
    "ascii_digits": to_ascii_digit,
    "lower": str.lower,
}


@cache
def _digit_values() -> dict[str, str]:
    zeros = read_yaml(LANGUAGES_DIR / "_unicode.yaml")["digit_zeros"]
    return {chr(z + i): str(i) for z in read_ranges(zeros) for i in range(10)}
