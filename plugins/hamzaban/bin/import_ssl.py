"""Convert a Hugging Face or fairseq wav2vec 2.0 model to wav2vec2.pt."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hamzaban.verb_help import OptionHelp

GROUP = "model"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban import-ssl`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionHelp)
    add = parser.add_argument
    text = "Hugging Face directory, fairseq .pt, wav2vec2.pt, or name on the hub"
    add("source", type=Path, help=text)
    add("--output", type=Path, required=True, help="file to write, such as wav2vec2.pt")
    add(
        "--init_strict",
        choices=("true", "false"),
        default="true",
        help="true: missing or unexpected parameters are an error; false: list them, "
        "initialize the missing at random and ignore the unexpected",
    )
    add("--seed", type=int, default=0, help="random seed for missing parameters")
    add(
        "--dtype",
        choices=("float32", "float16"),
        default="float32",
        help="type of the weights in the file",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Read, report, write; return the exit status."""
    args = get_parser().parse_args(cmd)
    from hamzaban import compat

    with compat.fast_imports():
        from hamzaban.pretrain.export import DTYPES
        from hamzaban.wav2vec2.checkpoint import write_checkpoint
        from hamzaban.wav2vec2.convert.huggingface import read_head
        from hamzaban.wav2vec2.convert.source import fill_missing, read_source

    stored, form = read_source(args.source)
    complete, wrong = fill_missing(stored, args.seed, args.source)
    cfg, sizes = complete.model_cfg, complete.model_weight.values()
    print(f"source: {form}")
    head = read_head(args.source) if (args.source / "config.json").is_file() else None
    if head is not None:
        print(
            f"output layer: {len(head[1])} tokens, left out; to keep it, fine-tune "
            f"with --ssl_checkpoint {args.source}"
        )
    print(
        f"model: {cfg['encoder_layers']} layers of {cfg['encoder_embed_dim']}, "
        f"extractor {cfg['extractor_mode']}, {sum(v.numel() for v in sizes):,} "
        f"parameters, normalize {complete.task_cfg['normalize']}"
    )
    for line in wrong or ["missing: none; unexpected: none"]:
        print(line)
    if wrong and args.init_strict == "true":
        raise ValueError(
            f"{args.source}: parameters do not fit, as listed; expected a model of "
            "pretraining, or give --init_strict false"
        )
    write_checkpoint(args.output, complete, dtype=DTYPES[args.dtype])
    print(f"wrote: {args.output}")
    return 0
