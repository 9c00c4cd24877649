"""Follow characters through replacements of parts of a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Edit = tuple[int, int, str]  # the string replaces [start, end) of the text
Span = tuple[int, int]  # [start, end) in the input


def identity_spans(text: str) -> list[Span]:
    """Return the span of each character of a text that has not been changed."""
    return [(i, i + 1) for i in range(len(text))]


def apply_edits(
    text: str, spans: Sequence[Span], edits: Iterable[Edit]
) -> tuple[str, list[Span]]:
    """Replace parts of a text, and return where each character of the result came from.

    If a replacement is as long as what it replaces, characters are matched one by one.
    Otherwise the characters of a common prefix or suffix are matched one by one, and
    each other character is traced to the whole stretch between these. An inserted
    character has an empty span.

    Args:
        text: The text before.
        spans: The span in the input that each of its characters came from.
        edits: Replacements, in order and not overlapping.

    Returns:
        The text after, and its spans.
    """
    out: list[str] = []
    out_spans: list[Span] = []
    done = 0
    for start, end, replacement in edits:
        out += (text[done:start], replacement)
        out_spans += spans[done:start]
        out_spans += _spans_of(text, spans, (start, end, replacement))
        done = end
    out.append(text[done:])
    out_spans += spans[done:]
    return "".join(out), out_spans


def _spans_of(text: str, spans: Sequence[Span], edit: Edit) -> list[Span]:
    start, end, new = edit
    if len(new) == end - start:
        return list(spans[start:end])
    head = 0
    while start + head < end and head < len(new) and text[start + head] == new[head]:
        head += 1
    tail = 0
    while (
        tail < min(end - start, len(new)) - head
        and text[end - 1 - tail] == new[len(new) - 1 - tail]
    ):
        tail += 1
    middle = len(new) - head - tail
    span = _cover(spans, start + head, end - tail)
    kept = spans[end - tail : end] if tail else []
    return [*spans[start : start + head], *[span] * middle, *kept]


def _cover(spans: Sequence[Span], start: int, end: int) -> Span:
    if start < end:
        return spans[start][0], spans[end - 1][1]
    at = spans[start][0] if start < len(spans) else spans[-1][1] if spans else 0
    return at, at
