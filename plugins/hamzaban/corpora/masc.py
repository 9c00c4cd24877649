"""MASC, Massive Arabic Speech Corpus: 1,000 h of subtitled video, clean and noisy.

Subtitles give the segments; a video stands for its speaker.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from hamzaban.ingest.sets import Reader, write_sets
from hamzaban.ingest.tables import find_column, read_rows
from hamzaban.ingest.transcripts import read_captions
from hamzaban.ingest.utterances import Tally, Utterance, clean_text

KINDS = ("clean", "noisy")
TABLES = {"valid": "{}_dev_meta.csv", "test": "{}_test_meta.csv"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this corpus."""
    parser.add_argument(
        "--train_kinds",
        nargs="+",
        default=["clean"],
        choices=KINDS,
        help="train of which kinds; there is a valid and a test set of each",
    )


def prepare(args: argparse.Namespace) -> None:
    """Write train, and valid and test of each kind: valid_clean, test_noisy ...

    Raises:
        FileNotFoundError: A table is missing.
        ValueError: Too many videos have no audio or subtitles.
    """
    readers: dict[str, Reader] = {}
    train = [args.source / "subsets" / f"{kind}_train.csv" for kind in args.train_kinds]
    readers["train"] = make_reader(args.source, train)
    for kind in KINDS:
        for name, form in TABLES.items():
            table = args.source / "subsets" / form.format(kind)
            readers[f"{name}_{kind}"] = make_reader(args.source, [table])
    write_sets(args.output, readers, args.source, args.max_drop)


def make_reader(source: Path, tables: list[Path]) -> Reader:
    """Return what reads the captions of the videos of some tables."""

    def read(tally: Tally) -> Iterator[Utterance]:
        for table in tables:
            for _, row in read_rows(table):
                find_column(table, list(row), ("video_id",))
                yield from read_video(source, row["video_id"], tally)

    return read


def read_video(source: Path, video_id: str, tally: Tally) -> Iterator[Utterance]:
    """Yield the captions of a video; one without subtitles is counted."""
    captions = source / "subtitles" / f"{video_id}.ar.vtt"
    audio = str(source / "audios" / f"{video_id}.wav")
    if not captions.is_file():
        tally.num_read += 1
        tally.faults["video without subtitles"] += 1
        return
    last_s = 0.0
    for number, caption in enumerate(read_captions(captions)):
        tally.num_read += 1
        begin_s = max(caption.begin_s, last_s)  # rolling captions overlap
        if caption.end_s <= begin_s:
            tally.faults["caption within the one before"] += 1
            continue
        last_s = caption.end_s
        yield Utterance(
            name=f"{video_id}-{number:05d}",
            spk_id=video_id,
            audio=audio,
            text=clean_text(caption.text),
            lang="ar",
            rec_id=video_id,
            begin_s=begin_s,
            end_s=caption.end_s,
        )
