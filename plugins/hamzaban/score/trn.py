"""Read and write trn files for sclite: lines `<tokens>\\t(<speaker>-<utterance>)`."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from hamzaban.fileio import atomic_text
from hamzaban.score.notation import (
    Notation,
    escape_token,
    is_special,
    parse_words,
)
from hamzaban.utf8 import read_utf8_lines

_BREAKS_LINE = re.compile(r"[\s\0]|^$", re.ASCII)  # sclite's blanks, NUL, no token


@dataclass(frozen=True)
class Pair:
    """A reference and its hypothesis.

    Attributes:
        trn_id: Id at the end of the line in a trn file, such as `(spk1-utt1)`.
        ref: Reference tokens.
        hyp: Hypothesis tokens.
        has_notation: Some tokens are of type `Notation`.
    """

    trn_id: str
    ref: Sequence[str]
    hyp: Sequence[str]
    has_notation: bool = False


def format_trn_id(spk_id: str, utt_id: str) -> str:
    """Return `(<speaker>-<utterance>)`.

    sclite ends the speaker's name at the first dash. Dashes in the name are therefore
    replaced by underscores; the utterance id keeps its dashes.

    Raises:
        ValueError: sclite cannot read an id back.

    Examples:
        >>> format_trn_id("spk-03", "utt-7")
        '(spk_03-utt-7)'
        >>> get_speaker("(spk_03-utt-7)")
        'spk_03'
    """
    for name in (spk_id, utt_id):
        if not name or re.search(r"[()\s\0]", name):
            raise ValueError(
                f"id '{name}' of utterance '{utt_id}' is empty or holds a bracket or a "
                "blank, which sclite cannot read; rename it in the data directory"
            )
    return f"({spk_id.replace('-', '_')}-{utt_id})"


def get_speaker(trn_id: str) -> str:
    """Return the speaker of a trn id, found as in `sclite -i rm`; else the whole id."""
    return cut_speaker(trn_id[1:-1]) or trn_id[1:-1]


def cut_speaker(name: str) -> str:
    """Return the part of an id before the first dash, else underscore, if any."""
    for separator in "-_":
        if separator in name:
            return name[: name.index(separator)]
    return ""


# The part of an id that is the speaker, by sclite's name of the type of ids.
ID_TYPES: Mapping[str, Callable[[str], str]] = {
    "rm": cut_speaker,
    "spu_id": cut_speaker,
    "swb": cut_speaker,
    "wsj": lambda name: name[:3],
    "sp": lambda name: name,
}


def find_speakers(
    names: Sequence[str], id_type: str, path: str | Path
) -> dict[str, str]:
    """Return the speaker of each id of a trn file.

    Args:
        names: The ids, without brackets.
        id_type: A name of `ID_TYPES`. `auto`: `rm` if each id has a dash or an
            underscore, else `wsj` if each has eight letters and digits, else `sp`.
        path: The file, for messages.

    Raises:
        ValueError: An id has no speaker.
    """
    if id_type == "auto":
        id_type = "rm" if all(map(cut_speaker, names)) else "sp"
        if id_type == "sp" and all(len(n) == 8 and n.isalnum() for n in names):
            id_type = "wsj"
    speakers = {name: ID_TYPES[id_type](name) for name in names}
    for name, speaker in speakers.items():
        if not speaker:
            raise ValueError(
                f"{path}: trn id ({name}) names no speaker; expected "
                "(<speaker>-<utterance>), or another --id_type"
            )
    return speakers


def format_trn_ids(utt2spk: Mapping[str, str]) -> dict[str, str]:
    """Return the trn id of each utterance id.

    Raises:
        ValueError: Two speakers would get the same name.
    """
    speakers: dict[str, str] = {}
    trn_ids: dict[str, str] = {}
    for utt_id, spk_id in utt2spk.items():
        trn_id = trn_ids[utt_id] = format_trn_id(spk_id, utt_id)
        found = speakers.setdefault(get_speaker(trn_id), spk_id)
        if found != spk_id:
            raise ValueError(
                f"speakers '{found}' and '{spk_id}' are the same to sclite, in "
                f"{trn_id}; rename one"
            )
    return trn_ids


def write_trn(path: str | Path, lines: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Write a trn file atomically, special tokens escaped.

    Args:
        path: The file to write.
        lines: Trn ids and their tokens, in the order of the file.

    Raises:
        ValueError: A token is empty or has a blank.
    """
    lines = list(lines)
    changed = {}
    for token in set(chain.from_iterable(tokens for _, tokens in lines)):
        if isinstance(token, Notation):
            continue
        if _BREAKS_LINE.search(token):
            raise ValueError(
                f"{path}: token {token!r} is empty or holds a blank; a trn file "
                "separates tokens by blanks, write it as one visible symbol"
            )
        if is_special(token):
            changed[token] = escape_token(token)
    with atomic_text(path, sync=False) as stream:
        for trn_id, tokens in lines:
            if changed:
                tokens = [changed.get(token, token) for token in tokens]
            stream.write(f"{' '.join(tokens)}\t{trn_id}\n")


def read_trn(path: str | Path) -> dict[str, list[str]]:
    """Read a trn file, as ESPnet or `write_trn` writes it.

    Lines that begin with `;;` or `**` are comments.

    Returns:
        The tokens of each trn id such as `(spk1-utt1)`, in the order of the file.

    Raises:
        ValueError: A line has no id or malformed alternatives, an id occurs twice, or
            the file is not UTF-8.
    """
    lines: dict[str, list[str]] = {}
    numbers: dict[str, int] = {}
    for number, line in read_lines(path):
        start, end = line.rfind("("), line.rfind(")")
        if not line.strip() or line.startswith((";;", "**")):
            continue
        if not 0 <= start < end:
            raise ValueError(
                f"{path}:{number}: no (<speaker>-<utterance>) at the end of the line; "
                "expected <tokens>, a tab and the id in round brackets"
            )
        trn_id = line[start : end + 1]
        if trn_id in lines:
            raise ValueError(
                f"{path}:{number}: id {trn_id} occurs twice, first on line "
                f"{numbers[trn_id]}; remove one"
            )
        numbers[trn_id] = number
        lines[trn_id] = parse_words(line[:start], f"{path}:{number}")
    return lines


def read_text(path: str | Path) -> dict[str, str]:
    """Read a Kaldi file such as `text`, `token` or `utt2spk`.

    Returns:
        The rest of the line of each id, without blanks at its ends; may be empty.

    Raises:
        ValueError: A line is empty, an id occurs twice, or the file is not UTF-8.
    """
    lines: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for number, line in read_lines(path):
        fields = line.split(maxsplit=1)
        if not fields:
            raise ValueError(f"{path}:{number}: empty line; remove it")
        if fields[0] in lines:
            raise ValueError(
                f"{path}:{number}: utt_id {fields[0]} occurs twice, first on line "
                f"{numbers[fields[0]]}; remove one line"
            )
        numbers[fields[0]] = number
        lines[fields[0]] = fields[1].strip() if len(fields) > 1 else ""
    return lines


def read_lines(path: str | Path) -> Iterable[tuple[int, str]]:
    """Yield the number and the text of each line of a UTF-8 file.

    A byte order mark at the head of the file is skipped.

    Raises:
        ValueError: The file is not UTF-8.
    """
    yield from enumerate(read_utf8_lines(path), 1)
