"""Errors by class of word: numbers, other scripts, and users' lists and tags."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hamzaban.score.bootstrap import Plan, estimate_interval
from hamzaban.score.notation import unescape_token
from hamzaban.score.sclite import Folded, Scored
from hamzaban.score.trn import read_lines
from hamzaban.score.word_scripts import (
    compute_main_script,
    compute_word_script,
    find_borrowed,
    is_foreign,
)

NUMBERS, FOREIGN = "numbers", "foreign"
NO_TAG = "-"

Marker = Callable[[Sequence[str]], list[bool]]


@dataclass(frozen=True)
class WordClass:
    """A class of words whose errors are counted by themselves.

    Attributes:
        name: Name in tables.
        mark: Returns whether each word of an utterance belongs to the class; None if
            the class is given by `tags`.
        tags: For each trn id, whether each reference word belongs to the class.
    """

    name: str
    mark: Marker | None = None
    tags: Mapping[str, list[bool]] | None = None

    def mark_ref(self, trn_id: str, words: Sequence[str]) -> list[bool]:
        """Return whether each reference word belongs to the class."""
        if self.mark is not None:
            return self.mark(words)
        return (self.tags or {}).get(trn_id, [False] * len(words))

    def mark_hyp(self, words: Sequence[str]) -> list[bool]:
        """Return whether each hypothesis word belongs to the class; never by tags."""
        return self.mark(words) if self.mark is not None else [False] * len(words)


@dataclass(frozen=True)
class ClassErrors:
    """Errors in the words of a class.

    Attributes:
        name: Name of the class.
        num_words: Number of reference words of the class.
        sub: Number of these for which another word was recognized.
        dele: Number of these for which no word was recognized.
        ins: Number of inserted words of the class.
        interval: Bootstrap interval, over utterances, of the error rate; None if fewer
            than two utterances have such words.
        missed: Most frequent reference words among `sub` and `dele`, with counts.
    """

    name: str
    num_words: int
    sub: int
    dele: int
    ins: int
    interval: tuple[float, float] | None
    missed: Sequence[tuple[str, int]]

    @property
    def rate(self) -> float | None:
        """Errors by reference words of the class; None if there are none."""
        errors = self.sub + self.dele + self.ins
        return errors / self.num_words if self.num_words else None


def count_class(
    scored: Scored, word_class: WordClass, plan: Plan, num_missed: int = 5
) -> ClassErrors:
    """Return the errors in the words of a class.

    Args:
        scored: Aligned words.
        word_class: Class of words.
        plan: Plan of the bootstrap for the interval.
        num_missed: Number of missed words to list.
    """
    table = np.zeros((len(scored.steps), 4), dtype=np.int64)  # words, sub, del, ins
    missed: Counter[str] = Counter()
    for u, step in enumerate(scored.steps):
        ref, hyp = scored.refs[u], scored.hyps[u]
        in_ref = word_class.mark_ref(scored.trn_ids[u], ref)
        in_hyp = word_class.mark_hyp(hyp)
        table[u, 0] = sum(in_ref)
        if not any(in_ref) and not any(in_hyp):
            continue
        r = h = 0
        for letter in step.decode():
            if letter in "SD" and in_ref[r]:
                table[u, 1 if letter == "S" else 2] += 1
                missed[ref[r]] += 1
            elif letter == "I" and in_hyp[h]:
                table[u, 3] += 1
            r += letter != "I"
            h += letter != "D"
    interval = estimate_interval(table[:, 1:].sum(axis=1), table[:, 0], plan)
    words, sub, dele, ins = table.sum(axis=0).tolist()
    listed = [(unescape_token(w), n) for w, n in missed.most_common(num_missed)]
    return ClassErrors(word_class.name, words, sub, dele, ins, interval, listed)


def make_classes(
    scored: Scored,
    lists: Mapping[str, Iterable[str]],
    script: str | None = None,
) -> list[WordClass]:
    """Return the classes `numbers` and `foreign`, one for each list and each script.

    The classes of scripts are for text that switches between languages; they exist if
    the references have several scripts. The script of a word is that of most of its
    letters.

    Args:
        scored: Aligned words; entries of lists are folded as these are.
        lists: Words or phrases by name; a list called `numbers` is added to the words
            with a digit.
        script: Script of the language, as `find_script` names it; None: the script of
            most letters.
    """
    own = script or compute_main_script(scored.refs)
    listed = {name: make_list_marker(e, scored) for name, e in lists.items()}
    spelled = listed.pop(NUMBERS, None)
    classes = [WordClass(NUMBERS, _make_number_marker(spelled))]
    borrowed = find_borrowed(scored.refs, own)
    if own:
        classes.append(WordClass(FOREIGN, _make_foreign_marker(own, borrowed)))
    classes += [WordClass(name, mark) for name, mark in listed.items()]

    def script_of(word: str) -> str:
        return compute_word_script(word) if is_foreign(word, own, borrowed) else own

    words = {word for ref in scored.refs for word in ref}
    scripts = sorted({script_of(w) for w in words if compute_word_script(w)})
    if len(scripts) > 1:
        classes += [
            WordClass(f"script {s}", _make_script_marker(s, script_of)) for s in scripts
        ]
    return classes


def has_digit(word: str) -> bool:
    """Return whether a word has a decimal digit of any script."""
    return any(char.isdecimal() for char in unescape_token(word))


def _make_foreign_marker(script: str, borrowed: frozenset[str]) -> Marker:
    return lambda words: [is_foreign(word, script, borrowed) for word in words]


def _make_script_marker(script: str, script_of: Callable[[str], str]) -> Marker:
    return lambda words: [
        script_of(word) == script and compute_word_script(word) != "" for word in words
    ]


def _make_number_marker(spelled: Marker | None) -> Marker:
    def mark(words: Sequence[str]) -> list[bool]:
        marked = [has_digit(word) for word in words]
        if spelled is None:
            return marked
        return [a or b for a, b in zip(marked, spelled(words), strict=True)]

    return mark


def make_list_marker(entries: Iterable[str], scored: Scored) -> Marker:
    """Return a marker of the words of a list; phrases are matched as a whole.

    Args:
        entries: Words, or phrases of several words.
        scored: Aligned words; entries are folded as these are.
    """
    fold = Folded(scored.case).__getitem__
    phrases: dict[str, set[tuple[str, ...]]] = {}
    for entry in entries:
        phrase = tuple(map(fold, entry.split()))
        if phrase:
            phrases.setdefault(phrase[0], set()).add(phrase)
    longest = {w: sorted(found, key=len)[::-1] for w, found in phrases.items()}

    def mark(words: Sequence[str]) -> list[bool]:
        marked = [False] * len(words)
        for i, word in enumerate(words):
            for phrase in longest.get(word, ()):
                if tuple(words[i : i + len(phrase)]) == phrase:
                    marked[i : i + len(phrase)] = [True] * len(phrase)
                    break
        return marked

    return mark


def read_word_list(path: str | Path) -> list[str]:
    """Return the words or phrases of a list, one per line.

    Empty lines and `#` comments are skipped.

    Raises:
        ValueError: The list has no entry.
    """
    lines = (line.strip() for _, line in read_lines(path))
    entries = [line for line in lines if line and not line.startswith("#")]
    if not entries:
        raise ValueError(f"{path}: no entry; expected one word or phrase per line")
    return entries


def read_word_tags(path: str | Path, scored: Scored) -> list[WordClass]:
    """Return a class for each tag of a file that tags each reference word.

    Args:
        path: File of lines `<utt_id or trn id> <tag> <tag> ...`; `-` stands for no tag.
        scored: Utterances whose words are tagged.

    Raises:
        ValueError: An utterance is unknown or has another number of words.
    """
    sizes = {
        name: len(ref) for name, ref in zip(scored.trn_ids, scored.refs, strict=True)
    }
    short = {name[1:-1].partition("-")[2]: name for name in sizes}
    tagged: dict[str, dict[str, list[bool]]] = {}
    for number, line in read_lines(path):
        if not line.strip():
            continue
        name, *tags = line.split()
        name = name if scored.case_sensitive else name.lower()
        trn_id = name if name in sizes else short.get(name, "")
        if trn_id not in sizes or len(tags) != sizes[trn_id]:
            found = f"{len(tags)} tags for {sizes.get(trn_id, 'an unknown number of')}"
            raise ValueError(
                f"{path}:{number}: {name} has {found} reference words; expected an "
                "utterance of the scored set and a tag for each of its words"
            )
        for tag in set(tags) - {NO_TAG}:
            tagged.setdefault(tag, {})[trn_id] = [found == tag for found in tags]
    return [WordClass(tag, tags=tagged[tag]) for tag in sorted(tagged)]
