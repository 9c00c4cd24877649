"""WAV files that decoders do not expect, although their outer structure is valid."""

import struct
from pathlib import Path

import numpy as np

FORMS = {  # format tag, channels, rate in Hz, bits, bytes per sample of all channels
    "unknown tag": (0x1234, 1, 16000, 16, 2),
    "64 bits": (1, 1, 16000, 64, 8),
    "0 bits": (1, 1, 16000, 0, 0),
    "48 bits": (1, 1, 16000, 48, 6),
    "no channel": (1, 0, 16000, 16, 2),
    "half floats": (3, 1, 16000, 16, 2),
    "rate 0": (1, 1, 0, 16, 2),
    "rate 1": (1, 1, 1, 16, 2),
    "rate 4 GHz": (1, 1, 0xFFFFFFFF, 16, 2),
    "short extensible": (0xFFFE, 1, 16000, 16, 2),
    "mp3 tag": (0x55, 1, 16000, 16, 2),
}


def write_odd_wav(path: Path, form: str) -> Path:
    """Write noise under a header of FORMS."""
    tag, num_channels, fs, bits, align = FORMS[form]
    noise = 3000 * np.random.default_rng(0).standard_normal(32000)
    data = noise.astype("<i2").tobytes()
    rate = fs * align % 2**32
    head = struct.pack("<HHIIHH", tag, num_channels, fs, rate, align, bits)
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head
    body += b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path
