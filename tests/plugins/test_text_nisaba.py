"""Our rules and the tests of nisaba's visual norms: where they differ is ruled."""

import json

import nisaba_tables
import pytest

from hamzaban.text import document
from hamzaban.text.rules import load_language

pytestmark = pytest.mark.slow

# Each has a ruling in the YAML of its language.
RULED = {
    "ar": {"ف"},
    "ks": {"أ"},
    "pnb": {"اکهاڑ"},
    "sd": {"كان", "كلائيا", "ميكرا"},
    "ug": {"وَرَسُوُلُهٗ"},
}
LANGUAGES = ("ar", "ckb", "fa", "ks", "pnb", "ps", "sd", "ug", "ur")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_exactly_the_ruled_tests_of_nisaba_differ(lang):
    found = {before for before, _ in nisaba_tables.list_disagreements(lang)}
    assert found == RULED.get(lang, set())
    assert not found or load_language(lang).data["rulings"]


def test_the_table_of_agreement_is_up_to_date():
    measured = json.loads(document.MEASURED.read_text(encoding="utf-8"))["nisaba"]
    assert set(measured) == set(LANGUAGES)
    for lang, found in measured.items():
        assert found["tests"] == len(nisaba_tables.read_pairs(lang))
        assert found["agree"] == nisaba_tables.count_agreeing(lang)


def test_the_page_has_every_ruling():
    measured = json.loads(document.MEASURED.read_text(encoding="utf-8"))
    page = document.format_page(measured)
    for lang in LANGUAGES:
        for ruling in load_language(lang).data.get("rulings", []):
            assert " ".join(ruling["reason"].split()) in page
