"""Score a hypothesis by every profile, to compare it with published error rates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hamzaban.score.compounds import join_compounds
from hamzaban.score.files import pair_texts
from hamzaban.score.normalized import Rules, Texts, normalize_texts
from hamzaban.score.sclite import score_pairs
from hamzaban.score.scoring import Scoring, find_scoring
from hamzaban.score.tokens import split_chars, split_words
from hamzaban.text.presets import find_preset, list_presets

RAW = "raw"
_HEAD = (
    *("profile", "costs", "case", "WER, %", "errors", "words"),
    *("CER, %", "errors", "characters", "blanks", "id"),
)


@dataclass(frozen=True)
class Row:
    """The scores of a profile.

    Attributes:
        profile: Name of the profile.
        score_id: Id of its normalizer and of how it counts.
        scoring: How it counts.
        words: Errors and reference words.
        characters: Errors and reference characters.
    """

    profile: str
    score_id: str
    scoring: Scoring
    words: tuple[int, int]
    characters: tuple[int, int]


def list_profiles(lang: str) -> list[str]:
    """Return the profiles of a language: our own, then those of other projects."""
    return [RAW, "train", "score", *(n for n in list_presets() if _fits(n, lang))]


def _fits(preset: str, lang: str) -> bool:
    try:
        return find_preset(preset, lang) is not None
    except ValueError:
        return False


def score_profiles(
    texts: Texts, trn_ids: Mapping[str, str], lang: str, **changes: object
) -> list[Row]:
    """Return the scores of every profile of a language.

    Args:
        texts: References and hypotheses by utterance id.
        trn_ids: Id in trn files of each utterance.
        lang: Code of one language.
        **changes: Attributes of `Scoring` to set in every profile.

    Raises:
        ValueError: The language is unknown.
    """
    rows = []
    for profile in list_profiles(lang):
        name, changed = RAW, texts
        if profile != RAW:
            name, changed = normalize_texts(texts, Rules(lang, profile), Path())
        scoring = find_scoring(profile, **changes)
        counts = []
        for split in (split_words, split_chars):
            pairs = pair_texts(*changed, trn_ids, scoring.choose_splitter(split))
            if scoring.compounds == "joined" and split is split_words:
                pairs = join_compounds(pairs)
            scored = score_pairs(pairs, **scoring.options)
            corr, sub, dele, ins = scored.counts.sum(axis=0).tolist()
            counts.append((sub + dele + ins, corr + sub + dele))
        rows.append(Row(profile, name + scoring.suffix, scoring, *counts))
    return rows


def format_profiles(rows: Sequence[Row]) -> Iterator[str]:
    """Yield rows as a table in Markdown."""
    yield f"| {' | '.join(_HEAD)} |"
    yield "|" + "---|" * len(_HEAD)
    for row in rows:
        cells = [row.profile, row.scoring.costs, row.scoring.case]
        for errors, units in (row.words, row.characters):
            cells += [f"{100 * errors / max(1, units):.2f}", str(errors), str(units)]
        cells += ["no" if row.scoring.characters == "no_spaces" else "counted"]
        yield f"| {' | '.join([*cells, f'`{row.score_id}`'])} |"
