"""Open every file of weights, without running code from it.

Every file of torch, safetensors or pickle that the project or one of its libraries
opens is opened here. Nothing else calls `torch.load`, `torch.jit.load` or an unpickler.
"""

import datetime
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hamzaban.weights.expressions import checked_expressions
from hamzaban.weights.kind import check_file, is_zip, name_stranger
from hamzaban.weights.restricted import unpickle
from hamzaban.weights.values import check_finite, check_sizes

_torch_load = torch.load
_REASON = 160  # most characters shown of a library's message
_STATISTICS: list[Any] = [  # types in ESPnet's record of epochs
    datetime.timedelta,
    np.float64(0).__reduce__()[0],
    np.dtype,
    *(type(np.dtype(t)) for t in (np.float64, np.float32, np.int64)),
]


class ForeignObjectError(ValueError):
    """A file holds objects other than tensors and plain values."""


def read_file(path: str | Path, *, device: Any = "cpu") -> Any:
    """Read a file of `torch.save` that holds tensors and plain values.

    Args:
        path: The file.
        device: Device of the tensors, as torch's `map_location`. On the CPU, tensors of
            a zip file stay in the file until they are used.

    Returns:
        Its object.

    Raises:
        FileNotFoundError: There is no such file.
        ForeignObjectError: The file holds other objects, which `read_foreign` reads.
        ValueError: It is not such a file, or is damaged.
    """
    check_file(path)
    try:
        with torch.serialization.safe_globals(_STATISTICS), warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", UserWarning
            )  # warnings about damaged pickles
            state = _torch_load(
                path, map_location=device, weights_only=True, mmap=is_zip(path)
            )
    except OSError:
        raise
    except Exception as error:  # a damaged file makes torch raise anything
        raise _explain(path, error) from None
    check_sizes(state, path)
    return state


def read_foreign(path: str | Path) -> Any:
    """Read a file of `torch.save` that holds objects of other programs.

    Args:
        path: The file.

    Returns:
        Its object; the foreign parts are `restricted.Inert`, for `to_plain`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not such a file, or is damaged.
    """
    check_file(path)
    try:
        state = unpickle(path, is_zip(path))
    except OSError:
        raise
    except Exception as error:  # a damaged file makes the reader raise anything
        raise _explain(path, error) from None
    check_sizes(state, path)
    return state


def read_weights(path: str | Path, *, device: Any = "cpu") -> dict[str, Tensor]:
    """Read a file of parameters by name, all of them numbers.

    Args:
        path: A file as train-asr and ESPnet write it.
        device: Device of the tensors, as for `read_file`.

    Returns:
        The parameters.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not such a file, or has values that are not finite.
    """
    state = read_file(path, device=device)
    check_finite(state, path)
    return dict(state)


def read_safetensors(path: str | Path) -> dict[str, Tensor]:
    """Read a file of safetensors.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is not such a file, or is damaged.
    """
    from safetensors.torch import load_file

    if not Path(path).is_file():
        raise FileNotFoundError(
            f"{path}: no such file; a piece of the model is missing"
        )
    try:
        return load_file(path)
    except Exception as error:  # safetensors raises classes of its own
        reason = " ".join(str(error).split())[:_REASON]
        what, remedy = name_stranger(path) or ("", "")
        if not what or what == "safetensors":
            what, remedy = f"a damaged file ({reason})", "copy or download it again"
        raise ValueError(
            f"{path}: found {what}, expected safetensors; {remedy}"
        ) from None


@contextmanager
def guarded(check: Callable[[Any, str], None] | None = None) -> Iterator[None]:
    """Make other libraries open files through this door while active.

    ESPnet and S3PRL call `torch.load` in ways that run code from files, and S3PRL
    evaluates parts of configurations.

    Args:
        check: Called with the object and the name of each file read, before the
            library gets it.
    """

    def load(f: Any, map_location: Any = None, *_: Any, **_options: Any) -> Any:
        if not isinstance(f, (str, os.PathLike)):
            return _torch_load(f, map_location=map_location, weights_only=True)
        state = read_file(os.fspath(f), device=map_location)
        if check is not None:
            check(state, os.fspath(f))
        return state

    with ExitStack() as stack:
        stack.enter_context(checked_expressions())
        for owner, value in ((torch, load), (torch.jit, _refuse)):
            stack.callback(setattr, owner, "load", owner.load)
            owner.load = value  # type: ignore[attr-defined]
        yield


def _refuse(f: Any, *_: Any, **__: Any) -> None:
    raise ValueError(
        f"{f}: a TorchScript program is not loaded; save the model's state_dict again"
    )


def _explain(path: str | Path, error: Exception) -> ValueError:
    """Return an error in one line for what torch says about a file."""
    if isinstance(error, ForeignObjectError):
        return error
    text = " ".join(str(error).split())
    named = re.search(r"(?:GLOBAL|type|class) '?([\w.]+)'? (?:was not|whose)", text)
    if named:
        remedy = "save its state_dict again, with tensors and plain values only"
        if named[1].startswith("numpy"):
            remedy = "make tensors of NumPy's arrays and numbers, and save it again"
        return ForeignObjectError(
            f"{path}: found an object {named[1]}, expected tensors and plain values; "
            f"{remedy}"
        )
    reason = re.sub(r"\x1b\[\d*m", "", text)[:_REASON] or type(error).__name__
    if reason.startswith("Weights only load failed"):
        reason = text.rpartition("error: ")[2][:_REASON]
    return ValueError(
        f"{path}: not a checkpoint that can be read safely ({reason}); expected a file "
        "of torch.save with weights; copy or download it again"
    )
