"""Compile the rules of a language to steps: few and fast, or one for each rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hamzaban.text.rules import (
    COMPOSE_STEPS,
    FINISH_STEPS,
    FOLD_STEPS,
    SKELETON_STEPS,
    TABLE_STEPS,
    Rule,
)
from hamzaban.text.rules_chars import unicode_classes
from hamzaban.text.rules_context import Neighbours, Positions
from hamzaban.text.rules_steps import (
    CharTable,
    Edited,
    Pattern,
    SparseMap,
    Step,
    char_class,
)
from hamzaban.text.rules_unicode import Nfc, Spaces, composites

Function = Callable[[Mapping[str, Any]], Step]
_CLASS = re.compile(r":(\w+):")


@dataclass(frozen=True)
class NamedStep:
    """A step and the name of its rule; the steps `nfc` and `spaces` have no rule."""

    name: str
    step: Edited


def compile_rules(
    rules: Sequence[Rule], data: Mapping[str, Any], functions: Mapping[str, Function]
) -> list[Step]:
    """Compile the rules of one profile into as few steps as possible.

    Args:
        rules: The rules in force, in the order of their steps.
        data: The YAML of the language, for rules that use a function.
        functions: The functions that rules name by `use`.

    Returns:
        Steps that carry out the rules, to be applied in order.
    """
    steps: list[Step] = []
    fold = [rule for rule in rules if rule.step in FOLD_STEPS]
    table = [rule for rule in rules if rule.step in TABLE_STEPS]
    if chars := fuse([rule.chars for rule in fold]):
        steps.append(SparseMap(chars))
    steps += [_pattern(rule) for rule in fold if rule.pattern]
    steps += _each(rules, SKELETON_STEPS, data, functions)
    merged = _merge_pairs([rule for rule in rules if rule.step in COMPOSE_STEPS])
    compose = _each(merged, COMPOSE_STEPS, data, functions)
    chars = fuse([rule.chars for rule in table])
    steps += [Neighbours(rule.pairs) for rule in merged if rule.pairs]
    steps += [Nfc(_list_harmless(chars, compose)), *compose, CharTable(chars), Nfc()]
    steps += _each(rules, FINISH_STEPS, data, functions)
    return [*steps, Spaces()]


def compile_named(
    rules: Sequence[Rule], data: Mapping[str, Any], functions: Mapping[str, Function]
) -> list[NamedStep]:
    """Compile the rules of one profile one by one, to see what each does.

    Args:
        rules: As for `compile_rules`.
        data: As for `compile_rules`.
        functions: As for `compile_rules`.

    Returns:
        Steps that together do the same as those of `compile_rules`.
    """
    named: list[NamedStep] = []
    groups = (FOLD_STEPS, SKELETON_STEPS, COMPOSE_STEPS, TABLE_STEPS, FINISH_STEPS)
    for steps in groups:
        chosen = [rule for rule in rules if rule.step in steps]
        if steps == FOLD_STEPS:  # here maps come before patterns
            chosen.sort(key=lambda rule: bool(rule.pattern))
        named += [NamedStep(r.name, _compile(r, data, functions)) for r in chosen]
        if steps == SKELETON_STEPS:
            pairs = [r for r in rules if r.pairs and r.step in COMPOSE_STEPS]
            named += [NamedStep(r.name, Neighbours(r.pairs)) for r in pairs]
        if steps in (SKELETON_STEPS, TABLE_STEPS):
            named.append(NamedStep("nfc", Nfc()))
    return [*named, NamedStep("spaces", Spaces())]


def _list_harmless(chars: Mapping[str, str], compose: Sequence[Step]) -> frozenset[str]:
    """Return the marks that are deleted and neither compose nor concern other rules."""
    return frozenset(
        mark
        for mark in unicode_classes()["marks"]
        if chars.get(mark) == ""
        and mark not in composites()
        and not any(step.concerns(mark) for step in compose)
    )


def fuse(maps: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return one map that does what several maps of characters do in order."""
    fused: dict[str, str] = {}
    for chars in maps:
        for char, old in fused.items():
            if len(old) == 1:
                fused[char] = chars.get(old, old)
            elif old:
                fused[char] = "".join(chars.get(c, c) for c in old)
        for char, new in chars.items():
            fused.setdefault(char, new)
    return {char: new for char, new in fused.items() if char != new}


def expand_classes(pattern: str) -> str:
    """Return a pattern in which named classes, as `[:joins_left:]`, are written out."""
    classes = unicode_classes()

    def expand(found: re.Match[str]) -> str:
        if found[1] not in classes:
            known = ", ".join(classes)
            raise ValueError(f"pattern {pattern!r}: {found[0]}; known classes: {known}")
        return char_class(classes[found[1]])[1:-1]

    return _CLASS.sub(expand, pattern)


def _each(
    rules: Sequence[Rule],
    steps: Sequence[str],
    data: Mapping[str, Any],
    functions: Mapping[str, Function],
) -> list[Step]:
    return [_compile(rule, data, functions) for rule in rules if rule.step in steps]


def _compile(
    rule: Rule, data: Mapping[str, Any], functions: Mapping[str, Function]
) -> Step:
    if rule.position:
        return Positions(rule.chars, rule.position)
    if rule.words:
        return _words(rule)
    if rule.chars:
        return SparseMap(rule.chars)
    if rule.pairs:
        return _pairs(rule.pairs)
    if rule.pattern:
        return _pattern(rule)
    if rule.use in functions:
        return functions[rule.use](data)
    raise ValueError(
        f"rule {rule.name!r} does nothing; give chars, pairs, pattern, or use "
        f"(known: {', '.join(functions)})"
    )


def _pattern(rule: Rule) -> Pattern:
    return Pattern(
        expand_classes(rule.pattern),
        rule.replace,
        map(set, rule.needs),
        is_adjacent=rule.is_adjacent,
    )


def _pairs(pairs: Mapping[str, str]) -> Pattern:
    """Return a step that joins letter and mark, also if other marks stand between."""
    all_marks = unicode_classes()["marks"]
    letters: dict[frozenset[str], str] = {}  # letters by the marks that join them
    for letter in dict.fromkeys(pair[0] for pair in pairs):
        own = frozenset(pair[1] for pair in pairs if pair[0] == letter)
        letters[own] = letters.get(own, "") + letter
    alternatives = (
        f"{char_class(group)}{char_class(all_marks - own)}*{char_class(own)}"
        for own, group in letters.items()
    )

    def join(found: re.Match[str]) -> str:
        text = found[0]
        return pairs[text[0] + text[-1]] + text[1:-1]

    marks = frozenset(pair[1] for pair in pairs)
    return Pattern("|".join(alternatives), join, [marks], "".join(pairs.values()))


def _merge_pairs(rules: Sequence[Rule]) -> list[Rule]:
    """Merge neighbouring rules that join letters with the same marks."""
    merged: list[Rule] = []
    for rule in rules:
        marks = {pair[1] for pair in rule.pairs}
        if merged and marks and {pair[1] for pair in merged[-1].pairs} == marks:
            first = merged.pop()
            rule = replace(first, pairs={**rule.pairs, **first.pairs})
        merged.append(rule)
    return merged


def _words(rule: Rule) -> Pattern:
    """Return a step that changes listed words, whichever letters spell them."""
    typed: dict[str, str] = {}
    for char, letter in rule.chars.items():
        typed[letter] = typed.get(letter, letter) + char
    spellings = {
        "".join(f"[{typed[c]}]" if c in typed else c for c in word)
        for word in rule.words.split()
    }

    def respell(found: re.Match[str]) -> str:
        return "".join(rule.chars.get(c, c) for c in found[0])

    pattern = "|".join(sorted(spellings, key=len, reverse=True))
    ends = f"(?<![\\w\u200c])(?:{pattern})(?![\\w\u200c:arabic_marks:])"
    made = "".join(rule.chars.values())
    return Pattern(expand_classes(ends), respell, map(set, rule.needs), made)
