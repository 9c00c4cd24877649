#!/usr/bin/env python3
"""Plot a metric of the valid set over the epochs of several experiments.

The metrics are read from the lines `<n>epoch results:` of train.log.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

EPOCH = re.compile(r"INFO: (\d+)epoch results:.*\[valid\] (.*)")


def read_curve(log: Path, metric: str) -> Iterator[tuple[int, float]]:
    """Yield the number and the metric (such as `wer`) of each epoch in a train.log."""
    for line in log.read_text(encoding="utf-8").splitlines():
        found = EPOCH.search(line)
        value = found and re.search(rf"\b{metric}=([-+.\de]+)", found[2])
        if found and value:
            yield int(found[1]), float(value[1])


def main() -> None:
    """Read the command line and write the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="PNG to write")
    parser.add_argument("--metric", default="wer", help="wer, cer, loss, acc and so on")
    parser.add_argument("--ylabel", default="WER on valid (%)")
    parser.add_argument("--scale", type=float, default=100.0)
    parser.add_argument("runs", nargs="+", help="LABEL=exp/asr_x, one for each curve")
    args = parser.parse_args()
    _, axes = plt.subplots(figsize=(7, 4), dpi=150)
    for run in args.runs:
        label, folder = run.rsplit("=", 1)
        curve = sorted(
            dict(read_curve(Path(folder) / "train.log", args.metric)).items()
        )
        if not curve:
            raise SystemExit(f"{folder}/train.log: no epoch with {args.metric} found")
        epochs, values = zip(*curve, strict=True)
        axes.plot(epochs, [args.scale * v for v in values], marker=".", label=label)
    axes.set(xlabel="epoch", ylabel=args.ylabel, ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    args.output.parent.mkdir(parents=True, exist_ok=True)
    plt.savefig(args.output, bbox_inches="tight")


if __name__ == "__main__":
    main()
