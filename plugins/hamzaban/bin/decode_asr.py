"""Recognise a data directory with a trained model (greedy CTC, batched)."""

import argparse
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hamzaban.decode.options import DecodeOptions, read_inference_config

if TYPE_CHECKING:
    from hamzaban.decode.recogniser import Recogniser


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban decode-asr`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--asr_exp", type=Path, required=True, help="has config.yaml")
    parser.add_argument(
        "--bpemodel", type=Path, help="stands in for the path in config.yaml"
    )
    parser.add_argument("--data_dir", type=Path, required=True, help="has wav.scp")
    parser.add_argument(
        "--output_dir", type=Path, required=True, help="gets text, token, score, ..."
    )
    parser.add_argument(
        "--inference_config", type=Path, help="YAML with values of the options below"
    )
    defaults = DecodeOptions()
    parser.add_argument(
        "--asr_model", default=defaults.asr_model, help="a file in --asr_exp"
    )
    parser.add_argument("--nj", type=int, default=defaults.nj, help="CPU processes")
    parser.add_argument(
        "--ngpu", type=int, default=defaults.ngpu, help="0: the CPU, 1: a GPU"
    )
    parser.add_argument(
        "--batch_bins",
        type=int,
        default=defaults.batch_bins,
        help="most samples in a batch, padding counted",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Recognise the data directory; return the exit status."""
    parser = get_parser()
    args = parser.parse_args(cmd)
    if args.inference_config is not None:
        parser.set_defaults(**read_inference_config(args.inference_config))
        args = parser.parse_args(cmd)
    from hamzaban.decode.recogniser import find_files
    from hamzaban.decode.run import decode_dir

    options = DecodeOptions(args.asr_model, args.nj, args.ngpu, args.batch_bins)
    find_files(args.asr_exp, args.asr_model)  # a wrong name costs no waiting
    load = functools.partial(_load, args)
    decode_dir(load, args.data_dir, args.output_dir, options)
    return 0


def _load(args: argparse.Namespace) -> "Recogniser":
    from hamzaban import compat
    from hamzaban.decode.recogniser import load_recogniser

    with compat.fast_imports():
        import hamzaban.asr.task  # noqa: F401

    return load_recogniser(
        args.asr_exp,
        args.asr_model,
        bpemodel=args.bpemodel,
        device="cuda" if args.ngpu else "cpu",
    )


if __name__ == "__main__":
    raise SystemExit(main())
