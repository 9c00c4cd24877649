"""Collecting what a report shows from the folders of experiments."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hamzaban.config import load_mapping
from hamzaban.report.curves import (
    PRETRAINING,
    TRAINING,
    make_charts,
    make_rate_charts,
)
from hamzaban.report.epochs import Epochs, read_epochs
from hamzaban.report.lineage import Command, list_commands
from hamzaban.report.page import Detail, Page, compute_direction, list_versions
from hamzaban.report.results import (
    Row,
    collect_rows,
    compare_rows,
    find_folder,
    list_experiments,
)
from hamzaban.report.rounds import read_rounds
from hamzaban.report.sets import SetStatistics, describe_set
from hamzaban.report.sweeps import read_sweeps
from hamzaban.report.worst import describe_worst
from hamzaban.score.analysis import Details, analyse
from hamzaban.score.bootstrap import Plan
from hamzaban.score.results import describe_environment
from hamzaban.score.systems import read_folder

TOP = 10  # confusions of each kind


@dataclass(frozen=True)
class Wishes:
    """What the report should hold.

    Attributes:
        raw_dir: Folder of the data directories that were decoded, by set.
        roots: Folders with the stamps of the stages.
        num_worst: Utterances to show of each set.
        word_lists: Files of words by name of the class.
        utt_tags: Kaldi files that group utterances, by name.
        plan: How to draw for intervals.
        sc_stats: NIST's command, to check the MAPSSWE test.
        nj: Threads that read audio.
        pseudo_dirs: Folders of rounds of pseudo-labelling, beside those that lie by
            the first experiment as `pseudo_*`.
    """

    raw_dir: Path = Path("dump/raw")
    roots: Sequence[Path] = (Path("exp"), Path("dump"), Path("data"))
    num_worst: int = 10
    word_lists: Mapping[str, Path] = field(default_factory=dict)
    utt_tags: Mapping[str, Path] = field(default_factory=dict)
    plan: Plan = field(default_factory=Plan)
    sc_stats: Sequence[str] | None = None
    nj: int = 1
    pseudo_dirs: Sequence[Path] = ()


def build_page(folders: Sequence[Path], wishes: Wishes) -> Page:
    """Collect all for the page of some experiments, the first one in detail.

    Raises:
        FileNotFoundError: An experiment has no scored set.
        ValueError: Its files do not fit.
    """
    experiments = list_experiments(folders)
    rows = collect_rows(experiments, wishes.plan)
    first = experiments[0]
    own = [row for row in rows if row.experiment == first]
    rows = [*own, *(row for row in rows if row.experiment != first)]
    commands = list_commands(wishes.roots, [str(first.folder)])
    runs = {e.label: _read_log(e.folder) for e in experiments}
    curves = {f"Training of {first.label}": make_charts(runs[first.label], TRAINING)}
    for folder in _list_pretraining(commands):
        charts = make_charts(_read_log(folder), PRETRAINING)
        curves[f"Pretraining, {folder.name}"] = charts
    notes: list[str] = []
    return Page(
        title=first.folder.resolve().name,
        experiments=experiments,
        rows=rows,
        comparisons=compare_rows(rows, wishes.plan, wishes.sc_stats),
        rate_charts=make_rate_charts(runs),
        curves={name: charts for name, charts in curves.items() if charts},
        sweeps=read_sweeps(first.folder),
        rounds=read_rounds(wishes.pseudo_dirs, first.folder.resolve().parent),
        details=[_look_closely(row, wishes, notes) for row in _choose_details(own)],
        sets=_describe_sets(first.folder, own, wishes, commands),
        commands=commands,
        environment=list_versions(describe_environment()),
        notes=notes,
    )


def _choose_details(rows: Sequence[Row]) -> list[Row]:
    """Return the decoding with the lowest WER of each set, normalized where possible.

    Rows of raw text follow those of normalized text of the same set.
    """
    chosen: dict[str, Row] = {}
    for row in rows:
        best = chosen.get(row.dataset)
        is_same = best is not None and best.inference == row.inference
        lower = best is not None and _wer(row) < _wer(best)
        if best is None or (lower and not is_same):
            chosen[row.dataset] = row
    return list(chosen.values())


def _wer(row: Row) -> float:
    rate = row.rates["wer"].rate
    return float("inf") if rate is None else rate


def _look_closely(row: Row, wishes: Wishes, notes: list[str]) -> Detail:
    scored = read_folder(find_folder(row))
    data_dir: Path | None = wishes.raw_dir / row.dataset
    if data_dir is not None and not (data_dir / "wav.scp").is_file():
        note = f"{data_dir} is not there: no audio, durations or levels of this set"
        logging.warning("%s", note)
        notes.append(note)
        data_dir = None
    tags = wishes.utt_tags if data_dir is not None else {}
    details = Details(
        wishes.word_lists, utt_tags=tags, data_dir=data_dir, top=TOP, nj=wishes.nj
    )
    return Detail(
        row,
        analyse(scored, details, wishes.plan),
        describe_worst(scored, wishes.num_worst, data_dir),
        compute_direction(scored.refs),
    )


def _read_log(folder: Path) -> Epochs:
    log = folder / "train.log"
    if not log.is_file():
        logging.warning("%s: no such file; no learning curve of it", log)
        return Epochs()
    return read_epochs(log)


def _list_pretraining(commands: Sequence[Command]) -> list[Path]:
    made = [Path(path) for c in commands if c.step == "pretrain" for path in c.makes]
    return list(dict.fromkeys(path.parent for path in made))


def _describe_sets(
    exp: Path, rows: Sequence[Row], wishes: Wishes, commands: Sequence[Command]
) -> list[SetStatistics]:
    """Describe the sets of training, validation, pretraining and testing."""
    roles: dict[Path, list[str]] = {}
    config = exp / "config.yaml"
    fs = 16000
    if config.is_file():
        options = load_mapping(config)
        fs = (options.get("frontend_conf") or {}).get("fs", fs)
        for role in ("train", "valid"):
            for path, *_ in options.get(f"{role}_data_path_and_name_and_type") or []:
                roles.setdefault(Path(path).parent, []).append(role)
    for command in commands:
        for path in map(Path, command.reads if command.step == "pretrain" else ()):
            if path.name == "wav.scp":
                roles.setdefault(path.parent, []).append("pretraining")
    for row in rows:
        roles.setdefault(wishes.raw_dir / row.dataset, []).append("test")
    known = {path: used for path, used in roles.items() if (path / "utt2spk").is_file()}
    for path in roles.keys() - known.keys():
        logging.warning("%s: not there, left out of the data statistics", path)
    return [describe_set(path, used, int(fs)) for path, used in known.items()]
