"""Reading torch files that hold objects of other programs, without running their code.

A pickle names functions and classes to call. Here only those that rebuild tensors and
plain values are called; each other name becomes an `Inert` class, whose objects keep
what the file says about them and do nothing.
"""

import builtins
import collections
import io
import pickle
import tarfile
import types
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch

_BUILTINS = "bool bytearray bytes complex dict float frozenset int list set str tuple"
_TENSORS = "_rebuild_tensor _rebuild_tensor_v2 _rebuild_parameter"
_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    **{
        ("torch._utils", name): getattr(torch._utils, name) for name in _TENSORS.split()
    },
    **{
        (module, name): getattr(builtins, name)
        for module in ("builtins", "__builtin__")
        for name in _BUILTINS.split()
    },
}
_KINDS = "Float Half BFloat16 Double Long Int Bool Byte Char Short"
_STORAGES = {f"{kind}Storage" for kind in _KINDS.split()}


class Inert:
    """An object of a class that is not to be run: its name, arguments and state.

    Attributes:
        origin: Dotted name of the class or function.
        args: What it was called with.
        state: What it was filled with: attributes by name, or any other value.
        items: What was appended to it.
        entries: What was stored in it by key.
    """

    origin = ""
    args: tuple
    state: Any
    items: list
    entries: dict

    def __new__(cls, *args: Any, **_: Any) -> Self:
        """Keep the arguments."""
        self = object.__new__(cls)
        self.args, self.state = args, {}
        self.items, self.entries = [], {}
        return self

    def __init__(self, *_: Any, **__: Any) -> None:
        """Do nothing: `__new__` has all."""

    def __setstate__(self, state: Any) -> None:
        """Keep the state."""
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        """Keep an entry."""
        self.entries[key] = value

    def append(self, value: Any) -> None:
        """Keep an item."""
        self.items.append(value)

    def extend(self, values: Any) -> None:
        """Keep items."""
        self.items.extend(values)

    def __hash__(self) -> int:
        """Allow sets and keys."""
        return id(self)


class RestrictedUnpickler(pickle.Unpickler):
    """An unpickler that calls nothing but what rebuilds tensors and plain values."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        """Give an allowed object, or an `Inert` class in the place of any other."""
        found = _ALLOWED.get((module_name, global_name))
        if found is not None:
            return found
        if module_name == "torch" and global_name in _STORAGES:
            return getattr(torch, global_name)
        if module_name == "torch" and isinstance(
            getattr(torch, global_name, None), torch.dtype
        ):
            return getattr(torch, global_name)
        if module_name in ("copyreg", "copy_reg") and global_name == "_reconstructor":
            return _reconstruct
        origin = f"{module_name}.{global_name}"
        return type(str(global_name), (Inert,), {"origin": origin})


def load_restricted(path: str | Path) -> Any:
    """Read a file of `torch.save`, of any version, without running code from it.

    Args:
        path: The file.

    Returns:
        Its object; `to_plain` makes plain values of the inert parts.

    Raises:
        ValueError: It is no such file, or a kind that cannot be read so.
    """
    check_kind(path)
    try:
        return torch.load(
            path,
            map_location="cpu",
            pickle_module=_PICKLE,
            weights_only=False,  # the unpickler above stands in its place
            mmap=zipfile.is_zipfile(path),
        )
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        reason = " ".join(str(error).split())[:120]
    except (AttributeError, TypeError, ValueError, IndexError, ImportError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:100]}"
    raise ValueError(
        f"{path}: not a checkpoint that can be read safely ({reason}); expected a file "
        "of torch.save with tensors, such as a published wav2vec 2.0 model"
    )


def to_plain(value: Any) -> Any:
    """Turn configuration objects into dictionaries, lists and plain values.

    Knows the shapes in which `argparse.Namespace`, omegaconf's containers and nodes,
    and enumerations are pickled.
    """
    if isinstance(value, Mapping):
        return {to_plain(key): to_plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_plain(item) for item in value]
    if not isinstance(value, Inert):
        return value
    if isinstance(value.state, Mapping):
        for inner in ("_content", "_val"):
            if inner in value.state:
                return to_plain(value.state[inner])
        if value.state:
            return to_plain(value.state)
    if value.entries:
        return to_plain(value.entries)
    if value.items:
        return to_plain(value.items)
    return to_plain(value.args[0]) if len(value.args) == 1 else None


def _reconstruct(cls: Any, base: Any, state: Any) -> Any:
    """Stand for copyreg's function, for inert classes only."""
    if not (isinstance(cls, type) and issubclass(cls, Inert)):
        raise pickle.UnpicklingError(f"{cls!r} is not rebuilt from a file")
    return cls() if state is None else cls(state)


def _load(file: Any, **options: Any) -> Any:
    return RestrictedUnpickler(file, **options).load()


def _loads(data: bytes, **options: Any) -> Any:
    return _load(io.BytesIO(data), **options)


def check_kind(path: str | Path) -> None:
    """Refuse files that torch would hand to other readers than the unpickler."""
    kind = None
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith("/constants.pkl") for name in archive.namelist()):
                kind = "a TorchScript program"
    elif tarfile.is_tarfile(path):
        kind = "a tar file of torch before 0.2"
    if kind:
        raise ValueError(
            f"{path}: found {kind}, expected a file of torch.save; save the model's "
            "state_dict anew"
        )


_PICKLE = types.ModuleType("hamzaban_restricted_pickle")
_PICKLE.Unpickler = RestrictedUnpickler  # type: ignore[attr-defined]
_PICKLE.load = _load  # type: ignore[attr-defined]
_PICKLE.loads = _loads  # type: ignore[attr-defined]
