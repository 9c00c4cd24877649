"""Test whether one system is better than another on the same test set."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hamzaban.cli import str2bool
from hamzaban.score.kinds import KINDS
from hamzaban.verb_help import OptionHelp

GROUP = "score"


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban compare-systems`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionHelp)
    add = parser.add_argument
    add(
        "system",
        nargs="+",
        help="[NAME=]PATH[,PATH ...]: a scored experiment, a decoded set, a folder "
        "score_wer, or a file of hypotheses; several paths for runs of several seeds",
    )
    add("--kind", choices=list(KINDS), default="wer", help="error rate to compare")
    add("--ref", type=Path, help="references, if the systems are files of hypotheses")
    add("--utt2spk", type=Path, help="speakers, for such files")
    add(
        "--unit",
        choices=("auto", "speaker", "utterance"),
        default="auto",
        help="unit that the bootstrap draws; auto: speakers if there are 20 or more",
    )
    add(
        "--replicates", type=int, default=10000, help="number of draws of the bootstrap"
    )
    add("--seed", type=int, default=0, help="seed of the bootstrap")
    add(
        "--case_sensitive",
        type=str2bool,
        default=False,
        help="distinguish a-z from A-Z",
    )
    add(
        "--scorer",
        choices=("auto", "sclite", "own"),
        default="auto",
        help="sclite: check MAPSSWE with NIST sc_stats; own: do not; auto: check it "
        "where sc_stats is installed",
    )
    add("--output", type=Path, help="JSON file to write all numbers to")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Print a comparison for each test set; return the exit status."""
    args = get_parser().parse_args(cmd)
    if len(args.system) < 2:
        raise ValueError("one system is given; expected two or more to compare")
    if args.replicates < 100:
        raise ValueError(f"--replicates {args.replicates}: expected 100 or more")
    from hamzaban.score.bootstrap import Plan
    from hamzaban.score.compare import compare_systems
    from hamzaban.score.compare_text import describe_method, format_comparison
    from hamzaban.score.programs import choose_program
    from hamzaban.score.systems import Source, read_systems

    source = Source(args.kind, args.ref, args.utt2spk, args.case_sensitive)
    plan = Plan(args.replicates, args.seed)
    command = choose_program("sc_stats", args.scorer)
    found = {}
    for name, systems in read_systems(args.system, source).items():
        comparison = compare_systems(systems, plan, args.unit, command)
        found[name] = comparison
        method = f"normalizer {systems[0].normalizer}; {describe_method(comparison)}"
        sys.stdout.write(f"{name}: {method}\n" if name else f"{method}\n")
        for line in format_comparison(comparison, args.kind):
            sys.stdout.write(f"{line}\n")
    if args.output is not None:
        write_json(args.output, found)
    return 0


def write_json(path: Path, found: dict[str, Any]) -> None:
    """Write the comparison of each test set as JSON."""
    import json
    from dataclasses import asdict

    from hamzaban.fileio import atomic_text

    table = {name: asdict(comparison) for name, comparison in found.items()}
    with atomic_text(path) as stream:
        json.dump(table, stream, ensure_ascii=False, indent=1)
        stream.write("\n")
