"""Download models from the Hugging Face hub with its own client."""

from __future__ import annotations

import re
from pathlib import Path

FILES = [  # the files of a model that are read
    *("*.json", "vocab.txt", "*.safetensors", "pytorch_model*.bin"),
    *("adapter.*.bin", "*.model"),
]
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?")


def is_hub_name(name: str) -> bool:
    """Return whether a text has the form owner/name or owner/name@revision."""
    return _NAME.fullmatch(name) is not None


def fetch_model(name: str) -> Path:
    """Return the folder of a model in the cache of the hub, downloaded if needed.

    Args:
        name: owner/name or owner/name@revision. HF_HOME, HF_TOKEN, HF_ENDPOINT and
            HF_HUB_OFFLINE have the meaning that they have for the client.

    Raises:
        ValueError: The model is not in the cache and the hub cannot be reached, or the
            hub has no such model.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise ValueError(
            f"{name}: no such folder, and huggingface_hub is not installed to look for "
            "it on the hub; `pip install huggingface_hub`, or give a folder"
        ) from None
    model, _, revision = name.partition("@")
    try:
        folder = snapshot_download(
            model, revision=revision or None, allow_patterns=FILES
        )
    except Exception as error:  # the client raises many classes, of several packages
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise ValueError(
            f"{name}: no such folder here, and the hub gave no such model ({reason}); "
            "correct the name, or download it elsewhere and give its folder"
        ) from None
    return Path(folder)
