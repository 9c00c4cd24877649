"""Fetch a model from the Hugging Face hub and print its path.

NAME is owner/name for a directory, or owner/name/FILE for a fairseq .pt, a .zip of
pack-model or another single file; each may end in @ and a branch, tag or commit. The
cache is that of the hub's client (HF_HOME); HF_TOKEN gives access to private models.
Verbs that take a model take these names, too.
"""

import argparse
from collections.abc import Sequence

GROUP = "model"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban fetch`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("name", help="name on the hub; a path that exists is printed as it is")
    text = "adapter of a model with adapters (MMS), such as fas"
    add("--language", default="", metavar="CODE", help=text)
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Fetch and print; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.hub.fetch import fetch_with_adapter, locate
    from hamzaban.hub.names import EXPECTED, parse_name

    path = locate(args.name)
    if not path.exists():
        raise FileNotFoundError(f"{args.name}: no such path, expected {EXPECTED}")
    if parse_name(args.name) is not None:
        path = fetch_with_adapter(args.name, args.language)
    print(path)
    return 0
