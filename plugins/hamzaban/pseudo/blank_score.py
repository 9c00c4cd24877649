"""How likely blank shall be: chosen for each round, without transcripts.

Labels lack some of the letters that are spoken, and a model trained on them leaves out
more: blank wins frames that a letter would have had. A constant added to blank gives
them back. The right one is not known without transcripts; where it is near, words that
the language model finds and letters that are heard without it agree best.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from statistics import fmean

from hamzaban.decode.beam import BeamSearch
from hamzaban.decode.store import EmissionStore
from hamzaban.pseudo.label import Labeller

TRIED_UTTS = 300  # most utterances that each value is tried on
TOLERANCE = 0.01  # of disagreement; within it the value nearest 0 is taken


def choose_blank_score(
    beam: BeamSearch, labeller: Labeller, store: EmissionStore, scores: Sequence[float]
) -> float:
    """Choose the value whose labels disagree least with greedy decoding.

    Silence agrees with itself: an empty label counts as one that disagrees in all.

    Args:
        beam: The search of the labeller; is left with the value chosen.
        labeller: Labels utterances.
        store: Emissions of a round; some of the utterances are labelled, always the
            same ones.
        scores: Values of `blank_score`; of one, nothing is tried.

    Returns:
        The value nearest 0 of those with the least mean disagreement, or nearly so.
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
        logging.info("disagreement by blank_score, %s; taken %g", shown, chosen)
    beam.tune(dataclasses.replace(beam.options, blank_score=chosen))
    return chosen
