#!/usr/bin/env python3
"""Make data directories of synthetic speech: espeak-ng reads texts of two languages.

Lines are normalized and cut into phrases of 2 to 6 words. Phrases of the source are
drawn for training, validation and test. Phrases of the target are drawn for an
unlabelled set and a test set; the others are the target's text. No phrase is in two
sets. Training, unlabelled, validation and test sets have different voices. Each
utterance has its own speed, pitch and noise level. The same options give the same
output.
"""

import argparse
import hashlib
import io
import random
import subprocess
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from hamzaban.data.write import DirWriter, write_scp
from hamzaban.fileio import atomic_text
from hamzaban.text import Normalizer

VOICES = {  # set -> voices of espeak-ng, each used as one speaker
    "train": ("m1", "m3", "m5", "f1", "f3", "Andy", "Denis", "linda", "steph", "boris"),
    "unlabelled": ("m2", "m4", "m6", "f2", "f4", "Annie", "Lee", "rob", "pablo", "zac"),
    "valid": ("m7", "f5", "paul", "belinda"),
    "test": ("m8", "aunty", "michel", "anika", "edward", "norbert"),
}
SIZES = {"train": 1_600, "unlabelled": 700, "valid": 80, "test": 120}  # utterances
MIN_WORDS, MAX_WORDS = 2, 6  # in a phrase
SPEEDS, PITCHES = (130, 190), (30, 70)  # words per minute; 0 to 99, as in espeak-ng
SNR_DB = (15.0, 35.0)  # level of the white noise
PLENTY = 1_000  # fewest phrases in the target's text


def cut(lines: Iterator[str], lang: str) -> list[str]:
    """Return the phrases of normalized lines, in order and without repetitions.

    A repeated line is cut once, since phrases of two ways to cut it would overlap.
    """
    normalizer = Normalizer(lang, profile="train")
    rng = random.Random(f"phrases {lang}")
    texts = dict.fromkeys(normalizer.normalize(line) for line in lines)
    is_latin = is_in_latin_letters(texts)
    phrases: dict[str, None] = {}
    for text in texts:
        words = text.split()
        while len(words) >= MIN_WORDS:
            taken = rng.randint(MIN_WORDS, MAX_WORDS)
            if len(words) - taken < MIN_WORDS:
                taken = MAX_WORDS
            phrase = " ".join(words[:taken])
            foreign = not is_latin and any(c.isascii() and c != " " for c in phrase)
            if not foreign and not any(c.isdigit() for c in phrase):
                phrases[phrase] = None
            words = words[taken:]
    return list(phrases)


def is_in_latin_letters(texts: Iterable[str]) -> bool:
    """Return whether more than half of the letters are Latin."""
    counts = Counter(c for text in texts for c in text if c.isalpha())
    names = ((unicodedata.name(c, ""), count) for c, count in counts.items())
    latin = sum(count for name, count in names if name.startswith("LATIN"))
    return 2 * latin > counts.total()


def speak(lang: str, voice: str, phrase: str, rng: random.Random) -> tuple:
    """Return synthetic speech with noise: samples in [-1, 1], sample rate in Hz.

    Raises:
        SystemExit: espeak-ng failed.
    """
    speed, pitch = rng.randint(*SPEEDS), rng.randint(*PITCHES)
    command = ["espeak-ng", "-v", f"{lang}+{voice}", "-s", str(speed), "-p", str(pitch)]
    done = subprocess.run(
        [*command, "--stdout", "-b", "1", "--stdin"],
        input=phrase.encode(),
        capture_output=True,
    )
    if done.returncode or len(done.stdout) < 1_000:
        message = done.stderr.decode(errors="replace").strip() or "no sound"
        raise SystemExit(f"espeak-ng: '{phrase}' as {lang}+{voice}: {message}")
    speech, rate = soundfile.read(io.BytesIO(done.stdout))
    noise = np.random.default_rng(rng.getrandbits(32)).standard_normal(len(speech))
    level = np.sqrt(np.mean(speech**2)) * 10 ** (-rng.uniform(*SNR_DB) / 20)
    noisy = speech + level * noise
    return noisy * min(1.0, 0.99 / np.abs(noisy).max()), rate


def write_set(folder: Path, lang: str, phrases: Sequence[str]) -> dict[str, str]:
    """Write a set and its audio; return its transcripts by utterance id."""
    kind = folder.name.split("_")[0]
    voices = VOICES[kind]
    audio = folder.parent / "audio" / folder.name
    audio.mkdir(parents=True, exist_ok=True)

    def read(number: int) -> tuple[str, str, str, Path]:
        voice = voices[number % len(voices)]
        spk_id = f"{voice.lower()}-{lang}"
        utt_id = f"{spk_id}-{kind}-{number:04d}"
        rng = random.Random(f"{folder.name} {number}")
        speech, rate = speak(lang, voice, phrases[number], rng)
        # the digest makes later stages notice that the speech has changed
        digest = hashlib.sha256(speech.tobytes()).hexdigest()[:8]
        path = audio / f"{utt_id}-{digest}.flac"
        soundfile.write(path, speech, rate)
        return utt_id, spk_id, phrases[number], path

    with ThreadPoolExecutor(2) as pool, DirWriter(folder) as writer:
        done = sorted(pool.map(read, range(len(phrases))))
        for utt_id, spk_id, text, path in done:
            writer.open("wav.scp").write(utt_id, str(path))
            writer.open("utt2spk").write(utt_id, spk_id)
            if kind != "unlabelled":
                writer.open("text").write(utt_id, text)
    kept = {path for *_, path in done}
    for path in set(audio.iterdir()) - kept:  # of an earlier run
        path.unlink()
    return {utt_id: text for utt_id, _, text, _ in done}


def divide(
    lang: str, path: Path, sizes: Mapping[str, int], more: int
) -> tuple[dict[str, list[str]], list[str]]:
    """Divide the phrases of a text at random among sets; return these and the rest.

    Raises:
        SystemExit: The text has too few phrases.
    """
    with open(path, encoding="utf-8-sig") as lines:
        phrases = cut(lines, lang)
    needed = sum(sizes.values()) + more
    if len(phrases) < needed:
        raise SystemExit(
            f"{path}: {len(phrases)} different phrases of {MIN_WORDS} to {MAX_WORDS} "
            f"words found, expected {needed}; give a longer text of '{lang}'"
        )
    random.Random(f"sets {lang}").shuffle(phrases)
    sets = {}
    for name, size in sizes.items():
        sets[name], phrases = phrases[:size], phrases[size:]
    return sets, phrases


def main() -> None:
    """Read the command line and write the sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder to write the sets into")
    parser.add_argument("source", help="LANG=FILE with one sentence per line")
    parser.add_argument("target", help="LANG=FILE with one sentence per line")
    args = parser.parse_args()
    (source, source_text), (target, target_text) = (
        pair.split("=", 1) for pair in (args.source, args.target)
    )
    if source == target:
        parser.error(f"source and target are both {source}")
    sizes = {name: SIZES[name] for name in ("train", "valid", "test")}
    sets, _ = divide(source, Path(source_text), sizes, 0)
    for name, phrases in sets.items():
        write_set(args.data / f"{name}_{source}", source, phrases)
    sizes = {name: SIZES[name] for name in ("unlabelled", "test")}
    sets, left = divide(target, Path(target_text), sizes, PLENTY)
    truth = write_set(args.data / f"unlabelled_{target}", target, sets["unlabelled"])
    write_scp(args.data / f"ref_{target}", truth.items())
    write_set(args.data / f"test_{target}", target, sets["test"])
    with atomic_text(args.data / f"text_{target}") as f:
        f.writelines(f"{phrase}\n" for phrase in left)


if __name__ == "__main__":
    main()
