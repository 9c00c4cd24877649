"""Run the MAPSSWE test of NIST's sc_stats and compare it with ours."""

import math
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from itertools import chain

from hamzaban.score.mapsswe import Mapsswe

_RESULT = re.compile(
    r"MTCH_PR_RESULTS .*\(# segs: (\d+)\).*\(mean: *(\S+)\) \(std dev: *(\S+)\) "
    r"\(Z Stat: *(\S+)\)"
)
_TOLERANCE = 0.0011  # sc_stats prints three digits


def run_sc_stats(
    command: Sequence[str], steps_a: Sequence[bytes], steps_b: Sequence[bytes]
) -> Mapsswe:
    """Return the outcome of sc_stats on the alignments of two systems.

    sc_stats 1.3 overlooks insertions after the last reference word if only the second
    system has them. Each utterance therefore gets a last word that both systems have
    right, which changes nothing else.

    Args:
        command: Command that `find_program` returned.
        steps_a: Alignments of the first system, as `align` returns them.
        steps_b: Alignments of the second system with the same references.

    Returns:
        The numbers that sc_stats prints, with three digits; p is computed from z.

    Raises:
        ValueError: sc_stats failed, or prints no result.
    """
    pieces = chain(_format_sgml("a", steps_a), _format_sgml("b", steps_b))
    done = subprocess.run(
        [*command, "-p", "-t", "mapsswe", "-v", "-n", "-"],
        input="".join(pieces),
        capture_output=True,
        encoding="latin-1",  # its tables hold stray bytes
        env={**os.environ, "LC_ALL": "C"},
    )
    found = _RESULT.search(done.stdout)
    if done.returncode or found is None:
        message = " ".join((done.stderr or done.stdout).split())[-300:]
        raise ValueError(
            f"sc_stats ended with status {done.returncode} and no result: {message}; "
            "compare without it by --scorer own"
        )
    mean, std, z = map(float, found.groups()[1:])
    return Mapsswe(int(found[1]), mean, std, z, math.erfc(abs(z) / math.sqrt(2.0)))


def check_mapsswe(ours: Mapsswe, theirs: Mapsswe) -> None:
    """Check that our test agrees with that of sc_stats.

    Raises:
        ValueError: They differ by more than the digits that sc_stats prints.
    """
    pairs = [(ours.mean, theirs.mean), (ours.std, theirs.std)]
    if not math.isnan(ours.z):
        pairs.append((ours.z, theirs.z))
    far = any(abs(a - b) > _TOLERANCE + 1e-5 * abs(a) for a, b in pairs)
    if far or ours.num_segments != theirs.num_segments:
        raise ValueError(
            f"our MAPSSWE test gives {ours}, sc_stats {theirs}; report this as a bug"
        )


def _format_sgml(title: str, steps: Sequence[bytes]) -> Iterator[str]:
    """Yield alignments in the form of `sclite -o sgml`, with numbers as words."""
    yield (
        f'<SYSTEM title="{title}" ref_fname="ref" hyp_fname="{title}" '
        'creation_date="" format="2.4" frag_corr="FALSE" opt_del="FALSE" '
        'weight_ali="FALSE" weight_filename="">\n'
    )
    for u, step in enumerate(steps):
        words = _format_words(step)
        # one speaker for each utterance: sc_stats searches a speaker's utterances
        yield f'<SPEAKER id="s{u}">\n'
        yield f'<PATH id="(s{u}-u)" word_cnt="{len(words)}" sequence="0">\n'
        yield ":".join(words) + "\n</PATH>\n</SPEAKER>\n"
    yield "</SYSTEM>\n"


def _format_words(step: bytes) -> list[str]:
    words: list[str] = []
    for letter in step + b"C":
        ref = "" if letter == ord("I") else f'"{len(words)}"'
        hyp = "" if letter == ord("D") else '"x"'
        words.append(f"{chr(letter)},{ref},{ref if letter == ord('C') else hyp}")
    return words
