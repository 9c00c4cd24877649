"""The text of `hamzaban --help`, and the form of the help of each verb."""

import argparse
import ast
import copy
import textwrap
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

COMMON = (  # the verbs that people use first, in the order of a project
    "prepare-corpus",
    "import-data",
    "validate-data",
    "normalize",
    "mine",
    "import-ssl",
    "train-asr",
    "decode-asr",
    "transcribe",
    "serve",
    "score",
    "compare",
    "make-report",
    "pack-model",
)
GROUPS = {  # GROUP of a module -> title in --help
    "data": "Data directories",
    "text": "Text",
    "audio": "Audio",
    "train": "Training",
    "decode": "Decoding",
    "score": "Scores and reports",
    "pseudo": "Pseudo-labels",
    "model": "Models in and out",
    "run": "Jobs, steps and configs",
}
OTHER = "Other"  # verbs without a group
HELP_WIDTH = 79


class VerbInfo(NamedTuple):
    """What --help shows of a verb.

    Attributes:
        summary: The first line of its module's docstring.
        group: A key of GROUPS, or OTHER.
    """

    summary: str
    group: str


class OptionHelp(argparse.ArgumentDefaultsHelpFormatter):
    """The help of a verb's options: it shows the default unless that is empty."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        is_told = action.required or "default:" in (action.help or "")
        if is_told or action.default in (None, "", []):
            return action.help
        return super()._get_help_string(action)

    def _expand_help(self, action: argparse.Action) -> str:
        shown = copy.copy(action)
        if isinstance(action.default, list | tuple):
            shown.default = " ".join(map(str, action.default))
        return super()._expand_help(shown)


def read_info(module: Path) -> VerbInfo:
    """Return what --help shows of a verb, without importing its module."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    docstring = ast.get_docstring(tree)
    group = ""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "GROUP":
            group = ast.literal_eval(node.value)
    summary = docstring.splitlines()[0] if docstring else ""
    return VerbInfo(summary, group if group in GROUPS else OTHER)


def format_help(modules: Mapping[str, Path], *, is_all: bool = False) -> str:
    """Return the text of `hamzaban --help`.

    Args:
        modules: The module file of each verb, by the name that people type.
        is_all: Show the summary of every verb, by group, and not only of the COMMON.
    """
    infos = {name: read_info(path) for name, path in modules.items()}
    first = {} if is_all else {name: infos[name] for name in COMMON if name in infos}
    lines = [
        "usage: hamzaban [--help [--all] | --version] <verb> [--help | options ...]"
    ]
    if first:
        lines += ["", "verbs to begin with:", *_format_summaries(first)]
        lines += ["", "all other verbs, by group:"]
    groups: dict[str, dict[str, VerbInfo]] = {key: {} for key in [*GROUPS, OTHER]}
    for name in infos.keys() - first.keys():
        groups[infos[name].group][name] = infos[name]
    for key, group in groups.items():
        title, members = GROUPS.get(key, OTHER), dict(sorted(group.items()))
        if members and first:
            lines += _wrap_names(title, members)
        elif members:
            lines += ["", f"{title}:", *_format_summaries(members)]
    lines += [""] if is_all else ["", "`hamzaban --help --all` describes every verb."]
    return "\n".join([*lines, "`hamzaban <verb> --help` describes its options."])


def _wrap_names(title: str, names: Collection[str]) -> list[str]:
    text = f"{title}: {', '.join(names)}"
    lines = textwrap.wrap(text, HELP_WIDTH - 4, break_on_hyphens=False)
    return [f"  {lines[0]}", *(f"    {line}" for line in lines[1:])]


def _format_summaries(infos: Mapping[str, VerbInfo]) -> list[str]:
    width = max(len(name) for name in infos)
    return [f"  {name:<{width}}  {info.summary}" for name, info in infos.items()]
