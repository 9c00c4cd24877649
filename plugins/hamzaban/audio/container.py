"""Detect truncated audio files from their containers, without decoding.

Most formats state their length or mark their end. FLAC does not, so
`hamzaban.audio.reader` decodes its last sample. For an MP3 file without a Xing header
all frame headers are read.
"""

import os
import re
import struct
from typing import BinaryIO, NamedTuple

from hamzaban.audio.source import HEADER_OVERHANG_S, STREAMED_SIZE

MAX_MISSING = 0.25  # share of the stated length; a file that lacks more is truncated
MIN_UNFINISHED_BYTES = 64  # fewer bytes after a header without samples are ignored
_OGG_PAGE_MAX = 27 + 255 + 255 * 255  # bytes (RFC 3533, section 6)
_KBITS = {  # bit rates of layer III by the header's index (ISO/IEC 11172-3 and 13818-3)
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MP3_FS = (44100, 48000, 32000)  # MPEG 1; half for MPEG 2, a quarter for 2.5
_XING_OFFSETS = {(True, False): 36, (True, True): 21, (False, False): 21}  # else 13


def check_truncation(stream: BinaryIO) -> str | None:
    """Return how an audio file is truncated, or None if it is not.

    Args:
        stream: WAV, RF64, AIFF, Ogg, MP3, MP4 or Matroska. For others the result is
            None.

    Returns:
        A description such as "last page ends at byte 900, the file at 800".
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    head = stream.read(12)
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return _cut_riff(stream, size)
    if head[:4] == b"FORM" and len(head) == 12:
        return _compare("FORM chunk", 8 + struct.unpack(">I", head[4:8])[0], size)
    if head[:4] == b"OggS":
        return _cut_ogg(stream, size)
    if head[4:8] == b"ftyp":
        return _cut_mp4(stream, size)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _cut_matroska(stream, size)
    if head[:3] == b"ID3" or _mp3_frame(head) is not None:
        return _cut_mp3(stream, size)
    return None


def _compare(noun: str, end: int, size: int) -> str | None:
    if end <= size:
        return None
    return f"{noun} ends at byte {end}, the file at {size}"


def _cut_riff(stream: BinaryIO, size: int) -> str | None:
    data = _find_data(stream, size)
    if data is None:
        return f"no data chunk in {size} bytes"
    end = data.start + data.num_bytes
    if data.is_streamed or end <= size or _is_near(data, size):
        return None
    missing_s = f" ({(end - size) / data.byte_rate:.2f} s)" if data.byte_rate else ""
    return f"data chunk ends at byte {end}, the file at {size}{missing_s}"


class _Data(NamedTuple):
    """The data chunk of a WAV file.

    Attributes:
        start: First byte of the samples.
        num_bytes: Length that the chunk states.
        byte_rate: Bytes a second, as the fmt chunk states; 0 if there is none.
        is_streamed: Whether the length is one of those that stand for unknown.
    """

    start: int
    num_bytes: int
    byte_rate: int
    is_streamed: bool


def _find_data(stream: BinaryIO, size: int) -> _Data | None:
    position, long_size, byte_rate = 12, None, 0
    while position + 8 <= size:
        stream.seek(position)
        name, length = struct.unpack("<4sI", stream.read(8))
        if name == b"ds64" and position + 24 <= size:
            long_size = struct.unpack("<QQ", stream.read(16))[1]
        elif name == b"fmt " and position + 24 <= size:
            byte_rate = struct.unpack("<HHII", stream.read(12))[3]
        elif name == b"data":
            if length == 0xFFFFFFFF and long_size is not None:
                return _Data(position + 8, long_size, byte_rate, False)
            is_streamed = length >= STREAMED_SIZE > size
            return _Data(position + 8, length, byte_rate, is_streamed)
        position += 8 + length + length % 2
    return None


def _is_near(data: _Data, size: int) -> bool:
    """Return whether a file lacks so little of its data chunk that it is accepted."""
    missing, found = data.start + data.num_bytes - size, size - data.start
    most = min(HEADER_OVERHANG_S * data.byte_rate, MAX_MISSING * data.num_bytes)
    return 0 < missing <= most and found > 0


def find_unfinished(stream: BinaryIO) -> int | None:
    """Return the first byte of the samples of a WAV file whose length is given as 0.

    A program that was stopped while it recorded leaves such a header. The samples then
    go to the end of the file.

    Returns:
        None for any other file, and for a WAV file without samples.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    head = stream.read(12)
    is_wav = head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE"
    data = _find_data(stream, size) if is_wav else None
    if data is None or data.num_bytes or size - data.start < MIN_UNFINISHED_BYTES:
        return None
    position = data.start
    while position + 8 <= size:  # chunks that fit are not samples
        stream.seek(position)
        name, length = struct.unpack("<4sI", stream.read(8))
        if not name.isalpha() and name[:3] != b"id3":
            break
        position += 8 + length + length % 2
    return None if position in (size, size + 1) else data.start


def has_false_length(stream: BinaryIO) -> bool:
    """Return whether a WAV header states a length that the file does not have.

    That is a length for unknown, or one that is a little beyond the end of the file.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    head = stream.read(12)
    if head[:4] not in (b"RIFF", b"RF64") or head[8:12] != b"WAVE":
        return False
    data = _find_data(stream, size)
    return data is not None and (data.is_streamed or _is_near(data, size))


def _cut_ogg(stream: BinaryIO, size: int) -> str | None:
    start = max(0, size - 2 * _OGG_PAGE_MAX)
    stream.seek(start)
    tail = stream.read()
    for found in reversed(list(re.finditer(rb"OggS\x00", tail))):
        page = tail[found.start() :]
        lengths = page[27 : 27 + page[26]] if len(page) > 26 else b""
        if len(page) <= 26 or len(lengths) < page[26]:
            return "the last page has no whole header"
        end = start + found.start() + 27 + len(lengths) + sum(lengths)
        if cut := _compare("last page", end, size):
            return cut
        return None if page[5] & 4 else "the last page does not end the stream"
    return f"no page in the last {len(tail)} bytes"


def _cut_mp4(stream: BinaryIO, size: int) -> str | None:
    position, names = 0, set()
    while position + 8 <= size:
        stream.seek(position)
        length, name = struct.unpack(">I4s", stream.read(8))
        if length == 1:
            length = int.from_bytes(stream.read(8), "big")
        elif length == 0:  # to the end of the file
            length = size - position
        if length < 8:
            return None  # not a box; the decoder decides
        names.add(name)
        if cut := _compare(f"box {name.decode('latin-1')}", position + length, size):
            return cut
        position += length
    if position < size:
        return f"half a box at byte {position}"
    return None if b"moov" in names else "no moov box"


def _cut_matroska(stream: BinaryIO, size: int) -> str | None:
    stream.seek(4)
    header = _read_vint(stream)
    if header is None:
        return "half an EBML header"
    stream.seek(header, os.SEEK_CUR)
    if stream.read(4) != b"\x18\x53\x80\x67":
        return f"no segment in {size} bytes"
    length = _read_vint(stream)
    return None if length is None else _compare("segment", stream.tell() + length, size)


def _read_vint(stream: BinaryIO) -> int | None:
    """Read an EBML size (RFC 8794, section 4); None where it is unknown or cut."""
    first = stream.read(1)
    if not first or not first[0]:
        return None
    num_more = 8 - first[0].bit_length()
    data = bytes([first[0] & (0x7F >> num_more)]) + stream.read(num_more)
    value = int.from_bytes(data, "big")
    is_unknown = value == (1 << (7 * (num_more + 1))) - 1
    return None if is_unknown or len(data) <= num_more else value


def _mp3_frame(head: bytes) -> tuple[int, bool, bool] | None:
    """Read a layer III frame header.

    Returns:
        The length in bytes, whether it is MPEG 1, and whether it is mono; None if it
        is not such a header.
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    version, rate = head[1] >> 3 & 3, head[2] >> 2 & 3
    bitrate, padding = head[2] >> 4, head[2] >> 1 & 1
    if version == 1 or rate == 3 or bitrate in (0, 15):
        return None
    is_mpeg1 = version == 3
    fs = _MP3_FS[rate] >> {3: 0, 2: 1, 0: 2}[version]
    length = (144 if is_mpeg1 else 72) * 1000 * _KBITS[is_mpeg1][bitrate] // fs
    return length + padding, is_mpeg1, head[3] >> 6 == 3


class _Mp3(NamedTuple):
    """The place of the first frame of an MP3 file, and what its Xing header states.

    Attributes:
        start: First byte of the first frame.
        frame_bytes: Length of the first frame in bytes.
        end: The byte after the last frame; None if the header does not state it.
        has_frames: Whether the header states the number of frames.
    """

    start: int
    frame_bytes: int
    end: int | None
    has_frames: bool


def _read_mp3(stream: BinaryIO) -> _Mp3 | None:
    stream.seek(0)
    head, start = stream.read(10), 0
    if head[:3] == b"ID3" and len(head) == 10:
        sizes = head[6:10]  # seven bits each
        start = 10 + sum(byte << 7 * (3 - place) for place, byte in enumerate(sizes))
    stream.seek(start)
    first = stream.read(200)
    frame = _mp3_frame(first)
    if frame is None:
        return None
    offset, end, flags = _XING_OFFSETS.get(frame[1:], 13), None, 0
    if first[offset : offset + 4] in (b"Xing", b"Info"):
        flags = int.from_bytes(first[offset + 4 : offset + 8], "big")
        place = offset + 8 + 4 * (flags & 1)
        if flags & 2 and len(first) >= place + 4:
            end = start + int.from_bytes(first[place : place + 4], "big")
    return _Mp3(start, frame[0], end, bool(flags & 1))


def is_length_stated(stream: BinaryIO) -> bool:
    """Return whether an MP3 file states its number of frames and no others follow."""
    mp3 = _read_mp3(stream)
    if mp3 is None or not mp3.has_frames:
        return False
    if mp3.end is None:
        return True
    stream.seek(mp3.end)
    follows = stream.read(4)  # a second MP3 file if two were joined
    return follows[:3] != b"ID3" and _mp3_frame(follows) is None


def _cut_mp3(stream: BinaryIO, size: int) -> str | None:
    mp3 = _read_mp3(stream)
    if mp3 is None:
        return None  # the decoder decides
    if mp3.end is not None and (
        cut := _compare("Xing header", mp3.end - mp3.frame_bytes, size)
    ):  # a removed tag may account for less than a frame
        return cut
    return None if mp3.has_frames else _walk_mp3(stream, mp3.start, size)


def _walk_mp3(stream: BinaryIO, position: int, size: int) -> str | None:
    while position + 4 <= size:
        stream.seek(position)
        frame = _mp3_frame(stream.read(4))
        if frame is None:  # tags and padding after the last frame
            return None
        if cut := _compare("last frame", position + frame[0], size):
            return cut
        position += frame[0]
    return f"half a frame header at byte {position}" if position < size else None
