"""Read a wav2vec 2.0 model of any known form, and complete it."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config, Wav2Vec2Model

from hamzaban.hub.fetch import locate
from hamzaban.wav2vec2.checkpoint import (
    MIN_SHARE,
    Checkpoint,
    check_share,
    compare_weights,
    parse_checkpoint,
)
from hamzaban.wav2vec2.convert.directory import CONFIG
from hamzaban.wav2vec2.convert.fairseq import (
    describe_layout,
    is_fairseq,
    read_fairseq,
)
from hamzaban.wav2vec2.convert.huggingface import read_huggingface
from hamzaban.wav2vec2.convert.relatives import check_relative
from hamzaban.wav2vec2.frames import parse_conv
from hamzaban.weights.door import ForeignObjectError, read_file, read_foreign
from hamzaban.weights.peek import KEYS

OURS = "wav2vec2.pt"
_LONGEST = 1200  # characters of a message that may quote the file
_SIZES = (
    "encoder_layers",
    "encoder_embed_dim",
    "encoder_ffn_embed_dim",
    "encoder_attention_heads",
    "conv_pos",
    "conv_pos_groups",
    "latent_vars",
)


class Source(NamedTuple):
    """A model that was read, and the form of its file.

    Attributes:
        checkpoint: The model by S3PRL's names, as the file has it.
        form: Description of the file, for reports.
    """

    checkpoint: Checkpoint
    form: str


def read_source(path: str | Path) -> Source:
    """Read a model of any known form; no code from the file is run.

    Args:
        path: A Hugging Face directory, a fairseq `.pt`, a file of ours, a folder with
            `wav2vec2.pt`, or the name of one of these on the hub.

    Returns:
        The model and its form.

    Raises:
        FileNotFoundError: There is no such file or directory.
        ValueError: It is not a wav2vec 2.0 model that S3PRL's class can hold, or its
            weights are not finite.
    """
    path = locate(path)
    try:
        found = _read(path)
        _check_size(found.checkpoint, path)
        return found
    except OSError:
        raise
    except ValueError as error:
        text = str(error) if str(path) in str(error) else f"{path}: {error}"
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]} ..."
        raise ValueError(text) from None
    except Exception as error:  # a value of a wrong type, anywhere in a foreign file
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise ValueError(
            f"{path}: its configuration is not understood ({reason}); expected that of "
            "a wav2vec 2.0 model; download it again"
        ) from None


def _read(path: Path) -> Source:
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


def fill_missing(
    checkpoint: Checkpoint, seed: int = 0, place: str | Path = "checkpoint"
) -> tuple[Checkpoint, list[str]]:
    """Make a checkpoint complete, so that pretraining can start from it.

    Args:
        checkpoint: A model, of which parts may be missing or too many.
        seed: Seed of the random values of missing parameters.
        place: Where it comes from, for messages.

    Returns:
        The model with exactly the parameters of its class; and what did not fit, from
        `compare_weights`, all names listed.

    Raises:
        ValueError: A parameter has another shape than its configuration says, or less
            than `MIN_SHARE` of the model is there.
    """
    own = _build(checkpoint.model_cfg, place, seed)
    check_share(own, checkpoint.model_weight, place)
    wrong, is_shape_wrong = compare_weights(own, checkpoint.model_weight, shown=10**6)
    if is_shape_wrong:
        raise ValueError(
            f"{place}: parameters do not fit their configuration ({wrong[-1]}); the "
            "model's files do not belong together, get them again"
        )
    weights = {name: checkpoint.model_weight.get(name, own[name]) for name in own}
    return checkpoint._replace(model_weight=weights), wrong


def _build(model_cfg: Mapping[str, Any], place: str | Path, seed: int) -> dict:
    """Return the parameters of a new model."""
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Wav2Vec2Model(Wav2Vec2Config(**model_cfg)).state_dict()
    except Exception as error:  # S3PRL and torch raise any error
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise ValueError(
            f"{place}: its configuration describes no model that can be built "
            f"({reason}); get its files again"
        ) from None


def _check_size(checkpoint: Checkpoint, path: Path) -> None:
    """Check that a configuration describes no larger model than the file holds.

    Building a model allocates what its configuration says.
    """
    cfg = checkpoint.model_cfg
    sizes = {name: cfg[name] for name in _SIZES}
    wrong = {name: size for name, size in sizes.items() if size < 1}
    width, layers = cfg["encoder_embed_dim"], cfg["encoder_layers"]
    described = layers * width * (4 * width + 2 * cfg["encoder_ffn_embed_dim"])
    described += cfg["conv_pos"] * width * width // max(cfg["conv_pos_groups"], 1)
    described += cfg["latent_vars"] * (cfg["latent_dim"] or cfg["final_dim"] or width)
    channels = 1
    for dim, kernel, _ in parse_conv(cfg["conv_feature_layers"]):
        described, channels = described + channels * dim * kernel, dim
    found = sum(value.numel() for value in checkpoint.model_weight.values())
    if wrong or described * MIN_SHARE > found:
        raise ValueError(
            f"{path}: its configuration describes a model of {described} parameters "
            f"({sizes}), but its weights are {found}; the model's files do not belong "
            "together, get them again"
        )


def _read_file(path: Path) -> Source:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; give an existing checkpoint file or directory"
        )
    try:
        state = read_file(path)
    except ForeignObjectError:
        state = read_foreign(path)
        logging.info(f"{path}: read without running the code it names")
    if isinstance(state, Mapping) and set(KEYS) <= set(state):
        check_relative(state, str(path))
        return Source(parse_checkpoint(state, path), f"checkpoint {path}")
    if not is_fairseq(state):
        found = type(state).__name__
        if isinstance(state, Mapping):
            found = f"keys {', '.join(map(str, list(state)[:8]))}"
        raise ValueError(
            f"{path}: found {found}, expected {', '.join(KEYS)}, or model with cfg or "
            "args as fairseq writes them"
        )
    return Source(read_fairseq(state, str(path)), describe_layout(state, path))
