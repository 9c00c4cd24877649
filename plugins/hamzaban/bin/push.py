"""Publish the folder of a model on the Hugging Face hub.

All files are committed at once; hidden ones are left out. HF_TOKEN, or a login of the
hub's own command `hf auth login`, gives the right to write. --dry_run true shows the
model card and the files with their sizes, needs no token, and sends nothing.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import str2bool

GROUP = "model"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban push`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("model_dir", type=Path, help="folder of a model, with its card README.md")
    add("name", help="owner/name, or owner/name@branch")
    text = "show what would be published (default: false)"
    add("--dry_run", type=str2bool, default=False, metavar="BOOL", help=text)
    text = "make a new repository private (default: true)"
    add("--private", type=str2bool, default=True, metavar="BOOL", help=text)
    text = "message of the commit (default: %(default)s)"
    add("--message", default="Upload a model with hamzaban", help=text)
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Check, show or publish; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.hub.names import read_repository
    from hamzaban.hub.push import describe, push, read_publication, require_token

    name = read_repository(args.name)
    if not args.dry_run:
        require_token(name)
    publication = read_publication(args.model_dir)
    if args.dry_run:
        print(describe(publication, name))
        return 0
    print(push(publication, name, private=args.private, message=args.message))
    return 0
