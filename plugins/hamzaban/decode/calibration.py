"""Confidences of words that match their accuracy, by a temperature fitted on valid.

`hamzaban fit-confidence` writes `confidence.yaml` beside the results of a decoding
(`exp/asr_<tag>/<inference_tag>/confidence.yaml`), and pack-model puts it beside the
model. decode-asr and transcribe apply it to the confidence of each word:

    # Made by hamzaban fit-confidence: ...
    temperature: 1.84   # above 0; divides the log-odds of a confidence, 1: no change
    bias: -0.21         # added to them afterwards, in nats; 0: no change
    num_words: 1234     # words of the validation set it was fitted on
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

from hamzaban.config import read_dataclass
from hamzaban.option_limits import option

CONFIDENCE = "confidence.yaml"  # name of the file, beside results or a model
FLOOR = 1e-6  # confidences are kept this far from 0 and 1 before their log-odds


@dataclasses.dataclass(frozen=True)
class Calibration:
    """A map from the confidence of a word to the probability that it is right.

    Source: temperature scaling (Guo et al., "On calibration of modern neural networks",
    ICML 2017, section 4.2) of one number, with the bias of Platt scaling. The order of
    confidences never changes.

    Attributes:
        temperature: Divides the log-odds.
        bias: Added to them afterwards, in nats.
        num_words: Number of words it was fitted on.
    """

    temperature: float = option(1.0, above=0.0)
    bias: float = 0.0
    num_words: int = option(0, at_least=0)

    def apply(self, confidence: float) -> float:
        """Return the probability, 0..1, that a word with this confidence is right."""
        if self.temperature == 1.0 and self.bias == 0.0:
            return confidence
        sure = min(max(confidence, FLOOR), 1.0 - FLOOR)
        odds = math.log(sure / (1.0 - sure)) / self.temperature + self.bias
        return 1.0 / (1.0 + math.exp(-odds)) if odds > -700.0 else 0.0


def read_calibration(path: str | Path) -> Calibration:
    """Return the calibration in a file of fit-confidence.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It has other values.
    """
    return read_dataclass(Calibration, path)
