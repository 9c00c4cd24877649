"""Arabic Speech Corpus (N. Halabi): one speaker, studio, vowelled, 1,813 utterances.

The published test set of 100 utterances is kept; valid is drawn from the others.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from hamzaban.cli import str2bool
from hamzaban.ingest.sets import check_count, read_all, split_by_sentence, write_sets
from hamzaban.ingest.transcripts import from_buckwalter, read_pairs
from hamzaban.ingest.utterances import Utterance, clean_text

NAME = "orthographic-transcript.txt"
SPEAKER = "halabi-ar"
COUNTS = {"train": 1813, "test": 100}
VALID_SHARE = 0.05
_PAUSE = re.compile(r"(?:^|\s)-(?=\s|$)")


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
    places = {"train": args.source, "test": args.source / "test set"}
    found = {name: list(read_utterances(place)) for name, place in places.items()}
    if args.check_counts:
        for name, expected in COUNTS.items():
            check_count(places[name] / NAME, len(found[name]), expected, "utterances")
    tests = {utt.text for utt in found["test"]}
    rest = [utt for utt in found["train"] if utt.text not in tests]
    parts = split_by_sentence(rest, (VALID_SHARE, VALID_SHARE), args.seed)
    train = parts["train"] + parts["test"]  # the corpus has its own test set
    sets = {"train": train, "valid": parts["valid"], "test": found["test"]}
    readers = {name: read_all(utterances) for name, utterances in sets.items()}
    write_sets(args.output, readers, args.source, args.max_drop)


def read_utterances(folder: Path) -> Iterator[Utterance]:
    """Read the transcripts of a folder, which are in Buckwalter's transliteration.

    The corpus writes theh as `^` and a pause as a dash between spaces.
    """
    for name, text in read_pairs(folder / NAME):
        arabic = from_buckwalter(_PAUSE.sub(" ", text).replace("^", "v"))
        audio = str(folder / "wav" / name)
        yield Utterance(Path(name).stem, SPEAKER, audio, clean_text(arabic), "ar")
