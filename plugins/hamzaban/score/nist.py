"""Run NIST's sclite and compare its output with our own scores."""

import logging
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from pathlib import Path

from hamzaban.score.sclite import LINE_WIDTH, Scored
from hamzaban.score.summary import format_summary

# sclite never ends when a token does not fit its line of 1,000 bytes after `>> REF:  `.
MAX_TOKEN_BYTES = LINE_WIDTH - 11
_SCORES = re.compile(r"Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)\s*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")

Counts = tuple[int, int, int, int]


def start_sclite(
    command: Sequence[str],
    score_dir: Path,
    output: Path,
    *,
    title: str,
) -> "subprocess.Popen[bytes]":
    """Start sclite on ref.trn and hyp.trn of a folder.

    Args:
        command: Command that `find_program` returned, and options.
        score_dir: Folder of both trn files.
        output: File for the output of sclite.
        title: Name of the system in the tables; under 300 bytes.
    """
    words = [*command, "-r", "ref.trn", "trn", "-h", "hyp.trn", "trn", title]
    words += ["-i", "rm", "-o", "all", "stdout"]
    with open(output, "wb") as stream:
        return subprocess.Popen(
            words,
            cwd=score_dir,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.PIPE,
        )


def finish_sclite(process: "subprocess.Popen[bytes]", score_dir: Path) -> None:
    """Wait until sclite ends.

    Raises:
        ValueError: sclite failed.
    """
    message = process.communicate()[1].decode(errors="replace")
    if process.returncode:
        message = " ".join(message.split())[-300:] or "no message"
        raise ValueError(
            f"{score_dir}: sclite ended with status {process.returncode}: {message}; "
            "score without it by --scorer own"
        )
    if message.strip():
        logging.warning("%s: sclite says: %s", score_dir, " ".join(message.split()))


def check_tokens(scored: Scored) -> None:
    """Check that no token is so long that sclite would print for ever.

    Raises:
        ValueError: A token is longer than sclite can print.
    """
    seen: set[str] = set()
    for trn_id, ref, hyp in zip(scored.trn_ids, scored.refs, scored.hyps, strict=True):
        for token in chain(ref, hyp):
            if token not in seen and len(token.encode()) > MAX_TOKEN_BYTES:
                raise ValueError(
                    f"utterance {trn_id}: a token of {len(token.encode())} bytes; "
                    f"sclite takes at most {MAX_TOKEN_BYTES}; split it, or score "
                    "without sclite by --scorer own"
                )
            seen.add(token)


def read_counts(result: str | Path) -> dict[str, Counts]:
    """Return the counts of each utterance in a result.txt.

    Returns:
        Correct, substituted, deleted, inserted tokens of each trn id, in file order.
    """
    counts: dict[str, Counts] = {}
    trn_id = ""
    for line in _read_result(result):
        if line.startswith("id: "):
            trn_id = line[4:].rstrip("\n")
        elif trn_id and (found := _SCORES.fullmatch(line)):
            c, s, d, i = map(int, found.groups())
            counts[trn_id] = (c, s, d, i)
            trn_id = ""
    return counts


def check_result(result: Path, scored: Scored, title: str) -> None:
    """Check that the output of sclite has the same scores as ours.

    Args:
        result: Output of sclite.
        scored: Our scores of the same utterances.
        title: Title that sclite was given.

    Raises:
        ValueError: The counts of an utterance, or a number of the summary, differ.
    """
    order = [u for chosen in scored.groups.values() for u in chosen]
    rows = scored.counts.tolist()
    ours = {scored.trn_ids[u]: tuple(rows[u]) for u in order}
    theirs = read_counts(result)
    for (name, mine), (found, nist) in zip_longest(
        ours.items(), theirs.items(), fillvalue=("no utterance", None)
    ):
        if (name, mine) != (found, nist):
            raise ValueError(
                f"{result}: utterance {name}: our (#C #S #D #I) are {mine}, those of "
                f"sclite {nist} for {found}; report this as a bug"
            )
    summary = format_summary(title, list(scored.groups), scored.count_by_speaker())
    for line, other in zip_longest(
        summary.splitlines(), _read_summary(result), fillvalue=""
    ):
        if not _are_close(line, other):
            raise ValueError(
                f"{result}: our summary has '{line.strip()}', that of sclite "
                f"'{other.strip()}'; report this as a bug"
            )


def _read_result(result: str | Path) -> Iterator[str]:
    # sclite prints stray bytes in place of long rows of asterisks, hence `replace`
    with open(result, encoding="utf-8", errors="replace", newline="\n") as stream:
        yield from stream


def _read_summary(result: Path) -> Iterator[str]:
    for line in _read_result(result):
        if "DUMP OF SYSTEM ALIGNMENT STRUCTURE" in line:
            return
        yield line.rstrip("\n")


def _are_close(line: str, other: str) -> bool:
    """Return whether two lines are equal except for the rounding of last digits."""
    if line.strip() == other.strip():
        return True
    mine, theirs = _NUMBER.findall(line), _NUMBER.findall(other)
    return (
        len(mine) == len(theirs)
        and _NUMBER.sub("", line).split() == _NUMBER.sub("", other).split()
        and all(
            abs(float(a) - float(b)) < (0.11 if "." in a else 0.5)
            for a, b in zip(mine, theirs, strict=True)
        )
    )
