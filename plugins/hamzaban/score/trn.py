"""Read and write trn files for sclite: lines `<tokens>\\t(<speaker>-<utterance>)`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from hamzaban.fileio import atomic_text

# Characters that sclite 2.10 takes for its own notation, found by experiment: `;` and
# `\` (tags), `{` and `}` (alternatives; a lone brace crashes it), `*` (comments, marked
# words) and a bare `@` (a null word that costs nothing). Such a token is written with
# `<U+003B>` in place of the character, and `<U+` itself as `<U+003C>U+`.
# A byte order mark is, too: at the head of a file it would not be read as a token.
_SPECIAL = re.compile(r"[;\\{}*]|^@$|<(?=[uU]\+)|^\ufeff")
_ALTERNATIVES = re.compile(r"[{}]")
_ESCAPED = re.compile(r"<[uU]\+([0-9A-Fa-f]{4})>")
_BREAKS_LINE = re.compile(r"[\s\0]|^$", re.ASCII)  # sclite's blanks, NUL, no token


@dataclass(frozen=True)
class Pair:
    """A reference and its hypothesis.

    Attributes:
        trn_id: Id at the end of the line in a trn file, such as `(spk1-utt1)`.
        ref: Reference tokens.
        hyp: Hypothesis tokens.
    """

    trn_id: str
    ref: Sequence[str]
    hyp: Sequence[str]


def escape_token(token: str) -> str:
    """Return a token in a form that sclite reads literally; most do not change."""
    return _SPECIAL.sub(lambda found: f"<U+{ord(found.group()):04X}>", token)


def unescape_token(token: str) -> str:
    """Return the token that `escape_token` escaped."""
    return _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), token)


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
    """Return the speaker of a trn id, found as in `sclite -i rm`.

    Raises:
        ValueError: The id has neither a dash nor an underscore.
    """
    name = trn_id[1:-1]
    for separator in "-_":
        if separator in name:
            return name[: name.index(separator)]
    raise ValueError(
        f"trn id {trn_id} names no speaker; expected (<speaker>-<utterance>)"
    )


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
        if _BREAKS_LINE.search(token):
            raise ValueError(
                f"{path}: token {token!r} is empty or holds a blank; a trn file "
                "separates tokens by blanks, write it as one visible symbol"
            )
        if _SPECIAL.search(token):
            changed[token] = escape_token(token)
    with atomic_text(path, sync=False) as stream:
        for trn_id, tokens in lines:
            if changed:
                tokens = [changed.get(token, token) for token in tokens]
            stream.write(f"{' '.join(tokens)}\t{trn_id}\n")


def read_trn(path: str | Path) -> dict[str, list[str]]:
    """Read a trn file, as ESPnet or `write_trn` writes it.

    Returns:
        The tokens of each trn id such as `(spk1-utt1)`, in the order of the file.

    Raises:
        ValueError: A line has no id or alternatives in braces, an id occurs twice, or
            the file is not UTF-8.
    """
    lines: dict[str, list[str]] = {}
    for number, line in read_lines(path):
        start, end = line.rfind("("), line.rfind(")")
        if not line.strip():
            continue
        if not 0 <= start < end:
            raise ValueError(
                f"{path}:{number}: no (<speaker>-<utterance>) at the end of the line; "
                "expected <tokens>, a tab and the id in round brackets"
            )
        trn_id = line[start : end + 1]
        if trn_id in lines:
            raise ValueError(f"{path}:{number}: id {trn_id} occurs twice; remove one")
        if _ALTERNATIVES.search(line, 0, start):
            raise ValueError(
                f"{path}:{number}: braces mark alternatives, which are not scored "
                "here; keep one of them; write braces that are part of the text as "
                "<U+007B> and <U+007D>"
            )
        lines[trn_id] = [unescape_token(token) for token in line[:start].split()]
    return lines


def read_text(path: str | Path) -> dict[str, str]:
    """Read a Kaldi file such as `text`, `token` or `utt2spk`.

    Returns:
        The rest of the line of each id, without blanks at its ends; may be empty.

    Raises:
        ValueError: A line is empty, an id occurs twice, or the file is not UTF-8.
    """
    lines: dict[str, str] = {}
    for number, line in read_lines(path):
        fields = line.split(maxsplit=1)
        if not fields:
            raise ValueError(f"{path}:{number}: empty line; remove it")
        if fields[0] in lines:
            raise ValueError(
                f"{path}:{number}: utt_id {fields[0]} occurs twice; remove one line"
            )
        lines[fields[0]] = fields[1].strip() if len(fields) > 1 else ""
    return lines


def read_lines(path: str | Path) -> Iterable[tuple[int, str]]:
    """Yield the number and the text of each line of a UTF-8 file.

    A byte order mark at the head of the file is skipped.

    Raises:
        ValueError: The file is not UTF-8.
    """
    with open(path, encoding="utf-8-sig", newline="\n") as stream:
        number = 0
        try:
            for number, line in enumerate(stream, start=1):
                yield number, line
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{path}: not UTF-8 after line {number} ({error.reason}); convert it"
            ) from error
