"""Error rates of the decoded sets of experiments, and how they differ."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hamzaban.score.bootstrap import Plan, choose_unit, estimate_interval, sum_groups
from hamzaban.score.compare import Comparison, compare_systems
from hamzaban.score.kinds import KINDS, RAW
from hamzaban.score.sclite import Scored
from hamzaban.score.systems import (
    Source,
    list_sets,
    read_folder,
    read_normalizer,
    read_systems,
)
from hamzaban.score.trn import get_speaker

FORMS = {  # of normalized and of raw text
    "": tuple(KINDS),
    RAW: tuple(kind.name for kind in KINDS.values() if kind.has_raw),
}
MAX_COMPARED = 6


@dataclass(frozen=True)
class Experiment:
    """An experiment of the report.

    Attributes:
        label: Letter it is called by.
        folder: Its folder.
    """

    label: str
    folder: Path


@dataclass(frozen=True)
class Rate:
    """An error rate.

    Attributes:
        rate: Share of the reference tokens; None without tokens.
        interval: Bootstrap interval; None where there are too few utterances.
        shares: Substituted, deleted, inserted tokens by reference tokens.
        num_tokens: Reference tokens.
    """

    rate: float | None
    interval: tuple[float, float] | None
    shares: tuple[float, float, float]
    num_tokens: int


@dataclass(frozen=True)
class Row:
    """A decoded set, scored with one normalizer.

    Attributes:
        experiment: The experiment that it belongs to.
        inference: How it was decoded, such as `decode_greedy`.
        dataset: What was decoded, such as `test` or `org/valid`.
        normalizer: Id of the text normalizer.
        num_utterances: Utterances.
        unit: What the bootstrap drew.
        rates: By the names of `KINDS`, as far as they were scored.
    """

    experiment: Experiment
    inference: str
    dataset: str
    normalizer: str
    num_utterances: int
    unit: str
    rates: Mapping[str, Rate]


def list_experiments(folders: Sequence[Path]) -> list[Experiment]:
    """Return experiments, each named by a letter, or by a number after the 26th.

    Raises:
        FileNotFoundError: One has no scored set.
    """
    experiments = []
    for number, folder in enumerate(folders):
        list_sets(folder, "wer")
        label = chr(ord("A") + number) if number < 26 else str(number + 1)
        experiments.append(Experiment(label, folder))
    return experiments


def collect_rows(experiments: Sequence[Experiment], plan: Plan) -> list[Row]:
    """Read and score all sets, test set by test set.

    Args:
        experiments: The experiments whose sets are read.
        plan: How to draw for the intervals.
    """
    rows = []
    for experiment in experiments:
        for form, kinds in FORMS.items():
            rows += _collect(experiment, form, kinds, plan)
    datasets = list(dict.fromkeys(row.dataset for row in rows))
    return sorted(rows, key=lambda row: datasets.index(row.dataset))


def _collect(
    experiment: Experiment, form: str, kinds: Sequence[str], plan: Plan
) -> list[Row]:
    folders = {
        kind: {
            trn.parents[1]: trn.parent
            for trn in experiment.folder.glob(f"**/score_{kind}{form}/ref.trn")
        }
        for kind in kinds
    }
    rows = []
    for decoded, folder in sorted(folders["wer"].items()):
        first = read_folder(folder)
        speakers = [get_speaker(trn_id) for trn_id in first.trn_ids]
        unit = choose_unit("auto", speakers)
        rates = {"wer": measure(first, unit, plan)}
        for kind in kinds[1:]:
            if decoded in folders[kind]:
                rates[kind] = measure(read_folder(folders[kind][decoded]), unit, plan)
        name = decoded.relative_to(experiment.folder).as_posix()
        inference, _, dataset = name.partition("/")
        normalizer = read_normalizer(folder)
        size = len(first.trn_ids)
        rows.append(Row(experiment, inference, dataset, normalizer, size, unit, rates))
    return rows


def measure(scored: Scored, unit: str, plan: Plan) -> Rate:
    """Measure the error rate of aligned tokens, with its interval."""
    names = [get_speaker(trn_id) for trn_id in scored.trn_ids]
    groups = names if unit == "speaker" else scored.trn_ids
    table = sum_groups(scored.counts, groups)  # (units, 4)
    corr, sub, dele, ins = table.sum(axis=0).tolist()
    size = corr + sub + dele
    if not size:
        return Rate(None, None, (0.0, 0.0, 0.0), 0)
    sizes, errors = table[:, :3].sum(axis=1), table[:, 1:].sum(axis=1)
    interval = estimate_interval(errors, sizes, plan)
    shares = sub / size, dele / size, ins / size
    return Rate((sub + dele + ins) / size, interval, shares, size)


def compare_rows(
    rows: Sequence[Row], plan: Plan, sc_stats: Sequence[str] | None
) -> dict[str, Comparison]:
    """Compare the WER of the systems that decoded the same set.

    Args:
        rows: The systems; at most the `MAX_COMPARED` best of a set are compared.
        plan: How to draw.
        sc_stats: As for `compare_systems`.

    Returns:
        By dataset and normalizer, where there are two systems or more.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row.rates["wer"].num_tokens:
            groups.setdefault((row.dataset, row.normalizer), []).append(row)
    found = {}
    for (dataset, normalizer), members in groups.items():
        members = sorted(members, key=lambda row: row.rates["wer"].rate or 0.0)
        if len(members) < 2:
            continue
        name = f"{dataset}, normalizer {normalizer}"
        words = [f"{name_system(row)}={find_folder(row)}" for row in members]
        try:
            (systems,) = read_systems(words[:MAX_COMPARED], Source()).values()
        except ValueError as error:  # such as references that differ
            logging.warning("%s: the systems are not compared: %s", name, error)
            continue
        found[name] = compare_systems(systems, plan, "auto", sc_stats)
    return found


def name_system(row: Row) -> str:
    """Return a short name of a system: its experiment's letter and how it decoded."""
    return f"{row.experiment.label} {row.inference}"


def find_folder(row: Row) -> Path:
    """Return the folder score_wer or score_wer_raw of a row."""
    decoded = row.experiment.folder / row.inference / row.dataset
    for form in FORMS:
        folder = decoded / f"score_wer{form}"
        if folder.is_dir() and read_normalizer(folder) == row.normalizer:
            return folder
    raise FileNotFoundError(f"{decoded}: its score folders are gone; score it again")
