"""Recognize a data directory: greedily, or by beam search with a language model."""

import argparse
import functools
import logging
from collections.abc import Sequence
from pathlib import Path

from hamzaban.bin.make_emissions import add_options
from hamzaban.bin.tune_decoder import add_files
from hamzaban.decode.search_options import (
    DecodeOptions,
    InferenceConfig,
    SearchOptions,
    read_inference,
)

GROUP = "decode"


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
        "--inference_config",
        type=Path,
        help="YAML: search, and the options below; default: that of pack-model, if "
        "there is one in --asr_exp",
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
        parser.set_defaults(inference_config=packed.inference_config)
        lm_dir = lm_dir or packed.lm_dir
        args = parser.parse_args(cmd)
    config = InferenceConfig()
    if args.inference_config is not None or args.weights is not None:
        config = read_inference(args.inference_config, args.weights)
        parser.set_defaults(**config.decode)
        args = parser.parse_args(cmd)
    args.lm_dir = lm_dir
    options = DecodeOptions(
        args.asr_model, args.nj, args.ngpu, args.batch_bins, args.language
    )
    from hamzaban.decode.recognizer import find_files

    files = find_files(args.asr_exp, args.asr_model)  # a wrong name costs no waiting
    if config.search.search == "espnet":
        _decode_by_espnet(args, config, options)
    elif not needs_emissions(config.search) and args.emissions_dir is None:
        from hamzaban.decode.run import decode_dir

        decode_dir(_loader(args, options), args.data_dir, args.output_dir, options)
    else:
        _decode_emissions(args, config, options, files)
    return 0


def needs_emissions(search: SearchOptions) -> bool:
    """Tell whether a search goes through log-posteriors on disk."""
    return search.search != "greedy" or bool(search.blank_score)


def _loader(args: argparse.Namespace, options: DecodeOptions) -> functools.partial:
    from hamzaban.decode.recognizer import load_for_decoding

    return functools.partial(
        load_for_decoding, args.asr_exp, options, bpemodel=args.bpemodel
    )


def _decode_emissions(
    args: argparse.Namespace,
    config: InferenceConfig,
    options: DecodeOptions,
    files: Sequence[Path],
) -> None:
    from hamzaban.decode.languages import write_languages
    from hamzaban.decode.make_emissions import make_emissions, read_languages
    from hamzaban.decode.recognizer import load_tokenizer
    from hamzaban.decode.result import write_nbest
    from hamzaban.decode.search import SearchFiles, build_searcher
    from hamzaban.decode.search_run import search_store

    folder = args.emissions_dir or args.output_dir / "emissions"
    tokenizer, bpemodel = load_tokenizer(args.asr_exp, args.bpemodel)
    read = SearchFiles(args.lm_dir, args.word_list, bpemodel)
    searcher = build_searcher(tokenizer, config.search, read, args.output_dir)
    load = _loader(args, options)
    store = make_emissions(load, args.data_dir, folder, options, files)
    found = search_store(searcher, store, args.nj)
    write_languages(read_languages(folder), args.output_dir)
    write_nbest(found, args.output_dir, store.meta.frame_shift_s)


def _decode_by_espnet(
    args: argparse.Namespace, config: InferenceConfig, options: DecodeOptions
) -> None:
    from hamzaban.decode.espnet_search import EspnetSearcher, search_espnet
    from hamzaban.decode.result import write_nbest

    searcher = EspnetSearcher(args.asr_exp, options, config.search, args.bpemodel)
    logging.getLogger().setLevel(logging.INFO)
    found = search_espnet(searcher, args.data_dir, options)
    write_nbest(found, args.output_dir, searcher.frame_shift_s)
