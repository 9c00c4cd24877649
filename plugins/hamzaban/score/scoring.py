"""How units are counted: edit costs, unit of CER, case, marks of words.

Together with the normalizer these make a score profile. Whatever differs from sclite as
ESPnet calls it stands in the id of a score: `peste-fa-v1/1:2ab3c4+unit+no_spaces+case`.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from hamzaban.config import load_mapping
from hamzaban.score.tokens import split_chars, split_letters
from hamzaban.score.word_marks import NO_MARKS, Marks

PROFILES = Path(__file__).with_name("profiles.yaml")
COSTS = ("sclite", "unit")
CHARACTERS = ("with_spaces", "no_spaces")
CASES = ("folded", "kept")

CostModel = Literal["sclite", "unit"]


@dataclass(frozen=True)
class Scoring:
    """How the units of two texts are compared and counted.

    Attributes:
        costs: `sclite`, or `unit`: the fewest errors; among alignments with as many,
            the fewest substitutions.
        characters: Whether CER counts the blanks between words.
        case: Whether `A` and `a` are one letter.
        marks: Which marks of words have a meaning.
    """

    costs: CostModel = "sclite"
    characters: Literal["with_spaces", "no_spaces"] = "with_spaces"
    case: Literal["folded", "kept"] = "folded"
    marks: Marks = NO_MARKS

    @property
    def suffix(self) -> str:
        """The end of the id of a score: what differs from the defaults."""
        parts = {
            "unit": self.costs == "unit",
            "no_spaces": self.characters == "no_spaces",
            "case": self.case == "kept",
            "optional": self.marks.optional,
            "fragments": self.marks.fragments,
        }
        return "".join(f"+{name}" for name, is_set in parts.items() if is_set)

    @property
    def options(self) -> dict[str, Any]:
        """Return the options of `score_pairs`."""
        is_kept = self.case == "kept"
        return {"case_sensitive": is_kept, "marks": self.marks, "costs": self.costs}

    def choose_splitter(
        self, split: Callable[[str], list[str]]
    ) -> Callable[[str], list[str]]:
        """Return the splitter of a kind of score, with the unit of CER that counts."""
        if split is split_chars and self.characters == "no_spaces":
            return split_letters
        return split


def parse_scoring(score_id: str) -> Scoring:
    """Return the scoring that the id of a score states at its end."""
    parts = set(score_id.split("+")[1:])
    return Scoring(
        "unit" if "unit" in parts else "sclite",
        "no_spaces" if "no_spaces" in parts else "with_spaces",
        "kept" if "case" in parts else "folded",
        Marks("optional" in parts, "fragments" in parts),
    )


@functools.cache
def _read_profiles() -> Mapping[str, Mapping[str, str]]:
    return load_mapping(PROFILES)


def find_scoring(profile: str, **changes: object) -> Scoring:
    """Return how a profile counts.

    Args:
        profile: A profile of `--score_profile`; those of languages count as sclite.
        **changes: Attributes to set, unless None.

    Raises:
        ValueError: A value is unknown.
    """
    known = {"costs": COSTS, "characters": CHARACTERS, "case": CASES}
    wanted = {name: value for name, value in changes.items() if value is not None}
    values = {**_read_profiles().get(profile, {}), **wanted}
    for name, value in values.items():
        if name in known and value not in known[name]:
            raise ValueError(
                f"{name} '{value}' is unknown; known: {', '.join(known[name])}"
            )
    return replace(Scoring(), **values)  # type: ignore[arg-type]
