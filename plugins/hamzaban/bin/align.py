"""Find where a recording says the sentences of a text, or check transcripts.

`hamzaban align MODEL MEDIA TEXT --output_dir DIR` writes a data directory of the
sentences that are spoken. `hamzaban align MODEL --check DATA_DIR --output_dir DIR`
scores the transcripts of a data directory and lists those that do not fit.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hamzaban.cli import add_nj, finite_float

if TYPE_CHECKING:
    from hamzaban.align.models import AlignModel
    from hamzaban.align.spelled import Speller

GROUP = "decode"
MEMORY_REMEDY = "divide the recording, or lower --nj"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban align`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "model",
        help="folder of a trained model, archive that pack-model wrote, Hugging Face "
        "directory of a Wav2Vec2ForCTC, or the name of one on the hub (owner/name)",
    )
    add("media", type=Path, nargs="?", help="recording, of any length and format")
    add(
        "text",
        type=Path,
        nargs="?",
        help="its text: .srt, .vtt, .stm, .csv, .tsv, .jsonl, or else plain text",
    )
    add(
        "--check",
        type=Path,
        metavar="DATA_DIR",
        help="score the transcripts of a data directory instead",
    )
    add("--output_dir", type=Path, required=True, help="folder to write to")
    _add_options(parser)
    return parser


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--min_score",
        type=finite_float,
        default=0.03,
        help="lowest score, 0..1, of what is kept (default: %(default)s)",
    )
    add(
        "--lang",
        default="general",
        help="language whose rules normalize the text (default: %(default)s)",
    )
    add(
        "--mapping",
        help="how to spell letters that the model lacks: a table of decode/mappings, a "
        "YAML, roman, or phones:<voice>",
    )
    add(
        "--asr_model",
        help="file of weights in MODEL (default: the packed or the averaged one)",
    )
    add(
        "--language",
        default="utt2lang",
        help="output layer or adapter of a model of several languages",
    )
    add("--ngpu", type=int, default=0, help="1: run on a GPU (default: %(default)s)")
    add_nj(parser, "processes on the CPU, with --check")


def main(cmd: Sequence[str] | None = None) -> int:
    """Align or check; return the exit status."""
    args = get_parser().parse_args(cmd)
    _check_arguments(args)
    from hamzaban.align.models import open_model
    from hamzaban.align.spelled import Speller
    from hamzaban.decode.decode_options import DecodeOptions
    from hamzaban.text.normalizer import get_normalizer

    options = DecodeOptions(nj=args.nj, ngpu=args.ngpu, language=args.language)
    model = open_model(args.model, args.asr_model, options)
    speller = Speller(model.tokenizer, get_normalizer(args.lang), args.mapping)
    if args.check is not None:
        return _check(args, speller, model)
    return _align(args, speller, model)


def _check_arguments(args: argparse.Namespace) -> None:
    given = [args.media, args.text]
    if (args.check is None) != (None not in given) or (args.check and any(given)):
        raise ValueError(
            f"{len([x for x in given if x])} of MEDIA and TEXT given, --check "
            f"{args.check or 'not given'}; expected MODEL MEDIA TEXT, or MODEL --check "
            "DATA_DIR"
        )
    if not 0 <= args.min_score <= 1:
        raise ValueError(f"--min_score {args.min_score} found, expected 0..1")


def _align(args: argparse.Namespace, speller: "Speller", model: "AlignModel") -> int:
    from hamzaban.align.texts import read_sentences
    from hamzaban.align.write import check_media, write_alignment

    check_media(args.media)
    sentences = read_sentences(args.text)
    from hamzaban.align.run import align_media

    recognizer = model.load().route(args.media.parent, model.options.language)
    found = align_media(recognizer, args.media, sentences, speller)
    num_kept = write_alignment(found, args.output_dir, args.min_score)
    print(f"{args.output_dir}: {num_kept} of {len(sentences)} sentences")
    return 0


def _check(args: argparse.Namespace, speller: "Speller", model: "AlignModel") -> int:
    from hamzaban.align.check import check_dir

    num_kept, num_all = check_dir(
        model.load,
        args.check,
        args.output_dir,
        speller,
        options=model.options,
        model_files=model.files,
        min_score=args.min_score,
    )
    print(f"{args.output_dir}/keep: {num_kept} of {num_all} utterances")
    return 0
