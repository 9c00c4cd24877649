"""What of a corpus of one's own says what is in it, so that a correction is seen."""

from pathlib import Path

from hamzaban.data.files import kind_of
from hamzaban.data.walk import walk_files
from hamzaban.launch.notes import note_inputs

TRANSCRIPTS = (".txt", ".parquet", ".arrow")


def note_corpus(source: Path) -> None:
    """Note the files of a corpus that are no tables: those are noted as they are read.

    That is a Parquet file, or what of a folder is Parquet, the files of a Kaldi
    directory or the transcripts beside audio; and the folders that they lie in, for
    new ones. Audio is not looked at.
    """
    if not source.is_dir():
        note_inputs(source)
        return
    if any(source.glob("metadata.*")) or any(source.glob("*/metadata.*")):
        return
    found: dict[Path, None] = {source: None}
    for path in map(Path, walk_files(source)):
        name = path.name
        if name.lower().endswith(TRANSCRIPTS) or kind_of(name) is not None:
            found[path] = None
    for path in list(found):
        while path != source:
            path = path.parent
            found[path] = None
    note_inputs(*found)
