"""Speech recognition for languages with little labelled speech, on top of ESPnet."""

from __future__ import annotations

from os import PathLike, fspath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hamzaban.transcribe.transcriber import Transcriber

__version__ = "0.1.0"


def load(model: str | PathLike[str], *, language: str = "") -> Transcriber:
    """Load a model whose `transcribe(path_or_samples)` returns words with times.

    Args:
        model: Folder of train-asr, .zip of pack-model, Hugging Face directory of a
            Wav2Vec2ForCTC, or the name of one on the hub.
        language: Head or adapter of a model of several languages.

    Raises:
        FileNotFoundError: The model or one of its files is missing.
        ValueError: It is no CTC model, or its files do not fit together.
    """
    from hamzaban.transcribe.acoustics import ModelRequest
    from hamzaban.transcribe.loading import load_transcriber

    return load_transcriber(ModelRequest(fspath(model), language=language))
