"""Sclite's notation in transcripts: what it means, and how it is normalized."""

import pytest

from hamzaban.bin import score_text
from hamzaban.score.notation import (
    NULL_WORD,
    Marked,
    Notation,
    change_text,
    make_text,
    parse_words,
    split_text,
)
from hamzaban.score.tokens import split_chars


def score(folder, ref, hyp, *options):
    paths = []
    for name, text in (("ref.trn", ref), ("hyp.trn", hyp)):
        paths.append(folder / name)
        paths[-1].write_text(f"{text} (s-1)\n", encoding="utf-8")
    words = ["--ref", paths[0], "--hyp", paths[1], "--scorer", "own", *options]
    assert score_text.main([str(word) for word in words]) == 0


@pytest.mark.parametrize(
    ("ref", "hyp", "line"),
    [
        ("a { b / c d } e", "a c d e", "WER 0.00 % of 4 words"),
        ("a { uh / @ } e", "a e", "WER 0.00 % of 2 words"),
        ("a { b / { c / d } e }", "a d e", "WER 0.00 % of 3 words"),
        ("a b;tag", "a { x / b* }", "WER 0.00 % of 2 words"),
        ("a {b/c}", "a d", "WER 50.00 % of 2 words"),
    ],
)
def test_the_best_alternative_counts(tmp_path, capsys, ref, hyp, line):
    score(tmp_path, ref, hyp)
    assert capsys.readouterr().out.startswith(line)


def test_alternatives_are_normalized_one_by_one(tmp_path, capsys):
    score(tmp_path, "كتاب { نعم، / لا } ١", "کتاب لا 1", "--lang", "fa")
    assert capsys.readouterr().out.startswith("WER 0.00 % of 3 words")


def test_characters_of_alternatives_have_the_blanks_between_words():
    text = make_text(parse_words("ab { c d / e } f", ""))
    (choice,) = (u for u in split_text(text, split_chars) if isinstance(u, Notation))
    assert split_text(text, split_chars)[-2:] == ["<space>", "f"]
    assert choice.choices == (("<space>", "c", "<space>", "d"), ("<space>", "e"))
    first = split_text(make_text(parse_words("{ a / @ } b", "")), split_chars)
    assert first[0].choices == (("a", "<space>"), (NULL_WORD,))
    assert first[1:] == ["b"]


def test_text_without_notation_stays_plain():
    assert type(make_text(parse_words("a <U+007B> b", ""))) is str
    assert parse_words("a <U+007B>", "") == ["a", "{"]
    assert parse_words(r"a\;b", "") == ["a;b"]
    assert parse_words("a\u00a0b", "") == ["a\u00a0b"]  # sclite's blanks are ASCII


def test_a_literal_at_sign_is_no_null_word():
    (null,) = parse_words("@", "")
    (literal,) = parse_words("<U+0040>", "")
    assert null == NULL_WORD != literal == "@" != null
    assert len({null, literal}) == 2


def test_a_rule_that_deletes_an_alternative_leaves_no_word():
    text = change_text(
        Marked.make(parse_words("x { a / b }", "")), lambda t: t.strip("a")
    )
    assert text.tokens[1].choices == ((NULL_WORD,), ("b",))


def test_an_empty_alternative_is_left_out_and_said(caplog):
    (found,) = parse_words("{ a / }", "r.trn:7")
    assert found.choices == (("a",),)
    assert "r.trn:7: an empty alternative is left out" in caplog.text
