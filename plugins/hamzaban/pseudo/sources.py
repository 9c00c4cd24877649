"""Rank source models for a target language by round 0 of each."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hamzaban.decode.recognizer import load_tokenizer
from hamzaban.decode.spelling import Tiers, fold_word
from hamzaban.fileio import atomic_text
from hamzaban.pseudo.families import measure_descent
from hamzaban.pseudo.guard import GuardOptions, list_faults
from hamzaban.pseudo.health import TextFacts
from hamzaban.pseudo.record import (
    HEALTH,
    STATUS,
    read_measured_round,
    read_part,
)

Inventory = tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Source:
    """A source model and how well it suits the target.

    Attributes:
        name: Folder of its rounds.
        is_healthy: Whether its round 0 breaks no rule of the guard.
        empty_rate: The metric of `Health` in round 0.
        disagreement: The metric of `Health` in round 0.
        lm_only_share: The metric of `Health` in round 0.
        perplexity: The metric of `Health` in round 0; None if no label has a word.
        letters_known: Share of the running letters of the text that its tokens have.
        letters_spelled: Share of them that its tokens have or the mapping spells.
        words_spelled: Share of the running words of the text that can be spelled.
        letter_distance: Share of the letters of text and tokens, each counted once,
            that only one of the two has.
        family_distance: Share of language groups not in common, 0..1; `unknown` if
            families.yaml lacks a language, None if no language was named.
        wer: WER of round 0 in percent; None without references.
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
    letter_distance: float
    family_distance: float | str | None
    wer: float | None


@dataclasses.dataclass(frozen=True)
class Target:
    """The target language for which sources are ranked.

    Attributes:
        text: Statistics of its text.
        mapping: Mapping from its letters, or from those of the forms.
        forms: Forms of its words in another script, by word; may be empty.
        lang: ISO 639 code; empty if unknown.
    """

    text: TextFacts
    mapping: Mapping[str, Tiers]
    forms: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lang: str = ""

    def spell(self) -> TextFacts:
        """Return the text with its words replaced by the forms they are spelled by."""
        counts: Counter[str] = Counter()
        for word, count in self.text.counts.items():
            counts[self.forms.get(word, word)] += count
        return dataclasses.replace(self.text, counts=counts)


def split_name(word: str) -> tuple[str, Path]:
    """Split `[LANG=]PATH` into the two; the language may be empty."""
    lang, found, path = word.partition("=")
    return (lang, Path(path)) if found and "/" not in lang else ("", Path(word))


def rank_sources(
    pseudo_exps: Sequence[tuple[str, Path]], target: Target, options: GuardOptions
) -> list[Source]:
    """Rank sources by round 0, best first, without references.

    Healthy sources come first. Among them, and among the others, the lower value is the
    better; it is the disagreement, or the empty_rate if that is higher, because empty
    labels do not disagree. The distances of letters and of families are reported and
    not used, because they only guess what the metrics measure.

    Args:
        pseudo_exps: Language of each source, which may be empty, and folder of its
            rounds.
        target: The target language.
        options: The rules that decide which rounds are healthy.

    Raises:
        FileNotFoundError: A round 0, or the experiment of its model, is missing.
    """
    found = [_look_at(lang, path, target, options) for lang, path in pseudo_exps]

    def key(source: Source) -> tuple[bool, float, str]:
        badness = max(source.disagreement, source.empty_rate)
        return not source.is_healthy, badness, source.name

    return sorted(found, key=key)


def measure_inventory(
    text: TextFacts, mapping: Mapping[str, Tiers], known: Iterable[str]
) -> Inventory:
    """Return `letters_known`, `letters_spelled` and `words_spelled` of a source.

    Args:
        text: Statistics of the text of the target.
        mapping: Mapping from the letters of the target.
        known: Characters of the tokens of the source.
    """
    known = frozenset(known)
    letters: Counter[str] = Counter()
    words = 0
    for word, count in text.counts.items():
        for letter in word:
            letters[letter] += count
        words += count * bool(fold_word(word, mapping, known, 1))
    # The mapping may leave a mark out, which is possible only after a known letter.
    anchor = next(iter(sorted(known - {" "})), "")
    spelled = sum(
        count
        for letter, count in letters.items()
        if fold_word(anchor + letter, mapping, known, 1)
    )
    total = letters.total()
    own = sum(count for letter, count in letters.items() if letter in known)
    return own / total, spelled / total, words / text.counts.total()


def measure_letters(text: TextFacts, known: Iterable[str]) -> float:
    """Return the Jaccard distance, 0..1, of the letters of a text and of a model."""
    heard = frozenset(char for char in known if len(char) == 1 and char.isalpha())
    written = frozenset(char for word in text.counts for char in word if char.isalpha())
    return 1 - len(heard & written) / max(len(heard | written), 1)


def write_sources(sources: Sequence[Source], path: Path) -> str:
    """Write the table with tabs between cells; return its text."""
    names = [field.name for field in dataclasses.fields(Source)]
    lines = ["\t".join(["rank", *names])]
    for rank, source in enumerate(sources, 1):
        cells = (_format(getattr(source, name)) for name in names)
        lines.append("\t".join([str(rank), *cells]))
    text = "".join(line + "\n" for line in lines)
    with atomic_text(path) as f:
        f.write(text)
    return text


def _look_at(lang: str, path: Path, target: Target, options: GuardOptions) -> Source:
    folder = path / "round_0"
    past = read_measured_round(folder)
    status, values = (
        read_part(folder / name, "label with this model again")
        for name in (STATUS, HEALTH)
    )
    known = load_tokenizer(status["asr_exp"])[0].characters()
    health = past.health
    text, is_named = target.spell(), lang and target.lang
    return Source(
        str(path),
        not list_faults(past, health, options),
        health.empty_rate,
        health.disagreement,
        health.lm_only_share,
        health.perplexity,
        *measure_inventory(text, target.mapping, known),
        measure_letters(text, known),
        measure_descent(lang, target.lang) if is_named else None,
        values["scores"].get("wer"),
    )


def _format(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
