"""Recognize a data directory: greedily, or by beam search with a language model."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.bin.make_emissions import add_options
from hamzaban.bin.tune_decoder import add_files
from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.search import DecodeTask
from hamzaban.decode.search_options import read_inference

GROUP = "decode"
MEMORY_REMEDY = "lower --batch_bins or --nj, or cut the longest utterances"


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban decode-asr`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        epilog="The search and its weights stand in the YAML; see conf/decode.yaml.",
    )
    add_files(parser)
    parser.add_argument("--data_dir", type=Path, required=True, help="has wav.scp")
    parser.add_argument(
        "--output_dir", type=Path, required=True, help="gets text, token, score, ..."
    )
    parser.add_argument(
        "--emissions_dir",
        type=Path,
        help="keeps the log-posteriors, which are read from there if they are made; "
        "default: in --output_dir, and for search: greedy without blank_score not kept",
    )
    parser.add_argument(
        "--weights", type=Path, help="made by tune-decoder; goes before the YAML"
    )
    parser.add_argument(
        "--inference_config", type=Path, help="YAML: search, and the options below"
    )
    add_options(parser)
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Recognize the data directory; return the exit status."""
    parser = get_parser()
    args = parser.parse_args(cmd)
    config = read_inference(args.inference_config, args.weights)
    parser.set_defaults(**config.decode)
    args = parser.parse_args(cmd)
    from hamzaban.decode.recognizer import find_files
    from hamzaban.decode.search_run import decode_dir

    find_files(args.asr_exp, args.asr_model)  # a wrong name costs no waiting
    task = DecodeTask(
        args.asr_exp,
        args.data_dir,
        args.output_dir,
        DecodeOptions(
            args.asr_model, args.nj, args.ngpu, args.batch_bins, args.language
        ),
        lm_dir=args.lm_dir,
        word_list=args.word_list,
        bpemodel=args.bpemodel,
        emissions_dir=args.emissions_dir,
    )
    decode_dir(config.search, task)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
