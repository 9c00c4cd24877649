"""Find a trained model of any known form and run it on pieces of speech."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from hamzaban.decode.path import LogProbs
from hamzaban.hub.fetch import fetch_with_adapter
from hamzaban.hub.names import EXPECTED
from hamzaban.text.tokens import Tokenizer

if TYPE_CHECKING:
    from hamzaban.decode.recognizer import Recognizer

HF_CONFIG, EXPERIMENT_CONFIG = "config.json", "config.yaml"
ASR_MODEL = "valid.wer.ave.pth"  # the model that recipes decode


@dataclasses.dataclass(frozen=True)
class ModelRequest:
    """A model to load.

    Attributes:
        model: Folder of an experiment, archive of pack-model, Hugging Face directory,
            or name on the Hugging Face hub.
        asr_model: Name of the model file in an experiment.
        language: Head or adapter to use; "" for a model of one language; `predicted`
            where a model finds the language itself.
        ngpu: 0 for the CPU, 1 for a GPU.
    """

    model: str
    asr_model: str = ASR_MODEL
    language: str = ""
    ngpu: int = 0

    @property
    def device(self) -> str:
        """Return the name of the device, as torch calls it."""
        return "cuda" if self.ngpu else "cpu"


class Acoustics(Protocol):
    """A model that turns speech into log-posteriors of tokens."""

    tokenizer: Tokenizer
    fs: int
    conv: Sequence[tuple[int, int]]

    def emit(self, waveforms: Sequence[np.ndarray]) -> list[tuple[LogProbs, str]]:
        """Run the model on a batch.

        Args:
            waveforms: Waveforms at `fs`, float32, shape (samples,) each, at least one
                frame long.

        Returns:
            For each, CTC log-posteriors (natural log), shape (T, V), blank first, and
            the language whose head was used.
        """


def frame_shift(model: Acoustics) -> int:
    """Return the number of samples between two frames."""
    return math.prod(stride for _, stride in model.conv)


def shortest_piece(model: Acoustics) -> int:
    """Return the number of samples that one frame needs."""
    size = 1
    for kernel, stride in reversed(model.conv):
        size = (size - 1) * stride + kernel
    return size


def resolve_model(model: str, language: str = "") -> Path:
    """Return the folder or archive of a model; fetch a model of the hub.

    Args:
        model: A path, or a name on the hub.
        language: Adapter to fetch.

    Raises:
        FileNotFoundError: There is no such model here, and it is no name on the hub.
        ValueError: The hub cannot provide it.
    """
    path = fetch_with_adapter(model, language)
    if path.exists():
        return path
    raise FileNotFoundError(
        f"{model}: no such model, expected a folder of train-asr, a .zip of "
        f"pack-model, a Hugging Face directory, or {EXPECTED}"
    )


def is_huggingface(path: Path) -> bool:
    """Return whether a folder is a model as transformers saves it."""
    return (path / HF_CONFIG).is_file() and not (path / EXPERIMENT_CONFIG).is_file()


def load_acoustics(request: ModelRequest) -> Acoustics:
    """Load a model.

    Raises:
        FileNotFoundError: The model or one of its files is missing.
        ValueError: It is no CTC model, or its files do not fit together.
    """
    path = resolve_model(request.model, request.language)
    if is_huggingface(path):
        from hamzaban.transcribe.huggingface import load_huggingface

        return load_huggingface(path, request.language, request.device)
    if path.is_file() and path.suffix != ".zip":
        raise ValueError(
            f"{path}: a file, expected a folder of train-asr, a .zip of pack-model or "
            "a Hugging Face directory; name the folder that holds the file"
        )
    return _load_experiment(path, request)


class _Experiment:
    """A model that train-asr wrote."""

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self.tokenizer = recognizer.tokenizer
        self.fs, self.conv = recognizer.fs, recognizer.conv

    def emit(self, waveforms: Sequence[np.ndarray]) -> list[tuple[LogProbs, str]]:
        import torch

        tensors = [torch.from_numpy(speech) for speech in waveforms]
        ids = [str(i) for i in range(len(tensors))]
        log_probs, lengths, spoken = self._recognizer.emit(tensors, ids)
        arrays = log_probs.float().cpu().numpy()  # (B, T, V)
        found = zip(arrays, lengths.tolist(), spoken, strict=True)
        return [(array[:size], said.language) for array, size, said in found]


def _load_experiment(path: Path, request: ModelRequest) -> Acoustics:
    from hamzaban.decode.decode_options import DecodeOptions
    from hamzaban.decode.languages import Routing
    from hamzaban.decode.recognizer import find_files, load_for_decoding

    find_files(path, request.asr_model)  # report a wrong name at once
    options = DecodeOptions(asr_model=request.asr_model, ngpu=request.ngpu)
    recognizer = load_for_decoding(path, options, native=True)
    language = choose_language(recognizer.model, request.language)
    if language:
        routing = Routing(language, {})
        recognizer = dataclasses.replace(recognizer, routing=routing)
    return _Experiment(recognizer)


def choose_language(model: Any, language: str) -> str:
    """Return the language mode of a model; "" for a model of one language.

    If no language is given, a model that can identify the language does so.

    Raises:
        ValueError: The model does not have the language, or needs one to be named.
    """
    from hamzaban.decode.decode_options import PREDICTED

    languages = getattr(model, "languages", None)
    if languages is None:
        if language:
            raise ValueError(
                f"--language {language}: the model has one language only; leave the "
                "option out"
            )
        return ""
    known = [*languages, *([PREDICTED] if model.lid is not None else [])]
    if not language and (model.lid is not None or not model.has_heads):
        return PREDICTED if model.lid is not None else languages[0]
    if language not in known:
        raise ValueError(
            f"--language '{language}' found; the model knows {', '.join(known)}"
        )
    return language
