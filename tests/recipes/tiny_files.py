"""Compare two runs of the tiny recipe: all files must agree, except times of day."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from tiny_runs import list_paths

# Not compared: files about a run and not about its result.
LEFT_OUT = re.compile(
    r".*\.log(\.\d+)?|.*/(logdir|tensorboard|images)/.*|.*/report\.(html|png)"
    r"|.*/tuned/tune\.(tsv|png)|.*/export_hf/README\.md"  # have times
)
# Of checkpoint.pth's record of epochs, of meta.yaml in the archive, of stamps.
TIMED_KEY = re.compile(r".*time.*|started|elapsed_s|host")
# Their hash, which a stamp holds, depends on the time; they are compared themselves.
TIMED_FILE = re.compile(r".*((RESULTS|README)\.md|\.zip|report\.(html|png)|train\.log)")


def list_differences(recipe: Path, expected: Path) -> list[str]:
    """Return in which files two recipes differ, and how.

    Text, audio, tables and configs count byte for byte; links by their targets; model
    files, checkpoint.pth and the archive by names and values; stamps and RESULTS.md
    without times. Logs, TensorBoard's files and plots do not count.
    """
    found = {path for path in list_paths(recipe) if not LEFT_OUT.fullmatch(path)}
    wanted = {path for path in list_paths(expected) if not LEFT_OUT.fullmatch(path)}
    differences = [f"{path} is missing" for path in sorted(wanted - found)]
    differences += [f"{path} is new" for path in sorted(found - wanted)]
    for path in sorted(found & wanted):
        mine, other = describe(recipe / path), describe(expected / path)
        if mine != other:
            keys = [k for k in mine | other if mine.get(k) != other.get(k)]
            differences.append(f"{path} differs: {', '.join(keys[:5])}")
    return differences


def describe(path: Path) -> dict[str, Any]:
    """Return the content of a file that is compared, as a flat mapping."""
    if path.is_symlink():
        return {"link": path.readlink()}
    if path.suffix in (".pth", ".pt"):
        return dict(flatten(_load(path)))
    if path.suffix == ".stamp":
        return dict(_flatten_stamp(json.loads(path.read_text(encoding="utf-8"))))
    if path.suffix == ".zip":
        return dict(_flatten_archive(path))
    if path.name == "RESULTS.md":
        return {"text": _without_date(path.read_text(encoding="utf-8"))}
    return {"bytes": path.read_bytes()}


def flatten(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings and lists by name, except times."""
    if isinstance(value, dict):
        items: list[tuple[Any, Any]] = list(value.items())
        yield f"{name}: order", [str(key) for key, _ in items]
    elif isinstance(value, list | tuple):
        items = list(enumerate(value))
        yield f"{name}: length", len(items)
    else:
        yield name, _leaf(value)
        return
    for key, item in items:
        if not TIMED_KEY.fullmatch(str(key)):
            yield from flatten(item, f"{name}/{key}")


def _leaf(value: Any) -> Any:
    if hasattr(value, "untyped_storage"):  # a tensor
        return str(value.dtype), tuple(value.shape), value.numpy().tobytes()
    return repr(value)  # a NaN is a NaN


def _load(path: Path) -> Any:
    import torch

    return torch.load(path, map_location="cpu", weights_only=False)


def _flatten_stamp(stamp: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    del stamp["run"]  # a name of the run, drawn at random
    for kind in ("inputs", "outputs"):
        stamp[kind] = {
            name: "" if TIMED_FILE.fullmatch(name) else (file["sha256"], file["size"])
            for name, file in stamp[kind].items()
        }
    yield from flatten(stamp)


def _flatten_archive(path: Path) -> Iterator[tuple[str, Any]]:
    with zipfile.ZipFile(path) as archive:
        yield "names", archive.namelist()
        for name in archive.namelist():
            content = archive.read(name)
            if name == "meta.yaml":
                yield from flatten(yaml.safe_load(content), name)
            elif name.endswith("RESULTS.md"):
                yield name, _without_date(content.decode("utf-8"))
            elif not LEFT_OUT.fullmatch(name):
                yield name, content


def _without_date(results: str) -> list[str]:
    return [line for line in results.splitlines() if not line.startswith("- date:")]
