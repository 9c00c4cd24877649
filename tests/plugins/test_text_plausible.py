"""Signs that a text was not heard: other scripts, loops, long words."""

import json

import pytest

from hamzaban.bin import score_text
from hamzaban.config import read_dataclass
from hamzaban.pseudo.filters import FilterOptions, apply
from hamzaban.pseudo.label import Label
from hamzaban.report.parts import Parts
from hamzaban.report.rows import Decoded, add_rows
from hamzaban.score.sclite import score_pairs
from hamzaban.score.trn import Pair
from hamzaban.text.plausible import (
    count_letters,
    find_letters,
    measure_fidelity,
    measure_longest,
    measure_loops,
)

# The first article of the Universal Declaration of Human Rights, its first words.
SENTENCES = {
    "ar": "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق",
    "fa": "تمام افراد بشر آزاد به دنیا می‌آیند و از لحاظ حیثیت و حقوق با هم برابرند",
    "ur": "تمام انسان آزاد اور حقوق و عزت کے اعتبار سے برابر پیدا ہوئے ہیں",
    "ps": "ټول بشر ازاد نړۍ ته راځي او د حيثيت او حقوقو له پلوه سره برابر دي",
}


@pytest.mark.parametrize("lang", SENTENCES)
def test_a_sentence_fits_the_alphabet_of_its_language(lang):
    assert measure_fidelity(SENTENCES[lang], lang) >= 0.98


@pytest.mark.parametrize(
    ("lang", "other"),
    [("ar", "fa"), ("ar", "ur"), ("ar", "ps"), ("fa", "ar"), ("ur", "ar"), ("ur", "fa")]
    + [("ur", "ps"), ("ps", "ar"), ("ps", "fa"), ("ps", "ur")],
)
def test_a_sentence_of_another_language_has_foreign_letters(lang, other):
    """Persian in Urdu letters is not told apart: Urdu has all letters of Persian."""
    assert measure_fidelity(SENTENCES[lang], other) < 0.98


def test_latin_letters_are_foreign_but_digits_and_marks_do_not_count():
    letters = find_letters("fa")
    assert count_letters("کتاب book 12 ؟", letters) == (4, 8)
    assert count_letters("کِتاب\u200c!", letters) == (4, 4)
    assert measure_fidelity("12 !", "fa") == 1.0


def test_a_language_without_alphabet_has_no_letters():
    assert find_letters("general") == frozenset()


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("", 0.0),
        ("very very good", 0.0),  # twice is speech
        ("no no no", 2 / 3),
        ("thank you thank you thank you", 4 / 6),
        ("a b a b c a b a b", 0.0),
        ("x y z x y z x y z x y z end", 9 / 13),
        ("a a a b b b", 4 / 6),
    ],
)
def test_loops_are_sequences_that_stand_three_times_in_a_row(text, share):
    assert measure_loops(text.split()) == pytest.approx(share)


def test_longest_word():
    assert measure_longest(["a", "abc", "ab"]) == 3
    assert measure_longest([]) == 0


def test_labels_of_another_language_and_loops_are_dropped():
    labels = [
        Label("fa", SENTENCES["fa"]),
        Label("ar", SENTENCES["ar"]),
        Label("loop", "خب " * 9),
        Label("long", "آ" * 41),
    ]
    rules = {
        "lang": "fa",
        "bounds": {
            "script_fidelity": {"min": 0.95},
            "repeated_share": {"max": 0.2},
            "longest_word": {"max": 40},
        },
    }
    options = read_dataclass(FilterOptions, rules, "pseudo.yaml: filters")
    assert apply(labels, options) == {
        "ar": "script_fidelity below min",
        "loop": "repeated_share above max",
        "long": "longest_word above max",
    }


@pytest.mark.parametrize("lang", ["", "general"])
def test_fidelity_without_an_alphabet_is_refused(lang):
    rules = {"lang": lang, "bounds": {"script_fidelity": {"min": 0.9}}}
    with pytest.raises(ValueError, match=f"script_fidelity found with lang '{lang}'"):
        read_dataclass(FilterOptions, rules, "pseudo.yaml: filters")


def test_scores_state_script_and_loops(tmp_path, capsys):
    (tmp_path / "ref").write_text(f"u1 {SENTENCES['fa']}\nu2 خب\n", "utf-8")
    (tmp_path / "hyp").write_text(f"u1 {SENTENCES['ur']}\nu2 {'خب ' * 5}\n", "utf-8")
    words = ["--ref", tmp_path / "ref", "--hyp", tmp_path / "hyp", "--lang", "fa"]
    assert score_text.main([str(w) for w in [*words, "--scorer", "own"]]) == 0
    printed = capsys.readouterr().out
    assert (
        "letters of hypotheses are not in the alphabet (references: 100.00%)" in printed
    )
    assert "loops in 1 of 2 hypotheses (50.00%)" in printed


def test_scores_without_loops_do_not_mention_them(tmp_path, capsys):
    (tmp_path / "ref").write_text("u1 a b c\n", "utf-8")
    words = ["--ref", tmp_path / "ref", "--hyp", tmp_path / "ref", "--scorer", "own"]
    assert score_text.main([str(word) for word in words]) == 0
    printed = capsys.readouterr().out
    assert "loops" not in printed
    assert "script" not in printed


@pytest.mark.parametrize(("hyp", "loops"), [("b b b", [0.667]), ("b c d", None)])
def test_the_report_has_a_column_of_loops_if_there_are_any(hyp, loops, tmp_path):
    scored = score_pairs([Pair("(s-u)", ["a"], hyp.split())])
    found = {}

    class Kept(Parts):
        def __init__(self):
            pass

        def add(self, key, value):
            found[key] = json.loads(json.dumps(value))

    add_rows(
        *(Kept(), "x", scored, ["u"]), decoded=Decoded(), durations_s={}, places={}
    )
    assert found["x-index"]["loops"] == loops
    assert found["x-index"]["longest"] is None
