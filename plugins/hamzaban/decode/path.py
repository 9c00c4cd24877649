"""CTC paths through log-posteriors, greedy or aligned, their words and confidences."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hamzaban.text.tokens import SPACE, UNK, WORD_BOUNDARY, BpeTokenizer, Tokenizer

Path = Sequence[int] | NDArray[np.int64]  # a token for each frame
LogProbs = NDArray[np.float32]
BLANK_ID = 0
TOKEN_FRAMES = 4  # assumed length of a token if an utterance has few of them
TOKEN_RANGE = (2, 15)  # frames; limits of the estimated length
MIN_INTERVALS = 3  # distances between tokens from which their length is estimated
PAUSE_TOKENS = 3  # a word that begins within so many lengths follows without a pause


@dataclasses.dataclass(frozen=True)
class Run:
    """A token on a path, repeats merged.

    Attributes:
        token: Token id.
        start: First frame of the token.
        end: Frame after the last.
        log_prob: Highest log-posterior of the token in these frames.
    """

    token: int
    start: int
    end: int
    log_prob: float


@dataclasses.dataclass(frozen=True)
class Word:
    """A recognized word.

    Attributes:
        text: The word.
        start: First frame of the word's first token.
        end: Frame after the last one, estimated by `extend_words`.
        confidence: Geometric mean of the tokens' highest posteriors, 0..1.
    """

    text: str
    start: int
    end: int
    confidence: float


def greedy_path(log_probs: LogProbs) -> list[int]:
    """Return the likeliest token of each frame; `log_probs` has shape (T, V)."""
    return log_probs.argmax(-1).tolist()


def collapse(path: Sequence[int], blank_id: int = BLANK_ID) -> list[int]:
    """Return the tokens that a path spells: repeats merged, then blanks left out."""
    return [token for token, _ in itertools.groupby(path) if token != blank_id]


def add_blank_score(log_probs: LogProbs, score: float) -> LogProbs:
    """Return log-posteriors in which blank is likelier or, below 0, less likely.

    Args:
        log_probs: Log-posteriors, shape (T, V).
        score: Added to the log-posterior of blank, in nats; 0 changes nothing.

    Returns:
        Log-posteriors, shape (T, V); the posteriors of each frame sum to 1 again.
    """
    if not score or not len(log_probs):
        return log_probs
    moved = log_probs.copy()
    moved[:, BLANK_ID] += score
    return moved - np.logaddexp.reduce(moved, axis=1, keepdims=True)


def path_score(log_probs: LogProbs, path: Sequence[int] | NDArray[Any]) -> float:
    """Return the sum of the log-posteriors along a path of T tokens."""
    if not len(path):
        return 0.0
    return float(log_probs[np.arange(len(path)), path].astype(np.float64).sum())


def path_confidence(log_probs: LogProbs, path: Path) -> float:
    """Return the mean log-posterior of frames that are not blank; -inf for none."""
    tokens = np.asarray(path, np.int64)  # (T,)
    frames = np.flatnonzero(tokens != BLANK_ID)
    if not len(frames):
        return float("-inf")
    return float(log_probs[frames, tokens[frames]].astype(np.float64).mean())


def list_runs(log_probs: LogProbs, path: Path) -> list[Run]:
    """Return the tokens of a path: repeats merged, blanks left out.

    Examples:
        >>> log_probs = np.log(np.full((6, 3), 1 / 3, np.float32))  # (T, V)
        >>> [run.token for run in list_runs(log_probs, [0, 1, 1, 0, 1, 2])]
        [1, 1, 2]
    """
    tokens = np.asarray(path, np.int64)  # (T,)
    if not len(tokens):
        return []
    starts = np.flatnonzero(np.diff(tokens, prepend=-1))
    along = log_probs[np.arange(len(tokens)), tokens]  # (T,)
    best = np.maximum.reduceat(along, starts).tolist()
    ends = [*starts[1:].tolist(), len(tokens)]
    rows = zip(tokens[starts].tolist(), starts.tolist(), ends, best, strict=True)
    return [Run(*row) for row in rows if row[0] != BLANK_ID]


def group_words(runs: Sequence[Run], tokenizer: Tokenizer) -> list[Word]:
    """Group tokens into words, as `tokens2text` writes them."""
    is_bpe = isinstance(tokenizer, BpeTokenizer)
    groups: list[list[Run]] = [[]]
    for run in runs:
        token = tokenizer.tokens[run.token]
        starts = token.startswith(WORD_BOUNDARY) if is_bpe else token == SPACE
        if is_bpe and UNK in (token, _last(groups, tokenizer)):
            starts = True  # SentencePiece writes <unk> as a word
        if starts:
            groups.append([])
        if is_bpe or token != SPACE:
            groups[-1].append(run)
    words = []
    for group in groups:
        text = tokenizer.tokens2text([tokenizer.tokens[run.token] for run in group])
        if text:
            words.append(make_word(text, group))
    return words


def make_word(text: str, runs: Sequence[Run]) -> Word:
    """Return a word with the times of its tokens; without any, confidence is 0."""
    if not runs:
        return Word(text, 0, 0, 0.0)
    mean = sum(run.log_prob for run in runs) / len(runs)
    return Word(text, runs[0].start, runs[-1].end, min(1.0, math.exp(mean)))


def extend_words(
    words: Sequence[Word], runs: Sequence[Run], num_frames: int
) -> list[Word]:
    """Return words with estimated ends.

    CTC marks a token by one or two frames and leaves the rest of it to the blank, so
    that a word would end with the spike of its last token. It is taken to last until
    the next word, or, before a pause and at the end, for the length of a token after
    that spike. That length is the median distance between tokens. Starts stay at the
    first spike, which is as late after the onset as the estimated end is after the true
    end, so that durations are right on average.

    Args:
        words: Words in order, each from its first to its last spike; one without
            frames stays as it is.
        runs: All tokens of the path.
        num_frames: Frames of the utterance.
    """
    gaps = np.diff([run.start for run in runs])
    typical = np.median(gaps) if len(gaps) >= MIN_INTERVALS else TOKEN_FRAMES
    length = int(np.clip(round(float(typical)), *TOKEN_RANGE))
    starts = [word.start for word in words[1:]] + [num_frames + length * PAUSE_TOKENS]
    extended = []
    for word, next_start in zip(words, starts, strict=False):
        end = word.end - 1 + length
        if word.end <= next_start < word.end + length * PAUSE_TOKENS:
            end = next_start
        if word.end > word.start:
            end = min(end, max(next_start, word.end), num_frames)
            word = dataclasses.replace(word, end=max(word.end, end))
        extended.append(word)
    return extended


def align(log_probs: LogProbs, token_int: Sequence[int]) -> list[int] | None:
    """Return the best path that spells tokens (Viterbi on the CTC graph).

    Args:
        log_probs: CTC log-posteriors (natural log), shape (T, V).
        token_int: Ids of the tokens, without blanks, N of them.

    Returns:
        The token of each frame, blanks included; None if T is too short for them.
    """
    labels = np.full(2 * len(token_int) + 1, BLANK_ID)  # (S,): blank, token, blank, ...
    labels[1::2] = token_int
    can_skip = np.zeros(
        len(labels), bool
    )  # whether the blank before each label may be skipped
    can_skip[3::2] = labels[3::2] != labels[1:-2:2]
    score = np.full(len(labels), -np.inf)
    score[0] = 0.0
    back = np.zeros((len(log_probs), len(labels)), np.int8)  # (T, S)
    for t, frame in enumerate(log_probs[:, labels].astype(np.float64)):  # (T, S)
        moves = np.full((3, len(labels)), -np.inf)
        moves[0] = score
        moves[1, 1:] = score[:-1]
        moves[2, 2:] = np.where(can_skip[2:], score[:-2], -np.inf)
        if t == 0:  # a path begins with the first blank or the first token
            moves[2] = -np.inf
            moves[1, 2:] = -np.inf
        back[t] = moves.argmax(0)
        score = moves.max(0) + frame
    state = len(labels) - 1
    if len(labels) > 1 and score[-2] > score[-1]:
        state -= 1
    if not np.isfinite(score[state]):
        return None
    path = []
    for t in range(len(log_probs) - 1, -1, -1):
        path.append(int(labels[state]))
        state -= int(back[t, state])
    return path[::-1]


def _last(groups: list[list[Run]], tokenizer: Tokenizer) -> str:
    return tokenizer.tokens[groups[-1][-1].token] if groups[-1] else ""
