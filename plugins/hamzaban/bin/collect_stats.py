"""Write the shape files for batching; drop utterances that CTC cannot align."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.cli import finite_float
from hamzaban.verb_help import OptionHelp

GROUP = "train"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban collect-stats`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=OptionHelp,
    )
    parser.add_argument(
        "--data_dir",
        type=Path,
        required=True,
        help="data directory with text and utt2num_samples",
    )
    parser.add_argument(
        "--token_type", choices=("bpe", "char"), default="bpe", help="kind of tokens"
    )
    parser.add_argument(
        "--bpemodel", type=Path, help="SentencePiece model, for --token_type bpe"
    )
    parser.add_argument("--token_list", type=Path, required=True, help="tokens.txt")
    parser.add_argument(
        "--cleaner",
        default="none",
        help="cleaner of the text, such as hamzaban/fa/train",
    )
    parser.add_argument(
        "--output_dir", type=Path, required=True, help="folder to write: shape files"
    )
    parser.add_argument(
        "--max_drop",
        type=finite_float,
        default=0.05,
        help="largest share of utterances that may be dropped",
    )
    parser.add_argument(
        "--conv_feature_layers",
        metavar="LIST",
        help="(channels, kernel, stride) of the frontend's convolutions as in the "
        "model_cfg of its checkpoint (default: wav2vec 2.0's)",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write the shape files; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban.asr.stats import collect
    from hamzaban.text.cleaner import find_cleaner
    from hamzaban.text.tokens import build_tokenizer
    from hamzaban.wav2vec2.frames import WAV2VEC2_CONV, parse_conv_layers

    collect(
        args.data_dir,
        build_tokenizer(args.token_type, args.token_list, args.bpemodel),
        args.output_dir,
        token_type=args.token_type,
        conv=parse_conv_layers(args.conv_feature_layers or WAV2VEC2_CONV),
        max_drop=args.max_drop,
        clean=find_cleaner(args.cleaner),
    )
    return 0
