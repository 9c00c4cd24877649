"""How to decode: numbers of processes and samples, and the YAML that gives them."""

import dataclasses
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class DecodeOptions:
    """How to decode.

    Attributes:
        asr_model: Name of the model file in the experiment directory.
        nj: Processes on the CPU; a GPU is used by one.
        ngpu: 0 for the CPU, 1 for a GPU.
        batch_bins: Most samples in a batch, padding counted.
    """

    asr_model: str = "valid.wer.ave.pth"
    nj: int = 1
    ngpu: int = 0
    batch_bins: int = 640_000

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ValueError: One is out of range.
        """
        if self.nj < 1 or self.ngpu not in (0, 1) or self.batch_bins < 1:
            raise ValueError(
                f"nj {self.nj}, ngpu {self.ngpu}, batch_bins {self.batch_bins} found, "
                "expected nj 1 or more, ngpu 0 or 1, batch_bins 1 or more"
            )


def read_inference_config(path: str | Path) -> dict[str, Any]:
    """Read the values that a YAML such as conf/decode.yaml gives.

    Returns:
        Values by the names of `DecodeOptions`; those that are not there are left out.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: It is not YAML, a key is unknown, or a value is of another type.
    """
    import yaml

    types = {k: type(v) for k, v in dataclasses.asdict(DecodeOptions()).items()}
    try:
        values = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as e:
        raise ValueError(f"{path}: not YAML ({e})") from e
    if not isinstance(values, dict):
        raise ValueError(f"{path}: found {values!r}, expected lines `option: value`")
    for key, value in values.items():
        if key not in types:
            raise ValueError(f"{path}: {key!r} is unknown; known: {', '.join(types)}")
        if type(value) is not types[key]:
            raise ValueError(
                f"{path}: {key}: {value!r} found, expected {types[key].__name__}"
            )
    return values
