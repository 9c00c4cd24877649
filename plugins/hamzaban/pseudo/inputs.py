"""List the files that a config names, so that a change of them is noticed."""

from __future__ import annotations

import os
from pathlib import Path

from hamzaban.config import read_config
from hamzaban.decode.spelling import MAPPING_DIR, find_mapping
from hamzaban.decode.word_forms import split_form


def list_inputs(config: Path, number: int | None = None) -> list[Path]:
    """List the files that a config of pseudo-label or decode-asr reads.

    Args:
        config: The YAML.
        number: The round that `{round}` in `filters: others` stands for; None leaves
            the other decodings out.

    Returns:
        The bases of the config, the table that `mapping` names with its bases, and the
        other decodings that exist.

    Raises:
        FileNotFoundError: The config, a base or the table is missing.
        ValueError: A file is malformed.
    """
    if not config.is_file():
        raise FileNotFoundError(f"{config}: no such config")
    if not config.read_bytes().strip():
        return []
    values, files = read_config(config)
    found = files[:-1]
    if name := values.get("mapping"):
        kind, _ = split_form(name)
        table = find_mapping(kind or name)
        assert table is not None
        found += [_shorten(file) for file in read_config(table)[1]]
    if number is not None:
        others = (values.get("filters") or {}).get("others") or []
        paths = (Path(str(path).format(round=number)) for path in others)
        found += [path for path in paths if path.exists()]
    return found


def _shorten(table: Path) -> Path:
    """Return a table of the package by a relative path, which holds if all is moved."""
    is_ours = table.is_absolute() and MAPPING_DIR in table.parents
    return Path(os.path.relpath(table)) if is_ours else table
