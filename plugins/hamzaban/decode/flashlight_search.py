"""The base of the searches of flashlight-text: it reads their language model."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from hamzaban.decode.beam_options import BeamOptions
from hamzaban.decode.search import Search, SearchFiles

if TYPE_CHECKING:
    from hamzaban.decode.beam import BeamSearch
    from hamzaban.decode.lexicon import Lexicon
    from hamzaban.text.tokens import Tokenizer


@dataclasses.dataclass(frozen=True)
class FlashlightSearch(BeamOptions):
    """Beam search by flashlight-text, with or without a language model."""

    def fitting_unit(self, tokenizer: Tokenizer) -> str:
        """Return the unit of the language model that fits the search."""
        raise NotImplementedError

    def read_lexicon(self, tokenizer: Tokenizer, files: SearchFiles) -> Lexicon | None:
        """Return the words to search; None to search tokens."""
        return None

    def build(
        self, tokenizer: Tokenizer, files: SearchFiles, report_dir: Path | None = None
    ) -> BeamSearch:
        """Load the language model, spell the words and build their tree."""
        from hamzaban.decode.beam import BeamSearch
        from hamzaban.decode.lexicon import report_lexicon

        lm = self._find_lm(tokenizer, files)
        lexicon = self.read_lexicon(tokenizer, files)
        if lexicon is not None and report_dir is not None:
            report_lexicon(lexicon, report_dir / "unspelled_words")
        hotwords = files.hotwords
        beam = BeamSearch(tokenizer, self, lexicon=lexicon, lm=lm, hotwords=hotwords)
        logging.info(
            "search: %s, language model: %s, weight %g, word score %g, beam %d%s",
            self.name,
            lm or "none",
            self.lm_weight,
            self.word_score,
            self.beam_size,
            f", {len(hotwords)} hotwords" if hotwords else "",
        )
        return beam

    def _find_lm(self, tokenizer: Tokenizer, files: SearchFiles) -> Path | None:
        """Return the language model; None for no model.

        Raises:
            FileNotFoundError: The model or its `lm.yaml` is missing.
            ValueError: Its units or pieces are not those of the search, or the file is
                damaged.
        """
        fitting = self.fitting_unit(tokenizer)
        unit = self.lm_unit or fitting
        if unit == "none":
            return None
        if unit != fitting:
            raise ValueError(
                f"lm_unit {unit!r} found; search {self.name} of this model takes "
                f"{fitting!r} or 'none'"
            )
        folder = lm_folder(files, unit)
        _check_lm(folder, unit, files.bpemodel)
        return folder / "lm.bin"


def take_for_search(
    search: Search,
    lm: Path,
    output_dir: Path,
    tokenizer: Tokenizer,
    bpemodel: Path | None,
) -> Path:
    """Put a language model made elsewhere into `lm` of a folder; return that folder.

    Raises:
        ValueError: The search takes no language model, or not this one.
        FileNotFoundError: A file is missing.
    """
    from hamzaban.lm.taking import install_for_search

    if not isinstance(search, FlashlightSearch) or not search.needs_lm:
        raise ValueError(
            f"--lm {lm}: search {search.name} reads no language model; give an "
            "--inference_config with search: lexicon or token"
        )
    unit = search.fitting_unit(tokenizer)
    return install_for_search(lm, output_dir / "lm", unit, tokenizer, bpemodel)


def lm_folder(files: SearchFiles, unit: str) -> Path:
    """Return the folder of the language model of a unit.

    Raises:
        ValueError: No folder of language models is given.
    """
    if files.lm_dir is None:
        raise ValueError(
            f"--lm_dir is not given, but the search needs its {unit} model; give a "
            "folder that train-lm wrote, or lm_unit: none (with --word_list for a "
            "lexicon)"
        )
    return files.lm_dir / unit


def _check_lm(folder: Path, unit: str, bpemodel: Path | None) -> None:
    from hamzaban.lm.info import check_binary, hash_file, read_info

    info = read_info(folder)
    check_binary(folder, info)
    if unit != "bpe" or bpemodel is None:
        return
    if hash_file(bpemodel) != info.bpemodel_sha256:
        raise ValueError(
            f"{folder}/lm.bin: its pieces are not those of {bpemodel}; run "
            f"`hamzaban train-lm --bpemodel {bpemodel}`"
        )
