"""Checkpoints and configurations: round trip, and one clear line for each mistake."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global Checkpoint, load_weights, make_model_cfg, make_task_cfg, merge_model_cfg
    global read_checkpoint, torch, write_checkpoint
    import torch

    from hamzaban.wav2vec2.checkpoint import (
        Checkpoint,
        load_weights,
        read_checkpoint,
        write_checkpoint,
    )
    from hamzaban.wav2vec2.config import make_model_cfg, make_task_cfg, merge_model_cfg


@pytest.fixture
def module():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))


@pytest.fixture
def checkpoint(module):
    model_cfg = make_model_cfg({"encoder_layers": 2, "latent_temp": [1, 0.5, 1]}, "x")
    task_cfg = make_task_cfg({"normalize": True}, "x")
    return Checkpoint(task_cfg, model_cfg, module.state_dict())


@pytest.mark.parametrize("dtype_name", ["float32", "float16"])
def test_round_trip_through_a_file(tmp_path, checkpoint, module, dtype_name):
    dtype = getattr(torch, dtype_name)
    path = tmp_path / "a folder" / "همزبان.pt"
    write_checkpoint(path, checkpoint, dtype=dtype)
    found = read_checkpoint(path)
    assert found.task_cfg == checkpoint.task_cfg
    assert found.model_cfg == checkpoint.model_cfg
    assert found.model_weight["0.weight"].dtype == dtype
    filled = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Linear(4, 2))
    load_weights(filled, found.model_weight, str(path))
    assert filled[0].weight.dtype == torch.float32
    torch.testing.assert_close(filled[0].weight, module[0].weight, atol=1e-3, rtol=0)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_equal_models_give_equal_files(tmp_path, checkpoint):
    for name in "ab":
        write_checkpoint(tmp_path / name, checkpoint)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_weights_that_do_not_fit_are_listed_by_name(module):
    weights = dict(module.state_dict())
    del weights["0.bias"]
    weights["quantizer.vars"] = torch.zeros(1)
    weights["1.weight"] = torch.zeros(5, 5)
    message = (
        "seed.pt: .*missing: 0.bias; unexpected: quantizer.vars; "
        r"of another shape: 1.weight \(5, 5\) for \(2, 4\)"
    )
    with pytest.raises(ValueError, match=message):
        load_weights(module, weights, "seed.pt")


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="seed.pt: no such file"):
        read_checkpoint(tmp_path / "seed.pt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"model": {}, "args": None}, "no task_cfg, model_cfg, model_weight.*found"),
        ([1, 2], "found list, expected a dictionary"),
        (b"not a torch file", "found a text file"),
        (b"", "found an empty file, expected a file of torch.save"),
        ({"model_weight": pytest}, "found an object hamzaban.wav2vec2.config.make_mod"),
    ],
)
def test_a_file_that_is_no_checkpoint(tmp_path, content, message):
    path = tmp_path / "bad.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, dict) and content.get("model_weight") is pytest:
        torch.save({"model_weight": make_model_cfg}, path)  # code, not data
    else:
        torch.save(content, path)
    with pytest.raises(ValueError, match=f"bad.pt: {message}") as caught:
        read_checkpoint(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"encoder_layer": 4},
            "'encoder_layer' is unknown; did you mean enc",
        ),
        ({"encoder_layers": "four"}, "encoder_layers: 'four' found, expected a whole"),
        ({"encoder_layers": 2.5}, "encoder_layers: 2.5 found, expected a whole"),
        ({"conv_bias": 1}, "conv_bias: 1 found, expected true or false"),
        ({"latent_temp": [2, 0.5]}, "latent_temp: .*expected a list of 3 numbers"),
        ({"latent_temp": [0.5, 2, 1]}, "expected start >= end"),
        ({"quantize_targets": False}, "quantize_targets is False, expected true"),
        ({"codebook_negatives": 5}, "codebook_negatives is 5, expected 0"),
        ({"conv_feature_layers": "print(1)"}, "conv_feature_layers .* not understood"),
    ],
)
def test_a_wrong_model_configuration_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        make_model_cfg(values, "model_cfg")


def test_numbers_that_yaml_reads_as_text_are_numbers():
    cfg = make_model_cfg({"mask_prob": "6.5e-1", "encoder_layers": 4.0}, "model_cfg")
    assert cfg["mask_prob"] == 0.65
    assert cfg["encoder_layers"] == 4 and isinstance(cfg["encoder_layers"], int)


def test_a_continued_run_keeps_sizes_and_takes_training_values():
    stored = make_model_cfg({"encoder_layers": 2, "dropout": 0.1}, "x")
    wanted = {"encoder_layers": 12, "dropout": 0.0}
    merged, differs = merge_model_cfg(stored, wanted)
    assert merged == {**stored, "dropout": 0.0}
    assert differs == {"encoder_layers": 2}
