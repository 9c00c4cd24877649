"""export-ssl takes the wav2vec 2.0 model out of a recognizer."""

import pytest
from tiny_experiment import (
    MODEL_NAME,
    write_audio,
    write_checkpoint,
    write_experiment,
    write_tokens,
)

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module", params=["default", "layer_norm"])
def exp(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f"fine tuned {request.param}")
    data = write_audio(folder / "data", [9000, 12000])
    write_checkpoint(folder / "wav2vec2.pt", request.param)
    tokens = write_tokens(folder / "tokens", data / "text", "--token_type", "char")
    return write_experiment(folder, tokens, folder / "wav2vec2.pt")


def export(source, output, *options):
    from hamzaban.bin.export_ssl import main

    return main([str(word) for word in (source, "--output_dir", output, *options)])


def test_transformers_computes_what_the_recognizer_computes(exp, tmp_path):
    import torch
    import transformers

    from hamzaban.asr.task import ASRTask

    assert export(exp, tmp_path / "out") == 0
    theirs = transformers.Wav2Vec2Model.from_pretrained(tmp_path / "out").eval()
    model, _ = ASRTask.build_model_from_file(exp / "config.yaml", exp / MODEL_NAME)
    model.eval()
    speech = torch.randn(1, 9000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours, _ = model.frontend(speech, torch.tensor([9000]))
        inputs = speech
        if model.frontend.model.wav_normalize:
            inputs = torch.nn.functional.layer_norm(speech, speech.shape)
        expected = theirs(inputs).last_hidden_state
    assert torch.allclose(ours, expected, atol=1e-4)


def test_a_file_of_weights_and_its_folder_give_the_same(exp, tmp_path):
    export(exp, tmp_path / "folder")
    export(exp / MODEL_NAME, tmp_path / "file")
    names = ("config.json", "model.safetensors", "preprocessor_config.json")
    for name in names:
        one, two = (tmp_path / part / name for part in ("folder", "file"))
        assert one.read_bytes() == two.read_bytes()


def test_training_starts_from_what_was_exported(exp, tmp_path):
    from hamzaban.wav2vec2.convert.finetuned import read_finetuned
    from hamzaban.wav2vec2.convert.source import read_source

    export(exp, tmp_path / "out")
    found = read_source(tmp_path / "out").checkpoint.model_weight
    own = read_finetuned(exp / "config.yaml", exp / MODEL_NAME).model_weight
    name = "encoder.layers.1.final_layer_norm.bias"
    assert found[name].equal(own[name].float())


def test_what_is_missing_or_of_another_model_is_named(exp, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"9epoch\.pth: missing; there: "):
        export(exp, tmp_path / "out", "--asr_model", "9epoch.pth")
    folder = tmp_path / "exp"
    folder.mkdir()
    (folder / MODEL_NAME).write_bytes((exp / MODEL_NAME).read_bytes())
    (folder / "config.yaml").write_text("frontend: default\n")
    with pytest.raises(ValueError, match="frontend default found, expected hamzaban_s"):
        export(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()
