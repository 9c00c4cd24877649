"""The README.md of an exported model: its data, its scores, how to use it.

Nothing is invented: what the experiment's files do not tell is said to be unknown.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hamzaban import __version__
from hamzaban.export.clips import find_named_file
from hamzaban.export.folding import CtcModel
from hamzaban.score.analysis import format_bounds
from hamzaban.score.bootstrap import Plan, estimate_interval
from hamzaban.score.results import NOT_STATED, read_results
from hamzaban.score.sclite import score_pairs
from hamzaban.score.trn import Pair, read_trn

UNKNOWN = "unknown"
_LANGUAGE = re.compile(r"([a-z]{2,3})-score/")  # the beginning of a normalizer's id
_SPOKEN_HZ = 16000


@dataclasses.dataclass(frozen=True)
class CardOptions:
    """What the user says about a model.

    Attributes:
        licence: Licence of the weights, such as cc-by-4.0.
        data: Name of the training data, such as Common Voice 21 fa.
        language: Language code, for the hub.
    """

    licence: str = ""
    data: str = ""
    language: str = ""


def make_card(
    model: CtcModel, usage: str, options: CardOptions, checks: Sequence[str]
) -> str:
    """Return the text of README.md.

    Args:
        model: The model.
        usage: How to use the exported files, in Markdown.
        options: What the user says about the model.
        checks: Lines about the checks at export.
    """
    scores, spoken = _list_scores(model.place.parent)
    language = options.language or model.language or spoken
    head = ["library_name: transformers", "pipeline_tag: automatic-speech-recognition"]
    head += [f"language: {language}"] * bool(language)
    head += [f"license: {options.licence}"] * bool(options.licence)
    facts = {
        "language": language or UNKNOWN,
        "licence": options.licence or UNKNOWN,
        "training data": options.data or UNKNOWN,
        **_describe_data(model),
        "started from": model.values.get("ssl_checkpoint_used") or UNKNOWN,
        "model": _describe_model(model),
        "tokens": f"{len(model.tokens)} {'subwords' if model.is_bpe else 'characters'}",
        "made with": f"Hamzaban {__version__}, {model.place.name}",
    }
    lines = ["---", *head, "---", "", f"# {model.place.resolve().parent.name}", ""]
    lines += ["A CTC speech recognizer: wav2vec 2.0 and one linear layer.", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    lines += ["", "## Scores", "", *scores, "", "## Use", "", usage.strip(), ""]
    lines += ["## Checks at export", "", *(f"- {line}" for line in checks), ""]
    return "\n".join([*lines, "## Limits", "", *_describe_limits(model)]) + "\n"


def _describe_model(model: CtcModel) -> str:
    cfg = model.checkpoint.model_cfg
    count = sum(v.numel() for v in model.checkpoint.model_weight.values())
    return (
        f"{cfg['encoder_layers']} layers of {cfg['encoder_embed_dim']} channels, "
        f"{(count + model.weight.numel()) / 1e6:.1f} M parameters"
    )


def _describe_data(model: CtcModel) -> dict[str, str]:
    """Return hours and utterances of training, from the shapes that batching read."""
    named = model.values.get("train_shape_file") or []
    paths = [find_named_file(name, model.place.parent) for name in named]
    path = next((p for p in paths if p and p.name == "speech_shape"), None)
    if path is None:
        return {"hours of training": UNKNOWN}
    rows = path.read_text(encoding="utf-8").splitlines()
    samples = [
        int(row.split()[1].split(",")[0]) for row in rows if len(row.split()) > 1
    ]
    hours = sum(samples) / _SPOKEN_HZ / 3600
    return {"hours of training": f"{hours:.2f} ({len(samples)} utterances)"}


def _list_scores(exp: Path) -> tuple[list[str], str]:
    """Return a table of scores in Markdown, and the language of the normalizer."""
    try:
        results = read_results([exp])
    except FileNotFoundError:
        return ["Unknown: the experiment has no scores."], ""
    rows = ["| set | metric | normalizer | error rate in % | 95 % interval |"]
    rows.append("|---|---|---|---|---|")
    language = ""
    for result in results:
        if result.kind not in ("wer", "cer"):
            continue
        raw = "_raw" if result.normalizer == "raw" else ""
        folder = exp / result.dataset / f"score_{result.kind}{raw}"
        found = _LANGUAGE.match(result.normalizer)
        language = language or (found[1] if found else "")
        name = UNKNOWN if result.normalizer == NOT_STATED else result.normalizer
        rows.append(
            f"| {result.dataset} | {result.kind.upper()} | {name} | "
            f"{result.numbers[6]} | {_bound(folder)} |"
        )
    return rows, language


def _bound(folder: Path) -> str:
    """Return the bootstrap interval of a scored set, over utterances, in per cent."""
    paths = [folder / "ref.trn", folder / "hyp.trn"]
    if not all(path.is_file() for path in paths):
        return UNKNOWN
    ref, hyp = map(read_trn, paths)
    if ref.keys() != hyp.keys():
        return UNKNOWN
    scored = score_pairs([Pair(i, ref[i], hyp[i]) for i in ref])
    errors = np.array([len(step) - step.count(b"C") for step in scored.steps])
    sizes = np.array([len(tokens) for tokens in scored.refs])
    bounds = estimate_interval(errors, sizes, Plan(replicates=1000))
    return format_bounds(bounds) or UNKNOWN


def _describe_limits(model: CtcModel) -> list[str]:
    conf: Mapping[str, Any] = model.values
    lines = ["- Speech at 16 kHz, one channel. The text is as the training text was"]
    cleaner = conf.get("cleaner")
    lines[0] += f" (text rules: {cleaner or UNKNOWN}): no punctuation is restored."
    if model.has_group_norm:
        lines.append(
            "- transformers' group norm includes the padding of a batch, so that the "
            "text of a shorter recording depends on its batch; use batches of one."
        )
    if model.normalizes:
        lines.append(
            "- transformers adds 1e-7 to the variance of a waveform, training added "
            "1e-5: recordings softer than -40 dB of full scale differ."
        )
    return lines
