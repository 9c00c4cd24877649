"""Analyse the errors of a scored test set: words, speakers, noise, languages."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hamzaban.cli import add_nj, str2bool
from hamzaban.score.kinds import KINDS
from hamzaban.verb_help import OptionHelp

GROUP = "score"


def get_parser(by: str = "errors") -> argparse.ArgumentParser:
    """Return the parser of `hamzaban analyse --by errors`, or by another of BY."""
    add_options, _, description = BY[by]
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=OptionHelp,
        epilog="Each value of --by has options of its own: add --help to see them.",
    )
    parser.add_argument(
        "--by",
        choices=tuple(BY),
        default="errors",
        help="errors: classes of words, speakers, confusions; conditions: the noise of "
        "make-conditions; routing: the languages of a multilingual model",
    )
    add_options(parser)
    return parser


def add_error_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `--by errors`."""
    add = parser.add_argument
    add("scored", type=Path, help="a decoded set or its score_wer, made by `score`")
    add(
        "--word_lists",
        nargs="*",
        default=[],
        metavar="NAME=FILE",
        help="files of words or phrases, one per line, spelled as in the scored "
        "text; a list called `numbers` is counted together with the words with digits",
    )
    add(
        "--word_tags",
        type=Path,
        help="file with an utt_id and a tag for each word; - stands for no tag",
    )
    add(
        "--utt_tags",
        nargs="*",
        default=[],
        metavar="NAME=FILE",
        help="Kaldi files that group utterances, such as dialect=utt2dialect",
    )
    add("--script", help="the script of the language, such as ARABIC; default: that of "
        "most letters")  # fmt: skip
    add("--data_dir", type=Path, help="data directory, to analyse durations and levels")
    add("--top", type=int, default=20, help="how many confusions to list")
    add("--replicates", type=int, default=2000, help="bootstrap replicates")
    add("--seed", type=int, default=0, help="random seed of the bootstrap")
    add(
        "--case_sensitive",
        type=str2bool,
        default=False,
        help="distinguish a-z from A-Z",
    )
    add_nj(parser, "threads that read audio")
    add("--output", type=Path, help="file to write: all numbers as JSON")


def add_condition_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `--by conditions`."""
    add = parser.add_argument
    add("decoded", type=Path, help="folder of decoded sets, such as exp/asr_x/decode")
    add("--config", type=Path, required=True, help="YAML of make-conditions")
    add("--kind", choices=list(KINDS), default="wer", help="error rate to show")
    add("--replicates", type=int, default=10000, help="bootstrap replicates")
    add("--seed", type=int, default=0, help="random seed of the bootstrap")
    add("--output", type=Path, help="file to write: the table, as CONDITIONS.md")


def add_routing_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `--by routing`."""
    add = parser.add_argument
    add(
        "--data_dir",
        type=Path,
        nargs="+",
        required=True,
        help="data directories of the sets, such as dump/raw/test",
    )
    add(
        "--oracle",
        type=Path,
        required=True,
        help="folder decoded with `language: utt2lang`",
    )
    add(
        "--predicted",
        type=Path,
        required=True,
        help="folder decoded with `language: predicted`",
    )
    add("--kind", choices=list(KINDS), default="wer", help="error rate to show")
    add("--output", type=Path, help="file to write: the table, in Markdown")


def main(cmd: Sequence[str] | None = None) -> int:
    """Print the tables; return the exit status."""
    chooser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    chooser.add_argument("--by", choices=tuple(BY), default="errors")
    by = chooser.parse_known_args(cmd)[0].by
    BY[by][1](get_parser(by).parse_args(cmd))
    return 0


def show_errors(args: argparse.Namespace) -> None:
    """Print classes of words, speakers and confusions of one scored set."""
    word_lists = parse_files("--word_lists", args.word_lists)
    utt_tags = parse_files("--utt_tags", args.utt_tags)
    from hamzaban.score.analysis import Details, analyse, format_analysis
    from hamzaban.score.bootstrap import Plan
    from hamzaban.score.systems import list_sets, read_folder

    sets = list_sets(args.scored, "wer")
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


def show_conditions(args: argparse.Namespace) -> None:
    """Print the error rates of a test set under each noise condition."""
    from hamzaban.audio.conditions import read_conditions
    from hamzaban.score.bootstrap import Plan
    from hamzaban.score.conditions import compare_conditions, format_conditions

    conditions = read_conditions(args.config)
    plan = Plan(args.replicates, args.seed)
    normalizer, rows = compare_conditions(args.decoded, conditions, args.kind, plan)
    lines = format_conditions(args.kind, normalizer, rows)
    write_table(list(lines), args.output)


def show_routing(args: argparse.Namespace) -> None:
    """Print the cost of automatic language identification for each language."""
    from hamzaban.score.language_routing import format_costs, read_decoded

    decoded = []
    for data_dir in args.data_dir:
        name = data_dir.name
        folders = args.oracle / name, args.predicted / name
        decoded += read_decoded(data_dir, *folders, args.kind)
    write_table(list(format_costs(decoded, args.kind)), args.output)


# A value of --by -> the function that adds its options, the one that prints its tables,
# and a description.
BY: dict[
    str,
    tuple[
        Callable[[argparse.ArgumentParser], None],
        Callable[[argparse.Namespace], None],
        str,
    ],
] = {
    "errors": (
        add_error_options,
        show_errors,
        "Show the errors of a scored set by classes of words, speakers and confusions.",
    ),
    "conditions": (
        add_condition_options,
        show_conditions,
        "Show the error rates of a test set under the conditions of make-conditions.",
    ),
    "routing": (
        add_routing_options,
        show_routing,
        "Measure what automatic language identification costs a model of several "
        "languages. Both decodings must be scored. An utterance is misrouted if it is "
        "decoded by the head of a language other than that in utt2lang.",
    ),
}


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


def write_table(lines: Sequence[str], output: Path | None) -> None:
    """Print the lines of a table, and write them to a file if one is named."""
    from hamzaban.fileio import atomic_text

    text = "".join(f"{line}\n" for line in lines)
    sys.stdout.write(text)
    if output is not None:
        with atomic_text(output) as stream:
            stream.write(text)


def write_json(path: Path, analysis: object) -> None:
    """Write all numbers of an analysis."""
    import json
    from dataclasses import asdict

    from hamzaban.fileio import atomic_text

    with atomic_text(path) as stream:
        json.dump(asdict(analysis), stream, ensure_ascii=False, indent=1)  # type: ignore[call-overload]
        stream.write("\n")
