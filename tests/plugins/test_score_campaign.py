"""A campaign of transcripts by Hypothesis: counts equal to those of NIST sclite.

Hypothesis draws whole files, so that it can shrink one that differs to a few words.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_score_like_sclite import (
    FRAGMENTS,
    OPTIONS,
    TAGGED,
    WORDS,
    compare,
    run_ours,
    run_sclite,
)

pytestmark = [pytest.mark.slow, pytest.mark.needs("sclite")]
EXAMPLES = 40  # files of each family, of 10 to 40 utterances


def join(words):
    return " ".join(words)


def make_texts(words, *, depth):
    """Return a strategy for transcripts with alternatives up to a depth."""
    plain = st.sampled_from([*words, "@"]) if depth else st.sampled_from(words)
    if not depth:
        return st.lists(plain, max_size=6).map(join)
    inner = make_texts(words, depth=depth - 1).map(lambda text: text or "@")
    choices = st.lists(inner, min_size=1, max_size=3)
    braces = choices.map(lambda found: "{ " + " / ".join(found) + " }")
    return st.lists(st.one_of(plain, plain, braces), max_size=4).map(join)


def make_optional(words):
    return [*words, *(f"({word})" for word in words)]


FAMILIES = {
    "words": ((), make_texts(WORDS, depth=0)),
    "words, case kept": (("-s",), make_texts([*WORDS, "A", "Ab"], depth=0)),
    "tags": ((), make_texts(TAGGED, depth=0)),
    "alternatives": ((), make_texts(WORDS, depth=1)),
    "nested alternatives": ((), make_texts(WORDS, depth=2)),
    "optional words": (("-D",), make_texts(make_optional(WORDS), depth=0)),
    "optional alternatives": (("-D",), make_texts(make_optional("abc"), depth=2)),
    "fragments": (("-F",), make_texts(FRAGMENTS, depth=0)),
    "fragments in alternatives": (("-F",), make_texts(FRAGMENTS, depth=2)),
    "all marks": (("-F", "-D"), make_texts(make_optional(FRAGMENTS), depth=2)),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_drawn_files_have_the_counts_of_sclite(family, tmp_path_factory):
    options, texts = FAMILIES[family]
    ours = [word for option in options for word in OPTIONS[option]]

    @settings(max_examples=EXAMPLES, deadline=None, database=None)
    @given(st.lists(st.tuples(texts, texts), min_size=10, max_size=40))
    def check(pairs):
        folder = tmp_path_factory.mktemp("files")
        for side, name in enumerate(("ref", "hyp")):
            lines = [f"{pair[side]} (s{u % 3}-{u})\n" for u, pair in enumerate(pairs)]
            (folder / f"{name}.trn").write_text("".join(lines), "utf-8")
        compare(
            run_sclite(folder, "ref.trn", "hyp.trn", "-i", "rm", *options),
            run_ours(folder, "ref.trn", "hyp.trn", *ours),
            folder,
        )

    check()
