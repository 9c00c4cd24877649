"""Train a CTC recognizer that labels audio for itself as it trains (slimIPL).

It trains on the labelled training set and on the audio of --unlabelled_data_dir. The
options --continuous_conf, explained in conf/pseudo_continuous.yaml, control how labels
are made, cached and checked.
"""

import argparse
from collections.abc import Sequence
from typing import Any

GROUP = "train"
MEMORY_REMEDY = (
    "lower --batch_bins and raise --accum_grad instead, or give --frontend_conf "
    "gradient_checkpointing=true"
)


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban train-pseudo`, with the options of train-asr."""
    return _import_task().get_parser()


def main(cmd: Sequence[str] | None = None) -> int:
    """Train, write the models into --output_dir; return the exit status."""
    _import_task().main(cmd=cmd)
    return 0


def _import_task() -> Any:
    from hamzaban import compat

    with compat.fast_imports():
        from hamzaban.pseudo.continuous.task import ContinuousTask
    return ContinuousTask
