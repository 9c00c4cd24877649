"""The spectral anchor: its targets, padding, and its absence from the export."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global SpectralAnchor, torch
    import torch

    from hamzaban.pretrain.spectral_loss import SpectralAnchor


CONVS = [(10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2)]


def test_frames_are_those_of_the_convolutions():
    """At 16 kHz a window of 400 samples every 320 gives 49 frames in a second."""
    anchor = SpectralAnchor(CONVS, dim=8)
    error = anchor(torch.zeros(2, 49, 8), torch.randn(2, 16000), None)
    assert error.shape == ()
    with torch.no_grad():
        anchor.proj.bias.zero_()
        error = anchor(torch.zeros(2, 49, 8), torch.randn(2, 16000), None)
    assert error.item() == pytest.approx(1.0, abs=1e-2)  # unit variance, mean 0


def test_padding_does_not_count():
    """The error of a padded utterance is the error of that utterance alone."""
    torch.manual_seed(0)
    anchor = SpectralAnchor(CONVS, dim=8)
    speech, features = torch.randn(1, 16000), torch.randn(1, 49, 8)
    alone = anchor(features, speech, None)
    longer = torch.cat([speech, torch.zeros(1, 3200)], 1)
    more = torch.cat([features, torch.randn(1, 10, 8)], 1)
    padding = torch.arange(59)[None] >= 49
    torch.testing.assert_close(anchor(more, longer, padding), alone)


def test_spectrum_can_be_learnt_from_features_that_hold_it():
    """Features that are the log-mel spectrum leave almost no error."""
    torch.manual_seed(0)
    anchor = SpectralAnchor(CONVS, dim=40)
    speech = torch.randn(1, 32000) * torch.linspace(0.1, 2, 32000)
    features = (anchor.mel(speech) + 1e-3).log().transpose(1, 2)
    optim = torch.optim.LBFGS(
        anchor.proj.parameters(), max_iter=100, line_search_fn="strong_wolfe"
    )

    def closure():
        optim.zero_grad()
        error = anchor(features, speech, None)
        error.backward()
        return error

    first = closure().item()
    optim.step(closure)
    assert closure().item() < 0.05 * first  # found: 0.002 to 0.005
