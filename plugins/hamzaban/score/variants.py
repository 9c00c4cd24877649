"""Score against accepted spellings: groups of equal words, or several references.

A file of variants has a group of equal spellings on each line, separated by ` / `:

    کتاب‌ها / کتابها / کتاب ها   # of the same word; text after # is a comment

Wherever a reference has one of them, each counts as right. They become alternatives in
sclite's notation.
"""

import argparse
import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hamzaban.score.normalized import Texts
from hamzaban.score.notation import NULL_WORD, Marked, Notation
from hamzaban.score.transcripts import read_transcripts
from hamzaban.score.trn import read_lines

Words = tuple[str, ...]
_SLASH = re.compile(r"(?<!\S)/(?!\S)")


@dataclass(frozen=True)
class Variants:
    """Groups of equal spellings.

    Attributes:
        groups: The group of each spelling, as words, the spelling itself first.
        longest: Number of words of the longest spelling.
        digest: Names the groups in ids of scores.
    """

    groups: Mapping[Words, Sequence[Words]] = field(default_factory=dict)
    longest: int = 0
    digest: str = ""

    def apply(self, text: str) -> str:
        """Return a reference in which each spelling of a group has its alternatives.

        The longest spelling at a place counts. Alternatives that the reference already
        has stay as they are.
        """
        tokens = list(text.tokens) if isinstance(text, Marked) else text.split()
        found: list[str] = []
        place = 0
        while place < len(tokens):
            size, group = self._find(tokens, place)
            found.append(Notation.make(group) if group else tokens[place])
            place += size
        changed = any(isinstance(token, Notation) for token in found)
        return Marked.make(found) if changed else text

    def _find(self, tokens: Sequence[str], place: int) -> tuple[int, Sequence[Words]]:
        for size in range(min(self.longest, len(tokens) - place), 0, -1):
            words = tuple(tokens[place : place + size])
            if not any(isinstance(word, Notation) for word in words):
                group = self.groups.get(tuple(map(str, words)))
                if group:
                    return size, group
        return 1, ()


def read_variants(path: str | Path, normalize: Callable[[str], str] = str) -> Variants:
    """Read a file of variants.

    Args:
        path: The file.
        normalize: Returns the form of a spelling in which references are scored. Groups
            that become one spelling are left out.

    Raises:
        ValueError: A line has one spelling only, an empty one, or one of another line.
    """
    groups: dict[Words, Sequence[Words]] = {}
    places: dict[Words, int] = {}
    for number, line in read_lines(path):
        text = line.partition("#")[0]
        if not text.strip():
            continue
        spellings = [spelling.strip() for spelling in _SLASH.split(text)]
        if len(spellings) < 2 or not all(spellings):
            raise ValueError(
                f"{path}:{number}: '{text.strip()}' found, expected two spellings or "
                "more between ' / '; correct the line or begin it with #"
            )
        words = {tuple(normalize(spelling).split()): None for spelling in spellings}
        group = [spelling for spelling in words if spelling]
        for spelling in group if len(group) > 1 else ():
            if spelling in groups:
                raise ValueError(
                    f"{path}:{number}: '{' '.join(spelling)}' is also on line "
                    f"{places[spelling]}; put all its spellings on one line"
                )
            groups[spelling] = [spelling, *(g for g in group if g != spelling)]
            places[spelling] = number
    digest = hashlib.sha256(repr(sorted(groups)).encode()).hexdigest()[:6]
    return Variants(groups, max(map(len, groups), default=0), digest)


def add_references(
    refs: Mapping[str, str], others: Sequence[Mapping[str, str]]
) -> dict[str, str]:
    """Return references whose alternatives are those of other transcribers.

    Args:
        refs: References by utterance id.
        others: Further references of some of these utterances.
    """
    joined: dict[str, str] = {}
    for utt_id, text in refs.items():
        sides = [text, *(other[utt_id] for other in others if utt_id in other)]
        choices = list(dict.fromkeys(tuple(_list_tokens(side)) for side in sides))
        joined[utt_id] = text
        if len(choices) > 1:
            token = Notation.make([choice or (NULL_WORD,) for choice in choices])
            joined[utt_id] = Marked.make([token])
    return joined


def _list_tokens(text: str) -> list[str]:
    return list(text.tokens) if isinstance(text, Marked) else text.split()


def read_references(
    args: argparse.Namespace, utt_ids: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """Yield the references in the files of --more_refs.

    Raises:
        ValueError: A file has another utterance, or its form has times.
    """
    for path in args.more_refs:
        if path.suffix.lower() in (".stm", ".ctm"):
            raise ValueError(f"--more_refs {path}: expected Kaldi text, .trn or .jsonl")
        texts = read_transcripts(path, "ref", id_type=args.id_type).texts
        unknown = next((utt_id for utt_id in texts if utt_id not in utt_ids), None)
        if unknown is not None:
            raise ValueError(
                f"{path}: utterance '{unknown}' is not in {args.ref}; give further "
                "references of the same utterances"
            )
        missing = len(utt_ids) - len(texts)
        if missing:
            logging.warning("%s: %d utterances have no reference here", path, missing)
        yield texts


def accept_variants(
    args: argparse.Namespace,
    texts: Texts,
    normalize: Callable[[Mapping[str, str]], Mapping[str, str]],
) -> tuple[Texts, str]:
    """Return texts whose references accept the variants asked for, and an id's end.

    Args:
        args: Options of score-text.
        texts: Normalized references and hypotheses.
        normalize: Normalizes texts by utterance id in the same way.
    """
    refs, suffix = texts[0], ""
    if args.more_refs:
        others = [normalize(other) for other in read_references(args, {**texts[0]})]
        refs = add_references(refs, others)
        suffix += f"+refs{len(others) + 1}"
    if args.variants is not None:

        def change(spelling: str) -> str:
            utt_id = next(iter(texts[0]), "")
            return normalize({utt_id: spelling})[utt_id]

        variants = read_variants(args.variants, change)
        refs = {utt_id: variants.apply(text) for utt_id, text in refs.items()}
        suffix += f"+variants_{variants.digest}"
    return (refs, texts[1]), suffix
