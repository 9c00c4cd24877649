"""Damage to the bytes of a file: what disks, editors, tables and other tools do."""

import json
import random
import unicodedata
from collections.abc import Callable
from typing import Any

import yaml

Mutation = Callable[[bytes, random.Random], bytes]
HTML = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head></html>\n"
LFS = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    b"size 12345\n"
)
FIELDS = (
    "", "0", "-1", "nan", "inf", "-inf", "1e400", "1e-400", "99999999999999999999",
    "true", "null", "[]", "{}", "../..", "/", "/dev/null", "a|b", "cat x |", "%s", "{}",
    "\u0000", "\u2028", "\u0085", "\r", "\ufeff", "\u202e", "\ud7ff", "۱۲", "é", "ﷺ",
    "x" * 70000,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 5, 10**12, 10**30, -0.5, 1e-9, float("nan"), float("inf"),
    "", "x", "1e-4", "none", "x" * 70000, "/dev/null", "..", "\u0000", "é", [], {},
    [[]], [None], ["x"], [1, 2, 3], {"x": 1}, {"x": {"y": []}}, {1: 2}, [float("nan")],
)  # fmt: skip


def mutate(data: bytes, kind: str, rng: random.Random) -> tuple[bytes, list[str]]:
    """Damage the bytes of a file once or twice.

    Args:
        data: The file.
        kind: `text`, `yaml`, `json` or `binary`.
        rng: Source of random numbers.

    Returns:
        The bytes, and the names of the changes.
    """
    names = []
    for _ in range(rng.choice((1, 1, 1, 2))):
        mutation = rng.choice(KINDS[kind])
        data = mutation(data, rng)
        names.append(mutation.__name__)
    return data, names


def _span(data: bytes, rng: random.Random, longest: int = 64) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.randint(1, longest))


def flip_bytes(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 32)) if data else 0):
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def flip_head(data: bytes, rng: random.Random) -> bytes:
    return flip_bytes(data[:128], rng) + data[128:]


def cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randint(0, len(data))]


def remove_bytes(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng)
    return data[:start] + data[end:]


def repeat_bytes(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng, 4096)
    return data[:end] + data[start:]


def insert_bytes(data: bytes, rng: random.Random) -> bytes:
    start, _ = _span(data, rng)
    return data[:start] + rng.randbytes(rng.choice((1, 2, 7, 512))) + data[start:]


def zero_bytes(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng, 4096)
    return data[:start] + bytes(end - start) + data[end:]


def fill_bytes(data: bytes, rng: random.Random) -> bytes:
    start, end = _span(data, rng, 8)
    return data[:start] + b"\xff" * (end - start) + data[end:]


def empty(data: bytes, rng: random.Random) -> bytes:
    return b""


def be_something_else(data: bytes, rng: random.Random) -> bytes:
    others = (HTML, LFS, b"\n", b"\0" * 4096, b"PK\3\4", b"\x1f\x8b\x08\0", b"\x80\2}.")
    return rng.choice((*others, rng.randbytes(4096)))


def add_bom(data: bytes, rng: random.Random) -> bytes:
    return b"\xef\xbb\xbf" + data


def use_crlf(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"\n", b"\r\n")


def use_cr(data: bytes, rng: random.Random) -> bytes:
    return data.replace(b"\n", b"\r")


def decompose(data: bytes, rng: random.Random) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    return unicodedata.normalize("NFD", text).encode("utf-8", "surrogateescape")


def use_utf16(data: bytes, rng: random.Random) -> bytes:
    return data.decode("utf-8", "replace").encode("utf-16")


def use_latin(data: bytes, rng: random.Random) -> bytes:
    return data.decode("utf-8", "replace").encode("cp1256", "replace") + b"\xe9\n"


def _change_lines(
    data: bytes, rng: random.Random, change: Callable[[list[bytes], int], None]
) -> bytes:
    lines = data.split(b"\n")
    change(lines, rng.randrange(len(lines)))
    return b"\n".join(lines)


def repeat_line(data: bytes, rng: random.Random) -> bytes:
    return _change_lines(data, rng, lambda lines, k: lines.insert(k, lines[k]))


def drop_line(data: bytes, rng: random.Random) -> bytes:
    return _change_lines(data, rng, lambda lines, k: lines.__delitem__(k))


def shuffle_lines(data: bytes, rng: random.Random) -> bytes:
    return _change_lines(data, rng, lambda lines, k: rng.shuffle(lines))


def blank_line(data: bytes, rng: random.Random) -> bytes:
    blank = rng.choice((b"", b" ", b"\t", b"x"))
    return _change_lines(data, rng, lambda lines, k: lines.insert(k, blank))


def replace_field(data: bytes, rng: random.Random) -> bytes:
    """Replace a word of a line, wherever the line divides into words."""
    lines = data.split(b"\n")
    k = rng.randrange(len(lines))
    separator = rng.choice([s for s in b'\t ,:"' if s in lines[k]] or [ord(" ")])
    fields = lines[k].split(bytes([separator]))
    fields[rng.randrange(len(fields))] = rng.choice(FIELDS).encode()
    lines[k] = bytes([separator]).join(fields)
    return b"\n".join(lines)


def repeat_column(data: bytes, rng: random.Random) -> bytes:
    separator = next((s for s in (b"\t", b",", b" ") if s in data), b" ")
    column = rng.randrange(4)
    lines = [line.split(separator) for line in data.split(b"\n")]
    lines = [[*line[: column + 1], *line[column:]] for line in lines]
    return b"\n".join(map(separator.join, lines))


def drop_column(data: bytes, rng: random.Random) -> bytes:
    separator = next((s for s in (b"\t", b",", b" ") if s in data), b" ")
    column = rng.randrange(4)
    lines = [line.split(separator) for line in data.split(b"\n")]
    return b"\n".join(separator.join(x[:column] + x[column + 1 :]) for x in lines)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value[:50])
    for key, below in items:
        found += _places(below, (*path, key))
    return found


def _replace(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    value[path[0]] = _replace(value[path[0]], path[1:], new)
    return value


def _change_value(value: Any, rng: random.Random) -> Any:
    path = rng.choice(_places(value))
    return _replace(value, path, rng.choice(VALUES))


def change_yaml(data: bytes, rng: random.Random) -> bytes:
    """Replace a value anywhere in a YAML by one of another type."""
    if b"&" in data:  # an earlier change may have made aliases that multiply
        return replace_field(data, rng)
    try:
        value = _change_value(yaml.safe_load(data), rng)
    except (yaml.YAMLError, ValueError, RecursionError):
        return replace_field(data, rng)
    return yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "replace")


def change_json(data: bytes, rng: random.Random) -> bytes:
    """Replace a value anywhere in a JSON file, or in one of its lines."""
    lines = data.split(b"\n")
    try:
        return json.dumps(_change_value(json.loads(data), rng)).encode()
    except (ValueError, RecursionError, TypeError):
        k = rng.randrange(len(lines))
    try:
        lines[k] = json.dumps(_change_value(json.loads(lines[k]), rng)).encode()
    except (ValueError, RecursionError, TypeError):
        return replace_field(data, rng)
    return b"\n".join(lines)


def nest(data: bytes, rng: random.Random) -> bytes:
    depth = rng.choice((200, 20000))
    name = rng.choice((b"[", b'{"a":'))
    close = b"]" if name == b"[" else b"}"
    return name * depth + b"1" + close * depth


def multiply_aliases(data: bytes, rng: random.Random) -> bytes:
    lines = [b"l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    for k in range(1, 12):
        lines.append(b"l%d: &l%d [%s]" % (k, k, b", ".join([b"*l%d" % (k - 1)] * 10)))
    return b"\n".join(lines) + b"\n" + data


def repeat_key(data: bytes, rng: random.Random) -> bytes:
    return data + b"\n" + data


BYTES: list[Mutation] = [
    flip_bytes, flip_head, cut, remove_bytes, repeat_bytes, insert_bytes, zero_bytes,
    fill_bytes, empty, be_something_else,
]  # fmt: skip
LINES: list[Mutation] = [
    add_bom, use_crlf, use_cr, decompose, use_utf16, use_latin, repeat_line, drop_line,
    shuffle_lines, blank_line, repeat_column, drop_column, replace_field, replace_field,
    replace_field, replace_field,
]  # fmt: skip
KINDS = {
    "binary": BYTES,
    "text": [*LINES, *LINES, *BYTES],
    "yaml": [*LINES, *BYTES, nest, multiply_aliases, repeat_key, *[change_yaml] * 20],
    "json": [*LINES, *BYTES, nest, repeat_key, *[change_json] * 20],
}
