"""Normalizer: profiles, options, ids, offsets, explanations, errors."""

import logging
import subprocess
import sys

import pytest

from hamzaban.text import Normalizer
from hamzaban.text.rules import known_languages, load_language
from hamzaban.text.rules_fast import FastPass

ZWNJ = "\u200c"


@pytest.mark.slow
def test_id_is_readable_and_changes_with_profile_options_and_language():
    ids = {
        Normalizer("fa").id,
        Normalizer("fa", "score").id,
        Normalizer("fa", ezafe="keep").id,
        Normalizer("ar").id,
    }
    assert len(ids) == 4
    assert {i.partition(":")[0] for i in ids} == {
        "fa-train/2",
        "fa-score/2",
        "ar-train/2",
    }
    assert Normalizer("fas", ezafe="drop").id == Normalizer("fa").id


def test_id_is_the_same_in_another_process():
    code = "from hamzaban.text import Normalizer; print(Normalizer('ur', 'score').id)"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == Normalizer("ur", "score").id


def test_importing_the_package_does_not_import_the_rules():
    code = "import sys, hamzaban.text; sys.exit('hamzaban.text.rules' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_language_without_rules_gets_the_general_ones_and_a_log_line(caplog):
    with caplog.at_level(logging.INFO):
        normalizer = Normalizer("sw")
    assert normalizer.lang == "general"
    assert normalizer.alphabet is None
    assert len([r for r in caplog.records if "'sw'" in r.message]) == 1


@pytest.mark.parametrize(
    ("lang", "profile", "options", "message"),
    [
        ("fa", "trian", {}, "profile 'trian' is unknown; known: train, score"),
        ("fa", "train", {"afix": "join"}, "option 'afix' is unknown for fa; known: "),
        ("fa", "train", {"affix": "glue"}, "affix=glue is unknown; known values: keep"),
        ("fa", "train", {"numbers": "equal"}, "numbers=equal .* is for scoring only"),
    ],
)
def test_unknown_names_and_values_are_refused(lang, profile, options, message):
    with pytest.raises(ValueError, match=message):
        Normalizer(lang, profile, **options)


def test_lone_surrogate_is_refused_with_its_place():
    normalizer = Normalizer("fa")
    for function in (normalizer.normalize, normalizer.normalize_with_offsets):
        with pytest.raises(
            ValueError, match=r"character 3 is the lone surrogate U\+D8"
        ):
            function("اب\ud800")


def test_lines_stay_lines_and_line_ends_within_a_text_are_spaces():
    normalizer = Normalizer("fa")
    text = "a\u2028b \r\n\n ،\n\u0085c\x0bd"
    assert normalizer.normalize_lines(text).split("\n") == ["a b", "", "", "c d"]
    assert normalizer.normalize(text) == "a b c d"


@pytest.mark.parametrize(
    ("text", "output", "spans"),
    [
        ("كتاب", "کتاب", [(0, 1), (1, 2), (2, 3), (3, 4)]),
        ("«مَن»  تو!", "من تو", [(1, 2), (3, 4), (4, 5), (7, 8), (8, 9)]),
        ("\ufefb\ufdf2", "لاالله", [(0, 1)] * 2 + [(1, 2)] * 4),
        ("ی\u0654ا", "ئا", [(0, 2), (2, 3)]),
        ("5دل", "5 دل", [(0, 1), (1, 1), (1, 2), (2, 3)]),
        ("۱٬۰۰۰", "1000", [(0, 1), (2, 3), (3, 4), (4, 5)]),
        ("", "", []),
        ("!؟", "", []),
    ],
)
def test_offsets_lead_back_to_the_input(text, output, spans):
    assert Normalizer("fa").normalize_with_offsets(text) == (output, spans)


def test_explain_names_the_rules_in_order():
    changes = list(Normalizer("fa").explain("كتاب ۱۲"))
    assert [change.rule for change in changes] == ["kaf", "digits"]
    assert changes[0].edits == ((0, 1, "ک"),)
    assert changes[-1].after == "کتاب 12"


def test_score_is_more_lenient_than_train_where_the_rules_say_so():
    text = f"مسئله می{ZWNJ}رود"
    assert Normalizer("fa").normalize(text) == text
    assert Normalizer("fa", "score").normalize(text) == "مسیله می رود"


def test_alphabet_follows_options():
    assert ZWNJ in Normalizer("fa").alphabet
    assert ZWNJ not in Normalizer("fa", zwnj="space").alphabet
    assert "ۀ" in Normalizer("fa", ezafe="keep").alphabet


@pytest.mark.slow
def test_rules_act_at_their_position_in_the_word():
    normalize = Normalizer("ckb").normalize
    assert normalize("هه ههه ه") == "ھە ھھە ە"
    assert normalize("ه\u064eب ه\u0640 ه\u200d") == "ھب ھ ھ"
    assert normalize("ده\u200cڵێم") == "دەڵێم"


@pytest.mark.parametrize("lang", ["fa", "ur", "general"])
def test_more_characters_than_the_code_page_holds_change_nothing(lang):
    normalizer = Normalizer(lang)
    first = normalizer._line[0].__self__
    assert isinstance(first, FastPass)
    text = "كتاب " + " ".join(map(chr, range(0x4E00, 0x4E00 + 400))) + " علي😀ﷲ"
    slow = Normalizer(lang)
    expected = slow._line[0].__self__._apply_all(text)
    assert normalizer.normalize(text) == expected
    assert normalizer.normalize("كتاب علي 12") == slow._line[0].__self__._apply_all(
        "كتاب علي 12"
    )


@pytest.mark.slow
@pytest.mark.parametrize("lang", known_languages())
def test_every_option_makes_a_difference(lang):
    text = (
        "كأة هە ۀ ١٢ می روم را وو گل یهاں ۍ ئۂ علی ﷺ don't واً ب\u064e شيء و من ي "
        "می\u200cروم دو ى ٱلۡكِتَٰبُ"
    )
    for name, option in load_language(lang).options.items():
        outputs = {
            (profile, Normalizer(lang, profile, **{name: value}).normalize(text))
            for value in option.values
            for profile in ("train", "score")
            if profile == "score" or value not in option.score_only
        }
        assert len(outputs) > 2, name
