"""The rules of a language, read from its YAML and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from hamzaban.text.rules_chars import (
    LANGUAGES_DIR,
    read_chars,
    read_map,
    read_string,
    read_yaml,
)

GENERAL = "general"
PROFILES = ("train", "score")
FOLD_STEPS = ("ligatures", "forms", "invisible")
SKELETON_STEPS = ("skeletons", "annotations")  # these act before NFC, too
COMPOSE_STEPS = ("pairs", "positions")  # these still see tatweel, ZWNJ and ZWJ
TABLE_STEPS = (
    *("letters", "marks", "joiners", "digits"),
    *("punctuation", "case", "spaces"),
)
FINISH_STEPS = ("words", "zwnj", "numbers", "boundaries", "spelling", "last")
STEPS = (*FOLD_STEPS, *SKELETON_STEPS, *COMPOSE_STEPS, *TABLE_STEPS, *FINISH_STEPS)
POSITIONS = ("isolated", "final", "initial", "medial", "nonfinal", "final_isolated")

_RULE_KEYS = {
    *("name", "step", "profile", "certainty", "reason", "map", "chars", "to"),
    *("except", "pairs", "position", "pattern", "replace", "needs", "use", "when"),
    *("examples", "adjacent"),
    "words",
}


@dataclass(frozen=True)
class Option:
    """A choice that a language leaves open.

    Attributes:
        values: The values to choose from.
        defaults: The default value of each profile.
        reason: Reason to choose one value or another.
        score_only: Values that the profile train refuses.
    """

    values: tuple[str, ...]
    defaults: Mapping[str, str]
    reason: str
    score_only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One rule: a map of characters, of pairs, a pattern, or a named function.

    Attributes:
        name: Unique within the language.
        step: The step in which it acts, one of `STEPS`.
        profile: `train` rules act in both profiles, `score` rules in score after them,
            `both` rules in each of the two passes.
        certainty: `C` certain, `V` a convention.
        reason: The reason of the rule, for readers.
        chars: Replacements by character.
        pairs: Replacements by sequence of two characters.
        position: The position in a joined word at which `chars` acts; "" for all.
        pattern: A regular expression; `:name:` in it stands for a class.
        replace: Its replacement.
        words: Words in which `chars` acts, spelled as after the change.
        needs: Groups of characters; a text that matches the pattern has one of each.
        is_adjacent: In each match, a character of the first of two groups stands before
            one of the second.
        use: The name of a function, for what a pattern cannot express.
        when: The values of options that switch the rule on.
        examples: Pairs of input and output.
    """

    name: str
    step: str
    profile: str = "train"
    certainty: str = "C"
    reason: str = ""
    chars: Mapping[str, str] = field(default_factory=dict)
    pairs: Mapping[str, str] = field(default_factory=dict)
    position: str = ""
    pattern: str = ""
    replace: str = ""
    words: str = ""
    needs: tuple[str, ...] = ()
    is_adjacent: bool = False
    use: str = ""
    when: Mapping[str, str] = field(default_factory=dict)
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Language:
    """The contents of a language's YAML, with the rules of those it extends."""

    code: str
    name: str
    version: int
    options: Mapping[str, Option]
    rules: tuple[Rule, ...]
    data: Mapping[str, Any]


@cache
def language_codes() -> dict[str, str]:
    """Return the codes that corpora use, each with the code of our YAML."""
    codes = read_yaml(LANGUAGES_DIR / "_codes.yaml")
    return {alias: code for code, text in codes.items() for alias in text.split()}


def known_languages() -> list[str]:
    """Return the codes of the languages that have a YAML."""
    return sorted(path.stem for path in LANGUAGES_DIR.glob("[a-z]*.yaml"))


def resolve_language(lang: str) -> str:
    """Return the ISO 639 code of a corpus's language tag, such as `fas` or `ar-EG`.

    The code of a language without a YAML is `general`.

    Examples:
        >>> [resolve_language(tag) for tag in ("fas", "ar-EG", "pa-Arab", "sw")]
        ['fa', 'ar', 'pnb', 'general']
    """
    tag = lang.strip().lower().replace("_", "-")
    codes = language_codes()
    for key in (tag, "-".join(tag.split("-")[:2]), tag.split("-")[0]):
        code = codes.get(key, key)
        if (LANGUAGES_DIR / f"{code}.yaml").is_file() and code[:1].isalpha():
            return code
    return GENERAL


@cache
def load_language(code: str) -> Language:
    """Read `languages/<code>.yaml` and the YAMLs that it extends.

    Raises:
        FileNotFoundError: There is no such YAML.
        ValueError: A key, a step, a name or an option in it is wrong.
    """
    path = LANGUAGES_DIR / f"{code}.yaml"
    if not path.is_file():
        known = ", ".join(known_languages())
        raise FileNotFoundError(f"{path}: no rules for {code!r}; known: {known}")
    data = read_yaml(path)
    options: dict[str, Option] = {}
    rules: dict[str, Rule] = {}
    if "extends" in data:
        parent = load_language(data["extends"])
        options.update(parent.options)
        rules.update((rule.name, rule) for rule in parent.rules)
        data = {**parent.data, "alphabet": "", "examples": [], **data}
    for name in data.get("remove", ()):
        if rules.pop(name, None) is None:
            raise ValueError(f"{path}: remove names the unknown rule {name!r}")
    for name, entry in (data.get("options") or {}).items():
        options[name] = _read_option(path, name, entry)
    for entry in data.get("rules") or ():
        rule = _read_rule(path, entry)
        rules[rule.name] = rule
    _check_conditions(path, rules.values(), options)
    title = data.get("name", code)
    version = int(data.get("version", 1))
    return Language(code, title, version, options, tuple(rules.values()), data)


def choose_options(
    language: Language, profile: str, chosen: Mapping[str, str]
) -> dict[str, str]:
    """Return the chosen options, completed with the defaults of a profile.

    Raises:
        ValueError: An option or a value is unknown.
    """
    for name, value in chosen.items():
        if name not in language.options:
            known = ", ".join(language.options) or "none"
            raise ValueError(
                f"option {name!r} is unknown for {language.code}; known: {known}"
            )
        if value not in language.options[name].values:
            known = ", ".join(language.options[name].values)
            raise ValueError(f"{name}={value} is unknown; known values: {known}")
    return {
        name: chosen.get(name, option.defaults[profile])
        for name, option in language.options.items()
    }


def rules_in_force(
    language: Language, profile: str, options: Mapping[str, str]
) -> list[Rule]:
    """Return the rules of a profile that the options switch on, in order of steps."""
    rules = [
        rule
        for rule in language.rules
        if rule.profile in (profile, "both")
        and all(options[name] in v.split("|") for name, v in rule.when.items())
    ]
    return sorted(rules, key=lambda rule: STEPS.index(rule.step))


def _read_option(path: Path, name: str, entry: Mapping[str, Any]) -> Option:
    values = tuple(str(value) for value in entry["values"])
    default = entry["default"]
    defaults = (
        default if isinstance(default, dict) else dict.fromkeys(PROFILES, default)
    )
    if set(defaults) != set(PROFILES) or not set(defaults.values()) <= set(values):
        raise ValueError(f"{path}: option {name}: default {default!r} is not a value")
    score_only = tuple(entry.get("score_only", ()))
    return Option(values, defaults, entry["reason"], score_only)


def _read_rule(path: Path, entry: Mapping[str, Any]) -> Rule:
    name = entry.get("name")
    place = f"{path}: rule {name!r}"
    unknown = set(entry) - _RULE_KEYS
    if unknown or not name or entry.get("step") not in STEPS:
        raise ValueError(
            f"{place}: keys {sorted(unknown)}, step {entry.get('step')!r}; "
            f"known steps: {', '.join(STEPS)}"
        )
    if entry.get("position", POSITIONS[0]) not in POSITIONS:
        raise ValueError(f"{place}: known positions: {', '.join(POSITIONS)}")
    examples = tuple((str(a), str(b)) for a, b in entry.get("examples", ()))
    pairs = {read_string(k): read_string(v) for k, v in entry.get("pairs", {}).items()}
    needs = entry.get("needs", [])
    needs = [needs] if isinstance(needs, str) else needs
    plain = {
        key: str(entry[key])
        for key in (
            "profile",
            "certainty",
            "reason",
            "position",
            "pattern",
            "use",
            "words",
        )
        if key in entry
    }
    return Rule(
        name=name,
        step=entry["step"],
        chars=dict(read_map(entry)),
        pairs=pairs,
        replace=read_string(entry.get("replace", "")),
        is_adjacent=bool(entry.get("adjacent", False)),
        needs=tuple("".join(read_chars(group)) for group in needs),
        when={k: str(v) for k, v in entry.get("when", {}).items()},
        examples=examples,
        **plain,
    )


def _check_conditions(path: Path, rules: Any, options: Mapping[str, Option]) -> None:
    for rule in rules:
        for name, values in rule.when.items():
            known = options[name].values if name in options else ()
            if not set(values.split("|")) <= set(known):
                raise ValueError(
                    f"{path}: rule {rule.name!r} asks for {name}={values}, "
                    "which no option declares"
                )
