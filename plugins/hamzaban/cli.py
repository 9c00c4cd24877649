"""The command `hamzaban <verb> ...`: find the verbs in bin/ and run one of them.

The first word of a verb is enough if no other verb begins with it: `hamzaban validate`.
"""

import argparse
import difflib
import errno
import importlib
import logging
import math
import os
import re
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from hamzaban import __version__, out_of_memory
from hamzaban.extras import describe_missing
from hamzaban.fileio import FULL
from hamzaban.locks import keep_lock_from_children
from hamzaban.threads import limit_spinning
from hamzaban.verb_help import format_help

BIN_DIR = Path(__file__).parent / "bin"
LOG_FORMAT = "%(asctime)s (%(module)s:%(lineno)d) %(levelname)s: %(message)s"
LOG_DATE_FORMAT = "%Y-%m-%dT%H:%M:%S"
DEBUG_VARIABLE = "HAMZABAN_DEBUG"  # set to anything: errors keep their traceback
USER_ERRORS = (ValueError, OSError)
CLOSED = (errno.EPIPE, errno.EBADF)  # errors of a closed standard output
# Names that people type and --help lists, and the verbs that they stand for.
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
MAX_ERROR = 1000  # characters of a line that may quote a damaged file
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
_OPTION = re.compile(r"--[A-Za-z][A-Za-z0-9_-]*(?==|$)")


def list_verbs(bin_dir: Path = BIN_DIR) -> dict[str, Path]:
    """Return each verb, such as `validate-data`, with the file that defines it."""
    modules = sorted(bin_dir.glob("[a-z]*.py"))
    return {module.stem.replace("_", "-"): module for module in modules}


def complete_verb(word: str, verbs: Collection[str]) -> str:
    """Return the verb that a word names: its full name, short name, or first word.

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


def normalize_options(words: Sequence[str]) -> list[str]:
    """Return words with underscores in option names: `--a-b=x-y` as `--a_b=x-y`.

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
    elif isinstance(error, OSError) and error.errno in FULL:  # other errors name a file
        text = (
            f"standard output or a temporary file: {error.strerror}; free space, or "
            "set TMPDIR to another disk"
        )
    text = " ".join(text.split()).translate(_CONTROLS)
    if len(text) > MAX_ERROR:
        text = f"{text[: MAX_ERROR // 2]} ... {text[-MAX_ERROR // 2 :]}"
    return text or type(error).__name__


def run_verb(verb: str, words: Sequence[str]) -> int:
    """Import the module of a verb and run it.

    Args:
        verb: A key of `list_verbs()`.
        words: The command line after the verb.

    Returns:
        The exit status: 1 after an error of the user, 130 after an interrupt.

    Raises:
        OSError: Standard output is closed.
    """
    limit_spinning()
    keep_lock_from_children()
    name = name_verb(verb)
    try:
        return _call_verb(verb, name, words)
    except ImportError as error:
        missing = describe_missing(error)
        if not missing or os.environ.get(DEBUG_VARIABLE):
            raise
        sys.stderr.write(f"hamzaban {name}: {missing}\n")
        return 1


def _call_verb(verb: str, name: str, words: Sequence[str]) -> int:
    from hamzaban.config import use_shipped

    module = importlib.import_module("hamzaban.bin." + verb.replace("-", "_"))
    options = normalize_options(words)
    sys.argv = [f"hamzaban {name}", *options]  # argparse names the program by it
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, datefmt=LOG_DATE_FORMAT)
    try:
        status = module.main(use_shipped(options))
    except KeyboardInterrupt:
        return 130
    except USER_ERRORS as error:
        if is_closed_output(error):
            raise
        if os.environ.get(DEBUG_VARIABLE):
            raise
        sys.stderr.write(f"hamzaban {name}: {describe_error(error)}\n")
        return 1
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory.is_out_of_memory(error) or os.environ.get(DEBUG_VARIABLE):
            raise
        remedy = getattr(module, "MEMORY_REMEDY", out_of_memory.REMEDY)
        text = f"{out_of_memory.describe(error)}; {remedy}"
        sys.stderr.write(f"hamzaban {name}: {text}\n")
        return 1
    return int(status or 0)


def is_closed_output(error: BaseException) -> bool:
    """Return whether an error says that nobody can read what is written.

    An error with a path concerns a file and not standard output.
    """
    is_of_file = isinstance(error, OSError) and error.filename is not None
    return isinstance(error, OSError) and error.errno in CLOSED and not is_of_file


def main(cmd: Sequence[str] | None = None) -> int:
    """Run `hamzaban` with the words `cmd` (default: the command line); return a status.

    Status 2 means that the verb is unknown or missing, 141 that the reader of standard
    output, such as `head`, has closed it, or that it cannot be written.
    """
    _replace_closed_streams()
    try:
        try:
            return _run(list(sys.argv[1:] if cmd is None else cmd))
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.filename is not None or os.environ.get(DEBUG_VARIABLE):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if is_closed_output(error):
            return 141
        sys.stderr.write(f"hamzaban: standard output: {error.strerror}\n")
        return 1


def _replace_closed_streams() -> None:
    """Open the null device for each standard stream that was closed by the caller.

    Otherwise the next file that is opened would take its number.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 (stays)
            setattr(sys, name, stream)


def _run(words: list[str]) -> int:
    verbs = list_verbs()
    if not words or words[0] in ("-h", "--help", "help"):
        modules = {name_verb(verb): path for verb, path in verbs.items()}
        sys.stdout.write(format_help(modules, is_all="--all" in words) + "\n")
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
    """Read the whole number of an option, which is at least 1.

    Raises:
        argparse.ArgumentTypeError: The text is not such a number.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}, expected a whole number from 1")
    return int(text)


def finite_float(text: str) -> float:
    """Read an option's number, which is neither NaN nor infinite.

    Raises:
        argparse.ArgumentTypeError: The text is not such a number.
    """
    number = float_or_inf(text)
    if math.isinf(number):
        raise argparse.ArgumentTypeError(f"'{text}', expected a finite number")
    return number


def float_or_inf(text: str) -> float:
    """Read an option's number, which may be infinite but not NaN.

    Raises:
        argparse.ArgumentTypeError: The text is not such a number.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if math.isnan(number):
        raise argparse.ArgumentTypeError(f"'{text}', expected a number")
    return number


def add_nj(parser: argparse.ArgumentParser, what: str = "processes") -> None:
    """Add `--nj`, described in the same words in each verb.

    Args:
        parser: The parser of a verb.
        what: What `--nj` counts, in the plural.
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
