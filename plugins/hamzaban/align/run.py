"""Align a recording of any length with a loose text."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hamzaban.align.anchors import find_anchors, make_band, make_track
from hamzaban.align.graph import WILDCARD, Costs, Graph, build_graph
from hamzaban.align.recording import Floats, Recording, hear, list_unheard
from hamzaban.align.segments import Aligned, Extra, Layout, list_aligned
from hamzaban.align.spelled import Spelled, Speller, format_lost
from hamzaban.align.texts import Sentence
from hamzaban.align.viterbi import find_path, full_band
from hamzaban.decode.path import BLANK_ID

if TYPE_CHECKING:
    from hamzaban.decode.recognizer import Recognizer

READ_FRAMES = 1 << 13
DEFAULT_COSTS = Costs()


@dataclass(frozen=True)
class Alignment:
    """A recording aligned with its text.

    Attributes:
        media: The recording.
        duration_s: Its length.
        sentences: All sentences of the text, in order.
        extras: Speech that the text lacks, in order.
    """

    media: Path
    duration_s: float
    sentences: tuple[Aligned, ...]
    extras: tuple[Extra, ...]


def align_media(
    recognizer: Recognizer,
    media: Path,
    sentences: Sequence[Sentence],
    speller: Speller,
    costs: Costs = DEFAULT_COSTS,
) -> Alignment:
    """Return where each sentence of a text is said in a recording.

    Args:
        recognizer: A CTC model.
        media: A file that PyAV reads.
        sentences: The text.
        speller: Spells it in the tokens of the model.
        costs: Costs of deviating from the text.

    Raises:
        UnreadableError: There is no audio to read.
        ValueError: The model can write nothing of the text.
    """
    spelled = spell_all(speller, sentences)
    with tempfile.TemporaryDirectory(prefix="hamzaban-align-") as folder:
        recording = hear(recognizer, media, Path(folder) / "log_probs")
        logging.info("%s: %.1f s heard", media, recording.duration_s)
        graph = build_graph(
            [s.ids for s in spelled], [len(s.words) for s in spelled], costs
        )
        tokenizer = recognizer.tokenizer
        unheard = list_unheard(tokenizer)
        wildcard = np.maximum(recording.quiet, recording.best - costs.extra)
        path = _find_path(graph, recording, wildcard, tokenizer.tokens)
        along = score_path(graph, recording, wildcard, path)
        heard = find_heard(recording.greedy, unheard)
        layout = Layout(
            recording,
            graph,
            path,
            lambda ids: tokenizer.tokens2text(tokenizer.ids2tokens(ids)),
        )
        aligned, extras = list_aligned(spelled, layout, along, heard)
    return Alignment(media, recording.duration_s, tuple(aligned), tuple(extras))


def spell_all(speller: Speller, sentences: Sequence[Sentence]) -> list[Spelled]:
    """Return sentences in tokens and log what cannot be written.

    Raises:
        ValueError: Nothing can be written.
    """
    spelled = speller.spell(sentences)
    if speller.lost:
        logging.warning(
            "characters that the model cannot write are ignored in the alignment "
            "(--lang and --mapping change it): %s",
            format_lost(speller.lost),
        )
    if not any(sentence.words for sentence in spelled):
        raise ValueError(
            f"{sentences[0].place}: the model can write none of {len(sentences)} "
            f"sentences, such as '{sentences[0].text[:40]}'; give --mapping, or a "
            "model of the language"
        )
    return spelled


def find_heard(greedy: NDArray[np.int32], unheard: Sequence[int]) -> NDArray[np.bool_]:
    """Return the frames at which the likeliest path begins a token, shape (T,).

    Args:
        greedy: Likeliest token of each frame, shape (T,).
        unheard: Tokens that are not a sound, apart from the blank.
    """
    begins = np.diff(greedy, prepend=BLANK_ID) != 0
    is_sound = ~np.isin(greedy, [BLANK_ID, *unheard])
    found: NDArray[np.bool_] = begins & is_sound
    return found


def score_path(
    graph: Graph, recording: Recording, wildcard: Floats, path: NDArray[np.int64]
) -> Floats:
    """Return the score of a path at each frame, shape (T,)."""
    labels = graph.labels[path]
    along = wildcard.copy()
    for start in range(0, len(path), READ_FRAMES):
        part = labels[start : start + READ_FRAMES]
        log_probs = recording.read(start, start + len(part))
        rows = np.flatnonzero(part != WILDCARD)
        along[start + rows] = log_probs[rows, part[rows]]
    return along


def _find_path(
    graph: Graph, recording: Recording, wildcard: Floats, tokens: Sequence[str]
) -> NDArray[np.int64]:
    begins = np.flatnonzero(find_heard(recording.greedy, ()))
    heard = make_track(tokens, recording.greedy[begins].tolist(), begins.tolist())
    states = np.flatnonzero(graph.labels > BLANK_ID)
    text = make_track(tokens, graph.labels[states].tolist(), states.tolist())
    anchors = find_anchors(heard, text)
    num_frames, num_states = recording.num_frames, len(graph.labels)
    band = make_band(anchors, num_frames, num_states)
    logging.info(
        "%d anchors found; %.1f %% of %d frames x %d states are searched",
        len(anchors),
        100 * float((band.high - band.low).mean()) / num_states,
        num_frames,
        num_states,
    )
    path = find_path(graph, recording.read, wildcard, band)
    if path is None:  # the anchors contradict each other
        logging.warning("no path leads through the anchors; all states are searched")
        band = full_band(num_frames, num_states)
        path = find_path(graph, recording.read, wildcard, band)
    assert path is not None  # the whole text may be skipped
    return path
