"""Models that are related to wav2vec 2.0 are refused with what to do instead."""

import json
import re

import pytest

from hamzaban import compat

pytestmark = pytest.mark.torch
FRONTEND = "train-asr reads one by itself (--frontend s3prl --frontend_conf"


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import here what takes seconds, so that collecting tests does not."""
    global import_ssl, torch
    import torch

    with compat.fast_imports():
        from hamzaban.bin.import_ssl import main as import_ssl


def read(path):
    with pytest.raises(ValueError) as error:
        import_ssl([str(path), "--output", str(path.parent / "wav2vec2.pt")])
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("layout", ["cfg", "args"])
def test_a_fine_tuned_model_of_fairseq_names_the_one_before(tmp_path, layout):
    options = {"_name": "wav2vec_ctc", "w2v_path": "/models/xlsr_53.pt"}
    state = {"model": {"w2v_encoder.proj.bias": torch.ones(3)}, "args": None}
    state["cfg"] = {"model": options, "task": {"_name": "audio_finetuning"}}
    if layout == "args":
        state |= {"cfg": None, "args": {**options, "arch": "wav2vec_ctc"}}
    torch.save(state, tmp_path / "tuned.pt")
    found = read(tmp_path / "tuned.pt")
    assert "found a fairseq model 'wav2vec_ctc'" in found
    assert "give the checkpoint of pretraining that it was tuned from, which its" in (
        found
    )
    assert found.endswith("options call /models/xlsr_53.pt")


@pytest.mark.parametrize(
    ("name", "upstream"),
    [
        ("hubert", "hubert_custom"),
        ("hubert_ctc", "hubert_custom"),
        ("data2vec_audio", "data2vec_custom"),
    ],
)
def test_hubert_and_data2vec_of_fairseq_name_the_frontend(tmp_path, name, upstream):
    options = {"_name": name, "w2v_path": "x.pt"} if "ctc" in name else {"_name": name}
    state = {"model": {"mask_emb": torch.ones(3)}, "cfg": {"model": options}}
    torch.save(state, tmp_path / "other.pt")
    found = read(tmp_path / "other.pt")
    assert f"found a fairseq model '{name}'" in found
    assert FRONTEND in found
    assert f"upstream: {upstream}, path_or_url: FILE" in found


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("hubert", "hubert models are not pretrained further here; train-asr reads"),
        ("data2vec-audio", "data2vec models are not pretrained further here; train-"),
        ("wavlm", "give a wav2vec 2.0 checkpoint, such as XLSR-53 or XLS-R, instead"),
    ],
)
def test_a_directory_of_another_model_says_what_to_do(tmp_path, kind, message):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": kind}), encoding="utf-8")
    found = read_folder(tmp_path)
    assert f"model_type is {kind}, expected wav2vec2; {message}" in found


def read_folder(folder):
    with pytest.raises(ValueError, match=re.escape(str(folder))) as error:
        import_ssl([str(folder), "--output", str(folder / "wav2vec2.pt")])
    return str(error.value)


@pytest.mark.parametrize(
    ("more", "weights", "kind"),
    [
        ({"dictionaries_symbols": [["0"]]}, {"mask_emb": 1}, "hubert"),
        ({}, {"mask_emb": 1, "_ema": 1}, "data2vec"),
    ],
)
def test_a_file_in_s3prls_form_can_be_named_as_it_is(tmp_path, more, weights, kind):
    weights = {name: torch.ones(2) for name in weights}
    state = {"task_cfg": {}, "model_cfg": {}, "model_weight": weights, **more}
    torch.save(state, tmp_path / "converted.pt")
    found = read(tmp_path / "converted.pt")
    assert f"found a {kind} model in S3PRL's form, expected wav2vec 2.0" in found
    assert f"upstream: {kind}_custom, path_or_url: {tmp_path}/converted.pt}}" in found
