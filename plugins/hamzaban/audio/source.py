"""Openers of wav.scp entries: a file, part of a Kaldi archive, or a command."""

import io
import os
import re
import stat
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from hamzaban.data.meant import hint_meant

SEGMENT_OVERHANG_S = 0.5  # a segment may end this much after its recording, as in Kaldi
HEADER_OVERHANG_S = SEGMENT_OVERHANG_S  # a header may state this much more
STREAMED_SIZE = 0x7FFFF000  # writers to a pipe state RIFF sizes of at least this
_ARK = re.compile(r"(.+):(\d+)")
_LENGTH_FIELD = 6  # bytes of `AUDIO` and of the size of the length field


class UnreadableError(ValueError):
    """A recording that cannot be read, or not completely.

    Attributes:
        reason: One word: missing, empty, unreadable, truncated or no_channel.
    """

    def __init__(self, reason: str, detail: str) -> None:
        """Keep the one-word reason; `detail` is the message."""
        super().__init__(detail)
        self.reason = reason


def is_beyond(begin_s: float, end_s: float, duration_s: float) -> bool:
    """Return whether a segment exceeds its recording by too much to be shortened."""
    return begin_s >= duration_s or end_s > duration_s + SEGMENT_OVERHANG_S


def is_pipe(source: str) -> bool:
    """Return whether an entry of wav.scp is a shell command whose output is audio."""
    return source.endswith("|")


def source_file(source: str) -> Path | None:
    """Return the file an entry of wav.scp reads from; None for a pipe."""
    if is_pipe(source):
        return None
    found = _ARK.fullmatch(source)
    if found and not os.path.exists(source):
        return Path(found.group(1))
    return Path(source)


@contextmanager
def open_source(source: str, *, allow_pipes: bool = False) -> Iterator[BinaryIO]:
    """Open the bytes of one audio file: of a file, of `ark:offset`, or of `command |`.

    Args:
        source: The entry, without the id.
        allow_pipes: Run the entry in bash if it is a command.

    Yields:
        A stream that can seek. The stream of a plain file has the path as `name`.

    Raises:
        UnreadableError: There is nothing to read.
        ValueError: The entry is a pipe and pipes are not allowed.
    """
    path = source_file(source)
    if path is None:
        if not allow_pipes:
            raise ValueError(f"'{source}' is a command; allow it by --allow_pipes true")
        yield io.BytesIO(_run_pipe(source[:-1].strip()))
        return
    with open_file(path) as file:
        is_ark = str(path) != str(Path(source))
        offset = int(source.rpartition(":")[2]) if is_ark else 0
        yield _open_in_ark(file, offset, source) if is_ark else file


def open_file(path: Path) -> BinaryIO:
    """Open a file that is not empty.

    Raises:
        UnreadableError: There is no such file, or it is empty.
    """
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableError("unreadable", f"{path}: not a regular file")
        if found.st_size == 0:
            raise UnreadableError("empty", f"{path}: file of 0 bytes")
        return open(path, "rb")
    except FileNotFoundError:
        hint = hint_meant(path)
        raise UnreadableError("missing", f"{path}: no such file{hint}") from None
    except OSError as error:
        raise UnreadableError("unreadable", f"{path}: {error.strerror}") from None
    except UnreadableError:
        raise
    except ValueError as error:  # a NUL in the path
        raise UnreadableError("unreadable", f"{str(path)!r}: {error}") from None


def _run_pipe(command: str) -> bytes:
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
    if done.returncode:
        last = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        found = f"`{command}` ended with status {done.returncode}: {last}"
        raise UnreadableError("unreadable", found)
    if not done.stdout:
        raise UnreadableError("empty", f"`{command}` wrote nothing")
    return done.stdout


def _open_in_ark(ark: BinaryIO, offset: int, source: str) -> BinaryIO:
    """Return the audio file that begins at a byte of a Kaldi archive.

    kaldiio 2.18 is not used. It returns half of a truncated wav without an error, reads
    mu-law bytes as samples, refuses wav of 24 bits, 32 bits and floats, unpickles
    objects, and holds a whole recording in memory.
    """
    size = ark.seek(0, os.SEEK_END)
    ark.seek(offset)
    head = ark.read(8)
    start, length = offset, size - offset
    if head[:5] == b"AUDIO" and len(head) > 5:  # then the length, then the file
        ark.seek(offset + _LENGTH_FIELD)
        start += _LENGTH_FIELD + head[5]
        length = int.from_bytes(ark.read(head[5]), "little")
        if start + length > size:
            found = f"{source}: {size - start} of {length} bytes are there"
            raise UnreadableError("truncated", found)
    elif head[:4] == b"RIFF" and len(head) == 8:
        stated = 8 + int.from_bytes(head[4:], "little")
        length = length if stated >= STREAMED_SIZE else min(stated, length)
    elif head[:4] != b"fLaC":
        reason = "unreadable" if head else "truncated"
        raise UnreadableError(reason, f"{source}: no wav, flac or AUDIO there")
    return io.BufferedReader(_Section(ark, start, length))


class _View(io.RawIOBase):
    """A file whose bytes are made of those of another open file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size, self._position = file, size, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a byte, and return it."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position}.get(whence, self._size)
        self._position = max(origin + offset, 0)
        return self._position


class _Section(_View):
    """Part of an open file, as a file."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        super().__init__(file, size)
        self._start = start

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = max(min(len(buffer), self._size - self._position), 0)
        self._file.seek(self._start + self._position)
        data = self._file.read(count)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


class PatchedFile(_View):
    """An open file in which some numbers of four bytes, little-endian, are replaced."""

    def __init__(self, file: BinaryIO, numbers: Mapping[int, int]) -> None:
        """Replace numbers.

        Args:
            file: A file that can seek.
            numbers: The new number at each byte.
        """
        super().__init__(file, file.seek(0, os.SEEK_END))
        self._bytes = {
            place + n: byte
            for place, number in numbers.items()
            for n, byte in enumerate(min(number, 0xFFFFFFFF).to_bytes(4, "little"))
        }

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read bytes into a buffer; return their number."""
        self._file.seek(self._position)
        data = bytearray(self._file.read(len(buffer)))
        for place, byte in self._bytes.items():
            if 0 <= place - self._position < len(data):
                data[place - self._position] = byte
        buffer[: len(data)] = bytes(data)
        self._position += len(data)
        return len(data)
