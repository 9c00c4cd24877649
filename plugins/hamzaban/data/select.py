"""Selections of utterances of a data directory: one number for each utterance."""

import math
import random
from array import array
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

from hamzaban.data.files import read_scp

LEFT_OUT = -1
# The part of each utterance or LEFT_OUT, in the order of utt2spk.
Assignment: TypeAlias = "array[int]"


def select_first(data_dir: Path, num_utts: int) -> Assignment:
    """Select the first utterances of a directory.

    Raises:
        ValueError: The directory has fewer.
    """
    total = _count_utts(data_dir)
    _require_enough(data_dir, num_utts, total, "utterances")
    return array("i", [0]) * num_utts + array("i", [LEFT_OUT]) * (total - num_utts)


def select_random(data_dir: Path, num_utts: int, seed: int) -> Assignment:
    """Select utterances at random, without replacement.

    Raises:
        ValueError: The directory has fewer.
    """
    total = _count_utts(data_dir)
    _require_enough(data_dir, num_utts, total, "utterances")
    parts = array("i", [LEFT_OUT]) * total
    for index in random.Random(seed).sample(range(total), num_utts):
        parts[index] = 0
    return parts


def select_utts(data_dir: Path, utt_list: Path) -> Assignment:
    """Select the utterances whose ids are the first words of a list's lines.

    Raises:
        ValueError: The list names an utterance that is not in the directory.
    """
    return _select_ids(data_dir, utt_list, "utt_id", 0)


def select_speakers(data_dir: Path, spk_list: Path) -> Assignment:
    """Select the utterances of the speakers named first on a list's lines.

    Raises:
        ValueError: The list names a speaker that is not in the directory.
    """
    return _select_ids(data_dir, spk_list, "spk_id", 1)


def _select_ids(data_dir: Path, id_list: Path, noun: str, column: int) -> Assignment:
    wanted = {key for key, _ in read_scp(id_list)}
    unseen = set(wanted)
    parts = array("i")
    for pair in read_scp(data_dir / "utt2spk"):
        unseen.discard(pair[column])
        parts.append(0 if pair[column] in wanted else LEFT_OUT)
    if unseen:
        raise ValueError(
            f"{id_list}: {noun} {min(unseen)} is not in {data_dir}/utt2spk "
            f"({len(unseen)} of {len(wanted)} are not); remove such lines"
        )
    return parts


def select_random_speakers(data_dir: Path, num_spks: int, seed: int) -> Assignment:
    """Select all utterances of random speakers.

    Raises:
        ValueError: The directory has fewer speakers.
    """
    speakers = sorted({spk_id for _, spk_id in read_scp(data_dir / "utt2spk")})
    _require_enough(data_dir, num_spks, len(speakers), "speakers")
    wanted = set(random.Random(seed).sample(speakers, num_spks))
    utt2spk = read_scp(data_dir / "utt2spk")
    return array("i", (0 if spk in wanted else LEFT_OUT for _, spk in utt2spk))


def select_duration(
    data_dir: Path, max_duration_h: float, seed: int, fs: int
) -> Assignment:
    """Select utterances in random order until the next would exceed a duration.

    Args:
        data_dir: Needs utt2dur, segments or utt2num_samples; the first found is used.
        max_duration_h: Hours, above 0.
        seed: Random seed of the order.
        fs: Sample rate in Hz that utt2num_samples counts in.

    Raises:
        FileNotFoundError: The directory has no file with durations.
        ValueError: A duration is not a number, or no utterance fits.
    """
    durations_s = array(
        "d", (length_s for _, length_s in _read_durations(data_dir, fs))
    )
    order = array("q", range(len(durations_s)))
    random.Random(seed).shuffle(order)
    parts = array("i", [LEFT_OUT]) * len(durations_s)
    total_s = 0.0
    for index in order:
        total_s += durations_s[index]
        if total_s > 3600 * max_duration_h:
            break
        parts[index] = 0
    return parts


def select_held_out(data_dir: Path, hours: float, seed: int, fs: int) -> Assignment:
    """Hold out random speakers until they have a number of hours.

    Args:
        data_dir: As for `select_duration`. In mined speech a source file is a speaker.
        hours: Hours to reach; the last speaker exceeds them.
        seed: Random seed of the order.
        fs: Sample rate in Hz that utt2num_samples counts in.

    Returns:
        1 for held-out utterances, 0 for the others.

    Raises:
        FileNotFoundError: The directory has no file with durations.
        ValueError: A duration is not a number, or no speaker would remain.
    """
    durations_s: dict[str, float] = {}
    for spk_id, length_s in _read_durations(data_dir, fs):
        durations_s[spk_id] = durations_s.get(spk_id, 0.0) + length_s
    speakers = sorted(durations_s)
    random.Random(seed).shuffle(speakers)
    chosen: set[str] = set()
    total_s = 0.0
    for spk_id in speakers[:-1]:
        if total_s >= 3600 * hours:
            break
        chosen.add(spk_id)
        total_s += durations_s[spk_id]
    if not chosen or total_s < 3600 * hours:
        raise ValueError(
            f"{data_dir}: {hours:g} h asked for, but its {len(speakers)} speakers have "
            f"{sum(durations_s.values()) / 3600:.2f} h and one speaker must remain; "
            "ask for fewer hours"
        )
    return array("i", (int(spk in chosen) for _, spk in read_scp(data_dir / "utt2spk")))


def _read_durations(data_dir: Path, fs: int) -> Iterator[tuple[str, float]]:
    """Yield speaker and duration in seconds of each utterance of utt2spk."""
    readers = {
        "utt2dur": lambda words: float(words[0]),
        "segments": lambda words: float(words[2]) - float(words[1]),
        "utt2num_samples": lambda words: int(words[0]) / fs,
    }
    names = [name for name in readers if (data_dir / name).is_file()]
    if not names:
        raise FileNotFoundError(
            f"{data_dir}: durations are unknown, expected one of {', '.join(readers)}; "
            "make utt2num_samples with `hamzaban format-audio`"
        )
    path = data_dir / names[0]
    pairs = zip_longest(read_scp(path), read_scp(data_dir / "utt2spk"))
    for number, (line, pair) in enumerate(pairs, 1):
        if line is None or pair is None or line[0] != pair[0]:
            raise ValueError(
                f"{path}:{number}: {line[0] if line else 'no line'} found, expected "
                f"{pair[0] if pair else 'no more lines'} as in utt2spk; run `hamzaban "
                "copy-data`, which sorts both, or make the files again"
            )
        try:
            length_s = readers[names[0]](line[1].split())
        except (ValueError, IndexError):
            length_s = math.nan
        if not 0 <= length_s < math.inf:
            raise ValueError(
                f"{path}:{number}: {line[0]} has no duration in '{line[1]}'; correct "
                "the line"
            )
        yield pair[1], length_s


def _count_utts(data_dir: Path) -> int:
    return sum(1 for _ in read_scp(data_dir / "utt2spk"))


def _require_enough(data_dir: Path, wanted: int, total: int, noun: str) -> None:
    if not 1 <= wanted <= total:
        raise ValueError(
            f"{data_dir}: {wanted} {noun} asked for, expected 1 to {total}, "
            "the number in the directory; ask for fewer"
        )
