"""Write transcripts as a Kaldi data directory, to train on them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from hamzaban.audio.format_options import hash_text
from hamzaban.data.write import DirWriter

_NOT_IN_IDS = re.compile(r"[^\w.-]+")


class Recording(NamedTuple):
    """A recording that was transcribed.

    Attributes:
        name: Name of its outputs, unique in the run.
        path: The file.
        segments: Start and end, in seconds, and text of each segment.
    """

    name: str
    path: Path
    segments: list[tuple[float, float, str]]


def write_kaldi(data_dir: Path, recordings: Iterable[Recording]) -> int:
    """Write wav.scp, segments, text, utt2spk, spk2utt; return the number of segments.

    A recording is a speaker, since nobody knows who speaks. One without words is left
    out.
    """
    count = 0
    with DirWriter(data_dir) as writer:
        for name in ("wav.scp", "segments", "text"):
            writer.open(name)
        for recording in recordings:
            if not recording.segments:
                continue
            rec_id = make_id(recording.name)
            writer.open("wav.scp").write(rec_id, str(recording.path.absolute()))
            for start_s, end_s, text in recording.segments:
                utt_id = f"{rec_id}-{round(1000 * start_s):09}-{round(1000 * end_s):09}"
                span = f"{rec_id} {start_s:.3f} {end_s:.3f}"
                writer.open("segments").write(utt_id, span)
                writer.open("text").write(utt_id, text)
                writer.open("utt2spk").write(utt_id, rec_id)
                count += 1
    return count


def make_id(name: str) -> str:
    """Return a name in the form of an id, with a hash if that loses something."""
    found = _NOT_IN_IDS.sub("_", unicodedata.normalize("NFC", name)).strip("_.-")
    return found if found == name else f"{found or 'audio'}-{hash_text(name)[:8]}"
