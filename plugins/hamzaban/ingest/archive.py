"""Extract single files of a tarball in one pass, without unpacking the rest."""

import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from hamzaban.data.walk import is_leftover
from hamzaban.fileio import atomic_path
from hamzaban.launch.notes import note_inputs

COPY_BYTES = 1 << 20


def extract_files(
    archive: Path, target_of: Callable[[PurePosixPath], Path | None]
) -> Iterator[Path]:
    """Extract files of a tarball, compressed or not; keep files that exist already.

    Args:
        archive: A .tar, .tar.gz, .tar.xz or .tar.bz2 file.
        target_of: Returns the path for a member; None leaves it out.

    Yields:
        Each file as soon as it is extracted; the caller may stop.

    Raises:
        FileNotFoundError: There is no such archive.
        ValueError: The file is not a tarball, or it is cut short.
    """
    if not archive.is_file():
        raise FileNotFoundError(f"{archive}: no such file")
    note_inputs(archive)
    count = 0
    try:
        with tarfile.open(archive, "r|*") as tar:
            for member in tar:
                # tarfile would keep a list of all members in memory.
                tar.members = []  # type: ignore[attr-defined]
                if not member.isfile() or _is_leftover(member.name):
                    continue
                target = target_of(PurePosixPath(member.name))
                if target is not None:
                    _extract(tar, member, target)
                    count += 1
                    yield target
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(
            f"{archive}: cannot be read after {count} files ({error}), expected a "
            "whole tar file; compare its checksum, fetch it again"
        ) from error


def first_file(archive: Path) -> PurePosixPath:
    """Return the name of the first file in a tarball, compressed or not.

    Raises:
        ValueError: It is not a tarball, or holds no file.
    """
    try:
        with tarfile.open(archive, "r|*") as tar:
            for member in tar:
                if member.isfile() and not _is_leftover(member.name):
                    return PurePosixPath(member.name)
    except (tarfile.TarError, EOFError) as error:
        raise ValueError(
            f"{archive}: cannot be read ({error}), expected a tar file; fetch it again"
        ) from error
    raise ValueError(f"{archive}: holds no file; fetch it again")


def _is_leftover(name: str) -> bool:
    return any(is_leftover(part) for part in PurePosixPath(name).parts)


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    if target.is_file() and target.stat().st_size == member.size:
        return
    source = tar.extractfile(member)
    assert source is not None  # it is a file
    with atomic_path(target, sync=False) as temporary, open(temporary, "wb") as stream:
        shutil.copyfileobj(source, stream, COPY_BYTES)
