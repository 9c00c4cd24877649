"""Map the output layer of a source model to the tokens of a target language.

Training with `--init_param` then starts from a model that already writes the letters
that both languages share. A letter that only the target has starts with the weights of
the letter to which the mapping of conf/pseudo.yaml maps it.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

GROUP = "pseudo"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of this verb."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--source_exp",
        type=Path,
        required=True,
        help="experiment of the source model, such as exp/asr_<tag>",
    )
    add(
        "--asr_model",
        default="valid.wer.ave.pth",
        help="file of weights in --source_exp (default: %(default)s)",
    )
    add(
        "--token_list",
        type=Path,
        required=True,
        help="tokens.txt of the target language",
    )
    add(
        "--config",
        type=Path,
        required=True,
        help="conf/pseudo.yaml, or a YAML based on it",
    )
    add(
        "--output",
        type=Path,
        required=True,
        help="file to write: weights for --init_param",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write the weights; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.pseudo.head_transfer import write_turned
    from hamzaban.pseudo.round_options import read_options

    mapping = read_options(args.config).mapping
    write_turned(
        args.source_exp,
        args.token_list,
        args.output,
        asr_model=args.asr_model,
        mapping=mapping,
    )
    return 0
