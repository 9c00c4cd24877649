"""The page docs/text_rules.md is generated from the rules."""

import json

import pytest

from hamzaban.text import document
from repository import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def measured():
    return json.loads(document.MEASURED.read_text(encoding="utf-8"))


def test_the_page_of_rules_is_up_to_date(measured):
    page = document.PAGE.read_text(encoding="utf-8")
    assert page == document.format_page(measured), (
        "run `python -m hamzaban.text.document` and commit the page"
    )


def test_the_page_is_in_docs_and_says_that_it_is_generated(measured):
    assert document.PAGE == ROOT / "docs" / "text_rules.md"
    assert "do not edit" in document.format_page(measured).splitlines()[0]


def test_the_page_has_every_rule_with_its_reason_and_cost(measured):
    page = document.format_page(measured)
    for code in document.list_documented():
        language = document.load_language(code)
        for rule in language.rules:
            assert f"### {rule.name}\n" in page
            assert " ".join(rule.reason.split()) in page
    assert page.count("- Tokens changed: ") == page.count("\n### ")
    assert "Cost: not measured" in page


def test_every_cost_belongs_to_an_existing_rule(measured):
    for code, costs in measured["costs"].items():
        known = {rule.name for rule in document.load_language(code).rules}
        assert set(costs) <= known, "measure again: tests/bench/measure_rules.py"
        assert all(0 <= share <= 1 for share in costs.values())
