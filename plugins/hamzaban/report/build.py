"""Collecting what a report shows from the folders of experiments."""

import logging
from collections.abc import Sequence
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
from hamzaban.report.page import Page, list_versions
from hamzaban.report.parts import Parts
from hamzaban.report.results import (
    Row,
    collect_rows,
    compare_rows,
    list_experiments,
)
from hamzaban.report.rounds import read_rounds
from hamzaban.report.sets import SetStatistics, describe_set
from hamzaban.report.sweeps import read_sweeps
from hamzaban.report.views import Views, Wishes, choose_views
from hamzaban.score.results import describe_environment


def build_page(folders: Sequence[Path], wishes: Wishes, parts: Parts) -> Page:
    """Collect all for the page of some experiments, the first one in detail.

    Args:
        folders: The experiments.
        wishes: What the report should hold.
        parts: Get the data of the explorer.

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
    sets = choose_views(own)
    parts.choose_place(sum(r.num_utterances for found in sets.values() for r in found))
    views = Views(wishes, _list_texts(first.folder), parts, notes)
    details = list(views.look(sets))
    return Page(
        title=first.folder.resolve().name,
        experiments=experiments,
        rows=rows,
        comparisons=compare_rows(rows, wishes.plan, wishes.sc_stats),
        rate_charts=make_rate_charts(runs),
        curves={name: charts for name, charts in curves.items() if charts},
        sweeps=read_sweeps(first.folder),
        rounds=read_rounds(wishes.pseudo_dirs, first.folder.resolve().parent),
        details=details,
        sets=_describe_sets(first.folder, own, wishes, commands),
        commands=commands,
        environment=list_versions(describe_environment()),
        notes=notes,
        leaks=wishes.leaks,
        sounds=views.held,
    )


def _list_texts(exp: Path) -> list[Path]:
    """Return the files of transcripts that a model was trained on, as far as there."""
    config = exp / "config.yaml"
    if not config.is_file():
        return []
    entries = load_mapping(config).get("train_data_path_and_name_and_type") or []
    paths = [Path(path) for path, name, *_ in entries if name == "text"]
    return [path for path in paths if path.is_file()]


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
        logging.warning("%s: no utt2spk here, left out of the data statistics", path)
    return [describe_set(path, used, int(fs)) for path, used in known.items()]
