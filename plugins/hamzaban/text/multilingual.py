"""Normalize transcripts of several languages, each by the rules of its language."""

from collections.abc import Mapping
from pathlib import Path

from hamzaban.data.files import read_scp
from hamzaban.text.normalizer import Normalizer, get_normalizer

MULTIPLE = "mul"  # several languages (ISO 639-2); utt2lang has each utterance's
UTT2LANG = "utt2lang"


class MultiNormalizer:
    """Normalizes each utterance by the rules of its language.

    Attributes:
        utt2lang: Language of each utterance.
        normalizers: The normalizer of each language.
        id: The ids of all of them.
    """

    def __init__(
        self, utt2lang: Mapping[str, str], profile: str, options: Mapping[str, str]
    ) -> None:
        """Load the rules of each language.

        Args:
            utt2lang: Language of each utterance.
            profile: As for `Normalizer`.
            options: As for `Normalizer`, of all languages.

        Raises:
            ValueError: The profile or an option is unknown to one of them.
        """
        self.utt2lang = utt2lang
        values = tuple(sorted(options.items()))
        self.normalizers: dict[str, Normalizer] = {
            lang: get_normalizer(lang, profile, values)
            for lang in sorted({*utt2lang.values()})
        }
        ids = (f"{k}={found.id}" for k, found in self.normalizers.items())
        self.id = f"{MULTIPLE}({','.join(ids)})"

    def normalize(self, utt_id: str, text: str) -> str:
        """Normalize the transcript of an utterance.

        Raises:
            ValueError: Its language is not known.
        """
        return self.find(utt_id).normalize(text)

    def find(self, utt_id: str) -> Normalizer:
        """Return the normalizer of an utterance.

        Raises:
            ValueError: Its language is not known.
        """
        lang = self.utt2lang.get(utt_id)
        if lang is None:
            raise ValueError(
                f"{UTT2LANG}: utterance {utt_id} is missing; add its language, which "
                f"--lang {MULTIPLE} looks up"
            )
        return self.normalizers[lang]


def read_utt2lang(folder: str | Path) -> dict[str, str]:
    """Read the languages of a data directory's utterances.

    Raises:
        FileNotFoundError: It has no utt2lang.
    """
    path = Path(folder) / UTT2LANG
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file; --lang {MULTIPLE} takes the language of each "
            "utterance from there: write it, or give one language"
        )
    return dict(read_scp(path))
