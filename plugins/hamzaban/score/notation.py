r"""Read sclite's notation in transcripts: alternatives, null words, tags, marks.

In a trn, stm or ctm file `{ a / b c / @ }` stands for the word a, the words b c, or no
word at all, whichever costs least; alternatives may be nested. `@` alone is a null
word, which costs nothing. `word;tag` and `word*` mean `word`; `\;` is a semicolon.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence

NULL = "@"
MAX_DEPTH = 50
# Characters that sclite 2.10 takes for its own notation, found by experiment: `;` and
# `\` (tags), `{` and `}` (alternatives; a lone brace crashes it), `*` (comments, marked
# words) and a bare `@` (a null word that costs nothing). Such a token is written with
# `<U+003B>` in place of the character, and `<U+` itself as `<U+003C>U+`.
# A byte order mark is escaped, too: at the head of a file it would not be read as text.
_SPECIAL = re.compile(r"[;\\{}*]|^@$|<(?=[uU]\+)|^\ufeff")
_ESCAPED = re.compile(r"<[uU]\+([0-9A-Fa-f]{4})>")
_WORD = re.compile(r"[^ \t\n\v\f\r]+")  # sclite's blanks are those of ASCII
_HAS_NOTATION = re.compile(r"[{}\\;]|\*(?:\s|$)|(?:^|\s)@(?:\s|$)")
_NO_WORD = ";"  # for a word that only has tags; to sclite it is an empty word
_FIRST_PART = re.compile(r"(?:\\;|[^;])*", re.DOTALL)


class Notation(str):
    """A null word or alternatives in a transcript; as a string, the notation itself.

    Attributes:
        choices: Alternatives, each a sequence of tokens; empty for a null word.
    """

    choices: tuple[tuple[str, ...], ...]

    @classmethod
    def make(cls, choices: Sequence[Sequence[str]]) -> "Notation":
        """Return the token for alternatives."""
        texts = [" ".join(map(escape_token, choice)) for choice in choices]
        token = cls("{ " + " / ".join(texts) + " }")
        token.choices = tuple(map(tuple, choices))
        return token

    def __eq__(self, other: object) -> bool:
        """Return whether the other is the same notation; a plain word is not."""
        return isinstance(other, Notation) and str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        """Return whether the other is not the same notation."""
        return not self == other

    def __hash__(self) -> int:
        """Return a hash."""
        return str.__hash__(self)


NULL_WORD = Notation(NULL)
NULL_WORD.choices = ()


class Heard(str):
    """A word of a ctm file and its confidence; None if it has none."""

    confidence: float | None = None


class Spoken(str):
    """The text of an utterance that also holds its words, some with a confidence.

    Attributes:
        tokens: The words.
    """

    tokens: list[str]


class Marked(Spoken):
    """The text of an utterance some of whose words are of type `Notation`."""

    @classmethod
    def make(cls, tokens: Sequence[str]) -> "Marked":
        """Return the text that consists of these tokens."""
        text = cls(" ".join(map(escape_token, tokens)))
        text.tokens = list(tokens)
        return text


def escape_token(token: str) -> str:
    """Return a token in a form that sclite reads literally; most do not change."""
    if isinstance(token, Notation):
        return token
    return _SPECIAL.sub(lambda found: f"<U+{ord(found.group()):04X}>", token)


def unescape_token(token: str) -> str:
    """Return the token that `escape_token` escaped."""
    return _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), token)


def is_special(token: str) -> bool:
    """Return whether `escape_token` would change a token."""
    return _SPECIAL.search(token) is not None


def has_notation(*sides: Sequence[str]) -> bool:
    """Return whether any token is of type `Notation`."""
    return any(isinstance(token, Notation) for tokens in sides for token in tokens)


def make_text(tokens: Sequence[str]) -> str:
    """Return the text of an utterance's tokens, of type `Marked` if one is notation."""
    if has_notation(tokens):
        return Marked.make(tokens)
    if not any(isinstance(token, Heard) for token in tokens):
        return " ".join(tokens)
    text = Spoken(" ".join(tokens))
    text.tokens = list(tokens)
    return text


def change_text(text: str, change: Callable[[str], str]) -> str:
    """Return a text after a change; in a marked text, only plain words change."""
    if not isinstance(text, Marked):
        return change(text)
    return Marked.make(split_text(text, lambda run: change(run).split()))


def split_text(text: str, split: Callable[[str], list[str]]) -> list[str]:
    """Return the units of a text; in a marked text, alternatives are split as well.

    If `split` puts a unit between two words, such as `<space>`, then each alternative
    that is not empty begins with this unit, or ends with it at the start of the text.
    """
    if not isinstance(text, Marked):
        return split(text)
    between = [unit for unit in split("a b") if unit not in "ab"]
    return _split_tokens(text.tokens, split, between)


def _split_tokens(
    tokens: Sequence[str], split: Callable[[str], list[str]], between: list[str]
) -> list[str]:
    parts = list(_join_runs(tokens))
    is_first_marked = isinstance(parts[0], Notation)
    units: list[str] = []
    for p, part in enumerate(parts):
        before = between if p > is_first_marked else []
        after = between if p == 0 < len(parts) - 1 and is_first_marked else []
        if not isinstance(part, Notation):
            units += [*before, *split(part)]
        elif part.choices:
            found = [_split_tokens(c, split, between) for c in part.choices]
            choices = [
                [*before, *c, *after] if set(c) - {NULL_WORD} else [NULL_WORD]
                for c in found
            ]
            units.append(Notation.make(choices))
        else:
            units.append(part)
    return units


def _join_runs(tokens: Sequence[str]) -> Iterator[str]:
    """Yield tokens that are notation, and each run of plain words as a text."""
    run: list[str] = []
    for token in tokens:
        if isinstance(token, Notation):
            if run:
                yield " ".join(run)
            yield token
            run = []
        else:
            run.append(token)
    if run:
        yield " ".join(run)


def parse_words(text: str, place: str, depth: int = 0) -> list[str]:
    """Return the tokens of a transcript in sclite's notation.

    Args:
        text: The words of a line, without its id.
        place: File and line, for messages.
        depth: Number of alternatives that enclose the text.

    Raises:
        ValueError: Braces do not match, or have no alternative.
    """
    if not _HAS_NOTATION.search(text):
        return list(map(unescape_token, _WORD.findall(text)))
    if depth > MAX_DEPTH:
        raise ValueError(
            f"{place}: alternatives nested over {MAX_DEPTH} deep; nest them less"
        )
    tokens: list[str] = []
    position = 0
    while found := _WORD.search(text, position):
        if found.group()[0] == "{":
            end = _find_end(text, found.start(), place) + 1
            choices = _split_choices(text[found.start() + 1 : end - 1])
            tokens.append(_parse_choices(choices, place, depth))
        else:
            end = found.end()
            tokens.append(_parse_word(found.group(), place))
        position = end
    return tokens


def _find_end(text: str, start: int, place: str) -> int:
    """Return the place of the brace that closes the one at `start`."""
    depth = 0
    for found in re.compile("[{}]").finditer(text, start):
        depth += 1 if found.group() == "{" else -1
        if depth == 0:
            return found.start()
    raise ValueError(
        f"{place}: '{text[start : start + 40].strip()}' opens alternatives that "
        "are never closed; expected { a / b }; write a literal brace as <U+007B>"
    )


def _split_choices(text: str) -> list[str]:
    """Return the alternatives between a pair of braces."""
    choices, depth, start = [], 0, 0
    for found in re.finditer("[{}/]", text):
        if found.group() == "/":
            if depth == 0:
                choices.append(text[start : found.start()])
                start = found.end()
        else:
            depth += 1 if found.group() == "{" else -1
    return [*choices, text[start:]]


def _parse_choices(choices: Sequence[str], place: str, depth: int) -> Notation:
    parsed = [parse_words(choice, place, depth + 1) for choice in choices]
    if not any(parsed):
        raise ValueError(
            f"{place}: braces without alternatives; expected {{ a / b }}; write @ for "
            "no word"
        )
    if not all(parsed):
        logging.warning(
            "%s: an empty alternative is left out, as in sclite; write @ for no word",
            place,
        )
    return Notation.make([choice for choice in parsed if choice])


def _parse_word(word: str, place: str) -> str:
    """Return the word without tags and marks."""
    if "{" in word or "}" in word:
        raise ValueError(
            f"{place}: '{word}' has a brace within a word; separate alternatives by "
            "blanks; write a literal brace as <U+007B> or <U+007D>"
        )
    if ";" in word or "\\" in word:
        part = _FIRST_PART.match(word)
        assert part is not None
        word = part.group().replace("\\", "") or _NO_WORD
    if len(word) > 1 and word.endswith("*"):
        word = word[:-1]
    return NULL_WORD if word == NULL else unescape_token(word)
