"""List the media files that a user names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hamzaban.mine.sources import list_media
from hamzaban.transcribe.transcribe_options import TranscribeOptions, region_options

# Endings of the files to read in folders, as in conf/mine.yaml.
SUFFIXES = (
    *("aac", "aif", "aiff", "amr", "avi", "caf", "flac", "flv", "m4a", "m4b", "mka"),
    *("mkv", "mov", "mp2", "mp3", "mp4", "mpeg", "mpg", "oga", "ogg", "ogv", "opus"),
    *("ts", "wav", "webm", "wma", "wmv", "3gp"),
)


def list_files(
    inputs: Sequence[str], lists: Sequence[Path], out_dir: Path
) -> list[str]:
    """Return the files that inputs and lists name, each once, sorted.

    Args:
        inputs: Files, folders (for all files below with one of SUFFIXES) and patterns.
        lists: Text files with one input a line, or a wav.scp.
        out_dir: A folder whose files are ignored.

    Raises:
        FileNotFoundError: An input does not exist.
        ValueError: Nothing was found.
    """
    options = region_options(TranscribeOptions(), suffixes=SUFFIXES)
    return list_media(inputs, lists, options, out_dir)
