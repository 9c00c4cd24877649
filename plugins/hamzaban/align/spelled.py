"""Spell sentences in a model's tokens, and remember the raw spelling of each word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hamzaban.decode.spelling import fold_word, read_spelling
from hamzaban.text.normalizer import Normalizer
from hamzaban.text.offsets import Span
from hamzaban.text.tokens import SPACE, WORD_BOUNDARY, BpeTokenizer, Tokenizer


@dataclass(frozen=True)
class SpelledWord:
    """A word that the model can write.

    Attributes:
        raw: The word as the user wrote it, signs beside it included.
        ids: Its tokens.
    """

    raw: str
    ids: tuple[int, ...]


@dataclass(frozen=True)
class Spelled:
    """A sentence in a model's tokens.

    Attributes:
        text: The sentence as the user wrote it.
        place: File and line, or utt_id.
        words: Those of its words that the model can write.
    """

    text: str
    place: str
    words: tuple[SpelledWord, ...]

    @property
    def ids(self) -> list[int]:
        """Return all tokens of the sentence."""
        return [token for word in self.words for token in word.ids]


@dataclass
class Speller:
    """Spells sentences, and counts what the model cannot write.

    Attributes:
        tokenizer: Tokenizer of the model.
        normalizer: Rules that made the text the model was trained on.
        mapping: A name for `read_spelling`, where the model has other letters.
        lost: Characters that were ignored, with their counts.
    """

    tokenizer: Tokenizer
    normalizer: Normalizer
    mapping: str | None = None
    lost: Counter[str] = field(default_factory=Counter)

    def spell(self, sentences: Sequence[tuple[str, str]]) -> list[Spelled]:
        """Return sentences, given as text and place, in tokens.

        Raises:
            ValueError: The mapping is malformed, or a text has a lone surrogate.
            FileNotFoundError: The mapping is missing.
        """
        split = [split_words(text, self.normalizer) for text, _ in sentences]
        words = list(dict.fromkeys(word for pairs in split for word, _ in pairs))
        fold = self._make_fold(words)
        spelled = []
        for (text, place), pairs in zip(sentences, split, strict=True):
            kept = [(fold(word), raw) for word, raw in pairs]
            kept = [(word, raw) for word, raw in kept if word]
            ids = self._tokenize([word for word, _ in kept])
            found = zip((raw for _, raw in kept), ids, strict=True)
            spelled.append(
                Spelled(text, place, tuple(SpelledWord(r, i) for r, i in found if i))
            )
        return spelled

    def _make_fold(self, words: Sequence[str]) -> Callable[[str], str]:
        table, forms = read_spelling(self.mapping, words)
        known = frozenset(self.tokenizer.characters()) - {" "}

        def fold(word: str) -> str:
            if known.issuperset(word):
                return word
            folded = fold_word(forms.get(word, word), table, known, 1)
            if folded:
                return folded[0]
            self.lost.update(char for char in word if char not in known)
            return "".join(char for char in word if char in known)

        return fold

    def _tokenize(self, words: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the tokens of each word of a sentence."""
        tokens = self.tokenizer.text2tokens(" ".join(words)) if words else []
        is_bpe = isinstance(self.tokenizer, BpeTokenizer)
        groups: list[list[str]] = []
        for i, token in enumerate(tokens):
            if i == 0 or (is_bpe and token.startswith(WORD_BOUNDARY)):
                groups.append([])
            groups[-1].append(token)
            if token == SPACE and not is_bpe:
                groups.append([])
        if len(groups) != len(words):  # pieces across words: keep them with the first
            groups = [tokens, *([] for _ in words[1:])] if words else []
        unk = self.tokenizer.unk_id
        return [
            tuple(i for i in self.tokenizer.tokens2ids(group) if i != unk)
            for group in groups
        ]


def split_words(text: str, normalizer: Normalizer) -> list[tuple[str, str]]:
    """Return the normalized words of a text, each with its raw spelling.

    The raw spelling comes with the signs that stand beside it up to the next space.

    Examples:
        >>> split_words("«كتاب، ۱۲»", Normalizer("fa"))
        [('کتاب', '«كتاب،'), ('12', '۱۲»')]
    """
    plain, spans = normalizer.normalize_with_offsets(text)
    places: list[Span] = []
    words = plain.split()
    position = 0
    for word in words:
        position = plain.index(word, position)
        last = position + len(word) - 1
        places.append((spans[position][0], spans[last][1]))
        position = last + 1
    raws = []
    for i, (start, end) in enumerate(places):
        low = places[i - 1][1] if i else 0
        high = places[i + 1][0] if i + 1 < len(places) else len(text)
        while start > low and not text[start - 1].isspace():
            start -= 1
        while end < high and not text[end].isspace():
            end += 1
        raws.append(text[start:end])
    return list(zip(words, raws, strict=True))


def format_lost(lost: Mapping[str, int], limit: int = 8) -> str:
    """Return the commonest characters that were left out, for the log."""
    shown = sorted(lost.items(), key=lambda item: (-item[1], item[0]))[:limit]
    return " ".join(f"{char!r} ({count})" for char, count in shown)
