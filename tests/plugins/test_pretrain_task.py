"""train-ssl end to end on generated tones: files, resuming, continuing, mistakes."""

import numpy as np
import pytest
import soundfile
import yaml

from hamzaban.bin.train_ssl import main


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global torch
    import torch


CONFIG = {
    "model_cfg": {
        "conv_feature_layers": "[(16, 10, 5)] + [(16, 3, 2)] * 4 + [(16, 2, 2)] * 2",
        "encoder_layers": 2,
        "encoder_embed_dim": 24,
        "encoder_ffn_embed_dim": 48,
        "encoder_attention_heads": 2,
        "encoder_layerdrop": 0.3,
        "conv_pos": 16,
        "conv_pos_groups": 4,
        "final_dim": 16,
        "latent_vars": 8,
        "latent_temp": [2.0, 0.5, 0.9],
    },
    "task_cfg": {"max_sample_size": 14000, "min_sample_size": 4000},
    "batch_type": "numel",
    "batch_bins": 60000,
    "optim": "adam",
    "optim_conf": {"lr": 1e-3, "fused": True},
    "scheduler": "polynomialdecaylr",
    "scheduler_conf": {"max_steps": 100, "warmup_ratio": 0.02},
    "best_model_criterion": [["valid", "loss", "min"]],
    "num_att_plot": 0,
    "num_workers": 0,
    "use_tensorboard": False,
    "use_matplotlib": False,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return a function that trains in a folder on 16 utterances of 0.5 to 1 s."""
    root = tmp_path_factory.mktemp("گفتار data")
    rng = np.random.default_rng(0)
    scp, shapes = [], []
    for index in range(16):
        samples = int(rng.integers(8000, 16000))
        tone = np.sin(np.arange(samples) * rng.uniform(0.05, 0.8))
        path = root / f"utt{index:02}.wav"
        soundfile.write(path, 0.3 * tone + rng.normal(0, 0.01, samples), 16000)
        scp.append(f"utt{index:02} {path}\n")
        shapes.append(f"utt{index:02} {samples}\n")
    (root / "wav.scp").write_text("".join(scp), encoding="utf-8")
    (root / "speech_shape").write_text("".join(shapes), encoding="utf-8")
    (root / "pretrain.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")

    def train(name, *options):
        words = ["--config", f"{root}/pretrain.yaml", "--output_dir", f"{root}/{name}"]
        for part in ("train", "valid"):
            data = f"{root}/wav.scp,speech,sound"
            words += [f"--{part}_data_path_and_name_and_type", data]
            words += [f"--{part}_shape_file", f"{root}/speech_shape"]
        assert main([*words, "--ngpu", "0", *options]) == 0
        return root / name

    return train


@pytest.fixture(scope="module")
def finished(run):
    return run("whole", "--max_epoch", "3")


def stats_of(folder):
    states = torch.load(folder / "checkpoint.pth", weights_only=False)
    return states["reporter"]["stats"]


def test_every_epoch_is_logged_for_both_sets(finished):
    stats = stats_of(finished)
    common = {"loss", "loss_contrastive", "acc", "temperature", "mask_share"}
    common |= {"code_perplexity1", "code_perplexity2"}
    for epoch in (1, 2, 3):
        assert common | {"grad_norm"} <= set(stats[epoch]["train"])
        assert common <= set(stats[epoch]["valid"])


def test_a_resumed_run_equals_an_uninterrupted_one(run, finished):
    run("parts", "--max_epoch", "1")
    folder = run("parts", "--max_epoch", "3", "--resume", "true")
    for name in ("3epoch.pth", "wav2vec2.pt"):
        assert (folder / name).read_bytes() == (finished / name).read_bytes(), name
    parts, whole = stats_of(folder), stats_of(finished)
    temperatures = [whole[epoch]["train"]["temperature"] for epoch in (1, 2, 3)]
    assert temperatures == [parts[epoch]["train"]["temperature"] for epoch in (1, 2, 3)]
    assert temperatures == sorted(temperatures, reverse=True)
    updates = whole[3]["train"]["total_count"]
    assert whole[3]["valid"]["temperature"] == pytest.approx(2 * 0.9**updates)


def test_frontend_loads_the_file_and_gives_the_same_features(finished):
    from espnet2.asr.frontend.s3prl import S3prlFrontend
    from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config, Wav2Vec2Model

    from hamzaban.wav2vec2.checkpoint import read_checkpoint

    path = finished / "wav2vec2.pt"
    conf = {"upstream": "wav2vec2_custom", "path_or_url": str(path)}
    frontend = S3prlFrontend(
        fs=16000,
        frontend_conf=conf,
        download_dir=str(finished / "hub"),
        multilayer_feature=False,
        layer=-1,
    ).eval()
    speech = torch.randn(1, 8000)
    features, _ = frontend(speech, torch.tensor([8000]))
    stored = read_checkpoint(path)
    model = Wav2Vec2Model(Wav2Vec2Config(**stored.model_cfg)).eval()
    model.load_state_dict(stored.model_weight)
    expected = model.extract_features(speech, None)["x"]
    found = features[:, : expected.size(1)]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def test_a_continued_run_starts_from_the_weights_of_the_file(run, finished):
    source = finished / "wav2vec2.pt"
    options = ("--optim_conf", "lr=0", "--max_epoch", "1", "--seed", "7")
    # The sizes of the file replace those of the YAML.
    sizes = ("--model_cfg", "encoder_layers=5", "--export_conf", "dtype=float16")
    folder = run("continued", "--init_checkpoint", str(source), *options, *sizes)
    first = stats_of(folder)[1]["valid"]
    last = stats_of(finished)[3]["valid"]
    assert first["loss_contrastive"] == pytest.approx(last["loss_contrastive"])
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    assert config["model_cfg"]["encoder_layers"] == 2
    before = torch.load(source, weights_only=True)["model_weight"]
    after = torch.load(folder / "wav2vec2.pt", weights_only=True)["model_weight"]
    assert before.keys() == after.keys()
    for name, value in before.items():
        assert after[name].dtype == torch.float16
        torch.testing.assert_close(after[name], value.half())
    assert (folder / "wav2vec2.pt").stat().st_size < 0.7 * source.stat().st_size


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--init_checkpoint", "none.pt"), "none.pt: no such file"),
        (("--model_cfg", "encoder_layer=3"), "'encoder_layer' is unknown"),
        (("--task_cfg", "min_sample_size=12000"), "shorter than 12000 samples"),
        (("--export_conf", "model=first"), "export_conf: model: 'first' found"),
        (("--freeze_param", "feature_extractor"), "freeze_param: 'feature_extractor'"),
    ],
)
def test_each_mistake_of_the_user_is_one_clear_line(run, options, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        run("mistake", "--max_epoch", "1", *options)
    assert "\n" not in str(caught.value)


def test_init_checkpoint_of_another_model_lists_names(run, finished, tmp_path):
    states = torch.load(finished / "wav2vec2.pt", weights_only=True)
    del states["model_weight"]["quantizer.vars"]
    torch.save(states, tmp_path / "finetuned.pt")
    with pytest.raises(ValueError, match=r"finetuned.pt: .*missing: quantizer.vars"):
        run("mistake", "--init_checkpoint", str(tmp_path / "finetuned.pt"))


def test_a_run_that_diverges_leaves_no_checkpoint(run, finished):
    options = ("--optim_conf", f"lr={1e30:f}", "--scheduler", "null")
    options += ("--max_epoch", "1")
    with pytest.raises(ValueError, match="not finite|validation loss is nan|no number"):
        run("diverged", *options)
    assert not list((finished.parent / "diverged").glob("*.pt*"))


def test_resuming_with_another_learning_rate_is_refused(run, finished):
    config = finished / "config.yaml"
    before = config.read_bytes()
    with pytest.raises(ValueError, match="optim_conf.lr is 0.001, but now 0.5"):
        run("whole", "--max_epoch", "3", "--resume", "true", "--optim_conf", "lr=0.5")
    assert config.read_bytes() == before
