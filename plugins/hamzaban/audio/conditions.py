"""Noisy copies of test sets, one for each condition of a YAML."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from hamzaban.audio.format_options import FormatOptions, NoiseOptions, parse_range
from hamzaban.audio.noise import prepare_noise
from hamzaban.config import read_config
from hamzaban.launch.notes import note_inputs

_KNOWN = ("noise_list", "rir_list", "snr_db", "num_noises", "noise_prob", "rir_prob")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Conditions:
    """Which sets are copied, and how.

    Attributes:
        sets: Names of the sets, such as `test`.
        noise: Noise and rooms of each condition, by name.
    """

    sets: tuple[str, ...]
    noise: Mapping[str, NoiseOptions]

    def name_copies(self, name: str) -> dict[str, str]:
        """Return the names of a set's copies by condition."""
        return {condition: f"{name}_{condition}" for condition in self.noise}


def read_conditions(path: Path) -> Conditions:
    """Read the YAML of conditions: `sets`, `seed`, `conditions`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A value is missing, unknown or not understood.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such YAML; correct --config")
    values, files = read_config(path)
    note_inputs(*files)
    unknown = values.keys() - {"sets", "seed", "conditions"}
    sets, found = values.get("sets"), values.get("conditions")
    if unknown or not isinstance(sets, list) or not isinstance(found, dict):
        raise ValueError(
            f"{path}: found {', '.join(map(str, values)) or 'nothing'}; expected sets: "
            "[test], conditions: {name: {noise_list: FILE, snr_db: 10}}, and seed if "
            "wanted"
        )
    seed = values.get("seed", 0)
    noise = {str(k): _read_noise(path, str(k), v, seed) for k, v in found.items()}
    return Conditions(tuple(map(str, sets)), noise)


def _read_noise(path: Path, name: str, values: Any, seed: Any) -> NoiseOptions:
    place = f"{path}: condition {name}"
    if not _NAME.fullmatch(name):
        raise ValueError(f"{place}: expected a name of letters, digits, _ - and .")
    values = values if isinstance(values, dict) else {}
    unknown = values.keys() - set(_KNOWN)
    if unknown or not {"noise_list", "rir_list"} & values.keys():
        wrong = f"'{min(unknown)}' is unknown" if unknown else "names no list"
        raise ValueError(f"{place}: {wrong}; known: {', '.join(_KNOWN)}")
    try:
        few, many = parse_range("num_noises", str(values.get("num_noises", 1)))
        return NoiseOptions(
            noise_list=Path(values["noise_list"]) if "noise_list" in values else None,
            rir_list=Path(values["rir_list"]) if "rir_list" in values else None,
            snr_db=parse_range("snr_db", str(values.get("snr_db", "5 20"))),
            num_noises=(int(few), int(many)),
            noise_prob=float(values.get("noise_prob", 1.0)),
            rir_prob=float(values.get("rir_prob", 1.0)),
            seed=int(seed),
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from error


def make_conditions(
    data: Path, conditions: Conditions, *, nj: int = 1, fs: int = 16000
) -> None:
    """Write `data/<set>_<condition>` for each set and condition; ids stay.

    Nothing is dropped for its length or level.

    Args:
        data: Holds the sets.
        conditions: What to write.
        nj: Number of processes.
        fs: Rate of the copies, Hz.

    Raises:
        FileNotFoundError: A set or a list is missing.
        ValueError: A set or a list is wrong.
    """
    from hamzaban.audio.stage import format_audio

    for name, noise in conditions.noise.items():
        note_inputs(*(path for path in (noise.noise_list, noise.rir_list) if path))
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
