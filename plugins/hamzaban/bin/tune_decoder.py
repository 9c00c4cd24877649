"""Choose LM weight, word score and beam on a validation set from its emissions."""

import argparse
from collections.abc import Sequence
from pathlib import Path

GROUP = "decode"


def get_parser() -> argparse.ArgumentParser:
    """Build the parser of `hamzaban tune-decoder`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="The YAML says what to try: `tune: {lm_weight: [0.3, 0.6], word_score: "
        "[0, 1], beam_size: [50]}`. Without it nothing is tried and weights.yaml is "
        "empty.",
    )
    add_files(parser)
    parser.add_argument(
        "--emissions_dir", type=Path, required=True, help="made by make-emissions"
    )
    parser.add_argument("--ref", type=Path, required=True, help="Kaldi text of the set")
    parser.add_argument(
        "--output_dir",
        type=Path,
        required=True,
        help="gets weights.yaml for decode-asr, tune.tsv, tune.png",
    )
    parser.add_argument("--inference_config", type=Path, required=True)
    parser.add_argument("--nj", type=int, default=1, help="processes")
    return parser


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the model and what a search reads."""
    parser.add_argument("--asr_exp", type=Path, required=True, help="has config.yaml")
    parser.add_argument(
        "--bpemodel", type=Path, help="stands in for the path in config.yaml"
    )
    parser.add_argument("--lm_dir", type=Path, help="made by train-lm")
    parser.add_argument(
        "--word_list", type=Path, help="of the lexicon; default: the LM's words"
    )


def main(cmd: Sequence[str] | None = None) -> int:
    """Sweep and write the best values; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.config import write_config
    from hamzaban.decode.recognizer import load_tokenizer
    from hamzaban.decode.search import CtcSearch, SearchFiles
    from hamzaban.decode.search_options import read_inference
    from hamzaban.decode.store import EmissionStore
    from hamzaban.decode.tune import read_refs, tune, write_sweep

    config = read_inference(args.inference_config)
    if not config.tune:
        write_config({}, args.output_dir / "weights.yaml", "Nothing was tuned.")
        return 0
    search = config.search
    unknown = [name for name in config.tune if name not in search.tunable]
    if unknown:
        raise ValueError(
            f"{args.inference_config}: search {search.name} has no {unknown[0]} to "
            f"tune; it has {', '.join(search.tunable) or 'nothing'}: change tune, or "
            "search"
        )
    assert isinstance(search, CtcSearch)  # only these have options to tune
    tokenizer, bpemodel = load_tokenizer(args.asr_exp, args.bpemodel)
    files = SearchFiles(args.lm_dir, args.word_list, bpemodel)
    decoder = search.build(tokenizer, files, args.output_dir)
    store = EmissionStore(args.emissions_dir)
    store.check_tokens(len(tokenizer.tokens))
    trials = tune(decoder, store, read_refs(args.ref), config.tune, args.nj)
    write_sweep(trials, search, args.output_dir)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
