"""The graph that a text and its recording are aligned on.

The states of a sentence are a wildcard and then its tokens, with a blank before each
except the first. One more wildcard ends the text. A wildcard accepts a blank and, at a
cost, any token that the model hears: speech that the text lacks. A sentence that is not
spoken is skipped at a cost for each of its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hamzaban.decode.path import BLANK_ID

WILDCARD = -1  # label of a wildcard's state


@dataclass(frozen=True)
class Costs:
    """Costs of deviating from the text, in nats.

    Attributes:
        extra: Cost of each frame of a token that the model hears and the text lacks.
        unspoken: Cost of each word of a sentence that is skipped.
    """

    extra: float = 2.0
    unspoken: float = 10.0


@dataclass(frozen=True)
class Graph:
    """States in the order of the text, S of them.

    Attributes:
        labels: Token of each state, or WILDCARD, shape (S,).
        can_skip: Whether the state before may be left out, shape (S,).
        wildcards: States of the wildcards, shape (sentences + 1,).
        passing: Costs of all sentences before each wildcard, shape (sentences + 1,).
    """

    labels: NDArray[np.int32]
    can_skip: NDArray[np.bool_]
    wildcards: NDArray[np.int64]
    passing: NDArray[np.float64]


def build_graph(
    sentences: Sequence[Sequence[int]], num_words: Sequence[int], costs: Costs
) -> Graph:
    """Return the graph of sentences; one without tokens has only a wildcard.

    Args:
        sentences: Tokens of each sentence.
        num_words: Number of words of each.
        costs: Costs of deviating from the text.

    Examples:
        >>> build_graph([[5, 6], [7]], [2, 1], Costs()).labels.tolist()
        [-1, 5, 0, 6, -1, 7, -1]
    """
    labels: list[int] = []
    wildcards = []
    for ids in sentences:
        wildcards.append(len(labels))
        labels.append(WILDCARD)
        for i, token in enumerate(ids):
            labels += [BLANK_ID, token] if i else [token]
    wildcards.append(len(labels))
    labels.append(WILDCARD)
    found = np.array(labels, np.int32)
    can_skip = np.zeros(len(found), bool)
    is_token = found > BLANK_ID
    can_skip[2:] = is_token[2:] & is_token[:-2] & (found[2:] != found[:-2])
    passing = np.cumsum([0.0, *num_words]) * costs.unspoken
    return Graph(found, can_skip, np.array(wildcards), passing)
