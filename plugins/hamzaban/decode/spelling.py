"""Spell words of a target language in the tokens of a source language's model."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from hamzaban.config import read_config
from hamzaban.decode.beam import MAX_LABELS
from hamzaban.decode.lexicon import Lexicon, build_lexicon
from hamzaban.decode.word_forms import Forms, make_forms, split_form
from hamzaban.fileio import atomic_text
from hamzaban.text.tokens import Tokenizer

MAPPING_DIR = Path(__file__).parent / "mappings"
EMPTY = "0"  # in a mapping: the letter is left out

Tiers = tuple[tuple[str, ...], ...]
Spellings = tuple[tuple[int, ...], ...]


@dataclasses.dataclass(frozen=True)
class FoldedLexicon:
    """A lexicon of target words in source tokens.

    Attributes:
        lexicon: Words of the target language and their spellings, the nearest first.
        folded: Words that are not spelled by their own letters alone.
        missing: For each word without a spelling, the letters that have none; empty if
            too many other words have its spellings.
    """

    lexicon: Lexicon
    folded: tuple[str, ...]
    missing: dict[str, str]


def find_mapping(name: str | None) -> Path | None:
    """Return the file of a mapping: a path, or a name in mappings/ without `.yaml`.

    Returns:
        The path; None without a name.

    Raises:
        FileNotFoundError: There is none; the message lists the known names.
    """
    if name is None:
        return None
    for path in (MAPPING_DIR / f"{name}.yaml", Path(name)):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in MAPPING_DIR.glob("*.yaml")))
    raise FileNotFoundError(f"mapping {name!r}: no such file; known names: {known}")


def check_mapping(name: str, place: str | Path) -> None:
    """Check that the mapping which a config names exists.

    Args:
        name: A name or file as for `read_spelling`; "" for none.
        place: The config, for the message.

    Raises:
        FileNotFoundError: There is no such mapping.
    """
    if not name:
        return
    kind, _ = split_form(name)
    try:
        find_mapping(kind or name)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{place}: {error}") from None


def read_spelling(
    name: str | None, words: Sequence[str]
) -> tuple[dict[str, Tiers], Forms]:
    """Return the table that `mapping` of a config names, and the forms of words.

    Args:
        name: A name or file for `find_mapping`; `roman`, `phones:<voice>`; or None.
        words: Words to spell.

    Returns:
        The table, and the form of each word; without forms if the table is of letters.

    Raises:
        FileNotFoundError: The table, or espeak-ng, is missing.
        ValueError: The table is malformed or the voice is unknown.
    """
    kind, voice = split_form(name)
    forms = make_forms(words, kind, voice) if kind else {}
    return read_mapping(find_mapping(kind or name)), forms


def read_mapping(path: str | Path | None) -> dict[str, Tiers]:
    """Return a mapping read on top of its `base`; see mappings/perso_arabic.yaml.

    Raises:
        ValueError: It is not of that form.
    """
    if path is None:
        return {}
    values, _ = read_config(path)
    letters = values.pop("letters", None)
    if values or not isinstance(letters, dict):
        raise ValueError(
            f"{path}: expected `letters:` and nothing else, found "
            f"{sorted(values) or letters!r}"
        )
    return {str(key): _parse_tiers(path, key, text) for key, text in letters.items()}


def fold_word(
    word: str, mapping: Mapping[str, Tiers], known: Iterable[str], limit: int
) -> list[str]:
    """Return the spellings of a word in known characters.

    Args:
        word: A word of the target language.
        mapping: Table that `read_mapping` returned.
        known: Characters that the source tokens can spell.
        limit: Most spellings to return.

    Returns:
        Spellings, the nearest first: the cost of a letter is its place in its tier, the
        cost of a spelling is the sum of its letters' costs, and equal ones stay in the
        order of the mapping. Empty if a letter has no spelling.
    """
    known = frozenset(known)
    found: list[tuple[int, str]] = [(0, "")]
    for char in word:
        ways = _spell_char(char, mapping, known)
        longer = [
            (cost + place, text + way)
            for cost, text in found
            for place, way in enumerate(ways)
        ]
        found = sorted(longer, key=lambda item: item[0])[:limit]
    return list(dict.fromkeys(text for _, text in found if text))


def build_folded_lexicon(
    words: Sequence[str],
    tokenizer: Tokenizer,
    spelling: tuple[Mapping[str, Tiers], Mapping[str, str]],
    num_spellings: int,
    *,
    place: str | Path = "lexicon",
) -> FoldedLexicon:
    """Return the spellings of target words in the tokens of a source model.

    In flashlight-text a spelling has at most MAX_LABELS words; later words do not get
    it. Spellings have no scores there: costs only decide which ones are kept.

    Args:
        words: Words of the target language, the commonest first.
        tokenizer: Tokenizer of the source model, of characters or BPE.
        spelling: Table and forms that `read_spelling` returned; both are empty if
            letters stay as they are. A word with unknown letters is spelled by its
            form, if it has one.
        num_spellings: Most spellings of a word, by letters and by segmentation.
        place: Where the words come from, for messages.

    Raises:
        ValueError: No word can be spelled, or characters lack `<space>`.
    """
    known = frozenset(tokenizer.characters())
    mapping, forms = spelling
    read = {w: w if known.issuperset(w) else forms.get(w, w) for w in words}
    folds = {w: fold_word(read[w], mapping, known, num_spellings) for w in words}
    table = _spell(folds, tokenizer, num_spellings, place)
    ways = _share_out(folds, table, num_spellings)
    kept = tuple(word for word, found in ways.items() if found)
    missing = {
        word: "".join(
            dict.fromkeys(c for c in read[word] if not _spell_char(c, mapping, known))
        )
        for word, found in ways.items()
        if not found
    }
    lexicon = Lexicon(kept, tuple(ways[word] for word in kept), tuple(missing))
    folded = tuple(word for word in kept if folds[word][:1] != [word])
    return FoldedLexicon(lexicon, folded, missing)


def report_folded(found: FoldedLexicon, path: str | Path) -> None:
    """Log the size of a lexicon; write unspelled words and their missing letters."""
    total = len(found.lexicon.words) + len(found.missing)
    with atomic_text(path) as f:
        f.writelines(f"{word}\t{why}\n" for word, why in found.missing.items())
    logging.info(
        "lexicon: %d of %d words spelled, %d of them in other letters, %d spellings; "
        "%d cannot be spelled and are never recognized (%s lists them)",
        len(found.lexicon.words),
        total,
        len(found.folded),
        sum(map(len, found.lexicon.spellings)),
        len(found.missing),
        path,
    )


def _spell(
    folds: Mapping[str, Sequence[str]],
    tokenizer: Tokenizer,
    num_spellings: int,
    place: str | Path,
) -> dict[str, Spellings]:
    """Return the spellings in tokens of each text that words are folded to."""
    texts = list(dict.fromkeys(text for ways in folds.values() for text in ways))
    if not texts:
        raise ValueError(
            f"{place}: none of {len(folds)} words can be spelled in the source model's "
            f"tokens, such as {list(folds)[:1]}; give a mapping between the two scripts"
        )
    base = build_lexicon(texts, tokenizer, num_spellings, place=place)
    return dict(zip(base.words, base.spellings, strict=True))


def _share_out(
    folds: Mapping[str, Sequence[str]], table: Mapping[str, Spellings], limit: int
) -> dict[str, Spellings]:
    """Return the spellings of each word; at most MAX_LABELS words share one."""
    counts: Counter[tuple[int, ...]] = Counter()
    found = {}
    for word, texts in folds.items():
        ways = _merge([table.get(text, ()) for text in texts])[:limit]
        found[word] = tuple(way for way in ways if counts[way] < MAX_LABELS)
        counts.update(found[word])
    return found


def _spell_char(
    char: str, mapping: Mapping[str, Tiers], known: frozenset[str]
) -> list[str]:
    """Return the spellings of the first tier that has any."""
    tiers = mapping.get(char, ())
    if not any(char in tier for tier in tiers):
        tiers = ((char,), *tiers)
    for tier in tiers:
        ways = [way for way in tier if known.issuperset(way)]
        if ways:
            return ways
    return []


def _merge(groups: Sequence[Sequence[tuple[int, ...]]]) -> list[tuple[int, ...]]:
    """Return the first of every group, then the second of every group, and so on."""
    longest = max(map(len, groups), default=0)
    rows = ([g[i] for g in groups if i < len(g)] for i in range(longest))
    return list(dict.fromkeys(way for row in rows for way in row))


def _parse_tiers(path: str | Path, key: object, text: object) -> Tiers:
    parts = str(text).split("|")
    tiers = tuple(tuple(part.split()) for part in parts)
    if not isinstance(key, str) or len(key) != 1 or not all(tiers):
        raise ValueError(
            f"{path}: {key!r}: {text!r} found, expected `letter: spellings | spellings`"
        )
    return tuple(tuple("" if w == EMPTY else w for w in tier) for tier in tiers)
