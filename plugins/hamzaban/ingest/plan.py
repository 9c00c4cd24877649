"""Decide the split of a user's own corpus: keep the one it has, or draw one."""

from __future__ import annotations

import logging
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hamzaban.ingest.columns import Item, name_split
from hamzaban.ingest.hashed import hash_name
from hamzaban.ingest.select import SETS, split_groups
from hamzaban.ingest.utterances import clean_id

DRAWN = ("valid", "test")  # sets that are drawn where the corpus has none
MAX_SHOWN = 5  # speakers named in a message
_WITHOUT_LINE = re.compile(r":\d+$")


@dataclass
class Plan:
    """The set of each utterance.

    Attributes:
        drawn: The set of each group (see `group_of`) that is not in train.
        keeps_split: Whether the corpus's own split is kept.
        by_speaker: Whether a group is a speaker; otherwise it is a sentence.
        missing: The sets that the corpus lacks, which are drawn.
    """

    drawn: dict[str, str]
    keeps_split: bool
    by_speaker: bool
    missing: Sequence[str] = ()

    def set_of(self, item: Item) -> str:
        """Return train, valid or test."""
        split = name_split(item.split, item.place) if self.keeps_split else ""
        if split in DRAWN:
            return split
        return self.drawn.get(group_of(item, self.by_speaker), "train")


def group_of(item: Item, by_speaker: bool) -> str:
    """Return the group of an utterance, which no split divides.

    A group is a speaker, by the name in the corpus, or a sentence. An utterance without
    a speaker is a group of its own.
    """
    if by_speaker:
        return clean_id(item.speaker) or clean_id(item.utt_id)
    from hamzaban.lm.leaks import squash

    return f"{hash_name(squash(item.text)):016x}"


@dataclass
class _Survey:
    """Counts from one pass over the usable utterances.

    Attributes:
        num_utts: Utterances of each set in the corpus's own split, "" for none.
        speakers: Utterances of each speaker that are not in valid or test.
        sentences: Utterances of each sentence that are not in valid or test.
        num_unnamed: Utterances not in valid or test that name no speaker.
        first_unnamed: Place of the first of them.
        first_unsplit: Place of the first utterance without a split.
    """

    num_utts: Counter[str] = field(default_factory=Counter)
    speakers: Counter[str] = field(default_factory=Counter)
    sentences: Counter[str] = field(default_factory=Counter)
    num_unnamed: int = 0
    first_unnamed: str = ""
    first_unsplit: str = ""

    def add(self, item: Item, split: str) -> None:
        """Count an utterance."""
        self.num_utts[split] += 1
        if not split:
            self.first_unsplit = self.first_unsplit or item.place
        if split in DRAWN:
            return
        self.sentences[group_of(item, False)] += 1
        if item.speaker:
            self.speakers[group_of(item, True)] += 1
        else:
            self.num_unnamed += 1
            self.first_unnamed = self.first_unnamed or item.place


def make_plan(
    read: Callable[[], Iterable[Item]],
    path: Path,
    *,
    ignore_split: bool,
    shares: Sequence[float],
    seed: int,
) -> Plan:
    """Look through a corpus and decide the split.

    Valid and test are drawn by speaker where at least three speakers are named, else
    by sentence. When speakers are drawn, utterances without one stay in train.

    Args:
        read: Reads the corpus from its start.
        path: The corpus, for messages.
        ignore_split: Whether to draw a new split although the corpus has one.
        shares: Shares of valid and test in a new split.
        seed: Random seed of the split.

    Raises:
        ValueError: There is nothing or too little to split, the name of a set is
            unknown, or an audio file has several texts and no times.
    """
    survey, place = _Survey(), ""
    for item in _each_text_timed(read):
        place = item.place  # the last place stands for the corpus
        split = "" if ignore_split else name_split(item.split, item.place)
        survey.add(item, split)
    if not survey.num_utts:
        _refuse_all(read(), path)
    by_speaker = len(survey.speakers) >= len(SETS)
    missing = [name for name in DRAWN if not survey.num_utts[name]]
    plan = Plan({}, not ignore_split, by_speaker, missing)
    _log_unsplit(survey)
    if survey.speakers and survey.num_unnamed:
        logging.warning(
            "%d of %d utterances have no speaker; each counts as a speaker of its own"
            "%s; the first: %s",
            survey.num_unnamed,
            survey.num_unnamed + survey.speakers.total(),
            " and stays in train" if missing else "",
            survey.first_unnamed,
        )
    if missing:
        sizes = _choose_sizes(survey, plan)
        try:
            noun = "speakers" if plan.by_speaker else "different sentences"
            drawn = split_groups(sizes, shares, seed, noun=noun)
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from error
        plan.drawn = {k: v for k, v in drawn.items() if v in missing}
        if len(missing) < len(DRAWN):
            _tell_losses(_WITHOUT_LINE.sub("", place), survey, plan)
    return plan


def _refuse_all(items: Iterable[Item], path: Path) -> None:
    """Raise a ValueError that says why no item of a corpus can be used."""
    lacks: Counter[str] = Counter()
    first, num_items = "", 0
    for item in items:
        num_items += 1
        first = first or item.place
        marks = "nothing but marks" if item.marks else "no transcript"
        lacks[marks if item.audio else "no path of audio"] += 1
    counts = ", ".join(f"{what}: {count}" for what, count in lacks.most_common())
    found = f" in {num_items} ({counts}; the first: {first})" if num_items else ""
    raise ValueError(
        f"{path}: no utterance with both audio and a transcript found{found}, expected "
        "a table of them, or audio files each with a transcript beside it; give the "
        "table itself, or name its columns (--audio_column, --text_column)"
    )


def _tell_losses(place: str, survey: _Survey, plan: Plan) -> None:
    """Log what leaves train if the split of the corpus lacks valid or test."""
    sizes = survey.speakers if plan.by_speaker else survey.sentences
    for name in plan.missing:
        groups = sorted(group for group, part in plan.drawn.items() if part == name)
        num_utts = sum(sizes[group] for group in groups)
        what = f"{len(groups)} sentences"
        if plan.by_speaker:
            what = f"all of {len(groups)} speakers ({', '.join(groups[:MAX_SHOWN])}"
            what += ", ...)" if len(groups) > MAX_SHOWN else ")"
        logging.warning(
            "%s: the corpus's own split has no %s set: %d of %d utterances, %s, leave "
            "train for it; to prevent that, add a %s set of your own to the corpus",
            place,
            name,
            num_utts,
            sizes.total(),
            what,
            name,
        )


def _log_unsplit(survey: _Survey) -> None:
    has_split = any(survey.num_utts[name] for name in SETS)
    if has_split and survey.first_unsplit:
        logging.warning(
            "%d utterances have no split and are treated as train; the first: %s",
            survey.num_utts[""],
            survey.first_unsplit,
        )


def _choose_sizes(survey: _Survey, plan: Plan) -> Mapping[str, int]:
    """Return the number of utterances of each group, and log what the groups are."""
    sets = " and ".join(plan.missing)
    if not plan.by_speaker:
        if survey.speakers:
            logging.warning(
                "fewer than %d speakers are named (%d), so %s may share speakers "
                "with train",
                len(SETS),
                len(survey.speakers),
                sets,
            )
        logging.info("%s drawn from train, without shared sentences", sets)
        return survey.sentences
    logging.info("%s drawn from train, without shared speakers", sets)
    return survey.speakers


def can_use(item: Item) -> bool:
    """Return whether an item has audio and a transcript; others are counted later."""
    return bool(item.audio and item.text)


def _each_text_timed(read: Callable[[], Iterable[Item]]) -> Iterator[Item]:
    """Yield usable items; refuse a file with several texts and no times."""
    audio, text = array("Q"), array("Q")
    for item in filter(can_use, read()):
        if not item.rec_id:
            audio.append(hash_name(item.audio))
            text.append(hash_name(item.text))
        yield item
    twice = _find_twice(audio, text)
    if twice is None:
        return
    whole = (item for item in filter(can_use, read()) if not item.rec_id)
    found = {n: item for n, item in enumerate(whole) if n in twice}
    first, second = (found[n] for n in sorted(twice))
    raise ValueError(
        f"{second.place}: {second.audio} has another text than at {first.place} and no "
        "times, expected one text for a whole file; name the columns of times by "
        "--start_column and --end_column, or keep one of the rows"
    )


def _find_twice(audio: array[int], text: array[int]) -> tuple[int, int] | None:
    """Return the first two places that have the same audio and different text."""
    if not audio:
        return None
    names, texts = np.frombuffer(audio, np.uint64), np.frombuffer(text, np.uint64)
    order = np.argsort(names, kind="stable")
    is_same = names[order][1:] == names[order][:-1]
    differs = is_same & (texts[order][1:] != texts[order][:-1])
    if not differs.any():
        return None
    places = np.flatnonzero(differs)
    place = places[np.argmin(order[places + 1])]
    return int(order[place]), int(order[place + 1])


def check_speakers(speakers: Mapping[str, frozenset[str]], plan: Plan) -> None:
    """Check that the sets that were written share no speakers; warn about others.

    Args:
        speakers: The speakers of each set, as they were written.
        plan: The split.

    Raises:
        ValueError: A set that was drawn by speaker has a speaker of train.
    """
    for one, two in (("train", "valid"), ("train", "test"), ("valid", "test")):
        shared = sorted(speakers[one] & speakers[two])
        if not shared:
            continue
        if plan.by_speaker and one == "train" and two in plan.missing:
            raise ValueError(
                f"{two}: speaker {shared[0]} is in {one} too ({len(shared)} in all), "
                f"expected none; give the speakers other names in the corpus"
            )
        logging.warning(
            "%d speakers are in %s and in %s, such as %s",
            len(shared),
            one,
            two,
            shared[0],
        )
