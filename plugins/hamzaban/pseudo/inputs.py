"""Files that a config names: to be seen when they change, as the config itself is."""

from __future__ import annotations

import os
from pathlib import Path

from hamzaban.config import read_config
from hamzaban.decode.spelling import MAPPING_DIR, find_mapping
from hamzaban.decode.word_forms import split_form


def list_inputs(config: Path, number: int | None = None) -> list[Path]:
    """List what a config of pseudo-label or of decode-asr reads beside itself.

    Args:
        config: A YAML.
        number: The round, in whose place `{round}` stands in `filters: others`; None:
            those are left out.

    Returns:
        Its bases, the table that `mapping` names and the bases of that, and the other
        decodings that are there.

    Raises:
        FileNotFoundError: The config, a base or the table is missing.
        ValueError: A file is not of its form.
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
    """Give a table of the package as seen from here: the whole may be moved."""
    is_ours = table.is_absolute() and MAPPING_DIR in table.parents
    return Path(os.path.relpath(table)) if is_ours else table
