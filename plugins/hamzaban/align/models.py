"""Open a model of any form for alignment."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hamzaban.decode.decode_options import UTT2LANG, DecodeOptions
from hamzaban.decode.experiment import find_packed_search
from hamzaban.decode.recognizer import find_files, load_for_decoding, load_tokenizer
from hamzaban.decode.search_options import read_inference
from hamzaban.hub.fetch import fetch_with_adapter
from hamzaban.text.tokens import Tokenizer
from hamzaban.transcribe.acoustics import is_huggingface

if TYPE_CHECKING:
    from hamzaban.decode.recognizer import Recognizer


@dataclasses.dataclass(frozen=True)
class AlignModel:
    """A model to align with.

    Attributes:
        tokenizer: Its tokens.
        load: Returns the recognizer.
        files: The files that it is made of.
        options: How to run it.
    """

    tokenizer: Tokenizer
    load: Callable[[], Recognizer]
    files: Sequence[Path]
    options: DecodeOptions


def open_model(
    model: str | Path, asr_model: str | None, options: DecodeOptions
) -> AlignModel:
    """Find the files of a model and load its tokens.

    Args:
        model: Folder of an experiment, archive of pack-model, Hugging Face directory,
            or the name of one of these on the hub.
        asr_model: Name of the file of weights in an experiment; None: the one that an
            archive names, or else the default.
        options: How to run the model; `language` names the adapter, too.

    Raises:
        FileNotFoundError: The model or one of its files is missing.
        ValueError: Its files do not fit together, or the hub cannot give it.
    """
    language = "" if options.language == UTT2LANG else options.language
    path = fetch_with_adapter(model, language)
    if is_huggingface(path):
        return _open_huggingface(path, language, options)
    name = asr_model or _find_asr_model(path, options)
    options = dataclasses.replace(options, asr_model=name)
    files = find_files(path, name)
    tokenizer, _ = load_tokenizer(path)
    load = functools.partial(load_for_decoding, path, options, native=True)
    return AlignModel(tokenizer, load, files, options)


def _open_huggingface(path: Path, language: str, options: DecodeOptions) -> AlignModel:
    from hamzaban import devices
    from hamzaban.transcribe.huggingface import load_huggingface, make_recognizer

    devices.require_gpus(options.ngpu)
    loaded = load_huggingface(path, language, "cuda" if options.ngpu else "cpu")
    recognizer = make_recognizer(loaded)
    files = sorted(file for file in path.iterdir() if file.is_file())
    options = dataclasses.replace(options, language=UTT2LANG)  # it is chosen already
    return AlignModel(loaded.tokenizer, lambda: recognizer, files, options)


def _find_asr_model(model: Path, options: DecodeOptions) -> str:
    """Return the file of weights that an archive names, or else the default one."""
    packed = find_packed_search(model).inference_config
    decode = read_inference(packed).decode if packed else {}
    return str(decode.get("asr_model", options.asr_model))
