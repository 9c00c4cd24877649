"""Options of the command line that choose how texts are normalized and counted."""

import argparse
from pathlib import Path
from typing import Any

from hamzaban.cli import str2bool
from hamzaban.score.kinds import KINDS


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose how texts are normalized."""
    add = parser.add_argument
    add("--normalizer", default="raw", help="id of the normalizer of both texts")
    for kind in KINDS.values():
        if kind.is_asked_for:
            words = f"score the {kind.title}"
            add(f"--{kind.name}", type=str2bool, default=False, help=words)
    add(
        "--lang",
        help="normalize both texts by the rules of this language; mul: by those of "
        "each utterance's language, from utt2lang beside --ref, and score each "
        "language separately as well",
    )
    add("--score_profile", default="score", help="score profile of --lang")
    words = "print a table of the scores by every profile of --lang"
    flag: Any = {"type": str2bool, "nargs": "?", "const": True, "default": False}
    add("--all_profiles", **flag, help=words)
    add(
        "--score_options",
        default="",
        help="options of the rules of --lang: name=value,...",
    )
    add(
        "--marks",
        choices=("drop", "keep", "refuse", "text"),
        default="text",
        help="marks of sounds such as [laughter], as for the training text: drop them, "
        "keep each as a word <laughter>, refuse the texts, or treat them as text",
    )
    _add_references(parser)
    add_counting(parser)
    add(
        "--scorer",
        choices=("auto", "sclite", "own"),
        default="auto",
        help="sclite: run NIST's program and compare its scores with our own; own: our "
        "own only; auto: sclite where it is installed",
    )


def _add_references(parser: argparse.ArgumentParser) -> None:
    """Add the options that change what counts as right."""
    add = parser.add_argument
    add(
        "--more_refs",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="further references of the same utterances; for each, the best one counts",
    )
    add(
        "--variants",
        type=Path,
        help="file with accepted spellings, a group of equal ones on each line: a / b",
    )
    add("--glm", type=Path, help="global map file, applied to both by NIST's csrfilt")


def add_counting(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose how words and characters are counted."""
    add = parser.add_argument
    default = "; default: as --score_profile"
    costs = "of errors: sclite (4, 3, 3) or unit (1 each)"
    add("--costs", choices=("sclite", "unit"), help=costs + default)
    names = ("with_spaces", "no_spaces", "no_hyphens", "ascii_words")
    units = "unit of the CER; ascii_words: `sclite -c NOASCII`, no_hyphens: -c DH"
    choices = (*names, "ascii_words_no_hyphens")
    add("--characters", choices=choices, help=units + default)
    add(
        "--case",
        help="which letters match in either case: folded (those of ASCII), a code such "
        "as tr, kmr, kk (those of this language, as `sclite -e utf-8`), or kept (none)"
        + default,
    )
    case = "true: --case kept, as `sclite -s`"
    add("--case_sensitive", type=str2bool, help=case + default)
    optional = (
        "a (word) in brackets may be missing or extra without an error: `sclite -D`"
    )
    add("--optional_words", type=str2bool, default=False, help=optional)
    fragments = "a fragment such as wo- or -rd matches longer words, as `sclite -F`"
    add("--fragments", type=str2bool, default=False, help=fragments)
