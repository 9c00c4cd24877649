"""Words that one side writes in parts, as the Open ASR Leaderboard joins them."""

import pytest

from hamzaban.bin import score_text
from hamzaban.score.compounds import join_compounds
from hamzaban.score.trn import Pair
from hamzaban.text import Normalizer


@pytest.mark.parametrize(
    ("ref", "hyp", "joined"),
    [
        ("a b c", "ab c", ("ab c", "ab c")),
        ("ab c", "a b c", ("ab c", "ab c")),
        ("x a b", "y ab", ("x a b", "y ab")),  # the stretch x a b, y ab differs
        ("a b", "a b", ("a b", "a b")),
        ("a b", "", ("a b", "")),
        ("a b q c d", "ab q cd", ("ab q cd", "ab q cd")),
    ],
)
def test_stretches_of_equal_letters_become_one_word(ref, hyp, joined):
    (pair,) = join_compounds([Pair("(s-u)", ref.split(), hyp.split())])
    assert (" ".join(pair.ref), " ".join(pair.hyp)) == joined


def test_the_profile_joins_words_but_not_characters(tmp_path, capsys):
    (tmp_path / "ref").write_text("u1 کتاب خانه بزرگ\n", "utf-8")
    (tmp_path / "hyp").write_text("u1 کتابخانه بزرگ\n", "utf-8")
    words = ["--ref", tmp_path / "ref", "--hyp", tmp_path / "hyp", "--lang", "fa"]
    words += ["--score_profile", "hf-multilingual", "--scorer", "own"]
    assert score_text.main([str(word) for word in words]) == 0
    wer, cer = capsys.readouterr().out.splitlines()[:2]
    assert "WER 0.00 % of 2 words" in wer
    assert wer.endswith("+unit+case_kept+compounds")
    assert "CER 7.14 % of 14 characters" in cer


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("می\u200cروم، خانه!", "میروم خانه"),
        ("Straße [x] (y) Ærø", "strasse aero"),
        ("ك\u064eتاب ۱۲", "كتاب ۱۲"),
        ("a_b", "a b"),
        ("  ", ""),
    ],
)
def test_the_multilingual_normalizer_deletes_what_is_no_word(text, normalized):
    assert Normalizer("fa", "hf-multilingual").normalize(text) == normalized
