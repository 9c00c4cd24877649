"""Read a trained recognizer and fold its parts into wav2vec 2.0 and one linear layer.

That is all that transformers' `Wav2Vec2ForCTC` and most runtimes can express. What
cannot be folded exactly is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from hamzaban.config import load_mapping
from hamzaban.decode.experiment import find_experiment, find_named
from hamzaban.text.tokens import SPACE, WORD_BOUNDARY
from hamzaban.wav2vec2.checkpoint import Checkpoint
from hamzaban.wav2vec2.convert.finetuned import find_finetuned, read_finetuned
from hamzaban.wav2vec2.finetuned_names import PRETRAINING_PARTS
from hamzaban.weights.door import read_weights

HEAD = "ctc.ctc_lo."
JOINT = "hamzaban_joint_ctc"
_LINEAR = "preencoder.linear_out."
_OTHER = "export it with --to espnet, or transcribe with hamzaban"


@dataclasses.dataclass(frozen=True)
class CtcModel:
    """wav2vec 2.0 and a linear layer to tokens.

    Attributes:
        place: The file of weights, for messages.
        values: The options of train-asr, from config.yaml.
        checkpoint: The wav2vec 2.0 model by S3PRL's names, without the parts of
            pretraining.
        weight: Weights of the linear layer, shape (V, D).
        bias: Its bias, shape (V,).
        tokens: The V tokens, blank first.
        bpemodel: The SentencePiece model; None for characters.
        language: The language whose head this is; "" for a model of one language.
    """

    place: Path
    values: Mapping[str, Any]
    checkpoint: Checkpoint
    weight: Tensor
    bias: Tensor
    tokens: Sequence[str]
    bpemodel: Path | None
    language: str = ""

    @property
    def is_bpe(self) -> bool:
        """Return whether the tokens are subwords."""
        return self.bpemodel is not None

    @property
    def normalizes(self) -> bool:
        """Return whether waveforms are scaled to unit variance."""
        return bool(self.checkpoint.task_cfg["normalize"])

    @property
    def has_group_norm(self) -> bool:
        """Return whether the first convolution has a norm over time."""
        return self.checkpoint.model_cfg["extractor_mode"] == "default"

    def pieces(self) -> list[str]:
        """Return the tokens with SentencePiece's sign in place of a space."""
        return [WORD_BOUNDARY if token == SPACE else token for token in self.tokens]


def find_model(model: str | Path, asr_model: str) -> tuple[Path, Path]:
    """Return configuration and weights of a recognizer, in a folder or an archive.

    Raises:
        FileNotFoundError: A file is missing.
        NotADirectoryError: There is no such experiment.
        ValueError: It is no recognizer of train-asr.
    """
    folder = find_experiment(model)
    found = find_finetuned(folder, asr_model)
    if found is None:
        raise ValueError(
            f"{model}: no config.yaml, expected a folder that train-asr wrote or a "
            ".zip of pack-model"
        )
    return found


def read_model(config: Path, weights: Path, language: str = "") -> CtcModel:
    """Read a recognizer and fold its parts.

    Args:
        config: config.yaml of train-asr.
        weights: A file of weights of the same training.
        language: The head of a model of several languages.

    Raises:
        ValueError: The recognizer has a part that cannot be folded.
    """
    values = load_mapping(config)
    _check_parts(values, config)
    checkpoint = read_finetuned(config, weights)
    state = read_weights(weights)
    head, tokens = _select_head(values, language, config)
    weight, bias = state[f"{head}weight"].float(), state[f"{head}bias"].float()
    if values.get("preencoder") is not None:
        inner, inner_bias = state[f"{_LINEAR}weight"], state[f"{_LINEAR}bias"]
        bias = bias + weight @ inner_bias.float()
        weight = weight @ inner.float()  # (V, D)
    named = values.get("bpemodel") if values.get("token_type") == "bpe" else None
    bpemodel = find_named(named, config.parent) if named else None
    return CtcModel(
        weights,
        values,
        _take_layer(_drop_parts(checkpoint), values["frontend_conf"], config),
        weight,
        bias,
        tokens,
        bpemodel,
        language,
    )


def select_tokens(values: Mapping[str, Any], language: str, place: Path) -> list[int]:
    """Return the places of a head's tokens in the token list.

    Raises:
        ValueError: The model does not have the language, or needs one to be named.
    """
    tokens = values["token_list"]
    conf: Mapping[str, Any] = values.get("model_conf") or {}
    if values.get("model") != JOINT or conf.get("heads", "language") == "shared":
        if language:
            raise ValueError(
                f"{place}: --language {language} found, but the model has one output "
                "layer; leave the option out"
            )
        return list(range(len(tokens)))
    if language not in conf["languages"]:
        raise ValueError(
            f"{place}: --language '{language}' found; the model has an output layer "
            f"for each of {', '.join(conf['languages'])}, of which one is exported"
        )
    chosen = set((conf.get("head_tokens") or {}).get(language, tokens))
    return [i for i, token in enumerate(tokens) if token in chosen]


def _select_head(
    values: Mapping[str, Any], language: str, place: Path
) -> tuple[str, list[str]]:
    """Return the beginning of the names of a head's weights, and its tokens."""
    ids = select_tokens(values, language, place)
    tokens = [values["token_list"][i] for i in ids]
    return (f"ctc.heads.{language}." if language else HEAD), tokens


def _check_parts(values: Mapping[str, Any], place: Path) -> None:
    """Check that all parts of the model can be folded."""
    outer: Mapping[str, Any] = values.get("frontend_conf") or {}
    inner: Mapping[str, Any] = outer.get("frontend_conf") or {}
    wrong = {
        name: values[name]
        for name in ("normalize", "encoder", "postencoder", "decoder")
        if values.get(name) is not None
    }
    if values.get("preencoder") not in (None, "linear"):
        wrong["preencoder"] = values["preencoder"]
    if outer.get("multilayer_feature"):
        wrong["frontend_conf.multilayer_feature"] = True
    if inner.get("normalize"):
        wrong["frontend_conf.frontend_conf.normalize"] = True
    if (inner.get("tile_factor") or 1) != 1:
        wrong["frontend_conf.frontend_conf.tile_factor"] = inner["tile_factor"]
    if wrong:
        found = ", ".join(f"{name}: {value}" for name, value in wrong.items())
        raise ValueError(
            f"{place}: {found} found, which Wav2Vec2ForCTC does not have; {_OTHER}"
        )


def _drop_parts(checkpoint: Checkpoint) -> Checkpoint:
    """Return a model without the parts that only pretraining uses."""
    weights = {
        name: value
        for name, value in checkpoint.model_weight.items()
        if not name.startswith(PRETRAINING_PARTS)
    }
    return checkpoint._replace(model_weight=weights)


def _take_layer(
    checkpoint: Checkpoint, conf: Mapping[str, Any], place: Path
) -> Checkpoint:
    """Return a model that ends with the layer whose output the recognizer reads."""
    layer, cfg = conf.get("layer", -1), checkpoint.model_cfg
    if layer in (-1, cfg["encoder_layers"]):
        return checkpoint
    if layer < 1 or cfg["layer_norm_first"]:
        raise ValueError(
            f"{place}: frontend_conf.layer: {layer} found, before the norm that "
            f"Wav2Vec2ForCTC applies; {_OTHER}"
        )
    weights = {
        name: value
        for name, value in checkpoint.model_weight.items()
        if not name.startswith("encoder.layers.") or int(name.split(".")[2]) < layer
    }
    model_cfg = {**cfg, "encoder_layers": layer}
    return checkpoint._replace(model_cfg=model_cfg, model_weight=weights)
