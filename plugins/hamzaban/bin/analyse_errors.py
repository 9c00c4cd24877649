"""Analyse the errors of a scored set: classes of words, speakers, confusions."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import str2bool


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban analyse-errors`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("scored", type=Path, help="a decoded set or its score_wer, made by score-text")
    add(
        "--word_lists",
        nargs="*",
        default=[],
        metavar="NAME=FILE",
        help="classes of words, a word or phrase a line, spelled as in the scored "
        "text; `numbers` adds to the words with digits",
    )
    add("--word_tags", type=Path, help="utt_id and a tag for each word; - is none")
    add(
        "--utt_tags",
        nargs="*",
        default=[],
        metavar="NAME=FILE",
        help="Kaldi files that group utterances, such as dialect=utt2dialect",
    )
    add("--script", help="the own script, such as ARABIC; default: of most letters")
    add("--data_dir", type=Path, help="data directory, for durations and levels")
    add("--top", type=int, default=20, help="how many confusions to list")
    add("--replicates", type=int, default=2000, help="draws of the bootstrap")
    add("--seed", type=int, default=0, help="of the bootstrap")
    add("--case_sensitive", type=str2bool, default=False, help="as `sclite -s`")
    add("--nj", type=int, default=1, help="threads that read audio")
    add("--output", type=Path, help="JSON file for all numbers")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Print the tables; return the exit status."""
    args = get_parser().parse_args(cmd)
    word_lists = parse_files("--word_lists", args.word_lists)
    utt_tags = parse_files("--utt_tags", args.utt_tags)
    from hamzaban.score.analysis import Details, analyse, format_analysis
    from hamzaban.score.bootstrap import Plan
    from hamzaban.score.systems import find_sets, read_folder

    sets = find_sets(args.scored, "wer")
    if list(sets) != [""] or sets[""].is_file():
        raise ValueError(
            f"{args.scored}: expected one scored set, found "
            f"{', '.join(sets) if list(sets) != [''] else 'a file'}; give its folder"
        )
    scored = read_folder(sets[""], args.case_sensitive)
    details = Details(
        word_lists,
        args.word_tags,
        utt_tags,
        args.script.upper() if args.script else None,
        args.data_dir,
        args.top,
        args.nj,
    )
    analysis = analyse(scored, details, Plan(args.replicates, args.seed))
    for line in format_analysis(analysis):
        sys.stdout.write(f"{line}\n")
    if args.output is not None:
        write_json(args.output, analysis)
    return 0


def parse_files(option: str, words: Sequence[str]) -> dict[str, Path]:
    """Read words of the form NAME=FILE.

    Raises:
        ValueError: A word of another form, or a name given twice.
        FileNotFoundError: There is no such file.
    """
    files: dict[str, Path] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not name or not equals or name in files:
            raise ValueError(f"{option} '{word}': expected NAME=FILE, each name once")
        if not Path(path).is_file():
            raise FileNotFoundError(f"{option} {word}: no such file {path}")
        files[name] = Path(path)
    return files


def write_json(path: Path, analysis: object) -> None:
    """Write all numbers of an analysis."""
    import json
    from dataclasses import asdict

    from hamzaban.fileio import atomic_text

    with atomic_text(path) as stream:
        json.dump(asdict(analysis), stream, ensure_ascii=False, indent=1)  # type: ignore[call-overload]
        stream.write("\n")


if __name__ == "__main__":
    raise SystemExit(main())
