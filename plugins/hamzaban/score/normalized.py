"""Normalize references and hypotheses by the rules of a language and a profile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from hamzaban.score.notation import change_text
from hamzaban.text import Normalizer
from hamzaban.text.marks import normalize_around
from hamzaban.text.multilingual import MULTIPLE, MultiNormalizer, read_utt2lang

Texts = tuple[Mapping[str, str], Mapping[str, str]]


@dataclass(frozen=True)
class Rules:
    """The rules of a normalizer.

    Attributes:
        lang: Code of the language; `mul`: each utterance has its own.
        profile: Profile of the rules, or a preset.
        options: Options of the rules.
        keep_marks: Whether marks of sounds, such as <laughter>, stay as they are.
    """

    lang: str
    profile: str
    options: Mapping[str, str] = field(default_factory=dict)
    keep_marks: bool = False

    def apply(self, normalize: Callable[[str], str], text: str) -> str:
        """Return a text normalized; alternatives are normalized one by one."""
        if self.keep_marks:
            return change_text(text, lambda run: normalize_around(run, normalize))
        return change_text(text, normalize)


def normalize_texts(texts: Texts, rules: Rules, data_dir: Path) -> tuple[str, Texts]:
    """Return the id of the normalizer and both texts normalized.

    Args:
        texts: References and hypotheses by utterance id.
        rules: The rules.
        data_dir: Folder with utt2lang, for the language `mul`.

    Raises:
        ValueError: The language, the profile or an option is unknown.
    """
    if rules.lang == MULTIPLE:
        utt2lang = read_utt2lang(data_dir)
        used = {utt_id: utt2lang[utt_id] for utt_id in texts[0] if utt_id in utt2lang}
        each = MultiNormalizer(used, rules.profile, dict(rules.options))
        by_utt = [
            {u: rules.apply(partial(each.normalize, u), t) for u, t in side.items()}
            for side in texts
        ]
        return each.id, (by_utt[0], by_utt[1])
    normalizer = Normalizer(rules.lang, rules.profile, **rules.options)
    change = partial(rules.apply, normalizer.normalize)
    changed = [{u: change(text) for u, text in side.items()} for side in texts]
    return normalizer.id, (changed[0], changed[1])
