"""Note the files that list a user's corpus, so that steps see its changes."""

from pathlib import Path

from hamzaban.data.files import kind_of
from hamzaban.data.walk import walk_files
from hamzaban.ingest.folders import CAPTIONS, TEXTS
from hamzaban.launch.notes import note_inputs

LISTING = (*TEXTS, *CAPTIONS, ".parquet", ".arrow")


def note_corpus(source: Path) -> None:
    """Note the files of a corpus that list its content.

    These are Parquet and Arrow files, the files of data directories, transcripts beside
    audio, and all folders that hold them, where new files may appear. Tables are noted
    when they are read. Audio is not noted.
    """
    if not source.is_dir():
        note_inputs(source)
        return
    if any(source.glob("metadata.*")) or any(source.glob("*/metadata.*")):
        return
    found: dict[Path, None] = {source: None}
    for path in map(Path, walk_files(source)):
        name = path.name
        if name.lower().endswith(LISTING) or kind_of(name) is not None:
            found[path] = None
    for path in list(found):
        while path != source:
            path = path.parent
            found[path] = None
    note_inputs(*found)
