"""The shared YAMLs name their parents, have published values and build models."""

import pytest
import tiny_pretraining
import yaml

from hamzaban.config import read_config
from repository import ROOT

PRETRAIN = sorted((ROOT / "conf" / "pretrain").glob("*.yaml"))
TUNING = sorted((ROOT / "conf" / "tuning").glob("*.yaml"))
SIZES = tiny_pretraining.CONFIG["model_cfg"]


def by_name(path):
    return path.stem


def test_continual_pretraining_has_the_published_values():
    for name in ("cp1_xlsr", "cp2_wav2vec2_large"):
        values, _ = read_config(ROOT / "conf" / "pretrain" / f"{name}.yaml")
        assert values["max_updates"] == 41667
        assert round(values["max_updates"] * values["scheduler_conf"]["warmup_ratio"])
        warmup = values["max_updates"] * values["scheduler_conf"]["warmup_ratio"]
        assert warmup == pytest.approx(3334, abs=1)
        assert values["optim_conf"]["lr"] == 3e-4
        # 512 GPUs x 1.8M samples
        published = 512 * 1.8e6 / 16000 / 3600
        assert values["batch_hours"] == pytest.approx(published, abs=0.01)
        assert values["model_cfg"]["latent_temp"] == [2.0, 0.1, 0.999995]
        assert values["loss_weights"] == [0.1, 0.0]
        assert values["task_cfg"]["max_sample_size"] == 60 * 16000
        assert values["model_cfg"]["encoder_layerdrop"] == 0.2


def build(main, path, tmp_path, changes, *options):
    """Build a model of a config, with small sizes, in a dry run."""
    values, _ = read_config(path)
    for name, change in changes.items():
        values[name] = {**values.get(name, {}), **change}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(values), encoding="utf-8")
    words = ["--config", str(config), "--output_dir", str(tmp_path / "exp")]
    assert main([*words, "--dry_run", "true", "--ngpu", "0", *options]) == 0
    text = (tmp_path / "exp" / "config.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


@pytest.mark.torch
@pytest.mark.parametrize("path", PRETRAIN, ids=by_name)
def test_pretraining_config_builds_a_model(path, tmp_path):
    from hamzaban.bin.train_ssl import main

    shapes = tmp_path / "speech_shape"
    lines = [f"u{i:03} {600000 + i}\n" for i in range(400)]  # 4.2 h
    shapes.write_text("".join(lines), encoding="utf-8")
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("<blank>\n<unk>\nا\n<sos/eos>\n", encoding="utf-8")
    options = []
    for part in ("train", "valid"):
        options += [f"--{part}_data_path_and_name_and_type", f"{shapes},speech,sound"]
        options += [f"--{part}_shape_file", str(shapes)]
    if path.stem == "wav2vec_s":
        options += ["--labelled_dir", str(tmp_path), "--token_list", str(tokens)]
    else:
        options += ["--num_iters_per_epoch", "1000"]
    small = {k: v for k, v in SIZES.items() if k not in ("latent_temp", "mask_length")}
    found = build(main, path, tmp_path, {"model_cfg": small}, *options)
    assert found["scheduler_conf"]["max_steps"] == found["max_updates"]
    if path.stem != "wav2vec_s":
        hours = found["accum_grad"] * 600200 * 3 / 16000 / 3600  # 3 fit on a GPU
        assert hours == pytest.approx(16, rel=0.05)


@pytest.mark.parametrize("path", TUNING, ids=by_name)
def test_tuning_config_changes_its_parent_and_is_in_the_table(path):
    values, (parent, *_) = read_config(path)
    assert values != read_config(parent)[0]
    table = (path.parent / "README.md").read_text(encoding="utf-8")
    assert f"| [{path.name}]({path.name}) |" in table


@pytest.mark.torch
@pytest.mark.parametrize("path", TUNING, ids=by_name)
def test_tuning_config_names_its_parent_and_builds_a_model(path, tmp_path):
    from hamzaban.bin.train_asr import main

    head, gain = path.read_text(encoding="utf-8").split("\nbase: ")[0], "gain: "
    assert head.startswith("# Parent: conf/train_ctc.yaml")
    assert gain in head
    _, files = read_config(path)
    assert [file.resolve() for file in files[:1]] == [ROOT / "conf" / "train_ctc.yaml"]
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("<blank>\n<unk>\n<space>\nب\n<sos/eos>\n", encoding="utf-8")
    options = ["--token_type", "char", "--token_list", str(tokens)]
    if path.stem == "train_ctc_noise_rir":
        import numpy as np
        import soundfile

        soundfile.write(tmp_path / "a.wav", np.ones(100), 16000)
        (tmp_path / "a.scp").write_text(f"a {tmp_path}/a.wav\n", encoding="utf-8")
        for name in ("noise_scp", "rir_scp"):
            options += [f"--{name}", str(tmp_path / "a.scp")]
    freeze = read_config(path)[0]["frontend_conf"].get("freeze")
    frontend = {"model_cfg": SIZES, "freeze": []}
    build(main, path, tmp_path, {"frontend_conf": frontend}, *options)
    assert freeze in ([], ["feature_extractor"])
