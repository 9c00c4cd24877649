"""The rounds of pseudo-labelling beside an experiment: table, picture, hours."""

import base64
import csv
import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hamzaban.fileio import read_json
from hamzaban.pseudo.equivalent_hours import compute_hours, draw_hours, read_curve
from hamzaban.pseudo.plot import PICTURE
from hamzaban.score.results import read_results

TABLE, STATUS, CURVE = "rounds.tsv", "status.json", "hours.tsv"
COLUMNS = {  # of rounds.tsv, as the page calls them
    "round": "Round",
    "num_kept": "Kept",
    "kept_share": "Kept, share",
    "disagreement": "Disagreement",
    "lm_only_share": "Words only with LM",
    "blank_rate": "Blanks",
    "top_label_share": "Most frequent label",
    "copied_share": "Labels copied from text",
    "churn": "Churn",
    "wer": "WER % of labels",
    "cer": "CER % of labels",
    "train_s": "Training, s",
}
DASH = "\N{EN DASH}"


@dataclass(frozen=True)
class Rounds:
    """The rounds of a folder.

    Attributes:
        name: Name of the folder.
        why: What the guard said last.
        best: The best round, if any.
        head: Names of the columns.
        rows: The cells, a row for each round.
        picture: rounds.png as a data URI; "" without one.
        hours: What the best round is worth in labelled hours, a line for each test set.
        hours_picture: The curve of labelled hours as a data URI; "" without a curve.
    """

    name: str
    why: str
    best: int | None
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    picture: str = ""
    hours: Sequence[str] = ()
    hours_picture: str = ""


def read_rounds(given: Sequence[Path], exp_dir: Path) -> list[Rounds]:
    """Read the rounds of folders, and of all `pseudo_*` of another.

    Args:
        given: Folders of rounds.
        exp_dir: Folder of the experiments; a `pseudo_*` in it of which no round is
            judged yet is left out with a warning.

    Raises:
        FileNotFoundError: A given folder has no round.
        ValueError: A file has another format.
    """
    folders = {path.resolve(): path for path in given}
    for path in sorted(exp_dir.glob("pseudo_*")):
        if (path / STATUS).is_file():
            folders.setdefault(path.resolve(), path)
        elif path.is_dir() and path.resolve() not in folders:
            logging.warning("%s: no round is judged yet; left out", path)
    return [_read_folder(path) for path in folders.values()]


def _read_folder(folder: Path) -> Rounds:
    for name in (TABLE, STATUS):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder}/{name}: missing; give a folder of rounds of local/pseudo.sh"
            )
    status = read_json(folder / STATUS, "run `hamzaban pseudo-label --summarize`")
    if not status.keys() >= {"best", "why"}:
        raise ValueError(
            f"{folder}/{STATUS}: no verdict found, expected that of pseudo-label; run "
            "local/pseudo.sh again, which makes it anew"
        )
    table = _read_table(folder / TABLE)
    rates = {row["round"]: _read_rates(folder, row["round"]) for row in table}
    head, rows = _lay_out(table, rates)
    hours, curve = _read_hours(folder, rates.get(str(status["best"]), {}))
    picture = folder / PICTURE
    return Rounds(
        folder.resolve().name,
        status["why"],
        status["best"],
        head,
        rows,
        _embed(picture) if picture.is_file() else "",
        hours,
        curve,
    )


def _read_table(path: Path) -> list[dict[str, Any]]:
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    if not rows or "round" not in rows[0]:
        raise ValueError(
            f"{path}: no column `round` or no line found; make it with pseudo-label"
        )
    return rows


def _read_rates(folder: Path, number: str) -> dict[str, float]:
    """Return the WER in percent of a round on each set that it was scored on."""
    path = folder / f"round_{number}"
    if next(path.glob("*/**/score_wer/result.txt"), None) is None:
        return {}
    rates: dict[str, float] = {}
    for found in read_results([path]):
        if found.kind == "wer":  # of normalized text, which comes before raw
            rates.setdefault(found.dataset, float(found.numbers[6]))
    return rates


def _lay_out(
    table: Sequence[Mapping[str, str]], rates: Mapping[str, Mapping[str, float]]
) -> tuple[list[str], list[list[str]]]:
    """Choose the columns of which something is known."""
    sets = list(dict.fromkeys(name for found in rates.values() for name in found))
    shown = [n for n in COLUMNS if any(row.get(n, "-") != "-" for row in table)]
    rows = []
    for row in table:
        found = rates[row["round"]]
        scores = [f"{found[name]:.1f}" if name in found else DASH for name in sets]
        rows.append([*(_write(row.get(name)) for name in shown), *scores])
    return [*(COLUMNS[name] for name in shown), *(f"WER %, {s}" for s in sets)], rows


def _write(cell: str | None) -> str:
    if cell in (None, "-"):
        return DASH
    return cell if cell.isdigit() else f"{float(cell):.3f}"


def _read_hours(folder: Path, rates: Mapping[str, float]) -> tuple[list[str], str]:
    """Read the folder's curve of labelled hours; draw it with rates of a round."""
    if not (folder / CURVE).is_file():
        return [], ""
    curve = read_curve(folder / CURVE)
    found = {name: compute_hours(curve, wer) for name, wer in rates.items()}
    with tempfile.TemporaryDirectory() as temporary:
        picture = Path(temporary) / "hours.png"
        draw_hours(curve, list(found.values()), picture)
        return [f"{name}: {item}" for name, item in found.items()], _embed(picture)


def _embed(picture: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"
