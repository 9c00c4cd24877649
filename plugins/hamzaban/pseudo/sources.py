"""Which source language suits a target: a table of round 0 of several sources."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hamzaban.decode.recognizer import load_tokenizer
from hamzaban.decode.spelling import Tiers, fold_word
from hamzaban.fileio import atomic_text
from hamzaban.pseudo.families import measure_descent
from hamzaban.pseudo.guard import GuardOptions, find_faults
from hamzaban.pseudo.health import TextFacts
from hamzaban.pseudo.record import HEALTH, STATUS, read_json, read_past

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
        letter_distance: Letters that only one of text and tokens has, over all of
            both; each counts once, 0..1.
        family_distance: Share of groups of descent not in common, 0..1; `unknown` for a
            language that families.yaml lacks, None if no language was named.
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
    letter_distance: float
    family_distance: float | str | None
    wer: float | None


@dataclasses.dataclass(frozen=True)
class Target:
    """What sources are ranked for.

    Attributes:
        text: Of the target.
        mapping: From its letters, or from those of the forms.
        forms: Of its words in another script, by word; may be empty.
        lang: ISO 639 code; empty if it is not known.
    """

    text: TextFacts
    mapping: Mapping[str, Tiers]
    forms: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lang: str = ""

    def spell(self) -> TextFacts:
        """Give the text with its words in the forms they are spelled by."""
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
    """Rank sources by round 0, the best first, without any reference.

    Healthy ones come before others; then the lower disagreement is the better, or the
    lower empty_rate where that is above it: silence agrees with itself. Distances of
    descent and letters stand beside and change no rank: models were heard, they are
    guesses.

    Args:
        pseudo_exps: Language of each source, may be empty, and folder of its rounds.
        target: What they are ranked for.
        options: Says which rounds are healthy.

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


def measure_letters(text: TextFacts, known: Iterable[str]) -> float:
    """Give the Jaccard distance of the text's letters and a model's, 0..1."""
    heard = frozenset(char for char in known if len(char) == 1 and char.isalpha())
    written = frozenset(char for word in text.counts for char in word if char.isalpha())
    return 1 - len(heard & written) / max(len(heard | written), 1)


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


def _look_at(lang: str, path: Path, target: Target, options: GuardOptions) -> Source:
    folder = path / "round_0"
    past = read_past(folder)
    status, values = (read_json(folder / name) for name in (STATUS, HEALTH))
    known = load_tokenizer(status["asr_exp"])[0].characters()
    health = past.health
    text, is_named = target.spell(), lang and target.lang
    return Source(
        str(path),
        not find_faults(past, health, options),
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
