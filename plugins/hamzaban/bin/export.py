"""Export a recognizer to Hugging Face, ONNX or plain ESPnet, and check the result.

MODEL is a folder that train-asr wrote or a .zip that pack-model wrote. The exported
model is run on recordings; if its text differs from the trained model's, that is an
error.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

GROUP = "model"
TARGETS = {
    "hf": "a directory of transformers' Wav2Vec2ForCTC",
    "onnx": "ONNX, for onnx-asr and sherpa-onnx",
    "espnet": "an experiment that ESPnet loads without this package",
}


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban export`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    path: dict[str, Any] = {"type": Path, "metavar": "PATH"}
    add("model", help="the model")
    text = "; ".join(f"{name}: {what}" for name, what in TARGETS.items())
    add("--to", required=True, choices=TARGETS, help=text)
    add("--output", required=True, **path, help="folder to write")
    text = "file of weights if MODEL is a folder of train-asr (default: %(default)s)"
    add("--asr_model", default="valid.wer.ave.pth", metavar="NAME", help=text)
    text = "output layer of a model with one for each of several languages"
    add("--language", default="", metavar="CODE", help=text)
    text = "recordings to check the export with (default: the first of a test set)"
    add("--check", **path, nargs="+", default=[], help=text)
    add("--no_check", action="store_true", help="write without a check")
    text = "hf: language models of train-lm to add (default: those of a .zip)"
    add("--lm_dir", **path, help=text)
    add("--weights", **path, help="hf: weights.yaml of tune-decoder for --lm_dir")
    add("--int8", action="store_true", help="onnx: write model.int8.onnx, too")
    add("--licence", default="", metavar="NAME", help="licence, for the model card")
    add("--data", default="", metavar="NAME", help="training data, for the model card")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Export, check, print the folder; return the exit status."""
    args = get_parser().parse_args(cmd)
    _check_options(args)
    logging.getLogger().setLevel(logging.INFO)
    from hamzaban import compat

    with compat.fast_imports():
        from hamzaban.export import export
        from hamzaban.export.card import CardOptions
        from hamzaban.transcribe.acoustics import ModelRequest

    request = export.ExportRequest(
        ModelRequest(args.model, args.asr_model, args.language),
        args.output,
        args.check,
        not args.no_check,
        args.lm_dir,
        args.weights,
        args.int8,
        CardOptions(args.licence, args.data, args.language),
    )
    targets = {
        "hf": export.export_huggingface,
        "onnx": export.export_onnx,
        "espnet": export.export_espnet,
    }
    targets[args.to](request)
    print(args.output)
    return 0


def _check_options(args: argparse.Namespace) -> None:
    """Check that each option is for the chosen target.

    Raises:
        ValueError: One is not, or two contradict each other.
    """
    for name, target in (("int8", "onnx"), ("lm_dir", "hf"), ("weights", "hf")):
        if getattr(args, name) and args.to != target:
            raise ValueError(f"--{name} found with --to {args.to}; it is for {target}")
    if args.check and args.no_check:
        raise ValueError("--check and --no_check found, expected one of them at most")
    if args.output.is_file():
        raise ValueError(f"--output {args.output}: is a file, expected a folder")
