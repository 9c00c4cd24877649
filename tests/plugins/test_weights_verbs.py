"""Verbs refuse a file of weights that hides a program, and run no code from it."""

import polyglots
import pytest
import tiny_experiment
import tiny_training

from hamzaban.bin.export_ssl import main as export_ssl
from hamzaban.bin.import_ssl import main as import_ssl

REFUSED = "found a zip file with two lists of members"


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global torch
    tiny_training.import_task()
    import torch


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    tiny_training.import_task()
    return tiny_training.write_inputs(tmp_path_factory.mktemp("عکس in"))


@pytest.fixture
def train(inputs, tmp_path):
    """Return a function that runs train-asr in this process."""

    def run(**options):
        words = tiny_training.make_command(inputs, tmp_path / "exp", **options)
        tiny_training.import_task().main(cmd=words)

    return run


@pytest.fixture
def polyglot(inputs, tmp_path):
    """Return a file that is a checkpoint for zipfile and a program for torch."""
    state = torch.load(inputs / "seed.pt", weights_only=True)
    mark = tmp_path / "mark"
    path = tmp_path / "polyglot.pt"
    polyglots.write_polyglot(path, mark, state)
    yield path
    assert not mark.exists()


def test_the_harmful_file_of_these_tests_runs_code_when_unpickled(tmp_path):
    mark = tmp_path / "mark"
    polyglots.write_polyglot(tmp_path / "p.pt", mark, {"a": torch.ones(1)})
    torch.load(tmp_path / "p.pt", weights_only=False)
    assert mark.exists()


def test_import_ssl_refuses_a_file_with_two_lists(polyglot, tmp_path):
    with pytest.raises(ValueError, match=f"polyglot.pt: {REFUSED}"):
        import_ssl([str(polyglot), "--output", str(tmp_path / "out.pt")])
    assert not (tmp_path / "out.pt").exists()


def test_export_ssl_refuses_a_file_with_two_lists(polyglot, tmp_path):
    with pytest.raises(ValueError, match=f"polyglot.pt: {REFUSED}"):
        export_ssl([str(polyglot), "--output_dir", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_hugging_face_directory_refuses_a_file_with_two_lists(polyglot, tmp_path):
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "wav2vec2"}')
    polyglot.rename(folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=f"pytorch_model.bin: {REFUSED}"):
        import_ssl([str(folder), "--output", str(tmp_path / "out.pt")])


def test_pretraining_refuses_a_file_with_two_lists(polyglot, inputs, tmp_path):
    from hamzaban.bin.train_ssl import main as train_ssl

    words = ["--init_checkpoint", polyglot, "--output_dir", tmp_path / "exp"]
    for part in ("train", "valid"):
        data = f"{inputs}/data/wav.scp,speech,sound"
        words += [f"--{part}_data_path_and_name_and_type", data]
        words += [f"--{part}_shape_file", inputs / "stats" / "speech_shape"]
    with pytest.raises(ValueError, match=f"polyglot.pt: {REFUSED}"):
        train_ssl([str(word) for word in [*words, "--ngpu", "0"]])


@pytest.mark.parametrize("option", ["ssl_checkpoint", "init_param"])
def test_fine_tuning_refuses_a_file_with_two_lists(polyglot, train, option):
    value = f"{polyglot}:encoder:frontend" if option == "init_param" else polyglot
    with pytest.raises(ValueError, match=f"polyglot.pt: {REFUSED}"):
        train(**{option: value})


def test_resuming_refuses_a_file_with_two_lists(polyglot, train, tmp_path):
    (tmp_path / "exp").mkdir()
    polyglot.rename(tmp_path / "exp" / "checkpoint.pth")
    with pytest.raises(ValueError, match=f"checkpoint.pth: {REFUSED}"):
        train()


def test_a_mid_epoch_state_with_two_lists_is_not_resumed(
    polyglot, train, tmp_path, caplog
):
    (tmp_path / "exp").mkdir()
    polyglot.rename(tmp_path / "exp" / "partial.pth")
    train(max_epoch=1)
    assert f"partial.pth: {REFUSED}" in caplog.text
    assert "the epoch starts at its beginning" in caplog.text


def test_s3prls_own_upstream_refuses_a_file_with_two_lists(polyglot, train):
    upstream = {"upstream": "wav2vec2_custom", "path_or_url": str(polyglot)}
    conf = [f"frontend_conf={upstream}", "multilayer_feature=true"]
    options = {"frontend": "s3prl", "frontend_conf": conf, "encoder": "rnn"}
    with pytest.raises(ValueError, match=f"polyglot.pt: {REFUSED}"):
        train(**options, ssl_checkpoint=None, model="espnet")


def test_s3prl_evaluates_no_python_of_a_checkpoint(inputs, train, tmp_path):
    state = torch.load(inputs / "seed.pt", weights_only=True)
    mark = tmp_path / "mark"
    code = f"[open({str(mark)!r}, 'w').write('x')]"
    state["model_cfg"]["conv_feature_layers"] = code
    torch.save(state, tmp_path / "evil.pt")
    upstream = {"upstream": "wav2vec2_custom", "path_or_url": str(tmp_path / "evil.pt")}
    options = {"frontend": "s3prl", "frontend_conf": [f"frontend_conf={upstream}"]}
    with pytest.raises(ValueError, match="evil.pt: conv_feature_layers .* understood"):
        train(**options, encoder="rnn", ssl_checkpoint=None, model="espnet")
    assert not mark.exists()


@pytest.fixture(scope="module")
def exp(inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("decoded")
    return tiny_experiment.write_experiment(
        folder, inputs / "tokens", inputs / "seed.pt"
    )


def test_decoding_refuses_a_file_with_two_lists(exp, tmp_path):
    from hamzaban.decode.recognizer import load_recognizer

    mark, path = tmp_path / "mark", exp / "polyglot.pth"
    state = torch.load(exp / tiny_experiment.MODEL_NAME, weights_only=True)
    polyglots.write_polyglot(path, mark, state)
    task = tiny_training.import_task()
    with pytest.raises(ValueError, match=f"polyglot.pth: {REFUSED}"):
        load_recognizer(exp, path.name)
    with pytest.raises(ValueError, match=f"polyglot.pth: {REFUSED}"):
        task.build_model_from_file(exp / "config.yaml", path)
    assert not mark.exists()
