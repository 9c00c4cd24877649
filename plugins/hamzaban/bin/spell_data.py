"""Write the transcripts of a data directory in Latin letters or as phones."""

import argparse
from collections.abc import Sequence
from pathlib import Path

GROUP = "text"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of this verb."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Train source models for pseudo-labelling on such transcripts. The "
        "`mapping` of conf/pseudo.yaml spells the words of the target language in "
        "the same form, and the labels come out in that language's own script.",
    )
    add = parser.add_argument
    add("source", type=Path, help="data directory with text")
    add("target", type=Path, help="folder to write; may be the source")
    add(
        "--form", required=True, help="roman, or phones:VOICE with a voice of espeak-ng"
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write the directory; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.decode.word_forms import spell_dir, split_form

    kind, voice = split_form(args.form)
    if not kind:
        raise ValueError(f"--form {args.form!r} is unknown; known: roman, phones:ur")
    count = spell_dir(args.source, args.target, kind, voice)
    print(f"{args.target}: {count} utterances of {args.source} as {args.form}")
    return 0
