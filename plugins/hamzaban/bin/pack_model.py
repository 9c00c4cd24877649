"""Pack a trained recognizer into one archive that ESPnet's model zoo can load."""

import argparse
from collections.abc import Sequence
from pathlib import Path

GROUP = "model"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban pack-model`."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--asr_exp", required=True, help="folder that train-asr wrote")
    add(
        "--asr_model",
        default="valid.wer.ave.pth",
        help="model file in --asr_exp (default: %(default)s)",
    )
    add(
        "--output",
        "--outpath",
        dest="outpath",
        help="file to write (default: <asr_exp>/<name>_<model>.zip)",
    )
    add(
        "--option",
        action="append",
        default=[],
        help="a file or folder to add; may be repeated. RESULTS.md and images of "
        "--asr_exp are added if they exist",
    )
    add("--lm_dir", type=Path, help="language models to add: the folder of train-lm")
    add("--inference_config", type=Path, help="YAML of decode-asr to add")
    add(
        "--weights",
        type=Path,
        help="weights.yaml of tune-decoder to add",
    )
    add("--confidence", type=Path, help="confidence.yaml of fit-confidence to add")
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Write the archive and print its path; return the exit status."""
    from hamzaban.export.pack import Search, pack_model

    args = get_parser().parse_args(cmd)
    asr_exp = Path(args.asr_exp)
    name = f"{asr_exp.resolve().name}_{args.asr_model.removesuffix('.pth')}.zip"
    outpath = Path(args.outpath or asr_exp / name)
    there = [asr_exp / part for part in ("RESULTS.md", "images")]
    extra = [part for part in there if part.exists()] + args.option
    search = Search(args.inference_config, args.weights, args.lm_dir, args.confidence)
    pack_model(asr_exp, args.asr_model, outpath, extra, search)
    print(outpath)
    return 0
