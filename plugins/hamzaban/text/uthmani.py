"""Write words of the Uthmani spelling of the Quran in modern Arabic spelling.

The Uthmani spelling leaves out many long vowels and carriers of hamza, and shows them
by marks. What no rule tells is listed in the YAML of Arabic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hamzaban.text.offsets import Edit
from hamzaban.text.rules_chars import unicode_classes
from hamzaban.text.uthmani_hamza import end_in_hamza, spell_hamza
from hamzaban.text.uthmani_letters import (
    DAGGER,
    FATHATAN,
    MADDA,
    SHADDA,
    SMALL_WAW,
    SMALL_YEH,
    SUKUN,
    TATWEEL,
    WASLA,
    Letter,
    keep_plain,
    read_letters,
    word_marks,
)

BEFORE = "أ?[وف]?[بكل]?"  # words that are written as one with the next
AFTER = "(?:ه|ها|هم|هما|هن|ك|كم|كما|كن|نا|ي|ني|ا|ين)?"


class ModernSpelling:
    """Finds words in Uthmani spelling and writes them in modern spelling."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        """Read the closed lists.

        Args:
            table: `without_alef`: words that are written without the alef that their
                dagger stands for; `after_al`: the same, only after the article; `stems`
                and `words`: replacements of other results, with and without affixes.
        """
        plain = "|".join(table["without_alef"].split())
        article = "|".join(table["after_al"].split())
        self._short = re.compile(
            f"{BEFORE}(?:(?:ال)?(?:{plain})|(?:ال|لل)(?:{article})){AFTER}"
        )
        self._words: Mapping[str, str] = table["words"]
        self._stems: Mapping[str, str] = table["stems"]
        self._stem = re.compile(f"({BEFORE})({'|'.join(self._stems)})({AFTER})")
        classes = unicode_classes()
        self._marks = classes["arabic_marks"] | word_marks()
        letters = classes["arabic_letters"] | {TATWEEL, SMALL_WAW, SMALL_YEH}
        run = re.escape("".join(sorted(letters | self._marks)))
        self._run = re.compile(f"[{run}]+")

    def edits(self, text: str) -> Iterator[Edit]:
        """Yield the replacement of each word that changes; words without marks stay."""
        for found in self._run.finditer(text):
            if not self._marks.isdisjoint(found[0]):
                new = self.respell(found[0])
                if new != found[0]:
                    yield found.start(), found.end(), new

    def respell(self, word: str) -> str:
        """Return a word with marks in modern spelling."""
        letters = read_letters(word)
        at = _find_vocative(letters)
        if at:
            first = "".join(letter.base for letter in letters[:at])
            return f"{first}ا {self._write(letters[at:])}"
        return self._write(letters)

    def _write(self, letters: list[Letter]) -> str:
        pieces = _spell(letters)
        short = "".join(base for base, _, _ in pieces)
        full = "".join(base + alef for base, _, alef in pieces)
        is_short = self._short.fullmatch(short) is not None
        plain = short if is_short else full
        if plain in self._words:
            return self._words[plain]
        stem = self._stem.fullmatch(plain)
        if stem:
            return stem[1] + self._stems[stem[2]] + stem[3]
        has_circle = any("\u06e1" in marks for _, marks, _ in pieces)
        return "".join(
            base + keep_plain(marks, has_circle) + ("" if is_short else alef)
            for base, marks, alef in pieces
        )


def _find_vocative(letters: list[Letter]) -> int:
    """Return how many letters a joined particle of address has; 0 for none."""
    for at in (1, 2):
        if len(letters) > at + 1 and DAGGER in letters[at - 1].marks:
            before, last, after = letters[: at - 1], letters[at - 1], letters[at]
            if all(letter.base in "وف" for letter in before) and (
                last.base == "ي" or (last.base == "ه" and after.base == "أ")
            ):
                return at
    return 0


Piece = tuple[str, str, str]  # letters, their marks, the alef that a dagger stands for


def _spell(letters: list[Letter]) -> list[Piece]:
    pieces: list[Piece] = []
    at = 0
    while at < len(letters):
        letter = letters[at]
        before = letters[at - 1] if at else None
        after = letters[at + 1] if at + 1 < len(letters) else None
        base, used = _spell_letter(letters, at)
        alef = ""
        if DAGGER in letter.marks and letter.base != "ا" and not base.endswith("آ"):
            is_done = letter.is_silent_carrier or base == "ئا"
            has_alef = after is not None and after.base == "ا" and not after.vowel
            alef = "" if is_done or has_alef else "ا"
        if _is_imperative_of_ask(before, letter, after, at):
            base = "ا" + base
        marks = letter.marks.replace(SUKUN, "") if base == "ا" else letter.marks
        pieces.append((base, "" if base.endswith("آ") else marks, alef))
        at += used
    return pieces


def _is_imperative_of_ask(
    before: Letter | None, letter: Letter, after: Letter | None, at: int
) -> bool:
    """Return whether the silent alef of "ask" is left out after a joined particle."""
    return (
        at == 1
        and letter.base == "س"
        and not letter.vowel
        and before is not None
        and before.base in "وف"
        and after is not None
        and after.is_seated
    )


def _spell_letter(letters: list[Letter], at: int) -> tuple[str, int]:
    """Return the modern form of a letter, and how many letters it replaces."""
    letter, is_last = letters[at], at == len(letters) - 1
    before = letters[at - 1] if at else None
    after = None if is_last else letters[at + 1]
    if letter.base == "ء":
        return spell_hamza(letters, at)
    if letter.base in (SMALL_WAW, SMALL_YEH):
        if is_last and before is not None and before.base == "ه":
            return "", 1
        return ("و" if letter.base == SMALL_WAW else "ي"), 1
    if letter.base == WASLA:
        return "ا", 1
    if letter.base == "ا" and MADDA in letter.marks:
        return ("ا" if _is_lengthened(before, after) else "آ"), 1
    if letter.base == "أ" and (MADDA in letter.marks or DAGGER in letter.marks):
        return "آ", 1
    if letter.base == "ؤ" and _is_silent_alef(after, at + 2 == len(letters)) and before:
        return end_in_hamza(before), 2
    if letter.base == "ئ" and is_last and before is not None and before.is_long:
        return "ء", 1
    if letter.is_silent_carrier and letter.base == "و":
        return "ا", 2 if after is not None and after.base == "ا" else 1
    if letter.is_silent_carrier:
        return ("ى" if is_last else "ا"), 1
    if letter.base == "ى":
        return _spell_dotless_yeh(letter, before, is_last), 1
    return letter.base, 1


def _is_lengthened(before: Letter | None, after: Letter | None) -> bool:
    """Return whether a madda marks the length of an alef, before a hamza or stop."""
    if before is None or before.vowel != "a":
        return False
    return (
        after is None
        or after.base in "ءأإؤئ"
        or SHADDA in after.marks
        or (not after.vowel and DAGGER not in after.marks)
    )


def _is_silent_alef(letter: Letter | None, is_last: bool) -> bool:
    """Return whether a letter is an alef at the end of a word that is not spoken."""
    silent = ("\u06df", SUKUN)
    return (
        is_last
        and letter is not None
        and letter.base == "ا"
        and any(sign in letter.marks for sign in silent)
    )


def _spell_dotless_yeh(letter: Letter, before: Letter | None, is_last: bool) -> str:
    """Return yeh, or alef maksura if a long a is spoken."""
    own = set(letter.marks) - FATHATAN
    is_consonant = own & {SHADDA, SUKUN, "\u06e1"} or letter.vowel not in ("", "a")
    if is_consonant or (letter.vowel == "a" and FATHATAN.isdisjoint(letter.marks)):
        return "ي"
    if is_last and before is not None and before.vowel == "a":
        return "ى"
    return "ي"
