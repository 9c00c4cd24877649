"""Writers of Kaldi data directories: atomic, streaming, sorting."""

import heapq
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from hamzaban.data.files import (
    MAX_PAIRS,
    Pair,
    kind_of,
    open_text,
    read_run,
    read_scp,
    sorted_pairs,
)
from hamzaban.fileio import atomic_path, keep_time, remove_leftovers, temporary_name


class ScpWriter:
    """Writer of one Kaldi file; it accepts lines in any order and sorts them.

    Lines are written at once as long as they are in order. The others are sorted
    separately and merged in `finish()`.
    """

    def __init__(self, path: str | Path, name: str, *, same_ok: bool = False) -> None:
        """Open the file.

        Args:
            path: Where to write.
            name: Name of the file in errors.
            same_ok: Whether an id may occur twice with the same line, written once.
        """
        self.path = Path(path)
        self.name = name
        self.same_ok = same_ok
        self._last: Pair = ("", "")
        self._late: list[Pair] = []
        self._stream = open_text(self.path)
        self._folder: Path | None = None
        self._runs: list[Path] = []

    def write(self, key: str, rest: str) -> None:
        """Write a line.

        Raises:
            ValueError: The id has been written before, or there is a line break.
        """
        if "\n" in rest or "\r" in rest.rstrip("\r") or "\n" in key or "\r" in key:
            raise ValueError(
                f"{self.name}: line break in {f'{key} {rest}'!r}, expected one line; "
                "rename the file or correct the value"
            )
        if not self._late and not self._runs and key >= self._last[0]:
            self._put(key, rest)
            return
        self._late.append((key, rest))
        if len(self._late) >= MAX_PAIRS:
            self._spill()

    def _put(self, key: str, rest: str) -> None:
        if key == self._last[0]:
            if self.same_ok and rest == self._last[1]:
                return
            raise ValueError(
                f"{self.name}: id {key} occurs twice; ids must differ: remove one "
                "(`hamzaban validate-data` names the lines), or rename with `hamzaban "
                "copy-data --utt_prefix`"
            )
        self._stream.write(f"{key} {rest}\n" if rest else f"{key}\n")
        self._last = (key, rest)

    def _spill(self) -> None:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="hamzaban-sort-"))
        self._runs.append(self._folder / str(len(self._runs)))
        with open_text(self._runs[-1]) as stream:
            stream.writelines(f"{key} {rest}\n" for key, rest in sorted(self._late))
        self._late = []

    def finish(self) -> None:
        """Merge the lines that were out of order and close the file.

        A second call does nothing.

        Raises:
            ValueError: An id has been written twice.
        """
        self._stream.close()
        if not self._late and not self._runs:
            return
        early = temporary_name(self.path)
        self.path.replace(early)
        self._stream, self._last = open_text(self.path), ("", "")
        try:
            late = [sorted(self._late), *map(read_run, self._runs)]
            for key, rest in heapq.merge(read_run(early), *late):
                self._put(key, rest)
        finally:
            early.unlink()
            self.close()

    def close(self) -> None:
        """Close without merging and remove temporary files."""
        self._stream.close()
        self._late, self._runs = [], []
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


class DirWriter:
    """Writer of a data directory that keeps old files until all new ones are complete.

    spk2utt is made from utt2spk. On success the old data files without a new version
    are removed, then the new ones are renamed, utt2spk last. After a kill in between
    the directory has no utt2spk, so readers refuse it. A new file with the bytes of the
    old one keeps its modification time, so that steps see no change.
    """

    def __init__(self, data_dir: str | Path) -> None:
        """Prepare to write `data_dir`, which need not exist."""
        self.data_dir = Path(data_dir)
        self._writers: dict[str, ScpWriter] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Open utt2spk, which every data directory has."""
        if not self.data_dir.exists():
            self._stack.callback(self._remove_if_empty)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.data_dir)
        self.open("utt2spk")
        return self

    def open(self, name: str, *, same_ok: bool = False) -> ScpWriter:
        """Return the writer of a file, opened at the first call (see `ScpWriter`)."""
        if name not in self._writers:
            path = self._stack.enter_context(atomic_path(self.data_dir / name))
            place = str(self.data_dir / name)
            self._writers[name] = ScpWriter(path, place, same_ok=same_ok)
            self._stack.callback(self._writers[name].close)
        return self._writers[name]

    def write_value(self, name: str, value: str) -> None:
        """Write a file that holds one value, such as feats_type."""
        path = self._stack.enter_context(atomic_path(self.data_dir / name))
        path.write_text(f"{value}\n", encoding="utf-8")
        keep_time(path, self.data_dir / name)

    def finish(self) -> None:
        """Complete the new files without renaming them yet.

        Raises:
            ValueError: An id has been written twice.
        """
        for writer in self._writers.values():
            writer.finish()

    def _remove_if_empty(self) -> None:
        with suppress(OSError):
            self.data_dir.rmdir()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Rename the new files into place, or remove them after an error."""
        with self._stack:
            if error is not None:
                raise error
            self.finish()
            utt2spk = self._writers["utt2spk"].path
            spk2utt = self._stack.enter_context(atomic_path(self.data_dir / "spk2utt"))
            write_spk2utt(((spk, utt) for utt, spk in read_scp(utt2spk)), spk2utt)
            keep_time(spk2utt, self.data_dir / "spk2utt")
            for name, writer in self._writers.items():
                keep_time(writer.path, self.data_dir / name)
            for path in self.data_dir.iterdir():
                is_stale = kind_of(path.name) and path.name not in self._writers
                if is_stale or path.name == "utt2spk":
                    path.unlink()


def write_spk2utt(pairs: Iterable[Pair], path: str | Path) -> None:
    """Write spk2utt from pairs (spk_id, utt_id) that come in any order.

    Raises:
        ValueError: A speaker id is empty.
    """
    with open_text(Path(path)) as stream:
        last = None
        for spk_id, utt_id in sorted_pairs(pairs):
            if not spk_id:
                raise ValueError(
                    f"utt2spk: utt_id {utt_id} has no speaker, expected "
                    "`utt_id spk_id`; add it (the utt_id itself where unknown)"
                )
            if spk_id != last:
                stream.write(("\n" if last is not None else "") + spk_id)
                last = spk_id
            stream.write(f" {utt_id}")
        stream.write("\n" if last is not None else "")


def write_scp(path: str | Path, pairs: Iterable[Pair]) -> None:
    """Write one Kaldi file, atomically and sorted by id.

    Args:
        path: The file to write.
        pairs: Id and rest of each line, in any order.

    Raises:
        ValueError: An id occurs twice.
    """
    with atomic_path(path) as temporary:
        writer = ScpWriter(temporary, str(path))
        try:
            for key, rest in pairs:
                writer.write(key, rest)
            writer.finish()
        finally:
            writer.close()
