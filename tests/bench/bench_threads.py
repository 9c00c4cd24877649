"""Training on two threads beside other work: how long idle OpenMP threads should spin.

A thread of OpenMP that waits for the others spins before it sleeps. On an idle machine
that saves the time to wake it; where more threads run than there are processors, it
takes the processor from the very thread it waits for. PyTorch's wheels bring GNU's
runtime, libgomp, which reads its settings from the environment when it is loaded:

    default    spins for some milliseconds, then sleeps
    10000      GOMP_SPINCOUNT=10000
    1000       GOMP_SPINCOUNT=1000
    passive    OMP_WAIT_POLICY=passive: sleeps at once

Each is measured in a process of its own, in turns, beside processes that only compute.

Run:
    python tests/bench/bench_threads.py [--rounds 5] [--busy 0 2 4]

Output: medians over the rounds of the wall time and processor time of a step, and the
ratio of the wall time to that of the default. A table needs an otherwise idle machine
for `busy 0` to mean idle: the load average at the start is printed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

SETTINGS = {
    "default": {},
    "10000": {"GOMP_SPINCOUNT": "10000"},
    "1000": {"GOMP_SPINCOUNT": "1000"},
    "passive": {"OMP_WAIT_POLICY": "passive"},
}
WORKER = "--worker"


def get_parser() -> argparse.ArgumentParser:
    """Build the parser."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="turns of each setting")
    parser.add_argument("--busy", type=int, nargs="+", default=[0, 4], metavar="N")
    parser.add_argument("--steps", type=int, default=10, help="of a turn, after 2")
    parser.add_argument("--num_threads", type=int, default=2)
    parser.add_argument("--settings", nargs="+", default=[*SETTINGS], choices=SETTINGS)
    return parser


def main() -> int:
    """Measure and print the table."""
    if WORKER in sys.argv:
        print(json.dumps(train(*map(int, sys.argv[2:]))))
        return 0
    args = get_parser().parse_args()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{os.cpu_count()} processors; load average {load}", flush=True)
    print("| busy | setting | wall, ms a step | processor, ms a step | wall, ratio |")
    print("|---|---|---|---|---|")
    for num_busy in args.busy:
        found: dict[str, list[tuple[float, float]]] = {s: [] for s in args.settings}
        with busy_processes(num_busy):
            for _ in range(args.rounds):
                for setting in args.settings:
                    found[setting].append(measure(setting, args))
        reference = None
        for setting, values in found.items():
            wall, cpu = (statistics.median(column) for column in zip(*values))  # noqa: B905
            reference = reference or wall
            row = f"| {num_busy} | {setting} | {1000 * wall:.1f} | {1000 * cpu:.1f} |"
            print(f"{row} {wall / reference:.2f} |", flush=True)
    return 0


@contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Keep a number of processes computing while active."""
    words = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(words) for _ in range(number)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def measure(setting: str, args: argparse.Namespace) -> tuple[float, float]:
    """Return the wall and processor time of a step, in seconds, in a new process."""
    unset = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    environment = {k: v for k, v in os.environ.items() if k not in unset}
    environment |= SETTINGS[setting] | {"OMP_NUM_THREADS": str(args.num_threads)}
    words = [sys.executable, __file__, WORKER, str(args.steps), str(args.num_threads)]
    done = subprocess.run(words, env=environment, capture_output=True, check=True)
    wall, cpu = json.loads(done.stdout)
    return wall, cpu


def train(steps: int, num_threads: int) -> tuple[float, float]:
    """Train a small stack of convolutions, as wav2vec 2.0 begins with.

    Returns:
        Median wall time of a step in seconds, and mean processor time of one.
    """
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(num_threads)
    sizes = [
        (1, 10, 5),
        *[(64, 3, 2)] * 4,
        *[(64, 2, 2)] * 2,
    ]  # channels, kernel, stride
    layers: list[torch.nn.Module] = []
    for channels, kernel, stride in sizes:
        layers.append(torch.nn.Conv1d(channels, 64, kernel, stride))
        layers += [torch.nn.GroupNorm(1, 64), torch.nn.GELU()]
    model = torch.nn.Sequential(*layers)
    optimizer = torch.optim.Adam(model.parameters())
    speech = torch.randn(4, 1, 32000)  # (B, 1, samples): 2 s of 16 kHz
    walls = []
    for step in range(steps + 2):
        if step == 2:
            cpu = time.process_time()
        began = time.perf_counter()
        optimizer.zero_grad()
        model(speech).square().mean().backward()
        optimizer.step()
        walls.append(time.perf_counter() - began)
    return statistics.median(walls[2:]), (time.process_time() - cpu) / steps


if __name__ == "__main__":
    sys.exit(main())
