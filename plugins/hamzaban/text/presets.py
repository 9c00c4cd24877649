"""Compatibility presets: the normalizers of other projects, to compare scores.

A preset changes a line as its original does, faults included. `presets.yaml` holds the
tables and names the originals. Presets are not meant for training.
"""

import difflib
import functools
import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hamzaban.text.offsets import Edit

TABLES = Path(__file__).with_name("presets.yaml")
_SPACES = re.compile(r"\s+")
_FREE_WAW = re.compile(r"(^|\s)\u0648\s+")
_SQUARE_OR_ANGLE = re.compile(r"[<\[][^>\]]*[>\]]")
_NO_WORD = re.compile(r"[^\w\s]")
_ROUND = re.compile(r"\([^)]+\)")
_ROUND_WITH_DIGIT = re.compile(r"\([^)]*\d[^)]*\)")
_LAST_QUOTE = re.compile("(\\S+)[\u2018\u2019\u201b](\\S+)")

Step = Callable[[str], str]


@dataclass(frozen=True)
class Preset:
    """A normalizer of another project.

    Attributes:
        name: Name of the profile of `Normalizer`.
        title: The original's name.
        source: The place where its rules are published.
        id: Name, version and a hash of the tables, such as `ar_oual/1:3f9c2a`.
        normalize: The function from a line to its normalized form.
    """

    name: str
    title: str
    source: str
    id: str
    normalize: Step


class PresetStep:
    """A preset as a step of `Normalizer`."""

    def __init__(self, preset: Preset) -> None:
        """Wrap a preset."""
        self.preset = preset

    def apply(self, text: str) -> str:
        """Return the changed text; `\\n` stays and nothing crosses it."""
        if "\n" not in text:
            return self.preset.normalize(text)
        return "\n".join(map(self.preset.normalize, text.split("\n")))

    def edits(self, text: str) -> Iterator[Edit]:
        """Yield the same change as replacements of parts of the text."""
        changed = self.apply(text)
        matcher = difflib.SequenceMatcher(None, text, changed, autojunk=False)
        for kind, start, end, new_start, new_end in matcher.get_opcodes():
            if kind != "equal":
                yield start, end, changed[new_start:new_end]


def list_presets() -> list[str]:
    """Return the names of the presets."""
    return sorted(_read_tables())


@functools.cache
def find_preset(name: str, lang: str) -> Preset | None:
    """Return a preset by its name.

    Args:
        name: The profile asked for.
        lang: The language of the text, as an ISO 639 code.

    Returns:
        The preset, or None if `name` is not one.

    Raises:
        ValueError: The original is not made for this language.
    """
    if name not in _read_tables():
        return None
    table = _read_tables()[name]
    known = table.get("languages")
    if known and lang not in known:
        raise ValueError(
            f"preset {name} is for {', '.join(known)}, not for '{lang}'; its rules "
            "say nothing of other languages: choose another profile"
        )
    if lang in table.get("refused", ()):
        raise ValueError(
            f"preset {name}: the original turns '{lang}' into Latin letters, which "
            "is not done here; choose another profile"
        )
    digest = hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
    return Preset(
        name,
        table["title"],
        table["source"],
        f"{name}/{table['version']}:{digest[:6]}",
        _BUILDERS[name](table, lang),
    )


@functools.cache
def _read_tables() -> dict[str, dict[str, Any]]:
    from hamzaban.config import load_mapping

    return load_mapping(TABLES)


class _Table(dict[int, str]):
    """A table for `str.translate` that maps other characters by general category."""

    def __init__(
        self,
        fixed: Mapping[int, str],
        space: tuple[str, ...] = (),
        delete: tuple[str, ...] = (),
    ) -> None:
        super().__init__(fixed)
        self._space, self._delete = space, delete

    def __missing__(self, code: int) -> str:
        category = unicodedata.category(chr(code))
        char = chr(code)
        if category in self._delete:
            char = ""
        elif category.startswith(self._space):
            char = " "
        self[code] = char
        return char


def _expand(ranges: str) -> Iterator[int]:
    for word in ranges.split():
        first, _, last = word.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


def _map_letters(table: Mapping[str, Any]) -> dict[int, str]:
    """Read `delete`, `letters` (code points) and `digits` of a preset."""
    fixed = dict.fromkeys(_expand(table["delete"]), "")
    fixed |= {int(old, 16): chr(int(new, 16)) for old, new in table["letters"].items()}
    return fixed | {c: str(unicodedata.digit(chr(c))) for c in _expand(table["digits"])}


def _build_ar_oual(table: Mapping[str, Any], _: str) -> Step:
    letters = _Table(_map_letters(table))

    def normalize(text: str) -> str:
        text = _FREE_WAW.sub("\\1\u0648", text.translate(letters))
        return _SPACES.sub(" ", text).strip()

    return normalize


def _build_whisper(form: Any, table: Mapping[str, Any], _: str) -> Step:
    fixed = {int(old, 16): new for old, new in table.get("letters", {}).items()}
    space, delete = tuple(table["space"]), tuple(table.get("delete", ()))
    cleaned = _Table(fixed, space, delete)

    def normalize(text: str) -> str:
        text = _SQUARE_OR_ANGLE.sub("", text.lower())
        text = unicodedata.normalize(form, _ROUND.sub("", text))
        return _SPACES.sub(" ", text.translate(cleaned).lower())

    return normalize


def _build_multilingual(table: Mapping[str, Any], lang: str) -> Step:
    """Return Whisper's steps, then delete what is no letter, digit or underscore.

    Zero-width characters are deleted so, too, which joins the parts of words.
    """
    whisper = _build_whisper("NFKD", table, lang)

    def normalize(text: str) -> str:
        return _SPACES.sub(" ", _NO_WORD.sub("", whisper(text))).strip()

    return normalize


def _build_mms(table: Mapping[str, Any], lang: str) -> Step:
    extra = table["extra"].get(lang, {})
    fixed = dict.fromkeys(_expand(f"{table['delete']} {extra.get('delete', '')}"), "")
    marks = f"{table['punctuation']} {extra.get('punctuation', '')}"
    fixed |= dict.fromkeys(_expand(marks), " ")
    cleaned = _Table({0x671: "\u0627", **fixed})
    digits = f"[{''.join(map(chr, _expand(table['digits'])))}]+"
    # A number that is a whole line is kept.
    numbers = re.compile(rf"(?:^|(?<=\s)){digits}(?=\s)|(?<=\s){digits}$")

    def normalize(text: str) -> str:
        text = unicodedata.normalize("NFKC", text).lower()
        text = _ROUND_WITH_DIGIT.sub(" ", text)
        for entity in ("&lt;", "&gt;", "&nbsp"):
            text = text.replace(entity, "")
        text = _LAST_QUOTE.sub(r"\1'\2", text).translate(cleaned)
        return _SPACES.sub(" ", numbers.sub(" ", text)).strip()

    return normalize


def _build_peste(table: Mapping[str, Any], _: str) -> Step:
    fixed = _map_letters(table)
    # Digits may be mapped before NFKC, which does not change ASCII digits.
    cleaned = _Table(fixed, tuple(table["space"]))

    def normalize(text: str) -> str:
        text = unicodedata.normalize("NFKC", text).translate(cleaned)
        return _SPACES.sub(" ", text).strip()

    return normalize


_BUILDERS: dict[str, Callable[[Mapping[str, Any], str], Step]] = {
    "ar_oual": _build_ar_oual,
    "whisper-basic": functools.partial(_build_whisper, "NFKC"),
    "whisper-basic-remove-diacritics": functools.partial(_build_whisper, "NFKD"),
    "hf-multilingual": _build_multilingual,
    "mms": _build_mms,
    "peste-fa-v1": _build_peste,
}
