"""Read the tests of nisaba's visual norms, and find those that agree with our rules."""

from pathlib import Path

from hamzaban.text import Normalizer

TABLE = Path(__file__).with_name("nisaba") / "visual_norm.tsv"


def read_pairs(lang: str) -> list[tuple[str, str]]:
    """Return the inputs and outputs of a language's tests."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return [(before, after) for code, before, after in rows if code == lang]


def list_disagreements(lang: str) -> list[tuple[str, str]]:
    """Return the tests whose input and output remain different texts in train."""
    normalize = Normalizer(lang).normalize
    return [pair for pair in read_pairs(lang) if len(set(map(normalize, pair))) > 1]


def count_agreeing(lang: str) -> int:
    """Return the number of tests whose input and output become the same text."""
    return len(read_pairs(lang)) - len(list_disagreements(lang))
