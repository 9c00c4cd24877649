"""Signs that a text was not heard: other scripts, loops, words that are too long.

Recognizers with a language model of their own, such as Whisper, fall into loops or into
another language where they hear nothing. These metrics need no reference.
"""

import functools
import unicodedata
from collections import Counter
from collections.abc import Sequence

MAX_NGRAM = 6  # words that a loop repeats
MAX_WORD = 40  # characters; hardly a word of a spoken language is longer
MIN_RUNS = 3  # times that they must follow each other; two are common in speech


@functools.cache
def find_letters(lang: str) -> frozenset[str]:
    """Return the letters of a language's alphabet, without those of other scripts.

    Alphabets of other scripts accept Latin letters, for words of other languages. They
    are left out here.

    Args:
        lang: Code of the language.

    Returns:
        The letters; none if the language has no alphabet.
    """
    from hamzaban.text.audit import find_script, script_of
    from hamzaban.text.normalizer import Normalizer

    alphabet = Normalizer(lang, "train").alphabet or frozenset()
    script = find_script(alphabet)
    return frozenset(char for char in alphabet if script_of(char) in ("", script))


def count_letters(text: str, letters: frozenset[str]) -> tuple[int, int]:
    """Return how many letters of a text are in an alphabet, and how many it has.

    Marks, digits, punctuation and joiners do not count.

    Examples:
        >>> count_letters("یہ کتاب", frozenset("یہکتاب"))
        (6, 6)
        >>> count_letters("هذا book 3", frozenset("یہکتاب"))
        (1, 7)
    """
    counts = Counter(text)
    found = {c: n for c, n in counts.items() if unicodedata.category(c)[0] == "L"}
    inside = sum(n for c, n in found.items() if c in letters or c.lower() in letters)
    return inside, sum(found.values())


def measure_fidelity(text: str, lang: str) -> float:
    """Return the share of a text's letters that its language writes, 0..1.

    A text without letters has 1, since nothing in it is foreign.
    """
    inside, count = count_letters(text, find_letters(lang))
    return inside / count if count else 1.0


def measure_loops(words: Sequence[str]) -> float:
    """Return the share of words that only repeat what stands before them, 0..1.

    A loop is `MIN_RUNS` or more equal sequences of up to `MAX_NGRAM` words in a row.
    All of them but the first are repeats.

    Examples:
        >>> measure_loops("so so so it is".split())
        0.4
        >>> measure_loops("no no it is".split())
        0.0
        >>> round(measure_loops("a b c a b c a b c d".split()), 3)
        0.6
    """
    if len(words) - len(set(words)) < MIN_RUNS - 1:
        return 0.0
    repeated = [False] * len(words)
    for size in range(1, min(MAX_NGRAM, len(words) // MIN_RUNS) + 1):
        run = 0  # words in a row that equal the one `size` places before
        for place in range(size, len(words) + 1):
            if place < len(words) and words[place] == words[place - size]:
                run += 1
                continue
            if run >= size * (MIN_RUNS - 1):
                repeated[place - run : place] = [True] * run
            run = 0
    return sum(repeated) / len(words) if words else 0.0


def measure_longest(words: Sequence[str]) -> int:
    """Return the number of characters of the longest word."""
    return max(map(len, words), default=0)
