"""Pretrain wav2vec 2.0 on untranscribed speech, from scratch or a checkpoint."""

import argparse
from collections.abc import Sequence
from typing import Any

GROUP = "train"
MEMORY_REMEDY = (
    "lower --batch_bins and raise --accum_grad instead, give "
    "--gradient_checkpointing true, or lower task_cfg.max_sample_size"
)


def get_parser() -> argparse.ArgumentParser:
    """Return the parser of `hamzaban train-ssl`: ESPnet2's options and ours."""
    return _import_task().get_parser()


def main(cmd: Sequence[str] | None = None) -> int:
    """Train, write <output_dir>/wav2vec2.pt; return the exit status."""
    _import_task().main(cmd=cmd)
    return 0


def _import_task() -> Any:
    from hamzaban import compat

    with compat.fast_imports():
        from hamzaban.pretrain.task import SSLTask
    return SSLTask
