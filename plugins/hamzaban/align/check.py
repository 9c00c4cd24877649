"""Find the transcripts of a data directory that do not fit their audio."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hamzaban.align.check_page import write_page
from hamzaban.align.graph import WILDCARD, Costs, build_graph
from hamzaban.align.recording import Floats
from hamzaban.align.run import spell_all
from hamzaban.align.spelled import Spelled, Speller
from hamzaban.align.texts import Sentence
from hamzaban.align.viterbi import find_path, full_band
from hamzaban.align.write import write_table
from hamzaban.data.files import read_scp
from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.make_emissions import make_emissions
from hamzaban.decode.path import BLANK_ID, collapse
from hamzaban.decode.recognizer import Recognizer
from hamzaban.fileio import atomic_text

NEVER = 1e6  # cost of skipping the text, in nats; more than any path costs


@dataclass(frozen=True)
class Checked:
    """An utterance and how well its text fits.

    Attributes:
        utt_id: Its id.
        score: 0..1; 1: the model recognizes exactly the text.
        text: Its transcript.
        heard: What the model writes.
    """

    utt_id: str
    score: float
    text: str
    heard: str


def check_dir(
    load: Callable[[], Recognizer],
    data_dir: Path,
    output_dir: Path,
    speller: Speller,
    *,
    options: DecodeOptions,
    model_files: Sequence[Path],
    min_score: float,
) -> tuple[int, int]:
    """Write scores.tsv and a page, worst first, and lists of what to keep and to drop.

    Args:
        load: Returns the recognizer; called if log-posteriors are missing.
        data_dir: Data directory with text, one audio file an utterance.
        output_dir: Folder to write to; log-posteriors are kept there.
        speller: Spells the transcripts in the tokens of the model.
        options: How to run the model.
        model_files: Files of the model.
        min_score: Lowest score of an utterance to keep.

    Returns:
        The number of utterances to keep, and that of all.

    Raises:
        ValueError: The directory cannot be used, or the model can write no text.
    """
    pairs = list(read_scp(data_dir / "text"))
    spelled = spell_all(speller, [Sentence(text, utt_id) for utt_id, text in pairs])
    store = make_emissions(
        load, data_dir, output_dir / "emissions", options, model_files
    )
    lost = [sentence.place for sentence in spelled if sentence.place not in store]
    if lost:
        raise ValueError(
            f"{data_dir}/text: utt_id {lost[0]} is not in wav.scp ({len(lost)} are "
            "not); run `hamzaban validate` on the directory"
        )
    found = []
    for sentence in spelled:
        log_probs = store.read(sentence.place)
        heard = speller.tokenizer.tokens2text(
            speller.tokenizer.ids2tokens(collapse(log_probs.argmax(1).tolist()))
        )
        score = score_text(log_probs, sentence)
        found.append(Checked(sentence.place, score, sentence.text, heard))
    worst = sorted(found, key=lambda checked: (checked.score, checked.utt_id))
    num_kept = _write(worst, output_dir, min_score)
    page = write_page(worst, data_dir, output_dir, min_score)
    logging.info("to read and listen, worst first: %s", page)
    return num_kept, len(found)


def score_text(log_probs: Floats, sentence: Spelled) -> float:
    """Return how well a text fits an utterance, 0..1.

    It is the ratio, per token, of the likelihood of the text to that of what the model
    recognizes: 1 if these are the same, 0 if the utterance is too short for the text.

    Args:
        log_probs: Log-posteriors (natural log), shape (T, V).
        sentence: The text.
    """
    if not sentence.words or not len(log_probs):
        return 0.0
    graph = build_graph([sentence.ids], [1], Costs(unspoken=NEVER))
    blank = log_probs[:, BLANK_ID]
    band = full_band(len(log_probs), len(graph.labels))
    path = find_path(graph, lambda a, b: log_probs[a:b], blank, band)
    labels = graph.labels[path] if path is not None else np.zeros(0, np.int32)
    if (labels == WILDCARD).all():  # too few frames for the text
        return 0.0
    labels[labels == WILDCARD] = BLANK_ID
    along = log_probs[np.arange(len(labels)), labels]
    ratio = (along - log_probs.max(1)).astype(np.float64).sum() / len(sentence.ids)
    return float(np.exp(min(ratio, 0.0)))


def _write(worst: Sequence[Checked], output_dir: Path, min_score: float) -> int:
    """Write the files and return the number of utterances to keep."""
    rows = ((c.utt_id, f"{c.score:.4f}", c.text, c.heard) for c in worst)
    write_table(output_dir / "scores.tsv", ("utt_id", "score", "text", "heard"), rows)
    keep = sorted(c.utt_id for c in worst if c.score >= min_score)
    drop = (f"{c.utt_id} {c.score:.4f}" for c in worst if c.score < min_score)
    _write_list(output_dir / "keep", keep)
    _write_list(output_dir / "drop", drop)
    logging.info(
        "%d of %d transcripts have a score of %s or more; worst first: %s",
        len(keep),
        len(worst),
        min_score,
        output_dir / "scores.tsv",
    )
    return len(keep)


def _write_list(path: Path, lines: Sequence[str] | Iterator[str]) -> None:
    with atomic_text(path) as stream:
        stream.writelines(f"{line}\n" for line in lines)
