"""What is kept of rounds: health.json, status.json, rounds.tsv."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hamzaban.config import read_config
from hamzaban.data.files import read_scp
from hamzaban.fileio import atomic_text
from hamzaban.pseudo.guard import Past, Verdict
from hamzaban.pseudo.health import Health
from hamzaban.pseudo.label import Label
from hamzaban.pseudo.plot import PICTURE, draw_rounds, read_times
from hamzaban.text.edits import count_edits

HEALTH, STATUS, TABLE = "health.json", "status.json", "rounds.tsv"
_DAMAGED = "{}: damaged ({}); run local/pseudo.sh again, which makes it anew"
WEIGHTS = "weights.yaml"  # of a round's search: what was chosen for it


def read_past(folder: Path) -> Past:
    """Read the health of a complete round.

    Raises:
        FileNotFoundError: It is not complete.
    """
    for name in (HEALTH, STATUS):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder / name}: missing; that round is not complete, run it first"
            )
    values = read_json(folder / HEALTH)
    return Past(Health(**values["health"]), values["num_kept"])


def write_health(
    path: Path, past: Past, dropped: Mapping[str, int], scores: Mapping[str, float]
) -> None:
    """Write a round's figures.

    Args:
        path: The file.
        past: What the guard looks at.
        dropped: Numbers of utterances by reason.
        scores: What `score_labels` gave; empty without references.
    """
    health = dataclasses.asdict(past.health)
    row = {"health": health, "num_kept": past.num_kept, "dropped": dict(dropped)}
    _write({**row, "scores": dict(scores)}, path)


def write_status(
    pseudo_exp: Path, number: int, asr_exp: Path, verdict: Verdict, label_s: float
) -> None:
    """Write the verdict after a round, in its folder last; table and picture of all.

    Args:
        pseudo_exp: Holds the rounds.
        number: The round.
        asr_exp: Experiment of its model.
        verdict: The guard's word; the best round's experiment is added.
        label_s: Seconds that labelling took, in the last run if there were several.
    """
    row = {"round": number, "asr_exp": str(asr_exp), **dataclasses.asdict(verdict)}
    row |= {"best_asr_exp": None, "label_s": round(label_s, 3)}
    if verdict.best == number:
        row["best_asr_exp"] = str(asr_exp)
    elif verdict.best is not None:
        best = read_json(pseudo_exp / f"round_{verdict.best}" / STATUS)
        row["best_asr_exp"] = best["asr_exp"]
    _write_summary(pseudo_exp, row)
    _write(row, pseudo_exp / f"round_{number}" / STATUS)
    logging.info("%s: %s", pseudo_exp, verdict.why)


def write_summary(pseudo_exp: Path, last: int) -> None:
    """Write the verdict, the table and the picture of rounds up to one anew.

    Args:
        pseudo_exp: Holds the rounds.
        last: The round to end with; later ones do not count.

    Raises:
        FileNotFoundError: It, or one before, is not complete.
    """
    for number in range(last + 1):
        read_past(pseudo_exp / f"round_{number}")
    _write_summary(pseudo_exp, read_json(pseudo_exp / f"round_{last}" / STATUS))


def score_labels(labels: Sequence[Label], ref: Path) -> dict[str, float]:
    """Give the error rates of labels that have a reference, as they stand.

    Args:
        labels: Of a round, dropped ones as well.
        ref: Kaldi text; of some utterances, spelled as the labels are.

    Returns:
        `wer` and `cer` in percent, pooled, and `num_refs`; spaces are no characters.

    Raises:
        ValueError: No label has a reference.
    """
    refs = dict(read_scp(ref))
    known = [label for label in labels if label.utt_id in refs]
    edits = count_edits([refs[x.utt_id] for x in known], [x.text for x in known])
    if not edits.words:
        raise ValueError(f"{ref}: has no word of the {len(labels)} labelled utterances")
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
    """Write a line for each round up to `last`; figures not known are -."""
    rows = []
    for number in range(last + 1):
        folder = pseudo_exp / f"round_{number}"
        values = read_json(folder / HEALTH)
        num_utts = values["health"]["num_utts"]
        share = round(values["num_kept"] / max(num_utts, 1), 4)
        kept = {"num_kept": values["num_kept"], "kept_share": share}
        scores = {name: values["scores"].get(name) for name in ("wer", "cer")}
        times = read_times(folder)
        if number < last:
            times["label_s"] = read_json(folder / STATUS).get("label_s")
        else:
            times["label_s"] = label_s
        weights = read_config(folder / WEIGHTS)[0]
        figures = {**kept, **weights, **values["health"], **scores, **times}
        rows.append({"round": number, **figures})
    with atomic_text(pseudo_exp / TABLE) as f:
        f.write("\t".join(rows[0]) + "\n")
        for row in rows:
            cells = ("-" if value is None else str(value) for value in row.values())
            f.write("\t".join(cells) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Return what `_write` wrote.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is damaged.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(_DAMAGED.format(path, error)) from error
    if not isinstance(values, dict):
        raise ValueError(_DAMAGED.format(path, f"{type(values).__name__} found"))
    return values


def _write(row: Mapping[str, Any], path: Path) -> None:
    with atomic_text(path) as f:
        json.dump(row, f, indent=1, ensure_ascii=False)
        f.write("\n")
