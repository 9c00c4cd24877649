"""Compare `orthography=modern` with a Quran text in modern spelling, word by word.

Neither text is part of this repository: Tanzil permits verbatim copies only. Download
"Uthmani" and "Simple Clean" from https://tanzil.net/download as text with chapter and
verse numbers (`2|255|...`), or give tables with a verse such as 002255 in the first
column. Words are aligned verse by verse; a word counts as right if it is equal.

Usage: python tests/bench/bench_quran_spelling.py --uthmani FILE --modern FILE
"""

import argparse
import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hamzaban.text import Normalizer
from hamzaban.text.rules import load_language
from hamzaban.text.uthmani import ModernSpelling

_VERSE = re.compile(r"(\d{1,3})[|](\d{1,3})[|](.*)|(\d{3})(\d{3})\S*\t(.*)")
BASMALA = ["بسم", "الله", "الرحمن", "الرحيم"]


def read_verses(files: Sequence[Path]) -> dict[tuple[int, int], str]:
    """Read the verses of files by chapter and verse."""
    verses = {}
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            found = _VERSE.fullmatch(line.strip())
            if found:
                parts = [part for part in found.groups() if part is not None]
                verses[int(parts[0]), int(parts[1])] = parts[2]
    return verses


def compare(
    normalize: Callable[[str], str],
    verses: Mapping[tuple[int, int], str],
    modern: Mapping[tuple[int, int], str],
) -> tuple[int, int, Counter[str]]:
    """Return words that are right, words of the modern text, and the differences."""
    plain = Normalizer("ar").normalize
    right = total = 0
    wrong: Counter[str] = Counter()
    for place, text in verses.items():
        ref, hyp = plain(modern[place]).split(), normalize(text).split()
        if place[1] == 1 and place[0] not in (1, 9):  # some files begin with it
            ref, hyp = (w[4:] if w[:4] == BASMALA else w for w in (ref, hyp))
        total += len(ref)
        matcher = difflib.SequenceMatcher(None, ref, hyp, autojunk=False)
        for kind, start, end, new_start, new_end in matcher.get_opcodes():
            if kind == "equal":
                right += end - start
            else:
                wrong[
                    f"{' '.join(hyp[new_start:new_end])} for {' '.join(ref[start:end])}"
                ] += max(end - start, 1)
    return right, total, wrong


def main(cmd: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uthmani", type=Path, nargs="+", required=True)
    parser.add_argument("--modern", type=Path, nargs="+", required=True)
    parser.add_argument(
        "--show", type=int, default=20, help="most frequent differences"
    )
    args = parser.parse_args(cmd)
    verses, modern = read_verses(args.uthmani), read_verses(args.modern)
    table = load_language("ar").data["modern_spelling"]
    lists = Normalizer("ar", orthography="modern").normalize
    bare = ModernSpelling({**table, "words": {}, "stems": {"\0": ""}})
    plain = Normalizer("ar").normalize

    def without_lists(text: str) -> str:
        return plain(re.sub(r"\S+", lambda found: bare.respell(found[0]), text))

    variants = {
        "orthography=keep": plain,
        "modern, rules and words without alef only": without_lists,
        "modern": lists,
    }
    for name, normalize in variants.items():
        right, total, wrong = compare(normalize, verses, modern)
        print(f"{name}: {right:,} of {total:,} words, {100 * right / total:.2f} %")
    for difference, count in wrong.most_common(args.show):
        print(f"    {count} {difference}")
    unchanged, total, _ = compare(lists, modern, modern)
    print(f"modern spelling given: {unchanged:,} of {total:,} words unchanged")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
