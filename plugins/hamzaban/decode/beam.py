"""Beam search over CTC log-posteriors through flashlight-text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hamzaban.decode.beam_lm import HotwordLm, load_lm
from hamzaban.decode.beam_options import BeamOptions
from hamzaban.decode.hotwords import Hotword
from hamzaban.decode.lexicon import Lexicon
from hamzaban.decode.path import (
    BLANK_ID,
    LogProbs,
    Run,
    Word,
    add_blank_score,
    collapse,
    group_words,
    list_runs,
    make_word,
    path_score,
)
from hamzaban.decode.result import Result, make_result
from hamzaban.text.tokens import SPACE, BpeTokenizer, Tokenizer

NEVER = -1e9  # log-probability of the impossible; infinity would become NaN
MAX_LABELS = 6  # most words that flashlight's trie holds for one spelling
DITHER = 2.0**-17  # nats that separate tokens of equal half-precision posteriors
_DITHER_FRAMES = 251


class BeamSearch:
    """Beam search that decodes any number of utterances, also in forked processes."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        options: BeamOptions,
        *,
        lexicon: Lexicon | None = None,
        lm: Path | None = None,
        hotwords: Sequence[Hotword] = (),
    ) -> None:
        """Load the language model and build the lexicon's tree.

        Args:
            tokenizer: Tokenizer of the acoustic model.
            options: Options of the search.
            lexicon: Words that may be found; None: any tokens.
            lm: Language model, of words if there is a lexicon, else of tokens; None:
                no language model.
            hotwords: Words and phrases to prefer; the lexicon must have their words.

        Raises:
            ValueError: flashlight-text cannot read the model, or the tokens can spell
                none of the hotwords.
        """
        self.options = options
        self._tokenizer = tokenizer
        self._lexicon = lexicon
        self._vocab = len(tokenizer.tokens)
        self._is_char = not isinstance(tokenizer, BpeTokenizer)
        self._space = tokenizer.token2id.get(SPACE, self._vocab)
        words = lexicon.words if lexicon else ()
        self._lm = load_lm(lm, tokenizer, words, hotwords)
        self._lm.tune(options)
        self._num_columns = self._vocab
        if lexicon is not None and not self._is_char:
            self._num_columns += (
                self._vocab + 1
            )  # last pieces of words, and a separator
        self._dither = _make_dither(self._num_columns)
        self._trie = self._build_trie(lexicon) if lexicon else None
        self._decoder = self._build_decoder()

    def tune(self, options: BeamOptions) -> None:
        """Change the weights or the beam; lexicon and language model stay."""
        self.options = options
        self._lm.tune(options)
        if isinstance(self._lm, HotwordLm) and self._lexicon:  # its scores changed
            self._trie = self._build_trie(self._lexicon)
        self._decoder = self._build_decoder()

    def decode(self, log_probs: LogProbs) -> list[Result]:
        """Search one utterance.

        Args:
            log_probs: CTC log-posteriors (natural log), shape (T, V).

        Returns:
            At most `nbest` hypotheses of different text, the best first; none if T is
            0.
        """
        if not len(log_probs):
            return []
        log_probs = add_blank_score(log_probs, self.options.blank_score)
        kept = self._keep_frames(log_probs)
        matrix = self._prepare(log_probs, kept)  # (K, N)
        results = self._decoder.decode(matrix.ctypes.data, *matrix.shape)
        found: dict[tuple[int, ...], Result] = {}
        for result in results:
            path = self._read_path(result, kept, len(log_probs))
            key, ends = self._read_labels(result, path, kept)
            if key not in found:
                words = self._make_words(key, list_runs(log_probs, path), ends)
                scores = self._rescore(result, log_probs, path, kept, key)
                tokenizer, tokens = self._tokenizer, path.tolist()
                found[key] = make_result(
                    tokenizer, log_probs, tokens, words, scores, word_ends=ends
                )
            if len(found) == self.options.nbest:
                break
        return list(found.values())

    def _keep_frames(self, log_probs: LogProbs) -> np.ndarray:
        """Return the frames to search; of a run of near-certain blanks only the
        first."""
        limit = self.options.blank_threshold
        if limit >= 1:
            return np.arange(len(log_probs))
        sure = log_probs[:, BLANK_ID] > math.log(max(limit, 1e-9))  # (T,)
        sure[1:] &= sure[:-1].copy()
        sure[0] = False
        return np.flatnonzero(~sure)

    def _prepare(self, log_probs: LogProbs, kept: np.ndarray) -> np.ndarray:
        matrix = np.full((len(kept) + 1, self._num_columns), NEVER, np.float32)
        matrix[: len(kept), : self._vocab] = log_probs[kept]
        if self._num_columns > self._vocab:
            matrix[: len(kept), self._vocab : -1] = _mark_ends(log_probs[kept])
        matrix[: len(kept)] += self._dither[np.arange(len(kept)) % _DITHER_FRAMES]
        matrix[-1, self._last] = 0.0
        return matrix

    @property
    def _last(self) -> int:
        """The token of a frame that is added after the last one.

        It lets every hypothesis end. Words of characters end with a space, which is not
        heard at the end of speech.
        """
        return self._space if self._is_char and self._lexicon else BLANK_ID

    def _read_path(self, result: Any, kept: np.ndarray, num_frames: int) -> np.ndarray:
        path = np.full(num_frames, BLANK_ID)
        path[kept] = result.tokens[
            1 : len(kept) + 1
        ]  # the first token is the start state
        path %= self._vocab  # the separator becomes blank, a last piece the piece
        return path

    def _read_labels(
        self, result: Any, path: np.ndarray, kept: np.ndarray
    ) -> tuple[tuple[int, ...], list[int]]:
        """Return the words or tokens of a result, and the last frames of words."""
        if self._lexicon is None:
            return tuple(collapse(path.tolist())), []
        labels = result.words[1 : len(kept) + 2]
        frames = [i for i, label in enumerate(labels) if label >= 0]
        ends = [int(kept[min(i, len(kept) - 1)]) for i in frames]
        return tuple(labels[i] for i in frames), ends

    def _make_words(
        self, key: Sequence[int], runs: Sequence[Run], ends: Sequence[int]
    ) -> list[Word]:
        """Return the words, each with the tokens up to the frame that completes it."""
        if self._lexicon is None:
            return group_words(runs, self._tokenizer)
        rest = [run for run in runs if run.token != self._space]
        words = []
        for label, end in zip(key, ends, strict=True):
            own = [run for run in rest if run.start <= end]
            rest = rest[len(own) :]
            words.append(make_word(self._lexicon.words[label], own))
        return words

    def _rescore(
        self,
        result: Any,
        log_probs: LogProbs,
        path: np.ndarray,
        kept: np.ndarray,
        key: Sequence[int],
    ) -> tuple[float, float, float]:
        """Return total, acoustic and language model score, in nats."""
        rest, lm = self._lm.split(result.lmScore, key)
        rest += self.options.word_score * len(key) if self._lexicon else 0.0
        if self.options.log_add:
            skipped = np.setdiff1d(np.arange(len(path)), kept)
            blanks = float(log_probs[skipped, BLANK_ID].astype(np.float64).sum())
            acoustic = result.score + blanks - rest
        else:
            acoustic = path_score(log_probs, path)
        return acoustic + rest, acoustic, lm

    def _build_trie(self, lexicon: Lexicon) -> Any:
        from flashlight.lib.text.decoder import SmearingMode, Trie

        trie = Trie(self._num_columns, BLANK_ID)
        labels: dict[tuple[int, ...], int] = {}
        for label, spellings in enumerate(lexicon.spellings):
            score = self._lm.score_first(label)
            for spelling in self._paths(spellings):
                labels[spelling] = labels.get(spelling, 0) + 1
                if labels[spelling] > MAX_LABELS:
                    raise ValueError(
                        f"lexicon: over {MAX_LABELS} words are spelled as "
                        f"{lexicon.words[label]!r} is; give fewer num_spellings"
                    )
                trie.insert(list(spelling), label, score)
        trie.smear(SmearingMode.MAX)
        return trie

    def _paths(self, spellings: tuple[tuple[int, ...], ...]) -> list[tuple[int, ...]]:
        """Return spellings in the form that the tree needs.

        In flashlight-text the last token of a word has only one frame, unless it is
        the separator of words: two frames count as two such tokens. BPE has no
        separator. Therefore each spelling is entered a second time, with a column of
        its own for the frame that ends a longer last piece (`_mark_ends`), and a blank
        is entered between two equal pieces at the end.
        """
        if self._is_char:
            return list(spellings)
        paths = []
        for *first, last in spellings:
            if first and first[-1] == last:
                first.append(BLANK_ID)
            paths += [(*first, last), (*first, last, self._vocab + last)]
        return paths

    def _build_decoder(self) -> Any:
        from flashlight.lib.text import decoder as fl

        options = self.options
        beam = (options.beam_size, min(options.beam_size_token, self._num_columns))
        lm, weight = self._lm.lm, self._lm.weight
        common = {"log_add": options.log_add, "criterion_type": fl.CriterionType.CTC}
        threshold = options.beam_threshold
        if self._lexicon is None:
            free = fl.LexiconFreeDecoderOptions(
                *beam, threshold, weight, sil_score=0.0, **common
            )
            return fl.LexiconFreeDecoder(free, lm, self._vocab, BLANK_ID, [])
        bound = fl.LexiconDecoderOptions(
            *beam, threshold, weight, options.word_score, -math.inf, 0.0, **common
        )
        separator = self._space if self._is_char else 2 * self._vocab
        return fl.LexiconDecoder(
            bound, self._trie, lm, separator, BLANK_ID, -1, [], False
        )


def _mark_ends(log_probs: LogProbs) -> LogProbs:
    """Return the log-posteriors of tokens in frames that may be the last of several.

    In such a frame, a token was at least as likely as blank in the frame before and is
    not the likeliest in the one after. Without this condition a word could not be told
    from the same word twice.

    Args:
        log_probs: Shape (T, V).

    Returns:
        The log-posteriors, or NEVER in all other frames, shape (T, V).
    """
    ends = np.full_like(log_probs, NEVER)
    goes_on = log_probs[:-1] >= log_probs[:-1, BLANK_ID, None]  # (T - 1, V)
    ends[1:][goes_on] = log_probs[1:][goes_on]
    ends[np.arange(len(ends) - 1), log_probs[1:].argmax(-1)] = NEVER
    return ends


def _make_dither(num_columns: int) -> np.ndarray:
    """Return small numbers of mean 0 that separate equal posteriors, shape (T, N).

    Which of two equal hypotheses flashlight-text keeps depends on their places in
    memory and thus on earlier utterances. Half-precision numbers are often equal.
    """
    rng = np.random.default_rng(0)
    rows = [rng.permutation(num_columns) for _ in range(_DITHER_FRAMES)]
    centred = np.array(rows, np.float32) - np.float32((num_columns - 1) / 2)
    return centred * np.float32(DITHER)
