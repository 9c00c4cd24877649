"""Manifests: in each folder of audio, a record of what its files were made from."""

import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from hamzaban.audio.plan import audio_folder
from hamzaban.fileio import atomic_text, warn_of_damage
from hamzaban.launch.sharding import Shard

NAME = "manifest"
SHARDS = "shards"
KEPT = "-"
NUM_MARKS = 3  # is_scaled, is_noisy and is_one_channel of an entry
RETRIED = frozenset(
    {"missing", "unreadable", "truncated"}
)  # the source may be complete next time
WRITE_EVERY_S = 2.0


class Entry(NamedTuple):
    """The result for one utterance.

    Attributes:
        key: Its id, with the prefix of its variant.
        digest: Digest of everything that decides its samples.
        reason: One word that says why it was dropped; "-" if it was written.
        num_samples: Length written, in samples.
        num_bytes: Size of the file written.
        is_scaled: Whether it was scaled down to fit 16 bits.
        is_noisy: Whether noise or a room was added.
        is_one_channel: Whether one channel was taken because the channels cancelled.
    """

    key: str
    digest: str
    reason: str
    num_samples: int = 0
    num_bytes: int = 0
    is_scaled: bool = False
    is_noisy: bool = False
    is_one_channel: bool = False

    @property
    def is_kept(self) -> bool:
        """Return whether the utterance was written."""
        return self.reason == KEPT


def read_manifest(folder: Path) -> dict[str, Entry]:
    """Return a folder's manifest, which is empty if there is none.

    Entries to retry and damaged lines are omitted, so that their audio is made again.
    An entry that lacks its last mark is older than the check for channels that cancel
    each other, so utterances that it calls silent are retried as well.
    """
    path = folder / NAME
    if not path.exists():
        return {}
    entries = {}
    damaged: list[int] = []
    with open(path, encoding="utf-8", errors="replace", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            try:
                key, digest, reason, *numbers = line.rstrip("\n").split(" ")
                num_samples, num_bytes, *marks = map(int, numbers)
            except ValueError:
                damaged.append(number)
                continue
            is_old_silence = reason == "silent" and len(marks) < NUM_MARKS
            if reason not in RETRIED and not is_old_silence:
                counts = (num_samples, num_bytes)
                flags = map(bool, marks[:NUM_MARKS])
                entries[key] = Entry(key, digest, reason, *counts, *flags)
    if damaged:
        warn_of_damage(path, f"{len(damaged)} lines, the first is {damaged[0]}")
    return entries


def write_manifest(folder: Path, entries: Iterable[Entry]) -> None:
    """Write a folder's manifest, sorted by id."""
    with atomic_text(folder / NAME) as lines:
        for entry in sorted(entries):
            numbers = [str(int(value)) for value in entry[3:]]
            lines.write(" ".join([*entry[:3], *numbers]) + "\n")


class Ledger:
    """The manifests of an output directory during a run.

    They are written every few seconds; after a kill, the work since then is repeated. A
    shard writes manifests of its own to `shards/<number>-<count>/`; whoever reads those
    of the directory takes the entries of the shards for the newest.
    """

    def __init__(self, out_dir: Path, shard: Shard | None = None) -> None:
        """Start without reading anything.

        Args:
            out_dir: The output directory.
            shard: The shard that is written; None: the whole.
        """
        self.out_dir = out_dir
        self._own = out_dir
        if shard is not None:
            self._own = out_dir / SHARDS / f"{shard.number}-{shard.count}"
        self._folders: dict[int, dict[str, Entry]] = {}
        self._times_ns: dict[int, int] = {}
        self._unwritten: set[int] = set()
        self._written_at = time.monotonic()

    def __iter__(self) -> Iterator[tuple[int, Entry]]:
        """Yield the folder's number and the entry of every utterance."""
        for folder, entries in self._folders.items():
            for entry in entries.values():
                yield folder, entry

    def entries(self, folder: int) -> dict[str, Entry]:
        """Return the entries of a folder by key, those of earlier runs included."""
        if folder not in self._folders:
            self._folders[folder] = {}
            for place in self._places():
                path = audio_folder(place, folder)
                found = read_manifest(path)
                self._folders[folder] |= found
                if found and place != self._own:
                    self._unwritten.add(folder)
                if found:
                    time_ns = (path / NAME).stat().st_mtime_ns
                    self._times_ns[folder] = max(self.time_ns(folder), time_ns)
        return self._folders[folder]

    def time_ns(self, folder: int) -> int:
        """Return when an earlier run wrote a folder's manifest, after its audio."""
        self.entries(folder)
        return self._times_ns.get(folder, 0)

    def _places(self) -> list[Path]:
        """Return where manifests may lie: the directory's, then those of shards."""
        shards = [path for path in (self.out_dir / SHARDS).glob("*") if path.is_dir()]
        ours = [path for path in shards if path != self._own]
        ours.sort(key=lambda path: path.stat().st_mtime_ns)
        return list(dict.fromkeys([self.out_dir, *ours, self._own]))

    def remove_shards(self) -> None:
        """Remove the manifests of shards, whose entries are in ours."""
        shutil.rmtree(self.out_dir / SHARDS, ignore_errors=True)

    def add(self, folder: int, entries: Iterable[Entry], *, is_made: bool) -> None:
        """Add entries, and write the changed manifests if the last time is long ago.

        Args:
            folder: Number of the folder.
            entries: Entries of its utterances.
            is_made: Whether audio was written, even if the same as before.
        """
        known = self.entries(folder)
        if is_made:
            self._unwritten.add(folder)
        for entry in entries:
            if known.get(entry.key) != entry:
                known[entry.key] = entry
                self._unwritten.add(folder)
        if time.monotonic() - self._written_at >= WRITE_EVERY_S:
            self.write()

    def write(self) -> None:
        """Write the manifests that have changed."""
        for folder in self._unwritten:
            path = audio_folder(self._own, folder)
            path.mkdir(parents=True, exist_ok=True)
            write_manifest(path, self._folders[folder].values())
        self._unwritten.clear()
        self._written_at = time.monotonic()

    def keep_only(self, folder: int, keys: set[str]) -> None:
        """Remove the entries of a folder whose utterances no longer exist."""
        known = self.entries(folder)
        for key in known.keys() - keys:
            del known[key]
            self._unwritten.add(folder)


def remove_strays(folder: Path, wanted: set[str]) -> None:
    """Remove the files of a folder with a manifest that are not `wanted` names."""
    if not (folder / NAME).exists():
        return  # not ours
    for path in folder.iterdir():
        if path.name not in wanted and path.name != NAME and path.is_file():
            path.unlink()
