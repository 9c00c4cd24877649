"""Check files of noise and room responses before ESPnet2 mixes them in.

ESPnet2 does not check the files in `noise_scp` and `rir_scp`: another sampling rate
would distort them, and a second channel would fail in a batch hours later.
"""

import argparse
from pathlib import Path

from hamzaban.data.meant import hint_meant
from hamzaban.fileio import read_utf8

FS = 16000


def check_augmentation(args: argparse.Namespace) -> None:
    """Check the files of `noise_scp` and `rir_scp`, if given.

    Raises:
        FileNotFoundError: A list or a file in it is missing.
        ValueError: A file cannot be read, or is not 16 kHz mono.
    """
    for option in ("noise_scp", "rir_scp"):
        path = getattr(args, option, None)
        if path is not None:
            _check_list(Path(path), option)


def _check_list(path: Path, option: str) -> None:
    if not path.is_file():
        raise FileNotFoundError(
            f"--{option} {path}: no such file; expected lines `name audio-file`"
        )
    lines = [line.strip() for line in read_utf8(path).splitlines()]
    if not any(lines):
        raise ValueError(f"--{option} {path}: is empty; list at least one audio file")
    for number, line in enumerate(lines, 1):
        if line:
            _check_file(line.split(None, 1)[-1], f"{path}:{number}")


def _check_file(file: str, place: str) -> None:
    import soundfile

    if not Path(file).is_file():
        hint = hint_meant(file)
        raise FileNotFoundError(
            f"{place}: {file}: no such file{hint}; correct the list"
        )
    try:
        info = soundfile.info(file)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{place}: {file}: {error}; give wav or flac") from None
    if (info.samplerate, info.channels) != (FS, 1) or info.frames == 0:
        raise ValueError(
            f"{place}: {file} has {info.frames} samples at {info.samplerate} Hz in "
            f"{info.channels} channels, expected {FS} Hz mono; convert it with "
            "hamzaban format-audio"
        )
