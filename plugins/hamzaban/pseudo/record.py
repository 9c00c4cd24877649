"""Read and write the records of rounds: health.json, status.json and rounds.tsv."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hamzaban.config import read_config
from hamzaban.data.files import read_scp
from hamzaban.fileio import atomic_text, read_json
from hamzaban.pseudo.guard import MeasuredRound, Verdict
from hamzaban.pseudo.health import Health
from hamzaban.pseudo.label import Label
from hamzaban.pseudo.plot import PICTURE, draw_rounds, read_times
from hamzaban.text.edits import count_edits

HEALTH, STATUS, TABLE = "health.json", "status.json", "rounds.tsv"
WEIGHTS = "weights.yaml"  # the values that were chosen for the search of a round


def read_measured_round(folder: Path) -> MeasuredRound:
    """Read the metrics of a complete round.

    Raises:
        FileNotFoundError: The round is not complete.
    """
    for name in (HEALTH, STATUS):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder / name}: missing; that round is not complete, run it first"
            )
    values = _read(folder / HEALTH)
    return MeasuredRound(Health(**values["health"]), values["num_kept"])


def write_health(
    path: Path,
    past: MeasuredRound,
    dropped: Mapping[str, int],
    scores: Mapping[str, float],
) -> None:
    """Write the metrics of a round.

    Args:
        path: The file to write.
        past: The metrics that the guard judges.
        dropped: Number of dropped utterances by reason.
        scores: The error rates from `score_labels`; empty without references.
    """
    health = dataclasses.asdict(past.health)
    row = {"health": health, "num_kept": past.num_kept, "dropped": dict(dropped)}
    _write({**row, "scores": dict(scores)}, path)


def write_status(
    pseudo_exp: Path, number: int, asr_exp: Path, verdict: Verdict, label_s: float
) -> None:
    """Write the verdict after a round, and the table and plot of all rounds.

    The file in the folder of the round is written last and marks it as complete.

    Args:
        pseudo_exp: Folder of the rounds.
        number: The number of the round.
        asr_exp: Experiment of its model.
        verdict: The judgement of the guard, to which the experiment of the best round
            is added.
        label_s: Time of labelling in seconds, in the last run if there were several.
    """
    row = {"round": number, "asr_exp": str(asr_exp), **dataclasses.asdict(verdict)}
    row |= {"best_asr_exp": None, "label_s": round(label_s, 3)}
    if verdict.best == number:
        row["best_asr_exp"] = str(asr_exp)
    elif verdict.best is not None:
        best = _read(pseudo_exp / f"round_{verdict.best}" / STATUS)
        row["best_asr_exp"] = best["asr_exp"]
    _write_summary(pseudo_exp, row)
    _write(row, pseudo_exp / f"round_{number}" / STATUS)
    logging.info("%s: %s", pseudo_exp, verdict.why)


def write_summary(pseudo_exp: Path, last: int) -> None:
    """Write the verdict, the table and the plot again, for the rounds up to `last`.

    Args:
        pseudo_exp: Folder of the rounds.
        last: The last round to include.

    Raises:
        FileNotFoundError: One of these rounds is not complete.
    """
    for number in range(last + 1):
        read_measured_round(pseudo_exp / f"round_{number}")
    _write_summary(pseudo_exp, _read(pseudo_exp / f"round_{last}" / STATUS))


def score_labels(labels: Sequence[Label], ref: Path) -> dict[str, float]:
    """Return the error rates of the labels that have a reference.

    Args:
        labels: All labels of a round, dropped ones included.
        ref: Kaldi text with references of some utterances, normalized as the labels.

    Returns:
        `wer` and `cer` in percent, pooled, and `num_refs`. Spaces do not count as
        characters.

    Raises:
        ValueError: No label has a reference.
    """
    refs = dict(read_scp(ref))
    known = [label for label in labels if label.utt_id in refs]
    edits = count_edits([refs[x.utt_id] for x in known], [x.text for x in known])
    if not edits.words:
        raise ValueError(
            f"{ref}: has no word of the {len(labels)} labelled utterances; give "
            "references of some of them"
        )
    return {
        "wer": round(100 * edits.word_errors / edits.words, 2),
        "cer": round(100 * edits.char_errors / edits.chars, 2),
        "num_refs": float(len(known)),
    }


def _write_summary(pseudo_exp: Path, row: Mapping[str, Any]) -> None:
    _write_table(pseudo_exp, row["round"], row["label_s"])
    draw_rounds(pseudo_exp / TABLE, pseudo_exp / PICTURE, row["best"])
    _write(row, pseudo_exp / STATUS)


def _write_table(pseudo_exp: Path, last: int, label_s: float) -> None:
    """Write a line for each round up to `last`; - stands for an unknown value."""
    rows = []
    for number in range(last + 1):
        folder = pseudo_exp / f"round_{number}"
        values = _read(folder / HEALTH)
        num_utts = values["health"]["num_utts"]
        share = round(values["num_kept"] / max(num_utts, 1), 4)
        kept = {"num_kept": values["num_kept"], "kept_share": share}
        scores = {name: values["scores"].get(name) for name in ("wer", "cer")}
        times = read_times(folder)
        if number < last:
            times["label_s"] = _read(folder / STATUS).get("label_s")
        else:
            times["label_s"] = label_s
        weights = read_config(folder / WEIGHTS)[0]
        metrics = {**kept, **weights, **values["health"], **scores, **times}
        rows.append({"round": number, **metrics})
    with atomic_text(pseudo_exp / TABLE) as f:
        f.write("\t".join(rows[0]) + "\n")
        for row in rows:
            cells = ("-" if value is None else str(value) for value in row.values())
            f.write("\t".join(cells) + "\n")


def _read(path: Path) -> dict[str, Any]:
    return read_json(path, "run local/pseudo.sh again, which makes it again")


def _write(row: Mapping[str, Any], path: Path) -> None:
    with atomic_text(path) as f:
        json.dump(row, f, indent=1, ensure_ascii=False)
        f.write("\n")
