"""Check data directories; report every fault with file, line, id and remedy."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import add_nj, finite_float, str2bool

GROUP = "data"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban validate-data`."""
    parser = argparse.ArgumentParser(
        description=f"{__doc__} The exit status is 1 if there is an error. "
        "Without --allow_pipes true, commands in wav.scp (`cmd |`) are counted, "
        "not run."
    )
    parser.add_argument(
        "data_dirs", nargs="+", type=Path, metavar="DIR", help="data directories"
    )
    parser.add_argument("--no_text", action="store_true", help="allow a missing text")
    parser.add_argument(
        "--no_wav", action="store_true", help="allow a missing wav.scp; open no audio"
    )
    parser.add_argument(
        "--audio",
        choices=("none", "header", "full"),
        default="header",
        help="none: open no audio; header: open each file; full: decode it, which "
        "finds truncation, NaN and silence reliably (default: header)",
    )
    parser.add_argument("--fs", type=int, help="required sample rate, Hz")
    add_nj(parser)
    _add_limits(parser)
    return parser


def _add_limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow_pipes", type=str2bool, default=False, help="run commands in wav.scp"
    )
    parser.add_argument("--run_pipes", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(
        "--text_rules",
        choices=("strict", "kaldi"),
        default="strict",
        help="kaldi: only warn about empty text, non-NFC text and control characters "
        "(default: strict)",
    )
    parser.add_argument(
        "--max_shown",
        type=int,
        help="lines shown of each kind of fault (default: 20, and 5 of recordings)",
    )
    parser.add_argument(
        "--max_drop",
        type=finite_float,
        default=0.0,
        help="highest share of recordings that are missing, truncated, unreadable or "
        "silent; up to this share they are warnings, since format-audio drops them "
        "(default: 0)",
    )


def main(cmd: Sequence[str] | None = None) -> int:
    """Check the directories and print what is found; return the exit status."""
    args = vars(get_parser().parse_args(cmd))
    from hamzaban.launch.notes import note_recordings
    from hamzaban.validate.balance import measure_balance
    from hamzaban.validate.directory import CheckOptions, validate_data_dir

    if args["nj"] < 1:
        raise ValueError(f"--nj is {args['nj']}, expected 1 or more; choose another")
    if args.pop("run_pipes"):
        logging.warning("--run_pipes is now --allow_pipes true")
        args["allow_pipes"] = True
    data_dirs = args.pop("data_dirs")
    kaldi_text = args.pop("text_rules") == "kaldi"
    options = CheckOptions(kaldi_text=kaldi_text, **args)
    status = 0
    for data_dir in data_dirs:
        if options.audio != "none" and not options.no_wav:
            note_recordings(data_dir / "wav.scp")
        findings, summary = validate_data_dir(data_dir, options)
        for line in findings.lines():
            print(line)
        totals = f": {findings.totals()}" if findings.counts else ""
        verdict = "INVALID" if findings.num_errors else "valid"
        print(f"{data_dir}: {verdict}{totals}; {summary.line()}")
        status |= bool(findings.num_errors)
        balance = None if findings.num_errors else measure_balance(data_dir)
        if balance is not None:
            logging.info("%s: %s", data_dir, balance.line())
            for line in balance.warnings():
                logging.warning("%s: %s", data_dir, line)
    return int(status)
