"""Models of train-asr run without ESPnet as they do with it."""

import dataclasses

import numpy as np
import pytest
import yaml
from tiny_experiment import (
    MODEL_NAME,
    write_audio,
    write_checkpoint,
    write_experiment,
    write_tokens,
)

from hamzaban.decode import recognizer
from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.recognizer import load_for_decoding

LENGTHS = [16000, 9000, 700, 21000]


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    global torch
    import torch


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokens")
    data = write_audio(folder / "data", [30000] * 3)
    return write_tokens(folder / "t", data / "text", "--token_type", "char")


def write_model(folder, tokens, mode="default", width=32, **changes):
    write_checkpoint(folder / "wav2vec2.pt", mode, width=width)
    exp = write_experiment(folder, tokens, folder / "wav2vec2.pt")
    change_config(exp, **changes)
    return exp


def change_config(exp, **changes):
    path = exp / "config.yaml"
    values = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(
        yaml.safe_dump({**values, **changes}, allow_unicode=True), encoding="utf-8"
    )


def make_joint(exp, **model_conf):
    """Make a model of two languages of an experiment, with random heads."""
    from hamzaban.asr.task import ASRTask
    from hamzaban.decode.recognizer import read_config

    conf = {"ctc_weight": 1.0, "languages": ["fa", "ur"], **model_conf}
    change_config(exp, model="hamzaban_joint_ctc", model_conf=conf)
    torch.manual_seed(2)
    model = ASRTask.build_model(read_config(exp / "config.yaml"))
    state = torch.load(exp / MODEL_NAME, weights_only=True)
    state = {n: v for n, v in state.items() if not n.startswith("ctc.")}
    torch.save({**model.state_dict(), **state}, exp / MODEL_NAME)


def speak():
    rng = np.random.default_rng(0)
    made = [rng.normal(0.01, 0.1, size).astype(np.float32) for size in LENGTHS]
    return [torch.from_numpy(each) for each in made]


def emit_both(exp, mode=""):
    found = []
    for native in (True, False):
        loaded = load_for_decoding(exp, DecodeOptions(), native=native)
        is_native = type(loaded.model).__name__ == "NativeCtc"
        assert is_native == native
        if mode:
            routing = recognizer.Routing(mode, {})
            loaded = dataclasses.replace(loaded, routing=routing)
        log_probs, lengths, spoken = loaded.emit(speak(), [""] * len(LENGTHS))
        frames = zip(log_probs, lengths.tolist(), strict=True)
        pieces = [each[:n].float().numpy() for each, n in frames]
        found.append((pieces, spoken, loaded.conv))
    return found


def assert_same(found):
    (ours, our_languages, conv), (theirs, their_languages, their_conv) = found
    assert list(conv) == list(their_conv)
    assert [s.language for s in our_languages] == [s.language for s in their_languages]
    assert [s.found for s in our_languages] == [s.found for s in their_languages]
    for one, other in zip(ours, theirs, strict=True):
        assert one.shape == other.shape
        assert np.allclose(one, other, atol=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "width"),
    [("default", 24), ("layer_norm", 32)],
    ids=["projected, not scaled", "same width, scaled"],
)
def test_posteriors_are_those_of_espnet(mode, width, tokens, tmp_path):
    assert_same(emit_both(write_model(tmp_path, tokens, mode, width)))


@pytest.mark.slow
@pytest.mark.parametrize("heads", ["language", "shared"])
def test_heads_and_language_identification_are_those_of_espnet(heads, tokens, tmp_path):
    exp = write_model(tmp_path, tokens, "layer_norm")
    make_joint(exp, heads=heads, lid_weight=0.1)
    assert_same(emit_both(exp, "predicted"))
    assert_same(emit_both(exp, "ur"))


@pytest.mark.slow
def test_weights_of_another_training_are_refused_in_one_line(tokens, tmp_path):
    exp = write_model(tmp_path, tokens)
    state = torch.load(exp / MODEL_NAME, weights_only=True)
    for change, message in (
        ({"ctc.ctc_lo.bias": torch.zeros(3)}, "do not fit config.yaml: ctc.ctc_lo"),
        ({"lid.weight": torch.zeros(3)}, "which has no lid.weight"),
    ):
        torch.save({**state, **change}, exp / MODEL_NAME)
        with pytest.raises(ValueError, match=message) as info:
            load_for_decoding(exp, DecodeOptions(), native=True)
        assert "\n" not in str(info.value)


@pytest.mark.slow
def test_other_models_need_espnet_and_say_how_to_get_it(tokens, tmp_path, monkeypatch):
    exp = write_model(tmp_path, tokens, encoder="conformer")
    monkeypatch.setattr(recognizer, "is_installed", lambda _: False)
    with pytest.raises(ValueError, match="encoder: conformer found.*needs ESPnet") as e:
        load_for_decoding(exp, DecodeOptions())
    assert "`pip install 'hamzaban[train]'`" in str(e.value)


def test_architecture_has_the_defaults_of_s3prl():
    from hamzaban import compat
    from hamzaban.decode.native import ARCHITECTURE
    from hamzaban.wav2vec2.frames import parse_conv

    with compat.fast_imports():
        from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config

    theirs = {
        name: getattr(value, "value", value)
        for name, value in dataclasses.asdict(Wav2Vec2Config()).items()
        if name in ARCHITECTURE
    }
    ours = dict(ARCHITECTURE)
    convolutions = [parse_conv(x.pop("conv_feature_layers")) for x in (ours, theirs)]
    assert ours == theirs
    assert convolutions[0] == convolutions[1]
