"""Masks and negatives: where they may fall, and how often."""

import numpy as np
import pytest

from hamzaban.wav2vec2.masking import (
    MaskOptions,
    sample_masked_frames,
    sample_masks,
    sample_negatives,
)


@pytest.mark.parametrize("num_frames", [12, 13, 20, 49, 200])
def test_masked_frames_are_valid_sorted_and_enough_for_a_negative(num_frames):
    rng = np.random.default_rng(0)
    for _ in range(200):
        frames = sample_masked_frames(num_frames, MaskOptions(), rng)
        assert frames.min() >= 0 and frames.max() < num_frames
        assert (np.diff(frames) > 0).all()
        assert frames.size >= min(11, num_frames)  # two spans that start apart


@pytest.mark.torch
@pytest.mark.parametrize("num_frames", [150, 500])
def test_share_of_masked_frames_is_that_of_s3prl(num_frames):
    model = pytest.importorskip("s3prl.upstream.wav2vec2.wav2vec2_model")
    rng = np.random.default_rng(1)
    ours = [sample_masked_frames(num_frames, MaskOptions(), rng) for _ in range(400)]
    np.random.seed(1)
    shape = (1, num_frames)
    theirs = [
        model.compute_mask_indices(shape, None, 0.65, 10, min_masks=2).mean()
        for _ in range(400)
    ]
    share = np.mean([frames.size for frames in ours]) / num_frames
    assert share == pytest.approx(np.mean(theirs), abs=0.01)


def test_every_selection_masks_about_as_much():
    for selection, other in [("uniform", 1), ("normal", 3), ("poisson", 0)]:
        options = MaskOptions(selection=selection, other=other)
        rng = np.random.default_rng(2)
        sizes = [sample_masked_frames(300, options, rng).size for _ in range(200)]
        assert 0.4 < np.mean(sizes) / 300 < 0.55, selection


def test_unknown_selection_names_the_known_ones():
    options = MaskOptions(selection="gauss")
    with pytest.raises(ValueError, match="mask_selection 'gauss' is unknown.*static"):
        sample_masked_frames(100, options, np.random.default_rng(0))


def test_masks_differ_in_number_unless_asked_to_be_the_same():
    lengths = [50, 120, 120, 80]
    rngs = [np.random.default_rng(3)] * 4
    free = {mask.size for mask in sample_masks(lengths, MaskOptions(), rngs)}
    same = sample_masks(lengths, MaskOptions(require_same=True), rngs)
    assert len(free) > 1
    assert len({mask.size for mask in same}) == 1


def test_negatives_are_the_other_frames_equally_often():
    drawn = sample_negatives(5, 20000, np.random.default_rng(4))
    for own, others in enumerate(drawn):
        counts = np.bincount(others, minlength=5)
        assert counts[own] == 0
        expected = pytest.approx([5000] * 4, rel=0.06)
        assert np.delete(counts, own).tolist() == expected


def test_one_masked_frame_has_no_negative():
    assert sample_negatives(1, 100, np.random.default_rng(0)).shape == (1, 0)
