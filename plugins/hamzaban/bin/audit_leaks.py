"""Find sentences and speakers that training data shares with valid or test."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import add_nj

GROUP = "text"
RECORD = (
    "JSON file to write: counts of the leaks that are allowed, which show-results and "
    "make-report repeat"
)


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban audit-leaks`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Sentences are compared without spaces, punctuation, vowel signs and "
        "case; a near duplicate differs in at most one of ten characters. Leaks end "
        "the command with status 1 unless --allow_... states why they are acceptable.",
    )
    for option, what in (
        ("--train_text", "Kaldi text of training sets"),
        ("--valid_text", "Kaldi text of validation sets"),
        ("--test_text", "Kaldi text of test sets"),
        ("--lm_text", "plain sentences for language models, may be .gz"),
    ):
        parser.add_argument(
            option, nargs="+", type=Path, default=[], metavar="FILE", help=what
        )
    parser.add_argument("--lang", help="normalize as training text of this language")
    add_nj(parser)
    parser.add_argument("--record", type=Path, metavar="FILE", help=RECORD)
    parser.add_argument("--output", type=Path, help="file to write: all leaks, .tsv")
    parser.add_argument(
        "--config",
        type=Path,
        help="YAML with a line `allow_leaks: {exact: REASON, speakers: REASON}`; stage "
        "1 of a recipe takes conf/leaks.yaml",
    )
    for kind, what in (
        ("exact", "equal sentences"),
        ("near", "near duplicates"),
        ("speakers", "speakers in several sets"),
    ):
        parser.add_argument(
            f"--allow_{kind}", metavar="REASON", help=f"why {what} are acceptable here"
        )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Audit the sets; return the exit status."""
    parser = get_parser()
    args = parser.parse_args(cmd)
    from hamzaban.lm.audit import (
        KINDS,
        WHERE,
        Texts,
        check_leaks,
        list_leaks,
        write_leaks,
    )
    from hamzaban.lm.leak_record import summarize_leaks, write_shared
    from hamzaban.lm.ngram_options import read_allowed

    allowed = read_allowed(args.config) if args.config else {}
    places = dict.fromkeys(allowed, str(args.config))
    for kind in KINDS:
        reason = getattr(args, f"allow_{kind}")
        if reason is not None:
            allowed[kind], places[kind] = reason, f"--allow_{kind}"
    texts = Texts(
        *(tuple(getattr(args, f"{k}_text")) for k in ("train", "valid", "test", "lm"))
    )
    if not (texts.valid or texts.test) or not (texts.train or texts.lm):
        parser.error("give --valid_text or --test_text, and --train_text or --lm_text")
    leaks = list_leaks(texts, args.lang, args.nj)
    if args.output is not None:
        write_leaks(leaks, args.output)
    where = WHERE if args.config is None else str(args.config)
    check_leaks(leaks, allowed, where)
    if args.record is not None:
        reasons = {kind: (allowed[kind], places[kind]) for kind in allowed}
        write_shared(summarize_leaks(leaks, texts, reasons), args.record)
    return 0
