"""The command `hamzaban <verb> ...`: finds the verbs in bin/ and runs one of them.

A module of bin/ declares its group in --help: `GROUP = "data"`. The first word of a
verb is enough where no other begins with it: `hamzaban validate`.
"""

import argparse
import ast
import difflib
import importlib
import logging
import os
import re
import sys
import textwrap
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from hamzaban import __version__
from hamzaban.threads import limit_spinning

BIN_DIR = Path(__file__).parent / "bin"
LOG_FORMAT = "%(asctime)s (%(module)s:%(lineno)d) %(levelname)s: %(message)s"
LOG_DATE_FORMAT = "%Y-%m-%dT%H:%M:%S"
DEBUG_VARIABLE = "HAMZABAN_DEBUG"  # set to anything: errors keep their traceback
USER_ERRORS = (ValueError, OSError)
# What people type, and --help lists, in place of the name of a module.
SHORT_NAMES = {
    "analyse": "analyse-errors",
    "compare": "compare-systems",
    "mine": "mine-audio",
    "score": "score-text",
}
# A name of earlier versions and the words that replace it.
RENAMED = {
    "check-stamp": "run-stage --explain",
    "fit-config": "config fit",
    "list-inputs": "config inputs",
    "measure-routing": "analyse --by routing",
    "merge-config": "config merge",
    "show-conditions": "analyse --by conditions",
    "summarise-grid": "run-grid --tables_only true",
    "summarise-rounds": "pseudo-label --summarize",
}
COMMON = (  # the verbs that people use first, in the order of a project
    "prepare-corpus",
    "import-data",
    "validate-data",
    "normalize",
    "mine",
    "import-ssl",
    "train-asr",
    "decode-asr",
    "score",
    "compare",
    "make-report",
    "pack-model",
)
GROUPS = {  # what a module may declare as its GROUP -> the title in --help
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

_OPTION = re.compile(r"--[A-Za-z][A-Za-z0-9_-]*(?==|$)")


class VerbInfo(NamedTuple):
    """What --help shows of a verb.

    Attributes:
        summary: The first line of its module's docstring.
        group: A key of GROUPS, or OTHER.
    """

    summary: str
    group: str


def find_verbs(bin_dir: Path = BIN_DIR) -> dict[str, Path]:
    """Map each verb, such as `validate-data`, to the module file that defines it."""
    modules = sorted(bin_dir.glob("[a-z]*.py"))
    return {module.stem.replace("_", "-"): module for module in modules}


def complete_verb(word: str, verbs: Collection[str]) -> str:
    """Return the verb that a word names: in full, short, or by its only first word.

    A word that names no verb is returned as it is.
    """
    if word in verbs:
        return word
    if SHORT_NAMES.get(word) in verbs:
        return SHORT_NAMES[word]
    found = [verb for verb in verbs if verb.partition("-")[0] == word]
    return found[0] if len(found) == 1 else word


def name_verb(verb: str) -> str:
    """Return the name of a verb that people type: `mine` for `mine-audio`."""
    short = [name for name, full in SHORT_NAMES.items() if full == verb]
    return short[0] if short else verb


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


def format_help(verbs: Mapping[str, Path], *, is_all: bool = False) -> str:
    """Return the text of `hamzaban --help`.

    Args:
        verbs: From `find_verbs`.
        is_all: Show the summary of every verb, by group, and not only of the COMMON.
    """
    infos = {name_verb(verb): read_info(path) for verb, path in verbs.items()}
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


def normalize_options(words: Sequence[str]) -> list[str]:
    """Write dashes inside option names as underscores: `--a-b=x-y` as `--a_b=x-y`.

    Words after a bare `--` belong to another command and stay as they are.
    """
    words = list(words)
    end = words.index("--") if "--" in words else len(words)
    return [_normalize_word(word) for word in words[:end]] + words[end:]


def _normalize_word(word: str) -> str:
    found = _OPTION.match(word)
    if found is None:
        return word
    name = found.group()
    return "--" + name[2:].replace("-", "_") + word[len(name) :]


def describe_error(error: Exception) -> str:
    """Return an error as one line; an operating system's error starts with its path."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        text = f"{os.fsdecode(error.filename)}: {error.strerror}"
    return " ".join(text.split()) or type(error).__name__


def run_verb(verb: str, words: Sequence[str]) -> int:
    """Import the module of a verb and run it.

    Args:
        verb: A key of `find_verbs()`.
        words: The command line after the verb.

    Returns:
        The exit status: 1 after an error of the user, 130 after an interrupt.
    """
    limit_spinning()
    module = importlib.import_module("hamzaban.bin." + verb.replace("-", "_"))
    options = normalize_options(words)
    name = name_verb(verb)
    sys.argv = [f"hamzaban {name}", *options]  # argparse names the program by it
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, datefmt=LOG_DATE_FORMAT)
    try:
        status = module.main(options)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    except USER_ERRORS as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        sys.stderr.write(f"hamzaban {name}: {describe_error(error)}\n")
        return 1
    return int(status or 0)


def main(cmd: Sequence[str] | None = None) -> int:
    """Run `hamzaban` with the words `cmd` (default: the command line); return a status.

    Status 2 says that the verb itself is unknown or missing.
    """
    words = list(sys.argv[1:] if cmd is None else cmd)
    verbs = find_verbs()
    if not words or words[0] in ("-h", "--help", "help"):
        text = format_help(verbs, is_all="--all" in words)
        sys.stdout.write(text + "\n")
        return 0 if words else 2
    if words[0] == "--version":
        sys.stdout.write(f"hamzaban {__version__}\n")
        return 0
    words = _replace_old_name(words, verbs)
    verb = complete_verb(words[0].replace("_", "-"), verbs)
    if verb not in verbs:
        names = [name_verb(each) for each in verbs]
        near = difflib.get_close_matches(verb, {*names, *verbs}, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}"
        sys.stderr.write(f"hamzaban: verb '{words[0]}' is unknown; {hint}\n")
        return 2
    return run_verb(verb, words[1:])


def _replace_old_name(words: list[str], verbs: Collection[str]) -> list[str]:
    """Return the command line with a verb of RENAMED replaced, and say so on stderr."""
    word = words[0].replace("_", "-")
    old = complete_verb(word, RENAMED)
    if old not in RENAMED or complete_verb(word, verbs) in verbs:
        return words
    new = RENAMED[old]
    sys.stderr.write(f"hamzaban: '{old}' is now called '{new}'\n")
    return [*new.split(), *words[1:]]


def count(text: str) -> int:
    """Read an option's whole number that is at least 1.

    Raises:
        argparse.ArgumentTypeError: The text is no such number.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}, expected a whole number from 1")
    return int(text)


def add_nj(parser: argparse.ArgumentParser, what: str = "processes") -> None:
    """Add `--nj`, described in the same words in each verb.

    Args:
        parser: Of a verb.
        what: What there are so many of at once, in the plural.
    """
    text = f"number of {what} (default: %(default)s)"
    parser.add_argument("--nj", type=count, default=1, metavar="N", help=text)


def str2bool(text: str) -> bool:
    """Read an option's boolean, as ESPnet's options do: `--resume true`.

    Raises:
        argparse.ArgumentTypeError: The text is neither true nor false.
    """
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"'{text}' is neither true nor false")
    return text.lower() == "true"
