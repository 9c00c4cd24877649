"""Edit counts for monitoring."""

import random

import pytest
from rapidfuzz.distance import Levenshtein

from hamzaban.text.edits import Edits, count_edits


def draw_texts(rng, number):
    words = ["سلام", "دنیا", "خوب", "می‌روم", "a", "bb"]
    return [" ".join(rng.choices(words, k=rng.randint(0, 7))) for _ in range(number)]


@pytest.mark.parametrize("count_spaces", [False, True])
def test_counts_equal_the_edit_distances(count_spaces):
    rng = random.Random(3)
    refs, hyps = draw_texts(rng, 200), draw_texts(rng, 200)
    found = count_edits(refs, hyps, count_spaces=count_spaces)
    pairs = list(zip(refs, hyps, strict=True))
    chars = (
        pairs
        if count_spaces
        else [(r.replace(" ", ""), h.replace(" ", "")) for r, h in pairs]
    )
    assert found == Edits(
        sum(Levenshtein.distance(r.split(), h.split()) for r, h in pairs),
        sum(len(r.split()) for r in refs),
        sum(Levenshtein.distance(r, h) for r, h in chars),
        sum(len(r) for r, _ in chars),
    )


def test_spaces_at_the_ends_count_as_characters_if_asked():
    assert count_edits(["a b"], [" a b"], count_spaces=True) == (0, 2, 1, 3)
    assert count_edits(["a b"], [" a b"]) == (0, 2, 0, 2)


def test_no_texts_give_no_errors():
    assert count_edits([], []) == (0, 0, 0, 0)


def test_empty_texts_are_counted():
    assert count_edits(["", "a b"], ["c", ""]) == (3, 2, 3, 2)


def test_different_numbers_of_texts_are_an_error():
    with pytest.raises(ValueError, match="same number|length"):
        count_edits(["a", "b"], ["a"])
