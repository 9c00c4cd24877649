"""Train a CTC recognizer that labels audio for itself as it trains (slimIPL).

Beside the labelled training set it reads --unlabelled_data_dir; continuous_conf of
conf/pseudo_continuous.yaml says how labels are made, kept and watched.
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
    """Build the parser of `hamzaban train-pseudo`: that of train-asr and ours."""
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
