"""Utterances of a corpus, and counts of those that are left out."""

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from hamzaban.text.marks import MarkCounts, decode_entities

_NOT_IN_ID = re.compile(r"[\s\x00-\x1f\x7f]+")
_INVISIBLE = re.compile(
    "[\xad\u061c\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Utterance(NamedTuple):
    """One utterance.

    Attributes:
        name: The corpus's name for it, which with the speaker makes the utt_id.
        spk_id: The speaker; "" where unknown, then the utterance is its own speaker.
        audio: Path of the recording.
        text: The transcript; None for speech without one.
        lang: Language, for utt2lang; "" for none.
        duration_s: Seconds, 0 where unknown.
        rec_id: Id of the recording the utterance is cut from; "" for a whole recording.
        begin_s: Second of that recording at which it begins.
        end_s: Second at which it ends.
        keeps_name: Whether the utt_id is the name alone.
        place: File and line that it comes from, for messages; "" where unknown.
    """

    name: str
    spk_id: str
    audio: str
    text: str | None
    lang: str = ""
    duration_s: float = 0.0
    rec_id: str = ""
    begin_s: float = 0.0
    end_s: float = 0.0
    keeps_name: bool = False
    place: str = ""

    @property
    def utt_id(self) -> str:
        """Return the id, which begins with the speaker unless the name is kept."""
        name = clean_id(self.name)
        spk_id = clean_id(self.spk_id)
        is_whole = self.keeps_name or name.startswith(spk_id)
        return name if is_whole else f"{spk_id}-{name}"


@dataclass
class Tally:
    """Counts of utterances that were read and left out.

    Attributes:
        place: The set and its corpus, for messages.
        num_read: Utterances read.
        faults: Utterances that cannot be used, by reason.
        excluded: Utterances that are left out on purpose, by reason.
        marks: Marks in transcripts.
        remedies: What the user can do about a fault, by reason.
        firsts: The place of the first utterance with each fault.
    """

    place: str
    num_read: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    excluded: Counter[str] = field(default_factory=Counter)
    marks: MarkCounts = field(default_factory=MarkCounts)
    remedies: Mapping[str, str] = field(default_factory=dict)
    firsts: dict[str, str] = field(default_factory=dict)

    def add_fault(self, reason: str, where: str) -> None:
        """Count an utterance that cannot be used; log the place of the first."""
        if not self.faults[reason]:
            self.firsts[reason] = where
            if self.place:  # a survey, which has none, is followed by the reading
                logging.warning("%s: %s, the first: %s", self.place, reason, where)
        self.faults[reason] += 1

    def remedy(self) -> str:
        """Return "; " and the remedy of the most frequent fault that has one, or ""."""
        known = (why for why, _ in self.faults.most_common() if why in self.remedies)
        why = next(known, None)
        return f"; {self.remedies[why]}" if why else ""

    def check(self, max_drop: float) -> None:
        """Log the counts.

        Raises:
            ValueError: More than `max_drop` of the utterances had a fault.
        """
        parts = [f"{self.num_read} read"]
        for reason, count in (*self.excluded.items(), *self.faults.items()):
            parts.append(f"{count} left out: {reason}")
        parts += self.marks.describe()
        logging.info("%s: %s", self.place, "; ".join(parts))
        num_faults = self.faults.total()
        if num_faults > max_drop * max(self.num_read, 1):
            worst, count = self.faults.most_common(1)[0]
            first = f", the first {self.firsts[worst]}" if worst in self.firsts else ""
            raise ValueError(
                f"{self.place}: {num_faults} of {self.num_read} utterances cannot be "
                f"used ({worst}: {count}{first}), expected at most {max_drop:.0%}; "
                f"mend the corpus or raise --max_drop{self.remedy()}"
            )


def clean_id(text: str) -> str:
    """Return a text in NFC, with `_` for white space and control characters, as an id.

    Names that look the same are then the same, such as those of a speaker.
    """
    return unicodedata.normalize("NFC", _NOT_IN_ID.sub("_", text.strip()))


def clean_text(text: str) -> str:
    """Return a transcript in NFC, without control characters, single-spaced.

    HTML entities are decoded. Byte order marks, soft hyphens and the marks that only
    turn the direction of a line are removed, since the validator refuses them.
    """
    text = _INVISIBLE.sub("", decode_entities(text))
    return " ".join(_CONTROL.sub(" ", unicodedata.normalize("NFC", text)).split())
