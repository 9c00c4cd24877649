"""Fine-tune wav2vec 2.0 to a CTC recognizer, from a checkpoint or from scratch."""

import argparse
from collections.abc import Sequence
from typing import Any

GROUP = "train"
MEMORY_REMEDY = (
    "lower --batch_bins and raise --accum_grad instead, or give --frontend_conf "
    "gradient_checkpointing=true"
)


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban train-asr`: ESPnet2's options and ours."""
    return _import_task().get_parser()


def main(cmd: Sequence[str] | None = None) -> int:
    """Train, write the models into --output_dir; return the exit status."""
    _import_task().main(cmd=cmd)
    return 0


def _import_task() -> Any:
    from hamzaban import compat

    with compat.fast_imports():
        from hamzaban.asr.task import ASRTask
    return ASRTask
