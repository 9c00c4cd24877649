"""Check data directories; name file, line, id and remedy of every fault."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import add_nj, str2bool

GROUP = "data"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban validate-data`."""
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Exit status 1 if there is anything but warnings. "
        "Commands in wav.scp (`cmd |`) are counted, not run, without "
        "--allow_pipes true."
    )
    parser.add_argument("data_dirs", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--no_text", action="store_true", help="text may be absent")
    parser.add_argument(
        "--no_wav",
        action="store_true",
        help="wav.scp may be absent; no audio is opened",
    )
    parser.add_argument(
        "--audio",
        choices=("none", "header", "full"),
        default="header",
        help="header: open each file; full: decode it, to see truncation, NaN and "
        "silence reliably (default: header)",
    )
    parser.add_argument("--fs", type=int, help="sample rate to expect, Hz")
    add_nj(parser)
    parser.add_argument(
        "--allow_pipes", type=str2bool, default=False, help="run commands in wav.scp"
    )
    parser.add_argument("--run_pipes", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(
        "--text_rules",
        choices=("strict", "kaldi"),
        default="strict",
        help="kaldi: empty, non-NFC text and control characters are only warnings "
        "(default: strict)",
    )
    parser.add_argument(
        "--max_shown", type=int, default=20, help="lines of each kind (default: 20)"
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Check and print the findings; return the exit status."""
    args = vars(get_parser().parse_args(cmd))
    from hamzaban.launch.notes import note_recordings
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
    return int(status)
