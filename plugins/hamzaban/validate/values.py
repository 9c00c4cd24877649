"""Rules of Kaldi and ESPnet for what follows the id on the lines of each file."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import gt, itemgetter

from hamzaban.validate.lines import Fields, FreeRule, Problem, Rule, to_text
from hamzaban.validate.text import TextRule


@dataclass
class Utt2SpkRule:
    """Lines `utt_id spk_id`, with a digest of the pairs to compare with spk2utt.

    Kaldi's validate_data_dir.sh wants the lines in the order of `sort -k2`, too, which
    is by speaker.
    """

    num_fields: int = 2
    pairs: "hashlib.blake2b" = field(default_factory=hashlib.blake2b)
    last: Sequence[bytes] = (b"", b"")

    def check(self, fields: Fields, data: bytes) -> list[Problem]:
        """Return utterances whose id does not begin or sort with the speaker's."""
        self.pairs.update(b"".join([b"%s %s\n" % (utt, spk) for utt, spk in fields]))
        problems = self._check_order(fields)
        if all(map(bytes.startswith, *zip(*fields, strict=True))):
            return problems
        return problems + [
            (index, "spk-prefix", f"does not begin with its speaker {to_text(spk)}")
            for index, (utt, spk) in enumerate(fields)
            if not utt.startswith(spk)
        ]

    def _check_order(self, fields: Fields) -> list[Problem]:
        """Return sorted utterances whose speaker comes after a higher one."""
        before = [self.last, *fields]
        self.last = before[-1]
        speakers = list(map(itemgetter(1), before))
        if not any(map(gt, speakers, speakers[1:])):
            return []
        return [
            (index, "spk-order", f"speaker {to_text(spk)} stands after {to_text(last)}")
            for index, ((id_before, last), (utt, spk)) in enumerate(
                zip(before, fields, strict=False)
            )
            if last > spk and id_before < utt
        ]


@dataclass
class NumberRule:
    """Lines `id number` with a number between two limits, and their sum."""

    convert: Callable[[bytes], float]  # int or float
    num_fields: int = 2
    low: float = 0.0  # both limits are excluded
    high: float = math.inf
    total: float = 0

    def check(self, fields: Fields, data: bytes) -> list[Problem]:
        """Return values that are not numbers or are outside the limits."""
        values = list(map(itemgetter(1), fields))
        try:
            numbers = list(map(self.convert, values))
            is_good = min(numbers) > self.low and max(numbers) < self.high
        except ValueError:
            is_good = False
        if is_good:
            self.total += sum(numbers)
            return []
        return list(filter(None, map(self._judge, range(len(values)), values)))

    def _judge(self, index: int, value: bytes) -> Problem | None:
        try:
            number = self.convert(value)
        except ValueError:
            number = math.nan
        if self.low < number < self.high:
            self.total += number
            return None
        noun = "an integer" if self.convert is int else "a number"
        limits = f" above {self.low:g}" + f" below {self.high:g}" * (self.high < 1e9)
        found = f"'{to_text(value)}', expected {noun}{limits}"
        return (index, "value", found) if value else None


@dataclass
class ChoiceRule:
    """Lines `id word` or `id word word` whose last word is one of `choices`."""

    num_fields: int
    choices: frozenset[bytes]

    def check(self, fields: Fields, data: bytes) -> list[Problem]:
        """Return other words."""
        if {words[-1] for words in fields} <= self.choices:
            return []
        known = ", ".join(sorted(map(to_text, self.choices)))
        return [
            (index, "value", f"'{to_text(words[-1])}', expected one of {known}")
            for index, words in enumerate(fields)
            if words[-1] and words[-1] not in self.choices
        ]


@dataclass
class SegmentsRule:
    """Lines `utt_id reco_id start end` in seconds, 0 <= start < end.

    Attributes:
        ends_s: The latest end in each recording.
        total_s: Sum of the durations.
    """

    num_fields: int = 4
    ends_s: dict[bytes, float] = field(default_factory=dict)
    total_s: float = 0

    def check(self, fields: Fields, data: bytes) -> list[Problem]:
        """Return times that are not numbers or are in the wrong order."""
        problems = []
        for index, (_, reco_id, start, end) in enumerate(fields):
            try:
                start_s, end_s = float(start), float(end)
                is_good = 0 <= start_s < end_s < math.inf
            except ValueError:
                is_good = False
            if is_good:
                self.total_s += end_s - start_s
                self.ends_s[reco_id] = max(end_s, self.ends_s.get(reco_id, 0.0))
            elif end:
                self.ends_s.setdefault(reco_id, 0.0)
                found = f"'{to_text(start)} {to_text(end)}', expected 0 <= start < end"
                problems.append((index, "value", found + " in seconds"))
        return problems


class WavRule:
    """Lines `id path`, `id command |` or `id ark:offset`."""

    num_fields = 0

    def check(self, fields: Fields, data: bytes) -> list[Problem]:
        """Return paths that begin with a tilde, which only a shell expands."""
        if b" ~" not in data and b"\t~" not in data:
            return []
        return [
            (index, "tilde", f"path {to_text(words[1]).strip()}")
            for index, words in enumerate(fields)
            if words[1].startswith(b"~")
        ]


def make_rule(name: str) -> Rule:
    """Return the rule for a file of this name; it collects totals of the file."""
    if name == "text" or name.startswith("text_"):
        return TextRule()
    rules: dict[str, Callable[[], Rule]] = {
        "utt2spk": Utt2SpkRule,
        "segments": SegmentsRule,
        "wav.scp": WavRule,
        "utt2num_samples": lambda: NumberRule(int),
        "utt2num_frames": lambda: NumberRule(int),
        "utt2dur": lambda: NumberRule(float),
        "reco2dur": lambda: NumberRule(float),
        "utt2warp": lambda: NumberRule(float, low=0.5, high=1.5),
        "spk2warp": lambda: NumberRule(float, low=0.5, high=1.5),
        "spk2gender": lambda: ChoiceRule(2, frozenset({b"f", b"m"})),
        "reco2file_and_channel": lambda: ChoiceRule(3, frozenset({b"A", b"B", b"1"})),
    }
    return rules.get(name, FreeRule)()
