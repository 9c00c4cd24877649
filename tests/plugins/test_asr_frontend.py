"""Features do not depend on the batch and equal S3PRL's; frozen parts do not train."""

import dataclasses

import pytest
import tiny_experiment
import tiny_training

pytestmark = pytest.mark.torch

MODES = ("default", "layer_norm")
LENGTHS = (16000, 9000, 4321, 12345)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    tiny_training.import_task()
    folder = tmp_path_factory.mktemp("seeds")
    for mode in MODES:
        tiny_experiment.write_checkpoint(folder / f"{mode}.pt", mode)
    return folder


def build(seeds, mode="default", **options):
    from hamzaban.asr.frontend import HamzabanS3prlFrontend

    conf = {"upstream": "wav2vec2_custom", "path_or_url": str(seeds / f"{mode}.pt")}
    return HamzabanS3prlFrontend(frontend_conf=conf, **options).eval()


def make_batch(lengths=LENGTHS):
    import torch

    generator = torch.Generator().manual_seed(0)
    speech = [0.1 * torch.randn(n, generator=generator) + 0.3 for n in lengths]
    padded = torch.nn.utils.rnn.pad_sequence(speech, batch_first=True)
    return padded, torch.tensor(lengths)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options", [{}, {"layer": 1}, {"multilayer_feature": True}])
def test_features_do_not_depend_on_the_batch(seeds, mode, options):
    import torch

    frontend = build(seeds, mode, **options)
    speech, lengths = make_batch()
    with torch.no_grad():
        feats, frames = frontend(speech, lengths)
        for i, n in enumerate(LENGTHS):
            alone, number = frontend(speech[i : i + 1, :n], lengths[i : i + 1])
            assert alone.shape[1] == number.item() == frames[i].item()
            assert (feats[i, : frames[i]] - alone[0]).abs().max() < 1e-5


@pytest.mark.parametrize("mode", MODES)
def test_gradients_do_not_depend_on_the_batch(seeds, mode):
    import torch

    frontend = build(seeds, mode)
    speech, lengths = make_batch()
    feats, frames = frontend(speech, lengths)
    padding = torch.arange(feats.size(1)) >= frames[:, None]
    feats.masked_fill(padding[..., None], 0).square().sum().backward()
    together = [p.grad.clone() for p in frontend.parameters() if p.requires_grad]
    frontend.zero_grad()
    for i, n in enumerate(LENGTHS):
        frontend(speech[i : i + 1, :n], lengths[i : i + 1])[0].square().sum().backward()
    alone = [p.grad for p in frontend.parameters() if p.requires_grad]
    for one, other in zip(together, alone, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("mode", MODES)
def test_feature_values_equal_those_of_s3prl(seeds, mode):
    import torch
    from s3prl.upstream.wav2vec2.expert import UpstreamExpert

    expert = UpstreamExpert(str(seeds / f"{mode}.pt")).eval()
    speech, lengths = make_batch((16000,))
    with torch.no_grad():
        states = expert([speech[0]])["hidden_states"]
        assert len(states) == 3
        for layer, state in zip((0, 1, -1), states, strict=True):
            feats, _ = build(seeds, mode, layer=layer)(speech, lengths)
            assert torch.allclose(feats, state, atol=1e-5)
        mean, _ = build(seeds, mode, multilayer_feature=True)(speech, lengths)
        assert torch.allclose(mean, sum(states) / 3, atol=1e-5)


def test_frame_counts_equal_those_of_the_convolutions(seeds):
    lengths = [1, 399, 400, 719, 720, 16000]
    feats, frames = build(seeds)(*make_batch(lengths))
    assert frames.tolist() == [0, 0, 1, 1, 2, 49]
    assert feats.isfinite().all()
    feats, frames = build(seeds)(*make_batch([3, 200]))
    assert frames.tolist() == [0, 0]
    assert feats.isfinite().all()


def test_half_precision_checkpoint_becomes_float32(seeds, tmp_path):
    import torch

    state = torch.load(seeds / "default.pt", weights_only=True)
    weights = state["model_weight"]
    state["model_weight"] = {name: value.half() for name, value in weights.items()}
    torch.save(state, tmp_path / "default.pt")
    frontend = build(tmp_path)
    assert {p.dtype for p in frontend.parameters()} == {torch.float32}
    name = "encoder.layers.0.fc1.weight"
    found = frontend.model.state_dict()[name]
    assert torch.equal(found, weights[name].half().float())


def test_random_model_needs_no_file(seeds):
    from hamzaban.asr.frontend import HamzabanS3prlFrontend

    cfg = {"encoder_layers": 1, "encoder_embed_dim": 32, "encoder_ffn_embed_dim": 64}
    cfg.update(encoder_attention_heads=2, conv_feature_layers="[(16, 10, 5)]")
    frontend = HamzabanS3prlFrontend(model_cfg=cfg, task_cfg={"normalize": True})
    assert frontend.output_size() == 32
    assert frontend.hop_length == 5
    assert not any("quantizer" in name for name, _ in frontend.named_parameters())


def test_parameters_have_the_names_of_espnets_frontend(seeds):
    names = [name for name, _ in build(seeds).named_parameters()]
    assert "upstream.upstream.model.feature_extractor.conv_layers.0.0.weight" in names


def test_frozen_part_is_in_eval_mode_and_has_no_graph(seeds):
    frozen = ["feature_extractor", "layer_norm", "encoder.layers.0"]
    frontend = build(seeds, freeze=frozen).train()
    model = frontend.model
    assert model.training and model.encoder.layers[1].training
    for module in (model.feature_extractor, model.layer_norm, model.encoder.layers[0]):
        assert not any(m.training for m in module.modules())
    graphs = []
    hook = model.feature_extractor.register_forward_hook(
        lambda module, inputs, output: graphs.append(output.requires_grad)
    )
    frontend(*make_batch())[0].sum().backward()
    hook.remove()
    assert graphs == [False]
    assert model.encoder.layers[0].fc1.weight.grad is None
    assert model.encoder.layers[1].fc1.weight.grad is not None


def test_parameters_frozen_from_outside_are_in_eval_mode(seeds):
    frontend = build(seeds)
    frontend.model.feature_extractor.requires_grad_(False)
    frontend.train()
    assert not frontend.model.feature_extractor.training
    frontend.model.feature_extractor.requires_grad_(True)
    frontend.train()
    assert frontend.model.feature_extractor.training


def test_freezing_ends_after_freeze_updates(seeds):
    frontend = build(seeds, freeze_updates=2, mask_prob=0.5).train()
    for updates, is_frozen in ((0, True), (1, True), (2, False), (3, False)):
        frontend.set_num_updates(updates)
        assert frontend.is_frozen == is_frozen
        assert frontend.model.encoder.training != is_frozen
        feats, _ = frontend(*make_batch())
        assert feats.requires_grad != is_frozen
    frontend.set_num_updates(0)
    frontend.eval()
    assert frontend(*make_batch())[0].requires_grad


def test_masks_are_drawn_in_training_only_from_numpys_seed(seeds):
    import numpy as np
    import torch

    options = {"dropout": 0.0, "activation_dropout": 0.0, "attention_dropout": 0.0}
    frontend = build(seeds, mask_prob=0.5, mask_channel_prob=0.3, **options)
    frontend.model.dropout_input.p = 0.0
    batch = make_batch()
    plain = frontend(*batch)[0]
    assert torch.equal(plain, frontend(*batch)[0])
    frontend.train()
    found = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        found.append(frontend(*batch)[0])
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert not torch.equal(found[0], plain)


def test_masks_cover_the_requested_shares():
    import numpy as np
    import torch

    from hamzaban.asr.frontend_options import FineTuning
    from hamzaban.asr.masking import mask_latent, sample_channels, sample_frames

    rng = np.random.default_rng(0)
    options = FineTuning(
        mask_prob=0.5, mask_channel_prob=0.25, mask_channel_length=64, mask_length=10
    )
    frames = sample_frames([1000, 400] * 20, 1000, options, rng)
    assert not frames[1::2, 400:].any()
    share = 1 - np.exp(-0.5)  # spans overlap
    assert abs(frames[::2].mean() - share) < 0.02
    assert abs(frames[1::2, :400].mean() - share) < 0.02
    channels = sample_channels(400, 128, options, rng)
    assert abs(channels.mean() - 0.5 * 0.5) < 0.03  # half of the rows have a span of 64
    emb = torch.full((128,), 7.0)
    np.random.seed(0)
    masked = mask_latent(torch.ones(2, 50, 128), [50, 30], emb, options)
    assert set(masked.unique().tolist()) <= {0.0, 1.0, 7.0}
    assert (masked[1, 30:] != 7.0).all()


def test_mask_embedding_is_trained_only_where_it_is_used(seeds):
    assert not build(seeds).model.mask_emb.requires_grad
    frontend = build(seeds, mask_prob=0.5).train()
    frontend(*make_batch())[0].sum().backward()
    assert frontend.model.mask_emb.grad is not None


def test_dropout_in_the_yaml_replaces_that_of_the_checkpoint(seeds):
    frontend = build(seeds, activation_dropout=0.3, layerdrop=0.2)
    layer = frontend.model.encoder.layers[0]
    assert (layer.dropout2.p, layer.dropout1.p) == (0.3, 0.1)
    assert frontend.model.encoder.layerdrop == 0.2
    assert build(seeds).model.encoder.layerdrop == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mask_probe": 0.1}, "'mask_probe' is unknown; did you mean mask_prob"),
        ({"mask_prob": 1.5}, "mask_prob: 1.5 found, expected 0..1"),
        ({"mask_length": 0}, "mask_length: 0 found"),
        ({"freeze": "encoder"}, r"freeze: 'encoder' found, expected a list of texts"),
        ({"freeze": ["features"]}, "'features' matches no.*feature_extractor"),
        ({"layer": 3}, "layer is 3"),
        ({"layer": 1, "layerdrop": 0.1}, "layerdrop is 0.1"),
        ({"fs": 8000}, "fs is 8000"),
    ],
)
def test_wrong_option_is_one_clear_error(seeds, options, message):
    with pytest.raises(ValueError, match=message):
        build(seeds, **options)


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"upstream": "wavlm_base", "path_or_url": "x.pt"}, "wavlm_base"),
        ({"upstream_ckpt": "x.pt"}, "'upstream_ckpt' is unknown"),
        ({"upstream": "wav2vec2_custom"}, "--ssl_checkpoint"),
        (
            {"upstream": "hf_wav2vec2_custom", "path_or_url": "hub"},
            "give a Hugging Face directory of wav2vec 2.0 as --ssl_checkpoint",
        ),
    ],
)
def test_wrong_upstream_is_one_clear_error(seeds, conf, message):
    from hamzaban.asr.frontend import HamzabanS3prlFrontend

    with pytest.raises(ValueError, match=message):
        HamzabanS3prlFrontend(frontend_conf=conf)


def test_conformer_is_refused(seeds):
    from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config

    from hamzaban.asr.upstream import build_wav2vec2

    cfg = dataclasses.asdict(Wav2Vec2Config(layer_type="conformer"))
    with pytest.raises(ValueError, match="layer_type is conformer"):
        build_wav2vec2(cfg, {})
