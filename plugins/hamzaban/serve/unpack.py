"""Decode a file from a stranger, in a process of its own with little it may do.

The file is standard input. Samples at 16 kHz (float32) go to standard output; standard
error ends with one line of JSON: `faults`, or `status` and `error`. The parent limits
the time. A decoder that crashes, or that is led to ask for much memory, takes down only
this process.
"""

from __future__ import annotations

import json
import resource
import sys

from hamzaban.audio.media import open_media
from hamzaban.audio.source import UnreadableError
from hamzaban.transcribe.recording import Recording
from hamzaban.transcribe.transcribe_options import FS

SOURCE = "/dev/fd/0"
MAX_MEMORY = 4 << 30  # bytes of address space
MAX_WRITTEN = 1 << 20  # bytes of any file
# Demuxers of ffmpeg that read one file only: no playlist, no list of other files.
CONTAINERS = (
    *("aac", "ac3", "aiff", "amr", "amrnb", "amrwb", "asf", "au", "avi", "caf"),
    *("flac", "flv", "matroska", "mov", "mp3", "mpeg", "mpegts", "ogg", "w64", "wav"),
)
UNKNOWN, DAMAGED, TOO_LONG = 415, 422, 413


class Refused(ValueError):
    """A file that is not decoded.

    Attributes:
        status: Status of HTTP that tells the client.
    """

    def __init__(self, status: int, message: str) -> None:
        """Set the status and the message."""
        super().__init__(message)
        self.status = status


def main(words: list[str]) -> int:
    """Decode standard input.

    Args:
        words: Longest audio in seconds, longest processor time in seconds, number of
            the channel (-1 mixes all).
    """
    max_audio_s, max_time_s, channel = float(words[0]), float(words[1]), int(words[2])
    limit(round(max_time_s) + 1)
    try:
        faults = decode(max_audio_s, None if channel < 0 else channel)
    except Refused as error:
        found = {"status": error.status, "error": str(error)}
    except UnreadableError as error:
        found = {"status": DAMAGED, "error": str(error).replace(SOURCE, "the file")}
    except MemoryError:
        found = {"status": DAMAGED, "error": "the file needs too much memory"}
    else:
        found = {"faults": [fault.replace(SOURCE, "the file") for fault in faults]}
    sys.stderr.write("\n" + json.dumps(found) + "\n")
    return 0


def limit(cpu_s: int) -> None:
    """Limit what this process may use."""
    for kind, most in (
        (resource.RLIMIT_AS, MAX_MEMORY),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, MAX_WRITTEN),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def decode(max_audio_s: float, channel: int | None) -> list[str]:
    """Write the samples to standard output; return what is wrong with the file.

    Raises:
        Refused: It is of another kind, or too long.
        UnreadableError: There is no audio to read.
    """
    check_container()
    recording = Recording(SOURCE, channel)
    stated_s = recording.duration_s or 0.0
    if stated_s > max_audio_s:
        raise Refused(TOO_LONG, _say_longer(f"{stated_s:.0f} s", max_audio_s))
    count = 0
    for block in recording.blocks():
        count += len(block)
        if count > max_audio_s * FS:
            raise Refused(TOO_LONG, _say_longer("more", max_audio_s))
        sys.stdout.buffer.write(block.tobytes())
    sys.stdout.buffer.flush()
    return recording.faults


def check_container() -> None:
    """Check that the file is one recording, not a list of files or addresses.

    Raises:
        Refused: It is something else.
    """
    try:
        open_media(SOURCE, CONTAINERS).close()
    except (ValueError, OSError) as error:  # FFmpegError is one of them
        reason = getattr(error, "strerror", None) or "no known format"
        raise Refused(
            UNKNOWN,
            f"no audio that can be read ({reason}); send a file such as wav, flac, "
            "mp3, m4a, ogg or webm",
        ) from None


def _say_longer(found: str, max_audio_s: float) -> str:
    return f"{found} of audio found, at most {max_audio_s:g} s are accepted"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
