"""Choose the score that is added to blank in each round, without transcripts.

Pseudo-labels lack some of the spoken letters, and a model trained on them leaves out
even more, because blank wins frames that belong to letters. Adding a constant to the
score of blank makes up for this. The best constant cannot be measured without
transcripts, but near it decoding with the language model and greedy decoding agree
best.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from statistics import fmean

from hamzaban.decode.beam import BeamSearch
from hamzaban.decode.store import EmissionStore
from hamzaban.pseudo.label import Labeller

TRIED_UTTS = 300  # each value is tried on at most this many utterances
TOLERANCE = 0.01  # values whose disagreement differs by less count as equally good


def choose_blank_score(
    beam: BeamSearch, labeller: Labeller, store: EmissionStore, scores: Sequence[float]
) -> float:
    """Choose the value whose labels disagree least with greedy decoding.

    Two empty decodings would agree, so an empty label counts as full disagreement.

    Args:
        beam: The search of the labeller; it keeps the chosen value.
        labeller: Labels the utterances.
        store: The emissions of a round; the values are tried on a fixed subset of its
            utterances.
        scores: Values of `blank_score`; a single value is taken without a trial.

    Returns:
        Among the values within TOLERANCE of the least mean disagreement, the one
        nearest to 0.
    """
    chosen, tried = scores[0], {}
    if len(scores) > 1:
        utt_ids = list(store)
        some = utt_ids[:: max(1, -(-len(utt_ids) // TRIED_UTTS))]
        for score in scores:
            beam.tune(dataclasses.replace(beam.options, blank_score=score))
            labels = (labeller.label(utt_id, store.read(utt_id)) for utt_id in some)
            tried[score] = fmean(x.disagreement if x.text else 1.0 for x in labels)
        limit = min(tried.values()) + TOLERANCE
        chosen = min((s for s in tried if tried[s] <= limit), key=abs)
        shown = ", ".join(f"{score:g}: {value:.3f}" for score, value in tried.items())
        logging.info("Disagreement for each blank_score: %s; chosen: %g", shown, chosen)
    beam.tune(dataclasses.replace(beam.options, blank_score=chosen))
    return chosen
