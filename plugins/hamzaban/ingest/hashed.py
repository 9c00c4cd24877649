"""Hold sets and tables of many names as sorted arrays of 8-byte hashes.

The probability that two of n names have the same hash is n * n / 2 ** 65: one in ten
million for two million names.
"""

import hashlib
from array import array
from collections.abc import Iterable

import numpy as np


def hash_name(name: str) -> int:
    """Return a 64-bit hash that is the same on every machine."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8)
    return int.from_bytes(digest.digest(), "little")


class HashedSet:
    """A set of names."""

    def __init__(self, hashes: Iterable[int]) -> None:
        """Build the set from hashes of names (see `hash_name`)."""
        self._hashes = np.unique(_to_array(hashes))

    def __contains__(self, name: str) -> bool:
        """Return whether a name is in the set."""
        wanted = np.uint64(hash_name(name))
        place = int(np.searchsorted(self._hashes, wanted))
        return place < len(self._hashes) and self._hashes[place] == wanted

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._hashes)


class Durations:
    """Durations by name."""

    def __init__(self, items: Iterable[tuple[str, float]]) -> None:
        """Build the table from names and seconds; the last of equal names counts."""
        hashes, millis = array("Q"), array("L")
        for name, duration_s in items:
            hashes.append(hash_name(name))
            millis.append(round(1000 * duration_s))
        order = np.argsort(_to_array(hashes), kind="stable")
        self._hashes = _to_array(hashes)[order]
        self._millis = np.array(millis, np.uint32)[order]

    def get(self, name: str) -> float:
        """Return the duration of a name in seconds, 0 if it is unknown."""
        return self.get_hashed(hash_name(name))

    def get_hashed(self, hashed: int) -> float:
        """Return the duration of a name by its hash, in seconds, 0 if it is unknown."""
        wanted = np.uint64(hashed)
        place = int(np.searchsorted(self._hashes, wanted, "right")) - 1
        if place < 0 or self._hashes[place] != wanted:
            return 0.0
        return int(self._millis[place]) / 1000


def _to_array(hashes: Iterable[int]) -> np.ndarray:
    values = hashes if isinstance(hashes, array) else array("Q", hashes)
    return np.frombuffer(values, np.uint64) if len(values) else np.zeros(0, np.uint64)
