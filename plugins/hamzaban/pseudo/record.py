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
REMEDY = "run local/pseudo.sh to make it again"
_KINDS: dict[str, dict[str, Any]] = {  # keys that other steps read from these files
    HEALTH: {"health": dict, "num_kept": int, "scores": dict},
    STATUS: {"round": int, "asr_exp": str, "best": int | None, "why": str},
}


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
    values = read_part(folder / HEALTH)
    return MeasuredRound(Health(**values["health"]), values["num_kept"])


def read_part(path: Path, remedy: str = REMEDY) -> dict[str, Any]:
    """Return the content of health.json or status.json of a round.

    Args:
        path: The file, which has one of these names.
        remedy: How to make it again.

    Raises:
        ValueError: It is damaged.
    """
    values = read_json(path, remedy)
    for key, kind in _KINDS[path.name].items():
        if not isinstance(values.get(key), kind):
            found = f"{key} is {str(values.get(key))[:40]!r}"
            raise ValueError(f"{path}: damaged ({found}); {remedy}")
    if path.name == HEALTH:
        _check_health(values["health"], f"{path}: damaged (health", remedy)
    return values


def _check_health(values: Mapping[str, Any], place: str, remedy: str) -> None:
    fields = {field.name for field in dataclasses.fields(Health)}
    differ = sorted(fields ^ values.keys())
    if differ:
        raise ValueError(f"{place}: {', '.join(differ)} missing or unknown); {remedy}")
    for name, value in values.items():
        if not isinstance(value, int | float | None):
            raise ValueError(f"{place}: {name} is {str(value)[:40]!r}); {remedy}")


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
        best = read_part(pseudo_exp / f"round_{verdict.best}" / STATUS)
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
    _write_summary(pseudo_exp, read_part(pseudo_exp / f"round_{last}" / STATUS))


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
        values = read_part(folder / HEALTH)
        num_utts = values["health"]["num_utts"]
        share = round(values["num_kept"] / max(num_utts, 1), 4)
        kept = {"num_kept": values["num_kept"], "kept_share": share}
        scores = {name: values["scores"].get(name) for name in ("wer", "cer")}
        times = read_times(folder)
        if number < last:
            times["label_s"] = read_part(folder / STATUS).get("label_s")
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


def _write(row: Mapping[str, Any], path: Path) -> None:
    with atomic_text(path) as f:
        json.dump(row, f, indent=1, ensure_ascii=False)
        f.write("\n")
