"""Convert words to a form that scripts share: romanized, or phones.

Romanization is that of uroman (Hermjakob, May and Knight 2018); phones are those of
espeak-ng's voices. Both are reduced to plain symbols, since they serve to spell words
in the tokens of another language's model and not to be read.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

ROMAN, PHONES = "roman", "phones"  # phones have a voice: phones:ur
PROGRAM = "espeak-ng"
_VOICE_CHANGE = re.compile(
    r"\([a-z-]+\)"
)  # as in (en)word(ur), a word read in another language
_NO_PHONES = "ˈˌːˑ‿"  # stress, length, liaison

Forms = dict[str, str]


def split_form(name: str | None) -> tuple[str, str]:
    """Return the kind of form and the voice that the name of a mapping stands for.

    Returns:
        `roman` and an empty voice; `phones` and the voice; or, for a table of letters
        or no name, two empty strings.

    Raises:
        ValueError: The name is `phones` without a voice.
    """
    kind, _, voice = (name or "").partition(":")
    if kind == ROMAN and not voice:
        return ROMAN, ""
    if kind == PHONES:
        if not voice:
            raise ValueError(
                f"{name!r} names no voice, expected phones:<language>, such as "
                f"phones:ur; `{PROGRAM} --voices` lists them"
            )
        return PHONES, voice
    return "", ""


def make_forms(words: Sequence[str], kind: str, voice: str = "") -> Forms:
    """Return the form of each word.

    Args:
        words: Words without spaces.
        kind: `roman` or `phones`.
        voice: Voice of espeak-ng, for phones.

    Returns:
        Forms by word; empty for a word that cannot be read.

    Raises:
        FileNotFoundError: espeak-ng is not installed.
        ValueError: It does not know the voice.
    """
    make: dict[str, Callable[[], list[str]]] = {
        ROMAN: lambda: romanize(words),
        PHONES: lambda: read_phones(words, voice),
    }
    return dict(zip(words, make[kind](), strict=True))


def romanize(words: Sequence[str]) -> list[str]:
    """Return words romanized, in small letters a to z."""
    from uroman import Uroman

    table = Uroman()
    found = (str(table.romanize_string(word)).lower() for word in words)
    plain = (unicodedata.normalize("NFD", text) for text in found)
    return ["".join(c for c in text if "a" <= c <= "z") for text in plain]


def read_phones(words: Sequence[str], voice: str) -> list[str]:
    """Return the phones of words in IPA, without stress, length and marks.

    Raises:
        FileNotFoundError: espeak-ng is not installed.
        ValueError: It does not know the voice, or gives another number of lines.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise FileNotFoundError(
            f"{PROGRAM}: not installed, needed for phones; install the Debian package "
            f"{PROGRAM}, or take the mapping {ROMAN}"
        )
    done = subprocess.run(
        [program, "-q", "--ipa", "-v", voice],
        input="".join(f"{word}\n" for word in words),
        capture_output=True,
        encoding="utf-8",
    )
    lines = done.stdout.split("\n")[:-1]
    if done.returncode or len(lines) != len(words):
        message = done.stderr.strip().split("\n")[0] or f"{len(lines)} lines came"
        raise ValueError(
            f"{PROGRAM} -v {voice}: {message}, expected the phones of {len(words)} "
            f"words; `{PROGRAM} --voices` lists the languages"
        )
    return [_reduce(line) for line in lines]


def _reduce(line: str) -> str:
    text = unicodedata.normalize("NFD", _VOICE_CHANGE.sub("", line))
    kept = (c for c in text if c not in _NO_PHONES)
    return "".join(c for c in kept if unicodedata.category(c) in ("Ll", "Lo", "Lm"))


def spell_dir(source: Path, target: Path, kind: str, voice: str = "") -> int:
    """Write a data directory whose transcripts have the forms of words.

    Words without a form are left out of the transcript, and utterances without any word
    are left out of all files.

    Returns:
        The number of utterances written.

    Raises:
        FileNotFoundError: There is no text, or espeak-ng is not installed.
        ValueError: Over a twentieth of the utterances would be left out.
    """
    from hamzaban.data.files import read_scp
    from hamzaban.text.rewrite import find_text, rewrite_dir

    texts = (text for _, text in read_scp(find_text(source)))
    words = sorted({word for text in texts for word in text.split()})
    forms = make_forms(words, kind, voice)

    def change(text: str) -> str | None:
        return " ".join(form for word in text.split() if (form := forms[word])) or None

    done = rewrite_dir(source, target, change, max_drop=0.05)
    return done.num_utts - len(done.left_out)
