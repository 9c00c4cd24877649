"""The cache, schedule, guard and teacher of continuous pseudo-labelling."""

from collections import Counter

import pytest

from hamzaban.pseudo.continuous import guard
from hamzaban.pseudo.continuous.cache import LabelCache
from hamzaban.pseudo.continuous.continuous_options import (
    ContinuousOptions,
    Schedule,
    read_continuous_options,
)

LENGTHS = {f"u{i:03d}": 16000 + 997 * (i * 7 % 50) for i in range(200)}


def make_cache(size=40, seed=(0, 0)):
    cache = LabelCache(LENGTHS, size, seed)
    cache.replace([], {u: f"label {u}" for u in cache.take_candidates(cache.size)})
    return cache


def run(cache, updates, replace_prob, bins=160000):
    """Draw two batches per update and replace; return utterances drawn and replaced."""
    drawn, left = [], []
    for update in range(updates):
        batches = cache.draw(update, 2, bins)
        used = [utt_id for batch in batches for utt_id in batch]
        leavers = cache.choose_leavers(update, used, replace_prob)
        new = {u: f"{update} {u}" for u in cache.take_candidates(len(leavers))}
        cache.replace(leavers, new)
        drawn.append(used)
        left.append(leavers)
    return drawn, left


def test_drawn_utterances_are_replaced_with_the_probability_asked_for():
    drawn, left = run(make_cache(), 1500, 0.1)
    number = sum(map(len, drawn))
    share = sum(map(len, left)) / number
    assert abs(share - 0.1) < 4 * (0.1 * 0.9 / number) ** 0.5  # four deviations
    assert all(len(used) == len(set(used)) for used in drawn)
    counts = Counter(utt_id for used in drawn for utt_id in used)
    assert set(counts) == set(LENGTHS)


def test_every_utterance_of_the_cache_is_drawn_equally_often():
    drawn, left = run(make_cache(), 3000, 0.0)
    assert not any(left)
    counts = Counter(utt_id for used in drawn for utt_id in used)
    assert len(counts) == 40
    mean = sum(counts.values()) / 40
    assert max(abs(count - mean) for count in counts.values()) < 5 * mean**0.5


def test_a_label_stays_in_the_cache_for_one_over_p_draws():
    cache = make_cache()
    ages, draws = [], Counter()
    for update in range(3000):
        before = dict(cache.labels)
        batches = cache.draw(update, 2, 160000)
        used = [utt_id for batch in batches for utt_id in batch]
        draws.update(used)
        leavers = cache.choose_leavers(update, used, 0.2)
        ids = cache.take_candidates(len(leavers))
        cache.replace(leavers, dict.fromkeys(ids, f"{update}"))
        for utt_id in leavers:
            if cache.labels.get(utt_id) != before[utt_id]:
                ages.append(draws.pop(utt_id))
    assert abs(sum(ages) / len(ages) - 5.0) < 0.4


def test_batches_keep_to_their_size_and_hold_like_lengths():
    cache = make_cache()
    batches = cache.draw(0, 100, 160000)
    assert len(batches) == 100
    for batch in batches:
        lengths = [LENGTHS[utt_id] for utt_id in batch]
        assert max(lengths) * len(batch) <= 160000
        assert max(lengths) <= 1.6 * min(lengths)


def test_all_utterances_come_before_any_comes_again():
    cache = LabelCache(LENGTHS, 40, (3,))
    laps = [cache.take_candidates(200) for _ in range(2)]
    assert sorted(laps[0]) == sorted(laps[1]) == sorted(LENGTHS)
    assert laps[0] != laps[1]


def test_a_rejected_label_leaves_the_old_one_and_new_labels_replace_old_ones():
    cache = LabelCache(dict.fromkeys("abcd", 16000), 3, (0,))
    cache.replace([], {"a": "1", "b": "1", "c": "1"})
    assert cache.replace(["a", "b"], {"d": "2"}) == 1
    assert cache.labels == {"b": "1", "c": "1", "d": "2"}
    assert cache.replace(["b"], {"c": "3"}) == 1
    assert cache.labels == {"b": "1", "c": "3", "d": "2"}


def test_equal_seeds_draw_equally_and_state_goes_on():
    one, two, other = make_cache(), make_cache(), make_cache(seed=(1, 0))
    whole = run(one, 60, 0.3)
    assert whole == run(two, 60, 0.3)
    assert whole != run(other, 60, 0.3)
    begun = make_cache()
    run(begun, 60, 0.3)
    resumed = LabelCache(LENGTHS, 40, (0, 0))
    resumed.set_state(begun.get_state())
    assert run(resumed, 20, 0.3) == run(begun, 20, 0.3)
    assert resumed.get_state() == begun.get_state()
    with pytest.raises(ValueError, match="not in unlabelled_data_dir"):
        LabelCache({"x": 1}, 1, (0,)).set_state(begun.get_state())


@pytest.mark.parametrize("ratio", [(1, 4), (3, 2), (0, 1), (1, 1)])
def test_turns_keep_their_ratio_after_the_warm_up(ratio):
    schedule = Schedule(7, *ratio)
    kinds = [schedule.count_pseudo_ahead(update) > 0 for update in range(7 + 50)]
    assert not any(kinds[:7])
    turn = [False] * ratio[0] + [True] * ratio[1]
    assert kinds[7:] == (turn * 50)[:50]
    for updates in range(57):
        assert schedule.count_labelled(updates) == kinds[:updates].count(False)
    assert Schedule(0, 2, 4).count_epoch_updates(5) == 18
    assert Schedule(0, 0, 4).count_epoch_updates(5) == 5


def judged(text, frames=100, blanks=50, reason=guard.KEPT):
    return guard.JudgedLabel(text, frames, blanks, reason)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([judged("", 100, 100, guard.EMPTY)] * 20, "blank_rate 1 over 0.98, rejected"),
        ([judged(f"a{i} b{i}") for i in range(5)] + [judged("x")] * 15, "top_label_"),
        ([judged(f"no no no no a{i}") for i in range(20)], "top_word_share 0.8 over"),
        ([judged(f"a{i}", reason=guard.TOO_MANY) for i in range(20)], "rejected 1 ove"),
    ],
)
def test_collapse_stops_with_its_reason(labels, reason):
    looking = guard.Guard(ContinuousOptions(guard_window=20))
    looking.look(labels[:-1], 10)  # not enough of them yet
    with pytest.raises(guard.LabelsCollapsedError, match=f"update 11: .*{reason}"):
        looking.look(labels[-1:], 10)
    lenient = {f"max_{name}": None for name in guard.measure_labels([])}
    guard.Guard(ContinuousOptions(guard_window=20, **lenient)).look(labels, 10)


def test_healthy_labels_pass_and_old_ones_are_forgotten():
    looking = guard.Guard(ContinuousOptions(guard_window=20))
    looking.look([judged("", 100, 99, guard.EMPTY)] * 10, 0)
    for update in range(10):
        looking.look([judged(f"a{i} b{i}") for i in range(10)], update)
    copy = guard.Guard(looking.options)
    copy.set_state(looking.get_state())
    assert copy.window == looking.window


def test_labels_are_rejected_by_their_length():
    options = ContinuousOptions(min_length_ratio=0.5, max_length_ratio=2.0)
    for text, reason in (
        ("", guard.EMPTY),
        ("abcd", guard.TOO_FEW),
        ("a b c d e", guard.KEPT),
        ("a" * 20, guard.KEPT),
        ("a" * 21, guard.TOO_MANY),
    ):
        assert guard.judge_label(text, 1.0, 10.0, options) == reason


def test_the_shared_values_are_read():
    from pathlib import Path

    from hamzaban.config import read_config

    path = Path(__file__).parents[2] / "conf" / "pseudo_continuous.yaml"
    values, _ = read_config(path)
    options = read_continuous_options(values["continuous_conf"])
    assert options.schedule == Schedule(500, 1, 4)
    assert (options.replace_prob, options.ema_decay) == (0.1, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cache": 3},
        {"cache_size": 1},
        {"cache_size": 2.5},
        {"replace_prob": 1.5},
        {"replace_prob": None},
        {"ema_decay": 1},
        {"ratio": [1]},
        {"ratio": [1, 0]},
        {"warmup_updates": -1},
        {"max_blank_rate": "high"},
        {"min_length_ratio": 3},
        {"max_length_ratio": None},
    ],
)
def test_wrong_values_are_refused(wrong):
    with pytest.raises(ValueError, match=f"continuous_conf: .?{next(iter(wrong))}"):
        read_continuous_options(wrong)
