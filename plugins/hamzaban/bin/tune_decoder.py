"""Choose LM weight, word score and beam by the errors on a validation set."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.bin.make_emissions import add_model
from hamzaban.cli import add_nj

GROUP = "decode"


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban tune-decoder`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="The YAML lists the values to try: `tune: {lm_weight: [0.3, 0.6], "
        "word_score: [0, 1], beam_size: [50]}`. If the best weight is at an end of its "
        "list, values beyond it are tried, too. Without `tune`, nothing is tried and "
        "weights.yaml is empty.",
    )
    add_files(parser)
    parser.add_argument(
        "--emissions_dir",
        type=Path,
        required=True,
        help="log-posteriors of the validation set, made by make-emissions",
    )
    parser.add_argument(
        "--ref", type=Path, required=True, help="transcripts of the set, a Kaldi text"
    )
    parser.add_argument(
        "--output_dir",
        type=Path,
        required=True,
        help="folder to write weights.yaml (for decode-asr), tune.tsv and tune.png to",
    )
    parser.add_argument(
        "--inference_config",
        type=Path,
        required=True,
        help="YAML with the search and the values to try",
    )
    add_nj(parser)
    return parser


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the model and the files that a search reads."""
    add_model(parser)
    lm = parser.add_mutually_exclusive_group()
    lm.add_argument(
        "--lm_dir", type=Path, help="folder of language models, made by train-lm"
    )
    lm.add_argument(
        "--lm",
        type=Path,
        help="language model made elsewhere: ARPA, which may be gzipped, or KenLM's "
        "binary; it is written to `lm` in --output_dir",
    )
    parser.add_argument(
        "--word_list",
        type=Path,
        help="words of the lexicon, one per line; without it, the words of the LM",
    )


def main(cmd: Sequence[str] | None = None) -> int:
    """Try all values and write the best; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.config import write_config
    from hamzaban.decode.flashlight_search import take_for_search
    from hamzaban.decode.recognizer import load_tokenizer
    from hamzaban.decode.search import CtcSearch, SearchFiles
    from hamzaban.decode.search_options import read_inference
    from hamzaban.decode.store import EmissionStore
    from hamzaban.decode.tune import measure_greedy, read_refs, tune, write_sweep

    config = read_inference(args.inference_config)
    if not config.tune:
        write_config({}, args.output_dir / "weights.yaml", "Nothing was tuned.")
        return 0
    search = config.search
    unknown = [name for name in config.tune if name not in search.tunable]
    if unknown:
        raise ValueError(
            f"{args.inference_config}: search {search.name} has no {unknown[0]} to "
            f"tune; it has {', '.join(search.tunable) or 'nothing'}; change tune or "
            "search"
        )
    assert isinstance(search, CtcSearch)  # other searches have nothing to tune
    tokenizer, bpemodel = load_tokenizer(args.asr_exp, args.bpemodel)
    lm_dir = args.lm_dir
    if args.lm is not None:
        lm_dir = take_for_search(search, args.lm, args.output_dir, tokenizer, bpemodel)
    files = SearchFiles(lm_dir, args.word_list, bpemodel)
    decoder = search.build(tokenizer, files, args.output_dir)
    store = EmissionStore(args.emissions_dir)
    store.check_tokens(len(tokenizer.tokens))
    refs = read_refs(args.ref)
    greedy = measure_greedy(tokenizer, store, refs, args.nj)
    trials = tune(decoder, store, refs, config.tune, args.nj)
    write_sweep(trials, search, args.output_dir, greedy)
    return 0
