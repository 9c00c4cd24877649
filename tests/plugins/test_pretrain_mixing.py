"""Alternation, replay and their data: exact, and the same after a resume."""

import collections

import numpy as np
import pytest

from hamzaban import compat


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global MixedBatches, Mixture, ReplaySampler, ShardedSampler
    compat.prepare()
    from hamzaban.pretrain.mixing import MixedBatches, Mixture, ReplaySampler
    from hamzaban.train.sharding import ShardedSampler


class Numbers:
    """Stands in for the batches of an epoch."""

    def __init__(self, kind, number):
        self.kind, self.number, self.start = kind, number, 0

    def __len__(self):
        return self.number

    def __iter__(self):
        for index in range(self.start, self.number):
            yield [f"{self.kind}{index}"], {"speech": index, "speech_lengths": index}


def names(batches):
    return [utt_ids[0] for utt_ids, _ in batches]


def test_updates_alternate_exactly():
    mixture = Mixture("alternate", (2, 1), accum_grad=2)
    kinds = mixture.plan(10)  # five updates without labels
    updates = [kinds[i : i + 2] for i in range(0, len(kinds), 2)]
    assert all(pair[0] == pair[1] for pair in updates)
    assert [pair[0] for pair in updates] == [0, 0, 1, 0, 0, 1, 0]
    assert mixture.count_labelled(10) == 4
    full = Mixture("alternate", (2, 1), 1).plan(4)
    assert full == [False, False, True, False, False, True]


@pytest.mark.parametrize("ratio", [(1, 1), (3, 2), (1, 4)])
def test_ratio_of_updates_equals_the_requested_ratio(ratio):
    kinds = Mixture("alternate", ratio, 1).plan(ratio[0] * 50)
    counts = collections.Counter(kinds)
    assert counts[False] == ratio[0] * 50 and counts[True] == ratio[1] * 50


@pytest.mark.parametrize("mode", ["alternate", "sum"])
def test_batches_after_a_resume_equal_those_of_a_whole_epoch(mode):
    mixture = Mixture(mode, (2, 1), 1)

    def make():
        parts = Numbers("u", 7), Numbers("l", mixture.count_labelled(7))
        return MixedBatches(*parts, mixture)

    whole = list(make())
    assert len(whole) == len(make())
    for start in range(len(whole) + 1):
        batches = make()
        batches.start = start
        assert list(batches) == whole[start:]
    if mode == "sum":
        assert set(whole[3][1]) == {
            "speech",
            "speech_lengths",
            "labelled_speech",
            "labelled_speech_lengths",
        }
    else:
        assert names(whole) == [
            "u0",
            "u1",
            "l0",
            "u2",
            "u3",
            "l1",
            "u4",
            "u5",
            "l2",
            "u6",
        ]
        assert set(whole[2][1]) == {"labelled_speech", "labelled_speech_lengths"}


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.8])
def test_share_of_old_speech_in_each_batch(share):
    rng = np.random.default_rng(0)
    new = {f"n{i:03}": int(n) for i, n in enumerate(rng.integers(16000, 250000, 300))}
    old = {f"o{i:03}": int(n) for i, n in enumerate(rng.integers(16000, 250000, 200))}
    ids = sorted(new, key=new.get)
    batches = [ids[i : i + 20] for i in range(0, 300, 20)]
    sampler = ReplaySampler(batches, new, old, share)
    epoch = sampler.generate(3)
    assert epoch == sampler.generate(3) != sampler.generate(4)
    shares = []
    for batch, mixed in zip(batches, epoch, strict=True):
        assert list(mixed[:20]) == batch
        assert len(set(mixed)) == len(mixed)
        sizes = [old[utt_id] for utt_id in mixed[20:]]
        shares.append(sum(sizes) / (sum(sizes) + sum(new[u] for u in batch)))
        wanted = sum(new[u] for u in batch) * share / (1 - share)
        assert abs(sum(sizes) - wanted) <= max(sizes)
    long_batch = [old[utt_id] for utt_id in epoch[-1][20:]]
    assert min(long_batch) > min(old.values())  # of like length
    assert np.mean(shares) == pytest.approx(share, abs=0.02)


def test_processes_share_the_batches():
    new, old = {f"n{i}": 100 for i in range(8)}, {f"o{i}": 100 for i in range(40)}
    sampler = ReplaySampler([tuple(new)], new, old, 0.5)
    (whole,) = sampler.generate(1)
    parts = [ShardedSampler(sampler, rank, 2).generate(1)[0] for rank in (0, 1)]
    assert sorted(parts[0] + parts[1]) == sorted(whole)
    assert len(whole) == 16


def test_too_little_old_speech_is_refused():
    with pytest.raises(ValueError, match="replay_dir has 0.0 s of speech, less than"):
        ReplaySampler([("a",)], {"a": 100}, {"b": 50}, 0.5)
