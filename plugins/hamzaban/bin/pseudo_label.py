"""Label untranscribed audio: run one round, filter its labels and judge it.

It reads `round_<k>/emissions` of make-emissions. It writes data directories of the kept
utterances for the next training, metrics of the labels, and status.json with the
verdict: whether to go on, and which round is best. The options are explained in
conf/pseudo.yaml; local/pseudo.sh runs all rounds.
With --summarize it labels nothing and rebuilds the tables of the rounds up to --last.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import add_nj

GROUP = "pseudo"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of this verb."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="A run that was killed continues where it stopped when started again.",
    )
    add = parser.add_argument
    add("--round", type=int, required=True, help="0: labels of the source model")
    for option, text in (
        ("--pseudo_exp", "folder of round_0, round_1, ..."),
        ("--asr_exp", "experiment of the model of this round"),
        ("--data_dir", "data directory of the audio"),
        ("--lm_dir", "language model of the target, from train-lm"),
        ("--config", "conf/pseudo.yaml, or a YAML based on it"),
    ):
        add(option, type=Path, required=True, help=text)
    add("--text", type=Path, nargs="+", required=True, help="sentences of the target")
    add("--bpemodel", type=Path, help="replaces the path in config.yaml of --asr_exp")
    add("--ref", type=Path, help="Kaldi text, only to report error rates")
    add_nj(parser)
    add(
        "--summarize",
        action="store_true",
        help="only rebuild status.json, rounds.tsv and rounds.png, for the rounds "
        "up to --last ROUND; takes no other option but --pseudo_exp",
    )
    return parser


def get_summary_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban pseudo-label --summarize`."""
    parser = argparse.ArgumentParser(
        description="Rebuild status.json, rounds.tsv and rounds.png from the rounds up "
        "to --last; later rounds are ignored."
    )
    add = parser.add_argument
    add("--summarize", action="store_true", help="select this mode")
    add(
        "--pseudo_exp", type=Path, required=True, help="folder of round_0, round_1, ..."
    )
    add("--last", type=int, required=True, help="last round to include")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Run one round and print the guard's verdict; return the exit status."""
    words = list(cmd or [])
    if "--summarize" in words:
        return summarize(get_summary_parser().parse_args(words))
    args = get_parser().parse_args(words)
    if args.round < 0:
        raise ValueError(f"--round {args.round} found, expected 0 or more")
    from hamzaban.pseudo.round_options import read_options
    from hamzaban.pseudo.rounds import RoundFiles, run_round

    files = RoundFiles(
        args.pseudo_exp,
        args.asr_exp,
        args.data_dir,
        args.lm_dir,
        tuple(args.text),
        args.bpemodel,
        args.ref,
    )
    verdict = run_round(args.round, files, read_options(args.config), nj=args.nj)
    best = "none" if verdict.best is None else verdict.best
    print(f"{'go_on' if verdict.go_on else 'stop'} {best} {verdict.why}")
    return 0


def summarize(args: argparse.Namespace) -> int:
    """Rebuild the summary of the rounds up to the last one; return the exit status."""
    if args.last < 0:
        raise ValueError(f"--last {args.last} found, expected 0 or more")
    from hamzaban.pseudo.record import write_summary

    write_summary(args.pseudo_exp, args.last)
    return 0
