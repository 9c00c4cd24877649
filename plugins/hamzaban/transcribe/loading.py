"""Load the model and the search that the options name."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from hamzaban.decode.calibration import CONFIDENCE, Calibration, read_calibration
from hamzaban.decode.experiment import find_experiment, find_packed_search
from hamzaban.decode.hotwords import Hotword
from hamzaban.decode.path import LogProbs
from hamzaban.decode.result import Result
from hamzaban.decode.search import CtcSearch, Decoder, SearchFiles
from hamzaban.decode.search_options import read_inference, search_for_hotwords
from hamzaban.transcribe.acoustics import (
    ModelRequest,
    is_huggingface,
    load_acoustics,
    resolve_model,
)
from hamzaban.transcribe.memory import limit_caches
from hamzaban.transcribe.transcribe_options import TranscribeOptions
from hamzaban.transcribe.transcriber import Transcriber

GREEDY_TAG = "decode_greedy"  # folder of the greedy decoding in an experiment


@dataclasses.dataclass(frozen=True)
class SearchRequest:
    """The search and the files that it reads.

    Attributes:
        inference_config: YAML of the search; None: that of a packed model, else greedy.
        weights: weights.yaml of tune-decoder, whose values replace those of the YAML.
        lm_dir: Folder that train-lm wrote.
        word_list: Words of the lexicon, one a line.
        hotwords: Words and phrases to prefer.
        confidence: confidence.yaml of fit-confidence; None: the one that belongs to the
            search, if there is one.
    """

    inference_config: Path | None = None
    weights: Path | None = None
    lm_dir: Path | None = None
    word_list: Path | None = None
    hotwords: tuple[Hotword, ...] = ()
    confidence: Path | None = None

    def complete(self, model: Path) -> SearchRequest:
        """Return the request with what lies beside a model.

        That is the search of pack-model, and the calibration of stage 9 for the search.
        """
        if is_huggingface(model):
            return self
        if self.inference_config is not None or self.weights is not None:
            return self._calibrate(find_experiment(model))
        packed = find_packed_search(model)
        fitted = None if self.hotwords else packed.confidence
        found = dataclasses.replace(
            self,
            inference_config=packed.inference_config,
            lm_dir=self.lm_dir or packed.lm_dir,
            confidence=self.confidence or fitted,
        )
        return found._calibrate(find_experiment(model))

    def _calibrate(self, asr_exp: Path) -> SearchRequest:
        """Return the request with the calibration of a decoding of the experiment.

        Its folder is called after the YAML of the search. Hotwords change the search,
        so that it does not fit them.
        """
        if self.confidence is not None or self.hotwords:
            return self
        name = self.inference_config.stem if self.inference_config else GREEDY_TAG
        path = asr_exp / name / CONFIDENCE
        return dataclasses.replace(self, confidence=path) if path.is_file() else self


class CalibratedDecoder:
    """A search whose words get calibrated confidences."""

    def __init__(self, decoder: Decoder, calibration: Calibration) -> None:
        """Set the search and the calibration."""
        self._decoder, self._calibration = decoder, calibration
        self.options: Any = decoder.options

    def tune(self, options: Any) -> None:
        """Change the options of the search."""
        self._decoder.tune(options)
        self.options = options

    def decode(self, log_probs: LogProbs) -> list[Result]:
        """Decode log-posteriors, shape (T, V); see `Decoder.decode`."""
        return [self._calibrate(found) for found in self._decoder.decode(log_probs)]

    def _calibrate(self, found: Result) -> Result:
        words = tuple(
            dataclasses.replace(
                word, confidence=self._calibration.apply(word.confidence)
            )
            for word in found.words
        )
        return dataclasses.replace(found, words=words)


def read_search(request: SearchRequest) -> CtcSearch:
    """Return the search of a request.

    Raises:
        FileNotFoundError: The YAML is missing.
        ValueError: It cannot be read, its search is not one of log-posteriors, or a
            language model is given to a search that reads none.
    """
    search = read_inference(request.inference_config, request.weights).search
    place = request.weights or request.inference_config
    if not isinstance(search, CtcSearch):
        raise ValueError(
            f"{place}: search {search.name} found, which runs the model itself; "
            "expected another search, such as lexicon"
        )
    for name in ("lm_dir", "word_list"):
        if getattr(request, name) is not None and not hasattr(search, "lm_unit"):
            raise ValueError(
                f"--{name} is given, but search {search.name} does not use it; give "
                "an --inference_config with search: lexicon or token, or leave it out"
            )
    return search_for_hotwords(search) if request.hotwords else search


def load_transcriber(
    request: ModelRequest,
    search_request: SearchRequest | None = None,
    options: TranscribeOptions | None = None,
) -> Transcriber:
    """Load a model and a search; the search is checked first.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: The files do not fit together.
    """
    limit_caches()
    path = resolve_model(request.model, request.language)
    if path.exists() and not path.is_dir() and path.suffix != ".zip":
        load_acoustics(request)  # raises an error that says what is wrong
    wanted = (search_request or SearchRequest()).complete(path)
    search = read_search(wanted)
    acoustics = load_acoustics(dataclasses.replace(request, model=str(path)))
    bpemodel = None
    if not is_huggingface(path):
        from hamzaban.decode.recognizer import load_tokenizer

        _, bpemodel = load_tokenizer(path)
    files = SearchFiles(wanted.lm_dir, wanted.word_list, bpemodel, wanted.hotwords)
    decoder = search.build(acoustics.tokenizer, files)
    if wanted.confidence is not None:
        decoder = CalibratedDecoder(decoder, read_calibration(wanted.confidence))
    return Transcriber(acoustics, decoder, options)
