"""Balancing of languages: shares, the order of utterances, and repeatability."""

from collections import Counter

import pytest

pytestmark = pytest.mark.torch

SIZES = {"fa": 60, "ar": 20, "ur": 5}


def make_sampler(temperature=1.0, seed=0, bins=200_000, min_size=1, **replay):
    from hamzaban.train.balance import Balance, BalancedSampler, Limits

    lengths, utt2lang = {}, {}
    for lang, number in SIZES.items():
        for i in range(number):
            lengths[f"{lang}-{i:02}"] = (16000 + 2003 * (i % 7), 30.0 * 12)
            utt2lang[f"{lang}-{i:02}"] = lang
    balance = Balance(temperature, **replay)
    return BalancedSampler(lengths, utt2lang, balance, Limits(bins, min_size), seed)


def count(batches):
    return Counter(utt_id for batch in batches for utt_id in batch)


def count_languages(batches):
    counts = Counter()
    for utt_id, number in count(batches).items():
        counts[utt_id[:2]] += number
    return counts


def test_shares_follow_the_temperature():
    from hamzaban.train.balance import Balance

    sizes = {"a": 80.0, "b": 20.0}
    assert Balance(1.0).share_out(sizes) == pytest.approx(sizes)
    half = Balance(2.0).share_out(sizes)  # sqrt 0.8 : sqrt 0.2 = 2 : 1
    assert half == pytest.approx({"a": 200 / 3, "b": 100 / 3})
    assert Balance(float("inf")).share_out(sizes) == pytest.approx({"a": 50, "b": 50})


def test_replayed_language_is_added_to_an_epoch_of_the_others():
    from hamzaban.train.balance import Balance

    sizes = {"en": 1000.0, "fa": 6.0, "ur": 2.0}
    shares = Balance(1.0, "en", 0.2).share_out(sizes)
    assert shares == pytest.approx({"en": 2.0, "fa": 6.0, "ur": 2.0})
    assert shares["en"] / sum(shares.values()) == pytest.approx(0.2)


def test_an_epoch_has_the_shares_asked_for():
    batches = make_sampler(float("inf")).generate(1)
    counts = count_languages(batches)
    assert sum(counts.values()) == pytest.approx(85, abs=3)
    assert max(counts.values()) - min(counts.values()) <= 3
    replayed = make_sampler(1.0, replay_language="fa", replay_share=0.5).generate(1)
    counts = count_languages(replayed)
    assert counts["fa"] == pytest.approx(counts["ar"] + counts["ur"], abs=2)
    assert (counts["ar"], counts["ur"]) == (20, 5)


def test_an_utterance_is_not_seen_again_before_all_others():
    sampler = make_sampler(2.0)
    seen = Counter()
    for epoch in range(1, 8):
        seen += Counter(sampler.utt_ids[i] for i in sampler._draw(epoch))
    for lang in SIZES:
        times = [number for utt_id, number in seen.items() if utt_id[:2] == lang]
        assert len(times) == SIZES[lang]
        assert max(times) - min(times) <= 1


def test_batches_follow_from_seed_and_epoch_alone():
    first, second = make_sampler(3.0, seed=7), make_sampler(3.0, seed=7)
    third = [second.generate(10), second.generate(9), second.generate(8)][::-1]
    assert [first.generate(7 + epoch) for epoch in (1, 2, 3)] == third
    assert third[0] != third[1]
    other = make_sampler(3.0, seed=8)
    assert other.generate(8 + 1) != first.generate(7 + 2)


def test_every_epoch_has_as_many_batches_within_the_limits():
    sampler = make_sampler(2.0, bins=120_000)
    for epoch in range(1, 20):
        batches = sampler.generate(epoch)
        assert len(batches) == len(sampler)
        for batch in batches:
            rows = [(16000 + 2003 * (int(u[3:]) % 7) + 360) for u in batch]
            assert max(rows) * len(batch) <= 120_000
            assert rows == sorted(rows, reverse=True)


def test_most_batches_mix_languages():
    batches = make_sampler(float("inf")).generate(1)
    mixed = [batch for batch in batches if len({utt_id[:2] for utt_id in batch}) > 1]
    assert len(mixed) > len(batches) / 2


def test_batches_are_large_enough_for_all_processes():
    from hamzaban.train.sharding import ShardedSampler

    sampler = make_sampler(2.0, bins=30_000, min_size=3)
    for epoch in (1, 2, 3):
        assert min(map(len, sampler.generate(epoch))) >= 3
        parts = [ShardedSampler(sampler, rank, 3).generate(epoch) for rank in range(3)]
        joined = [Counter([*a, *b, *c]) for a, b, c in zip(*parts, strict=True)]
        assert joined == [Counter(batch) for batch in sampler.generate(epoch)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.5}, "language_temperature is 0.5, expected 1 or more"),
        ({"replay_share": 0.2}, "replay_language None and replay_share 0.2 found"),
        ({"replay_language": "fa"}, "replay_share 0.0 found, expected both"),
        (
            {"replay_language": "en", "replay_share": 0.2},
            "replay_language is 'en', expected one of the languages of the data",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_sampler(**options)


def test_utterance_without_language_is_named():
    from hamzaban.train.balance import Balance, BalancedSampler, Limits

    with pytest.raises(ValueError, match="utterance u2 of the shape file is missing"):
        BalancedSampler(
            {"u1": (1.0,), "u2": (1.0,)}, {"u1": "fa"}, Balance(), Limits(10)
        )


def test_lengths_are_read_as_espnet_counts_them(tmp_path):
    from hamzaban.train.balance import read_lengths

    (tmp_path / "speech").write_text("a 16000\nb 8000\n")
    (tmp_path / "text").write_text("a 5,30\nb 2,30\n")
    files = [str(tmp_path / "speech"), str(tmp_path / "text")]
    assert read_lengths(files) == {"a": (16000, 150), "b": (8000, 60)}
    (tmp_path / "text").write_text("a 5,30\n")
    with pytest.raises(ValueError, match="b is missing"):
        read_lengths(files)
