"""Pack a trained model into one archive, in the layout of ESPnet's model zoo."""

import dataclasses
import io
import logging
import platform
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from hamzaban.config import load_mapping
from hamzaban.config import read_config as read_yaml
from hamzaban.decode.calibration import CONFIDENCE, read_calibration
from hamzaban.decode.experiment import META, PACKED_LM, PACKED_SEARCH, find_named
from hamzaban.decode.recognizer import find_files, load_recognizer, read_config
from hamzaban.decode.search_options import read_inference
from hamzaban.fileio import atomic_path
from hamzaban.wav2vec2.finetuned_names import (
    CONFIG,
    FRONTEND,
    OWN_CONFIG,
    find_config,
)
from hamzaban.weights.door import read_weights

_TOOLS = ("espnet", "torch", "s3prl", "hamzaban")


@dataclasses.dataclass(frozen=True)
class Search:
    """How the model of an archive is to be decoded.

    Attributes:
        inference_config: YAML of decode-asr.
        weights: YAML of tune-decoder, whose values replace those of `inference_config`.
        lm_dir: Folder that train-lm wrote.
        confidence: confidence.yaml of fit-confidence.
    """

    inference_config: str | Path | None = None
    weights: str | Path | None = None
    lm_dir: str | Path | None = None
    confidence: str | Path | None = None


def pack_model(
    asr_exp: str | Path,
    asr_model: str,
    outpath: str | Path,
    extra: Sequence[str | Path] = (),
    search: Search = Search(),
) -> list[str]:
    """Write an archive that ESPnet's `unpack`, and so its model zoo, reads.

    Its config.yaml names classes of ESPnet only, so that it works where this package is
    not installed. Our own commands read hamzaban.yaml beside it, and decode-asr also
    takes the search from the archive.

    Args:
        asr_exp: Folder that train-asr wrote.
        asr_model: Name of the model file there.
        outpath: The archive, `.zip`; written whole or not at all.
        extra: Files and folders to add, such as RESULTS.md; all names in the archive
            are below exp/<name of asr_exp>.
        search: Language models and weights to add.

    Returns:
        The names in the archive.

    Raises:
        FileNotFoundError: A file is missing.
        ValueError: `outpath` is not a zip, or the search is wrong.
    """
    if Path(outpath).suffix != ".zip":
        raise ValueError(f"{outpath}: found '{Path(outpath).suffix}', expected .zip")
    config, model_file = find_files(asr_exp, asr_model)
    root = f"exp/{Path(asr_exp).resolve().name}"
    values = load_mapping(config)
    files = {f"{root}/{asr_model}": model_file, **_list_extra_files(root, extra)}
    if values.get("bpemodel"):
        path = _existing(find_named(values["bpemodel"], config.parent))
        values["bpemodel"] = f"{root}/{path.name}"  # ESPnet's `unpack` needs this path
        files[values["bpemodel"]] = path
    options = _read_search(search)
    if Path(options.get("mapping", "")).is_file():
        path = Path(options["mapping"])
        options["mapping"] = path.name
        files[f"{root}/{path.name}"] = path
    options["asr_model"] = asr_model
    files |= _list_lm_files(root, search.lm_dir)
    if search.confidence is not None:
        read_calibration(search.confidence)
        files[f"{root}/{CONFIDENCE}"] = Path(search.confidence)
    config_name, model_name = f"{root}/{CONFIG}", f"{root}/{asr_model}"
    texts = {
        META: _make_meta(model_name, config_name),
        config_name: values,
        f"{root}/{PACKED_SEARCH}": options,
    }
    with tempfile.TemporaryDirectory(prefix="hamzaban-pack-") as folder:
        _make_plain(values, model_file, Path(folder), (root, texts, files))
        _write(outpath, texts, files)
    return [*texts, *files]


def _make_plain(
    values: Mapping[str, Any],
    model_file: Path,
    folder: Path,
    contents: tuple[str, dict[str, Any], dict[str, Path]],
) -> None:
    """Put the classes of ESPnet alone into an archive, if they can express the model.

    Args:
        values: The options of train-asr.
        model_file: The weights.
        folder: Where the files are made.
        contents: Folder in the archive, texts and files by name; they are changed.
    """
    from hamzaban import compat

    with compat.fast_imports():
        from hamzaban.export import espnet

    root, texts, files = contents
    if reason := espnet.explain_misfit(values):
        logging.warning(
            f"{model_file}: {reason}, which ESPnet alone does not know; the archive "
            "can be loaded where this package is installed"
        )
        return
    texts[f"{root}/{OWN_CONFIG}"] = values
    structure = f"{root}/{espnet.STRUCTURE}"
    texts[f"{root}/{CONFIG}"] = espnet.make_config(values, structure)
    if values.get("frontend") == FRONTEND:
        files[structure] = folder / espnet.STRUCTURE
        added = espnet.write_structure(values, files[structure])
        name = f"{root}/{model_file.name}"
        files[name] = folder / model_file.name
        espnet.write_weights(read_weights(model_file), added, files[name])


def _write(
    outpath: str | Path, texts: Mapping[str, Any], files: Mapping[str, Path]
) -> None:
    with atomic_path(outpath) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, value in texts.items():
            archive.writestr(name, _dump(value))
        for name, path in files.items():
            archive.write(path, name)


def load_packed(archive: str | Path, folder: str | Path) -> tuple[Any, Any]:
    """Unpack an archive and build its model.

    Args:
        archive: From `pack_model`.
        folder: Where the files go.

    Returns:
        The model in eval mode, and the options it was trained with.
    """
    from espnet2.main_funcs.pack_funcs import unpack

    found = unpack(archive, folder)
    weights = Path(found["asr_model_file"])
    recognizer = load_recognizer(weights.parent, weights.name)
    return recognizer.model, read_config(find_config(weights.parent))


def _make_meta(model_name: str, config_name: str) -> dict[str, Any]:
    return {
        "files": {"asr_model_file": model_name},
        "yaml_files": {"asr_train_config": config_name},
        "timestamp": time.time(),
        "python": platform.python_version(),
        **_versions(),
    }


def _read_search(search: Search) -> dict[str, Any]:
    """Return the values of an inference YAML without `tune`, and tuned weights."""
    files = [path for path in (search.inference_config, search.weights) if path]
    config = read_inference(search.inference_config, search.weights)
    values: dict[str, Any] = {}
    for path in files:
        values |= read_yaml(path)[0]
    values.pop("tune", None)
    mapping = getattr(config.search, "mapping", "")  # only the lexicon search has one
    return values | ({"mapping": mapping} if mapping else {})


def _list_lm_files(root: str, lm_dir: str | Path | None) -> dict[str, Path]:
    """Return the files in a folder of language models that decoding reads."""
    if lm_dir is None:
        return {}
    found = {
        f"{root}/{PACKED_LM}/{path.relative_to(lm_dir)}": path
        for path in sorted(Path(lm_dir).glob("*/*"))
        if path.name in ("lm.bin", "lm.yaml", "units.txt")
    }
    if not found:
        raise FileNotFoundError(
            f"{lm_dir}: no language model; give the folder that train-lm wrote"
        )
    return found


def _list_extra_files(root: str, extra: Sequence[str | Path]) -> dict[str, Path]:
    files = {}
    for item in map(_existing, extra):
        inside = sorted(p for p in item.rglob("*") if p.is_file())
        for path in inside if item.is_dir() else [item]:
            files[f"{root}/{path.relative_to(item.parent)}"] = path
    return files


def _existing(path: str | Path) -> Path:
    if not Path(path).exists():
        raise FileNotFoundError(
            f"{path}: no such file; it would be part of the archive"
        )
    return Path(path)


def _dump(values: Any) -> str:
    stream = io.StringIO()
    yaml.safe_dump(values, stream, allow_unicode=True, sort_keys=False)
    return stream.getvalue()


def _versions() -> dict[str, str]:
    found = {}
    for tool in _TOOLS:
        try:
            found[tool] = version(tool)
        except PackageNotFoundError:
            found[tool] = "unknown"
    return found
