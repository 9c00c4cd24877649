"""Rows of a user's table, by the meanings of their columns."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from hamzaban.ingest.lines import Row
from hamzaban.ingest.meanings import TIMES, plain_name
from hamzaban.ingest.tables import read_rows
from hamzaban.ingest.times import read_seconds, unit_of
from hamzaban.text.marks import Mark

SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev", "devel"), "valid"),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), "test"),
}


class Item(NamedTuple):
    """The values of a row by their meaning; "" for those that the table lacks.

    Attributes:
        place: File and line of the row, for messages.
        audio: Path of the audio, as the table has it.
        text: The transcript.
        speaker: The speaker.
        split: train, valid or test, by any name that `name_split` knows.
        utt_id: The name of the utterance.
        lang: Its language.
        begin_s: Second of the recording at which it begins.
        end_s: Second at which it ends; 0 if it is the whole recording.
        duration_s: Seconds, 0 if unknown.
        rec_id: The recording it is cut from, if the corpus names recordings.
        keeps_id: `utt_id` is written as it is, without the speaker in front.
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
        given: The names of columns by meaning, if the user gave them.
        columns: All column names, for tables without a first line of names.
        delimiter: The character between fields; "" to detect it.
        time_unit: Unit, s or ms, of columns of times whose name has none.
    """

    given: Mapping[str, str]
    columns: Sequence[str] = ()
    delimiter: str = ""
    time_unit: str = "s"


def read_items(
    path: Path, options: TableOptions, meaning: Mapping[str, str]
) -> Iterator[Item]:
    """Read a table row by row.

    Args:
        path: The table.
        options: How to read it.
        meaning: The column of each meaning, from `choose_columns`.

    Raises:
        ValueError: A value cannot be read.
    """
    delimiter = options.delimiter or None
    units = {
        what: unit_of(plain_name(meaning[what])) or options.time_unit
        for what in TIMES
        if what in meaning
    }
    for number, row in read_rows(path, delimiter, columns=options.columns):
        place = f"{path}:{number}"
        values = {what: row.get(name, "") for what, name in meaning.items()}
        yield _make_item(place, values, units)


def name_split(text: str, place: str) -> str:
    """Return train, valid or test for a corpus's name of it, and "" for "".

    Raises:
        ValueError: The name is unknown.
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


def _make_item(place: str, values: Row, units: Mapping[str, str]) -> Item:
    times = {
        what: read_seconds(values.get(what, ""), units.get(what, ""), what, place)
        for what in TIMES
    }
    begin_s, end_s, duration_s = times["start"], times["end"], times["duration"]
    if begin_s is not None and end_s is None and duration_s is not None:
        end_s = begin_s + duration_s  # NeMo's offset and duration
    if (begin_s is None) != (end_s is None):
        has, lacks = ("end", "start") if begin_s is None else ("start", "end")
        raise ValueError(
            f"{place}: {has} without {lacks}, expected both for a segment and none for "
            "a whole file; correct the row"
        )
    return Item(
        place=place,
        audio=values["audio"],
        text=values["text"],
        speaker=values.get("speaker", ""),
        split=values.get("split", ""),
        utt_id=values.get("utt_id", ""),
        lang=values.get("lang", ""),
        begin_s=begin_s or 0.0,
        end_s=end_s or 0.0,
        duration_s=max(duration_s or 0.0, 0.0),
    )
