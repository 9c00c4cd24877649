"""How units are counted: edit costs, unit of the CER, case, marks of words.

Together with the normalizer these make a score profile. The id of a score states
whatever differs from the way ESPnet calls sclite, such as
`peste-fa-v1/1:2ab3c4+unit+no_spaces+case_kept`.
"""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from hamzaban.config import load_mapping
from hamzaban.score.letter_case import CASES, FOLDED, list_sclite_options
from hamzaban.score.tokens import split_chars, split_letters
from hamzaban.score.word_marks import NO_MARKS, Marks

Splitter = Callable[[str], list[str]]
PROFILES = Path(__file__).with_name("profiles.yaml")
COSTS = ("sclite", "unit")
COMPOUNDS = ("apart", "joined")
# Units of the CER; all but the first are those of `sclite -c`, which ignores blanks.
CHARACTERS: Mapping[str, Splitter] = {
    "with_spaces": split_chars,
    "no_spaces": split_letters,
    "no_hyphens": partial(split_letters, hyphens=False),
    "ascii_words": partial(split_letters, ascii_words=True),
    "ascii_words_no_hyphens": partial(split_letters, hyphens=False, ascii_words=True),
}

CostModel = Literal["sclite", "unit"]
_OPTIONAL = re.compile(r"((?<!\S)\([^()\s]*\)(?!\S))")


@dataclass(frozen=True)
class Scoring:
    """How the units of two texts are compared and counted.

    Attributes:
        costs: `sclite` (4, 3, 3), or `unit`: the fewest errors and, among alignments
            with that many, the fewest substitutions.
        characters: Unit of the CER, a name of `CHARACTERS`.
        case: Which letters are compared without their case, one of `CASES`.
        marks: Which marks of words have a meaning.
        compounds: `joined`: a word that one side writes in parts is one word on both
            sides, see `join_compounds`; `apart`: it is not.
    """

    costs: CostModel = "sclite"
    characters: str = "with_spaces"
    case: str = FOLDED
    marks: Marks = NO_MARKS
    compounds: str = "apart"

    @property
    def suffix(self) -> str:
        """Return the end of the id of a score: whatever is not the default."""
        parts = [
            self.costs if self.costs != "sclite" else "",
            self.characters if self.characters != "with_spaces" else "",
            f"case_{self.case}" if self.case != FOLDED else "",
            "optional" if self.marks.optional else "",
            "fragments" if self.marks.fragments else "",
            "compounds" if self.compounds == "joined" else "",
        ]
        return "".join(f"+{part}" for part in parts if part)

    @property
    def options(self) -> dict[str, Any]:
        """Return the options of `score_pairs`."""
        return {"case": self.case, "marks": self.marks, "costs": self.costs}

    def list_sclite_options(self) -> list[str]:
        """Return the options of sclite that count in this way; it has no unit costs."""
        return [*list_sclite_options(self.case), *self.marks.options]

    def choose_splitter(self, split: Splitter) -> Splitter:
        """Return the splitter of a kind of score; the CER has the chosen unit."""
        if split is not split_chars:
            return split
        split = CHARACTERS[self.characters]
        return partial(_split_optional, split) if self.marks.optional else split


def _split_optional(split: Splitter, text: str) -> list[str]:
    """Return characters; each character of an optional word is optional."""
    units: list[str] = []
    for part in _OPTIONAL.split(text):
        if part[:1] == "(" and part[-1:] == ")":
            units += [f"({unit})" for unit in split(part[1:-1])]
        else:
            units += split(part)
    return units


def parse_scoring(score_id: str) -> Scoring:
    """Return the scoring that the id of a score states at its end."""
    parts = score_id.split("+")[1:]
    return Scoring(
        "unit" if "unit" in parts else "sclite",
        next((part for part in parts if part in CHARACTERS), "with_spaces"),
        next((p[5:] for p in parts if p[:5] == "case_" and p[5:] in CASES), FOLDED),
        Marks("optional" in parts, "fragments" in parts),
        "joined" if "compounds" in parts else "apart",
    )


@functools.cache
def _read_profiles() -> Mapping[str, Mapping[str, str]]:
    return load_mapping(PROFILES)


def find_scoring(profile: str, **changes: object) -> Scoring:
    """Return how a profile counts.

    Args:
        profile: Value of `--score_profile`; profiles of languages count as sclite.
        **changes: Attributes to set; None leaves an attribute as it is.

    Raises:
        ValueError: A value is unknown.
    """
    known = {"costs": COSTS, "characters": tuple(CHARACTERS), "case": CASES}
    known |= {"compounds": COMPOUNDS}
    wanted = {name: value for name, value in changes.items() if value is not None}
    values = {**_read_profiles().get(profile, {}), **wanted}
    for name, value in values.items():
        if name in known and value not in known[name]:
            raise ValueError(
                f"{name} '{value}' is unknown; known: {', '.join(known[name])}"
            )
    return replace(Scoring(), **values)  # type: ignore[arg-type]
