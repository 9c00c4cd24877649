"""List spellings in a text that may be of one word, for a human to accept."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

GROUP = "score"


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban list-variants`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="Remove the # before the groups that you accept, and give the file to "
        "`hamzaban score --variants`.",
    )
    add = parser.add_argument
    add("text", type=Path, nargs="+", help="Kaldi text, or .txt with a sentence a line")
    add("--min_count", type=int, default=2, help="least occurrences of a spelling")
    add("--output", type=Path, help="file to write; default: print the lines")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """List the groups; return the exit status."""
    args = get_parser().parse_args(cmd)
    if args.min_count < 1:
        raise ValueError(f"--min_count {args.min_count} found, expected 1 or more")
    from hamzaban.fileio import atomic_text
    from hamzaban.text.spellings import find_spellings, format_groups

    groups = find_spellings(_read(args.text), args.min_count)
    lines = [f"{line}\n" for line in format_groups(groups)]
    if args.output is None:
        print("".join(lines), end="")
        return 0
    with atomic_text(args.output) as stream:
        stream.writelines(lines)
    print(f"{args.output}: {len(groups)} groups of spellings to accept or not")
    return 0


def _read(paths: Sequence[Path]) -> Iterator[str]:
    from hamzaban.utf8 import read_utf8_lines

    for path in paths:
        for line in read_utf8_lines(path):
            if path.suffix.lower() == ".txt":
                yield line
            else:
                yield line.partition(" ")[2]
