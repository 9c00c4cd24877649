"""Run a trained model over a data directory and keep its CTC log-posteriors."""

import argparse
import functools
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import finite_float
from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.search_options import read_inference

GROUP = "decode"
MEMORY_REMEDY = "lower --batch_bins or --nj, or cut the longest utterances"


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban make-emissions`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        epilog="A run that was killed is continued; what is there is not made again.",
    )
    parser.add_argument("--asr_exp", type=Path, required=True, help="has config.yaml")
    parser.add_argument(
        "--bpemodel", type=Path, help="stands in for the path in config.yaml"
    )
    parser.add_argument("--data_dir", type=Path, required=True, help="has wav.scp")
    parser.add_argument(
        "--output_dir", type=Path, required=True, help="gets the log-posteriors"
    )
    parser.add_argument(
        "--inference_config", type=Path, help="YAML with values of the options below"
    )
    add_options(parser)
    defaults = DecodeOptions()
    parser.add_argument(
        "--dropout",
        type=finite_float,
        default=defaults.dropout,
        help="rate of dropout while decoding, to see how sure the model is; 0: off",
    )
    parser.add_argument(
        "--dropout_seed", type=int, default=defaults.dropout_seed, help="of that"
    )
    return parser


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how to run the model."""
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
    parser.add_argument(
        "--language",
        default=defaults.language,
        help="of models with a head for each language: utt2lang (of --data_dir), "
        "predicted (by the model), or one of them",
    )


def main(cmd: Sequence[str] | None = None) -> int:
    """Compute what is missing; return the exit status."""
    parser = get_parser()
    args = parser.parse_args(cmd)
    if args.inference_config is not None:
        parser.set_defaults(**read_inference(args.inference_config).decode)
        args = parser.parse_args(cmd)
    from hamzaban.decode.make_emissions import make_emissions
    from hamzaban.decode.recognizer import find_files, load_for_decoding

    options = DecodeOptions(
        *(args.asr_model, args.nj, args.ngpu, args.batch_bins, args.language),
        *(args.dropout, args.dropout_seed),
    )
    files = find_files(args.asr_exp, args.asr_model)
    load = functools.partial(
        load_for_decoding, args.asr_exp, options, bpemodel=args.bpemodel
    )
    make_emissions(load, args.data_dir, args.output_dir, options, files)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
