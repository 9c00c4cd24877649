"""Recognize a data directory, greedily or by beam search with a language model."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.bin.make_emissions import add_options
from hamzaban.bin.tune_decoder import add_files
from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.hotwords import (
    Hotword,
    add_hotwords,
    read_hotwords,
)
from hamzaban.decode.search import DecodeTask, Search
from hamzaban.decode.search_options import read_inference, search_for_hotwords
from hamzaban.verb_help import OptionHelp

GROUP = "decode"
MEMORY_REMEDY = "lower --batch_bins or --nj, or cut the longest utterances"


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban decode-asr`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=OptionHelp,
        epilog="The YAML names the search and its weights; see conf/decode.yaml.",
    )
    add_files(parser)
    add = parser.add_argument
    add("--data_dir", type=Path, required=True, help="folder with wav.scp")
    words = "folder to write text, token, score, ... to"
    add("--output_dir", type=Path, required=True, help=words)
    add(
        "--emissions_dir",
        type=Path,
        help="folder of log-posteriors: those already there are read, new ones are "
        "kept; without it, they are kept in --output_dir, or not at all for a greedy "
        "search without blank_score",
    )
    add(
        "--weights",
        type=Path,
        help="weights.yaml of tune-decoder; its values replace those of the YAML",
    )
    add(
        "--inference_config",
        type=Path,
        help="YAML with the search and values of the options below; default: the one "
        "that pack-model put beside the model, if there is one",
    )
    add_hotwords(parser)
    add(
        "--confidence",
        type=Path,
        help="confidence.yaml of fit-confidence, which changes the confidences in ctm; "
        "default: the one that pack-model put beside the model, if there is one",
    )
    add_options(parser)
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Recognize the data directory; return the exit status."""
    parser = get_parser()
    args = parser.parse_args(cmd)
    lm_dir = args.lm_dir
    if args.inference_config is None and args.weights is None:
        from hamzaban.decode.experiment import find_packed_search

        packed = find_packed_search(args.asr_exp)
        parser.set_defaults(
            inference_config=packed.inference_config, confidence=packed.confidence
        )
        lm_dir = lm_dir or (None if args.lm else packed.lm_dir)
        args = parser.parse_args(cmd)
    config = read_inference(args.inference_config, args.weights)
    parser.set_defaults(**config.decode)
    args = parser.parse_args(cmd)
    from hamzaban.decode.calibration import read_calibration
    from hamzaban.decode.recognizer import find_files
    from hamzaban.decode.search_run import decode_dir
    from hamzaban.devices import require_gpus

    find_files(args.asr_exp, args.asr_model)  # report a wrong name at once
    require_gpus(args.ngpu)
    search, hotwords = _read_hotwords(args.hotwords, config.search)
    calibration = read_calibration(args.confidence) if args.confidence else None
    task = DecodeTask(
        args.asr_exp,
        args.data_dir,
        args.output_dir,
        _read_options(args),
        lm_dir=lm_dir,
        lm=args.lm,
        word_list=args.word_list,
        bpemodel=args.bpemodel,
        emissions_dir=args.emissions_dir,
        hotwords=hotwords,
        calibration=calibration,
    )
    decode_dir(search, task)
    return 0


def _read_hotwords(given: str, search: Search) -> tuple[Search, tuple[Hotword, ...]]:
    """Return the search to use with hotwords, and these."""
    if not given:
        return search, ()
    return search_for_hotwords(search), read_hotwords(given)


def _read_options(args: argparse.Namespace) -> DecodeOptions:
    return DecodeOptions(
        args.asr_model, args.nj, args.ngpu, args.batch_bins, args.language
    )
