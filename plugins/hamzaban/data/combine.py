"""Combine Kaldi data directories by merging sorted streams."""

import heapq
import logging
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

from hamzaban.data.files import (
    list_files,
    log_left_out,
    read_scp,
    read_value,
    require_utts,
)
from hamzaban.data.write import DirWriter

AGREEING = ("feats_type",)  # value files on which combined directories must agree


def combine_dirs(
    sources: Sequence[str | Path], target: str | Path, *, leave_out: Sequence[str] = ()
) -> int:
    """Merge directories; omit files that only some have, and name them in the log.

    Args:
        sources: Data directories that share no utterance. They may share speakers and
            recordings if the lines of these agree.
        target: Its data files are replaced; may be one of `sources`.
        leave_out: Files to omit, such as `text` if only some sources have it.

    Returns:
        The number of utterances.

    Raises:
        ValueError: An utterance is in two directories, lines of a speaker or recording
            differ, or only some directories have text, wav.scp, or segments.
    """
    paths = [Path(source) for source in sources]
    files = [list_files(path) for path in paths]
    for path, found in zip(paths, files, strict=True):
        log_left_out(path, found)
    names = sorted(set().union(*files) - {"spk2utt", *leave_out})
    common = [name for name in names if all(name in found for found in files)]
    _check_common(paths, names, common)
    num_utts = 0
    with DirWriter(target) as out:
        for name in common:
            if files[0][name] == "value":
                out.write_value(name, _common_value([path / name for path in paths]))
                continue
            writer = out.open(name, same_ok=files[0][name] != "utt")
            readers = [read_scp(path / name) for path in paths]
            for key, rest in heapq.merge(*readers, key=itemgetter(0)):
                writer.write(key, rest)
                num_utts += name == "utt2spk"
            writer.finish()
        require_utts(num_utts, paths[0])
    return num_utts


def _check_common(paths: list[Path], names: list[str], common: list[str]) -> None:
    for name in sorted(set(names) - set(common)):
        without = next(path for path in paths if not (path / name).is_file())
        found = next(path for path in paths if (path / name).is_file())
        if name in ("text", "wav.scp", "segments"):
            raise ValueError(
                f"{without}/{name}: no such file, but {found} has one; combine "
                "directories of the same form (segments: run `hamzaban format-audio`)"
            )
        logging.warning("%s is left out: %s has none", name, without)


def _common_value(paths: list[Path]) -> str:
    values = [read_value(path) for path in paths]
    for path, value in zip(paths, values, strict=True):
        differs = value != values[0]
        if differs and (path.name in AGREEING or "ark" in value + values[0]):
            raise ValueError(
                f"{path}: {value}, expected {values[0]} as in {paths[0]}; convert one "
                "with `hamzaban format-audio`"
            )
        if differs:
            logging.warning("%s: %s is not %s, kept", path, value, values[0])
    return values[0]
