"""Fetch models from the hub into the cache of its client.

HF_HOME, HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE have the meaning that they have for
the client.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from hamzaban.hub.faults import explained
from hamzaban.hub.names import HubName, parse_name

SAFE = ("model.safetensors", "model.safetensors.index.json", "model-*.safetensors")
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json", "pytorch_model-*.bin")
TOKENIZER = "tokenizer_config.json"
# The other files that we read, and what a reader wants to have beside them.
BESIDE = (
    *("config.json", "*config.json", "vocab.json", "vocab.txt", "*.yaml"),
    *("added_tokens.json", "special_tokens_map.json", "*.model", "tokens.txt"),
    *("README.md", "LICENSE*"),
)


def locate(model: str | Path, extra: Sequence[str] = ()) -> Path:
    """Return the path of a model, which is fetched if it is a name on the hub.

    Args:
        model: A path, which need not exist, or a name on the hub.
        extra: Patterns of more files of the model to fetch.

    Returns:
        The path that was given, or that of the model in the cache of the hub.

    Raises:
        ValueError: The hub has no such model, or cannot be reached.
    """
    path = Path(model)
    name = None if path.exists() else parse_name(str(model))
    return path if name is None else fetch(name, extra)


def fetch_with_adapter(model: str | Path, language: str = "") -> Path:
    """Return the path of a model as `locate` does, with the adapter of a language.

    Without a language the adapter is that of the model's own `target_lang`, if any.

    Args:
        model: A path or a name on the hub.
        language: As in the names of adapters, such as fas.

    Raises:
        ValueError: The hub has no such model, or cannot be reached.
    """
    folder = locate(model)
    if folder == Path(model) or not folder.is_dir():
        return folder
    tokenizer = folder / TOKENIZER
    if not language and tokenizer.is_file():
        with contextlib.suppress(ValueError, AttributeError):  # the reader reports it
            settings = json.loads(tokenizer.read_text(encoding="utf-8"))
            language = str(settings.get("target_lang") or "")
    if not re.fullmatch(r"[\w-]+", language, re.ASCII):
        return folder
    found = locate(model, [f"adapter.{language}.safetensors"])
    if not (found / f"adapter.{language}.safetensors").is_file():
        found = locate(model, [f"adapter.{language}.bin"])
    return found


def fetch(name: HubName, extra: Sequence[str] = ()) -> Path:
    """Return the folder or file of a model in the cache, downloaded if needed.

    Of weights in several forms only safetensors are fetched.

    Args:
        name: The model.
        extra: Patterns of more files to fetch.

    Raises:
        ValueError: The hub has no such model, or the cache lacks a file of it and the
            hub cannot be reached.
    """
    from huggingface_hub import hf_hub_download, snapshot_download

    revision = name.revision or None
    with explained(str(name), name.repo, name.revision):
        if name.file:
            return Path(hf_hub_download(name.repo, name.file, revision=revision))
        folder = Path()
        for weights in (SAFE, PICKLED):
            patterns = [*weights, *BESIDE, *extra]
            folder = Path(
                snapshot_download(name.repo, revision=revision, allow_patterns=patterns)
            )
            if any(next(folder.glob(pattern), None) for pattern in weights):
                break
        return folder
