"""Our normalizer passes every case by which the documentation compares normalizers."""

import case_tables
import pytest

from hamzaban.text import Normalizer
from hamzaban.text.rules import known_languages

MIN_CASES = {"fa": 50, "ar": 50, "ur": 50}
# Languages that add little to the general rules, or nothing.
FEW_CASES = {"az", "de", "en", "hi", "sw", "tr"}


@pytest.mark.slow
@pytest.mark.parametrize("lang", case_tables.list_languages())
def test_cases(lang):
    normalizers = {p: Normalizer(lang, p) for p in ("train", "score")}
    failures = [
        failure
        for case in case_tables.read_cases(lang)
        if (
            failure := case_tables.describe_failure(
                case, normalizers[case.profile].normalize
            )
        )
    ]
    assert not failures, "\n".join(failures)


def test_every_language_has_cases():
    assert {*known_languages()} - {*case_tables.list_languages()} == {"general"}


def test_there_are_enough_cases():
    for lang in set(case_tables.list_languages()) - FEW_CASES:
        assert len(list(case_tables.read_cases(lang))) >= MIN_CASES.get(lang, 20)
