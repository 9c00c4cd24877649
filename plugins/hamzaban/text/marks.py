"""Marks in transcripts that nobody speaks: sounds, speakers' names, signs, markup.

Transcribers write <noise>, [laughter] or (laughter) for a sound; captions hold
formatting such as {\\an8}, HTML entities, the names of speakers and signs for music. A
normalizer would keep their letters as spoken words, so marks are read before
normalization.
"""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from hamzaban.yaml_loader import load_yaml

POLICIES = ("drop", "keep", "refuse", "text")
SOUND, SPEAKER, SIGN, MARKUP = "sound", "speaker", "sign", "markup"
MAX_NESTED = 3  # how often an entity may have been escaped: &amp;amp;gt;
UNCLEAR = "unclear"  # the word for marks that name no sound, such as (())

_FORMATTING = frozenset(
    (
        *("b", "i", "u", "s", "c", "v", "lang", "ruby", "rt", "font", "br", "p"),
        *("span", "em", "strong", "sup", "sub", "small", "big", "div"),
    )
)
_NOT_A_TOKEN = frozenset(("", "unk", "s", "/s", "blank", "space", "sos/eos"))
_TRIGGER = re.compile(r"[<>\[{(*%&:♩-♯\U0001f3b5\U0001f3b6]")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_STYLE = re.compile(r"\{\\[^{}]*\}")  # formatting of SubStation Alpha
_TAG = re.compile(r"<(/?)([^\W\d_][^<>]{0,80}|[\d:.]+)>")
_SQUARE = re.compile(r"\[([^\[\]]{0,80})\]|\{([^{}]{0,80})\}")
_ROUND = re.compile(r"\(\s*\(\s*\)\s*\)|\(([^()]{0,80})\)|(?<!\S)\*([^\s*]{1,30})\*")
_PERCENT = re.compile(r"(?<!\S)%([A-Za-z]+)")
_CHANGE = re.compile(r">{2,}\s*(?:[^\s:.!?؟]+(?: [^\s:.!?؟]+){0,2}\s*:)?")
_LABEL = re.compile(r"^\s*(?:[-\u2013\u2014]\s*)?([^\W\d_][^\s:\d]*)[ _-]?\d*\s*:")
_OPEN, _CLOSE = "\ufdd0", "\ufdd1"  # noncharacters around a token until all is read
_BRACKETS = str.maketrans({_OPEN: "<", _CLOSE: ">"})
_MUSIC = re.compile("[♩-♯\U0001f3b5\U0001f3b6]+")


class Mark(NamedTuple):
    """A mark: SOUND, SPEAKER, SIGN or MARKUP, and how the transcript writes it."""

    kind: str
    text: str


class Marked(NamedTuple):
    """A transcript after its marks were read, and these marks."""

    text: str
    marks: tuple[Mark, ...]


def read_marks(text: str, policy: str = "drop", place: str = "") -> Marked:
    """Decode the entities of a transcript and read its marks by their kind.

    Markup, signs and the names of speakers are always removed.

    Args:
        text: The transcript as the corpus has it.
        policy: What becomes of sounds. `drop`: they are removed, `keep`: each becomes
            one word in angle brackets such as <laughter>, `refuse`: they are an error.
            `text` leaves all marks as they are and only decodes entities.
        place: File and line of the transcript, for the message.

    Returns:
        The transcript, single-spaced where marks were removed; the marks in no order.

    Raises:
        ValueError: The policy is unknown, or it is `refuse` and there is a sound.

    Examples:
        >>> read_marks("[door slams] &gt;&gt; salaam {\\\\an8}").text
        'salaam'
        >>> read_marks("salaam (laughter)", "keep").text
        'salaam <laughter>'
    """
    if policy not in POLICIES:
        raise ValueError(f"marks '{policy}' is unknown; known: {', '.join(POLICIES)}")
    text = decode_entities(text)
    if policy == "text" or not _TRIGGER.search(text):
        return Marked(text, ())
    reader = _Reader(keeps=policy == "keep")
    read = reader.read(text)
    if not reader.marks:
        return Marked(text, ())
    sound = next((mark for mark in reader.marks if mark.kind == SOUND), None)
    if policy == "refuse" and sound is not None:
        raise ValueError(
            f"{place}: mark of a sound '{sound.text}' found, expected spoken words "
            "only; remove it, or choose --marks drop or keep"
        )
    return Marked(" ".join(read.split()), tuple(reader.marks))


def normalize_marked(text: str, normalize: Callable[[str], str], policy: str) -> str:
    """Read the marks of a text by a policy and normalize what is left (`read_marks`).

    A sound that is kept as a word is not normalized.
    """
    marked = read_marks(text, policy)
    if policy == "keep":
        return normalize_around(marked.text, normalize)
    return normalize(marked.text)


def decode_entities(text: str) -> str:
    """Return a text with HTML and WebVTT entities such as &amp; or &#39; decoded."""
    for _ in range(MAX_NESTED):
        if "&" not in text:
            return text
        decoded = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
        if decoded == text:
            return text
        text = decoded
    return text


def normalize_around(text: str, normalize: Callable[[str], str]) -> str:
    """Normalize a text and leave words such as <laughter> in it as they are."""
    parts = _TAG.split(text)  # text, then slash, name and text of each tag
    if len(parts) == 1:
        return normalize(text)
    words: list[str] = []
    for number in range(0, len(parts), 3):
        words += normalize(parts[number]).split()
        words += [f"<{''.join(parts[number + 1 : number + 3])}>"]
    return " ".join(words[:-1])


@dataclass
class MarkCounts:
    """Counts of the marks in transcripts.

    Attributes:
        counts: Number of marks by kind.
        first: The first mark of each kind, and its file and line if known.
    """

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, marks: Iterable[Mark], place: str = "") -> None:
        """Count the marks of a transcript."""
        for mark in marks:
            self.counts[mark.kind] += 1
            where = f"{mark.text} ({place})" if place else mark.text
            self.first.setdefault(mark.kind, where)

    def describe(self) -> list[str]:
        """Return a sentence for each kind of mark: how many there are, and the
        first."""
        return [
            f"{count} {kind} marks in transcripts, such as {self.first[kind]}"
            for kind, count in self.counts.most_common()
        ]


def read_marks_of(
    texts: Mapping[str, str], policy: str, place: str | Path
) -> tuple[dict[str, str], MarkCounts]:
    """Read the marks of transcripts by utt_id (`read_marks`).

    Args:
        texts: The transcripts.
        policy: What becomes of sounds.
        place: Where they stand, for the message.

    Returns:
        The transcripts without their marks, and the counts of the marks.
    """
    counts, read = MarkCounts(), {}
    for utt_id, text in texts.items():
        marked = read_marks(text, policy, f"{place}: {utt_id}")
        counts.add(marked.marks, utt_id)
        read[utt_id] = marked.text
    return read, counts


class _Reader:
    """Reads one transcript and collects its marks."""

    def __init__(self, keeps: bool) -> None:
        self.keeps = keeps
        self.marks: list[Mark] = []

    def read(self, text: str) -> str:
        """Return a text without its marks, or with its sounds as tokens."""
        closed = {found[2].split()[0] for found in _TAG.finditer(text) if found[1]}
        text = _STYLE.sub(lambda m: self._remove(MARKUP, m), text)
        text = _SQUARE.sub(lambda m: self._sound(m, m[1] or m[2] or ""), text)
        text = _ROUND.sub(self._read_round, text)
        text = _PERCENT.sub(lambda m: self._sound(m, m[1]), text)
        text = _TAG.sub(lambda m: self._read_tag(m, closed), text)
        text = _CHANGE.sub(lambda m: self._remove(SPEAKER, m), text)
        text = _LABEL.sub(self._read_label, text)
        text = _MUSIC.sub(lambda m: self._remove(SIGN, m), text)
        return text.translate(_BRACKETS)

    def _read_round(self, found: re.Match[str]) -> str:
        words = (found[1] or found[2] or "").split()
        plain = {_fold(word.strip(".,،!")) for word in words} - _words("beside")
        is_sound = bool(plain) and plain <= _words("sounds")
        if is_sound or not words:
            return self._sound(found, " ".join(words))
        return found[0]

    def _read_tag(self, found: re.Match[str], closed: set[str]) -> str:
        name = re.split(r"[\s.:/]", found[2])[0]
        if name == "v":
            return self._remove(SPEAKER, found)
        if name.lower() in _FORMATTING or found[1] or name in closed or not name:
            return self._remove(MARKUP, found)
        if found[2][0].isdigit():  # the time of a word in captions
            return self._remove(MARKUP, found)
        return self._sound(found, found[2].removesuffix("/"))

    def _read_label(self, found: re.Match[str]) -> str:
        is_known = _fold(found[1]) in _words("speakers")
        return self._remove(SPEAKER, found) if is_known else found[0]

    def _remove(self, kind: str, found: re.Match[str]) -> str:
        self.marks.append(Mark(kind, found[0].strip()))
        return " "

    def _sound(self, found: re.Match[str], name: str) -> str:
        self.marks.append(Mark(SOUND, found[0].strip()))
        if not self.keeps:
            return " "
        token = "_".join(name.casefold().split())
        return f" {_OPEN}{UNCLEAR if token in _NOT_A_TOKEN else token}{_CLOSE} "


def _fold(word: str) -> str:
    """Return a word in lower case, without vowel signs and tatweel."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    kept = (c for c in folded if unicodedata.category(c) != "Mn" and c != "\u0640")
    return "".join(kept)


@cache
def _words(kind: str) -> frozenset[str]:
    """Return the words of marks.yaml that name sounds or speakers."""
    entry = load_yaml(Path(__file__).with_name("marks.yaml"))[kind]
    return frozenset(map(_fold, entry.split()))
