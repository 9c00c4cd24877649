"""Exported models give the text of the trained one, in the programs they are for."""

import json
import logging
import os
import random
import subprocess
import sys

import numpy as np
import pytest
import yaml
from tiny_experiment import (
    MODEL_NAME,
    WORDS,
    write_audio,
    write_checkpoint,
    write_experiment,
    write_tokens,
)

from hamzaban.bin.export import main as export

KINDS = ("bpe", "char")


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import here what takes seconds, so that collecting tests does not."""
    global torch, transformers
    import torch
    import transformers


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data é")
    return write_audio(folder / "test", [9000, 16000, 12345, 7777])


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Return transcripts that suffice for subwords."""
    rows = random.Random(1).choices(WORDS, k=120)
    lines = [f"u{i} {' '.join(rows[i : i + 4])}\n" for i in range(0, 120, 4)]
    path = tmp_path_factory.mktemp("text") / "text"
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def experiments(tmp_path_factory, text):
    """Return an experiment of subwords, of a base model, and one of characters."""
    root = tmp_path_factory.mktemp("exp é x")
    found = {}
    for kind, mode in zip(KINDS, ("default", "layer_norm"), strict=True):
        folder = root / kind
        folder.mkdir()
        options = ["--token_type", kind, "--nbpe", 30]
        tokens = write_tokens(folder / "tokens", text, *options)
        write_checkpoint(folder / "ssl.pt", mode)
        found[kind] = write_experiment(folder, tokens, folder / "ssl.pt")
        state = torch.load(found[kind] / MODEL_NAME, weights_only=True)
        state["ctc.ctc_lo.bias"][[1, -1]] = -1000.0  # as if trained: never decoded
        torch.save(state, found[kind] / MODEL_NAME)
    return found


def clips(data):
    return [str(path) for path in sorted((data / "audio").iterdir())]


def run(exp, target, output, *words):
    return export([str(exp), "--to", target, "--output", str(output), *map(str, words)])


def change_config(exp, folder, **values):
    """Return a copy of an experiment whose configuration is changed."""
    folder.mkdir()
    for path in exp.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    for name, value in values.items():
        if isinstance(config.get(name), dict):
            value = {**config[name], **value}
        config[name] = value
    text = yaml.safe_dump(config, allow_unicode=True)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return folder


def decode(exp, data):
    """Return the text of our own greedy search by utterance."""
    import soundfile

    from hamzaban.export.clips import decode_greedily
    from hamzaban.transcribe.acoustics import ModelRequest, load_acoustics

    model = load_acoustics(ModelRequest(str(exp)))
    found = []
    for path in clips(data):
        ((log_probs, _),) = model.emit([soundfile.read(path, dtype="float32")[0]])
        found.append(decode_greedily(model.tokenizer, log_probs))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_transformers_loads_the_directory_and_gives_the_same_text(
    kind, experiments, data, tmp_path
):
    import soundfile

    out = tmp_path / "hf é"
    assert run(experiments[kind], "hf", out, "--check", *clips(data)) == 0
    pipe = transformers.pipeline("automatic-speech-recognition", model=str(out))
    processor = transformers.AutoProcessor.from_pretrained(out)
    assert type(processor).__name__ == "Wav2Vec2Processor"
    wanted = decode(experiments[kind], data)
    assert any(" " in text for text in wanted)
    for path, text in zip(clips(data), wanted, strict=True):
        speech = soundfile.read(path, dtype="float32")[0]
        assert " ".join(pipe(speech)["text"].split()) == text
    assert decode(out, data) == wanted  # hamzaban transcribe reads it, too


@pytest.mark.parametrize("kind", KINDS)
def test_frames_without_a_token_are_no_text(kind, experiments, tmp_path):
    out = tmp_path / "hf"
    run(experiments[kind], "hf", out, "--no_check")
    processor = transformers.AutoProcessor.from_pretrained(out)
    assert processor.batch_decode([[0, 0, 0]]) == [""]
    assert processor.batch_decode([[]]) == [""]


@pytest.mark.parametrize("kind", KINDS)
def test_text_becomes_the_tokens_of_training(kind, experiments, text, tmp_path):
    from hamzaban.decode.recognizer import load_tokenizer

    out = tmp_path / "hf"
    run(experiments[kind], "hf", out, "--no_check")
    processor = transformers.AutoProcessor.from_pretrained(out)
    own, _ = load_tokenizer(experiments[kind])
    for row in text.read_text(encoding="utf-8").splitlines():
        line = row.split(" ", 1)[1]
        wanted = own.tokens2ids(own.text2tokens(line))
        assert processor(text=line).input_ids == wanted


def test_a_character_model_gives_times_in_the_pipeline(experiments, data, tmp_path):
    import soundfile

    run(experiments["char"], "hf", tmp_path, "--no_check")
    pipe = transformers.pipeline("automatic-speech-recognition", model=str(tmp_path))
    speech = soundfile.read(clips(data)[1], dtype="float32")[0]
    found = pipe(speech, return_timestamps="word")
    words = [chunk["text"] for chunk in found["chunks"]]
    assert words == found["text"].split()
    times = [chunk["timestamp"] for chunk in found["chunks"]]
    assert all(0 <= start < end <= 1.1 for start, end in times)


@pytest.mark.parametrize("kind", KINDS)
def test_onnx_gives_the_same_in_batches_and_without_lengths(
    kind, experiments, data, tmp_path, caplog
):
    import onnxruntime
    import soundfile

    caplog.set_level(logging.INFO)
    words = ["--int8", "--check", *clips(data)]
    assert run(experiments[kind], "onnx", tmp_path, *words) == 0
    assert "model.onnx (" in caplog.text
    assert "same text for 4 of 4 clips" in caplog.text
    assert "model.int8.onnx (" in caplog.text
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    speech = [soundfile.read(path, dtype="float32")[0] for path in clips(data)]
    lengths = np.array([len(each) for each in speech], np.int64)
    batch = np.zeros((len(speech), lengths.max() + 500), np.float32)
    for row, each in zip(batch, speech, strict=True):
        row[: len(each)] = each
    inputs = {"input_values": batch, "input_lengths": lengths}
    (together,) = session.run(["logprobs"], inputs)
    for i, each in enumerate(speech):
        (alone,) = session.run(["logprobs"], {"input_values": each[None]})
        frames = alone.shape[1]
        assert np.allclose(together[i, :frames], alone[0], atol=1e-3)
        assert (together[i, frames:].argmax(-1) == 0).all()  # blank behind the end


def test_onnx_files_have_the_layout_of_onnx_asr(experiments, tmp_path):
    import onnx

    run(experiments["char"], "onnx", tmp_path, "--no_check")
    rows = (tmp_path / "vocab.txt").read_text(encoding="utf-8").splitlines()
    symbols = [row.split(" ") for row in rows]
    assert all(len(row) == 2 for row in symbols)
    assert symbols[0] == ["<blk>", "0"]
    assert "\u2581" in [row[0] for row in symbols]
    settings = json.loads((tmp_path / "config.json").read_text())
    assert settings == {"model_type": "wav2vec2-ctc", "subsampling_factor": 320}
    model = onnx.load(str(tmp_path / "model.onnx"))
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert properties["sample_rate"] == "16000"
    assert properties["vocab_size"] == str(len(rows))


def test_a_linear_projection_is_folded(experiments, data, tmp_path):
    from hamzaban.export.folding import find_model, read_model

    exp = change_config(
        experiments["char"],
        tmp_path / "exp",
        preencoder="linear",
        preencoder_conf={"input_size": 32, "output_size": 12},
    )
    state = torch.load(exp / MODEL_NAME, weights_only=True)
    generator = torch.Generator().manual_seed(3)
    inner = [torch.randn(*n, generator=generator) for n in ((12, 32), (12,))]
    state["preencoder.linear_out.weight"], state["preencoder.linear_out.bias"] = inner
    head = 4 * torch.randn(len(state["ctc.ctc_lo.bias"]), 12, generator=generator)
    state["ctc.ctc_lo.weight"] = head
    torch.save(state, exp / MODEL_NAME)
    model = read_model(*find_model(exp, MODEL_NAME))
    assert torch.allclose(model.weight, head @ inner[0], atol=1e-5)
    assert run(exp, "hf", tmp_path / "out", "--check", *clips(data)) == 0


def test_an_inner_layer_is_exported_without_those_above(experiments, data, tmp_path):
    exp = change_config(experiments["bpe"], tmp_path / "e", frontend_conf={"layer": 1})
    assert run(exp, "hf", tmp_path / "out", "--check", *clips(data)) == 0
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["num_hidden_layers"] == 1


@pytest.mark.parametrize("target", ["hf", "onnx"])
def test_what_cannot_be_folded_is_named(target, experiments, tmp_path):
    wrong = {
        "multilayer_feature: True": {"frontend_conf": {"multilayer_feature": True}},
        "normalize: utterance_mvn": {"normalize": "utterance_mvn"},
        "encoder: transformer": {"encoder": "transformer"},
    }
    for i, (found, values) in enumerate(wrong.items()):
        exp = change_config(experiments["bpe"], tmp_path / str(i), **values)
        with pytest.raises(ValueError, match=f"{found} found, which Wav2Vec2ForCTC"):
            run(exp, target, tmp_path / "out", "--no_check")
    exp = change_config(experiments["char"], tmp_path / "x", frontend_conf={"layer": 1})
    with pytest.raises(ValueError, match="layer: 1 found, before the norm"):
        run(exp, target, tmp_path / "out", "--no_check")
    assert not (tmp_path / "out").exists()


def test_a_language_model_is_written_as_pyctcdecode_reads_it(experiments, tmp_path):
    lm = tmp_path / "lm" / "word"
    lm.mkdir(parents=True)
    (lm / "lm.bin").write_bytes(b"model")
    (lm / "units.txt").write_text("سلام 3\nدنیا 1\n", encoding="utf-8")
    weights = tmp_path / "weights.yaml"
    weights.write_text("lm_weight: 0.7\nword_score: 1.5\n")
    for kind in KINDS:
        out = tmp_path / kind
        words = ["--no_check", "--lm_dir", lm.parent, "--weights", weights]
        run(experiments[kind], "hf", out, *words)
        found = out / "language_model"
        text = (found / "unigrams.txt").read_text(encoding="utf-8")
        assert text == "سلام\nدنیا\n"
        assert (found / "lm.bin").read_bytes() == b"model"
        attributes = json.loads((found / "attrs.json").read_text())
        assert (attributes["alpha"], attributes["beta"]) == (0.7, 1.5)
        alphabet = json.loads((out / "alphabet.json").read_text(encoding="utf-8"))
        vocab = json.loads((out / "vocab.json").read_text(encoding="utf-8"))
        assert alphabet["is_bpe"] == (kind == "bpe")
        assert len(alphabet["labels"]) == len(vocab)
        assert alphabet["labels"][:2] == ["", "\u2047"]
        assert (" " in alphabet["labels"]) == (kind == "char")
    with pytest.raises(FileNotFoundError, match="pyctcdecode needs an n-gram of words"):
        run(
            experiments["bpe"], "hf", tmp_path / "o", "--no_check", "--lm_dir", tmp_path
        )


def test_the_card_says_what_is_known_and_what_is_not(experiments, data, tmp_path):
    words = ["--check", *clips(data), "--licence", "cc0-1.0", "--data", "Made Up 3"]
    run(experiments["bpe"], "hf", tmp_path / "a", *words)
    card = (tmp_path / "a" / "README.md").read_text(encoding="utf-8")
    assert "license: cc0-1.0" in card
    assert "- training data: Made Up 3" in card
    assert "same text for 4 of 4 clips" in card
    assert "- hours of training: unknown" in card
    assert "Unknown: the experiment has no scores." in card
    assert "group norm includes the padding" in card
    run(experiments["char"], "hf", tmp_path / "b", "--no_check")
    card = (tmp_path / "b" / "README.md").read_text(encoding="utf-8")
    assert "- licence: unknown" in card
    assert "license:" not in card
    assert "none were made (--no_check)" in card
    assert "group norm" not in card


def test_bad_requests_end_with_one_line(experiments, data, tmp_path):
    exp = experiments["bpe"]
    with pytest.raises(FileNotFoundError, match="name recordings with --check"):
        run(exp, "hf", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="--check: .*: no such file"):
        run(exp, "hf", tmp_path / "out", "--check", "nothing.wav")
    with pytest.raises(ValueError, match="--int8 found with --to hf"):
        run(exp, "hf", tmp_path / "out", "--int8")
    with pytest.raises(ValueError, match="--language fa found, but the model has one"):
        run(exp, "hf", tmp_path / "out", "--no_check", "--language", "fa")
    with pytest.raises(NotADirectoryError, match="no such experiment"):
        run(tmp_path / "nothing", "onnx", tmp_path / "out", "--no_check")
    assert not (tmp_path / "out").exists()


def test_another_text_is_an_error(experiments, data, tmp_path, monkeypatch):
    from hamzaban.export import huggingface

    monkeypatch.setattr(
        huggingface, "open_pipeline", lambda folder: lambda speech: ("x", None)
    )
    with pytest.raises(ValueError, match="same text for 0 of 4 clips .* do not use"):
        run(experiments["bpe"], "hf", tmp_path, "--check", *clips(data))


ALONE = """
import sys
sys.path = [p for p in sys.path if "plugins" not in p]
sys.meta_path = [f for f in sys.meta_path if "hamzaban" not in repr(f)]
import importlib.util
assert importlib.util.find_spec("hamzaban") is None
from pathlib import Path
import soundfile
from espnet2.bin.asr_inference import Speech2Text
from espnet2.main_funcs.pack_funcs import unpack
archive, folder, *clips = sys.argv[1:]
for found in (
    unpack(archive, Path(archive).parent),
    {
        "asr_train_config": f"{folder}/config.yaml",
        "asr_model_file": str(next(Path(folder).glob("valid*.pth"))),
    },
):
    recognizer = Speech2Text(**found, ctc_weight=1.0, beam_size=3)
    print("frontend", type(recognizer.asr_model.frontend).__module__)
    for clip in clips:
        print("text", recognizer(soundfile.read(clip, dtype="float32")[0])[0][0])
"""


def run_alone(archive, folder, files):
    """Return texts of archive and folder by ESPnet where this package is not found."""
    words = [sys.executable, "-c", ALONE, str(archive), str(folder), *files]
    env = {n: v for n, v in os.environ.items() if n != "PYTHONPATH"}
    done = subprocess.run(words, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert lines.count("frontend espnet2.asr.frontend.s3prl") == 2
    texts = [line.split(" ", 1)[1] for line in lines if line.startswith("text ")]
    return texts[: len(files)], texts[len(files) :]


@pytest.mark.first_stack  # S3PRL alone does not import beside torchaudio 2.9 and later
def test_espnet_alone_runs_archive_and_folder(experiments, data, tmp_path):
    from hamzaban.bin.pack_model import main as pack

    exp, files = experiments["bpe"], clips(data)
    assert run(exp, "espnet", tmp_path / "out é", "--check", *files) == 0
    archive = tmp_path / "m.zip"
    pack(["--asr_exp", str(exp), "--output", str(archive)])
    assert archive.stat().st_size < 1.2 * (exp / MODEL_NAME).stat().st_size + 40_000
    texts = run_alone(archive, tmp_path / "out é", files)
    assert texts[0] == texts[1]
    assert all(texts[0])
    assert decode(archive, data) == decode(exp, data)  # our own commands read it


@pytest.mark.parametrize("kind", KINDS)
def test_espnet_alone_has_the_same_features(kind, experiments, data, tmp_path):
    confs = [{}, {"layer": 1}, {"multilayer_feature": True}]
    for i, conf in enumerate(confs):
        exp = change_config(experiments[kind], tmp_path / f"e{i}", frontend_conf=conf)
        if "multilayer_feature" in conf:
            state = torch.load(exp / MODEL_NAME, weights_only=True)
            state["frontend.featurizer.weights"] = torch.tensor([0.1, 2.0, -1.0])
            torch.save(state, exp / MODEL_NAME)
        out = tmp_path / f"o{i}"
        assert run(exp, "espnet", out, "--check", *clips(data)) == 0
        config = yaml.safe_load((out / "config.yaml").read_text(encoding="utf-8"))
        assert (config["frontend"], config["model"]) == ("s3prl", "espnet")


def test_a_model_that_espnet_cannot_express_is_packed_with_a_warning(
    experiments, tmp_path, caplog
):
    import zipfile

    from hamzaban.export.pack import pack_model

    cfg = {"conv_feature_layers": "[(32, 10, 5)] + [(32, 3, 2)] * 4 + [(32, 2, 2)]"}
    config = yaml.safe_load(
        (experiments["char"] / "config.yaml").read_text(encoding="utf-8")
    )
    conf = {"model_cfg": config["frontend_conf"]["model_cfg"] | cfg}
    exp = change_config(experiments["char"], tmp_path / "e", frontend_conf=conf)
    pack_model(exp, MODEL_NAME, tmp_path / "m.zip")
    assert "a frame for each 160 samples, which ESPnet alone" in caplog.text
    names = zipfile.ZipFile(tmp_path / "m.zip").namelist()
    assert "exp/e/hamzaban.yaml" not in names
    with pytest.raises(ValueError, match="a frame for each 160 samples found"):
        run(exp, "espnet", tmp_path / "out", "--no_check")
