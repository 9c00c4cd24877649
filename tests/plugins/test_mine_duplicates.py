"""Speech heard before: found in any coding and at any place, and nowhere else."""

import numpy as np
import pytest
from mine_media import FS, make_options, read_speech, write_media

from hamzaban.mine.decode import probe_media, read_media
from hamzaban.mine.duplicates import Voice, find_duplicates
from hamzaban.mine.fingerprint import fingerprint
from hamzaban.mine.vad import FRAME_SAMPLES

pytestmark = pytest.mark.slow

CHUNK = 5 * FS


def recode(folder, speech, suffix, bit_rate):
    path = write_media(folder / f"x{bit_rate}.{suffix}", speech, bit_rate=bit_rate)
    return np.concatenate(list(read_media(probe_media(path), 0, FS, [])))


def search(options, *sources):
    """Cut each source into chunks of 5 s and return the duplicates found."""
    voices, numbers = [], []
    for source, speech in enumerate(sources):
        for start in range(0, len(speech) - CHUNK, CHUNK):
            found = fingerprint(speech[start : start + CHUNK])
            voices.append(Voice(source, round(start / FRAME_SAMPLES), len(found)))
            numbers.append(found)
    return voices, find_duplicates(voices, numbers.__getitem__, options)


@pytest.mark.parametrize(
    ("suffix", "bit_rate"), [("mp3", 32000), ("opus", 12000), ("m4a", 48000)]
)
@pytest.mark.parametrize("cut", [0, 37 * 256])
def test_speech_coded_again_is_found_wherever_it_begins(
    tmp_path, suffix, bit_rate, cut
):
    speech = read_speech("spk03", 60.0)
    copy = recode(tmp_path, speech, suffix, bit_rate)[cut : len(speech)]
    voices, found = search(make_options(tmp_path), speech, copy)
    copies = [number for number, voice in enumerate(voices) if voice.source == 1]
    assert set(found) == set(copies)
    for number, duplicate in found.items():
        apart = (voices[number].frame - voices[duplicate.original].frame) * 0.032
        assert abs(apart + cut / FS) < 5.0


def test_the_same_words_said_again_are_no_duplicate(tmp_path):
    """All speakers say the same 40 words, which is the hardest case."""
    options = make_options(tmp_path)
    for spk_id in ("spk01", "spk05"):
        _, found = search(options, read_speech(spk_id, 150.0))
        assert found == {}


def test_a_passage_inside_other_speech_is_found(tmp_path):
    jingle = read_speech("spk03", 11.0)
    first = np.concatenate([read_speech("spk04", 23.0), jingle, SILENCE])
    second = np.concatenate([SILENCE, read_speech("spk10", 14.0), jingle])
    voices, found = search(make_options(tmp_path), first, second)
    assert found
    for number in found:
        assert voices[number].source == 1
        assert voices[number].frame * 0.032 > 14.0


def test_silence_is_no_duplicate_of_silence(tmp_path):
    tone = np.sin(np.arange(30 * FS) * 0.2).astype(np.float32)
    assert search(make_options(tmp_path), np.zeros(30 * FS, np.float32))[1] == {}
    assert search(make_options(tmp_path), np.zeros(0, np.float32), tone)[0]


SILENCE = np.zeros(3 * FS, np.float32)
