"""Apply arguments such as `--max_epoch 2` to the values of a config."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hamzaban.yaml_loader import parse_yaml


def apply_words(values: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """Return the values of a config, overridden by those of a command line.

    This is a simple reading, for checks before ESPnet's parser sees the arguments. It
    knows `--name value`, `--name=value`, and `--conf name.below=value`.

    Args:
        values: The values of the config.
        words: Words of the command line.

    Examples:
        >>> apply_words({"x_conf": {"a": 1}}, ["--x_conf", "a=[]", "--max_epoch", "2"])
        {'x_conf': {'a': []}, 'max_epoch': 2}
    """
    found = copy.deepcopy(dict(values))
    for name, texts in _group(words):
        for text in texts:
            key, equals, value = text.partition("=")
            if name.endswith("_conf") and equals:
                _set(found, [name, *key.split(".")], _parse(value))
            else:
                found[name] = _parse(text)
        if name == "best_model_criterion":
            found[name] = list(texts)
    return found


def _group(words: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    name, texts = "", list[str]()
    for word in words:
        if word.startswith("--"):
            if name:
                yield name, texts
            name, equals, value = word.removeprefix("--").partition("=")
            texts = [value] if equals else []
        else:
            texts.append(word)
    if name:
        yield name, texts


def _set(values: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    for key in keys[:-1]:
        if not isinstance(values.get(key), dict):
            values[key] = {}
        values = values[key]
    values[keys[-1]] = value


def _parse(text: str) -> Any:
    try:
        return parse_yaml(text, "words") if text.strip() else text
    except ValueError:
        return text
