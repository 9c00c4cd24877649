"""Findings about a data directory: their kinds, remedies, counts and lines."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_COPY = "copy the directory with `hamzaban copy-data`"
_SPEAKER_FIRST = "`hamzaban copy-data --speaker_first true`"
REMEDIES = {
    # files and lines
    "missing-file": "write it, or give --no_text or --no_wav if none is needed",
    "empty-file": "write it again",
    "blank-line": "remove the line",
    "no-newline": "the file may be truncated; write it again",
    "not-utf8": "convert the file, for example with iconv",
    "line-end": f"{_COPY}, which writes the line ends of Linux",
    "format": "correct the line",
    "value": "correct the value",
    # ids
    "unsorted": f"sort with LC_ALL=C, or {_COPY}, which sorts it",
    "duplicate": "remove the line, or give it another id",
    "id-characters": "remove these characters from the id",
    "unknown-id": "remove the line, or add the id there",
    "missing-id": "add a line for it, or remove the id everywhere",
    "spk2utt": f"make spk2utt from utt2spk again: {_COPY}",
    "spk-prefix": f"{_SPEAKER_FIRST} begins utterance ids with the speaker",
    "spk-order": f"{_SPEAKER_FIRST} makes both sort alike, as Kaldi's `sort -k2` wants",
    # text
    "empty-text": "add the transcript, or remove the utterance everywhere",
    "not-nfc": "normalize the text to Unicode NFC",
    "control-character": "delete it from the line",
    "white-space": "write an ordinary space instead",
    "reserved-word": "remove the word from the transcript",
    # audio
    "tilde": "write the whole path",
    "missing-audio": "correct the path, or remove the line everywhere",
    "empty-audio": "fetch or cut it again, or remove the line everywhere",
    "unreadable-audio": "convert it to FLAC or WAV, or remove the line everywhere",
    "truncated-audio": "fetch or convert it again, or remove the line everywhere",
    "wrong-rate": "resample with `hamzaban format-audio --fs`",
    "nan-audio": "decode it again, or remove the line everywhere",
    "silent-audio": "remove the line everywhere",
    "num-samples": "count again with `hamzaban format-audio`",
    "segment": "correct the times, or remove the segment everywhere",
}
WARNINGS = frozenset({"spk-prefix", "spk-order"})
# What format-audio drops and counts: recordings that cannot be used.
DROPPED_KINDS = frozenset(
    ("missing-audio", "empty-audio", "unreadable-audio", "truncated-audio")
    + ("nan-audio", "silent-audio")
)
CONTENT_KINDS = frozenset({"empty-text", "not-nfc", "control-character"})


@dataclass
class Findings:
    """Counts of findings by kind, and the first lines of each kind.

    Attributes:
        max_shown: Number of lines kept of each kind.
        max_audio_shown: The same for recordings that cannot be used, whose lines are
            long.
        warnings: Kinds that do not make a directory invalid.
    """

    max_shown: int = 20
    max_audio_shown: int = 5
    warnings: frozenset[str] = WARNINGS
    counts: Counter[str] = field(default_factory=Counter)
    shown: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, path: Path, line: int, key: str, found: str) -> None:
        """Count a finding.

        Args:
            kind: A key of `REMEDIES`.
            path: The file.
            line: Line number from 1, or 0 for the whole file.
            key: The id concerned, or "".
            found: What was found and, if necessary, what was expected.
        """
        self.counts[kind] += 1
        lines = self.shown.setdefault(kind, [])
        is_audio = kind in DROPPED_KINDS
        if len(lines) < (self.max_audio_shown if is_audio else self.max_shown):
            place = f"{path}:{line}" if line else str(path)
            what = f"{key}: {found}" if key else found
            text = f"{place}: {what}; {REMEDIES[kind]} [{kind}]"
            lines.append("".join(c if c.isprintable() else _escape(c) for c in text))

    @property
    def num_errors(self) -> int:
        """The number of findings that make the directory invalid."""
        return sum(n for kind, n in self.counts.items() if kind not in self.warnings)

    def lines(self) -> Iterator[str]:
        """Yield the report, kind by kind in the order of `REMEDIES`."""
        for kind in REMEDIES:
            lines = self.shown.get(kind, [])
            prefix = "warning: " if kind in self.warnings else ""
            yield from (prefix + line for line in lines)
            if more := self.counts[kind] - len(lines):
                yield f"{prefix}... and {more} more [{kind}]"

    def totals(self) -> str:
        """Return the counts of all kinds on one line: `unsorted 3, not-nfc 1`."""
        kinds = [kind for kind in REMEDIES if self.counts[kind]]
        return ", ".join(f"{kind} {self.counts[kind]}" for kind in kinds)


def _escape(character: str) -> str:
    """Return an unprintable character as its number; joiners belong to spelling."""
    if character in "\u200c\u200d":
        return character
    return f"<U+{ord(character):04X}>"


@dataclass
class Summary:
    """The contents of a data directory; None for what is unknown."""

    num_utts: int = 0
    num_spks: int = 0
    duration_s: float | None = None
    num_samples: int | None = None
    notes: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Return the summary as one line."""
        parts = [f"{self.num_utts} utterances", f"{self.num_spks} speakers"]
        if self.duration_s is not None:
            parts.append(f"{self.duration_s / 3600:.2f} hours")
        elif self.num_samples is not None:
            parts.append(f"{self.num_samples} samples")
        else:
            parts.append("duration unknown")
        return ", ".join(parts) + "".join(f"; {note}" for note in self.notes)
