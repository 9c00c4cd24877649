"""Readers of audio for the fuzz tests, in every form that users have."""

from pathlib import Path

import numpy as np
import soundfile
from fuzzing import Reader
from mine_media import FS, make_config, read_speech, write_media

from published.speech import write_lines

CODED = ("flac", "opus", "mp3", "m4a", "webm")
FORMS = {"WAV": "PCM_16", "AIFF": "PCM_24", "OGG": "VORBIS"}
SUFFIXES = (*CODED, *(form.lower() for form in FORMS))
AUDIO = tuple(f"audio/*.{suffix}" for suffix in SUFFIXES)


def write_audio(folder: Path) -> None:
    """Write a data directory of 3 s of speech in each form, and a config of mine."""
    speech = read_speech("spk03", 3.0)
    (folder / "audio").mkdir(parents=True)
    for suffix in CODED:
        write_media(folder / "audio" / f"a.{suffix}", speech)
    for form, kind in FORMS.items():
        two = np.stack([speech, speech], 1)
        path = folder / "audio" / f"a.{form.lower()}"
        soundfile.write(path, two, FS, subtype=kind, format=form)
    data = folder / "data"
    keys = sorted(SUFFIXES)
    write_lines(data / "wav.scp", [f"{key} audio/a.{key}" for key in keys])
    write_lines(data / "text", [f"{key} سلام" for key in keys])
    write_lines(data / "utt2spk", [f"{key} spk" for key in keys])
    write_lines(data / "spk2utt", [f"spk {' '.join(keys)}"])
    make_config(folder, max_duration_s=16.0, min_duration_s=0.5)
    write_lines(folder / "noise.lst", ["audio/a.wav", "audio/a.flac"])


def write_mined(folder: Path) -> None:
    """Write the results of mine, which a second run continues from."""
    from hamzaban.cli import run_verb

    write_audio(folder)
    assert run_verb("mine-audio", [_fill(word, folder) for word in MINE[1:]]) == 0


def _fill(word: str, folder: Path) -> str:
    return word.replace("{}", str(folder))


MINE = ("mine-audio", "--config", "{}/mine.yaml", "--output_dir", "{}/out", "{}/audio")
FORMAT = ("format-audio", "{}/data", "{}/out", "--max_drop", "1")
MADE = ("out/wav.scp", "out/utt2spk")


def all_readers() -> list[Reader]:
    """Return the readers of audio, and of the records of mining."""
    check = ("validate-data", "--audio", "full", "{}/data")
    noise = ("--noise_list", "{}/noise.lst", "--fs", "8000")
    read = {
        "validate-data": Reader(
            "audio: validate-data", write_audio, AUDIO, check, "binary", reports=True
        ),
        "format-audio": Reader(
            "audio: format-audio", write_audio, AUDIO, FORMAT, "binary", MADE
        ),
        "noise": Reader(
            "audio: format-audio --noise_list",
            write_audio,
            ("audio/a.wav", "audio/a.flac", "noise.lst"),
            (*FORMAT, *noise),
            "binary",
            MADE,
        ),
        "mine": Reader("audio: mine", write_audio, AUDIO, MINE, "binary"),
        "config": Reader("mine.yaml: mine", write_audio, ("mine.yaml",), MINE, "yaml"),
        "records": Reader(
            "records of mining: mine",
            write_mined,
            ("out/*", "out/**/*.npz", "out/**/*.json*", "out/state/**/*"),
            MINE,
            "binary",
        ),
    }
    return list(read.values())
