"""Checkpointing changes no value; autocast only rounds; losses stay float32."""

import pytest
import tiny_pretraining

from hamzaban import compat


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global LossOptions, PretrainModel, checkpoint_wav2vec2, make_model_cfg
    global run_under_autocast, torch
    import torch

    with compat.fast_imports():
        from hamzaban.pretrain.model import LossOptions, PretrainModel
        from hamzaban.train.precision import checkpoint_wav2vec2, run_under_autocast
        from hamzaban.wav2vec2.config import make_model_cfg


def build(mode):
    torch.manual_seed(0)
    cfg = {**tiny_pretraining.CONFIG["model_cfg"], "extractor_mode": mode}
    cfg |= {"dropout": 0.1, "attention_dropout": 0.1, "activation_dropout": 0.1}
    return PretrainModel(make_model_cfg(cfg, "test"), LossOptions()).train()


def step(model):
    speech = torch.randn(3, 9000, generator=torch.Generator().manual_seed(1))
    lengths = [9000, 7000, 5000]
    for row, length in zip(speech, lengths, strict=True):
        row[length:] = 0
    torch.manual_seed(2)
    loss = model(speech, torch.tensor(lengths))["loss"]
    loss.backward()
    return loss, {n: p.grad for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("mode", ["default", "layer_norm"])
def test_recomputed_activations_give_the_same_gradients(mode):
    plain, saving = build(mode), build(mode)
    names = list(saving.state_dict())
    checkpoint_wav2vec2(saving.wav2vec2)
    assert list(saving.state_dict()) == names
    loss, gradients = step(plain)
    found, others = step(saving)
    assert torch.equal(loss, found)
    assert gradients.keys() == others.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(others[name], gradient, rtol=1e-6, atol=1e-8)


def test_recomputing_keeps_fewer_activations():
    kept = []
    for model in (build("layer_norm"), build("layer_norm")):
        if kept:
            checkpoint_wav2vec2(model.wav2vec2)
        sizes = []

        def pack(tensor, sizes=sizes):
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            model(torch.randn(2, 9000), torch.tensor([9000, 9000]))
        kept.append(sum(sizes))
    assert kept[1] < 0.5 * kept[0]


def test_autocast_rounds_matrix_products_only():
    exact, rounded = build("default"), build("default")
    run_under_autocast(rounded, "bfloat16")
    seen = []
    layer = rounded.wav2vec2.encoder.layers[0].fc1
    layer.register_forward_hook(lambda *parts: seen.append(parts[2].dtype))
    loss, _ = step(exact)
    found, gradients = step(rounded)
    assert seen == [torch.bfloat16]
    assert found.dtype == torch.float32
    assert all(gradient.dtype == torch.float32 for gradient in gradients.values())
    assert found.item() == pytest.approx(loss.item(), rel=0.05)
    run_under_autocast(exact, None)
    with pytest.raises(ValueError, match="autocast_dtype is 'float16', expected null"):
        run_under_autocast(exact, "float16")


def test_frontend_of_a_recognizer_recomputes_too():
    from hamzaban.asr.frontend import HamzabanS3prlFrontend

    speech, lengths = torch.randn(2, 9000), torch.tensor([9000, 7000])
    found = []
    for saving in (False, True):
        torch.manual_seed(0)
        cfg = tiny_pretraining.CONFIG["model_cfg"]
        frontend = HamzabanS3prlFrontend(
            model_cfg=cfg, gradient_checkpointing=saving, dropout=0.1
        ).train()
        torch.manual_seed(1)
        frontend(speech, lengths)[0].square().sum().backward()
        parameters = frontend.named_parameters()
        found.append({n: p.grad for n, p in parameters if p.grad is not None})
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, rtol=1e-5, atol=1e-7)
