"""wav2vec-S: both losses are right, alternate, resume; the head is not exported."""

import argparse

import pytest
import tiny_pretraining

from hamzaban import compat


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global F, LossOptions, PretrainModel, SemiSupervisedModel, make_model_cfg
    global read_semi_options, read_token_list, torch
    import torch
    from torch.nn import functional as F

    with compat.fast_imports():
        from hamzaban.pretrain.model import LossOptions, PretrainModel
        from hamzaban.pretrain.wav2vec_s import SemiSupervisedModel, read_semi_options
        from hamzaban.text.tokens import read_token_list
        from hamzaban.wav2vec2.config import make_model_cfg


NUM_TOKENS = 8


def build(**semi):
    torch.manual_seed(0)
    cfg = {**tiny_pretraining.CONFIG["model_cfg"], "dropout": 0.0}
    cfg |= {"attention_dropout": 0.0, "layer_norm_first": True}
    options = read_semi_options({"dropout": 0.0, **semi})
    model_cfg = make_model_cfg(cfg, "test")
    return SemiSupervisedModel(model_cfg, LossOptions(), options, NUM_TOKENS)


def batches():
    generator = torch.Generator().manual_seed(1)
    plain = {
        "speech": torch.randn(2, 8000, generator=generator),
        "speech_lengths": torch.tensor([8000, 6000]),
        "utt_id": ["a", "b"],
    }
    plain["speech"][1, 6000:] = 0
    labelled = {
        "labelled_speech": torch.randn(2, 9000, generator=generator),
        "labelled_speech_lengths": torch.tensor([9000, 7000]),
        "text": torch.tensor([[3, 3, 4, 2, 5], [6, 4, 3, -1, -1]]),
        "text_lengths": torch.tensor([5, 3]),
    }
    labelled["labelled_speech"][1, 7000:] = 0
    return plain, labelled


@pytest.mark.parametrize("layer", [-1, 1, 2])
def test_losses_equal_those_computed_separately(layer):
    model = build(ssl_weight=0.7, ctc_weight=0.3, layer=layer).eval()
    plain, labelled = batches()
    alone = PretrainModel(model.wav2vec2.cfg.__dict__, LossOptions()).eval()
    alone.load_state_dict(
        {k: v for k, v in model.state_dict().items() if k.startswith("wav2vec2.")}
    )
    ssl = alone(**plain)["loss"]
    sums = []
    for row, (samples, length) in enumerate(((9000, 5), (7000, 3))):
        speech = labelled["labelled_speech"][row : row + 1, :samples]
        found = model.wav2vec2(speech, mask=False, features_only=True)
        hidden = found["x"]
        if layer == 1:
            hidden = found["layer_results"][0][0].transpose(0, 1)
            hidden = F.layer_norm(hidden, hidden.shape[-1:])
        scores = model.char_head(hidden).log_softmax(-1).transpose(0, 1)
        text = labelled["text"][row : row + 1, :length]
        frames = torch.tensor([scores.size(0)])
        lengths = torch.tensor([length])
        sums.append(F.ctc_loss(scores, text, frames, lengths, reduction="sum"))
    ctc = sum(sums) / 8  # characters
    for batch, expected, weight in (
        (plain, 0.7 * ssl, alone(**plain)["weight"]),
        (labelled, 0.3 * ctc, torch.tensor(8.0)),
        ({**plain, **labelled}, 0.7 * ssl + 0.3 * ctc, alone(**plain)["weight"]),
    ):
        result = model(**batch)
        torch.testing.assert_close(result["loss"], expected, rtol=1e-4, atol=1e-5)
        assert result["weight"] == weight
        assert result["stats"]["loss"] == result["loss"]
    stats = model(**plain, **labelled)["stats"]
    torch.testing.assert_close(stats["loss_ctc"], ctc, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(stats["loss_ssl"], ssl, rtol=1e-4, atol=1e-5)
    assert 0 < stats["char_errors"] <= 20


def test_each_kind_of_batch_trains_its_own_head():
    model = build().train()
    plain, labelled = batches()
    model(**labelled)["loss"].backward()
    assert model.char_head.weight.grad is not None
    assert model.wav2vec2.quantizer.vars.grad is None
    assert model.wav2vec2.encoder.layers[0].fc1.weight.grad.abs().sum() > 0
    model.zero_grad()
    model(**plain)["loss"].backward()
    assert model.char_head.weight.grad is None
    assert model.wav2vec2.quantizer.weight_proj.weight.grad is not None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"mode": "both"}, "mode: 'both' found, expected alternate, sum"),
        ({"ratio": [1]}, r"ratio: \[1\] found, expected a list of 2 whole numbers"),
        ({"layers": 2}, "'layers' is unknown; did you mean layer"),
        ({"ctc_weight": -1}, "ctc_weight: -1.0 found, expected 0 or more"),
    ],
)
def test_wrong_options_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        read_semi_options(values)
    with pytest.raises(ValueError, match="layer is 3, expected 1..2, or -1"):
        build(layer=3)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return tiny_pretraining.write_inputs(tmp_path_factory.mktemp("wav2vec S گفتار"))


def command(inputs, exp, mode):
    characters = {"token_list": inputs / "tokens.txt"} if mode == "sum" else {}
    return tiny_pretraining.make_command(
        inputs,
        exp,
        "--semi_conf",
        f"mode={mode}",
        "--semi_conf",
        "ratio=[2,1]",
        max_updates=8,
        save_interval=3,
        batch_bins=20000,
        labelled_dir=inputs / "source",
        labelled_valid_dir=inputs / "valid",
        **characters,
        replay_dir=inputs / "old",
        replay_share=0.4,
    )


@pytest.mark.parametrize("mode", ["alternate", "sum"])
def test_a_run_killed_anywhere_ends_like_an_uninterrupted_one(inputs, mode, tmp_path):
    whole = inputs / f"whole_{mode}"
    assert tiny_pretraining.train(command(inputs, whole, mode)) == 0
    exp = tmp_path / "exp"
    assert tiny_pretraining.train(command(inputs, exp, mode), kill_at=5) == -9
    assert tiny_pretraining.train(command(inputs, exp, mode)) == 0
    name = "wav2vec2.pt"
    assert (exp / name).read_bytes() == (whole / name).read_bytes()
    assert epochs(exp) == epochs(whole)
    if mode == "alternate":  # no list is given
        tokens = read_token_list(exp / "token_list" / "char" / "tokens.txt")
        assert sorted(tokens[2:-1]) == ["<space>", *"abcd"]
    stats = epochs(whole)[1]
    assert stats["valid"]["labelled_loss_ctc"] > 0
    assert 0 < stats["valid"]["labelled_cer"] <= 4
    assert stats["train"]["loss_ctc"] > 0 and stats["train"]["loss_contrastive"] > 0
    found = torch.load(whole / name, weights_only=True)["model_weight"]
    assert not [key for key in found if "char" in key]
    assert "char_head.weight" in torch.load(whole / "latest.pth", weights_only=True)


def epochs(exp):
    from hamzaban.train.checkpoints import load_checkpoint, read_reporter

    stats = read_reporter(load_checkpoint(exp / "checkpoint.pth")).stats
    return {
        epoch: {
            part: {name: v for name, v in values.items() if "time" not in name}
            for part, values in parts.items()
        }
        for epoch, parts in stats.items()
    }


def test_characters_are_those_of_the_labels_and_stay_when_a_run_goes_on(tmp_path):
    from hamzaban.pretrain.data import fill_token_list

    labelled, exp = tmp_path / "labelled", tmp_path / "exp"
    labelled.mkdir()

    def make(text, resume=True):
        (labelled / "text").write_text(f"u1 {text}\n", encoding="utf-8")
        args = argparse.Namespace(labelled_dir=str(labelled), token_list=None)
        args.resume, args.output_dir = resume, str(exp)
        fill_token_list(args)
        return read_token_list(args.token_list)

    assert make("aab")[2:-1] == ["a", "b"]
    assert make("پ پ")[2:-1] == ["پ", "<space>"]  # no weights yet
    (exp / "partial.pth").touch()
    assert make("abc")[2:-1] == ["پ", "<space>"]
    assert make("abc", resume=False)[2:-1] == ["a", "b", "c"]
    given = argparse.Namespace(labelled_dir=str(labelled), token_list="tokens.txt")
    fill_token_list(given)
    assert given.token_list == "tokens.txt"
