"""Rank source models for a language without transcripts by their zero-shot labels."""

import argparse
from collections.abc import Sequence
from pathlib import Path


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Each source needs a round 0 of pseudo-label (pseudo.sh --rounds 0) on "
        "the same audio. Ranked: healthy rounds first, then the lower disagreement "
        "between decoding with and without words; WER is shown, never used.",
    )
    add = parser.add_argument
    add("pseudo_exp", type=Path, nargs="+", help="folders that hold a round_0")
    add("--text", type=Path, nargs="+", required=True, help="the target's sentences")
    add("--config", type=Path, required=True, help="of pseudo-label: mapping, guard")
    add("--output", type=Path, required=True, help="the table, .tsv")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write and print the table; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.pseudo.health import read_text_facts
    from hamzaban.pseudo.options import read_options
    from hamzaban.pseudo.sources import rank_sources, write_sources
    from hamzaban.pseudo.spelling import find_mapping, read_mapping

    options = read_options(args.config)
    mapping = read_mapping(find_mapping(options.mapping))
    facts = read_text_facts(args.text)
    ranked = rank_sources(args.pseudo_exp, facts, mapping, options.guard)
    print(write_sources(ranked, args.output), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
