"""Options of jobs on Slurm: the values of conf/slurm.yaml."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hamzaban.config import check_names, option, read_config, read_dataclass
from hamzaban.typed_values import read_value

SEE = "conf/slurm.yaml"
JOBS = "jobs"  # key of the changes by kind
# Kinds of jobs, as cmd.sh and the verbs name them.
KINDS = (
    "align",
    "audio",
    "decode",
    "grid",
    "lm",
    "mine",
    "pseudo",
    "train",
    "transcribe",
)
OURS = {  # options of sbatch that have a name of their own here
    "account": "account", "array": "max_tasks", "constraint": "constraint",
    "cpus-per-task": "cpus", "mem": "mem_gb", "partition": "partition", "qos": "qos",
    "signal": "signal_s", "time": "time_h",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SlurmOptions:
    """The values of conf/slurm.yaml, which describes them; names have units."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    time_h: float = option(24.0, above=0)
    mem_gb: float | None = option(None, above=0)
    cpus: int | None = option(None, at_least=1)
    gpus: int = option(0, at_least=0)
    gpu_type: str | None = None
    nodes: int = option(1, at_least=1)
    max_tasks: int = option(50, at_least=1)
    max_array: int = option(1000, at_least=1)
    shards: int = option(1, at_least=1)
    signal_s: int = option(120, at_least=1)
    max_requeues: int = option(100, at_least=0)
    setup: tuple[str, ...] = ()
    sbatch: Mapping[str, str | int | float | bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the extra options of sbatch.

        Raises:
            ValueError: One is not a name, or has a name of its own in this file.
        """
        for name in self.sbatch:
            if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
                raise ValueError(
                    f"sbatch: '{name}' found, expected the name of an option of sbatch "
                    "without dashes in front, such as exclude"
                )
            if name in OURS:
                raise ValueError(f"sbatch: {name} found; set {OURS[name]} instead")
        if self.signal_s >= self.time_h * 3600:
            raise ValueError(
                f"signal_s is {self.signal_s}, expected less than time_h, which is "
                f"{self.time_h * 3600:g} s"
            )


def read_options(
    config: str | Path, kind: str = "", changes: Mapping[str, Any] | None = None
) -> SlurmOptions:
    """Read a config of Slurm jobs.

    Args:
        config: The YAML; "" for the defaults.
        kind: One of KINDS, whose values under `jobs` replace the general ones; "" for
            the general ones.
        changes: Values that replace those of the config.

    Raises:
        FileNotFoundError: There is no such config.
        ValueError: A value or a kind is wrong.
    """
    check_names({kind: 0} if kind else {}, KINDS, "kind of a Slurm job", SEE)
    values: dict[str, Any] = {}
    place = str(config) or "options of Slurm"
    if config:
        if not Path(config).is_file():
            raise FileNotFoundError(
                f"{config}: no such config; see {SEE} of the repository"
            )
        values, _ = read_config(config)
    by_kind = values.pop(JOBS, None) or {}
    known = [each.name for each in fields(SlurmOptions)]
    by_kind = read_value(dict[str, dict[str, Any]], by_kind, f"{place}: {JOBS}")
    check_names(by_kind, KINDS, f"{place}: {JOBS}", SEE)
    for name, own in by_kind.items():
        check_names(own, known, f"{place}: {JOBS}.{name}", SEE)
    values |= by_kind.get(kind, {})
    return read_dataclass(SlurmOptions, values | dict(changes or {}), place, see=SEE)
