"""Find what the columns of a user's table mean, by their names."""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hamzaban.ingest.times import is_count, read_time_name

# Names of columns, the likelier first; case, spaces and signs are ignored.
NAMES: Mapping[str, tuple[str, ...]] = {
    "audio": (
        *("path", "file", "file_name", "filename", "audio", "audio_filepath"),
        *("audio_path", "audio_file", "wav", "wav_path", "wav_filename", "clip"),
    ),
    "text": (
        *("sentence", "text", "transcription", "transcript", "transcripts"),
        *("raw_transcription", "normalized_text", "orthographic"),
    ),
    "speaker": (
        *("client_id", "speaker_id", "spk_id", "speaker", "spk", "user_id"),
        *("reader_id", "contributor_id"),
    ),
    "split": ("split", "set", "subset", "partition"),
    "utt_id": ("utt_id", "utterance_id", "segment_id"),
    "lang": ("locale", "lang", "language"),
}
TIMES = ("start", "end", "duration")  # columns that `times.read_time_name` knows
NO_COLUMN = "none"  # the user's answer that no column has this meaning
NEEDED = ("audio", "text")


def choose_columns(
    path: Path, forms: Mapping[tuple[str, ...], int], given: Mapping[str, str]
) -> dict[str, str]:
    """Return the column of each meaning; columns that are not read are logged.

    Args:
        path: The table, for messages.
        forms: The sets of columns of its rows, with their first lines (`read_forms`).
        given: Columns the user named, by what they hold.

    Raises:
        ValueError: A column is missing or occurs twice, rows have different names for
            it, or it is not clear where segments start and end.
    """
    header = list(dict.fromkeys(name for form in forms for name in form))
    found: dict[str, str] = {}
    for what in (*NAMES, *TIMES):
        if given.get(what) == NO_COLUMN and NO_COLUMN not in header:
            continue
        if given.get(what):
            found[what] = _check_given(path, header, what, given[what])
        elif known := _list_known(what, header):
            found[what] = known[0]
            _check_forms(f"{path}", what, known, forms)
            _check_alike(path, what, known)
        elif what in NEEDED:
            raise ValueError(
                f"{path}: no column of {what} known; found {', '.join(header)}; name "
                f"it by --{what}_column, or all by --columns if the first line is data"
            )
    _check_once(path, forms, found)
    _check_times(path, header, found, given)
    logging.info("%s: %s", path, ", ".join(f"{k}: {v}" for k, v in found.items()))
    if unread := [name for name in header if name not in found.values()]:
        logging.info("%s: columns not read: %s", path, ", ".join(unread))
    return found


def _check_given(path: Path, header: Sequence[str], what: str, name: str) -> str:
    if name not in header:
        raise ValueError(
            f"{path}: no column '{name}' (--{what}_column); found {', '.join(header)}"
        )
    return name


def _list_known(what: str, header: Sequence[str]) -> list[str]:
    """Return the columns that may have a meaning, the likelier first."""
    if what in NAMES:
        return [n for name in NAMES[what] for n in header if plain_name(n) == name]
    named = {name: read_time_name(plain_name(name)) for name in header}
    units = {name: time[1] for name, time in named.items() if time and time[0] == what}
    return sorted(
        (name for name, unit in units.items() if not is_count(unit)),
        key=lambda name: not units[name],  # those whose name has a unit
    )


def _check_alike(path: Path, what: str, known: Sequence[str]) -> None:
    """Check that the columns that may have a meaning have distinct names.

    Raises:
        ValueError: Two names differ in their case or signs only.
    """
    alike = [name for name in known if plain_name(name) == plain_name(known[0])]
    if len(alike) > 1:
        raise ValueError(
            f"{path}: {what} may be in {' or '.join(map(repr, alike))}, expected one "
            f"column; rename one, or say which to take by --{what}_column"
        )
    if known[1:]:
        others = ", ".join(known[1:])
        logging.warning(
            "%s: %s is read from '%s' and not from %s (--%s_column)",
            path,
            what,
            known[0],
            others,
            what,
        )


def _check_once(
    path: Path, forms: Mapping[tuple[str, ...], int], found: Mapping[str, str]
) -> None:
    for form, number in forms.items():
        for what, name in found.items():
            if form.count(name) > 1:
                raise ValueError(
                    f"{path}:{number}: column '{name}' ({what}) stands "
                    f"{form.count(name)} times, expected once; rename the others"
                )


def _check_times(
    path: Path,
    header: Sequence[str],
    found: Mapping[str, str],
    given: Mapping[str, str],
) -> None:
    """Check that both the start and the end of segments can be read."""
    for name in header:
        time = read_time_name(plain_name(name))
        if time is None or not is_count(time[1]) or time[0] in (*found, "duration"):
            continue
        if given.get(time[0]) != NO_COLUMN:
            raise ValueError(
                f"{path}: column '{name}' counts {time[1]}, expected times in seconds "
                f"or milliseconds; convert it, or give --{time[0]}_column {NO_COLUMN} "
                "if each audio file is one utterance"
            )
    one = next((what for what in ("start", "end") if what in found), None)
    other = ("end", "duration") if one == "start" else ("start",)
    if one and not found.keys() & set(other):
        raise ValueError(
            f"{path}: column '{found[one]}' is the {one} of a segment, expected a "
            f"column of its {' or '.join(other)} too; found {', '.join(header)}; name "
            f"it by --{other[0]}_column, or give --{one}_column {NO_COLUMN} if each "
            "audio file is one utterance"
        )


def _check_forms(
    path: str, what: str, known: Sequence[str], forms: Mapping[tuple[str, ...], int]
) -> None:
    """Check that all rows have the same column for a meaning."""
    for form, number in forms.items():
        other = next((name for name in known if name in form), known[0])
        if other != known[0]:
            raise ValueError(
                f"{path}:{number}: {what} is in '{other}', in other rows in "
                f"'{known[0]}', expected one name in all; rename it, or say which "
                f"column to take by --{what}_column"
            )


def plain_name(name: str) -> str:
    """Return a name in small letters, with _ for all signs and spaces."""
    return re.sub(r"\W+", "_", name.strip().lower()).strip("_")
