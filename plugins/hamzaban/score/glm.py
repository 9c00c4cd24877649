"""Filter references and hypotheses by a global map file (GLM), with NIST's csrfilt."""

import argparse
import hashlib
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from hamzaban.score.programs import find_program

FORMS = ("trn", "stm", "ctm")
PROGRAM = "csrfilt.sh"


def filter_files(args: argparse.Namespace, folder: Path) -> str:
    """Filter --ref and --hyp by --glm and let them name the filtered copies.

    csrfilt changes letters to capitals, which does not matter where case is folded;
    with --case kept it leaves them.

    Args:
        args: Options of score-text, which are changed.
        folder: Folder for the copies.

    Returns:
        The end of the id of the scores.

    Raises:
        FileNotFoundError: The file or the program is missing.
        ValueError: The form of a file has no filter, or csrfilt failed.
    """
    if not args.glm.is_file():
        raise FileNotFoundError(f"--glm {args.glm}: no such file")
    command = find_program(PROGRAM)
    if command is None:
        raise FileNotFoundError(
            f"{PROGRAM}: not installed, but --glm needs it; expected it or Debian's "
            "`sctk` on PATH; install it (apt-get install sctk)"
        )
    keeps_case = args.case == "kept" or args.case_sensitive
    for side in ("ref", "hyp"):
        path = getattr(args, side)
        form = path.suffix.lower().removeprefix(".")
        if form not in FORMS:
            raise ValueError(f"--glm filters .trn, .stm and .ctm, but not {path}")
        copy = folder / side / path.name
        copy.parent.mkdir()
        words = [*command, "-s"] if keeps_case else command
        _run([*words, "-i", form, "-t", side, str(args.glm)], path, copy)
        setattr(args, side, copy)
    digest = hashlib.sha256(args.glm.read_bytes()).hexdigest()[:6]
    return f"+glm_{digest}"


def _run(command: Sequence[str], source: Path, target: Path) -> None:
    with open(source, "rb") as stdin, open(target, "wb") as stdout:
        done = subprocess.run(
            command,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
        )
    message = " ".join(done.stderr.decode(errors="replace").split())[-300:]
    if done.returncode or (source.stat().st_size and not target.stat().st_size):
        raise ValueError(
            f"{source}: csrfilt ended with status {done.returncode} and "
            f"{target.stat().st_size} bytes: {message or 'no message'}; check the rules"
        )
