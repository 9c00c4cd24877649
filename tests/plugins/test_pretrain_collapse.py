"""The checks for collapse: a planted collapse is detected, explained and stopped."""

import argparse
import json
import math
import re

import pytest
import tiny_pretraining

from hamzaban import compat


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global CollapseError, DoctorOptions, examine, examine_probes, read_doctor_options
    with compat.fast_imports():
        from hamzaban.pretrain.collapse import (
            CollapseError,
            DoctorOptions,
            examine,
            examine_probes,
            read_doctor_options,
        )


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return tiny_pretraining.write_inputs(tmp_path_factory.mktemp("ill data"))


def test_healthy_numbers_raise_no_alarm():
    best = {}
    means = {"code_perplexity1": 40.0, "loss_contrastive": 3.1, "acc": 0.4}
    assert examine(means, best, DoctorOptions(), 100) == []
    assert best == {"code_perplexity1": 40.0}


@pytest.mark.parametrize(
    ("means", "reason", "remedy"),
    [
        (
            {"code_perplexity2": 7.9},
            "code_perplexity2 is 7.90 after 40.00",
            "diversity",
        ),
        ({"code_perplexity1": 1.2}, "the codebook collapses", "latent_temp"),
        ({"loss_contrastive": math.log(101) - 0.01}, "guessing among 101", "warm up"),
        ({"loss_contrastive": 5.315}, "5.315, not below that of guessing", "warm up"),
    ],
)
def test_signs_of_collapse_have_reason_and_remedy(means, reason, remedy):
    best = {"code_perplexity1": 1.2, "code_perplexity2": 40.0}
    (alarm,) = examine(means, best, DoctorOptions(), 100)
    assert reason in alarm.reason and remedy in alarm.remedy


def test_forgetting_is_measured_against_the_start():
    baseline = {"old": 2.0}
    assert examine_probes({"old": 2.4, "new": 9.0}, baseline, 0.5) == []
    (alarm,) = examine_probes({"old": 2.6}, baseline, 0.5)
    assert "'old' rose from 2.000 to 2.600" in alarm.reason
    assert "replay_share" in alarm.remedy
    assert examine_probes({"old": 99.0}, baseline, None) == []


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="'intervall' is unknown; did you mean"):
        read_doctor_options({"intervall": 3})
    with pytest.raises(ValueError, match="patience: 0 found, expected 1 or more"):
        read_doctor_options({"patience": 0})


@pytest.fixture
def look(tmp_path):
    """Return a function that checks a run with given perplexities every second
    update."""
    import torch
    from espnet2.train.reporter import SubReporter

    from hamzaban.pretrain.trainer import PretrainTrainer
    from hamzaban.train.mid_epoch import Run

    def look_at(perplexities, warmup=0, **values):
        doctor = {"interval": 2, "patience": 2, "warmup": warmup}
        options = argparse.Namespace(
            **{"save_interval": 0, "init_checkpoint": None, **values},
            **{"doctor_conf": doctor, "output_dir": str(tmp_path), "accum_grad": 1},
        )
        model = torch.nn.Linear(1, 1)
        model.wav2vec2 = argparse.Namespace(n_negatives=100)
        optimizer = torch.optim.SGD(model.parameters())
        run = Run(model, [optimizer], [None], None, SubReporter("train", 1, 0))
        for updates, perplexity in enumerate(perplexities, 1):
            model.weight.data.fill_(updates)
            stats = {"code_perplexity1": perplexity, "loss_contrastive": 3.0}
            run.reporter.register({**stats, "grad_norm": 1.0})
            run.reporter.next()
            PretrainTrainer.after_update(run, options, updates)

    return look_at


def test_a_continued_model_may_not_fall_during_warmup(look):
    fall = [110.0, 60.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0]
    with pytest.raises(CollapseError, match="update 8: code_perplexity1 is 8.00 after"):
        look(fall, warmup=4, init_checkpoint="wav2vec2.pt")
    look(fall, warmup=8, init_checkpoint="wav2vec2.pt")
    look(fall, warmup=4)  # codes of random weights were many by chance


def test_good_weights_are_kept_if_checks_and_saves_happen_at_different_updates(
    look, tmp_path
):
    import torch

    look([40.0] * 8, save_interval=5)
    good = torch.load(tmp_path / "last_good.pth", weights_only=True)
    assert good["weight"].item() == 6  # the first look after update 5


def run(inputs, exp, *options, **values):
    from hamzaban.bin.train_ssl import main

    # The first losses of random weights are above that of guessing.
    doctor = ["interval=1", "patience=2", "warmup=2", "max_skipped=3"]
    doctor += ["chance_margin=-1.0"]
    words = [word for item in doctor for word in ("--doctor_conf", item)]
    defaults = {"max_epoch": 6, "batch_bins": 20000}
    return main(
        tiny_pretraining.make_command(
            inputs, exp, *words, *options, **{**defaults, **values}
        )
    )


@pytest.fixture
def spoil(monkeypatch):
    """Return a function that spoils the quantizer after some updates: one code, or
    NaN."""
    from hamzaban.pretrain.model import PretrainModel

    def plant(at, value=0.0):
        original = PretrainModel.set_num_updates

        def spoil_then(self, updates):
            original(self, updates)
            if updates >= at:
                layer = self.wav2vec2.quantizer.weight_proj
                layer.weight.data.fill_(value)
                layer.bias.data.copy_(-layer.bias.new_tensor(range(layer.bias.numel())))

        monkeypatch.setattr(PretrainModel, "set_num_updates", spoil_then)

    return plant


def test_planted_collapse_is_stopped_and_a_run_starts_from_the_file_named(
    inputs, tmp_path, spoil, monkeypatch
):
    from hamzaban.wav2vec2.convert.source import read_source

    spoil(at=9)
    with pytest.raises(CollapseError) as caught:
        run(inputs, tmp_path, save_interval=1)
    message = str(caught.value)
    assert "\n" not in message
    assert "stopped after update 11: code_perplexity1 is 1.0" in message
    assert "the codebook collapses; lower the learning rate" in message
    assert not (tmp_path / "wav2vec2.pt").exists()
    (named,) = re.findall(r"--pretrain_init (\S+), the last good weights", message)
    good = read_source(named).checkpoint.model_weight
    assert good["quantizer.weight_proj.weight"].abs().sum() > 0
    with pytest.raises(CollapseError):  # a rerun does not go on as if all were well
        run(inputs, tmp_path, save_interval=1)
    monkeypatch.undo()
    words = ("--init_checkpoint", named)
    assert run(inputs, tmp_path / "next", *words, max_epoch=1) == 0
    assert (tmp_path / "next" / "wav2vec2.pt").exists()


def test_training_stops_at_values_that_are_not_finite(inputs, tmp_path, spoil):
    spoil(at=1, value=float("nan"))
    with pytest.raises(CollapseError, match="not finite in 3 updates in a row; start"):
        run(inputs, tmp_path)


def test_values_not_finite_in_validation_end_the_epoch(inputs, tmp_path, spoil):
    spoil(at=4, value=float("nan"))
    with pytest.raises(CollapseError, match="epoch 1: the validation loss is nan;"):
        run(inputs, tmp_path)
    assert not list(tmp_path.glob("*epoch.pth"))


def test_loss_of_guessing_is_stopped(inputs, tmp_path):
    options = ("--optim_conf", "lr=0.0", "--model_cfg", "logit_temp=1e6")
    options += ("--doctor_conf", "chance_margin=0.02")
    with pytest.raises(CollapseError, match=r"loss_contrastive is .*guessing among"):
        run(inputs, tmp_path, *options, "--model_cfg", "latent_vars=300")


def test_probes_of_old_and_new_are_measured_each_epoch(inputs, tmp_path):
    from hamzaban.train.checkpoints import load_checkpoint, read_reporter

    words = ("--probes", f"old={inputs}/old", "--probes", f"new={inputs}/new")
    assert run(inputs, tmp_path, *words, max_epoch=2) == 0
    baseline = json.loads((tmp_path / "probe_baseline.json").read_text("utf-8"))
    stats = read_reporter(load_checkpoint(tmp_path / "checkpoint.pth")).stats
    for epoch in (1, 2):
        valid = stats[epoch]["valid"]
        for name in ("old", "new"):
            before = baseline[name]["loss_contrastive"]
            rise = valid[f"{name}_loss_contrastive"] - before
            assert valid[f"{name}_forgetting"] == pytest.approx(rise)
            assert 0 <= valid[f"{name}_acc"] <= 1
            assert valid[f"{name}_code_perplexity1"] >= 1
    assert stats[2]["valid"]["old_forgetting"] != stats[1]["valid"]["old_forgetting"]
