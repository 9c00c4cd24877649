"""The language models of beam search, with or without a bonus for hotwords."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hamzaban.decode.beam_options import BeamOptions
from hamzaban.decode.hotwords import (
    EDGE,
    LETTERS,
    WORDS,
    Hotword,
    PhraseTree,
    keep_known,
    spell_tokens,
)
from hamzaban.lm.kenlm import load_binary
from hamzaban.text.tokens import Tokenizer

LN10 = math.log(10)


class BeamLm:
    """A language model as flashlight-text takes it.

    Attributes:
        lm: The object of flashlight-text.
        weight: Factor by which flashlight-text multiplies scores of `lm`.
    """

    def __init__(self, path: Path | None, units: list[str]) -> None:
        """Load a model.

        Args:
            path: KenLM's binary; None: no model.
            units: Its words or tokens, by their labels.

        Raises:
            ValueError: flashlight-text cannot read the model.
        """
        self.lm = _load(path, units)
        self.weight = 0.0

    def tune(self, options: BeamOptions) -> None:
        """Set the weight of the model."""
        self.weight = options.lm_weight * LN10  # KenLM's scores are log10

    def score_first(self, label: int) -> float:
        """Return the score of a word at the start of a sentence."""
        return float(self.lm.score(self.lm.start(True), label)[1])

    def split(self, score: float, labels: Sequence[int]) -> tuple[float, float]:
        """Return what a score adds to a hypothesis, and the model's share, in nats.

        Args:
            score: Score of flashlight-text.
            labels: Words or tokens of the hypothesis.
        """
        return self.weight * score, score * LN10


class HotwordLm(BeamLm):
    """A language model that adds the bonus of hotwords."""

    def __init__(
        self,
        path: Path | None,
        units: list[str],
        hotwords: Sequence[Hotword],
        spelled: Sequence[str],
    ) -> None:
        """Load a model.

        Args:
            path: KenLM's binary; None: no model.
            units: Its words or tokens, by their labels.
            hotwords: Words and phrases to prefer.
            spelled: What each label adds to a text; a space is the edge of words.
        """
        super().__init__(path, units)
        self._model, self._factor = self.lm, 0.0
        self._tree, self._spelled = PhraseTree(hotwords), spelled
        self.weight = 1.0

    def tune(self, options: BeamOptions) -> None:
        """Set the weight of the model; scores of `lm` are in nats and include it."""
        self._factor = options.lm_weight * LN10
        bonus = _Bonus(self._model, self._factor, self._tree, self._spelled)
        self.lm = _bonus_lm()(bonus)

    def split(self, score: float, labels: Sequence[int]) -> tuple[float, float]:
        """Return what a score adds to a hypothesis, and the language model's share."""
        text = "".join(self._spelled[label] for label in labels)
        bonus = self._tree.score(text.split())
        lm = (score - bonus) * LN10 / self._factor if self._factor else 0.0
        return score, lm


def load_lm(
    path: Path | None,
    tokenizer: Tokenizer,
    words: Sequence[str],
    hotwords: Sequence[Hotword],
) -> BeamLm:
    """Return the language model of a search.

    Args:
        path: KenLM's binary; None: no model.
        tokenizer: Tokenizer of the acoustic model.
        words: Words of the lexicon; none: any tokens are searched.
        hotwords: Words and phrases to prefer.

    Raises:
        ValueError: The file is damaged, or the search can find none of the hotwords.
    """
    units = list(words) or tokenizer.tokens
    if not hotwords:
        return BeamLm(path, units)
    if words:
        known = keep_known(hotwords, set(words), WORDS)
        return HotwordLm(path, units, known, [word + EDGE for word in words])
    known = keep_known(hotwords, tokenizer.characters(), LETTERS)
    return HotwordLm(path, units, known, spell_tokens(tokenizer))


def _load(path: Path | None, units: list[str]) -> Any:
    if path is not None:
        return load_binary(path, units)
    from flashlight.lib.text.decoder import ZeroLM

    return ZeroLM()


@dataclasses.dataclass(slots=True)
class _Reached:
    """What a hypothesis has reached: a state of the model and one of the phrases."""

    model: Any
    phrase: int
    next: dict[int, tuple[Any, float]] = dataclasses.field(default_factory=dict)


class _Bonus:
    """Adds the bonus of phrases to a language model, all in nats."""

    def __init__(
        self, model: Any, factor: float, tree: PhraseTree, spelled: Sequence[str]
    ) -> None:
        self._model, self._factor = model, factor
        self._tree, self._spelled = tree, spelled
        self._reached: dict[Any, _Reached] = {}
        self._steps: dict[tuple[int, int], tuple[int, float]] = {}

    def start(self, state: Any, start_with_nothing: bool) -> Any:
        """Return the state before the first word; forget the last utterance."""
        model = self._model.start(start_with_nothing)
        self._reached = {state: _Reached(model, self._tree.start)}
        return state

    def score(self, state: Any, label: int) -> tuple[Any, float]:
        """Return the state after a word or token, and its score."""
        reached = self._reached[state]
        if label not in reached.next:
            model, score = self._model.score(reached.model, label)
            phrase, bonus = self._read(reached.phrase, label)
            after = state.child(label)
            self._reached[after] = _Reached(model, phrase)
            reached.next[label] = after, self._factor * score + bonus
        return reached.next[label]

    def finish(self, state: Any) -> tuple[Any, float]:
        """Return a final state and the score of the end."""
        reached = self._reached[state]
        _, score = self._model.finish(reached.model)
        return state, self._factor * score + self._tree.finish(reached.phrase)

    def _read(self, phrase: int, label: int) -> tuple[int, float]:
        step = phrase, label
        if step not in self._steps:
            self._steps[step] = self._tree.read(phrase, self._spelled[label])
        return self._steps[step]


@functools.cache
def _bonus_lm() -> type:
    """Return the class of a language model with bonus; its base needs an import."""
    from flashlight.lib.text.decoder import LM, LMState

    class BonusLm(LM):
        """What flashlight-text calls."""

        def __init__(self, bonus: _Bonus) -> None:
            super().__init__()
            self._bonus = bonus

        def start(self, start_with_nothing: bool) -> Any:
            return self._bonus.start(LMState(), start_with_nothing)

        def score(self, state: Any, label: int) -> tuple[Any, float]:
            return self._bonus.score(state, label)

        def finish(self, state: Any) -> tuple[Any, float]:
            return self._bonus.finish(state)

    return BonusLm
