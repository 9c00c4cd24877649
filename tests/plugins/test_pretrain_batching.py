"""Cropping, normalizing and choosing utterances for pretraining."""

import numpy as np
import pytest


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global CropCollate, CropSpeech, select_utterances, torch
    import torch

    from hamzaban.pretrain.batching import CropCollate, CropSpeech, select_utterances


def test_crop_is_random_in_training_and_the_start_in_validation():
    data = {"speech": np.arange(1000.0)}
    np.random.seed(0)
    train = [CropSpeech(False, 100, True)("a", data)["speech"] for _ in range(20)]
    assert {len(speech) for speech in train} == {100}
    assert len({speech[0] for speech in train}) > 10
    valid = CropSpeech(False, 100, False)("a", data)["speech"]
    assert valid.tolist() == list(range(100))
    assert CropSpeech(False, None, True)("a", data)["speech"].size == 1000


def test_normalizing_is_that_of_the_frontend():
    speech = np.random.default_rng(0).normal(3, 2, 500).astype(np.float32)
    found = CropSpeech(True, None, True)("a", {"speech": speech})["speech"]
    tensor = torch.from_numpy(speech)
    expected = torch.nn.functional.layer_norm(tensor, tensor.shape)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="utt1: audio has shape .*one channel"):
        CropSpeech(False, None, True)("utt1", {"speech": np.zeros((10, 2))})


def test_batch_is_padded_or_cropped_to_the_shortest():
    data = [("a", {"speech": np.ones(5, "f")}), ("b", {"speech": np.ones(3, "f")})]
    utt_ids, padded = CropCollate(False)(data)
    assert utt_ids == ["a", "b"]
    assert padded["speech"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert padded["speech_lengths"].tolist() == [5, 3]
    _, cropped = CropCollate(True)(data)
    assert cropped["speech"].shape == (2, 3)
    assert cropped["speech_lengths"].tolist() == [3, 3]


def test_short_utterances_are_dropped_and_long_ones_counted_as_cropped(tmp_path):
    shapes = tmp_path / "speech_shape"
    shapes.write_text("a 500\nb 90\nc 2000,1\n", encoding="utf-8")
    out = tmp_path / "out" / "shape"
    options = {"min_samples": 100, "max_samples": 1000}
    assert select_utterances(shapes, out, max_drop=0.5, **options) == 2
    assert out.read_text(encoding="utf-8") == "a 500\nc 1000\n"
    with pytest.raises(ValueError, match="1 of 3 utterances are shorter than 100"):
        select_utterances(shapes, out, max_drop=0.05, **options)
    shapes.write_text("a 500\nb\n", encoding="utf-8")
    with pytest.raises(ValueError, match="speech_shape:2: found 'b', expected"):
        select_utterances(shapes, out, max_drop=0.5, **options)
