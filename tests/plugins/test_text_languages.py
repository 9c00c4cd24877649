"""The YAML of every language: its examples hold, and its parts agree."""

import itertools
import re

import pytest
import yaml

from hamzaban.text import Normalizer
from hamzaban.text.rules import (
    LANGUAGES_DIR,
    PROFILES,
    known_languages,
    load_language,
    resolve_language,
    rules_in_force,
)

LANGUAGES = known_languages()
ARABIC_SCRIPT = ("fa", "ar", "ur", "ps", "ckb", "ug", "sd", "pnb", "ks")
MIN_EXAMPLES = {"fa": 30, "ar": 30, "ur": 30}


def own_examples(lang):
    for example in load_language(lang).data["examples"]:
        before, after, *rest = example
        source, profile, options = [*rest, *["", "train", {}][len(rest) :]]
        yield before, after, source, profile, options


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_examples_of_languages_hold(lang):
    normalizers = {}
    for before, after, _, profile, options in own_examples(lang):
        key = profile, tuple(options.items())
        if key not in normalizers:
            normalizers[key] = Normalizer(lang, profile, **options)
        assert ascii(normalizers[key].normalize(before)) == ascii(after)


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_examples_of_rules_hold_under_their_options(lang):
    normalizers = {}
    for rule in load_language(lang).rules:
        profile = "score" if rule.profile == "score" else "train"
        options = {name: value.split("|")[0] for name, value in rule.when.items()}
        key = profile, tuple(options.items())
        for before, after in rule.examples:
            if key not in normalizers:
                normalizers[key] = Normalizer(lang, profile, **options)
            shown = ascii(normalizers[key].normalize(before))
            assert shown == ascii(after), rule.name


@pytest.mark.parametrize("lang", ARABIC_SCRIPT)
def test_there_are_enough_examples_and_each_has_a_known_source(lang):
    sources = [source for _, _, source, _, _ in own_examples(lang)]
    assert len(sources) >= MIN_EXAMPLES.get(lang, 15)
    assert set(sources) <= {"unicode", "cldr", "nisaba", "orthography", "ruling"}


@pytest.mark.parametrize("lang", ARABIC_SCRIPT)
def test_comments_give_the_code_points_of_examples(lang):
    text = (LANGUAGES_DIR / f"{lang}.yaml").read_text(encoding="utf-8")
    lines = text[text.index("\nexamples:") :].splitlines()[2:]
    comments, found = "", []
    for line in lines:
        if line.startswith("  #"):
            comments += line[3:]
        elif line.startswith("  - "):
            found.append(comments.strip().split(" > "))
            comments = ""
    for (before, after, *_), points in zip(own_examples(lang), found, strict=True):
        assert [" ".join(f"{ord(c):04X}" for c in s) for s in (before, after)] == points


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_rule_has_a_reason_and_a_certainty(lang):
    for rule in load_language(lang).rules:
        assert rule.reason.strip().endswith("."), rule.name
        assert rule.certainty in ("C", "V"), rule.name
        assert rule.profile in (*PROFILES, "both"), rule.name


@pytest.mark.slow
@pytest.mark.parametrize("lang", ARABIC_SCRIPT)
def test_alphabet_passes_unchanged_and_nothing_maps_out_of_it(lang):
    normalizer = Normalizer(lang)
    aspirated = "".join(load_language(lang).data["keep_apart"].get("aspirated", []))
    for char in normalizer.alphabet - {" ", "."}:
        framed = char if char.isalnum() else f"ب{char}ب"
        framed = f"ج{char}" if char in aspirated else framed
        assert normalizer.normalize(framed) == framed
    language = load_language(lang)
    for rule in rules_in_force(language, "train", normalizer.options):
        if rule.step in ("letters", "positions"):
            made = set("".join(rule.chars.values())) - set("abcdefghijklmnopqrstuvwxyz")
            made = set(normalizer.normalize("".join(made)))
            assert made <= normalizer.alphabet | {"ۀ", "\u065f"}, rule.name


@pytest.mark.slow
@pytest.mark.parametrize("lang", ARABIC_SCRIPT)
@pytest.mark.parametrize("profile", PROFILES)
def test_letters_that_must_differ_are_not_merged(lang, profile):
    normalize = Normalizer(lang, profile).normalize
    pairs = load_language(lang).data["keep_apart"]
    kept = pairs["both"] + (pairs.get("train", []) if profile == "train" else [])
    assert len(kept) >= 5
    for first, second in kept:
        for frame in ("{}", "ب{}", "{}ب", "ب{}ب", "و{}د"):
            outputs = {normalize(frame.format(char)) for char in (first, second)}
            assert len(outputs) == 2, (first, second, frame)
    placed = {
        "final": ("{}", "ب{}", "ب{} ب", "ب{}\u200cب"),
        "aspirated": ("ج{}", "ج{}ر", "اج{}ا", "ج{} ب"),
    }
    for where, frames in placed.items():
        for (first, second), frame in itertools.product(pairs.get(where, []), frames):
            outputs = {normalize(frame.format(char)) for char in (first, second)}
            assert len(outputs) == 2, (first, second, frame)


def test_unordered_letters_do_not_matter_where_a_rule_names_no_position():
    for lang in ARABIC_SCRIPT:
        for rule in load_language(lang).rules:
            assert not (rule.position and rule.step != "positions"), rule.name


@pytest.mark.parametrize(
    ("tag", "code"),
    [("fas", "fa"), ("per", "fa"), ("pes_IR", "fa"), ("ar-EG", "ar"), ("arz", "ar")]
    + [("urd", "ur"), ("pa-Arab", "pnb"), ("pan_Arab_PK", "pnb"), ("ckb-IQ", "ckb")]
    + [("kas_Arab", "ks"), ("tr-TR", "tr"), ("sw", "general"), ("_base", "general")],
)
def test_tags_of_corpora_find_their_language(tag, code):
    assert resolve_language(tag) == code


def test_codes_name_languages_and_are_listed_once():
    codes = yaml.safe_load((LANGUAGES_DIR / "_codes.yaml").read_text("utf-8"))
    assert set(codes) <= set(LANGUAGES)
    aliases = " ".join(codes.values()).split()
    assert len(aliases) == len(set(aliases))
    assert all(re.fullmatch("[a-z-]+", alias) for alias in aliases)
