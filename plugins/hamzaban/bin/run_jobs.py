"""Run a command as one job or several numbered jobs, each with its own log."""

import argparse
from collections.abc import Sequence

from hamzaban.launch import Resources, run_jobs
from hamzaban.launch.backends import BACKENDS

GROUP = "run"


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of the words before `--`."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        usage="%(prog)s [options] --log DIR/name.JOB.log -- command ... JOB ...",
        epilog="JOB becomes 1..nj in the words of the command and in the log's name.",
    )
    parser.add_argument("--nj", type=int, default=1, help="number of jobs (default: 1)")
    parser.add_argument("--max_jobs", type=int, help="most jobs to run at once")
    parser.add_argument(
        "--log", required=True, help="file to write: the log of each job"
    )
    parser.add_argument("--ngpu", type=int, default=0, help="GPUs for each job")
    parser.add_argument("--num_threads", type=int, help="CPU threads for each job")
    parser.add_argument("--num_nodes", type=int, default=1, help="machines for a job")
    parser.add_argument(
        "--backend",
        default="local",
        help=f"where to run: {', '.join(sorted(BACKENDS))}",
    )
    parser.add_argument(
        "--backend_conf",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="a setting of the back end; may be repeated",
    )
    return parser


def main(cmd: Sequence[str] | None = None) -> int:
    """Run the jobs; the status is 1 if one failed (its log is shown)."""
    words = list(cmd or [])
    end = words.index("--") if "--" in words else len(words)
    args = get_parser().parse_args(words[:end])
    conf = {}
    for setting in args.backend_conf:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ValueError(f"--backend_conf {setting}: expected KEY=VALUE")
        conf[key] = value
    run_jobs(
        words[end + 1 :],
        args.log,
        nj=args.nj,
        max_jobs=args.max_jobs,
        resources=Resources(args.num_threads, args.ngpu, args.num_nodes),
        backend=args.backend,
        backend_conf=conf,
    )
    return 0
