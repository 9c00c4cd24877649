"""Export wav2vec 2.0, pretrained or fine-tuned, to a Hugging Face directory."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.verb_help import OptionHelp

GROUP = "model"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban export-ssl`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionHelp)
    add = parser.add_argument
    add(
        "checkpoint",
        type=Path,
        help="wav2vec2.pt of train-ssl or import-ssl, or a folder of train-asr, whose "
        "model is exported without its output layer",
    )
    add("--output_dir", type=Path, required=True, help="folder to write")
    add(
        "--asr_model",
        default="valid.wer.ave.pth",
        help="file of weights in a folder of train-asr",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write the directory; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban import compat

    with compat.fast_imports():
        from hamzaban.wav2vec2.convert.export import write_huggingface
        from hamzaban.wav2vec2.convert.finetuned import find_finetuned, read_finetuned
        from hamzaban.wav2vec2.convert.source import fill_missing, read_source

    finetuned = find_finetuned(args.checkpoint, args.asr_model)
    if finetuned is not None:
        model = read_finetuned(*finetuned)
        place = str(finetuned[1])
        write_huggingface(model, args.output_dir, place, is_whole=False)
        print(args.output_dir)
        return 0
    stored, _ = read_source(args.checkpoint)
    complete, wrong = fill_missing(stored, place=args.checkpoint)
    if wrong:
        raise ValueError(
            f"{args.checkpoint}: {'; '.join(wrong)}; expected a whole model of "
            "pretraining, such as wav2vec2.pt of train-ssl"
        )
    write_huggingface(complete, args.output_dir, str(args.checkpoint))
    print(args.output_dir)
    return 0
