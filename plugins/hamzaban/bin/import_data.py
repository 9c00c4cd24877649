"""Make train, valid and test sets from your own table, folder or Parquet files."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import finite_float, str2bool

GROUP = "data"

SOURCES = (
    "SOURCE is a .csv, .tsv or .jsonl table; a folder with metadata.csv or "
    "metadata.jsonl, perhaps in train/, validation/, test/; a folder of Parquet or "
    "Arrow files with audio in them (needs pyarrow); a Kaldi data directory, or "
    "a folder with such as train, valid, test; a "
    "folder of audio files with a .txt beside each. Where names of Parquet or "
    "Arrow files tell a split (train-*, test-*), those of Common Voice's "
    "validated, invalidated and other are left out; a name that tells none is an "
    "error, unless --ignore_split is true. Training utterances whose sentence "
    "also occurs in valid or test are removed, unless --keep_shared is true. The "
    "utterance id is the utt_id column if there is one, else speaker and path (for "
    "absolute paths, relative to their common folder)."
)
MEANINGS = (
    *("audio", "text", "speaker", "split", "utt_id", "lang"),
    *("start", "end", "duration"),
)
UNPACK = "for audio out of Parquet and Arrow files, in a folder for each SOURCE"

DROP = "most of a set that may lack audio or transcript, or end beyond its recording"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban import-data`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=SOURCES,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("source", type=Path, metavar="SOURCE", help="see below")
    add(
        "--output",
        type=Path,
        default="data",
        help="folder to write: train, valid, test",
    )
    add("--lang", default="", help="language, for utt2lang; empty: the column of lang")
    add("--suffix", default="", help="added to the names of the sets, such as _sw")
    add("--audio_dir", type=Path, help="folder that paths in the table start from")
    add("--unpack_dir", type=Path, default="downloads/unpacked", help=UNPACK)
    for what in MEANINGS:
        add(f"--{what}_column", default="", metavar="NAME", help=f"column of {what}")
    add("--columns", default="", help="all names, a,b,c, if the first line is data")
    add("--delimiter", default="", help="between fields; empty: detected")
    add(
        "--speaker_folders",
        type=str2bool,
        default=False,
        help="each folder is a speaker",
    )
    add("--ignore_split", type=str2bool, default=False, help="draw a new split")
    add("--keep_shared", type=str2bool, default=False, help="see below")
    for name in ("valid", "test"):
        text = f"share of {name} in a new split"
        add(f"--{name}_share", type=finite_float, default=0.1, help=text)
    add("--seed", type=int, default=0, help="random seed of the split")
    add("--max_drop", type=finite_float, default=0.05, help=DROP)
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Import the corpus; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.ingest.columns import TableOptions
    from hamzaban.ingest.corpus_inputs import note_corpus
    from hamzaban.ingest.importing import ImportOptions, import_corpus

    given = {what: getattr(args, f"{what}_column") for what in MEANINGS}
    columns = [name.strip() for name in args.columns.split(",") if name.strip()]
    delimiter = args.delimiter.replace("\\t", "\t")
    options = ImportOptions(
        table=TableOptions(given, columns, delimiter),
        audio_dir=args.audio_dir,
        unpack_dir=args.unpack_dir,
        speaker_folders=args.speaker_folders,
        ignore_split=args.ignore_split,
        shares=(args.valid_share, args.test_share),
        keep_shared=args.keep_shared,
        seed=args.seed,
        lang=args.lang,
        suffix=args.suffix,
        max_drop=args.max_drop,
    )
    note_corpus(args.source)
    import_corpus(args.source, args.output, options)
    return 0
