"""Load the model and the search that the options name."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hamzaban.decode.experiment import PackedSearch, find_packed_search
from hamzaban.decode.search import CtcSearch, SearchFiles
from hamzaban.decode.search_options import read_inference
from hamzaban.transcribe.acoustics import (
    ModelRequest,
    is_huggingface,
    load_acoustics,
    resolve_model,
)
from hamzaban.transcribe.memory import limit_caches
from hamzaban.transcribe.transcribe_options import TranscribeOptions
from hamzaban.transcribe.transcriber import Transcriber


@dataclasses.dataclass(frozen=True)
class SearchRequest:
    """The search and the files that it reads.

    Attributes:
        inference_config: YAML of the search; None: that of a packed model, else greedy.
        weights: weights.yaml of tune-decoder, whose values replace those of the YAML.
        lm_dir: Folder that train-lm wrote.
        word_list: Words of the lexicon, one a line.
    """

    inference_config: Path | None = None
    weights: Path | None = None
    lm_dir: Path | None = None
    word_list: Path | None = None

    def complete(self, model: Path) -> SearchRequest:
        """Return the request with the search that pack-model put beside a model."""
        if self.inference_config is not None or self.weights is not None:
            return self
        packed = PackedSearch(None, None)
        if not is_huggingface(model):
            packed = find_packed_search(model)
        return dataclasses.replace(
            self,
            inference_config=packed.inference_config,
            lm_dir=self.lm_dir or packed.lm_dir,
        )


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
    return search


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
    files = SearchFiles(wanted.lm_dir, wanted.word_list, bpemodel)
    return Transcriber(acoustics, search.build(acoustics.tokenizer, files), options)
