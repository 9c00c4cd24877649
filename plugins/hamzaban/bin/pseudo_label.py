"""Label audio of a language without transcripts: one round, filtered and judged.

Reads `round_<k>/emissions` (make-emissions), writes what is kept as data directories
for the next training, health figures, and status.json, which says whether to go on and
which round is best. Values stand in conf/pseudo.yaml; local/pseudo.sh runs all rounds.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.bin.format_audio import count


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Killed, it is run again and goes on where it was.",
    )
    add = parser.add_argument
    add("--pseudo_exp", type=Path, required=True, help="holds round_0, round_1, ...")
    add("--round", type=int, required=True, help="0: labels of the source model")
    add("--asr_exp", type=Path, required=True, help="of the round's model")
    add("--bpemodel", type=Path, help="stands in for the path in its config.yaml")
    add("--data_dir", type=Path, required=True, help="of the emissions' audio")
    add("--lm_dir", type=Path, required=True, help="of the target; made by train-lm")
    add("--text", type=Path, nargs="+", required=True, help="the target's sentences")
    add("--config", type=Path, required=True, help="conf/pseudo.yaml, or based on it")
    add("--ref", type=Path, help="true text of some of it, Kaldi; reported, not used")
    add("--nj", type=count, default=1, help="number of processes (default: 1)")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Run one round and print the guard's word; return the exit status."""
    args = get_parser().parse_args(cmd)
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


if __name__ == "__main__":
    raise SystemExit(main())
