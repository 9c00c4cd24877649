"""Read torch files that hold objects of other programs, without running their code.

Neither `torch.load` nor an archive reader of torch decides what is run: the pickles of
both layouts (a zip file or, before torch 1.6, pickles in a row) are read here. A pickle
names functions and classes to call. Here only those that rebuild tensors and plain
values are called; each other name becomes an `Inert` class, whose objects keep what the
file says about them and do nothing.
"""

import builtins
import collections
import io
import pickle
import struct
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import torch

_BUILTINS = "bool complex dict float frozenset int list set str tuple"
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
_STORAGES = {
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "DoubleStorage": torch.float64,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "UntypedStorage": torch.uint8,
}
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001  # marks of the layout before torch 1.6


class Inert:
    """An object of a class that is not to be run: its name, arguments and state.

    Attributes:
        origin: Dotted name of the class or function.
        args: The arguments of the call.
        state: Its state: attributes by name, or any other value.
        items: The values that were appended to it.
        entries: The values that were stored in it, by key.
    """

    origin = ""
    args: tuple[Any, ...]
    state: Any
    items: list[Any]
    entries: dict[Any, Any]

    def __new__(cls, *args: Any, **_: Any) -> Self:
        """Keep the arguments."""
        self = object.__new__(cls)
        self.args, self.state = args, {}
        self.items, self.entries = [], {}
        return self

    def __init__(self, *_: Any, **__: Any) -> None:
        """Do nothing, since `__new__` stores all."""

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
    """An unpickler that calls only functions that rebuild tensors and plain values."""

    def __init__(
        self, file: io.BufferedIOBase, load_storage: Callable[[Any], Any] | None = None
    ) -> None:
        """Read from a file.

        Args:
            file: An open file, at the start of the pickle.
            load_storage: Returns the storage that a persistent id of torch stands for.
        """
        super().__init__(file, encoding="utf-8")
        self._load_storage = load_storage

    def persistent_load(self, saved: Any) -> Any:
        """Return the storage of a tensor."""
        if self._load_storage is None:
            raise pickle.UnpicklingError("a storage where none is expected")
        return self._load_storage(saved)

    def find_class(self, module_name: str, global_name: str) -> Any:
        """Return an allowed object, or an `Inert` class in the place of any other."""
        found = _ALLOWED.get((module_name, global_name))
        if found is not None:
            return found
        if module_name in ("torch", "torch.storage") and global_name in _STORAGES:
            return _STORAGES[global_name]
        if module_name == "torch" and isinstance(
            getattr(torch, global_name, None), torch.dtype
        ):
            return getattr(torch, global_name)
        if module_name in ("copyreg", "copy_reg") and global_name == "_reconstructor":
            return _reconstruct
        if global_name in ("bytes", "bytearray") and "builtin" in module_name:
            return _copy_bytes
        origin = f"{module_name}.{global_name}"
        return type(str(global_name), (Inert,), {"origin": origin})


def unpickle(path: str | Path, is_zip: bool) -> Any:
    """Read a file of `torch.save`, of any version, without running code from it.

    Args:
        path: A file that `kind.check_file` has let pass.
        is_zip: Which of the two layouts it has.

    Returns:
        Its object, in which `Inert` objects replace foreign ones.
    """
    return _read_zip(str(path)) if is_zip else _read_pickles(path)


def _read_zip(path: str) -> Any:
    size = Path(path).stat().st_size
    reader: Any = torch._C.PyTorchFileReader(path)
    order = reader.get_record("byteorder") if reader.has_record("byteorder") else b""
    if order not in (b"", sys.byteorder.encode()):
        raise pickle.UnpicklingError("numbers of another byte order")
    mapped: Any = torch.UntypedStorage.from_file(path, False, size)

    def load_storage(saved: Any) -> Any:
        dtype, key, numel = _read_saved(saved)
        start = reader.get_record_offset(f"data/{key}")
        return _wrap(mapped, start, numel, dtype)

    return RestrictedUnpickler(
        io.BytesIO(reader.get_record("data.pkl")), load_storage
    ).load()


def _read_pickles(path: str | Path) -> Any:
    size = Path(path).stat().st_size
    storages: dict[str, torch.UntypedStorage] = {}
    widths: dict[str, int] = {}
    left = size

    def load_storage(saved: Any) -> Any:
        nonlocal left
        dtype, key, numel = _read_saved(saved)
        if key not in storages:
            widths[key] = dtype.itemsize
            left -= numel * dtype.itemsize
            if left < 0:
                raise EOFError("the file announces more numbers than it has")
            storages[key] = torch.UntypedStorage(numel * dtype.itemsize)
        view = saved[5] if len(saved) > 5 else None
        start, count = (view[1], view[2]) if view else (0, numel)
        return _wrap(storages[key], start * dtype.itemsize, count, dtype)

    with open(path, "rb") as stream:
        if RestrictedUnpickler(stream).load() != _MAGIC:
            raise pickle.UnpicklingError("no file of torch")
        if RestrictedUnpickler(stream).load() != _PROTOCOL:
            raise pickle.UnpicklingError("an unknown version of torch's files")
        if not RestrictedUnpickler(stream).load()["little_endian"]:
            raise pickle.UnpicklingError("numbers of another byte order")
        state = RestrictedUnpickler(stream, load_storage).load()
        for key in RestrictedUnpickler(stream).load():
            _fill(storages[key], widths[key], stream)
    return state


def _fill(storage: torch.UntypedStorage, width: int, stream: io.BufferedIOBase) -> None:
    """Read a storage, which follows its number of elements."""
    (numel,) = struct.unpack("<q", stream.read(8))
    if numel * width != storage.nbytes():
        raise pickle.UnpicklingError("a tensor of another size than announced")
    flat = torch.tensor([], dtype=torch.uint8).set_(storage)
    if numel and stream.readinto(flat.numpy().data) != storage.nbytes():
        raise EOFError("the file ends within a tensor")


def _read_saved(saved: Any) -> tuple[torch.dtype, str, int]:
    """Return the type, name and number of elements that a persistent id states."""
    what, dtype, key, _, numel, *_ = saved
    if what != "storage" or not isinstance(dtype, torch.dtype) or numel < 0:
        raise pickle.UnpicklingError("no storage of a tensor")
    return dtype, str(key), int(numel)


def _wrap(
    storage: torch.UntypedStorage, start: int, numel: int, dtype: torch.dtype
) -> Any:
    end = start + numel * dtype.itemsize
    if not 0 <= start <= end <= storage.nbytes():
        raise EOFError("the file ends before a tensor does")
    return torch.storage.TypedStorage(
        wrap_storage=storage[start:end], dtype=dtype, _internal=True
    )


def _copy_bytes(*args: Any) -> bytes:
    """Stand in for `bytes`, and refuse a number, of which it makes as many zeros."""
    if any(isinstance(arg, int) for arg in args):
        raise pickle.UnpicklingError("bytes of a number")
    return bytes(*args)


def to_plain(value: Any) -> Any:
    """Return configuration objects as dictionaries, lists and plain values.

    It understands how `argparse.Namespace`, omegaconf's containers and nodes, and
    enumerations are pickled.
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


def _reconstruct(cls: Any, _base: Any, state: Any) -> Any:
    """Stand in for copyreg's function, for inert classes only."""
    if not (isinstance(cls, type) and issubclass(cls, Inert)):
        raise pickle.UnpicklingError(f"{cls!r} is not rebuilt from a file")
    return cls() if state is None else cls(state)
