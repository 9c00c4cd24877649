"""The page docs/text_rules.md: every rule of every language, its reason and its cost.

`python -m hamzaban.text.document` writes it from the YAMLs and measured.json, which
`tests/bench/measure_rules.py` makes from real text.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hamzaban.fileio import atomic_text
from hamzaban.text.normalizer import Normalizer
from hamzaban.text.presets import find_preset, list_presets
from hamzaban.text.rules import (
    PROFILES,
    STEPS,
    Language,
    Rule,
    load_language,
)
from hamzaban.text.rules_chars import LANGUAGES_DIR

PAGE = Path(__file__).parents[3] / "docs" / "text_rules.md"
MEASURED = Path(__file__).with_name("measured.json")
MAX_SOURCES = 24  # most characters listed for one result of a map
MAX_RESULTS = 12  # most results of a map that are listed
NOT_MEASURED = "not measured"
INTRO = """\
<!-- Written by python -m hamzaban.text.document; do not edit. -->
# The rules of text normalization

What normalization is for and how it is run: [text](../plugins/hamzaban/text/README.md).
How the rules of a language are written: [languages](languages.md).

- *Certain* rules follow from Unicode or from the orthography, which leave no choice.
- *A convention* is a choice that others make differently. Many are options.
- *Tokens changed* is the cost of a rule: the share of white-space separated tokens of
  real edited text that it changes. Rules are measured one after the other, in the order
  of their steps. Text from the web has more to change than edited text.
"""


def format_page(measured: Mapping[str, Any]) -> str:
    """Return the text of the page.

    Args:
        measured: What `measured.json` holds.
    """
    lines = [INTRO, *_format_cases(measured), "", *_format_agreement(measured), ""]
    lines += _format_presets()
    for code in list_documented():
        lines += ["", *_format_language(load_language(code), measured)]
    return "\n".join(lines) + "\n"


def list_documented() -> list[str]:
    """Return the codes of all YAMLs with rules, those that others extend first."""
    known = {
        path.stem
        for path in LANGUAGES_DIR.glob("*.yaml")
        if path.stem not in ("_codes", "_unicode")
    }
    shared = sorted(code for code in known if code.startswith("_"))
    shared.sort(key=lambda code: len(list(_ancestors(code))))
    first = [code for code in ("fa", "ar", "ur") if code in known]
    rest = sorted(code for code in known if code not in {*shared, *first, "general"})
    return [*shared, *first, *rest, "general"]


def _ancestors(code: str) -> Iterator[str]:
    parent = load_language(code).data.get("extends") if code else None
    while parent:
        yield parent
        parent = load_language(parent).data.get("extends")


def _own_rules(language: Language) -> list[Rule]:
    parent = next(_own_parents(language), None)
    inherited = {rule.name: rule for rule in parent.rules} if parent else {}
    rules = [rule for rule in language.rules if inherited.get(rule.name) != rule]
    return sorted(rules, key=lambda rule: STEPS.index(rule.step))


def _own_parents(language: Language) -> Iterator[Language]:
    for code in _ancestors(language.code):
        yield load_language(code)


def _format_language(language: Language, measured: Mapping[str, Any]) -> Iterator[str]:
    shared = language.code.startswith("_")
    title = language.code.strip("_").replace("_", " ") if shared else language.name
    yield f"## {'Shared: ' if shared else ''}{title}" + (
        "" if shared else f" ({language.code})"
    )
    yield ""
    parents = [code.strip("_").replace("_", " ") for code in _ancestors(language.code)]
    if parents:
        yield f"Includes the rules of: {', '.join(parents)}."
        removed = language.data.get("remove")
        if removed:
            yield f"Without: {', '.join(removed)}."
        yield ""
    if not shared:
        yield from _format_facts(language, measured)
    parent = next(_own_parents(language), None)
    known = parent.options if parent else {}
    for name, option in language.options.items():
        if known.get(name) == option:
            continue
        defaults = [f"{option.defaults[p]} in {p}" for p in PROFILES]
        values = ", ".join(option.values)
        yield f"- Option `{name}`: {values}; {', '.join(defaults)}. {option.reason}"
    if not shared:
        yield from _format_rulings(language)
    for rule in _own_rules(language):
        yield from _format_rule(rule, language.code, measured)


def _format_facts(language: Language, measured: Mapping[str, Any]) -> Iterator[str]:
    normalizer = Normalizer(language.code, "train")
    if normalizer.alphabet:
        letters = language.data["alphabet"]["letters"].split()
        yield f"Alphabet after normalization: {' '.join(letters)}"
        yield ""
    text = measured["texts"].get(language.code)
    if text:
        yield (
            f"Cost measured on {text['tokens']:,} tokens of {text['source']}, rules "
            f"`{text['id']}`."
        )
    else:
        yield "Cost: not measured, for want of text."
    yield ""


def _format_rule(rule: Rule, code: str, measured: Mapping[str, Any]) -> Iterator[str]:
    kind = {"C": "certain", "V": "a convention"}[rule.certainty]
    profiles = {"score": "score only", "both": "train, again in score"}
    profile = profiles.get(rule.profile, "train and score")
    when = "".join(f", with {name}={value}" for name, value in rule.when.items())
    yield ""
    yield f"### {rule.name}"
    yield ""
    yield f"Step {rule.step}; {kind}; {profile}{when}."
    if rule.reason:
        yield ""
        yield " ".join(rule.reason.split())
    yield ""
    for line in _describe_effect(rule):
        yield f"- {line}"
    for before, after in rule.examples[:2]:
        yield f"- Example: {_show(before)} becomes {_show(after)}"
    yield f"- Tokens changed: {_describe_cost(rule.name, code, measured)}"


def _describe_effect(rule: Rule) -> Iterator[str]:
    if rule.words:
        yield f"In {len(rule.words.split())} words listed in the YAML:"
    where = f", {rule.position.replace('_', ' or ')}" if rule.position else ""
    by_result: dict[str, list[str]] = {}
    for source, result in {**rule.chars, **rule.pairs}.items():
        by_result.setdefault(result, []).append(source)
    for result, sources in list(by_result.items())[:MAX_RESULTS]:
        shown = ", ".join(map(_name, sources[:MAX_SOURCES]))
        if len(sources) > MAX_SOURCES:
            shown += f", and {len(sources) - MAX_SOURCES} more"
        yield f"{shown} → {_name(result)}{where}"
    if len(by_result) > MAX_RESULTS:
        rest = sum(len(v) for v in list(by_result.values())[MAX_RESULTS:])
        yield f"and {rest} more characters, each to its own"
    if rule.pattern:
        pattern = " ".join(_escape(rule.pattern).split())
        yield f"Pattern `{pattern}` → {_name(_escape(rule.replace))}"


def _describe_cost(name: str, code: str, measured: Mapping[str, Any]) -> str:
    costs = measured["costs"]
    if not code.startswith("_"):
        return _percent(costs.get(code, {}).get(name))
    found = [f"{lang} {_percent(c[name])}" for lang, c in costs.items() if name in c]
    return ", ".join(found) or NOT_MEASURED


def _percent(share: float | None) -> str:
    if share is None:
        return NOT_MEASURED
    return f"{100 * share:.2f} %" if share else "none"


def _is_hidden(char: str) -> bool:
    return char != " " and unicodedata.category(char)[0] in "MCZ"


def _escape(text: str) -> str:
    shown = (f"\\u{ord(c):04X}" if _is_hidden(c) else c for c in text)
    return "".join(shown)


def _name(text: str) -> str:
    """Return a short string as code points, with the string itself if it is visible."""
    if not text:
        return "nothing"
    if len(text) > 6 or text.startswith("\\"):
        return f"`{text}`"
    points = " ".join(f"U+{ord(char):04X}" for char in text)
    return points if any(map(_is_hidden, text)) else f"{points} `{text}`"


def _show(text: str) -> str:
    points = " ".join(f"{ord(char):04X}" for char in text)
    return points if any(map(_is_hidden, text)) else f"`{text}` ({points})"


def _format_presets() -> Iterator[str]:
    yield "## Presets"
    yield ""
    yield "Normalizers of other projects, reproduced for scoring."
    yield ""
    yield "| profile | does what this does | its rules |"
    yield "|---|---|---|"
    langs = {"ar_oual": "ar"}
    for name in list_presets():
        preset = find_preset(name, langs.get(name, "fa"))
        assert preset is not None
        yield f"| `{preset.id}` | {preset.title} | {preset.source} |"


def _format_cases(measured: Mapping[str, Any]) -> Iterator[str]:
    yield "## Cases"
    yield ""
    yield "How many test cases of each language pass, here and in other normalizers."
    yield ""
    yield "| language | cases | ours | others, of the cases of the profile train |"
    yield "|---|---|---|---|"
    for lang, found in measured["cases"].items():
        peers = "; ".join(f"{name} {passed}" for name, passed in found["peers"].items())
        yield (
            f"| {lang} | {found['train']} train, {found['score']} score "
            f"| {found['ours_train']}, {found['ours_score']} | {peers} |"
        )


def _format_agreement(measured: Mapping[str, Any]) -> Iterator[str]:
    yield "## Agreement with nisaba"
    yield ""
    yield (
        "nisaba's visual norms map what looks the same to one encoding. A test of "
        "theirs agrees if its input and its output become the same text here, in "
        "train. The sections of the languages say why the others differ."
    )
    yield ""
    yield "| language | tests | agreed in version 1 | agree |"
    yield "|---|---|---|---|"
    for lang, found in measured["nisaba"].items():
        yield f"| {lang} | {found['tests']} | {found['before']} | {found['agree']} |"


def _format_rulings(language: Language) -> Iterator[str]:
    rulings = language.data.get("rulings", [])
    if rulings:
        yield ""
        yield "Where others rule differently:"
        yield ""
    for ruling in rulings:
        about, ours, reason = (
            " ".join(ruling[key].split()) for key in ("about", "ours", "reason")
        )
        yield f"- {about[0].upper()}{about[1:]}. Here: {ours}. {reason}"


def main() -> None:
    """Write the page into the repository of this package."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    with atomic_text(PAGE) as stream:
        stream.write(format_page(measured))


if __name__ == "__main__":
    main()
