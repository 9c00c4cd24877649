"""Read references and hypotheses with times (stm, ctm) and pair them as sclite does."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hamzaban.score.ctm import TimedWord, read_ctm, read_times
from hamzaban.score.notation import make_text, parse_words
from hamzaban.score.trn import read_lines

_IGNORED = ("ignore_time_segment_in_scoring", "ignoretimesegmentinscoring")


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
        labels: Conditions such as `o`, `f0`, `male`.
    """

    recording: tuple[str, str]
    speaker: str
    utt_id: str
    start_s: float
    end_s: float
    text: str
    labels: tuple[str, ...] = ()

    @property
    def is_scored(self) -> bool:
        """Return whether the words of the segment count."""
        text = self.text.lower()
        return not any(name in text for name in _IGNORED)


def pair_time_marked(
    stm: str | Path, ctm: str | Path, *, case_sensitive: bool = False
) -> tuple[list[Segment], dict[str, str]]:
    """Return the segments of an stm and the words of a ctm in each of them.

    A word belongs to the segment that its middle lies in. As in sclite, a word between
    two segments belongs to the later one, and a word after the last segment to the last
    one. Words of segments that are marked to be ignored are left out.

    Args:
        stm: File of references.
        ctm: File of hypotheses.
        case_sensitive: Tell recordings and speakers apart that differ in case only.

    Returns:
        The segments that are scored, and the hypothesis of each by its utt_id.

    Raises:
        ValueError: A line is malformed, or a recording has words but no reference.
    """
    segments = read_stm(stm, case_sensitive=case_sensitive)
    words = read_ctm(str(ctm), case_sensitive=case_sensitive)
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
            hyps[segment.utt_id] = make_text([w.token for w in words[position:end]])
        position = end
    return hyps


def read_stm(path: str | Path, *, case_sensitive: bool = False) -> list[Segment]:
    """Read `<file> <channel> <speaker> <start> <end> [<labels>] <words>` lines.

    Args:
        path: The file.
        case_sensitive: Tell recordings and speakers apart that differ in case only.

    Raises:
        ValueError: A line is malformed.
    """
    segments: list[Segment] = []
    counts: dict[str, int] = {}
    for number, line in read_lines(path):
        fields = line.split(maxsplit=5)
        if not fields or fields[0].startswith((";;", "**")):
            continue
        place = f"{path}:{number}"
        if len(fields) < 5:
            raise ValueError(
                f"{place}: {len(fields)} fields, expected file, channel, speaker, "
                "start, end and words"
            )
        start_s, end_s = read_times(fields[3:5], place)
        if end_s < start_s:
            raise ValueError(f"{place}: it ends before it starts; correct the times")
        names = [name if case_sensitive else name.lower() for name in fields[:3]]
        labels, text = _split_labels(fields[5] if len(fields) > 5 else "")
        speaker = names[2].replace("-", "_")
        segment = Segment(
            (names[0], names[1]), speaker, "", start_s, end_s, text, labels
        )
        if segment.is_scored:
            text = make_text(parse_words(text, place))
            utt_id = f"{speaker}-{counts.get(speaker, 0):03d}"
            counts[speaker] = counts.get(speaker, 0) + 1
            segment = replace(segment, utt_id=utt_id, text=text)
        segments.append(segment)
    return segments


def _split_labels(text: str) -> tuple[tuple[str, ...], str]:
    """Return the labels in `<o,f0,male> ...` and the text after them."""
    first, _, rest = text.strip().partition(" ")
    if not first.startswith("<"):
        return (), text.strip()
    return tuple(first.strip("<>").split(",")), rest.strip()
