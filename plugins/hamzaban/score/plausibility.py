"""Describe how plausible hypotheses are without their references."""

import argparse
from collections.abc import Iterator, Mapping

from hamzaban.score.normalized import Texts
from hamzaban.text.multilingual import MULTIPLE, read_utt2lang
from hamzaban.text.plausible import MAX_WORD, count_letters, find_letters, measure_loops


def describe_plausibility(args: argparse.Namespace, texts: Texts) -> Iterator[str]:
    """Yield a line on scripts, with --lang, and one on loops if there are any.

    Args:
        args: Options of score-text.
        texts: References and hypotheses as read, by utterance id.
    """
    if args.lang is not None:
        langs = dict.fromkeys(texts[0], args.lang)
        if args.lang == MULTIPLE:
            langs = dict(read_utt2lang(args.ref.parent))
        yield from _describe_script(texts, langs)
    looping = longest = 0
    for text in texts[1].values():
        words = text.split()
        looping += len(words) > 2 and measure_loops(words) > 0
        longest += len(text) > MAX_WORD and max(map(len, words), default=0) > MAX_WORD
    if looping or longest:
        size = len(texts[1])
        yield (
            f"loops in {looping} of {size} hypotheses ({looping / size:.2%}), words "
            f"over {MAX_WORD} characters in {longest}"
        )


def _describe_script(texts: Texts, langs: Mapping[str, str]) -> Iterator[str]:
    letters = {lang: find_letters(lang) for lang in set(langs.values())}
    shares = []
    for side in texts:
        parts: dict[str, list[str]] = {}
        for utt_id, text in side.items():
            parts.setdefault(langs.get(utt_id, ""), []).append(text)
        found = [
            count_letters("".join(part), letters[lang])
            for lang, part in parts.items()
            if letters.get(lang)
        ]
        shares.append((sum(n for n, _ in found), sum(n for _, n in found)))
    (ref_inside, ref_count), (inside, count) = shares
    if count:
        ref = f"{ref_inside / ref_count:.2%}" if ref_count else "none"
        yield (
            f"script fidelity {inside / count:.2%}: {count - inside} of {count} "
            f"letters of hypotheses are not in the alphabet (references: {ref})"
        )
