"""Choose the CTC head of each utterance, for models of several languages."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamzaban.data.files import read_scp
from hamzaban.decode.decode_options import PREDICTED, UTT2LANG
from hamzaban.fileio import atomic_text

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Spoken:
    """The language of an utterance.

    Attributes:
        language: Language whose head was used; empty if all languages share a head.
        found: Language that the language-ID head finds; empty without such a head.
        score: Log-probability (natural log) of `found`, at most 0.
    """

    language: str = ""
    found: str = ""
    score: float = 0.0


@dataclasses.dataclass(frozen=True)
class Routing:
    """How the languages of utterances are chosen.

    Attributes:
        mode: `utt2lang`, `predicted`, or a language for all.
        truth: Language of each utterance that utt2lang names.
    """

    mode: str
    truth: Mapping[str, str]

    def wanted(self, utt_id: str) -> str | None:
        """Return the language to use for an utterance; None for the predicted one."""
        if self.mode == PREDICTED:
            return None
        return self.truth.get(utt_id, "") if self.mode == UTT2LANG else self.mode


def make_routing(model: Any, data_dir: str | Path, mode: str) -> Routing | None:
    """Return how the languages of a data directory are chosen.

    Args:
        model: A model with a CTC head, or with several.
        data_dir: Data directory, which may have utt2lang.
        mode: `language` of `DecodeOptions`.

    Returns:
        The choice; None for a model of one language.

    Raises:
        FileNotFoundError: `utt2lang` is needed and missing.
        ValueError: The model does not support the mode.
    """
    languages = getattr(model, "languages", None)
    if languages is None:
        if mode != UTT2LANG:
            raise ValueError(
                f"language: {mode}: the model has one language only; leave the option "
                "out"
            )
        return None
    path = Path(data_dir) / "utt2lang"
    truth = dict(read_scp(path)) if path.is_file() else {}
    if mode == PREDICTED and model.lid is None:
        raise ValueError(
            "language: predicted: the model has no language-ID head; train it with "
            "model_conf.lid_weight above 0"
        )
    if mode not in (UTT2LANG, PREDICTED, *languages):
        raise ValueError(
            f"language: '{mode}' is unknown; known: {UTT2LANG}, {PREDICTED}, "
            f"{', '.join(languages)}"
        )
    if mode == UTT2LANG and model.has_heads:
        _check_truth(path, truth, languages)
    return Routing(mode, truth)


def _check_truth(
    path: Path, truth: Mapping[str, str], languages: Sequence[str]
) -> None:
    if not truth:
        raise FileNotFoundError(
            f"{path}: no such file, but the choice of a head needs it; write it, or "
            f"decode with `language: predicted` or one of {', '.join(languages)}"
        )
    for utt_id, lang in truth.items():
        if lang not in languages:
            raise ValueError(
                f"{path}: {utt_id} is of language '{lang}', the model has heads for "
                f"{', '.join(languages)}; leave it out, or decode with `language: "
                "predicted`"
            )


def emit_languages(
    model: Any, speech: Tensor, lengths: Tensor, wanted: Sequence[str | None]
) -> tuple[Tensor, Tensor, list[Spoken]]:
    """Run a model of several languages on a batch.

    Args:
        model: A `JointCTC` in eval mode.
        speech: Waveforms, shape (B, S).
        lengths: Number of samples of each, shape (B,).
        wanted: Language of each utterance; None for the predicted one.

    Returns:
        Log-posteriors (natural log), shape (B, T, V), numbers of frames, shape (B,),
        and the languages.

    Raises:
        ValueError: The language of an utterance is not given.
    """
    import torch

    with torch.inference_mode():
        out, frames = model.encode(speech, lengths)  # (B, T, D), (B,)
        found = [("", 0.0)] * len(wanted)
        if model.lid is not None:
            scores = model.identify(out, frames).log_softmax(-1)  # (B, N)
            best, ids = scores.max(-1)  # (B,), (B,)
            names = [model.languages[i] for i in ids.tolist()]
            found = list(zip(names, best.tolist(), strict=True))
        chosen = [
            "" if not model.has_heads else name if lang is None else lang
            for lang, (name, _) in zip(wanted, found, strict=True)
        ]
        if model.has_heads and "" in chosen:
            raise ValueError(
                "utt2lang: an utterance of wav.scp is missing; add its language, or "
                "decode with `language: predicted`"
            )
        spoken = [Spoken(lang, *pair) for lang, pair in zip(chosen, found, strict=True)]
        return model.log_probs(out, chosen), frames, spoken


def write_languages(spoken: Mapping[str, Spoken], output_dir: str | Path) -> None:
    """Write the languages of utterances, sorted by utt_id.

    `utt2lang` has the languages whose heads were used; `lid` has lines `utt_id language
    score` of the language-ID head. A file without lines is not written, and one of an
    earlier run is removed.
    """
    columns = {
        "utt2lang": {u: s.language for u, s in spoken.items() if s.language},
        "lid": {u: f"{s.found} {s.score:.4f}" for u, s in spoken.items() if s.found},
    }
    for name, column in columns.items():
        path = Path(output_dir) / name
        if column:
            with atomic_text(path) as f:
                f.writelines(f"{utt} {column[utt]}\n" for utt in sorted(column))
        else:
            path.unlink(missing_ok=True)


def format_spoken(utt_id: str, spoken: Spoken) -> str:
    """Return the line of an utterance in a store's file of languages."""
    return f"{utt_id}\t{spoken.language}\t{spoken.found}\t{spoken.score:.6f}\n"


def read_spoken(paths: Iterable[str | Path]) -> dict[str, Spoken]:
    """Return the languages of utterances in files with lines of `format_spoken`."""
    found = {}
    for path in paths:
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            utt_id, language, best, score = line.split("\t")
            found[utt_id] = Spoken(language, best, float(score))
    return found


def log_accuracy(
    spoken: Mapping[str, Spoken], truth: Mapping[str, str], place: str | Path
) -> None:
    """Log how often the language-ID head is right, for utterances of known language."""
    known = [u for u, s in spoken.items() if s.found and u in truth]
    if known:
        right = sum(spoken[utt_id].found == truth[utt_id] for utt_id in known)
        logging.info(
            "%s: language ID right for %d of %d utterances, %.2f %%",
            place,
            right,
            len(known),
            100 * right / len(known),
        )
