"""Each layer has its learning rate; every trained parameter is in one group."""

import pytest

from hamzaban import compat


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global make_groups, compute_scale
    compat.prepare()
    from hamzaban.train.param_groups import compute_scale, make_groups


INSIDE = "frontend.upstream.upstream.model."


@pytest.mark.parametrize(
    ("name", "scale"),
    [
        (INSIDE + "encoder.layers.11.fc1.weight", 1.0),
        (INSIDE + "encoder.layers.9.fc1.weight", 0.25),
        (INSIDE + "encoder.layers.0.self_attn.k_proj.bias", 0.5**11),
        (INSIDE + "feature_extractor.conv_layers.0.0.weight", 0.5**12),
        (INSIDE + "layer_norm.weight", 0.5**12),
        (INSIDE + "encoder.pos_conv.0.bias", 0.5**12),
        (INSIDE + "encoder.layer_norm.weight", 1.0),
        ("ctc.ctc_lo.weight", 1.0),
    ],
)
def test_rate_falls_from_the_top_layer_down(name, scale):
    assert compute_scale(name, 12, 0.5, INSIDE) == scale


def test_groups_contain_every_trained_parameter():
    import torch

    def make(is_trained=True):
        return torch.nn.Parameter(torch.zeros(1), requires_grad=is_trained)

    parameters = {
        INSIDE + "encoder.layers.0.fc1.weight": make(),
        INSIDE + "encoder.layers.1.fc1.weight": make(),
        INSIDE + "encoder.layers.1.fc2.weight": make(),
        INSIDE + "feature_extractor.conv_layers.0.0.weight": make(False),
        "ctc.ctc_lo.weight": make(),
    }
    options = {"num_layers": 2, "decay": 0.9, "inside": INSIDE, "head_scale": 10.0}
    groups = make_groups(parameters.items(), 1e-4, **options)
    assert [round(group["lr"], 9) for group in groups] == [1e-3, 1e-4, 9e-5]
    assert [len(group["params"]) for group in groups] == [1, 2, 1]
    with pytest.raises(ValueError, match="layer_lr_decay is 1.1"):
        make_groups([], 1e-4, num_layers=2, decay=1.1, inside=INSIDE)
