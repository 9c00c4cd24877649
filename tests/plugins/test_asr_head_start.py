"""Fine-tuning that starts from a CTC model keeps the rows of the tokens it shares."""

import json
import logging

import pytest
import yaml
from tiny_experiment import write_checkpoint, write_experiment, write_tokens

from repository import ROOT

LETTERS = ["|", *"ابپتث"]
VOCAB = {t: i for i, t in enumerate(["<pad>", "<s>", "</s>", "<unk>", *LETTERS])}


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import here what takes seconds, so that collecting tests does not."""
    global torch, transformers
    import torch
    import transformers


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """Return a directory as transformers saves a model of characters."""
    folder = tmp_path_factory.mktemp("hf é x")
    config = transformers.Wav2Vec2Config(
        conv_dim=[24] * 7,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        num_codevectors_per_group=8,  # of the part for pretraining, which is not there
        codevector_dim=16,
        proj_codevector_dim=16,
        vocab_size=len(VOCAB),
    )
    torch.manual_seed(0)
    transformers.Wav2Vec2ForCTC(config).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(VOCAB), encoding="utf-8")
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return folder


def write_values(folder, letters, **frontend_conf):
    tokens = ["<blank>", "<unk>", "<space>", *letters, "<sos/eos>"]
    folder.mkdir()
    (folder / "tokens.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    return tokens, {
        "token_type": "char",
        "token_list": tokens,
        "bpemodel": None,
        "frontend": "hamzaban_s3prl",
        "frontend_conf": frontend_conf,
        "model": "hamzaban_ctc",
        "model_conf": {"ctc_weight": 1.0},
        "ctc_conf": {},
    }


def build(values, checkpoint, **changes):
    import argparse

    from hamzaban import compat

    with compat.fast_imports():
        from hamzaban.asr.task import ASRTask
    values = {**values, "ssl_checkpoint": str(checkpoint), "init_strict": True}
    names = ("encoder", "decoder", "normalize", "specaug", "preencoder", "postencoder")
    fixed = dict.fromkeys(names)
    more = {f"{name}_conf": {} for name in names}
    more |= {"input_size": None, "init": None, **fixed, **changes}
    return ASRTask.build_model(argparse.Namespace(**{**more, **values}))


def read_layer(folder):
    from safetensors.torch import load_file

    state = load_file(folder / "model.safetensors")
    return state["lm_head.weight"], state["lm_head.bias"]


def test_tokens_that_both_have_keep_their_rows(foreign, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    tokens, values = write_values(tmp_path / "t", "پباڑ")
    layer = build(values, foreign).ctc.ctc_lo
    weight, bias = read_layer(foreign)
    names = {"<blank>": "<pad>", "<space>": "|", "<sos/eos>": "</s>"}
    for i, token in enumerate(tokens):
        row = VOCAB.get(names.get(token, token))
        if row is not None:
            assert torch.equal(layer.weight[i], weight[row]), token
            assert layer.bias[i] == bias[row], token
        else:
            assert token == "ڑ"
    assert "7 of 8 tokens keep their rows of the output layer, 1 are new (ڑ)" in (
        caplog.text
    )
    assert "2 of its 9 tokens are not used" in caplog.text


def test_wav2vec2_itself_is_that_of_the_ctc_model(foreign, tmp_path):
    _, values = write_values(tmp_path / "t", "اب")
    model = build(values, foreign)
    theirs = transformers.Wav2Vec2ForCTC.from_pretrained(foreign).eval()
    speech = torch.randn(1, 9000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours, _ = model.eval().frontend(speech, torch.tensor([9000]))
        inputs = torch.nn.functional.layer_norm(speech, speech.shape)
        wanted = theirs.wav2vec2(inputs).last_hidden_state
    assert torch.allclose(ours, wanted, atol=1e-4)


def test_a_layer_that_reads_other_features_is_new_and_the_log_says_so(
    foreign, tmp_path, caplog
):
    for i, conf in enumerate(({"reinit_layers": 1}, {"multilayer_feature": True})):
        caplog.clear()
        _, values = write_values(tmp_path / str(i), "اب", **conf)
        layer = build(values, foreign).ctc.ctc_lo
        weight, _ = read_layer(foreign)
        assert not torch.equal(layer.weight[0], weight[0])
        assert "its output layer of 10 tokens is not used, since" in caplog.text


def test_the_same_vocabulary_is_kept_whole(tmp_path, caplog):
    """A model that was exported is trained further as it was."""
    from hamzaban.bin.export import main as export

    caplog.set_level(logging.INFO)
    (tmp_path / "text").write_text("u1 سلام دنیا\nu2 باغ بزرگ\n" * 9, encoding="utf-8")
    for kind in ("char", "bpe"):
        folder = tmp_path / kind
        folder.mkdir()
        options = ["--token_type", kind, "--nbpe", 16]
        tokens = write_tokens(folder / "tokens", tmp_path / "text", *options)
        write_checkpoint(folder / "ssl.pt")
        exp = write_experiment(folder, tokens, folder / "ssl.pt")
        out = folder / "hf"
        export([str(exp), "--to", "hf", "--output", str(out), "--no_check"])
        values = yaml.safe_load((exp / "config.yaml").read_text(encoding="utf-8"))
        values["frontend_conf"] = {}
        caplog.clear()
        layer = build(values, out).ctc.ctc_lo
        weight, bias = read_layer(out)
        assert torch.equal(layer.weight, weight)
        assert torch.equal(layer.bias, bias)
        assert f"output layer kept, the {len(bias)} tokens are the same" in caplog.text


def test_heads_of_languages_are_filled_one_by_one(foreign, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    tokens, values = write_values(tmp_path / "t", "ابپڑ")
    signs = tokens[:3]
    values |= {
        "model": "hamzaban_joint_ctc",
        "model_conf": {
            "languages": ["ar", "ur"],
            "head_tokens": {"ar": [*signs, "ا", "ب"], "ur": [*signs, "ب", "ڑ"]},
        },
    }
    model = build(values, foreign)
    weight, _ = read_layer(foreign)
    assert torch.equal(model.ctc.heads["ar"].weight[4], weight[VOCAB["ب"]])
    assert torch.equal(model.ctc.heads["ur"].weight[3], weight[VOCAB["ب"]])
    assert "(ar): 5 of 5 tokens keep their rows" in caplog.text
    assert "(ur): 4 of 5 tokens keep their rows" in caplog.text


def test_adapters_are_refused_before_and_in_training(foreign, tmp_path):
    from hamzaban.bin.config import main as config

    folder = tmp_path / "mms"
    folder.mkdir()
    for path in foreign.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(values | {"adapter_attn_dim": 16}))
    _, train = write_values(tmp_path / "t", "اب")
    with pytest.raises(ValueError, match="cannot be folded into its layer"):
        build(train, folder)
    words = ["--stages=train", f"--asr_config={ROOT}/conf/train_ctc.yaml"]
    words += [f"--ssl_checkpoint={folder}", "--token_type=char", "--ngpu=0"]
    with pytest.raises(ValueError, match="adapter_attn_dim is 16, but training cannot"):
        config(["check", *words])


def test_import_ssl_says_what_becomes_of_the_output_layer(foreign, tmp_path, capsys):
    from hamzaban.bin.import_ssl import main as import_ssl

    out = str(tmp_path / "w.pt")
    assert import_ssl([str(foreign), "--output", out, "--init_strict", "false"]) == 0
    text = capsys.readouterr().out
    assert "output layer: 10 tokens, left out" in text
    assert "unexpected" not in text
