#!/usr/bin/env python3
"""Make data directories from Asterisk's telephone prompts, as packaged by Debian.

One speaker reads the prompts of a language. All prompts of the source languages have
transcripts. The prompts of the target language are divided into a training set, which
is written with and without transcripts, a validation set and a test set. No sentence of
a language is in two sets. The target's text is that of its training prompts, shuffled.
The same packages give the same output.
"""

import argparse
import gzip
import random
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from hamzaban.data.write import DirWriter, write_scp
from hamzaban.fileio import atomic_text
from hamzaban.text import Normalizer

SOUNDS = "usr/share/asterisk/sounds"
VOICES = {  # language -> folder of its speaker
    "en": "en_US_f_Allison",
    "es": "es_MX_f_Allison",
    "fr": "fr_CA_f_June",
    "it": "it_IT_m_Carlo",
    "ru": "ru_RU_f_IvrvoiceRU",
}
MORE_VOICES = {"menardi": ("it", "it_IT_f_Menardi")}  # speakers without transcripts
PACKAGES = {"it_IT_f_Menardi": "asterisk-prompt-it-menardi-wav"}
SIZES = {"test": 90, "valid": 45}  # prompts of each language; the rest are for training


class Prompt(NamedTuple):
    """A prompt: id (`lang-voice-name`), speaker, text (None if unknown) and file."""

    utt_id: str
    spk_id: str
    text: str | None
    path: Path


Sets = dict[str, dict[str, list[Prompt]]]  # language -> name of the set -> prompts


def spell(text: str, lang: str, normalizer: Normalizer) -> str:
    """Return the normalized text, letters only; Latin letters without accents.

    The Spanish list omits most accents, while the others have them.
    """
    text = normalizer.normalize(text)
    if lang != "ru":
        text = "".join(
            c
            for c in unicodedata.normalize("NFD", text)
            if not unicodedata.combining(c)
        )
    return " ".join(re.findall(r"[^\W\d_]+", text))


def list_voice(root: Path, lang: str, voice: str) -> dict[str, Prompt]:
    """Return the recordings of a speaker, without texts, by the name of the prompt.

    Raises:
        SystemExit: The folder has no recordings.
    """
    folder = root / SOUNDS / voice
    found = [path for end in ("g722", "wav") for path in folder.rglob(f"*.{end}")]
    if not found:
        package = PACKAGES.get(voice, f"asterisk-core-sounds-{lang}-g722")
        raise SystemExit(f"{folder}: no recordings; apt-get install {package}")
    prompts = {}
    for path in sorted(found):
        name = str(path.relative_to(folder).with_suffix(""))
        if name.startswith("silence/"):
            continue
        spk_id = f"{lang}-{voice.split('_')[-1].lower()}"
        utt_id = f"{spk_id}-{name.replace('/', '_')}"
        prompts[name] = Prompt(utt_id, spk_id, None, path)
    return prompts


def read_prompts(root: Path, lang: str) -> list[Prompt]:
    """Return the prompts whose text has all the words that are spoken.

    Prompts are left out if they have no recording, spell a letter, or contain digits or
    brackets (signals and remarks).
    """
    doc = root / f"usr/share/doc/asterisk-core-sounds-{lang}/core-sounds-{lang}.txt"
    packed = doc.with_name(f"{doc.name}.gz")
    if not (doc.exists() or packed.exists()):
        raise SystemExit(
            f"{packed}: no such file; apt-get install asterisk-core-sounds-{lang}, or, "
            "where dpkg leaves /usr/share/doc away, dpkg -x it and give --root"
        )
    content = doc.read_bytes() if doc.exists() else gzip.decompress(packed.read_bytes())
    voice = list_voice(root, lang, VOICES[lang])
    normalizer = Normalizer(lang, profile="train")
    prompts = {}
    for line in content.decode("utf-8-sig").splitlines():
        name, _, text = line.partition(":")
        name = name.strip()
        is_spelt = name.startswith("letters/") or re.search(r"[\d(\[<]", text)
        if name not in voice or is_spelt:
            continue
        words = spell(text, lang, normalizer)
        if words:
            prompts[name] = voice[name]._replace(text=words)
    return list(prompts.values())


def divide(prompts: Iterable[Prompt], lang: str) -> dict[str, list[Prompt]]:
    """Divide prompts at random among test, valid and train; each text is in one set."""
    by_text: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        by_text.setdefault(str(prompt.text), []).append(prompt)
    texts = sorted(by_text)
    random.Random(f"sets {lang}").shuffle(texts)
    sets, start = {}, 0
    for name, size in SIZES.items():
        sets[name] = [by_text[text][0] for text in texts[start : start + size]]
        start += size
    sets["train"] = [p for text in texts[start:] for p in by_text[text]]
    return sets


def write_set(folder: Path, prompts: Sequence[Prompt], *, labels: bool = True) -> None:
    """Write a data directory, with or without transcripts."""
    with DirWriter(folder) as writer:
        for prompt in sorted(prompts):
            writer.open("wav.scp").write(prompt.utt_id, str(prompt.path))
            writer.open("utt2spk").write(prompt.utt_id, prompt.spk_id)
            if labels:
                writer.open("text").write(prompt.utt_id, str(prompt.text))


def write_target(data: Path, lang: str, sets: dict[str, list[Prompt]]) -> None:
    """Write the sets of the target, its training transcripts and its shuffled text."""
    train = sets["train"]
    write_set(data / f"labelled_{lang}", train)
    write_set(data / f"unlabelled_{lang}", train, labels=False)
    write_scp(data / f"ref_{lang}", sorted((p.utt_id, str(p.text)) for p in train))
    for name in SIZES:
        write_set(data / f"{name}_{lang}", sets[name])
    texts = sorted({str(prompt.text) for prompt in train})
    random.Random(f"text {lang}").shuffle(texts)
    with atomic_text(data / f"text_{lang}") as f:
        f.writelines(f"{text}\n" for text in texts)


def write_others(data: Path, root: Path, names: Iterable[str], sets: Sets) -> None:
    """Write training speech, or all speech of a voice in MORE_VOICES, untranscribed."""
    for name in names:
        if name in MORE_VOICES:
            lang, voice = MORE_VOICES[name]
            rows = list(list_voice(root, lang, voice).values())
        else:
            rows = sets.get(name, divide(read_prompts(root, name), name))["train"]
        write_set(data / f"unlabelled_{name}", rows, labels=False)


def main() -> None:
    """Read the command line and write the sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("data", type=Path, help="folder to write the sets into")
    add("--root", type=Path, default="/", help="folder with the unpacked packages")
    add("--sources", nargs="+", choices=VOICES, default=["it", "fr"])
    add("--target", choices=VOICES, default="es")
    add("--others", nargs="*", choices=[*VOICES, *MORE_VOICES], default=[])
    args = parser.parse_args()
    if args.target in args.sources:
        parser.error(f"{args.target} is both source and target")
    langs = [*args.sources, args.target]
    sets = {lang: divide(read_prompts(args.root, lang), lang) for lang in langs}
    for kind in ("train", *SIZES):
        rows = [p for lang in args.sources for p in sets[lang][kind]]
        write_set(args.data / f"{kind}_{'_'.join(args.sources)}", rows)
    write_target(args.data, args.target, sets[args.target])
    write_others(args.data, args.root, [*args.sources, *args.others], sets)


if __name__ == "__main__":
    main()
