"""Run a trained model over a data directory and keep its CTC log-posteriors."""

import argparse
import functools
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import add_nj, finite_float
from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.search_options import read_inference
from hamzaban.verb_help import OptionHelp

GROUP = "decode"
MEMORY_REMEDY = "lower --batch_bins or --nj, or cut the longest utterances"


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban make-emissions`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=OptionHelp,
        epilog="A killed run is continued: finished parts are not made again.",
    )
    add_model(parser)
    parser.add_argument(
        "--data_dir", type=Path, required=True, help="folder with wav.scp"
    )
    parser.add_argument(
        "--output_dir",
        type=Path,
        required=True,
        help="folder to write the log-posteriors to",
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
        help="rate of dropout while the model runs, to measure how sure it is; 0: off",
    )
    parser.add_argument(
        "--dropout_seed",
        type=int,
        default=defaults.dropout_seed,
        help="seed of the random numbers of --dropout, 0 or more",
    )
    return parser


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the trained model."""
    parser.add_argument(
        "--asr_exp",
        type=Path,
        required=True,
        help="folder of the trained model, with config.yaml",
    )
    parser.add_argument(
        "--bpemodel",
        type=Path,
        help="SentencePiece model to use instead of the one that config.yaml names",
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose how the model is run."""
    defaults = DecodeOptions()
    parser.add_argument(
        "--asr_model",
        default=defaults.asr_model,
        help="name of the file of weights in --asr_exp",
    )
    add_nj(parser, "processes on the CPU")
    parser.add_argument(
        "--ngpu",
        type=int,
        default=defaults.ngpu,
        help="0: run on the CPU; 1: run on a GPU, in one process",
    )
    parser.add_argument(
        "--batch_bins",
        type=int,
        default=defaults.batch_bins,
        help="most samples in a batch, padding counted; it may change the last digits "
        "of scores, because sums over another padding are rounded differently",
    )
    parser.add_argument(
        "--language",
        default=defaults.language,
        help="language of each utterance, for a model with a head for each language: "
        "utt2lang (the file in --data_dir), predicted (by the model), or a language "
        "for all utterances",
    )


def main(cmd: Sequence[str] | None = None) -> int:
    """Make the log-posteriors that are missing; return the exit status."""
    parser = get_parser()
    args = parser.parse_args(cmd)
    if args.inference_config is not None:
        parser.set_defaults(**read_inference(args.inference_config).decode)
        args = parser.parse_args(cmd)
    from hamzaban.decode.make_emissions import make_emissions
    from hamzaban.decode.recognizer import find_files, load_for_decoding
    from hamzaban.devices import require_gpus

    require_gpus(args.ngpu)
    options = DecodeOptions(
        args.asr_model,
        args.nj,
        args.ngpu,
        args.batch_bins,
        args.language,
        dropout=args.dropout,
        dropout_seed=args.dropout_seed,
    )
    files = find_files(args.asr_exp, args.asr_model)
    load = functools.partial(
        load_for_decoding, args.asr_exp, options, bpemodel=args.bpemodel
    )
    make_emissions(load, args.data_dir, args.output_dir, options, files)
    return 0
