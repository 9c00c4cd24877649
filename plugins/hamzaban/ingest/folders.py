"""Read a folder of audio files with a transcript or captions beside each."""

import itertools
import logging
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from hamzaban.data.meant import fold
from hamzaban.data.walk import walk_files
from hamzaban.ingest.columns import SPLITS, Item
from hamzaban.ingest.lines import open_utf8
from hamzaban.ingest.transcripts import read_captions

AUDIO = (
    *(".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".wma", ".amr"),
    *(".webm", ".mp4", ".aiff", ".sph"),
)
TEXTS = (".txt", ".lab")  # a transcript of the whole file; .txt is preferred
CAPTIONS = (".srt", ".vtt")  # read where there is no transcript
READ = f"{', '.join(TEXTS)}, {' or '.join(CAPTIONS)}"
_TIMED_LABEL = re.compile(r"\s*\d+\s+\d+\s+\S")  # of HTK: begin, end, label


class _Pair(NamedTuple):
    """An audio file and its transcript; None if there is none."""

    audio: Path
    text: Path | None


def list_audio(path: Path) -> Iterator[Path]:
    """Yield the audio files in and below a folder."""
    files = map(Path, walk_files(path))
    return (file for file in files if file.suffix.lower() in AUDIO)


def check_transcripts(path: Path) -> None:
    """Log which files beside the audio are not read.

    Raises:
        ValueError: No audio file has a transcript.
    """
    num_audio, num_text, lone, unread = 0, 0, [], []
    for pairs, rest in _list_folders(path):
        num_audio += len(pairs)
        num_text += sum(pair.text is not None for pair in pairs)
        known = {fold(pair.audio.stem) for pair in pairs}
        for file in rest:
            if fold(file.stem) in known:
                unread.append(file)
            elif file.suffix.lower() in (*TEXTS, *CAPTIONS):
                lone.append(file)
    kinds = Counter(file.suffix for file in unread)
    found = ", ".join(f"{count} {suffix}" for suffix, count in kinds.most_common())
    if not num_text:
        files = [*unread, *lone]
        others = [found] if found else []
        others += [f"{len(lone)} transcripts of other names"] if lone else []
        there = f"; found {' and '.join(others)}" if others else ""
        such = f", such as {files[0]}" if files else ""
        raise ValueError(
            f"{path}: none of {num_audio} audio files has a transcript beside it, "
            f"expected a file of the same name with {READ}{there}{such}; rename "
            "or convert them, or write a table of files and texts"
        )
    if unread:
        logging.warning(
            "%s: files beside the audio that are not read: %s, such as %s",
            path, found, unread[0],
        )  # fmt: skip
    if lone:
        logging.warning(
            "%s: %d transcripts without audio of their name are ignored, such as %s",
            path, len(lone), lone[0],
        )  # fmt: skip


def read_folder(path: Path, speaker_folders: bool) -> Iterator[Item]:
    """Read the audio files and their transcripts; captions make segments of a file.

    Args:
        path: The folder.
        speaker_folders: Whether each folder is a speaker.
    """
    for pairs, _ in _list_folders(path):
        for audio, file in pairs:
            place = audio.relative_to(path)
            split = place.parts[0].lower() if len(place.parts) > 1 else ""
            item = Item(
                place=str(audio),
                audio=str(audio),
                text="",
                speaker=place.parent.name if speaker_folders else "",
                split=SPLITS.get(split, ""),
            )
            if file is None or file.suffix.lower() in TEXTS:
                yield item._replace(text=_read_text(file) if file else "")
                continue
            for caption in read_captions(file):
                begin_s, end_s, text = caption
                cut = item._replace(begin_s=begin_s, end_s=end_s)
                yield cut._replace(text=text)


def _list_folders(path: Path) -> Iterator[tuple[list[_Pair], list[Path]]]:
    """Yield the audio of each folder with its transcripts, and the other files."""
    for _, names in itertools.groupby(walk_files(path), os.path.dirname):
        files = [Path(name) for name in names]
        audio = [file for file in files if file.suffix.lower() in AUDIO]
        others = [file for file in files if file.suffix.lower() not in AUDIO]
        texts: dict[str, list[Path]] = {}
        for file in others:
            if _is_transcript(file):
                texts.setdefault(fold(file.stem), []).append(file)
        pairs = [_Pair(file, _choose(file, texts)) for file in audio]
        used = {pair.text for pair in pairs}
        yield pairs, [file for file in others if file not in used]


def _choose(audio: Path, texts: dict[str, list[Path]]) -> Path | None:
    """Return the transcript of an audio file, best one of exactly the same name."""
    order = (*TEXTS, *CAPTIONS)
    found = texts.get(fold(audio.stem), [])
    return min(
        found,
        key=lambda file: (file.stem != audio.stem, order.index(file.suffix.lower())),
        default=None,
    )


def _is_transcript(file: Path) -> bool:
    """Return whether a file is a transcript or captions, not labels with times."""
    suffix = file.suffix.lower()
    if suffix != ".lab":
        return suffix in (*TEXTS, *CAPTIONS)
    with open_utf8(file) as lines:
        filled = [line for line in lines if line.strip()]
    return not (filled and all(map(_TIMED_LABEL.match, filled)))


def _read_text(path: Path) -> str:
    with open_utf8(path) as lines:
        return "".join(lines)
