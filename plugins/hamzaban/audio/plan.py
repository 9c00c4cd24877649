"""Plan of the audio stage: the utterances of each recording and their folders."""

import zlib
from collections.abc import Iterator
from math import isnan
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from hamzaban.audio.format_options import FormatOptions, hash_text
from hamzaban.audio.source import is_pipe
from hamzaban.data.files import find_lines, read_scp

FILES_PER_FOLDER = 4000
MAX_STEM_BYTES = 160  # of the 255 bytes of a file name; `.flac.tmp...` needs the rest
QUOTED = "/\\%"  # characters that a file name cannot hold, and the quoting sign


class Cut(NamedTuple):
    """One utterance of a recording; an `end_s` of None is the recording's end."""

    utt_id: str
    begin_s: float
    end_s: float | None
    channel: int | None


class Recording(NamedTuple):
    """A recording, its utterances, and the number of the folder for them."""

    rec_id: str
    source: str
    folder: int
    is_segmented: bool
    cuts: tuple[Cut, ...]


def audio_folder(out_dir: Path, number: int) -> Path:
    """Return the folder with a number, named as in ESPnet."""
    return out_dir / "data" / f"format.{number}"


def audio_name(key: str, audio_format: str) -> str:
    """Return the file name of an utterance: its id, quoted where necessary.

    Letters of any script are kept. A very long id is cut, and a digest is added.
    """
    stem = "".join(quote(c, safe="") if c in QUOTED else c for c in key)
    if len(stem.encode()) > MAX_STEM_BYTES:
        kept = stem.encode()[: MAX_STEM_BYTES - 17].decode("utf-8", "ignore")
        stem = f"{kept}%{hash_text(key)}"
    return f"{stem}.{audio_format}"


def plan_recordings(data_dir: Path, options: FormatOptions) -> list[Recording]:
    """Group the utterances of a data directory by recording.

    The folder of a recording depends on nothing but its id and the number of
    utterances, so that neither the number of jobs nor a rerun moves a file.

    Args:
        data_dir: Holds wav.scp, and segments if its recordings are to be cut.
        options: Channel, speeds, noisy copies, and whether pipes are allowed.

    Returns:
        Recordings with at least one utterance, by folder and id.

    Raises:
        FileNotFoundError: There is no wav.scp.
        ValueError: A line is wrong, or there is no utterance.
    """
    sources = _read_sources(data_dir / "wav.scp", options.allow_pipes)
    is_segmented = (data_dir / "segments").exists()
    if is_segmented:
        cuts = _read_segments(data_dir / "segments", options.channel, sources)
    else:
        cuts = {rec: [Cut(rec, 0.0, None, options.channel)] for rec in sources}
    if not cuts:
        raise ValueError(f"{data_dir}: no utterances, expected at least one")
    _check_prefixes(data_dir, cuts, options)
    count = len(options.variants) * sum(map(len, cuts.values()))
    num_folders = 1
    while num_folders * FILES_PER_FOLDER < count:
        num_folders *= 2
    planned = []
    for rec_id, found in cuts.items():
        folder = 1 + zlib.crc32(rec_id.encode()) % num_folders
        where = (sources[rec_id], folder)
        planned.append(Recording(rec_id, *where, is_segmented, tuple(found)))
    return sorted(planned, key=lambda recording: (recording.folder, recording.rec_id))


def _read_sources(path: Path, allow_pipes: bool) -> dict[str, str]:
    sources: dict[str, str] = {}
    for number, (rec_id, source) in enumerate(read_scp(path), 1):
        if rec_id in sources:
            first = find_lines(path, rec_id)[0]
            raise ValueError(
                f"{path}:{number}: id {rec_id} occurs twice, first on line {first}; "
                "remove one"
            )
        if not source:
            raise ValueError(f"{path}:{number}: {rec_id} names no file; add its path")
        if is_pipe(source) and not allow_pipes:
            raise ValueError(
                f"{path}:{number}: {rec_id} is a command ('{source}'), expected a "
                "file; give --allow_pipes true if you trust it"
            )
        sources[rec_id] = source
    return sources


def _read_segments(
    path: Path, channel: int | None, sources: dict[str, str]
) -> dict[str, list[Cut]]:
    cuts: dict[str, list[Cut]] = {}
    for number, rec_id, cut in _parse_segments(path, channel):
        if rec_id not in sources:
            raise ValueError(
                f"{path}:{number}: recording {rec_id} of {cut.utt_id} is not in "
                "wav.scp; add it or remove the line"
            )
        if cut.begin_s < 0 or (cut.end_s is not None and cut.end_s <= cut.begin_s):
            raise ValueError(
                f"{path}:{number}: {cut.utt_id} goes from {cut.begin_s} to {cut.end_s} "
                "s, expected 0 <= begin < end; correct or remove the line"
            )
        cuts.setdefault(rec_id, []).append(cut)
    return cuts


def _parse_segments(path: Path, channel: int | None) -> Iterator[tuple[int, str, Cut]]:
    """Yield line number, recording and cut; an end of -1 is the recording's end."""
    seen: set[str] = set()
    for number, (utt_id, rest) in enumerate(read_scp(path), 1):
        fields = rest.split()
        if utt_id in seen:
            raise ValueError(
                f"{path}:{number}: id {utt_id} occurs twice, first on line "
                f"{find_lines(path, utt_id)[0]}; remove one"
            )
        try:
            rec_id, begin, end = fields[:3]
            begin_s, end_s = float(begin), float(end)
            chosen = int(fields[3]) if len(fields) > 3 else channel
            is_bad = (
                isnan(begin_s) or isnan(end_s) or (chosen is not None and chosen < 0)
            )
            if is_bad or len(fields) > 4:
                raise ValueError
        except ValueError:
            raise ValueError(
                f"{path}:{number}: '{utt_id} {rest}', expected an id, a recording, "
                "begin and end in seconds (and a channel from 0, if any)"
            ) from None
        seen.add(utt_id)
        is_open = end_s == -1
        yield number, rec_id, Cut(utt_id, begin_s, None if is_open else end_s, chosen)


def _check_prefixes(
    data_dir: Path, cuts: dict[str, list[Cut]], options: FormatOptions
) -> None:
    for prefix in filter(None, (variant.prefix for variant in options.variants)):
        for cut in (cut for found in cuts.values() for cut in found):
            if cut.utt_id.startswith(prefix):
                raise ValueError(
                    f"{data_dir}: utt_id {cut.utt_id} begins with {prefix} as if it "
                    "had been changed already; remove it, or drop "
                    "--speed_perturb_factors or --noisy_copies"
                )
