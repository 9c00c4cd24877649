"""What ESPnet's train.log says of each epoch."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_LINE = re.compile(r" (\d+)epoch results: (.*)")
_PART = re.compile(r"\[(\w+)\] ([^\[]*)")
_NO_NUMBERS = ("time",)  # written as `1 minute and 3 seconds`
_VALUE = re.compile(r"(\w+)=([^,\s]+)")


@dataclass
class Epochs:
    """Numbers by epoch.

    Attributes:
        values: For `train` and `valid`, for each name such as `loss`, the value of each
            epoch.
    """

    values: dict[str, dict[str, dict[int, float]]] = field(default_factory=dict)

    def get(self, part: str, name: str) -> Mapping[int, float]:
        """Return the values of a name by epoch; nothing if there are none."""
        return self.values.get(part, {}).get(name, {})


def read_epochs(train_log: str | Path) -> Epochs:
    """Read the results of all epochs; of one that was run twice, the last.

    Args:
        train_log: ESPnet's log, which a resumed training goes on writing.

    Raises:
        FileNotFoundError: There is no such file.
    """
    epochs = Epochs()
    with open(train_log, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            found = _LINE.search(line)
            if found is None:
                continue
            for part, text in _PART.findall(found[2]):
                for name, value in _VALUE.findall(text):
                    if name not in _NO_NUMBERS:
                        values = epochs.values.setdefault(part, {})
                        values.setdefault(name, {})[int(found[1])] = float(value)
    return epochs
