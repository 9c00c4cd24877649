"""Make train, valid and test sets from your own table, folder or Parquet files."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import finite_float, str2bool
from hamzaban.verb_help import OptionHelp

GROUP = "data"

SOURCES = (
    "SOURCE is one of: a .csv, .tsv or .jsonl table; a folder with metadata.csv or "
    "metadata.jsonl, in it or in its folders train, validation and test; a folder with "
    "tables called train, valid or dev, and test, which keep this split; a folder of "
    "Parquet or Arrow files that hold audio (needs pyarrow); a Kaldi data directory, "
    "or a folder with data directories called train, valid and test; a folder of audio "
    "files with a transcript (.txt, .lab) or captions (.srt, .vtt) beside each. "
    "If names of Parquet or Arrow files tell the split (train-*, test-*), Common "
    "Voice's validated, invalidated and other are left out, and a name that tells none "
    "is an error unless --ignore_split is true. Training "
    "utterances whose sentence also occurs in valid or test are removed unless "
    "--keep_shared is true. Utterances without a speaker count as speakers of their "
    "own. The utterance id is the utt_id column if there is one, else the speaker and "
    "the path (of absolute paths the part below their common folder)."
)
MEANINGS = (
    *("audio", "text", "speaker", "split", "utt_id", "lang"),
    *("start", "end", "duration"),
)
UNPACK = "folder for the audio in Parquet and Arrow files"

TIME_UNIT = "unit of start, end and duration where the name of a column has none"
MARKS = (
    "marks of sounds in transcripts, such as [laughter]: drop them, keep each as a "
    "word <laughter>, refuse the corpus, or treat them as text"
)
POLICIES = ("drop", "keep", "refuse", "text")

SPEAKERS = (
    "false: if the corpus's own split shares speakers, leave their utterances out of "
    "train where they are also in valid or test, and out of valid where in test"
)
DRY_RUN = (
    "true: only read the table, print which sets would share speakers, write nothing"
)
DROP = "highest share of a set that may lack audio or text, or end after its recording"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban import-data`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=SOURCES,
        formatter_class=OptionHelp,
    )
    add = parser.add_argument
    add("source", type=Path, metavar="SOURCE", help="see below")
    add("--output", type=Path, default="data", help="folder to write the sets in")
    add("--lang", default="", help="language for utt2lang; empty: see lang_column")
    add("--suffix", default="", help="added to the names of the sets, such as _sw")
    add("--audio_dir", type=Path, help="folder that paths in the table start from")
    add("--unpack_dir", type=Path, default="downloads/unpacked", help=UNPACK)
    for what in MEANINGS:
        column = f"column of {what}; empty: found by its name; none: there is none"
        add(f"--{what}_column", default="", metavar="NAME", help=column)
    add("--columns", default="", help="all names, a,b,c, if the first line is data")
    add("--time_unit", choices=("s", "ms"), default="s", help=TIME_UNIT)
    add("--marks", choices=POLICIES, default="drop", help=MARKS)
    add("--delimiter", default="", help="character between fields; empty: detect it")
    folders = "true: each folder is a speaker"
    add("--speaker_folders", type=str2bool, default=False, help=folders)
    add("--ignore_split", type=str2bool, default=False, help="true: draw a new split")
    add("--keep_shared", type=str2bool, default=False, help="see below")
    add("--keep_speakers", type=str2bool, default=True, help=SPEAKERS)
    for name in ("valid", "test"):
        text = f"share of {name} in a new split"
        add(f"--{name}_share", type=finite_float, default=0.1, help=text)
    add("--dry_run", type=str2bool, default=False, help=DRY_RUN)
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
        table=TableOptions(given, columns, delimiter, args.time_unit),
        audio_dir=args.audio_dir,
        unpack_dir=args.unpack_dir,
        speaker_folders=args.speaker_folders,
        ignore_split=args.ignore_split,
        shares=(args.valid_share, args.test_share),
        keep_shared=args.keep_shared,
        keep_speakers=args.keep_speakers,
        seed=args.seed,
        lang=args.lang,
        suffix=args.suffix,
        max_drop=args.max_drop,
        marks=args.marks,
    )
    if args.dry_run:
        from hamzaban.ingest.survey import survey_corpus

        for sentence in survey_corpus(args.source, options):
            print(sentence)
        return 0
    note_corpus(args.source)
    import_corpus(args.source, args.output, options)
    return 0
