"""Read the cases of normalization_cases/*.yaml, and check whether one passes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

FOLDER = Path(__file__).with_name("normalization_cases")


@dataclass(frozen=True)
class Case:
    """A case.

    Attributes:
        lang: The language.
        profile: `train` or `score`.
        kind: `out`: the input becomes one of `expected`; `same`: all inputs become the
            same text, not empty; `apart`: no two inputs become the same text.
        inputs: Texts.
        expected: Texts, for `out` only.
        source: Where the case comes from, a key of the file's sources.
    """

    lang: str
    profile: str
    kind: str
    inputs: tuple[str, ...]
    expected: tuple[str, ...]
    source: str


def read_cases(lang: str) -> Iterator[Case]:
    """Read the cases of a language."""
    data = yaml.safe_load((FOLDER / f"{lang}.yaml").read_text(encoding="utf-8"))
    for case in data["cases"]:
        kind = next(key for key in ("out", "same", "apart") if key in case)
        inputs = [case["in"]] if kind == "out" else case[kind]
        assert case["source"] in data["sources"], case
        yield Case(
            data["language"],
            case.get("profile", "train"),
            kind,
            tuple(inputs),
            tuple(case.get("out", ())),
            case["source"],
        )


def list_languages() -> list[str]:
    """Return the languages that have cases."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def describe_failure(case: Case, normalize: Callable[[str], str]) -> str | None:
    """Return what is wrong with the answers to a case; None if nothing is.

    White space at the ends and runs of it do not count.
    """
    found = [" ".join(normalize(text).split()) for text in case.inputs]
    if case.kind == "out":
        is_right = found[0] in case.expected
    elif case.kind == "same":
        is_right = len(set(found)) == 1 and found[0] != ""
    else:
        is_right = len(set(found)) == len(found)
    if is_right:
        return None
    wanted = f" expected {case.expected}" if case.kind == "out" else f" not {case.kind}"
    return ascii(
        f"{case.lang} {case.profile} {case.inputs} -> {found},{wanted}; {case.source}"
    )
