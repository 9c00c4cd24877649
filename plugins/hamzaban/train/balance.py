"""Batches of several languages, balanced by temperature, with replay of one of them.

All choices depend only on the seed and the epoch, so a run can be resumed exactly.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from espnet2.samplers.abs_sampler import AbsSampler
from numpy.typing import NDArray

from hamzaban.data.files import read_scp


@dataclass(frozen=True)
class Balance:
    """The shares of the languages in an epoch.

    Attributes:
        temperature: T: a language with the share p of the audio gets a share in
            proportion to p^(1/T) (Conneau et al. 2020, arXiv 2006.13979, where alpha =
            1/T). 1 keeps the shares, inf makes them equal.
        replay_language: A language learnt before, which gets a fixed share; or None.
        replay_share: Its share of the audio of an epoch, above 0 and below 1.
    """

    temperature: float = 1.0
    replay_language: str | None = None
    replay_share: float = 0.0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: A value is out of range.
        """
        if self.temperature < 1:
            raise ValueError(
                f"language_temperature is {self.temperature}, expected 1 or more, or "
                ".inf for the same share of all languages"
            )
        is_share = 0 < self.replay_share < 1
        if is_share != (self.replay_language is not None) or self.replay_share < 0:
            raise ValueError(
                f"replay_language {self.replay_language} and replay_share "
                f"{self.replay_share} found, expected both, the share in 0..1"
            )

    def share_out(self, sizes: Mapping[str, float]) -> dict[str, float]:
        """Return the amount of audio of each language in an epoch.

        Without replay an epoch has as much audio as the data. With it, the other
        languages together have as much as their data, and replayed audio is added.

        Args:
            sizes: Amount of audio of each language.

        Raises:
            ValueError: The data lack the replayed language, or all others.
        """
        own = {k: n for k, n in sizes.items() if k != self.replay_language}
        if not own or len(own) + (self.replay_language is not None) != len(sizes):
            raise ValueError(
                f"replay_language is '{self.replay_language}', expected one of the "
                f"languages of the data, {', '.join(sizes)}, beside others"
            )
        total = sum(own.values())
        weights = {k: (n / total) ** (1 / self.temperature) for k, n in own.items()}
        scale = total / sum(weights.values())
        shares = {k: scale * weight for k, weight in weights.items()}
        if self.replay_language is not None:
            replayed = total * self.replay_share / (1 - self.replay_share)
            shares[self.replay_language] = replayed
        return {lang: shares[lang] for lang in sizes}


@dataclass(frozen=True)
class Limits:
    """The size of a batch.

    Attributes:
        bins: Largest number of elements in a batch, padding included.
        min_size: Smallest number of utterances, however long they are.
    """

    bins: int
    min_size: int = 1


class BalancedSampler(AbsSampler):
    """Batches of utterances of similar length, with balanced languages mixed.

    The utterances of a language are drawn in random order, and all of them before any
    is drawn again, even across epochs. All epochs have the same number of batches.

    Attributes:
        shares: Audio of each language in an epoch, in the unit of the first length.
        languages: Utterances of each language, sorted.
    """

    def __init__(
        self,
        lengths: Mapping[str, Sequence[float]],
        utt2lang: Mapping[str, str],
        balance: Balance,
        limits: Limits,
        seed: int = 0,
    ) -> None:
        """Compute the number of utterances of each language in an epoch.

        Args:
            lengths: Numbers of elements of an utterance: samples of audio, then those
                of other data, such as tokens times their size.
            utt2lang: Language of each utterance.
            balance: The shares of the languages.
            limits: The size of a batch.
            seed: Decides, with the epoch, on all random choices.

        Raises:
            ValueError: An utterance has no language.
        """
        self.limits, self.seed = limits, seed
        self.utt_ids = sorted(lengths)
        self.lengths = np.array([lengths[utt_id] for utt_id in self.utt_ids], float)
        self.languages = _group(self.utt_ids, utt2lang)
        sizes = {k: float(self.lengths[v, 0].sum()) for k, v in self.languages.items()}
        self.shares = balance.share_out(sizes)
        self.quotas = {
            lang: max(1, round(self.shares[lang] / sizes[lang] * len(chosen)))
            for lang, chosen in self.languages.items()
        }
        self._size = len(self._cut(self._draw(1)))

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return self._size

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        """Return an iterator over the batches of the first epoch."""
        return iter(self.generate(self.seed + 1))

    def generate(self, seed: int) -> list[tuple[str, ...]]:
        """Return the batches of an epoch.

        Args:
            seed: The seed of the sampler plus the epoch, counted from 1, as ESPnet
                passes it.
        """
        epoch = seed - self.seed
        batches = self._cut(self._draw(epoch))
        rng = np.random.default_rng([self.seed, epoch])
        while len(batches) > self._size:  # a draw of longer ones makes one or two more
            del batches[int(rng.integers(len(batches)))]
        while len(batches) < self._size:
            largest = max(range(len(batches)), key=lambda i: (len(batches[i]), i))
            batch = batches[largest]
            can_be_cut = len(batch) >= 2 * self.limits.min_size
            parts = [batch[0::2], batch[1::2]] if can_be_cut else [batch, batch]
            batches[largest : largest + 1] = parts
        return [tuple(self.utt_ids[i] for i in batch) for batch in batches]

    def _draw(self, epoch: int) -> NDArray[np.int64]:
        """Draw the utterances of an epoch, as indices into `utt_ids`."""
        drawn = []
        for number, (lang, chosen) in enumerate(self.languages.items()):
            quota, size = self.quotas[lang], len(chosen)
            start = max(epoch - 1, 0) * quota
            order = np.arange(start, start + quota)
            for turn in range(start // size, (start + quota - 1) // size + 1):
                rng = np.random.default_rng([self.seed, number, turn])
                inside = order // size == turn
                places = order[inside] % size
                drawn.append(chosen[rng.permutation(size)[places]])
        return np.concatenate(drawn)

    def _cut(self, drawn: NDArray[np.int64]) -> list[list[int]]:
        """Sort utterances by length and cut them into batches, longest first."""
        ordered = drawn[np.lexsort((drawn, -self.lengths[drawn, 0]))]
        batches: list[list[int]] = []
        most: list[float] = []
        rows = self.lengths[ordered].tolist()
        for i, row in zip(ordered.tolist(), rows, strict=True):
            found = [*map(max, most, row)]
            size = len(batches[-1]) + 1 if batches else 1
            is_full = sum(found) * size > self.limits.bins
            if not batches or (is_full and size > self.limits.min_size):
                batches.append([])
                found = row
            batches[-1].append(i)
            most = found
        if len(batches) > 1 and len(batches[-1]) < self.limits.min_size:
            batches[-2] += batches.pop()
        return batches


def _group(
    utt_ids: Sequence[str], utt2lang: Mapping[str, str]
) -> dict[str, NDArray[np.int64]]:
    places: dict[str, list[int]] = {}
    for i, utt_id in enumerate(utt_ids):
        if utt_id not in utt2lang:
            raise ValueError(
                f"utt2lang: utterance {utt_id} of the shape file is missing; add its "
                "language"
            )
        places.setdefault(utt2lang[utt_id], []).append(i)
    return {lang: np.array(places[lang]) for lang in sorted(places)}


def read_lengths(shape_files: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Read the number of elements of each utterance in each kind of data.

    Args:
        shape_files: Shape files of ESPnet, with lines `utt_id length[,size ...]`.

    Raises:
        ValueError: The files have different utterances.
    """
    lengths: dict[str, tuple[float, ...]] = {}
    for number, path in enumerate(shape_files):
        for utt_id, shape in read_scp(path):
            size = math.prod(map(int, shape.split(",")))
            if len(lengths.get(utt_id, ())) != number:
                raise ValueError(
                    f"{path}: {utt_id} is not in {shape_files[0]}; run collect-stats"
                )
            lengths[utt_id] = (*lengths.get(utt_id, ()), size)
    short = [utt_id for utt_id, found in lengths.items() if len(found) < number + 1]
    if short:
        raise ValueError(f"{path}: {short[0]} is missing; run collect-stats again")
    return lengths


def describe_shares(sampler: BalancedSampler, fs: int = 16000) -> list[str]:
    """Return a line for each language on its data and its share of an epoch."""
    total = sum(sampler.shares.values())
    lines = []
    for lang, share in sampler.shares.items():
        chosen = sampler.languages[lang]
        size = float(sampler.lengths[chosen, 0].sum())
        lines.append(
            f"{lang}: {size / fs / 3600:.3f} h in {len(chosen)} utterances; "
            f"{share / total:.1%} of an epoch, which sees it {share / size:.2f} times"
        )
    return lines
