"""How to decode: numbers of processes and samples, the search, and their YAML."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from hamzaban.config import read_config

SEARCHES = ("greedy", "lexicon", "token", "espnet")
UTT2LANG, PREDICTED = "utt2lang", "predicted"  # ways to choose a language
LM_UNITS = ("word", "char", "bpe", "none")
TUNED = ("lm_weight", "word_score", "blank_score", "beam_size")


@dataclasses.dataclass(frozen=True)
class DecodeOptions:
    """How to run the model.

    Attributes:
        asr_model: Name of the model file in the experiment directory.
        nj: Processes on the CPU; a GPU is used by one.
        ngpu: 0 for the CPU, 1 for a GPU.
        batch_bins: Most samples in a batch, padding counted.
        language: Of models with a head for each language: `utt2lang` of the data
            directory, `predicted` by the model, or one language for all.
        dropout: Rate of the model's dropout in make-emissions; 0: off, as it should be
            but for seeing how sure the model is.
        dropout_seed: Of that, 0 or more.
    """

    asr_model: str = "valid.wer.ave.pth"
    nj: int = 1
    ngpu: int = 0
    batch_bins: int = 640_000
    language: str = UTT2LANG
    dropout: float = 0.0
    dropout_seed: int = 0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: One is out of range.
        """
        if self.nj < 1 or self.ngpu not in (0, 1) or self.batch_bins < 1:
            raise ValueError(
                f"nj {self.nj}, ngpu {self.ngpu}, batch_bins {self.batch_bins} found, "
                "expected nj 1 or more, ngpu 0 or 1, batch_bins 1 or more"
            )
        if not 0 <= self.dropout < 1 or self.dropout_seed < 0:
            raise ValueError(
                f"dropout {self.dropout}, dropout_seed {self.dropout_seed} found, "
                "expected 0 up to below 1, and 0 or more"
            )


@dataclasses.dataclass(frozen=True)
class SearchOptions:
    """How to search the log-posteriors. All scores are natural logarithms.

    Attributes:
        search: `greedy`; `lexicon`: words of a list and a word model; `token`: any
            tokens and a model of characters or pieces; `espnet`: ESPnet's own search,
            for models with an attention decoder.
        lm_unit: Which model of the LM folder; empty: `word` for `lexicon`, the unit of
            the tokens for `token`; `none`: no model.
        lm_weight: Factor of the LM's log-probability. Weights published for flashlight,
            fairseq and torchaudio are for log10: divide them by 2.303.
        word_score: Added for each word of `lexicon`.
        blank_score: Added to blank in each frame before the search, which then sees
            posteriors of sum 1 again; below 0 fewer letters are left out.
        beam_size: Hypotheses kept after each frame.
        beam_size_token: Most probable tokens of a frame that hypotheses go on with.
        beam_threshold: Hypotheses this far below the best are dropped, in nats.
        log_add: Sum the alignments of a hypothesis; else its best one counts.
        blank_threshold: Of a run of frames whose blank is likelier than this, the
            search sees one; 1: all frames.
        num_spellings: Segmentations of a word into pieces that `lexicon` allows.
        mapping: Of `lexicon`: a table of letters, by which words of one language are
            spelled in the tokens of another's model (hamzaban/decode/mappings/, or a
            file); empty: words are spelled as they are.
        nbest: Hypotheses written of each utterance.
        ctc_weight: Of `espnet`: share of the CTC score.
        penalty: Of `espnet`: added for each token.
    """

    search: str = "greedy"
    lm_unit: str = ""
    lm_weight: float = 0.5
    word_score: float = 0.0
    blank_score: float = 0.0
    beam_size: int = 50
    beam_size_token: int = 20
    beam_threshold: float = 15.0
    log_add: bool = True
    blank_threshold: float = 0.999
    num_spellings: int = 3
    mapping: str = ""
    nbest: int = 1
    ctc_weight: float = 0.3
    penalty: float = 0.0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: One is unknown or out of range.
        """
        if self.search not in SEARCHES or self.lm_unit not in ("", *LM_UNITS):
            raise ValueError(
                f"search {self.search!r}, lm_unit {self.lm_unit!r} found; known: "
                f"{', '.join(SEARCHES)} and {', '.join(LM_UNITS)}"
            )
        counts = ("beam_size", "beam_size_token", "num_spellings", "nbest")
        for name in counts:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} {getattr(self, name)} found, expected 1 up")
        shares = (self.blank_threshold, self.ctc_weight)
        if self.beam_threshold <= 0 or not all(0 <= share <= 1 for share in shares):
            raise ValueError(
                f"beam_threshold {self.beam_threshold}, blank_threshold {shares[0]}, "
                f"ctc_weight {shares[1]} found, expected above 0, and two of 0..1"
            )
        if self.nbest > self.beam_size:
            raise ValueError(f"nbest {self.nbest} is above beam_size {self.beam_size}")
        if self.search == "token" and self.word_score:
            raise ValueError("word_score is for search: lexicon; leave it out")
        if self.search == "espnet" and self.blank_score:
            raise ValueError("blank_score is not for search: espnet; leave it out")
        if self.search != "lexicon" and self.mapping:
            raise ValueError("mapping is for search: lexicon; leave it out")


@dataclasses.dataclass(frozen=True)
class InferenceConfig:
    """What an inference YAML says.

    Attributes:
        decode: Values of `DecodeOptions` that it gives, by name.
        search: The search.
        tune: Values to try on valid, by the names in TUNED.
    """

    decode: dict[str, Any] = dataclasses.field(default_factory=dict)
    search: SearchOptions = dataclasses.field(default_factory=SearchOptions)
    tune: dict[str, list[float]] = dataclasses.field(default_factory=dict)


def read_inference(
    path: str | Path | None, weights: str | Path | None = None
) -> InferenceConfig:
    """Read a YAML such as conf/decode.yaml, on top of its `base`.

    Args:
        path: The YAML; None for the defaults.
        weights: A YAML of `tune-decoder` whose values go before.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: It is not YAML, a key is unknown, or a value is of another type.
    """
    values: dict[str, Any] = {}
    for file in (path, weights):
        if file is not None:
            if not Path(file).is_file():
                raise FileNotFoundError(f"{file}: no such inference YAML")
            values |= _read_values(file)
    defaults = dataclasses.asdict(DecodeOptions())
    decode = {key: values[key] for key in values if key in defaults}
    tune = values.pop("tune", {})
    rest = {key: values[key] for key in values if key not in defaults}
    try:
        return InferenceConfig(decode, SearchOptions(**rest), tune)
    except ValueError as e:
        raise ValueError(f"{weights or path}: {e}") from e


def read_inference_config(path: str | Path) -> dict[str, Any]:
    """Read the values of `DecodeOptions` that an inference YAML gives, by name."""
    return read_inference(path).decode


def _read_values(path: str | Path) -> dict[str, Any]:
    if not Path(path).read_text(encoding="utf-8").strip():
        return {}
    values, _ = read_config(path)
    defaults = dataclasses.asdict(DecodeOptions()) | dataclasses.asdict(SearchOptions())
    mapping = values.get("mapping")
    if isinstance(mapping, str) and (Path(path).parent / mapping).is_file():
        values["mapping"] = str(Path(path).parent / mapping)
    for key, value in values.items():
        if key == "tune":
            values[key] = _check_tune(path, value)
        elif key not in defaults:
            known = ", ".join([*defaults, "tune"])
            raise ValueError(f"{path}: {key!r} is unknown; known: {known}")
        else:
            expected = type(defaults[key])
            if expected is float and type(value) is int:
                values[key] = value = float(value)
            if type(value) is not expected:
                raise ValueError(
                    f"{path}: {key}: {value!r} found, expected {expected.__name__}"
                )
    return values


def _check_tune(path: str | Path, values: object) -> dict[str, list[float]]:
    if not isinstance(values, dict) or not values:
        raise ValueError(f"{path}: tune: {values!r} found, expected `option: [values]`")
    for key, found in values.items():
        numbers = found if isinstance(found, list) else []
        if key not in TUNED or not numbers or set(map(type, numbers)) - {int, float}:
            raise ValueError(
                f"{path}: tune: {key}: {found!r} found, expected a list of numbers for "
                f"one of {', '.join(TUNED)}"
            )
        if key == "beam_size" and set(map(type, numbers)) != {int}:
            raise ValueError(
                f"{path}: tune: beam_size: {found!r} are not whole numbers"
            )
    return values
