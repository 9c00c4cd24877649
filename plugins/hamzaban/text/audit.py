"""Audit texts: characters that a language does not write, marks, and their places."""

import functools
import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hamzaban.text.marks import decode_entities, read_marks
from hamzaban.text.rewrite import Change, find_text, read_transcripts

POLICIES = ("keep", "drop-char", "drop-utterance")
MAX_PLACES = 5  # most places kept for each character or kind of mark
MAX_NAMED = 5  # most characters named in an error
_BRACKETS = re.compile(r"\([^()]+\)")
_COLON = re.compile(r"^\s*[^\W\d]\S*(?: \S+)?\s*:(?!\S)")


@dataclass
class Found:
    """The occurrences of a character outside the alphabet, or of a kind of mark.

    Attributes:
        count: Number of occurrences.
        num_utts: Number of utterances that have it.
        places: The first of these utterances, as `file:line: utt_id`.
    """

    count: int = 0
    num_utts: int = 0
    places: list[str] = field(default_factory=list)


@dataclass
class Audit:
    """The result of `audit_texts`.

    Attributes:
        num_utts: Utterances read.
        num_foreign: Utterances with a character outside the alphabet.
        chars: The characters outside the alphabet.
        marks: Marks by kind (of sounds, speakers and so on), and text that may be a
            mark.
    """

    num_utts: int = 0
    num_foreign: int = 0
    chars: dict[str, Found] = field(default_factory=dict)
    marks: dict[str, Found] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Return the share of utterances with characters outside the alphabet."""
        return self.num_foreign / self.num_utts if self.num_utts else 0.0

    def by_frequency(self) -> list[tuple[str, Found]]:
        """Return the characters, sorted by number of utterances, highest first."""
        return sorted(self.chars.items(), key=lambda pair: (-pair[1].num_utts, pair[0]))


def compile_foreign(alphabet: Iterable[str]) -> re.Pattern[str]:
    """Compile the pattern of characters that are not a space or in an alphabet."""
    known = "".join(sorted({*alphabet, " "}))
    return re.compile(f"[^{re.escape(known)}]")


def find_script(alphabet: Iterable[str]) -> str:
    """Return the script of an alphabet, such as ARABIC; "" if it has no letters.

    Alphabets of other scripts accept Latin letters as well, for words of other
    languages, so that Latin is the script only where there is no other.
    """
    scripts = Counter(filter(None, map(script_of, alphabet)))
    others = [script for script, _ in scripts.most_common() if script != "LATIN"]
    return others[0] if others else "LATIN" * bool(scripts)


@functools.cache
def script_of(char: str) -> str:
    """Return the first word of a letter's name, its script; "" for other characters."""
    is_letter = unicodedata.category(char) in ("Lu", "Ll", "Lt", "Lo")
    return unicodedata.name(char, "").partition(" ")[0] if is_letter else ""


def audit_texts(
    paths: Iterable[str | Path],
    foreign: re.Pattern[str],
    utt_ids: Collection[str] | None = None,
    *,
    script: str = "",
) -> Audit:
    """Count and locate characters outside an alphabet.

    Args:
        paths: Data directories, or files of lines `utt_id transcript`.
        foreign: From `compile_foreign`.
        utt_ids: Utterances to read; None for all.
        script: Script of the language, from `find_script`. Utterances whose letters all
            belong to one other script are counted; "" counts none.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line is blank, or is not UTF-8.
    """
    audit = Audit()
    for path in map(find_text, paths):
        for number, utt_id, text in read_transcripts(path):
            if utt_ids is not None and utt_id not in utt_ids:
                continue
            audit.num_utts += 1
            place = f"{path}:{number}: {utt_id}"
            counts = Counter(foreign.findall(text))
            audit.num_foreign += bool(counts)
            _add(audit.chars, counts, place)
            marks = _count_marks(text)
            if script and (other := _find_other_script(text, script)):
                marks[f"utterances in {other} letters alone, not {script}"] = 1
            _add(audit.marks, marks, place)
    return audit


def _add(all_found: dict[str, Found], counts: Counter[str], place: str) -> None:
    for what, count in counts.items():
        found = all_found.setdefault(what, Found())
        found.count += count
        found.num_utts += 1
        if len(found.places) < MAX_PLACES:
            found.places.append(place)


def _find_other_script(text: str, script: str) -> str:
    """Return the script of all letters of a text if it is another one; else ""."""
    scripts = set(filter(None, map(script_of, text)))
    return scripts.pop() if len(scripts) == 1 and script not in scripts else ""


def _count_marks(text: str) -> Counter[str]:
    """Count marks, entities, and text that may be a mark."""
    decoded = decode_entities(text)
    marked = read_marks(decoded)
    counts = Counter(f"{mark.kind} marks" for mark in marked.marks)
    if decoded != text:
        counts["HTML entities"] += 1
    counts["words in brackets, taken for text"] += len(_BRACKETS.findall(marked.text))
    counts["words before a colon, taken for text"] += len(_COLON.findall(marked.text))
    return +counts


def describe_char(char: str) -> str:
    """Return a character's code point, itself if it is printable, and its name."""
    name = unicodedata.name(char, unicodedata.category(char))
    shown = f" {char}" if char.isprintable() else ""
    return f"U+{ord(char):04X}{shown} {name}"


def format_audit(audit: Audit, alphabet_id: str) -> Iterator[str]:
    """Yield the lines of the audit: each character and kind of mark, and its places.

    Each has the share of utterances that it is in.
    """
    yield (
        f"{audit.num_foreign} of {audit.num_utts} utterances ({audit.share:.2%}) have "
        f"characters outside the alphabet of {alphabet_id}"
    )
    found_chars = ((describe_char(char), found) for char, found in audit.by_frequency())
    for what, found in itertools.chain(found_chars, audit.marks.items()):
        share = found.num_utts / audit.num_utts
        counts = f"{found.count} times in {found.num_utts} utterances ({share:.2%})"
        yield f"{what}: {counts}"
        for place in found.places:
            yield f"    {place}"
        if found.num_utts > len(found.places):
            yield f"    and {found.num_utts - len(found.places)} more"


def check_share(audit: Audit, alphabet_id: str, max_foreign: float) -> None:
    """Check that few utterances have characters outside the alphabet.

    Args:
        audit: The audit of the texts.
        alphabet_id: Id of the normalizer whose alphabet counts, for the message.
        max_foreign: Highest share of utterances, 0..1.

    Raises:
        ValueError: A higher share has such characters.
    """
    if audit.share <= max_foreign:
        return
    chars = audit.by_frequency()
    named = "; ".join(
        f"{describe_char(char)} in {found.num_utts} (first {found.places[0]})"
        for char, found in chars[:MAX_NAMED]
    )
    more = f"; {len(chars) - MAX_NAMED} more" if len(chars) > MAX_NAMED else ""
    raise ValueError(
        f"{audit.num_foreign} of {audit.num_utts} utterances ({audit.share:.2%}) have "
        f"characters outside the alphabet of {alphabet_id}: {named}{more}; at most "
        f"{max_foreign:.2%} may: normalize or correct the text, name characters that "
        "belong to it by --allow, or raise --max_foreign"
    )


def make_change(policy: str, foreign: re.Pattern[str]) -> Change:
    """Return the function by which a policy changes a transcript; None drops it.

    Raises:
        ValueError: The policy is unknown.
    """
    if policy not in POLICIES:
        raise ValueError(f"policy {policy!r} is unknown; known: {', '.join(POLICIES)}")

    def change(text: str) -> str | None:
        if policy == "keep" or not foreign.search(text):
            return text
        if policy == "drop-utterance":
            return None
        return " ".join(foreign.sub("", text).split())

    return change
