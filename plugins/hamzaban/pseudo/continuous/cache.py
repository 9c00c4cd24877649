"""The cache: utterances with their latest pseudo-labels.

Likhomanenko et al. 2021 (arXiv 2010.11524), section 3. All draws follow from the seed
and the number of the update, so a resumed run needs nothing but the cache itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

JITTER = 0.1  # random share of lengths, so that batches differ in their utterances


class LabelCache:
    """Up to `size` utterances with labels, and the order in which others enter.

    Attributes:
        labels: The label of each utterance in the cache.
        given: Number of utterances handed out for labelling so far.
    """

    def __init__(self, lengths: Mapping[str, int], size: int, seed: Sequence[int]):
        """Begin with an empty cache.

        Args:
            lengths: Samples of each unlabelled utterance; one or more.
            size: Largest number of utterances in the cache.
            seed: Numbers that make the draws differ from those of other caches.
        """
        self.lengths = dict(lengths)
        self.size = min(size, len(self.lengths))
        self.labels: dict[str, str] = {}
        self.given = 0
        self._ids = sorted(self.lengths)
        self._seed = tuple(seed)
        self._order: tuple[int, np.ndarray] = (-1, np.array([]))

    def draw(self, update: int, number: int, batch_bins: int) -> list[list[str]]:
        """Draw batches of utterances of similar length.

        The cache is cut into batches, with each utterance in one of them, and random
        batches are taken. If there are too few, all are taken several times.

        Args:
            update: Number of the update, which decides the draw.
            number: Number of batches.
            batch_bins: Largest number of samples in a batch, padding included; a longer
                utterance is a batch of its own.
        """
        rng = np.random.default_rng([*self._seed, update, 1])
        ids = sorted(self.labels)
        lengths = np.array([self.lengths[utt_id] for utt_id in ids])
        order = np.argsort(
            lengths * rng.uniform(1 - JITTER, 1 + JITTER, len(ids)), kind="stable"
        )
        batches = _cut([(ids[i], int(lengths[i])) for i in order], batch_bins)
        chosen: list[int] = []
        while len(chosen) < number:
            chosen += rng.permutation(len(batches)).tolist()
        return [batches[i] for i in chosen[:number]]

    def choose_leavers(
        self, update: int, drawn: Sequence[str], replace_prob: float
    ) -> list[str]:
        """Choose the utterances to replace, at random.

        Args:
            update: Number of the update, which decides the draw.
            drawn: Utterances that were trained on, repeated as often as they were used.
            replace_prob: Probability for each use (p of the paper).
        """
        rng = np.random.default_rng([*self._seed, update, 2])
        hits = rng.random(len(drawn)) < replace_prob
        return list(dict.fromkeys(u for u, hit in zip(drawn, hits, strict=True) if hit))

    def take_candidates(self, number: int) -> list[str]:
        """Return the next utterances to label.

        All utterances come once in random order, then all again in another order.
        """
        found = []
        for _ in range(number):
            lap, place = divmod(self.given, len(self._ids))
            if self._order[0] != lap:
                rng = np.random.default_rng([*self._seed, lap, 3])
                self._order = lap, rng.permutation(len(self._ids))
            found.append(self._ids[self._order[1][place]])
            self.given += 1
        return found

    def replace(self, leavers: Sequence[str], labels: Mapping[str, str]) -> int:
        """Replace utterances by new ones.

        A new label of an utterance in the cache replaces its old one. If there are too
        few new utterances, the last leavers stay.

        Args:
            leavers: Utterances in the cache to replace.
            labels: The new utterances and their labels.

        Returns:
            The number of labels that entered the cache.
        """
        waiting = list(leavers)
        for utt_id, label in labels.items():
            if utt_id not in self.labels:
                if len(self.labels) >= self.size:
                    if not waiting:
                        continue
                    del self.labels[waiting.pop(0)]
            elif utt_id in waiting:
                waiting.remove(utt_id)
            self.labels[utt_id] = label
        return sum(self.labels.get(u) == label for u, label in labels.items())

    def get_state(self) -> dict[str, Any]:
        """Return the state that a resumed run needs, as plain values."""
        return {"labels": dict(sorted(self.labels.items())), "given": self.given}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore the state that `get_state` returned.

        Raises:
            ValueError: The state holds an unknown utterance.
        """
        lost = sorted(set(state["labels"]) - set(self.lengths))
        if lost:
            raise ValueError(
                f"cache: {len(lost)} utterances, first {lost[0]}, are not in "
                "unlabelled_data_dir; give that of the run, or train into another "
                "--output_dir"
            )
        self.labels, self.given = dict(state["labels"]), state["given"]


def _cut(sized: Sequence[tuple[str, int]], batch_bins: int) -> list[list[str]]:
    """Cut ordered utterances into batches of at most `batch_bins` with padding."""
    batches: list[list[str]] = []
    longest = 0
    for utt_id, length in sized:
        longest = max(longest, length)
        if not batches or longest * (len(batches[-1]) + 1) > batch_bins:
            batches.append([])
            longest = length
        batches[-1].append(utt_id)
    return batches
