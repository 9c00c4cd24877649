"""Find the files of an experiment in its folder, moved or not, or in an archive."""

import atexit
import functools
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from hamzaban.config import load_mapping
from hamzaban.decode.calibration import CONFIDENCE

PACKED_SEARCH = "decode.yaml"  # inference YAML in an archive, with tuned weights
PACKED_LM = "lm"  # folder of train-lm in an archive
META = "meta.yaml"  # file that lists the contents, in the form of ESPnet's model zoo


class PackedSearch(NamedTuple):
    """The files of the search that pack-model put beside a model.

    Attributes:
        inference_config: YAML of the search.
        lm_dir: Folder of language models.
        confidence: confidence.yaml of fit-confidence, see `decode.calibration`.
    """

    inference_config: Path | None
    lm_dir: Path | None
    confidence: Path | None = None


def find_experiment(asr_exp: str | Path) -> Path:
    """Return the folder of an experiment.

    An archive is unpacked into a temporary folder, which is removed at exit.

    Raises:
        NotADirectoryError: There is no such experiment.
        ValueError: The archive has no model or is damaged.
    """
    path = Path(asr_exp)
    if path.is_dir():
        return path
    if path.is_file() and path.suffix == ".zip":
        return _unpack(path.resolve())
    raise NotADirectoryError(
        f"{asr_exp}: no such experiment; train it with `hamzaban train-asr`, or give "
        "the .zip of pack-model"
    )


@functools.cache
def _unpack(archive: Path) -> Path:
    """Unpack an archive; return the folder of its config in a temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="hamzaban-model-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    remedy = "make it again with pack-model"
    try:
        with zipfile.ZipFile(archive) as files:
            needed = sum(info.file_size for info in files.infolist())
            free = shutil.disk_usage(folder).free
            if needed > free:
                raise ValueError(
                    f"{archive}: needs {needed} bytes in {folder.parent}, {free} are "
                    "free; set TMPDIR to a larger disk"
                )
            files.extractall(folder)
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise ValueError(
            f"{archive}: no complete archive ({error}); {remedy}"
        ) from error
    if not (folder / META).is_file():
        raise ValueError(f"{archive}: {META} not found, expected an archive; {remedy}")
    files_of = load_mapping(folder / META).get("yaml_files")
    config = files_of.get("asr_train_config") if isinstance(files_of, dict) else None
    if not isinstance(config, str) or not (folder / config).is_file():
        raise ValueError(f"{archive}: {META} names no ASR config; {remedy}")
    return (folder / config).parent


def find_named(named: str | Path, folder: Path) -> Path:
    """Return a file that a config in `folder` names, even if both have been moved.

    A file of this name beside the config comes first, then the path relative to the
    folder, then the path itself. If none of them exists, the path is returned.
    """
    path = Path(named)
    places = (folder / path.name, folder / path, path)
    return next((place for place in places if place.is_file()), path)


def find_packed_search(asr_exp: str | Path) -> PackedSearch:
    """Return the files of the search that pack-model put beside a model, if any."""
    folder = find_experiment(asr_exp)
    config, lm_dir = folder / PACKED_SEARCH, folder / PACKED_LM
    if not config.is_file():
        return PackedSearch(None, None)
    confidence = folder / CONFIDENCE
    return PackedSearch(
        config,
        lm_dir if lm_dir.is_dir() else None,
        confidence if confidence.is_file() else None,
    )
