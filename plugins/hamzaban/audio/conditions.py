"""Noisy copies of test sets, one for each condition of a YAML."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

from hamzaban.audio.format_options import FormatOptions, NoiseOptions
from hamzaban.audio.noise import prepare_noise
from hamzaban.config import read_config, read_dataclass
from hamzaban.launch.notes import note_inputs

_KNOWN = ("noise_list", "rir_list", "snr_db", "num_noises", "noise_prob", "rir_prob")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Conditions:
    """The sets to copy and the conditions of their copies.

    Attributes:
        sets: Names of the sets, such as `test`.
        noise: Noise and rooms by the name of the condition.
        path: The YAML they were read from.
    """

    sets: tuple[str, ...]
    noise: Mapping[str, NoiseOptions]
    path: Path

    def name_copies(self, name: str) -> dict[str, str]:
        """Return the names of a set's copies by condition."""
        return {condition: f"{name}_{condition}" for condition in self.noise}


@dataclass(frozen=True, kw_only=True)
class _File:
    """The YAML of conditions."""

    sets: tuple[str, ...]
    conditions: dict[str, Any]
    seed: int = 0


def read_conditions(path: Path) -> Conditions:
    """Read a YAML of conditions with the keys `sets`, `seed` and `conditions`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A value is missing, unknown or invalid.
    """
    file = read_dataclass(_File, path, see="conf/conditions.yaml")
    note_inputs(*read_config(path)[1])
    noise = {}
    for name, values in file.conditions.items():
        place = f"{path}: condition {name}"
        if not _NAME.fullmatch(name):
            raise ValueError(f"{place}: expected a name of letters, digits, _ - and .")
        options = read_dataclass(NoiseOptions, values, place, only=_KNOWN)
        if options.noise_list is None and options.rir_list is None:
            raise ValueError(f"{place}: names no list; add noise_list or rir_list")
        noise[name] = replace(options, seed=file.seed)
    return Conditions(file.sets, noise, path)


def make_conditions(
    data: Path, conditions: Conditions, *, nj: int = 1, fs: int = 16000
) -> None:
    """Write `data/<set>_<condition>` for each set and condition, with the same ids.

    No utterance is dropped for its length or level.

    Args:
        data: Folder that holds the sets.
        conditions: What to write.
        nj: Number of processes.
        fs: Sample rate of the copies, Hz.

    Raises:
        FileNotFoundError: A set or a list is missing.
        ValueError: A set or a list is wrong.
    """
    from hamzaban.audio.stage import format_audio

    for name, noise in conditions.noise.items():
        lists = [path for path in (noise.noise_list, noise.rir_list) if path]
        for path in lists:
            if not path.is_file():
                raise FileNotFoundError(
                    f"{conditions.path}: condition {name}: {path}: no such file; "
                    "expected a list with a path or `id path` on each line"
                )
        note_inputs(*lists)
        options = FormatOptions(
            fs=fs,
            min_duration_s=0.0,
            max_duration_s=inf,
            silence_db=-inf,
            noise=prepare_noise(noise),
        )
        for source in conditions.sets:
            target = data / conditions.name_copies(source)[name]
            logging.info("%s: %s of %s", target, name, data / source)
            format_audio(data / source, target, options, nj=nj)
