"""Finding what the columns of somebody's table mean, and rows by these meanings."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from hamzaban.ingest.tables import Row, read_rows
from hamzaban.text.marks import Mark

# What a column may be called, the likelier first; case, spaces and dashes do not count.
NAMES: Mapping[str, tuple[str, ...]] = {
    "audio": (
        *("path", "file", "file_name", "filename", "audio", "audio_filepath"),
        *("audio_path", "audio_file", "wav", "wav_path", "wav_filename", "clip"),
    ),
    "text": (
        *("sentence", "text", "transcription", "transcript", "transcripts"),
        *("raw_transcription", "normalized_text", "orthographic"),
    ),
    "speaker": (
        *("client_id", "speaker_id", "spk_id", "speaker", "spk", "user_id"),
        *("reader_id", "contributor_id"),
    ),
    "split": ("split", "set", "subset", "partition"),
    "utt_id": ("utt_id", "utterance_id", "segment_id"),
    "lang": ("locale", "lang", "language"),
    "duration": ("duration", "duration_s", "duration_seconds"),
    "start": ("start", "start_s", "begin", "begin_s", "start_time", "offset"),
    "end": ("end", "end_s", "end_time"),
}
NEEDED = ("audio", "text")
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev", "devel"), "valid"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}


class Item(NamedTuple):
    """A row by its meaning; "" where the table does not say.

    Attributes:
        place: Where it stands, for messages.
        audio: As the table has it.
        text: The transcript.
        speaker: Who speaks.
        split: train, valid or test.
        utt_id: The name of the utterance.
        lang: Its language.
        begin_s: Where it begins in the recording.
        end_s: Where it ends; 0 if it is all of the recording.
        duration_s: Seconds, 0 where unknown.
        rec_id: The recording it is cut from, where the corpus names recordings.
        keeps_id: `utt_id` is not to be made longer by the speaker.
        marks: Marks that were in the transcript (see `hamzaban.text.marks`).
    """

    place: str
    audio: str
    text: str
    speaker: str = ""
    split: str = ""
    utt_id: str = ""
    lang: str = ""
    begin_s: float = 0.0
    end_s: float = 0.0
    duration_s: float = 0.0
    rec_id: str = ""
    keeps_id: bool = False
    marks: tuple[Mark, ...] = ()

    @property
    def is_cut(self) -> bool:
        """Return whether the item is a segment of its audio."""
        return bool(self.begin_s or self.end_s)


class TableOptions(NamedTuple):
    """How to read tables.

    Attributes:
        given: The names of columns by meaning, where the user gave them.
        columns: All column names, for tables without a first line of names.
        delimiter: What divides fields; "" to find out.
    """

    given: Mapping[str, str]
    columns: Sequence[str] = ()
    delimiter: str = ""


def read_items(
    path: Path, options: TableOptions, meaning: Mapping[str, str]
) -> Iterator[Item]:
    """Read a table row by row.

    Args:
        path: The table.
        options: How to read it.
        meaning: The column of each meaning, as `find_columns` says.

    Raises:
        ValueError: A value cannot be read.
    """
    delimiter = options.delimiter or None
    for number, row in read_rows(path, delimiter, columns=options.columns):
        place = f"{path}:{number}"
        values = {what: row.get(name, "") for what, name in meaning.items()}
        yield _make_item(place, values)


def find_columns(
    path: Path, forms: Mapping[tuple[str, ...], int], given: Mapping[str, str]
) -> dict[str, str]:
    """Say which column holds what.

    Args:
        path: The table, for messages.
        forms: Which columns its rows have, and where first (see `read_forms`).
        given: Columns the user named, by what they hold.

    Raises:
        ValueError: A column is missing, or some rows call it otherwise than others.
    """
    header = list(dict.fromkeys(name for form in forms for name in form))
    found: dict[str, str] = {}
    for what, names in NAMES.items():
        if given.get(what):
            if given[what] not in header:
                raise ValueError(
                    f"{path}: no column '{given[what]}' (--{what}_column); found "
                    f"{', '.join(header)}"
                )
            found[what] = given[what]
            continue
        known = [n for name in names for n in header if _plain(n) == name]
        if known:
            found[what] = known[0]
            _check_forms(f"{path}", what, known, forms)
        elif what in NEEDED:
            raise ValueError(
                f"{path}: no column of {what} known; found {', '.join(header)}; name "
                f"it by --{what}_column, or all by --columns if the first line is data"
            )
    logging.info("%s: %s", path, ", ".join(f"{k}: {v}" for k, v in found.items()))
    return found


def _check_forms(
    path: str, what: str, known: Sequence[str], forms: Mapping[tuple[str, ...], int]
) -> None:
    """Refuse rows that lack the column which others have, but have another for it."""
    for form, number in forms.items():
        other = next((name for name in known if name in form), known[0])
        if other != known[0]:
            raise ValueError(
                f"{path}:{number}: {what} is in '{other}', in other rows in "
                f"'{known[0]}', expected one name in all; rename it, or say which "
                f"column to take by --{what}_column"
            )


def name_split(text: str, place: str) -> str:
    """Return train, valid or test for what a corpus calls it; "" for "".

    Raises:
        ValueError: It is none of them.
    """
    if not text.strip():
        return ""
    name = SPLITS.get(text.strip().lower())
    if name is None:
        raise ValueError(
            f"{place}: split '{text}' is unknown; known: {', '.join(SPLITS)}; correct "
            "it, or make another split by --ignore_split true"
        )
    return name


def _make_item(place: str, values: Row) -> Item:
    times = {
        what: _read_number(values.get(what, ""), what, place)
        for what in ("start", "end", "duration")
    }
    begin_s, end_s = times["start"], times["end"]
    if begin_s is not None and end_s is None and times["duration"] is not None:
        end_s = begin_s + times["duration"]  # NeMo's offset and duration
    return Item(
        place=place,
        audio=values["audio"],
        text=values["text"],
        speaker=values.get("speaker", ""),
        split=values.get("split", ""),
        utt_id=values.get("utt_id", ""),
        lang=values.get("lang", ""),
        begin_s=(begin_s or 0.0) if end_s else 0.0,
        end_s=end_s or 0.0,
        duration_s=times["duration"] or 0.0,
    )


def _read_number(text: str, what: str, place: str) -> float | None:
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise ValueError(
            f"{place}: {what} is '{text}', expected seconds; correct it or rename the "
            "column"
        ) from None


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")
