"""The options of command lines that name a model and its search."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamzaban.decode.hotwords import add_hotwords, read_hotwords
from hamzaban.transcribe.acoustics import ASR_MODEL, ModelRequest

if TYPE_CHECKING:
    from hamzaban.transcribe.loading import SearchRequest


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add MODEL and the options of the model and the search."""
    add = parser.add_argument
    add("model", help="the model")
    path: dict[str, Any] = {"type": Path, "metavar": "PATH"}
    text = "output layer or adapter of a model of several languages, or `predicted`"
    add("--language", default="", metavar="CODE", help=text)
    add("--inference_config", **path, help="YAML of the search (default: greedy)")
    add("--weights", **path, help="weights.yaml that tune-decoder wrote")
    add("--lm_dir", **path, help="folder of language models, made by train-lm")
    add("--word_list", **path, help="file of the words of the lexicon, one per line")
    text = "confidence.yaml of fit-confidence (default: the one of the search)"
    add("--confidence", **path, help=text)
    add_hotwords(parser)
    text = "file of weights if MODEL is a folder of train-asr (default: %(default)s)"
    add("--asr_model", default=ASR_MODEL, metavar="NAME", help=text)
    add("--ngpu", type=int, choices=(0, 1), default=0, help="1: run on a GPU")


def read_requests(args: argparse.Namespace) -> tuple[ModelRequest, SearchRequest]:
    """Return what the options of `add_model` name."""
    from hamzaban.transcribe.loading import SearchRequest

    model = ModelRequest(args.model, args.asr_model, args.language, args.ngpu)
    search = SearchRequest(
        args.inference_config,
        args.weights,
        args.lm_dir,
        args.word_list,
        read_hotwords(args.hotwords) if args.hotwords else (),
        args.confidence,
    )
    return model, search


def add_fields(
    parser: argparse.ArgumentParser, defaults: Any, texts: dict[str, str]
) -> None:
    """Add an option for each field of a dataclass that a text explains."""
    for name, text in texts.items():
        value = getattr(defaults, name)
        text += f" (default: {value})"
        metavar = "N" if isinstance(value, int | float) else "NAME"
        parser.add_argument(
            f"--{name}", type=type(value), default=value, metavar=metavar, help=text
        )


def read_fields(args: argparse.Namespace, texts: dict[str, str]) -> dict[str, Any]:
    """Return the values of options that `add_fields` added."""
    return {name: getattr(args, name) for name in texts}
