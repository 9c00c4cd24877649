"""Describe the scores of a set in lines of text."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hamzaban.score.breakdown import match_utterances
from hamzaban.score.kinds import KINDS, find_kind
from hamzaban.score.sclite import Scored
from hamzaban.score.time_marked import read_stm
from hamzaban.score.trn import read_text
from hamzaban.text.multilingual import MULTIPLE, read_utt2lang


def describe_parts(
    args: argparse.Namespace, kind: str, normalizer: str, scored: Scored
) -> list[str]:
    """Return a line for each language (with `--lang mul`) or for each label of an stm.

    Args:
        args: Options of score-text.
        kind: Name of the score's kind.
        normalizer: Id of the normalizer that the texts passed.
        scored: The scores.
    """
    if args.lang == MULTIPLE:
        places = (args.ref.parent, args.utt2spk)
        return describe_languages(kind, normalizer, scored, *places)
    if args.ref.suffix.lower() != ".stm":
        return []
    labels = read_labels(args.ref, case_sensitive=scored.case_sensitive)
    return describe_labels(kind, normalizer, scored, labels)


def describe_languages(
    kind: str,
    normalizer: str,
    scored: Scored,
    data_dir: Path,
    utt2spk_path: Path | None,
) -> list[str]:
    """Return a line for each language of the references if there are several."""
    utt2lang = read_utt2lang(data_dir)
    utt2spk = read_text(utt2spk_path) if utt2spk_path else {u: u for u in utt2lang}
    found = match_utterances(scored, utt2spk)
    languages = [utt2lang.get(utt_id or "", "") for utt_id in found]
    names = sorted({*languages} - {""})
    lines = []
    for name in names if len(names) > 1 else []:
        rows = [u for u, lang in enumerate(languages) if lang == name]
        line = describe_scores(kind, normalizer, scored.counts[rows])
        lines.append(f"  {name}: {line}")
    return lines


def describe_scores(kind: str, normalizer: str, counts: NDArray[np.int64]) -> str:
    """Return the pooled error rate and its counts as a line.

    Args:
        kind: Name of the score's kind.
        normalizer: Id of the normalizer that the texts passed.
        counts: Correct, substituted, deleted, inserted tokens of U utterances, (U, 4).
    """
    shown = KINDS[find_kind(kind)]
    corr, sub, dele, ins = counts.sum(axis=0).tolist()
    refs, errors = corr + sub + dele, sub + dele + ins
    rate = f"{100 * errors / refs:.2f} %" if refs else f"{errors} errors"
    return (
        f"{shown.label} {rate} of {refs} {shown.unit} in {len(counts)} "
        f"utterances (sub {sub}, del {dele}, ins {ins}), normalizer {normalizer}"
    )


def describe_labels(
    kind: str, normalizer: str, scored: Scored, labels: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return a line for each label of the segments of an stm, such as f0 or male.

    Args:
        kind: Name of the score's kind.
        normalizer: Id of the normalizer that the texts passed.
        scored: The scores.
        labels: Labels of each utterance id.
    """
    rows: dict[str, list[int]] = {}
    for u, trn_id in enumerate(scored.trn_ids):
        for label in labels.get(trn_id[1:-1], ()):
            if label:
                rows.setdefault(label.lower(), []).append(u)
    return [
        f"  {name}: {describe_scores(kind, normalizer, scored.counts[chosen])}"
        for name, chosen in sorted(rows.items())
    ]


def read_labels(stm: Path, *, case_sensitive: bool) -> dict[str, tuple[str, ...]]:
    """Return the labels of each scored segment of an stm file by its utterance id."""
    segments = read_stm(stm, case_sensitive=case_sensitive)
    labels = {s.utt_id: s.labels for s in segments if s.is_scored and s.labels}
    return labels if any(map(any, labels.values())) else {}
