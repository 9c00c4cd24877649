"""Fine-tuning that starts from a CTC model: its output layer is kept where it fits."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from hamzaban.asr.heads import LanguageHeads
from hamzaban.text.vocabulary import read_vocabulary
from hamzaban.wav2vec2.convert.huggingface import read_head

_SHOWN = 10  # most new tokens to name


class Head(NamedTuple):
    """The output layer of a CTC model.

    Attributes:
        weight: Shape (V, D).
        bias: Shape (V,).
        rows: The row of each token, ours by name.
    """

    weight: Tensor
    bias: Tensor
    rows: Mapping[str, int]


def start_heads(model: Any, checkpoint: Path) -> None:
    """Fill a recognizer's output layers from a CTC checkpoint, if it is one.

    A row is taken over by the spelling of its token; other tokens keep random weights.
    The log says how many.

    Args:
        model: A model of ours that is about to be trained.
        checkpoint: What its wav2vec 2.0 model was read from.

    Raises:
        ValueError: The files of the checkpoint do not fit together.
    """
    head = read_ctc_head(checkpoint)
    if head is None:
        return
    if reason := explain_new(model):
        logging.warning(
            f"{checkpoint}: its output layer of {len(head.bias)} tokens is not used, "
            f"since {reason}; all tokens start from random weights"
        )
        return
    for name, layer, tokens in list_layers(model):
        same = copy_rows(layer, tokens, head)
        new = [token for token in tokens if token not in same]
        report(f"{checkpoint}{name}", tokens, new, head)


def read_ctc_head(checkpoint: Path) -> Head | None:
    """Return the output layer of a Hugging Face directory; None if there is none.

    Raises:
        ValueError: Vocabulary and layer do not fit together.
    """
    if not (checkpoint / "config.json").is_file():
        return None
    found = read_head(checkpoint)
    if found is None:
        return None
    weight, bias = found
    try:
        vocabulary, _ = read_vocabulary(checkpoint, "")
    except FileNotFoundError as error:
        logging.warning(f"{error}; its output layer is not used")
        return None
    if max(vocabulary.rows.values()) >= len(bias):
        raise ValueError(
            f"{checkpoint}: vocab.json has token {max(vocabulary.rows.values())}, the "
            f"output layer {len(bias)} tokens; give the files of one model"
        )
    return Head(weight, bias, vocabulary.rows)


def explain_new(model: Any) -> str:
    """Return why the output layer does not read what that of a CTC model reads."""
    frontend = model.frontend
    if frontend.options.reinit_layers:
        return f"reinit_layers is {frontend.options.reinit_layers}"
    if frontend.layer != -1 or frontend.multilayer_feature or frontend.normalize:
        return "the features are not the last layer of wav2vec 2.0"
    parts = ("normalize", "preencoder", "encoder", "postencoder")
    found = [name for name in parts if getattr(model, name, None) is not None]
    return f"there is a part {found[0]} before it" if found else ""


def list_layers(model: Any) -> list[tuple[str, Any, list[str]]]:
    """Return the output layers of a model: the language, if any, and the tokens."""
    tokens = list(model.token_list)
    if not isinstance(model.ctc, LanguageHeads):
        return [("", model.ctc.ctc_lo, tokens)]
    return [
        (
            f" ({language})",
            model.ctc.heads[language],
            [tokens[i] for i in getattr(model.ctc, f"ids_{language}").tolist()],
        )
        for language in model.ctc.languages
    ]


def copy_rows(layer: nn.Linear, tokens: Sequence[str], head: Head) -> set[str]:
    """Copy the rows of tokens that both have; return these tokens."""
    if layer.in_features != head.weight.shape[1]:
        return set()
    same = {token for token in tokens if token in head.rows}
    with torch.no_grad():
        for place, token in enumerate(tokens):
            if token in same:
                layer.weight[place] = head.weight[head.rows[token]]
                layer.bias[place] = head.bias[head.rows[token]]
    return same


def report(place: str, tokens: Sequence[str], new: Sequence[str], head: Head) -> None:
    """Log what became of an output layer."""
    kept = len(tokens) - len(new)
    if not new and len(head.rows) == len(tokens):
        logging.info(f"{place}: output layer kept, the {kept} tokens are the same")
        return
    shown = " ".join(new[:_SHOWN]) + (" ..." if len(new) > _SHOWN else "")
    logging.info(
        f"{place}: {kept} of {len(tokens)} tokens keep their rows of the output layer, "
        f"{len(new)} are new{f' ({shown})' if new else ''}; {len(head.rows) - kept} of "
        f"its {len(head.rows)} tokens are not used"
    )
