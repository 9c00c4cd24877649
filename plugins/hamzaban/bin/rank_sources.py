"""Rank source models by their zero-shot labels of an untranscribed language."""

import argparse
from collections.abc import Sequence
from pathlib import Path

GROUP = "pseudo"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of this verb."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Each source needs a round 0 of pseudo-label (pseudo.sh --rounds 0) on "
        "the same audio. Healthy rounds come first, then those with the lower "
        "disagreement between decoding with and without words. WER and the distances "
        "of letters and of language families are shown, but do not affect the order.",
    )
    add = parser.add_argument
    add(
        "pseudo_exp",
        nargs="+",
        metavar="[LANG=]DIR",
        help="folder with a round_0, and its language",
    )
    add(
        "--lang",
        default="",
        help="ISO 639 code of the target, for the distance of language families",
    )
    add("--text", type=Path, nargs="+", required=True, help="sentences of the target")
    add(
        "--config",
        type=Path,
        required=True,
        help="YAML of pseudo-label; its mapping and guard are used",
    )
    add("--output", type=Path, required=True, help="file to write: the table (.tsv)")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write and print the table; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.decode.spelling import read_spelling
    from hamzaban.pseudo.health import read_text_facts
    from hamzaban.pseudo.round_options import read_options
    from hamzaban.pseudo.sources import (
        Target,
        rank_sources,
        split_name,
        write_sources,
    )

    options = read_options(args.config)
    facts = read_text_facts(args.text)
    target = Target(facts, *read_spelling(options.mapping, [*facts.counts]), args.lang)
    sources = [split_name(word) for word in args.pseudo_exp]
    ranked = rank_sources(sources, target, options.guard)
    print(write_sources(ranked, args.output), end="")
    return 0
