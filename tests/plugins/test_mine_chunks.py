"""From probabilities to chunks: bounds, least loss, streams of any length."""

import itertools

import numpy as np
import pytest
from mine_media import ROOT, make_config

from hamzaban.mine.chunks import Chunker, Span
from hamzaban.mine.mining_options import read_options
from hamzaban.mine.regions import Region, RegionFinder, longest_region

OPTIONS = read_options(ROOT / "conf" / "mine.yaml")
FRAME_S = 0.032


def compute_regions(probs: np.ndarray, block: int = 128) -> list[Region]:
    finder = RegionFinder(OPTIONS)
    found = []
    for start in range(0, len(probs), block):
        found += finder.feed(probs[start : start + block])
    return found + list(finder.finish())


def make_chunks(regions: list[Region], num_frames: int) -> list[Span]:
    chunker = Chunker(OPTIONS)
    spans = [span for region in regions for span in chunker.feed(region)]
    return spans + list(chunker.finish(num_frames))


def make_probs(seed: int, num_frames: int, speech_s: float, pause_s: float):
    """Return probabilities of speech and pauses of random lengths, shape (T,)."""
    rng = np.random.default_rng(seed)
    probs = np.zeros(0)
    while len(probs) < num_frames:
        lengths = rng.exponential([speech_s, pause_s]) / FRAME_S
        high, low = np.ceil(lengths).astype(int)
        parts = rng.uniform(0.6, 1, high), rng.uniform(0, 0.2, low)
        probs = np.concatenate([probs, *parts])
    return probs[:num_frames].astype(np.float32)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("speech_s", "pause_s"), [(2, 0.5), (1, 2), (60, 0.3)])
def test_chunks_keep_the_bounds_and_all_speech_is_accounted_for(
    seed, speech_s, pause_s
):
    probs = make_probs(seed, 20000, speech_s, pause_s)
    regions = compute_regions(probs)
    spans = make_chunks(regions, len(probs))
    chunks = [span for span in spans if not span.reason]
    assert chunks
    for chunk in chunks:
        num_frames = chunk.end - chunk.start
        assert 3.0 <= num_frames * FRAME_S < 32.0
        assert chunk.num_speech >= 0.7 * num_frames
        assert chunk.start >= 0 and chunk.end <= len(probs)
    for before, after in itertools.pairwise(spans):
        assert before.end <= after.start
    speech = sum(region.end - region.start for region in regions)
    assert speech == sum(span.num_speech for span in spans)


def test_blocks_of_any_size_give_the_same_regions():
    probs = make_probs(0, 30000, 20, 0.3)
    expected = compute_regions(probs)
    assert compute_regions(probs, 1) == expected
    assert compute_regions(probs, 30000) == expected


def test_chunks_are_decided_while_audio_is_read():
    """What is held back does not grow with the length of the stream."""
    probs = make_probs(1, 40000, 3, 0.4)
    chunker, finder, held = Chunker(OPTIONS), RegionFinder(OPTIONS), 0
    for start in range(0, len(probs), 128):
        for region in finder.feed(probs[start : start + 128]):
            list(chunker.feed(region))
        list(chunker.advance(finder.undecided))
        first = chunker.undecided
        held = max(held, start + 128 - (start + 128 if first is None else first))
    assert held * FRAME_S < 10 * OPTIONS.max_duration_s


def test_speech_without_pause_is_divided_where_it_is_least_likely():
    probs = np.full(1500, 0.95, np.float32)
    probs[700:705] = 0.6  # no pause, but the deepest place
    regions = compute_regions(probs)
    assert [region.start for region in regions[1:]] == [702]
    chunks = make_chunks(regions, len(probs))
    assert [(c.start, c.end, c.reason) for c in chunks] == [
        (0, 702, ""),
        (702, 1500, ""),
    ]


def test_endless_speech_is_cut_below_the_longest_duration():
    rng = np.random.default_rng(0)
    probs = rng.uniform(0.8, 1, 40000).astype(np.float32)
    regions = compute_regions(probs)
    assert regions[0].start == 0 and regions[-1].end == 40000
    longest = max(region.end - region.start for region in regions)
    assert longest <= longest_region(OPTIONS)
    chunks = make_chunks(regions, 40000)
    assert not any(chunk.reason for chunk in chunks)


def seconds(*spans: tuple[float, float]) -> list[Region]:
    return [Region(round(a / FRAME_S), round(b / FRAME_S)) for a, b in spans]


def test_long_pauses_are_cut_at_and_short_ones_kept():
    regions = seconds((1, 6), (6.5, 12), (14, 19), (30, 30.5))
    spans = make_chunks(regions, 1000)
    found = [(round(s.start * FRAME_S, 1), round(s.end * FRAME_S, 1)) for s in spans]
    assert found == [(0.9, 12.1), (13.9, 19.1), (30.0, 30.5)]
    assert [span.reason for span in spans] == ["", "", "too_short"]


def test_short_speech_joins_over_a_long_pause_where_the_ratio_allows():
    spans = make_chunks(seconds((1, 3.4), (4.8, 7)), 1000)
    assert [span.reason for span in spans] == [""]
    spans = make_chunks(seconds((1, 2), (4, 5), (7, 8)), 1000)
    assert {span.reason for span in spans} == {"sparse"}


def test_a_wrong_value_of_the_config_is_named(tmp_path):
    for change, words in (
        ({"threshold": 2}, "threshold: 2.0 found, expected 0..1"),
        ({"treshold": 0.5}, "'treshold' is unknown; did you mean threshold"),
        ({"fs": 8000}, "fs: 8000 found, expected 16000"),
        ({"max_duration_s": "32 s"}, "max_duration_s: '32 s' found, expected a number"),
        ({"languages": ["fa"]}, "without language_filter"),
        ({"output": "segments", "audio_stream": 1}, "`output: segments` needs it"),
    ):
        with pytest.raises(ValueError, match=words):
            read_options(make_config(tmp_path, **change))
