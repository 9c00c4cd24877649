"""The command `hamzaban <verb> ...`: finds the verbs in bin/ and runs one of them.

The first word of a verb is enough where no other begins with it: `hamzaban mine`.
"""

import argparse
import ast
import difflib
import importlib
import logging
import os
import re
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from hamzaban import __version__

BIN_DIR = Path(__file__).parent / "bin"
LOG_FORMAT = "%(asctime)s (%(module)s:%(lineno)d) %(levelname)s: %(message)s"
LOG_DATE_FORMAT = "%Y-%m-%dT%H:%M:%S"
DEBUG_VARIABLE = "HAMZABAN_DEBUG"  # set to anything: errors keep their traceback
USER_ERRORS = (ValueError, OSError)
# A name of earlier versions and the words that replace it.
RENAMED = {
    "fit-config": "config fit",
    "list-inputs": "config inputs",
    "merge-config": "config merge",
    "summarise-grid": "run-grid --tables_only true",
}

_OPTION = re.compile(r"--[A-Za-z][A-Za-z0-9_-]*(?==|$)")


def find_verbs(bin_dir: Path = BIN_DIR) -> dict[str, Path]:
    """Map each verb, such as `validate-data`, to the module file that defines it."""
    modules = sorted(bin_dir.glob("[a-z]*.py"))
    return {module.stem.replace("_", "-"): module for module in modules}


def complete_verb(word: str, verbs: Collection[str]) -> str:
    """Return the only verb whose first word is `word`; without one, `word` itself."""
    found = [verb for verb in verbs if verb.partition("-")[0] == word]
    return found[0] if len(found) == 1 and word not in verbs else word


def read_summary(module: Path) -> str:
    """Return the first line of a module's docstring without importing the module."""
    docstring = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))
    return docstring.splitlines()[0] if docstring else ""


def format_help(verbs: dict[str, Path]) -> str:
    """Return the text of `hamzaban --help`: a line for each verb."""
    width = max((len(verb) for verb in verbs), default=0)
    lines = [f"  {verb:<{width}}  {read_summary(verbs[verb])}" for verb in verbs]
    usage = "usage: hamzaban [--help | --version] <verb> [--help | options ...]"
    return "\n".join([usage, "", "verbs:", *lines])


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
    module = importlib.import_module("hamzaban.bin." + verb.replace("-", "_"))
    options = normalize_options(words)
    sys.argv = [f"hamzaban {verb}", *options]  # argparse names the program by it
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
        sys.stderr.write(f"hamzaban {verb}: {describe_error(error)}\n")
        return 1
    return int(status or 0)


def main(cmd: Sequence[str] | None = None) -> int:
    """Run `hamzaban` with the words `cmd` (default: the command line); return a status.

    Status 2 says that the verb itself is unknown or missing.
    """
    words = list(sys.argv[1:] if cmd is None else cmd)
    verbs = find_verbs()
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(format_help(verbs) + "\n")
        return 0 if words else 2
    if words[0] == "--version":
        sys.stdout.write(f"hamzaban {__version__}\n")
        return 0
    words = _replace_old_name(words, verbs)
    verb = complete_verb(words[0].replace("_", "-"), verbs)
    if verb not in verbs:
        near = difflib.get_close_matches(verb, verbs, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(verbs)}"
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


def str2bool(text: str) -> bool:
    """Read an option's boolean, as ESPnet's options do: `--resume true`.

    Raises:
        argparse.ArgumentTypeError: The text is neither true nor false.
    """
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"'{text}' is neither true nor false")
    return text.lower() == "true"
