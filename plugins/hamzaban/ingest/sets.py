"""Write the sets of a published corpus, and compare its counts with known ones."""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from hamzaban.data.meant import find_meant, hint_meant
from hamzaban.ingest.hashed import hash_name
from hamzaban.ingest.segments import CUT_SHORT, is_cut_short
from hamzaban.ingest.select import split_groups
from hamzaban.ingest.utterances import Tally, Utterance
from hamzaban.ingest.write import write_set
from hamzaban.text.marks import read_marks

Reader = Callable[[Tally], Iterable[Utterance]]


def write_sets(
    output: Path, readers: Mapping[str, Reader], source: Path, max_drop: float
) -> None:
    """Write sets, each from its reader; after an error none is written.

    Args:
        output: The folder in which each set gets a folder.
        readers: The reader of each set, by the name of the set.
        source: The corpus, for messages.
        max_drop: Highest share of a set's utterances that may be unfit.

    Raises:
        ValueError: More than `max_drop` are unfit.
    """
    with ExitStack() as publish:
        for name, read in readers.items():
            tally = Tally(f"{name} of {source}")
            utterances = _with_audio(drop_marks(read(tally), tally), tally)
            write_set(output / name, utterances, tally, publish)
            tally.check(max_drop)


def check_count(place: Path, found: int, expected: int | None, noun: str) -> None:
    """Compare a number with the published one.

    Args:
        place: The file or folder that was counted.
        found: The number found.
        expected: The published number; None if there is none.
        noun: The name of what was counted.

    Raises:
        ValueError: The numbers differ.
    """
    if expected is None:
        logging.info("%s: %d %s; no published number is known", place, found, noun)
    elif found != expected:
        raise ValueError(
            f"{place}: {found} {noun}, expected {expected} as published; fetch it "
            "again, or give --check_counts false if it is a part on purpose"
        )


def split_by_sentence(
    utterances: Sequence[Utterance], shares: Sequence[float], seed: int
) -> dict[str, list[Utterance]]:
    """Split utterances of one speaker; equal sentences stay together.

    Args:
        utterances: All utterances.
        shares: Shares of valid and test, each between 0 and 1.
        seed: Random seed of the split.

    Returns:
        train, valid and test.
    """
    from hamzaban.lm.leaks import squash

    groups = [f"{hash_name(squash(utt.text or '')):016x}" for utt in utterances]
    set_of = split_groups(Counter(groups), shares, seed)
    sets: dict[str, list[Utterance]] = {"train": [], "valid": [], "test": []}
    for utt, group in zip(utterances, groups, strict=True):
        sets[set_of[group]].append(utt)
    return sets


def read_all(utterances: Iterable[Utterance]) -> Reader:
    """Return a reader of utterances that are in memory."""
    kept = list(utterances)

    def read(tally: Tally) -> Iterator[Utterance]:
        for utt in kept:
            tally.num_read += 1
            yield utt

    return read


def drop_marks(utterances: Iterable[Utterance], tally: Tally) -> Iterator[Utterance]:
    """Drop the marks of transcripts, and utterances that have no words, counted."""
    for utt in utterances:
        if utt.text:
            marked = read_marks(utt.text)
            tally.marks.add(marked.marks)
            if marked.marks and not marked.text:
                tally.excluded["nothing but marks in the transcript"] += 1
                continue
            utt = utt._replace(text=marked.text)
        yield utt


def _with_audio(utterances: Iterable[Utterance], tally: Tally) -> Iterator[Utterance]:
    """Leave out utterances without words or audio file, and count them.

    A file whose name is spelled differently (see `data.meant`) is taken.
    """
    meant: list[str] = []
    for utt in utterances:
        place = utt.place or utt.audio
        if not utt.text:
            tally.add_fault("no transcript", place)
            continue
        if not os.path.isfile(utt.audio):
            found = find_meant(utt.audio)
            if len(found) != 1:
                hint = hint_meant(utt.audio)
                where = f"{utt.place}: " if utt.place else ""
                tally.add_fault("no audio file", f"{where}{utt.audio}{hint}")
                continue
            meant.append(f"{found[0]} for {utt.audio}")
            utt = utt._replace(audio=found[0])
        if is_cut_short(utt.audio):
            where = f"{utt.place}: " if utt.place else ""
            tally.add_fault(CUT_SHORT, f"{where}{utt.audio}")
            continue
        yield utt
    if meant:
        logging.warning(
            "%s: %d paths of audio differ from the files in slashes, case or Unicode "
            "form; these files are read, the first: %s",
            tally.place,
            len(meant),
            meant[0],
        )
