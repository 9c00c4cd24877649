"""Normalize text by the rules of a language, a profile and its options."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from hamzaban.text.offsets import Edit, Span, apply_edits, identity_spans
from hamzaban.text.presets import Preset, PresetStep, find_preset, list_presets
from hamzaban.text.rules import (
    GENERAL,
    PROFILES,
    TABLE_STEPS,
    Language,
    Rule,
    choose_options,
    load_language,
    resolve_language,
    rules_in_force,
)
from hamzaban.text.rules_chars import read_chars
from hamzaban.text.rules_compile import NamedStep, compile_named, compile_rules, fuse
from hamzaban.text.rules_fast import FastPass
from hamzaban.text.rules_functions import FUNCTIONS
from hamzaban.text.rules_steps import Edited
from hamzaban.text.rules_unicode import check_no_surrogate

TABLES = ("numbers", "modern_spelling")  # of the YAML, which functions read
ENGINE = 1  # raise it when new code makes the same rules give another result


@dataclass(frozen=True)
class Change:
    """The change that one rule made to a text.

    Attributes:
        rule: The name of the rule.
        before: The text before it.
        after: The text after it.
        edits: Replacements of parts of `before`.
    """

    rule: str
    before: str
    after: str
    edits: tuple[Edit, ...]


class Normalizer:
    """Normalizes text of one language for one purpose.

    Attributes:
        lang: The ISO 639 code of the rules in use, or `general`.
        profile: `train` or `score`.
        options: The value of every option of the language.
        id: Name, version and a hash of everything that the result depends on.
        alphabet: The characters of clean, normalized text of the language; None if its
            YAML has no alphabet.

    Examples:
        >>> normalizer = Normalizer("fa")
        >>> normalizer.normalize("كتاب ۱۲")
        'کتاب 12'
        >>> normalizer.id.split(":")[0]
        'fa-train/2'
    """

    options: dict[str, str]
    passes: list[list[Rule]]
    _steps: Sequence[Edited]
    _line: list[Callable[[str], str]]

    def __init__(self, lang: str, profile: str = "train", **options: str) -> None:
        """Load and compile the rules.

        Args:
            lang: A language tag as corpora write it: `fa`, `fas`, `ar-EG`.
            profile: `train` keeps what distinguishes words, `score` is lenient; or a
                preset, another project's normalizer (see `presets`).
            **options: Choices that the YAML of the language offers.

        Raises:
            ValueError: The profile, an option, or its value is unknown.
        """
        self._made_by = (lang, profile, tuple(options.items()))
        code = resolve_language(lang)
        preset = find_preset(profile, lang if code == GENERAL else code)
        if profile not in PROFILES and preset is None:
            known = ", ".join([*PROFILES, *list_presets()])
            raise ValueError(f"profile {profile!r} is unknown; known: {known}")
        if code == GENERAL != lang and preset is None:
            logging.info("no text rules for %r: using the general ones", lang)
        self.language = load_language(code)
        self.lang = code
        self.profile = profile
        self._preset = preset
        if preset is not None:
            self._use_preset(preset, options)
        else:
            self._use_rules(options)

    def _use_rules(self, options: Mapping[str, str]) -> None:
        self.options = choose_options(self.language, self.profile, options)
        if self.profile != PROFILES[-1]:
            _refuse_score_options(self.language, options)
        self.passes = [
            rules_in_force(self.language, p, choose_options(self.language, p, options))
            for p in PROFILES[: PROFILES.index(self.profile) + 1]
        ]
        lenient = rules_in_force(self.language, PROFILES[-1], self.options)
        equal = fuse(rule.chars for rule in lenient if rule.step in TABLE_STEPS)
        self._data = {**self.language.data, "lenient": equal}
        self.id = _make_id(self.language, self.profile, self.options, self.passes)
        self.alphabet = _read_alphabet(self.language, self.options)
        compiled = [
            compile_rules(rules, self._data, FUNCTIONS) for rules in self.passes
        ]
        self._steps = [step for steps in compiled for step in steps]
        self._line = [FastPass(steps).apply for steps in compiled]

    def _use_preset(self, preset: Preset, options: Mapping[str, str]) -> None:
        if options:
            raise ValueError(
                f"preset {preset.name} has no options, {', '.join(options)} given; "
                "leave them out"
            )
        self.options, self.passes, self.id = {}, [], preset.id
        defaults = choose_options(self.language, PROFILES[0], {})
        self.alphabet = _read_alphabet(self.language, defaults)
        self._steps = [PresetStep(preset)]
        self._line = [preset.normalize]

    def normalize(self, text: str) -> str:
        """Normalize a text, in which line ends count as white space.

        Raises:
            ValueError: The text has a lone surrogate.
        """
        if "\n" in text:
            text = text.replace("\n", " ")
        for apply in self._line:
            text = apply(text)
        return text

    def normalize_lines(self, text: str) -> str:
        """Normalize lines separated by `\n`; their number stays the same.

        Raises:
            ValueError: The text has a lone surrogate.
        """
        lines: Iterable[str] = text.split("\n")
        for apply in self._line:
            lines = map(apply, lines)
        return "\n".join(lines)

    def normalize_with_offsets(self, text: str) -> tuple[str, list[Span]]:
        """Normalize a text, and return where each character of the result came from.

        Args:
            text: The text; line ends in it are white space.

        Returns:
            The normalized text, and the span [start, end) in `text` of each of its
            characters; starts and ends never decrease. Text in no span was deleted. A
            character with an empty span was inserted there.

        Raises:
            ValueError: The text has a lone surrogate.
        """
        check_no_surrogate(text)
        spans = identity_spans(text)
        text = text.replace("\n", " ")
        for step in self._steps:
            edits = list(step.edits(text))
            if edits:
                text, spans = apply_edits(text, spans, edits)
        return text, spans

    def explain(self, text: str) -> Iterator[Change]:
        """Yield the changes that each rule, in order, makes to a text.

        Raises:
            ValueError: The text has a lone surrogate.
        """
        check_no_surrogate(text)
        text = text.replace("\n", " ")
        for named in self._named:
            edits = tuple(named.step.edits(text))
            if edits:
                after, _ = apply_edits(text, identity_spans(text), edits)
                if after != text:
                    yield Change(named.name, text, after, edits)
                text = after

    @cached_property
    def _named(self) -> list[NamedStep]:
        if self._preset is not None:
            return [NamedStep(self._preset.name, PresetStep(self._preset))]
        return [
            step
            for rules in self.passes
            for step in compile_named(rules, self._data, FUNCTIONS)
        ]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments; another process compiles the rules once."""
        return get_normalizer, self._made_by

    def __repr__(self) -> str:
        """Return the class name with the id."""
        return f"Normalizer({self.id!r})"


@lru_cache(maxsize=32)
def get_normalizer(
    lang: str, profile: str = "train", options: tuple[tuple[str, str], ...] = ()
) -> Normalizer:
    """Return the normalizer for these arguments; equal arguments share one object.

    Raises:
        ValueError: As for `Normalizer`.
    """
    return Normalizer(lang, profile, **dict(options))


def _refuse_score_options(language: Language, options: Mapping[str, str]) -> None:
    for name, value in options.items():
        if value in language.options[name].score_only:
            raise ValueError(
                f"{name}={value} changes what is written and is for scoring only; "
                "choose profile score or another value"
            )


def _make_id(
    language: Language,
    profile: str,
    options: Mapping[str, str],
    passes: list[list[Rule]],
) -> str:
    tables = [
        (r.name, r.step, r.chars, r.pairs, r.position, r.pattern, r.replace, r.words)
        for rules in passes
        for r in rules
    ]
    data = [language.data[key] for key in TABLES if key in language.data]
    content = json.dumps([ENGINE, tables, data, options], sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:6]
    return f"{language.code}-{profile}/{language.version}:{digest}"


def _read_alphabet(
    language: Language, options: Mapping[str, str]
) -> frozenset[str] | None:
    """Return the letters of the YAML and those that options add."""
    entry = language.data.get("alphabet")
    if not entry:
        return None
    alphabet = set(" ") | set("".join(entry["letters"].split()))
    alphabet.update(read_chars(entry.get("also", "")))
    for condition, chars in entry.get("options", {}).items():
        name, _, value = condition.partition("=")
        if options[name] == value:
            alphabet.update(read_chars(chars))
    return frozenset(alphabet)
