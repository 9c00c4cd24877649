"""Make data directories from a published corpus, such as Common Voice or FLEURS."""

import argparse
import importlib
from collections.abc import Sequence
from pathlib import Path

from hamzaban import corpora
from hamzaban.cli import add_nj, finite_float
from hamzaban.verb_help import OptionHelp, read_info

GROUP = "data"

CORPORA_DIR = Path(corpora.__file__).parent


def list_corpora() -> dict[str, Path]:
    """Map each corpus to the module that reads it."""
    return {path.stem: path for path in sorted(CORPORA_DIR.glob("[a-z]*.py"))}


def get_parser(corpus: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of `hamzaban prepare-corpus`, with the options of a corpus."""
    known = list_corpora()
    if corpus is None:
        width = max(map(len, known))
        lines = [
            f"  {name:<{width}}  {read_info(known[name]).summary}" for name in known
        ]
        parser = argparse.ArgumentParser(
            description=__doc__,
            usage="hamzaban prepare-corpus CORPUS [--help | SOURCE --output data ...]",
            epilog="\n".join(["corpora:", *lines]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("corpus", choices=known, help="see below")
        return parser
    module = importlib.import_module(f"hamzaban.corpora.{corpus}")
    parser = argparse.ArgumentParser(
        prog=f"hamzaban prepare-corpus {corpus}",
        description=module.__doc__,
        formatter_class=OptionHelp,
    )
    add = parser.add_argument
    add("source", type=Path, help="where the corpus is")
    add("--output", type=Path, default="data", help="folder to write: one for each set")
    add(
        "--max_drop",
        type=finite_float,
        default=0.05,
        help="highest share of a set to drop",
    )
    add("--seed", type=int, default=0, help="random seed")
    add_nj(parser)
    module.add_options(parser)
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Prepare the corpus; return the exit status."""
    words = list(cmd or [])
    args = get_parser().parse_args(words[:1])
    options = get_parser(args.corpus).parse_args(words[1:])
    module = importlib.import_module(f"hamzaban.corpora.{args.corpus}")
    module.prepare(options)
    return 0
