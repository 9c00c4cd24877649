"""Run a command as one job or several numbered jobs, each with its own log."""

import argparse
from collections.abc import Sequence

from hamzaban.launch import Place, Resources, run_jobs
from hamzaban.launch.backends import BACKENDS
from hamzaban.launch.sharding import read_settings

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
    parser.add_argument(
        "--retry",
        action="store_true",
        help="run only the jobs whose logs do not say that they have succeeded",
    )
    parser.add_argument("--ngpu", type=int, default=0, help="GPUs for each job")
    parser.add_argument("--num_threads", type=int, help="CPU threads for each job")
    parser.add_argument("--num_cpus", type=int, help="cores to ask a scheduler for")
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
    conf = read_settings(args.backend_conf)
    threads, cpus = args.num_threads, args.num_cpus
    resources = Resources(threads, args.ngpu, args.num_nodes, cpus)
    run_jobs(
        words[end + 1 :],
        args.log,
        nj=args.nj,
        place=Place(resources, args.max_jobs, args.backend, conf),
        retry=args.retry,
    )
    return 0
