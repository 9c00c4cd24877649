"""MASC, Massive Arabic Speech Corpus: 1,000 h of subtitled video, clean and noisy.

The segments of train come from subtitles, those of valid and test from published
tables. Each video counts as one speaker.
"""

import argparse
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hamzaban.ingest.sets import Reader, write_sets
from hamzaban.ingest.tables import find_column, open_fields, read_rows
from hamzaban.ingest.transcripts import read_captions
from hamzaban.ingest.utterances import Tally, Utterance, clean_text

KINDS = ("clean", "noisy")
PARTS = {"valid": "dev", "test": "test"}
NUM_FIELDS = 5  # video, start and end in seconds, one more, text


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this corpus."""
    parser.add_argument(
        "--train_kinds",
        nargs="+",
        default=["clean"],
        choices=KINDS,
        help="kinds of video in train; each kind has its own valid and test set",
    )


def prepare(args: argparse.Namespace) -> None:
    """Write train, and a valid and a test set of each kind, such as valid_clean.

    Raises:
        FileNotFoundError: A table is missing.
        ValueError: A table has another form, or too many videos have no audio or
            subtitles.
    """
    readers: dict[str, Reader] = {}
    train = [args.source / "subsets" / f"{kind}_train.csv" for kind in args.train_kinds]
    readers["train"] = make_reader(args.source, train)
    for kind in KINDS:
        for name, part in PARTS.items():
            table = args.source / "subsets" / f"{kind}_{part}.csv"
            readers[f"{name}_{kind}"] = make_held_out_reader(args.source, table)
    write_sets(args.output, readers, args.source, args.max_drop)


def make_reader(source: Path, tables: list[Path]) -> Reader:
    """Return the reader of the captions of all videos in some tables."""

    def read(tally: Tally) -> Iterator[Utterance]:
        for table in tables:
            for _, row in read_rows(table):
                find_column(table, list(row), ("video_id",))
                yield from read_video(source, row["video_id"], tally)

    return read


def make_held_out_reader(source: Path, table: Path) -> Reader:
    """Return the reader of the published segments, or of captions if there are none."""
    if not table.is_file():
        videos = table.with_name(f"{table.stem}_meta.csv")
        logging.warning(
            "%s: no such table, so the videos of %s are cut by their subtitles; these "
            "are not the published segments, so results are not comparable",
            table,
            videos.name,
        )
        return make_reader(source, [videos])
    return lambda tally: read_segments(source, table, tally)


def read_segments(source: Path, table: Path, tally: Tally) -> Iterator[Utterance]:
    """Yield the rows of a published table of segments.

    Raises:
        ValueError: A row has another form.
    """
    numbers: Counter[str] = Counter()
    with open_fields(table, ",") as rows:
        next(rows, None)  # the names of the columns
        for fields in filter(None, rows):
            tally.num_read += 1
            video_id = fields[0]
            try:
                begin_s, end_s = float(fields[1]), float(fields[2])
                text = fields[NUM_FIELDS - 1]
            except (IndexError, ValueError):
                raise ValueError(
                    f"{table}:{rows.line_num}: found {', '.join(fields)[:60]!r}, "
                    "expected a video, where its segment starts and ends in seconds, "
                    "one more field and the text; fetch the table again"
                ) from None
            if end_s <= begin_s:
                reason = "segment that ends before it starts"
                tally.add_fault(reason, f"{table}:{rows.line_num}")
                continue
            yield _make_utterance(
                source, video_id, numbers[video_id], (begin_s, end_s), text
            )
            numbers[video_id] += 1


def read_video(source: Path, video_id: str, tally: Tally) -> Iterator[Utterance]:
    """Yield the captions of a video; count a video without subtitles."""
    captions = source / "subtitles" / f"{video_id}.ar.vtt"
    if not captions.is_file():
        tally.num_read += 1
        tally.add_fault("video without subtitles", f"{captions}")
        return
    last_s = 0.0
    for number, caption in enumerate(read_captions(captions)):
        tally.num_read += 1
        begin_s = max(caption.begin_s, last_s)  # rolling captions overlap
        if caption.end_s <= begin_s:
            reason = "caption within the one before"
            tally.add_fault(reason, f"{captions}: at {caption.begin_s:.3f} s")
            continue
        last_s = caption.end_s
        span = (begin_s, caption.end_s)
        yield _make_utterance(source, video_id, number, span, caption.text)


def _make_utterance(
    source: Path, video_id: str, number: int, span: tuple[float, float], text: str
) -> Utterance:
    return Utterance(
        name=f"{video_id}-{number:05d}",
        spk_id=video_id,
        audio=str(source / "audios" / f"{video_id}.wav"),
        text=clean_text(text),
        lang="ar",
        rec_id=video_id,
        begin_s=span[0],
        end_s=span[1],
    )
