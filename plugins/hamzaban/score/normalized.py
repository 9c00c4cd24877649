"""Normalize references and hypotheses by the rules of a language and a profile."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from hamzaban.score.notation import change_text
from hamzaban.text import Normalizer
from hamzaban.text.multilingual import MULTIPLE, MultiNormalizer, read_utt2lang

Texts = tuple[Mapping[str, str], Mapping[str, str]]


def normalize_texts(
    texts: Texts,
    lang: str,
    profile: str,
    options: Mapping[str, str],
    data_dir: Path,
) -> tuple[str, Texts]:
    """Return the id of the normalizer and both texts normalized.

    Alternatives of a text are normalized one by one.

    Args:
        texts: References and hypotheses by utterance id.
        lang: Code of the language; `mul`: that of each utterance.
        profile: Profile of the rules, or a preset.
        options: Options of the rules.
        data_dir: Folder with utt2lang, for `mul`.

    Raises:
        ValueError: The language, the profile or an option is unknown.
    """
    if lang == MULTIPLE:
        utt2lang = read_utt2lang(data_dir)
        used = {utt_id: utt2lang[utt_id] for utt_id in texts[0] if utt_id in utt2lang}
        each = MultiNormalizer(used, profile, dict(options))
        by_utt = [
            {u: change_text(t, partial(each.normalize, u)) for u, t in side.items()}
            for side in texts
        ]
        return each.id, (by_utt[0], by_utt[1])
    normalizer = Normalizer(lang, profile, **options)
    change = normalizer.normalize
    changed = [{u: change_text(t, change) for u, t in side.items()} for side in texts]
    return normalizer.id, (changed[0], changed[1])
