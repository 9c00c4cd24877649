"""Persian Speech Corpus (N. Halabi): one speaker, studio, 399 utterances, 2.5 h.

It is not split: a tenth of its sentences is drawn for valid and another for test.
"""

import argparse
from pathlib import Path

from hamzaban.cli import str2bool
from hamzaban.ingest.sets import check_count, read_all, split_by_sentence, write_sets
from hamzaban.ingest.transcripts import read_pairs
from hamzaban.ingest.utterances import Utterance, clean_text

NAME = "orthographic-transcript.txt"
SPEAKER = "halabi-fa"
COUNT = 399
SHARES = (0.1, 0.1)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this corpus."""
    parser.add_argument(
        "--check_counts", type=str2bool, default=True, help="check the published counts"
    )


def prepare(args: argparse.Namespace) -> None:
    """Write train, valid and test.

    Raises:
        FileNotFoundError: There are no transcripts.
        ValueError: A line has another form, or lines are missing.
    """
    table = args.source / NAME
    utterances = [
        Utterance(
            name=Path(name).stem,
            spk_id=SPEAKER,
            audio=str(args.source / "wav" / name),
            text=clean_text(text),
            lang="fa",
        )
        for name, text in read_pairs(table)
    ]
    if args.check_counts:
        check_count(table, len(utterances), COUNT, "utterances")
    sets = split_by_sentence(utterances, SHARES, args.seed)
    readers = {name: read_all(chosen) for name, chosen in sets.items()}
    write_sets(args.output, readers, args.source, args.max_drop)
