"""Where the parts of an experiment are: in its folder, moved or not, or an archive."""

import atexit
import functools
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

from hamzaban.config import load_mapping

PACKED_SEARCH = "decode.yaml"  # of an archive: an inference YAML, with tuned weights
PACKED_LM = "lm"  # beside it: the folder of train-lm
META = "meta.yaml"  # of ESPnet's model zoo


class PackedSearch(NamedTuple):
    """What pack-model put beside a model: the inference YAML, and the folder of LMs."""

    inference_config: Path | None
    lm_dir: Path | None


def find_experiment(asr_exp: str | Path) -> Path:
    """Return the folder of an experiment; an archive is unpacked until we end.

    Raises:
        NotADirectoryError: There is no such experiment.
        ValueError: The archive is not of a model, or it is damaged.
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
    """Unpack an archive into a temporary folder; return the folder of its config."""
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
        raise ValueError(f"{archive}: no whole archive ({error}); {remedy}") from error
    if not (folder / META).is_file():
        raise ValueError(f"{archive}: {META} not found, expected an archive; {remedy}")
    files_of = load_mapping(folder / META).get("yaml_files")
    config = files_of.get("asr_train_config") if isinstance(files_of, dict) else None
    if not isinstance(config, str) or not (folder / config).is_file():
        raise ValueError(f"{archive}: {META} names no ASR config; {remedy}")
    return (folder / config).parent


def find_named(named: str | Path, folder: Path) -> Path:
    """Return a file that a config in `folder` names, also where both were moved.

    What lies beside the config goes first, then the path as seen from its folder, then
    the path as it is. If there is none of these, the path is returned as it is.
    """
    path = Path(named)
    places = (folder / path.name, folder / path, path)
    return next((place for place in places if place.is_file()), path)


def find_packed_search(asr_exp: str | Path) -> PackedSearch:
    """Return the search that pack-model put beside a model, if it did."""
    folder = find_experiment(asr_exp)
    config, lm_dir = folder / PACKED_SEARCH, folder / PACKED_LM
    if not config.is_file():
        return PackedSearch(None, None)
    return PackedSearch(config, lm_dir if lm_dir.is_dir() else None)
