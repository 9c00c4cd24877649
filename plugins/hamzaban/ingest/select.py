"""Choose utterances: some hours of many speakers, or a split into three sets."""

import hashlib
import itertools
import random
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

SETS = ("train", "valid", "test")


def draw_by_speaker(speakers: Sequence[int], seed: int) -> np.ndarray:
    """Draw utterances so that each speaker gives one before any gives a second.

    Args:
        speakers: The speaker of each utterance, as numbers from 0.
        seed: Seed of the order of speakers and of the utterances of each.

    Returns:
        The places of all utterances, in the order of drawing.
    """
    rng = random.Random(seed)
    order = array("q", range(len(speakers)))
    rng.shuffle(order)
    turns = array("q", itertools.repeat(0, max(speakers, default=-1) + 1))
    shuffled = array("q", range(len(turns)))
    rng.shuffle(shuffled)
    turn = array("q")  # the turn of its speaker in which each of `order` is drawn
    for place in order:
        turn.append(turns[speakers[place]])
        turns[speakers[place]] += 1
    drawn = np.array(order, np.int64)
    rank = np.array(shuffled, np.int64)[np.array(speakers, np.int64)[drawn]]
    return drawn[np.lexsort((rank, np.array(turn, np.int64)))]


def take_hours(
    places: Iterable[int], duration_of: Callable[[int], float], hours: float
) -> list[int]:
    """Return the first utterances that together have some number of hours.

    Args:
        places: The places of utterances, in the order in which they are taken.
        duration_of: Returns the seconds of an utterance; those of 0 s are skipped.
        hours: The hours wanted.

    Returns:
        The utterances. Only the last of them may go beyond the hours.

    Raises:
        ValueError: All utterances together are shorter.
    """
    taken: list[int] = []
    total_s = 0.0
    for place in places:
        duration_s = duration_of(place)
        if duration_s > 0:
            taken.append(place)
            total_s += duration_s
        if total_s >= hours * 3600:
            return taken
    raise ValueError(
        f"--hours is {hours:g}, expected at most {total_s / 3600:.2f}, which is all "
        "there is to train on; ask for less, or leave it out for all"
    )


def split_groups(
    sizes: Mapping[str, float],
    shares: Sequence[float],
    seed: int,
    *,
    noun: str = "speakers or different sentences",
) -> dict[str, str]:
    """Split groups of utterances, such as speakers, into train, valid and test.

    The split does not depend on the order of the groups. Test, then valid, takes groups
    in random order as long as they fit in its share, and at least one.

    Args:
        sizes: Seconds or utterances of each group, at least three groups.
        shares: Shares of valid and test, each between 0 and 1, together below 1.
        seed: Seed of the random order.
        noun: What the groups are, for the message.

    Returns:
        The set of each group.

    Raises:
        ValueError: There are fewer than three groups, or a share is not in range.
    """
    _check_split(len(sizes), shares, noun)
    left = sorted(sizes, key=lambda group: _draw(group, seed))
    total = sum(sizes.values())
    set_of: dict[str, str] = dict.fromkeys(left, "train")
    for name, share, num_kept in (("test", shares[1], 2), ("valid", shares[0], 1)):
        room = share * total
        chosen: list[str] = []
        for group in left:
            if sizes[group] <= room and len(left) - len(chosen) > num_kept:
                chosen.append(group)
                room -= sizes[group]
        chosen = chosen or [min(left, key=lambda group: sizes[group])]
        set_of |= dict.fromkeys(chosen, name)
        left = [group for group in left if set_of[group] == "train"]
    return set_of


def _check_split(num_groups: int, shares: Sequence[float], noun: str) -> None:
    if min(shares) <= 0 or sum(shares) >= 1:
        raise ValueError(
            f"shares of valid and test are {shares}, expected above 0 and together "
            "below 1; choose others"
        )
    if num_groups < len(SETS):
        raise ValueError(
            f"{num_groups} {noun}, expected at least 3, one for each of train, valid "
            "and test; add data"
        )


def _draw(group: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed} {group}".encode(), digest_size=8).digest()
