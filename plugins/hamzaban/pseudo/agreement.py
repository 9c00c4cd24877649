"""Measure how far pseudo-labels agree with other decodings of the same audio.

The others are given decodings, or passes of the same model with dropout.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hamzaban.data.files import read_scp
from hamzaban.decode.path import BLANK_ID, LogProbs, greedy_path
from hamzaban.decode.store import EmissionStore
from hamzaban.fileio import atomic_text
from hamzaban.pseudo.filters import DROPOUT, OTHERS, FilterOptions
from hamzaban.pseudo.label import Label, read_labels

TABLE = "agreement.tsv"
PASSES = "emissions_dropout_*"  # folder of a round that make-emissions --dropout wrote

Values = dict[str, float]


def measure_agreement(
    labels: Sequence[Label], options: FilterOptions, folder: Path, number: int
) -> dict[str, Values]:
    """Measure the agreement that the filters ask for, and write `agreement.tsv`.

    Args:
        labels: The labels of a round.
        options: The filters; `{round}` in the paths of `others` stands for the number
            of the round.
        folder: The folder of the round, which holds its emissions and the passes with
            dropout.
        number: The number of the round.

    Returns:
        Disagreement from 0 (all agree) to 1, by name of the metric and by utt_id; empty
        if no filter asks for one.

    Raises:
        FileNotFoundError: Another decoding or the passes are missing.
        ValueError: One of them was made from other audio.
    """
    found: dict[str, Values] = {}
    if options.uses(OTHERS):
        paths = [Path(path.format(round=number)) for path in options.others]
        found[OTHERS] = compare_texts(labels, [read_texts(path) for path in paths])
    if options.uses(DROPOUT):
        passes = sorted(folder.glob(f"{PASSES}/meta.json"))
        if not passes:
            raise FileNotFoundError(
                f"{folder}/{PASSES}: missing, and the filter {DROPOUT} needs them; run "
                "make-emissions --dropout 0.1 --dropout_seed 1, ... on the same audio"
            )
        stores = [EmissionStore(path.parent) for path in passes]
        found[DROPOUT] = compare_passes(EmissionStore(folder / "emissions"), stores)
    if found:
        with atomic_text(folder / TABLE) as f:
            f.write("\t".join(["utt_id", *found]) + "\n")
            for label in labels:
                cells = (f"{values[label.utt_id]:.4f}" for values in found.values())
                f.write("\t".join([label.utt_id, *cells]) + "\n")
    return found


def read_texts(path: Path) -> dict[str, str]:
    """Read another decoding: a Kaldi text, or a folder of labels of a round.

    Raises:
        FileNotFoundError: There is none.
    """
    if path.is_dir():
        parts = sorted(path.glob("*.jsonl"))
        if not parts:
            raise FileNotFoundError(
                f"{path}: has no labels; give the folder round_<k>/labels of a round"
            )
        return {label.utt_id: label.text for label in read_labels(parts)}
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such decoding; see filters: others")
    return dict(read_scp(path))


def compare_texts(
    labels: Sequence[Label], others: Sequence[Mapping[str, str]]
) -> Values:
    """Return the mean disagreement of each label with other decodings.

    Args:
        labels: The labels of a round.
        others: Texts by utt_id, one mapping for each decoding.

    Returns:
        Edits in characters without spaces, divided by the length of the longer text; 0
        if both are empty.

    Raises:
        ValueError: A decoding lacks an utterance.
    """
    from rapidfuzz.distance import Levenshtein

    found = {}
    for label in labels:
        own, rates = label.text.replace(" ", ""), []
        for other in others:
            if label.utt_id not in other:
                raise ValueError(
                    f"filters: others: a decoding of {len(other)} utterances lacks "
                    f"{label.utt_id}; give decodings of the same audio"
                )
            text = other[label.utt_id].replace(" ", "")
            rates.append(Levenshtein.normalized_distance(own, text))
        found[label.utt_id] = sum(rates) / len(rates)
    return found


def compare_passes(store: EmissionStore, passes: Sequence[EmissionStore]) -> Values:
    """Return the mean disagreement of greedy decoding with passes with dropout.

    Raises:
        ValueError: A pass was made with another model or from other audio.
    """
    from rapidfuzz.distance import Levenshtein

    for other in passes:
        source = {k: v for k, v in other.meta.source.items() if k != "dropout"}
        if source != store.meta.source:
            raise ValueError(
                f"{other.folder}: was made with another model or from other audio than "
                f"{store.folder}; remove it and make the passes again"
            )
    found = {}
    for utt_id in store:
        own = _read_tokens(store.read(utt_id))
        rates = [
            Levenshtein.normalized_distance(own, _read_tokens(other.read(utt_id)))
            for other in passes
        ]
        found[utt_id] = sum(rates) / len(rates)
    return found


@dataclasses.dataclass(frozen=True)
class ComparedLabel(Label):
    """A label with its metrics of agreement; a metric that was not measured is NaN.

    Attributes:
        others_disagreement: Compared with other decodings; see `compare_texts`.
        dropout_disagreement: Compared with passes with dropout; see `compare_passes`.
    """

    others_disagreement: float = math.nan
    dropout_disagreement: float = math.nan


def add_agreement(
    labels: Sequence[Label], found: Mapping[str, Values]
) -> Sequence[Label]:
    """Return labels that carry the metrics which `measure_agreement` found."""
    if not found:
        return labels
    nothing = dict.fromkeys((label.utt_id for label in labels), math.nan)
    others, dropout = (found.get(name, nothing) for name in (OTHERS, DROPOUT))
    return [
        ComparedLabel(
            **vars(label),
            others_disagreement=others[label.utt_id],
            dropout_disagreement=dropout[label.utt_id],
        )
        for label in labels
    ]


def _read_tokens(log_probs: LogProbs) -> list[int]:
    """Return the tokens of the greedy path; `log_probs` has shape (T, V)."""
    path = np.array(greedy_path(log_probs), np.int64)  # (T,)
    if not len(path):
        return []
    starts = np.ones(len(path), bool)
    starts[1:] = path[1:] != path[:-1]
    return path[starts & (path != BLANK_ID)].tolist()
