"""Read references and hypotheses with times (stm, ctm) and pair them as sclite does."""

import logging
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hamzaban.score.trn import read_lines

_IGNORED = "ignore_time_segment_in_scoring"
_ALTERNATIVES = re.compile(r"[{}]|<ALT(_BEGIN|_END)?>", re.IGNORECASE)


@dataclass(frozen=True)
class Segment:
    """A line of an stm file.

    Attributes:
        recording: File and channel.
        speaker: Speaker, dashes as underscores.
        utt_id: `<speaker>-<number>`, numbered as in sclite; empty for a segment that
            is not scored.
        start_s: Start in seconds.
        end_s: End in seconds.
        text: The words.
    """

    recording: tuple[str, str]
    speaker: str
    utt_id: str
    start_s: float
    end_s: float
    text: str

    @property
    def is_scored(self) -> bool:
        """Return whether the words of the segment count."""
        return self.text.lower() != _IGNORED


@dataclass(frozen=True)
class TimedWord:
    """A line of a ctm file."""

    recording: tuple[str, str]
    start_s: float
    duration_s: float
    word: str

    @property
    def middle_s(self) -> float:
        """Time of the word's middle in seconds."""
        return self.start_s + self.duration_s / 2


def pair_time_marked(
    stm: str | Path, ctm: str | Path
) -> tuple[list[Segment], dict[str, str]]:
    """Return the segments of an stm and the words of a ctm in each of them.

    A word belongs to the segment that its middle lies in. As in sclite, a word between
    two segments belongs to the later one, and a word after the last segment to the last
    one. Words of segments that are marked to be ignored are left out.

    Args:
        stm: File of references.
        ctm: File of hypotheses.

    Returns:
        The segments that are scored, and the hypothesis of each by its utt_id.

    Raises:
        ValueError: A line is malformed, or a recording has words but no reference.
    """
    segments, words = read_stm(stm), read_ctm(ctm)
    recordings: dict[tuple[str, str], list[Segment]] = {}
    for segment in segments:
        recordings.setdefault(segment.recording, []).append(segment)
    spoken: dict[tuple[str, str], list[TimedWord]] = {}
    for word in words:
        spoken.setdefault(word.recording, []).append(word)
    for recording in spoken:
        if recording not in recordings:
            raise ValueError(
                f"{ctm}: recording '{' '.join(recording)}' (file and channel) is not "
                f"in {stm}; remove its words or add its references"
            )
    hyps: dict[str, str] = {}
    for recording, lines in recordings.items():
        if recording not in spoken:
            logging.warning(
                "%s: no word of recording '%s'; its words count as deletions",
                ctm,
                " ".join(recording),
            )
        heard = sorted(spoken.get(recording, []), key=lambda word: word.start_s)
        hyps.update(_share_words(lines, heard))
    return [segment for segment in segments if segment.is_scored], hyps


def _share_words(
    segments: Sequence[Segment], words: Sequence[TimedWord]
) -> dict[str, str]:
    hyps: dict[str, str] = {}
    position = 0
    for number, segment in enumerate(segments, start=1):
        end = position
        limit_s = float(np.float32(segment.end_s))  # sclite's precision
        while end < len(words) and (
            number == len(segments) or words[end].middle_s < limit_s
        ):
            end += 1
        if segment.is_scored:
            hyps[segment.utt_id] = " ".join(w.word for w in words[position:end])
        position = end
    return hyps


def read_stm(path: str | Path) -> list[Segment]:
    """Read `<file> <channel> <speaker> <start> <end> [<labels>] <words>` lines.

    Raises:
        ValueError: A line is malformed or has alternatives in braces.
    """
    segments: list[Segment] = []
    counts: dict[str, int] = {}
    for number, line in read_lines(path):
        fields = line.split()
        if not fields or fields[0].startswith(";;"):
            continue
        place = f"{path}:{number}"
        if len(fields) < 5:
            raise ValueError(
                f"{place}: {len(fields)} fields, expected file, channel, speaker, "
                "start, end and words"
            )
        start_s, end_s = _read_times(fields[3:5], place)
        if end_s < start_s:
            raise ValueError(f"{place}: it ends before it starts; correct the times")
        labelled = len(fields) > 5 and fields[5][0] == "<" and fields[5][-1] == ">"
        words = fields[6:] if labelled else fields[5:]
        _check_words(words, place)
        speaker = fields[2].replace("-", "_")
        utt_id, text = "", " ".join(words)
        if text.lower() != _IGNORED:
            utt_id = f"{speaker}-{counts.get(speaker, 0):03d}"
            counts[speaker] = counts.get(speaker, 0) + 1
        recording = (fields[0], fields[1])
        segments.append(Segment(recording, speaker, utt_id, start_s, end_s, text))
    return segments


def read_ctm(path: str | Path) -> list[TimedWord]:
    """Read `<file> <channel> <start> <duration> <word> [<confidence>]` lines.

    Raises:
        ValueError: A line is malformed or has alternatives.
    """
    words = []
    for number, line in read_lines(path):
        fields = line.split()
        if not fields or fields[0].startswith(";;"):
            continue
        place = f"{path}:{number}"
        if len(fields) not in (5, 6):
            raise ValueError(
                f"{place}: {len(fields)} fields, expected file, channel, start, "
                "duration, word and, optionally, confidence"
            )
        _check_words(fields[4:5], place)
        start_s, duration_s = _read_times(fields[2:4], place)
        words.append(TimedWord((fields[0], fields[1]), start_s, duration_s, fields[4]))
    return words


def _read_times(fields: Sequence[str], place: str) -> tuple[float, float]:
    try:
        first, second = map(float, fields)
    except ValueError:
        first = second = math.nan
    if not (0 <= first < math.inf and 0 <= second < math.inf):
        raise ValueError(
            f"{place}: times '{' '.join(fields)}' found, expected two numbers of "
            "seconds from 0; correct them"
        )
    return first, second


def _check_words(words: Sequence[str], place: str) -> None:
    for word in words:
        if _ALTERNATIVES.search(word):
            raise ValueError(
                f"{place}: '{word}' marks alternatives, which are not scored here; "
                "keep one of them"
            )
