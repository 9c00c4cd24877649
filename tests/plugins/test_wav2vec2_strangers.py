"""Odd, wrong or harmful foreign checkpoints are read correctly or refused in one
line."""

import argparse
import json

import pytest
import tiny_experiment

from hamzaban.bin.export_ssl import main as export_ssl
from hamzaban.bin.import_ssl import main as import_ssl


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global fill_missing, read_source, save_file, torch, transformers, write_checkpoint
    from hamzaban import compat

    compat.prepare()
    import torch
    import transformers
    from safetensors.torch import save_file

    from hamzaban.wav2vec2.checkpoint import write_checkpoint
    from hamzaban.wav2vec2.convert.source import fill_missing, read_source


NAN, NAME = float("nan"), "encoder.layers.1.fc2.weight"


@pytest.fixture(scope="module")
def seed(tmp_path_factory):
    """A checkpoint of ours: its file and its state."""
    path = tmp_path_factory.mktemp("seed") / "seed.pt"
    tiny_experiment.write_checkpoint(path)
    return path, torch.load(path, weights_only=True)


@pytest.fixture
def hub(seed, tmp_path):
    """The same model as a Hugging Face directory."""
    assert export_ssl([str(seed[0]), "--output_dir", str(tmp_path / "hub")]) == 0
    return tmp_path / "hub"


def rename(state, prefix):
    weights = {f"{prefix}{n}": w for n, w in state["model_weight"].items()}
    return {**state, "model_weight": weights}


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "model.", "module._orig_mod.", "_orig_mod.module.model."],
)
def test_names_of_wrappers_are_left_off(seed, tmp_path, prefix):
    torch.save(rename(seed[1], prefix), tmp_path / "w.pt")
    assert import_ssl([str(tmp_path / "w.pt"), "--output", f"{tmp_path}/o.pt"]) == 0
    found = torch.load(tmp_path / "o.pt", weights_only=True)["model_weight"]
    wanted = seed[1]["model_weight"]
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model."])
def test_names_of_wrappers_are_left_off_in_files_of_others(seed, hub, tmp_path, prefix):
    from safetensors.torch import load_file

    theirs = load_file(hub / "model.safetensors")
    theirs = {f"{prefix}{name}": w for name, w in theirs.items()}
    theirs["n_averaged"] = torch.tensor(3)
    save_file(theirs, hub / "model.safetensors")
    found = read_source(hub).checkpoint.model_weight
    assert torch.equal(found[NAME], seed[1]["model_weight"][NAME])
    weights = rename(seed[1], prefix)["model_weight"]
    args = argparse.Namespace(arch="wav2vec2", **seed[1]["model_cfg"])
    torch.save({"args": args, "model": weights}, tmp_path / "fairseq.pt")
    found = read_source(tmp_path / "fairseq.pt").checkpoint.model_weight
    assert torch.equal(found[NAME], seed[1]["model_weight"][NAME])


def test_a_checkpoint_of_which_nothing_fits_is_refused_in_any_case(seed, tmp_path):
    torch.save(rename(seed[1], "student."), tmp_path / "w.pt")
    words = [str(tmp_path / "w.pt"), "--output", str(tmp_path / "o.pt")]
    with pytest.raises(ValueError, match="w.pt: 0% of the model's weights are in the"):
        import_ssl([*words, "--init_strict", "false"])
    assert not (tmp_path / "o.pt").exists()


def test_fine_tuning_and_pretraining_refuse_it_in_any_case(seed):
    from hamzaban.asr.frontend import HamzabanS3prlFrontend
    from hamzaban.pretrain.model import LossOptions, PretrainModel
    from hamzaban.wav2vec2.checkpoint import load_weights

    weights = rename(seed[1], "student.")["model_weight"]
    frontend = HamzabanS3prlFrontend(model_cfg=seed[1]["model_cfg"])
    with pytest.raises(ValueError, match="here: 0% of the model's weights"):
        frontend.load_pretrained(weights, "here", strict=False)
    model = PretrainModel(frontend.options.model_cfg, LossOptions())
    with pytest.raises(ValueError, match="here: 0% of the model's weights"):
        load_weights(model.wav2vec2, weights, "here", strict=False)


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize("is_nested", [True, False])
def test_normalizing_is_read_from_the_file_of_transformers_5(hub, value, is_nested):
    (hub / "preprocessor_config.json").unlink()
    inner = {"do_normalize": value, "sampling_rate": 16000}
    content = {"feature_extractor": inner} if is_nested else inner
    (hub / "processor_config.json").write_text(json.dumps(content))
    assert read_source(hub).checkpoint.task_cfg["normalize"] is value


def test_normalize_is_guessed_only_if_no_file_has_it_and_the_guess_is_logged(
    hub, caplog
):
    (hub / "preprocessor_config.json").unlink()
    (hub / "processor_config.json").write_text('{"processor_class": "Wav2Vec2"}')
    assert read_source(hub).checkpoint.task_cfg["normalize"] is True
    assert "task_cfg.normalize is set to True, the default of transf" in caplog.text
    # a guess that agrees with what the class of transformers does without a file
    assert transformers.Wav2Vec2FeatureExtractor().do_normalize is True
    (hub / "processor_config.json").write_text('{"do_normalize": "no"}')
    with pytest.raises(ValueError, match="do_normalize is 'no', expected true or fal"):
        read_source(hub)


@pytest.mark.parametrize(
    ("value", "message"),
    [(NAN, "not finite, such as"), (float("inf"), "not finite, such as"), (0, "zero")],
)
def test_weights_that_are_not_numbers_are_refused(seed, hub, tmp_path, value, message):
    from safetensors.torch import load_file

    def spoil(weights):
        if value == 0:
            return {name: torch.zeros_like(w) for name, w in weights.items()}
        name = next(n for n, w in weights.items() if w.dim() == 2)
        return {**weights, name: torch.full_like(weights[name], value)}

    save_file(spoil(load_file(hub / "model.safetensors")), hub / "model.safetensors")
    bad = spoil(seed[1]["model_weight"])
    torch.save({**seed[1], "model_weight": bad}, tmp_path / "ours.pt")
    args = argparse.Namespace(arch="wav2vec2", **seed[1]["model_cfg"])
    torch.save({"args": args, "model": bad}, tmp_path / "fairseq.pt")
    for path in (hub, tmp_path / "ours.pt", tmp_path / "fairseq.pt"):
        with pytest.raises(ValueError, match=message) as caught:
            import_ssl([str(path), "--output", str(tmp_path / "o.pt")])
        assert str(caught.value).startswith(str(path))
        assert not (tmp_path / "o.pt").exists()
    stored = read_source(seed[0]).checkpoint
    with pytest.raises(ValueError, match=message):
        write_checkpoint(tmp_path / "o.pt", stored._replace(model_weight=bad))
    assert not (tmp_path / "o.pt").exists()


def test_numbers_too_large_for_half_precision_are_not_written(seed, tmp_path):
    stored = read_source(seed[0]).checkpoint
    weights = {**stored.model_weight, NAME: torch.full((32, 64), 1e6)}
    large = stored._replace(model_weight=weights)
    write_checkpoint(tmp_path / "a.pt", large)
    with pytest.raises(ValueError, match="1 of .* not finite, such as encoder.layers"):
        write_checkpoint(tmp_path / "b.pt", large, dtype=torch.float16)


def test_values_of_wrong_types_in_config_json_are_one_line(hub):
    from hamzaban.wav2vec2.convert.huggingface import SAME_FIELDS

    path = hub / "config.json"
    config = json.loads(path.read_text())
    values = [None, "x", [], {}, [1], -1, 0, 10**12, 1e400, True, "9" * 5000]
    for name in [*SAME_FIELDS, "conv_dim", "hidden_act", "model_type"]:
        for value in values:
            path.write_text(json.dumps({**config, name: value}))
            try:
                fill_missing(read_source(hub).checkpoint, place=hub)
            except ValueError as error:
                assert str(error).startswith(str(hub)), error
                assert "\n" not in str(error)
                assert len(str(error)) < 1500


@pytest.mark.parametrize(
    "content", ["[" * 100000, "1", "null", "[]", '{"a": ', "\x00", '"\ud800"', "{}x"]
)
@pytest.mark.parametrize(
    "name", ["config.json", "preprocessor_config.json", "model.safetensors.index.json"]
)
def test_a_damaged_json_file_is_one_line(hub, name, content):
    (hub / name).write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match=f"{name}: ") as caught:
        read_source(hub)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "names", [None, 1, [], {}, {"a": 1}, {"a": None}, {"a": "../x"}, {"a": "/etc/p"}]
)
def test_an_index_of_wrong_types_is_one_line(hub, names):
    index = hub / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": names}))
    with pytest.raises(
        ValueError, match="index.json: weight_map is not a dictionary of"
    ):
        read_source(hub)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "found a git-lfs pointer .*"),
        (b"<html>", "found a web page .*; download the file itself"),
        (b"", "found an empty file, .*; copy or download it again"),
        (b"\x10\0\0\0\0\0\0\0{}", "found a damaged file"),
    ],
)
def test_another_file_in_the_place_of_safetensors_is_named(hub, content, message):
    (hub / "model.safetensors").write_bytes(content)
    with pytest.raises(ValueError, match=f"model.safetensors: {message}") as caught:
        read_source(hub)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("encoder_layers", 10**12),
        ("encoder_layers", 0),
        ("encoder_embed_dim", 10**9),
        ("encoder_embed_dim", "wide"),
        ("latent_vars", 10**12),
        ("conv_feature_layers", "[(1, 1, 1)] * 100 * 100 * 100 * 100 * 100"),
        ("conv_feature_layers", "[(10**9, 10, 5)]"),
        ("conv_feature_layers", "[(1000000000, 10, 5)]"),
        ("conv_feature_layers", 5),
        ("latent_temp", "[1"),
        ("mask_length", None),
    ],
)
def test_a_configuration_larger_than_its_file_is_not_built(seed, tmp_path, name, value):
    cfg = {**seed[1]["model_cfg"], name: value}
    torch.save({**seed[1], "model_cfg": cfg}, tmp_path / "ours.pt")
    args = argparse.Namespace(arch="wav2vec2", **cfg)
    state = {"args": args, "model": seed[1]["model_weight"]}
    torch.save(state, tmp_path / "fairseq.pt")
    for path in (tmp_path / "ours.pt", tmp_path / "fairseq.pt"):
        if name == "mask_length" and path.stem == "fairseq":
            continue  # fairseq writes null for a default
        with pytest.raises(ValueError, match=f"{path.name}: ") as caught:
            import_ssl([str(path), "--output", str(tmp_path / "o.pt")])
        assert "\n" not in str(caught.value)
