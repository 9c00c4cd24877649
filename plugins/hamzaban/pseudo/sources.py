"""Which source language suits a target: a table of round 0 of several sources."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hamzaban.decode.recogniser import load_tokenizer
from hamzaban.fileio import atomic_text
from hamzaban.pseudo.guard import GuardOptions, find_faults
from hamzaban.pseudo.health import TextFacts
from hamzaban.pseudo.record import HEALTH, STATUS, read_past
from hamzaban.pseudo.spelling import Tiers, fold_word

Inventory = tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Source:
    """A source model, as seen from the target.

    Attributes:
        name: Folder of its rounds.
        is_healthy: Its round 0 breaks no rule of the guard.
        empty_rate: Of round 0; see health.
        disagreement: Likewise.
        lm_only_share: Likewise.
        perplexity: Likewise; None without any word.
        letters_known: Share of the text's running letters that its tokens have.
        letters_spelled: Share that they have or the mapping spells.
        words_spelled: Share of the text's running words that can be spelled.
        wer: In percent; None without references.
    """

    name: str
    is_healthy: bool
    empty_rate: float
    disagreement: float
    lm_only_share: float
    perplexity: float | None
    letters_known: float
    letters_spelled: float
    words_spelled: float
    wer: float | None


def rank_sources(
    pseudo_exps: Sequence[Path],
    text: TextFacts,
    mapping: Mapping[str, Tiers],
    options: GuardOptions,
) -> list[Source]:
    """Rank sources by round 0, the best first, without any reference.

    Healthy ones come before others; then the lower disagreement is the better, or the
    lower empty_rate where that is above it: silence agrees with itself.

    Raises:
        FileNotFoundError: A round 0, or the experiment of its model, is missing.
    """
    found = [_look_at(path, text, mapping, options) for path in pseudo_exps]

    def key(source: Source) -> tuple[bool, float, str]:
        badness = max(source.disagreement, source.empty_rate)
        return not source.is_healthy, badness, source.name

    return sorted(found, key=key)


def measure_inventory(
    text: TextFacts, mapping: Mapping[str, Tiers], known: Iterable[str]
) -> Inventory:
    """Give `letters_known`, `letters_spelled` and `words_spelled` of a source.

    Args:
        text: The target's.
        mapping: From the target's letters.
        known: Characters of the source's tokens.
    """
    known = frozenset(known)
    letters: Counter[str] = Counter()
    words = 0
    for word, count in text.counts.items():
        for letter in word:
            letters[letter] += count
        words += count * bool(fold_word(word, mapping, known, 1))
    # Behind a known letter an empty spelling is one, too: a mark may be left out.
    anchor = next(iter(sorted(known - {" "})), "")
    spelled = sum(
        count
        for letter, count in letters.items()
        if fold_word(anchor + letter, mapping, known, 1)
    )
    total = letters.total()
    own = sum(count for letter, count in letters.items() if letter in known)
    return own / total, spelled / total, words / text.counts.total()


def write_sources(sources: Sequence[Source], path: Path) -> str:
    """Write the table, tabs between cells; return it."""
    names = [field.name for field in dataclasses.fields(Source)]
    lines = ["\t".join(["rank", *names])]
    for rank, source in enumerate(sources, 1):
        cells = (_format(getattr(source, name)) for name in names)
        lines.append("\t".join([str(rank), *cells]))
    text = "".join(line + "\n" for line in lines)
    with atomic_text(path) as f:
        f.write(text)
    return text


def _look_at(
    path: Path, text: TextFacts, mapping: Mapping[str, Tiers], options: GuardOptions
) -> Source:
    folder = path / "round_0"
    past = read_past(folder)
    status, values = (
        json.loads((folder / name).read_text(encoding="utf-8"))
        for name in (STATUS, HEALTH)
    )
    tokenizer, _ = load_tokenizer(status["asr_exp"])
    health = past.health
    return Source(
        str(path),
        not find_faults(past, health, options),
        health.empty_rate,
        health.disagreement,
        health.lm_only_share,
        health.perplexity,
        *measure_inventory(text, mapping, tokenizer.characters()),
        values["scores"].get("wer"),
    )


def _format(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
