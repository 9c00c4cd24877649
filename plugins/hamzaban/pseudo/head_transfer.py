"""Rearrange the output layer of a source model for the tokens of a target language."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from hamzaban.decode.recognizer import read_config
from hamzaban.decode.spelling import Tiers, fold_word, read_spelling
from hamzaban.decode.word_forms import PHONES, split_form
from hamzaban.text.tokens import WORD_BOUNDARY, read_token_list
from hamzaban.train.checkpoints import save
from hamzaban.weights.door import read_weights

WEIGHT, BIAS = "ctc.ctc_lo.weight", "ctc.ctc_lo.bias"
# The parts of a hamzaban_ctc model; other models also have, say, a decoder.
PARTS = ("frontend.", "normalize.", "preencoder.", "encoder.", "postencoder.", "ctc.")
MAX_WAYS = 8  # most spellings of a piece in letters of the source to try


def match_tokens(
    source: Sequence[str],
    target: Sequence[str],
    mapping: Mapping[str, Tiers],
    forms: Mapping[str, str] | None = None,
) -> list[int | None]:
    """Match each token of the target with the token of the source that sounds like it.

    Args:
        source: Tokens of the source model.
        target: Tokens of the target model.
        mapping: The mapping of letters from `read_mapping`; empty for none.
        forms: The letters and pieces of the target, romanized or as phones, if the
            source is written that way.

    Returns:
        For each token of the target its row in the source: that of the same token,
        else of the nearest one that the mapping names, else, for a letter with a form,
        of the first symbol of the form that the source has; None if there is none.
    """
    places = {token: place for place, token in enumerate(source)}
    known = {char for token in source if not _is_sign(token) for char in token}
    rows: list[int | None] = []
    for token in target:
        start, text = _split(token)
        form = (forms or {}).get(text)
        spelled = text if form is None or known.issuperset(text) else form
        ways = fold_word(spelled, mapping, known, MAX_WAYS)
        if form and len(text) == 1:
            ways += [way[0] for c in form for way in fold_word(c, mapping, known, 1)]
        names = [token, *(start + way for way in ways)]
        rows.append(next((places[name] for name in names if name in places), None))
    return rows


def turn_output_layer(
    weights: Mapping[str, Tensor], rows: Sequence[int | None]
) -> dict[str, Tensor]:
    """Return a model's weights with its output layer rearranged for other tokens.

    A token without a row gets weights of 0 and the lowest bias of the layer, so that it
    is not decoded before it is learnt.

    Args:
        weights: The weights of the source model; its output layer has shape (V, D).
        rows: The row in the source for each of the U tokens of the target.

    Returns:
        All weights, with an output layer of shape (U, D).

    Raises:
        ValueError: The model has no such layer.
    """
    if WEIGHT not in weights or BIAS not in weights:
        raise ValueError(
            f"the source model has no {WEIGHT}; its output layer cannot be taken over: "
            "give a model of one language with a linear CTC layer"
        )
    weight, bias = weights[WEIGHT], weights[BIAS]
    turned = torch.zeros(len(rows), weight.shape[1], dtype=weight.dtype)
    turned_bias = torch.full((len(rows),), bias.min().item(), dtype=bias.dtype)
    for place, row in enumerate(rows):
        if row is not None:
            turned[place], turned_bias[place] = weight[row], bias[row]
    return {**weights, WEIGHT: turned, BIAS: turned_bias}


def keep_parts(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights that a plain CTC model also has; log the names of others."""
    others = sorted(name for name in weights if not name.startswith(PARTS))
    if others:
        logging.info(f"Left out, since a plain CTC model lacks them: {_name(others)}")
    return {name: weights[name] for name in weights if name not in others}


def write_turned(
    source_exp: Path,
    token_list: Path,
    output: Path,
    *,
    asr_model: str,
    mapping: str | None,
) -> int:
    """Write a source model's weights for the tokens of a target.

    Args:
        source_exp: Folder of the source model, with its config.yaml.
        token_list: Tokens of the target.
        output: File to write.
        asr_model: Name of the file of weights in `source_exp`.
        mapping: The option `mapping` of conf/pseudo.yaml.

    Returns:
        The number of target tokens without a match in the source.

    Raises:
        FileNotFoundError: A file, or espeak-ng, is missing.
        ValueError: The model's output layer is not that of its token list.
    """
    source = list(read_config(source_exp / "config.yaml").token_list)
    target = read_token_list(token_list)
    table, forms = read_spelling(mapping, _readable(target, mapping))
    weights = _load_weights(source_exp / asr_model, len(source))
    rows = match_tokens(source, target, table, forms)
    output.parent.mkdir(parents=True, exist_ok=True)
    save(turn_output_layer(keep_parts(weights), rows), output)
    new = [token for token, row in zip(target, rows, strict=True) if row is None]
    same, total = len(set(source) & set(target)), len(target)
    logging.info(
        f"Output layer: {same} of {total} tokens are in {source_exp}, "
        f"{total - same - len(new)} are mapped, {len(new)} are new: {' '.join(new)}"
    )
    _warn_of_new(source_exp, token_list, target, new)
    return len(new)


def _warn_of_new(
    source_exp: Path, token_list: Path, target: Sequence[str], new: Sequence[str]
) -> None:
    spoken = sum(not _is_sign(token) for token in target)
    lost = sum(not _is_sign(token) for token in new)
    if 2 * lost > spoken:
        logging.warning(
            f"{lost} of {spoken} tokens of {token_list} are new to the model of "
            f"{source_exp}; rounds that start this way tend to collapse; give a "
            "`mapping` to the letters of the source, or use characters as tokens"
        )


def _load_weights(model: Path, num_tokens: int) -> dict[str, Tensor]:
    if not model.is_file():
        raise FileNotFoundError(f"{model}: no such file; train the source model first")
    weights = read_weights(model)
    if BIAS in weights and len(weights[BIAS]) != num_tokens:
        raise ValueError(
            f"{model} has {len(weights[BIAS])} outputs, its config.yaml {num_tokens} "
            "tokens; train the source model again"
        )
    return weights


def _name(names: Sequence[str], shown: int = 4) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _split(token: str) -> tuple[str, str]:
    """Split a token into the mark of the start of a word and its letters."""
    start = WORD_BOUNDARY if token.startswith(WORD_BOUNDARY) else ""
    return start, "" if _is_sign(token) else token[len(start) :]


def _readable(tokens: Sequence[str], mapping: str | None) -> list[str]:
    """Return the letters and pieces that a voice can read: no mark without a letter."""
    texts = dict.fromkeys(text for _, text in map(_split, tokens) if text)
    if split_form(mapping)[0] != PHONES:
        return list(texts)
    return [t for t in texts if not unicodedata.category(t[0]).startswith("M")]


def _is_sign(token: str) -> bool:
    return len(token) > 2 and token[0] == "<" and token[-1] == ">"
