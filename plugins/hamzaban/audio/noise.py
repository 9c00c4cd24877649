"""Noise and rooms: drawn by the id of an utterance, then mixed at an SNR.

The SNR compares the powers over the whole utterance, ignoring a constant offset. In a
room the speech keeps its length and power: the response is cut so that the direct sound
comes first (Ko et al. 2017, "A study on data augmentation of reverberant speech for
robust speech recognition", section 3).
"""

import functools
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from hamzaban.audio.format_options import NoiseOptions, hash_text
from hamzaban.audio.manifest import Entry
from hamzaban.audio.signal import resample, to_mono
from hamzaban.audio.source import UnreadableError
from hamzaban.audio.stream import check_rate
from hamzaban.data.meant import hint_meant
from hamzaban.fileio import read_utf8

MIN_POWER = 1e-8  # -80 dB of full scale; a noise with less power is silent
NUM_PLACES = 8  # places of a noise to try before it counts as silent
NONE = "-"


class Mixture(NamedTuple):
    """The noise and the room that an utterance gets.

    Attributes:
        noises: Numbers in the list of noises; empty for no noise.
        places: Where the excerpt lies in each noise, 0..1.
        snr_db: Signal-to-noise ratio, dB.
        rir: Number in the list of responses; None for no room.
    """

    noises: tuple[int, ...]
    places: tuple[float, ...]
    snr_db: float
    rir: int | None


class Sound(NamedTuple):
    """A line of a list of noises or responses."""

    name: str
    path: str


def prepare_noise(options: NoiseOptions) -> NoiseOptions | None:
    """Check the lists and return the options with the signature of their files.

    Returns:
        The options, or None if there is no list.

    Raises:
        FileNotFoundError: A list, or a file in one, is missing.
        ValueError: A list is empty, or a file cannot be read.
    """
    read_list.cache_clear()  # files may have changed
    _read_response.cache_clear()
    lists = [path for path in (options.noise_list, options.rir_list) if path]
    if not lists:
        return None
    seen = [_check_sound(path, sound) for path in lists for sound in read_list(path)]
    return replace(options, signature=hash_text(repr(seen)))


@functools.cache
def read_list(path: Path) -> list[Sound]:
    """Read a list with a path or Kaldi's `id path` on each line; sort it by path.

    Raises:
        FileNotFoundError: There is no such list, or no such file.
        ValueError: The list is empty.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such noise_list or rir_list; expected a file with a path or "
            "`id path` on each line"
        )
    sounds = []
    for number, line in enumerate(read_utf8(path).splitlines(), 1):
        line = line.strip()
        name, _, rest = line.partition(" ")
        if not line:
            continue
        if os.path.isfile(line):
            sounds.append(Sound(line.replace(" ", "%20"), line))
        elif os.path.isfile(rest.strip()):
            sounds.append(Sound(name, rest.strip()))
        else:
            raise FileNotFoundError(
                f"{path}:{number}: {line}: no such file"
                f"{hint_meant(line) or hint_meant(rest.strip())}; correct the line"
            )
    if not sounds:
        raise ValueError(f"{path}: names no file, expected at least one")
    return sorted(sounds, key=lambda sound: sound.path)


def _check_sound(place: Path, sound: Sound) -> tuple[str, int, int]:
    try:
        info = soundfile.info(sound.path)
        check_rate(info.samplerate, "header")
    except (soundfile.LibsndfileError, UnreadableError) as error:
        raise _unreadable(place, sound, error) from None
    if info.frames == 0:
        raise ValueError(f"{place}: {sound.path} has no samples; remove the line")
    stat = os.stat(sound.path)
    return sound.path, stat.st_size, stat.st_mtime_ns


def _unreadable(place: Path, sound: Sound, error: object) -> ValueError:
    return ValueError(
        f"{place}: {sound.path} cannot be read ({error}); convert it to wav or flac, "
        "or remove the line"
    )


def draw_mixture(key: str, options: NoiseOptions) -> Mixture:
    """Draw the noise and room of an utterance, which depend only on seed and id."""
    digest = hash_text(f"{options.seed} {key}")
    rng = np.random.Generator(np.random.PCG64(int(digest, 16)))
    has_noise, has_rir = rng.random(2) < (options.noise_prob, options.rir_prob)
    snr_db = float(rng.uniform(*options.snr_db))
    noises: tuple[int, ...] = ()
    rir = None
    if options.rir_list is not None:
        number = int(rng.integers(len(read_list(options.rir_list))))
        rir = number if has_rir else None
    if options.noise_list is not None and has_noise:
        low, high = options.num_noises
        size = len(read_list(options.noise_list))
        count = int(rng.integers(low, high + 1))
        drawn = rng.choice(size, min(size, count), replace=False)
        noises = tuple(int(n) for n in np.resize(drawn, count))
    places = tuple(float(place) for place in rng.random(len(noises)))
    return Mixture(noises, places, snr_db, rir)


def add_noise(
    speech: np.ndarray, key: str, options: NoiseOptions, fs: int
) -> np.ndarray | None:
    """Add to an utterance the noise and room that `draw_mixture` draws.

    Args:
        speech: Finite samples, shape (num_samples,), at least one.
        key: Its id.
        options: As `prepare_noise` returns them.
        fs: Its rate, Hz.

    Returns:
        Samples of the same shape; None if there is nothing to add, or if the utterance
        is silent and so has no SNR.

    Raises:
        ValueError: A noise is silent, or a file has changed or is damaged.
    """
    mixture = draw_mixture(key, options)
    power = float(speech.var(dtype=np.float64))
    if power == 0 or not (mixture.noises or mixture.rir is not None):
        return None
    mixed = speech
    if mixture.rir is not None and options.rir_list is not None:
        mixed = reverberate(speech, *_read_response(options.rir_list, mixture.rir, fs))
    if mixture.noises and options.noise_list is not None:
        noise = np.zeros(len(speech), dtype=np.float32)
        for number, place in zip(mixture.noises, mixture.places, strict=True):
            noise += _read_noise(options.noise_list, number, place, len(speech), fs)
        wanted = power / 10 ** (mixture.snr_db / 10)
        gain = (wanted / float(noise.var(dtype=np.float64))) ** 0.5
        mixed = mixed + np.float32(gain) * noise
    return mixed


def reverberate(speech: np.ndarray, response: np.ndarray, direct: int) -> np.ndarray:
    """Return speech as in a room, with its length and power unchanged.

    Args:
        speech: Samples, shape (num_samples,), not silent.
        response: Samples of the room impulse response, shape (num_taps,).
        direct: Index of the direct sound.
    """
    from scipy import fft

    size = fft.next_fast_len(len(speech) + len(response) - 1, real=True)
    product = fft.rfft(speech, size) * fft.rfft(response, size)
    wet = fft.irfft(product, size)[direct : direct + len(speech)]
    power, found = (float(x.var(dtype=np.float64)) for x in (speech, wet))
    return (wet * (power / found) ** 0.5).astype(np.float32)


@functools.lru_cache(maxsize=256)
def _read_response(place: Path, number: int, fs: int) -> tuple[np.ndarray, int]:
    """Return a response (its first channel) and the place of the direct sound."""
    sound = read_list(place)[number]
    try:
        samples, fs_in = soundfile.read(sound.path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise _unreadable(place, sound, error) from None
    response = resample(to_mono(samples, 0), fs_in, fs)
    direct = int(np.abs(response).argmax())
    if response[direct] == 0:
        raise ValueError(f"{place}: {sound.path} is silent; remove the line")
    return response, direct


def _read_noise(
    place: Path, number: int, start: float, num_samples: int, fs: int
) -> np.ndarray:
    """Return an excerpt of unit power, shape (num_samples,); a short noise repeats."""
    sound = read_list(place)[number]
    for attempt in range(NUM_PLACES):
        where = (start + attempt / NUM_PLACES) % 1.0
        try:
            noise = _read_excerpt(sound.path, where, num_samples, fs)
        except soundfile.LibsndfileError as error:
            raise _unreadable(place, sound, error) from None
        if len(noise) == 0:
            raise _unreadable(place, sound, "cut short")
        noise = np.resize(noise - noise.mean(), num_samples)
        power = float(noise.var(dtype=np.float64))
        if power >= MIN_POWER:
            return noise / np.float32(power**0.5)
    raise ValueError(f"{place}: {sound.path} is silent; remove the line")


def _read_excerpt(path: str, start: float, num_samples: int, fs: int) -> np.ndarray:
    with soundfile.SoundFile(path) as file:
        wanted = ceil(num_samples * file.samplerate / fs)
        if file.frames > wanted:
            file.seek(int(start * (file.frames - wanted + 1)))
            samples = file.read(wanted, dtype="float32", always_2d=True)
        else:  # the whole noise, rotated to begin elsewhere
            samples = file.read(dtype="float32", always_2d=True)
            samples = np.roll(samples, -int(start * len(samples)), axis=0)
        return resample(to_mono(samples), file.samplerate, fs)


def describe_noise(
    entries: Iterable[tuple[int, Entry]], options: NoiseOptions | None
) -> Iterator[tuple[str, str]]:
    """Yield what was added to each utterance written; without options, yield nothing.

    Yields:
        The id, and `noise snr_db response`. Several noises are joined by `+`, and `-`
        means no noise.
    """
    for _, entry in entries:
        if entry.is_kept and options is not None:
            yield entry.key, _describe(entry, options)


def _describe(entry: Entry, options: NoiseOptions) -> str:
    if not entry.is_noisy:
        return f"{NONE} {NONE} {NONE}"
    mixture = draw_mixture(entry.key, options)
    noise, snr_db, room = NONE, NONE, NONE
    if mixture.noises and options.noise_list is not None:
        sounds = read_list(options.noise_list)
        noise = "+".join(sounds[number].name for number in mixture.noises)
        snr_db = f"{mixture.snr_db:.2f}"
    if mixture.rir is not None and options.rir_list is not None:
        room = read_list(options.rir_list)[mixture.rir].name
    return f"{noise} {snr_db} {room}"
