"""Recognize the kind of a file before it is opened as a file of weights.

A zip file has its list of members at the end. zipfile looks for the list before the end
record, torch at the place that the end record states. A file with two lists shows each
reader other members, so only a file whose one list is at both places is opened.
"""

import struct
import tarfile
import zipfile
from pathlib import Path

_ZIP = b"PK\x03\x04"
_END, _END64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_END_SIZE, _END64_SIZE, _LOCATOR_SIZE = 22, 56, 20
_MAX_COMMENT = 2**16
_HEAD = 512  # first bytes of a file that are checked
_AGAIN = "copy or download it again"
_HTML = (b"<!doctype", b"<html", b"<?xml", b"<head")
_TEXT = frozenset(b"\t\n\r" + bytes(range(32, 127)))


def is_zip(path: str | Path) -> bool:
    """Return whether torch opens the file as a zip file."""
    with open(path, "rb") as stream:
        return stream.read(len(_ZIP)) == _ZIP


def check_file(path: str | Path) -> None:
    """Check that a file can be one of `torch.save`, before torch opens it.

    Args:
        path: The file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is of another kind, damaged, a program, or unpacks to more
            than its own size.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(
            f"{path}: no such file; give an existing checkpoint file"
        )
    found = name_stranger(path)
    if found is None and is_zip(path):
        found = _examine_zip(path)
    if found is not None:
        what, remedy = found
        raise ValueError(
            f"{path}: found {what}, expected a file of torch.save with weights; "
            f"{remedy}"
        )


def name_stranger(path: str | Path) -> tuple[str, str] | None:
    """Identify a file that holds no weights, and say what to do about it.

    Args:
        path: An existing file.

    Returns:
        The kind of the file and the remedy; None if it may be a model file.
    """
    with open(path, "rb") as stream:
        head = stream.read(_HEAD)
    if not head:
        return "an empty file", _AGAIN
    if head.startswith(b"version https://git-lfs"):
        return "a git-lfs pointer and not the file itself", "run `git lfs pull` there"
    if head.lstrip().lower().startswith(_HTML):
        return "a web page (HTML)", "download the file itself, not the page about it"
    if head.startswith(b"\x93NUMPY"):
        return "a NumPy array", "save the weights as tensors with torch.save"
    if head.startswith(b"\x1f\x8b"):
        return "a gzip file", "unpack it first"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**31:
        return "safetensors", "give the directory with its config.json"
    if all(byte in _TEXT for byte in head):
        return "a text file", "give the model file itself"
    if tarfile.is_tarfile(path):
        return "a tar file", "unpack it, or save the model's state_dict again"
    return None


def _examine_zip(path: str | Path) -> tuple[str, str] | None:
    """Return what is wrong with a zip file; None for one that torch may open."""
    size = Path(path).stat().st_size
    place = _find_list(path, size)
    if place is None:
        return f"a torch file cut short after {size} bytes", _AGAIN
    if place[0] + place[1] != place[2]:
        return "a zip file with two lists of members", "get it from a source you trust"
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error):
        return "a zip file whose list of members is damaged", _AGAIN
    if any(member.filename.endswith(".npy") for member in members):
        return "NumPy arrays (.npz)", "save the weights as tensors with torch.save"
    found = _examine_records(path, [member.filename for member in members])
    if found is not None:
        return found
    inside = sum(member.file_size for member in members)
    if inside > size or any(m.compress_type != zipfile.ZIP_STORED for m in members):
        return (
            f"a zip file of {size} bytes that unpacks to {inside}, as torch never "
            "writes one",
            "load it where it comes from, and save its state_dict again",
        )
    return None


def _examine_records(path: str | Path, names: list[str]) -> tuple[str, str] | None:
    """Return what is wrong with the members of a zip file, such as a program."""
    import torch  # slow; a look at the first bytes of a file needs none of it

    try:
        records = torch._C.PyTorchFileReader(str(path)).get_all_records()
    except RuntimeError:
        return "a zip file that torch cannot read", _AGAIN
    if sorted(name.partition("/")[2] for name in names) != sorted(records):
        return "a zip file with two lists of members", "get it from a source you trust"
    if any(name == "constants.pkl" or name.startswith("code/") for name in records):
        return "a TorchScript program", "save the model's state_dict again"
    if "data.pkl" not in records:
        return f"a zip file with {', '.join(names[:4])}", "unpack it first"
    return None


def _find_list(path: str | Path, size: int) -> tuple[int, int, int] | None:
    """Return the stated start and size of the list of members, and its end record.

    Returns:
        The three numbers in bytes; None if there is no end record.
    """
    with open(path, "rb") as stream:
        start = max(size - _END_SIZE - _MAX_COMMENT, 0)
        stream.seek(start)
        tail = stream.read()
        found = tail.rfind(_END)
        if found < 0 or len(tail) - found < _END_SIZE:
            return None
        end = start + found
        length, offset = struct.unpack("<2L", tail[found + 12 : found + 20])
        stream.seek(max(end - _LOCATOR_SIZE, 0))
        locator = stream.read(_LOCATOR_SIZE)
        if not locator.startswith(_LOCATOR):
            return offset, length, end
        end = struct.unpack("<Q", locator[8:16])[0]
        if end + _END64_SIZE + _LOCATOR_SIZE != start + found:
            return 0, 0, -1  # more than one end record
        stream.seek(end)
        record = stream.read(_END64_SIZE)
        if not record.startswith(_END64):
            return None
        length, offset = struct.unpack("<2Q", record[40:56])
        return offset, length, end
