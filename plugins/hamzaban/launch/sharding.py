"""Divide the work of a verb into shards, each a job, by the ids of what it works on."""

import argparse
import hashlib
import logging
import os
import re
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hamzaban.cli import count
from hamzaban.launch.backends import BACKENDS, Job, Resources
from hamzaban.launch.jobs import Place, run_each


@dataclass(frozen=True)
class Shard:
    """One of several shards.

    Attributes:
        number: From 1 on.
        count: How many there are.
    """

    number: int
    count: int

    def holds(self, name: str) -> bool:
        """Return whether an id belongs to this shard."""
        return shard_of(name, self.count) == self.number


def shard_of(name: str, count: int) -> int:
    """Return the number of the shard, from 1 on, that an id belongs to.

    It depends on the id and the number of shards only: on no order, and on no other id.

    Examples:
        >>> [shard_of(name, 4) for name in ("a", "b", "c")]
        [4, 2, 3]
    """
    digest = hashlib.sha256(os.fsencode(name)).digest()
    return 1 + int.from_bytes(digest, "big") % count


def parse_shard(text: str) -> Shard:
    """Read the value of --shard, such as 3/8.

    Raises:
        argparse.ArgumentTypeError: It is something else.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"'{text}', expected a form such as 3/8")
    return Shard(int(found[1]), int(found[2]))


def add_shard_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a verb whose work can be divided among jobs."""
    add = parser.add_argument_group("shards").add_argument
    add(
        "--shards", type=count, default=1,
        help="number of jobs to divide the work among; the output is the same",
    )  # fmt: skip
    add(
        "--backend", default="local",
        help=f"where they run: {', '.join(sorted(BACKENDS))} (see run-jobs)",
    )  # fmt: skip
    add(
        "--backend_conf", metavar="KEY=VALUE", action="append", default=[],
        help="a setting of the back end; may be repeated",
    )  # fmt: skip
    add("--log", help="log of the jobs, with JOB in its name")
    add("--shard", type=parse_shard, help=argparse.SUPPRESS)  # the jobs have it


def is_divided(args: argparse.Namespace) -> bool:
    """Return whether a verb has to launch jobs."""
    return bool(args.shards > 1 or args.backend != "local")


def run_shards(
    verb: str,
    words: Sequence[str],
    args: argparse.Namespace,
    out_dir: Path,
    wanted: Collection[int] | None = None,
) -> None:
    """Run the shards of a verb as jobs, and return when all have succeeded.

    Args:
        verb: The verb.
        words: Its command line.
        args: Its options, as parsed.
        out_dir: The folder it writes; the logs lie beside it without --log.
        wanted: Numbers of the shards that are incomplete; None: all.

    Raises:
        ValueError: An option is wrong.
        JobError: A job failed.
    """
    log = args.log or f"{out_dir.parent}/log/{verb}_{out_dir.name}.JOB.log"
    if "JOB" not in log:
        raise ValueError(f"--log {log}: the shards need JOB in the name of their logs")
    command = (sys.executable, "-m", "hamzaban", verb, *words)
    jobs = [
        Job(
            number,
            (*command, "--shard", f"{number}/{args.shards}"),
            Path(log.replace("JOB", str(number))),
        )
        for number in range(1, args.shards + 1)
        if wanted is None or number in wanted
    ]  # fmt: skip
    if len(jobs) < args.shards:
        logging.info("%d of %d shards are incomplete", len(jobs), args.shards)
    if not jobs:
        return
    at_once = max(len(os.sched_getaffinity(0)) // args.nj, 1)
    run_each(
        jobs,
        place=Place(
            Resources(num_cpus=args.nj),
            at_once if args.backend == "local" else None,
            args.backend,
            read_settings(args.backend_conf),
        ),
    )


def read_settings(words: Iterable[str]) -> dict[str, str]:
    """Return the settings of --backend_conf.

    Raises:
        ValueError: One is not KEY=VALUE.
    """
    settings = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"--backend_conf {word}: expected KEY=VALUE")
        settings[key] = value
    return settings
