"""Export a model of a run as `wav2vec2.pt`, which S3PRL's frontend loads."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hamzaban.config import option, read_dataclass
from hamzaban.wav2vec2.checkpoint import Checkpoint, write_checkpoint
from hamzaban.weights.door import read_weights

MODEL_FILES = {
    "last": "latest.pth",
    "best": "valid.loss.best.pth",
    "average": "valid.loss.ave.pth",
    "good": "last_good.pth",
}
DTYPES = {"float32": torch.float32, "float16": torch.float16}
_PREFIX = "wav2vec2."


@dataclass(frozen=True)
class ExportOptions:
    """What is exported when training has ended.

    Attributes:
        model: `last` epoch, `best` validation loss, `average` of the
            keep_nbest_models best epochs, or last `good` weights before an alarm.
        dtype: `float32` or `float16`, the type of the weights in the file.
    """

    model: str = option("last", choices=tuple(MODEL_FILES))
    dtype: str = option("float32", choices=tuple(DTYPES))


def read_export_options(values: Mapping[str, Any]) -> ExportOptions:
    """Read `export_conf`.

    Raises:
        ValueError: A key is unknown or a value is wrong.
    """
    return read_dataclass(ExportOptions, values, "export_conf")


def exported_file(output_dir: str | Path, model: str) -> Path:
    """Return the file that a model of a run is exported to."""
    name = "wav2vec2_last_good.pt" if model == "good" else "wav2vec2.pt"
    return Path(output_dir) / name


def export_checkpoint(
    output_dir: str | Path,
    task_cfg: dict[str, Any],
    model_cfg: dict[str, Any],
    options: ExportOptions,
) -> Path:
    """Write `<output_dir>/wav2vec2.pt` from a model file of the run.

    The last good weights of a run that was stopped go to `wav2vec2_last_good.pt`.

    Args:
        output_dir: Folder of the run.
        task_cfg: How waveforms were prepared.
        model_cfg: The architecture.
        options: Which model, and the type of its weights.

    Returns:
        The file written.

    Raises:
        FileNotFoundError: The run has no such model file.
        ValueError: Its weights are not finite.
    """
    source = Path(output_dir) / MODEL_FILES[options.model]
    if not source.exists():
        raise FileNotFoundError(
            f"{source}: no such model file; export_conf.model '{options.model}' needs "
            "an epoch with validation"
        )
    states = read_weights(source)
    weight = {
        name.removeprefix(_PREFIX): value
        for name, value in states.items()
        if name.startswith(_PREFIX)
    }
    target = exported_file(output_dir, options.model)
    checkpoint = Checkpoint(task_cfg, model_cfg, weight)
    write_checkpoint(target, checkpoint, dtype=DTYPES[options.dtype])
    logging.info(f"Wrote {target} from {source.name} as {options.dtype}")
    return target
