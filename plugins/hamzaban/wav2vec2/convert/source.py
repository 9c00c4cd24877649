"""Reading a wav2vec 2.0 model from wherever it comes."""

import logging
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config, Wav2Vec2Model

from hamzaban.wav2vec2.checkpoint import (
    KEYS,
    Checkpoint,
    compare_weights,
    read_checkpoint,
)
from hamzaban.wav2vec2.convert.fairseq import (
    describe_layout,
    is_fairseq,
    read_fairseq,
)
from hamzaban.wav2vec2.convert.huggingface import CONFIG, read_huggingface
from hamzaban.wav2vec2.convert.restricted import check_kind, load_restricted

OURS = "wav2vec2.pt"


class Source(NamedTuple):
    """A model read, and what it is.

    Attributes:
        checkpoint: The model by S3PRL's names, as the file has it.
        form: What the file is, for reports.
    """

    checkpoint: Checkpoint
    form: str


def read_source(path: str | Path) -> Source:
    """Read a model of any known form; no code from the file is run.

    Args:
        path: A Hugging Face directory, a fairseq `.pt`, a file of ours, or a folder
            with `wav2vec2.pt`.

    Returns:
        The model and its form.

    Raises:
        FileNotFoundError: There is no such file or directory.
        ValueError: It is no wav2vec 2.0 model that S3PRL's class can hold.
    """
    path = Path(path)
    if path.is_dir():
        if (path / CONFIG).is_file():
            return Source(read_huggingface(path), f"Hugging Face directory {path}")
        if not (path / OURS).is_file():
            raise FileNotFoundError(
                f"{path}: no {CONFIG} and no {OURS}; give a Hugging Face directory, a "
                "fairseq .pt or a wav2vec2.pt"
            )
        path = path / OURS
    if path.suffix in (".safetensors", ".bin"):
        raise ValueError(
            f"{path}: holds weights only; give its directory, with {CONFIG} in it"
        )
    return _read_file(path)


def fill_missing(checkpoint: Checkpoint, seed: int = 0) -> tuple[Checkpoint, list[str]]:
    """Make a checkpoint complete, so that pretraining can start from it.

    Args:
        checkpoint: A model, of which parts may be missing or too many.
        seed: Of the random values of missing parameters.

    Returns:
        The model with exactly the parameters of its class; and what did not fit, from
        `compare_weights`, all names listed.

    Raises:
        ValueError: A parameter has another shape than its configuration says.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        own = Wav2Vec2Model(Wav2Vec2Config(**checkpoint.model_cfg)).state_dict()
    wrong, is_shape_wrong = compare_weights(own, checkpoint.model_weight, shown=10**6)
    if is_shape_wrong:
        raise ValueError(
            f"parameters do not fit their configuration ({wrong[-1]}); the model's "
            "files do not belong together, get them again"
        )
    weights = {name: checkpoint.model_weight.get(name, own[name]) for name in own}
    return checkpoint._replace(model_weight=weights), wrong


def _read_file(path: Path) -> Source:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; give an existing checkpoint file or directory"
        )
    check_kind(path)
    if _is_plain(path):
        return Source(read_checkpoint(path), f"checkpoint {path}")
    state = load_restricted(path)
    if not is_fairseq(state):
        found = type(state).__name__
        if isinstance(state, Mapping):
            found = f"keys {', '.join(map(str, list(state)[:8]))}"
        raise ValueError(
            f"{path}: found {found}, expected {', '.join(KEYS)}, or model with cfg or "
            "args as fairseq writes them"
        )
    logging.info(f"{path}: read without running the code it names")
    return Source(read_fairseq(state, str(path)), describe_layout(state, path))


def _is_plain(path: Path) -> bool:
    """Tell whether a file holds tensors and plain values in our form."""
    try:
        mmap = zipfile.is_zipfile(path)
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError):
        return False
    return isinstance(state, Mapping) and set(KEYS) <= set(state)
