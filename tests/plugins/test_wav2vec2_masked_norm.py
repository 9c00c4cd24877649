"""Group norm without padding, and the allocator's settings."""

import pytest

from hamzaban.train.memory import keep_freed_memory


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global MaskedGroupNorm, mask_group_norm, torch, valid_lengths
    import torch

    from hamzaban.wav2vec2.masked_norm import (
        MaskedGroupNorm,
        mask_group_norm,
        valid_lengths,
    )


def make_extractor():
    """Return the first block of S3PRL's extractor."""

    class Extractor(torch.nn.Module):
        def __init__(self):
            super().__init__()
            conv = torch.nn.Conv1d(1, 4, 10, stride=5, bias=False)
            block = torch.nn.Sequential(conv, torch.nn.GroupNorm(4, 4), torch.nn.GELU())
            self.conv_layers = torch.nn.ModuleList([block])

        def forward(self, speech):
            return self.conv_layers[0](speech.unsqueeze(1))

    return Extractor()


def test_each_utterance_is_normalized_alone():
    torch.manual_seed(0)
    extractor = make_extractor()
    names = list(extractor.state_dict())
    speech = torch.randn(3, 400)
    lengths = [400, 203, 60]
    alone = [extractor(speech[i : i + 1, :n]) for i, n in enumerate(lengths)]
    mask_group_norm(extractor)
    assert list(extractor.state_dict()) == names
    with valid_lengths(extractor, lengths):
        together = extractor(speech)
    for found, expected in zip(together, alone, strict=True):
        frames = expected.size(2)
        torch.testing.assert_close(found[:, :frames], expected[0])
        assert not found[:, frames:].any()


def test_lengths_are_forgotten_after_an_error():
    extractor = make_extractor()
    mask_group_norm(extractor)
    with pytest.raises(RuntimeError), valid_lengths(extractor, [400, 100]):
        raise RuntimeError
    norm = extractor.conv_layers[0][1]
    assert isinstance(norm, MaskedGroupNorm) and norm.lengths is None


def test_allocator_takes_its_settings_twice():
    assert keep_freed_memory() == keep_freed_memory()
