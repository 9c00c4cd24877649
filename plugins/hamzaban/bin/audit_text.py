"""Find letters and scripts foreign to a language, and marks such as [laughter]."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import finite_float
from hamzaban.verb_help import OptionHelp

GROUP = "text"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban audit-text`."""
    parser = argparse.ArgumentParser(
        description=f"{__doc__} If too many utterances have such "
        "characters, the exit status is 1 and nothing is written.",
        formatter_class=OptionHelp,
    )
    parser.add_argument(
        "paths", nargs="+", type=Path, help="data directories or Kaldi text files"
    )
    parser.add_argument(
        "--lang", required=True, help="language, such as fa; mul: those in utt2lang"
    )
    parser.add_argument(
        "--profile", default="train", help="rules whose alphabet counts"
    )
    parser.add_argument(
        "--options", default="", help="options of the normalizer, a=b,c=d"
    )
    parser.add_argument("--allow", default="", help="further characters to accept")
    parser.add_argument(
        "--policy",
        choices=("keep", "drop-char", "drop-utterance"),
        default="keep",
        help="what to remove in --output_dir; keep: remove nothing",
    )
    parser.add_argument(
        "--output_dir", type=Path, help="folder to write; may be the one read"
    )
    parser.add_argument(
        "--max_foreign",
        type=finite_float,
        default=0.01,
        help="highest share of utterances with such characters",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Print the audit, and write a cleaned directory; return the exit status."""
    args = get_parser().parse_args(cmd)
    check_options(args)
    return audit_languages(args) if args.lang == "mul" else audit_language(args)


def audit_language(args: argparse.Namespace) -> int:
    """Print an audit, and write a cleaned directory; return the exit status."""
    from hamzaban.text import Normalizer
    from hamzaban.text.audit import (
        audit_texts,
        check_share,
        compile_foreign,
        find_script,
        format_audit,
        make_change,
    )
    from hamzaban.text.cleaner import parse_options
    from hamzaban.text.rewrite import rewrite_dir

    normalizer = Normalizer(args.lang, args.profile, **parse_options(args.options))
    if normalizer.alphabet is None and args.output_dir is None:
        print(f"{normalizer.id} has no alphabet: nothing to compare with")
        return 0
    if normalizer.alphabet is None:
        raise ValueError(
            f"--lang {args.lang}: {normalizer.id} has no alphabet to compare with; "
            "expected a language whose YAML has one"
        )
    foreign = compile_foreign([*normalizer.alphabet, *args.allow])
    script = find_script(normalizer.alphabet)
    audit = audit_texts(args.paths, foreign, script=script)
    for line in format_audit(audit, normalizer.id):
        print(line)
    check_share(audit, normalizer.id, args.max_foreign)
    if args.output_dir is not None:
        change = make_change(args.policy, foreign)
        done = rewrite_dir(
            args.paths[0], args.output_dir, change, max_drop=args.max_foreign
        )
        print(
            f"{args.output_dir}: {done.num_utts - len(done.left_out)} utterances, "
            f"{len(done.left_out)} left out, policy {args.policy}"
        )
    return 0


def audit_languages(args: argparse.Namespace) -> int:
    """Print an audit for each language of data directories; return the exit status."""
    from hamzaban.text.audit import (
        audit_texts,
        check_share,
        compile_foreign,
        find_script,
        format_audit,
    )
    from hamzaban.text.cleaner import parse_options
    from hamzaban.text.multilingual import MultiNormalizer, read_utt2lang

    utt2lang: dict[str, str] = {}
    for path in args.paths:
        utt2lang |= read_utt2lang(path)
    known = MultiNormalizer(utt2lang, args.profile, parse_options(args.options))
    for lang, normalizer in known.normalizers.items():
        if normalizer.alphabet is None:
            print(f"{lang}: {normalizer.id} has no alphabet: nothing to compare with")
            continue
        utt_ids = {utt_id for utt_id, found in utt2lang.items() if found == lang}
        foreign = compile_foreign([*normalizer.alphabet, *args.allow])
        script = find_script(normalizer.alphabet)
        audit = audit_texts(args.paths, foreign, utt_ids, script=script)
        for line in format_audit(audit, normalizer.id):
            print(f"{lang}: {line}")
        check_share(audit, normalizer.id, args.max_foreign)
    return 0


def check_options(args: argparse.Namespace) -> None:
    """Check options against each other.

    Raises:
        ValueError: They contradict each other, or are out of range.
    """
    if not 0 <= args.max_foreign <= 1:
        raise ValueError(f"--max_foreign is {args.max_foreign}, expected 0..1")
    if args.lang == "mul" and args.output_dir is not None:
        raise ValueError("--lang mul only counts; give --output_dir with one language")
    if args.output_dir is None and args.policy != "keep":
        raise ValueError(
            f"--policy {args.policy} writes a data directory; give --output_dir"
        )
    if args.output_dir is not None and (
        len(args.paths) != 1 or not args.paths[0].is_dir()
    ):
        raise ValueError("--output_dir: expected one data directory to read; give one")
