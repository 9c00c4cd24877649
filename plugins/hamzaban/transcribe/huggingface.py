"""Load Hugging Face directories of `Wav2Vec2ForCTC`."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hamzaban.decode.path import LogProbs
from hamzaban.decode.recognizer import Recognizer
from hamzaban.text.tokens import BpeTokenizer, CharTokenizer, Tokenizer
from hamzaban.text.vocabulary import VOCAB, Vocabulary, read_vocabulary
from hamzaban.transcribe.transcribe_options import FS
from hamzaban.wav2vec2.convert.directory import (
    CONFIG,
    read_json,
    read_normalize,
    read_pieces,
)
from hamzaban.wav2vec2.inference import (
    ACTIVATIONS,
    DEFAULTS,
    Wav2Vec2Ctc,
    build_model,
    merge_weight_norm,
)
from hamzaban.weights.door import read_safetensors, read_weights
from hamzaban.weights.values import check_finite

BPEMODEL = "bpe.model"  # `hamzaban export` adds it where tokens are subwords
SIZES = (  # fields of config.json that are whole numbers from 1
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"),
    *("num_conv_pos_embeddings", "num_conv_pos_embedding_groups"),
)
NEVER = -1e4  # log-posterior of a token that the model does not have


class HuggingFaceModel:
    """A model that transformers saved; see `acoustics.Acoustics`."""

    def __init__(
        self,
        model: Wav2Vec2Ctc,
        vocab: Vocabulary,
        *,
        conv: Sequence[tuple[int, int]],
        normalize: bool,
        bpemodel: Path | None = None,
    ) -> None:
        """Assemble the model from its parts.

        Args:
            model: In eval mode, on its device.
            vocab: Its tokens.
            conv: (kernel, stride) of each convolution.
            normalize: Whether waveforms are scaled to zero mean and unit variance.
            bpemodel: The SentencePiece model, if tokens are subwords.
        """
        self.tokenizer: Tokenizer = CharTokenizer(vocab.tokens)
        if bpemodel is not None:
            self.tokenizer = BpeTokenizer(vocab.tokens, bpemodel)
        self.fs, self.conv = FS, conv
        self.model, self._vocab, self._normalize = model, vocab, normalize

    def emit(self, waveforms: Sequence[np.ndarray]) -> list[tuple[LogProbs, str]]:
        """Run the model on a batch; see `acoustics.Acoustics.emit`."""
        log_probs, lengths = self.run([torch.from_numpy(each) for each in waveforms])
        language = self._vocab.language
        arrays = log_probs.cpu().numpy()
        return [(a[:n], language) for a, n in zip(arrays, lengths, strict=True)]

    def run(self, waveforms: Sequence[Tensor]) -> tuple[Tensor, list[int]]:
        """Run the model on a batch.

        Args:
            waveforms: B waveforms, shape (samples,) each, at least one frame long.

        Returns:
            Log-posteriors (natural log) of `tokenizer`, shape (B, T, V), on the model's
            device, and the number of valid frames of each.
        """
        device = self.model.lm_head.weight.device
        with torch.inference_mode():
            speech = [each.to(device) for each in waveforms]
            if self._normalize:
                speech = [normalize(each) for each in speech]
            logits, lengths = self.model(speech)  # (B, T, V)
            columns = torch.tensor(self._vocab.columns, device=device)
            log_probs = logits.float()[..., columns].log_softmax(-1)
            log_probs = torch.nn.functional.pad(log_probs, (0, 1), value=NEVER)
        return log_probs[..., self._vocab.order], lengths


class _LikeEspnet(torch.nn.Module):
    """A model with the methods that decoding calls; its features are log-posteriors."""

    def __init__(self, inner: HuggingFaceModel) -> None:
        super().__init__()
        self.parts = inner.model  # parameters, by which decoding finds the device
        self.ctc = types.SimpleNamespace(log_softmax=lambda out: out)
        self._run = inner.run

    def encode(self, speech: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Run the model on waveforms, shape (B, S), with `lengths` samples, (B,)."""
        rows = zip(speech, lengths.tolist(), strict=True)
        out, frames = self._run([row[:size] for row, size in rows])
        return out, torch.tensor(frames, device=out.device)


def make_recognizer(model: HuggingFaceModel) -> Recognizer:
    """Return a model in the form that make-emissions and align take."""
    return Recognizer(_LikeEspnet(model), model.tokenizer, model.fs, model.conv)


def load_huggingface(folder: Path, language: str, device: str) -> HuggingFaceModel:
    """Load a directory of `Wav2Vec2ForCTC`; no code from it is run.

    Args:
        folder: The directory, with config.json, vocab.json and weights.
        language: Adapter and vocabulary to use; "" for the model's own.
        device: `cpu` or `cuda`.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: It is another model, or its files do not fit together.
    """
    config = {**DEFAULTS, **read_json(folder / CONFIG)}
    _check_config(config, folder / CONFIG)
    vocab, language = read_vocabulary(folder, language)
    weights = read_pieces(folder)
    if language and config["adapter_attn_dim"]:
        weights |= _read_adapter(folder, language)
    check_finite(weights, folder)
    if "lm_head.weight" not in weights:
        raise ValueError(
            f"{folder}: no lm_head.weight, so this model was only pretrained; "
            "fine-tune it first, or give a directory of Wav2Vec2ForCTC"
        )
    config["vocab_size"] = len(weights["lm_head.weight"])
    if max(vocab.columns) >= config["vocab_size"]:
        raise ValueError(
            f"{folder / VOCAB}: column {max(vocab.columns)} found, the model has "
            f"{config['vocab_size']}; give the files of one model"
        )
    model = build_model(
        lambda: Wav2Vec2Ctc(config),
        merge_weight_norm(weights),
        folder / CONFIG,
        folder,
    )
    conv = list(zip(config["conv_kernel"], config["conv_stride"], strict=True))
    return HuggingFaceModel(
        model.to(device),
        vocab,
        conv=conv,
        normalize=read_normalize(folder),
        bpemodel=folder / BPEMODEL if (folder / BPEMODEL).is_file() else None,
    )


def normalize(speech: Tensor) -> Tensor:
    """Return a waveform with zero mean and unit variance, as transformers does."""
    return (speech - speech.mean()) / (speech.var(correction=0) + 1e-7).sqrt()


def _check_config(config: Mapping[str, Any], place: Path) -> None:
    wrong = {
        name: config[name]
        for name, known in (
            ("feat_extract_norm", ("group", "layer")),
            ("hidden_act", ACTIVATIONS),
            ("feat_extract_activation", ACTIVATIONS),
        )
        if config[name] not in known
    }
    if config.get("model_type") != "wav2vec2":
        wrong["model_type"] = config.get("model_type")
    if config.get("add_adapter"):
        wrong["add_adapter"] = True
    for name in SIZES:
        if type(config[name]) is not int or config[name] < 1:
            wrong[name] = config[name]
    width, heads = config["hidden_size"], config["num_attention_heads"]
    if not wrong and width % heads:
        wrong["num_attention_heads"] = heads
    if wrong:
        raise ValueError(
            f"{place}: {wrong} found, which cannot be run; expected a Wav2Vec2ForCTC "
            f"with activations {', '.join(ACTIVATIONS)} and no add_adapter"
        )


def _read_adapter(folder: Path, language: str) -> dict[str, Tensor]:
    path = folder / f"adapter.{language}.safetensors"
    if path.is_file():
        return read_safetensors(path)
    path = path.with_suffix(".bin")
    if path.is_file():
        return read_weights(path)
    raise FileNotFoundError(
        f"{folder}: no adapter.{language}.safetensors and no adapter.{language}.bin; "
        "download the adapter of the language, too"
    )
