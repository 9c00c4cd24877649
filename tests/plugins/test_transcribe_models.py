"""Models of transformers and of train-asr transcribe as their own code does."""

import json

import numpy as np
import pytest
from mine_media import read_speech, write_media
from tiny_experiment import (
    write_audio,
    write_checkpoint,
    write_experiment,
    write_tokens,
)

import hamzaban
from hamzaban.bin.transcribe import main as transcribe
from hamzaban.decode.calibration import read_calibration
from hamzaban.transcribe.acoustics import ModelRequest, load_acoustics


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import here what takes seconds, so that collecting tests does not."""
    global torch, transformers
    import torch
    import transformers


TINY = {
    "conv_dim": [24] * 7,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
VARIANTS = {
    "base": {},
    "large": {
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "conv_bias": True,
    },
    "adapter": {
        "feat_extract_norm": "layer",
        "do_stable_layer_norm": True,
        "adapter_attn_dim": 8,
    },
    "odd": {"hidden_act": "relu", "num_conv_pos_embeddings": 15},
}
LETTERS = ["|", *"ابتثجحخ"]
PAD_LAST = {letter: i for i, letter in enumerate([*LETTERS, "[UNK]", "[PAD]"])}
PAD_FIRST = {
    letter: i for i, letter in enumerate(["<pad>", "<s>", "</s>", "<unk>", *LETTERS])
}


def write_model(folder, variant="large", vocab=PAD_LAST, *, safe=True, **tokenizer):
    """Write a model with random weights as a user of transformers saves it."""
    torch.manual_seed(0)
    flat = next(iter(vocab.values())) if is_nested(vocab) else vocab
    size, pad = len(flat), "<pad>" if "<pad>" in flat else "[PAD]"
    config = transformers.Wav2Vec2Config(
        **{**TINY, **VARIANTS[variant]}, vocab_size=size
    )
    model = transformers.Wav2Vec2ForCTC(config).eval()
    for parameter in model.parameters():  # nothing right by being 0 or 1
        if parameter.dim() == 1:
            parameter.data += 0.2 * torch.randn_like(parameter)
    model.lm_head.weight.data *= 40
    special = [i for token, i in flat.items() if token[0] in "<[" and token != pad]
    model.lm_head.bias.data[special] = -1000.0  # as after training
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    if not safe:
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    names = {"pad_token": pad, **tokenizer}
    (folder / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(names), encoding="utf-8")
    extractor = transformers.Wav2Vec2FeatureExtractor(
        do_normalize=variant != "base", return_attention_mask=True
    )
    extractor.save_pretrained(folder)
    return model, extractor


def is_nested(vocab):
    return isinstance(next(iter(vocab.values())), dict)


def test_posteriors_are_those_of_transformers(tmp_path):
    rng = np.random.default_rng(0)
    speech = [rng.normal(0, 0.1, n).astype(np.float32) for n in (9000, 16000, 4321)]
    for variant in VARIANTS:
        folder = tmp_path / variant
        theirs, extractor = write_model(folder, variant, safe=variant != "odd")
        ours = load_acoustics(ModelRequest(str(folder)))
        found = ours.emit(speech)
        order = [PAD_LAST["[PAD]"], *range(len(LETTERS))]
        for each, (log_probs, language) in zip(speech, found, strict=True):
            inputs = extractor(each, sampling_rate=16000, return_tensors="pt")
            with torch.inference_mode():
                logits = theirs(inputs.input_values).logits[0]
            wanted = logits[:, order].log_softmax(-1).numpy()
            assert np.allclose(np.delete(log_probs, 1, 1), wanted, atol=2e-3)
            assert (log_probs[:, 1] < -1000).all()
            assert language == ""


@pytest.mark.parametrize("vocab", [PAD_LAST, PAD_FIRST], ids=["pad_last", "pad_first"])
def test_text_of_a_piece_is_that_of_transformers(vocab, tmp_path):
    theirs, extractor = write_model(tmp_path / "m", "large", vocab)
    speech = read_speech("spk01", 6.0)
    inputs = extractor(speech, sampling_rate=16000, return_tensors="pt")
    with torch.inference_mode():
        ids = theirs(inputs.input_values).logits[0].argmax(-1).tolist()
    kwargs = {"unk_token": "<unk>"} if "<pad>" in vocab else {"unk_token": "[UNK]"}
    pad = "<pad>" if "<pad>" in vocab else "[PAD]"
    tokenizer = transformers.Wav2Vec2CTCTokenizer(
        str(tmp_path / "m" / "vocab.json"), pad_token=pad, **kwargs
    )
    wanted = " ".join(tokenizer.decode(ids).split())
    from hamzaban.decode.search import SearchFiles
    from hamzaban.decode.searches.greedy import GreedySearch

    ours = load_acoustics(ModelRequest(str(tmp_path / "m")))
    ((log_probs, _),) = ours.emit([speech])
    (found,) = GreedySearch().build(ours.tokenizer, SearchFiles()).decode(log_probs)
    assert wanted
    assert found.text == wanted


def test_adapter_and_vocabulary_are_those_of_the_language(tmp_path):
    nested = {"fas": PAD_FIRST}
    nested["urd"] = {**{t: i for t, i in PAD_FIRST.items() if t != "خ"}, "ڑ": 11}
    theirs, _ = write_model(tmp_path / "m", "adapter", nested, target_lang="fas")
    state = theirs.state_dict()
    names = [n for n in state if "adapter_layer" in n or n.startswith("lm_head")]
    from safetensors.torch import save_file

    for language, factor in (("fas", 1.0), ("urd", -1.0)):
        weights = {name: (factor * state[name]).contiguous() for name in names}
        save_file(weights, tmp_path / "m" / f"adapter.{language}.safetensors")
    speech = [read_speech("spk01", 2.0)]
    (plain, language) = load_acoustics(ModelRequest(str(tmp_path / "m"))).emit(speech)[
        0
    ]
    assert language == "fas"
    other = load_acoustics(ModelRequest(str(tmp_path / "m"), language="urd"))
    assert "ڑ" in other.tokenizer.tokens
    assert not np.allclose(other.emit(speech)[0][0], plain)
    with pytest.raises(ValueError, match="2 languages, such as fas, urd"):
        load_acoustics(ModelRequest(str(tmp_path / "m"), language="xyz"))
    (tmp_path / "m" / "adapter.urd.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"no adapter\.urd\.safetensors"):
        load_acoustics(ModelRequest(str(tmp_path / "m"), language="urd"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"model_type": "hubert"}, "hubert.*which cannot be run"),
        ({"add_adapter": True}, "add_adapter"),
        ({"hidden_size": 64}, "parameters do not fit config.json"),
        ({"num_attention_heads": "x"}, "num_attention_heads"),
        ({"num_attention_heads": 5}, "num_attention_heads"),
        ({"conv_dim": [1]}, "."),
        ({"hidden_size": 2**60}, "."),
    ],
)
def test_other_models_are_refused_in_one_line(damage, message, tmp_path):
    write_model(tmp_path / "m")
    path = tmp_path / "m" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **damage}))
    with pytest.raises(ValueError, match=message) as info:
        load_acoustics(ModelRequest(str(tmp_path / "m")))
    assert "\n" not in str(info.value)
    assert str(tmp_path) in str(info.value)


def test_models_without_a_head_or_with_other_tokens_are_refused(tmp_path):
    write_model(tmp_path / "m")
    vocab = tmp_path / "m" / "vocab.json"
    for text, message in (
        ({"a": 1}, r"no token \[PAD\] found"),
        ({"a": 99, "[PAD]": 0}, "column 99 found, the model has 10"),
        ({"a": "b"}, "expected the number of each token"),
    ):
        vocab.write_text(json.dumps(text))
        with pytest.raises(ValueError, match=message):
            load_acoustics(ModelRequest(str(tmp_path / "m")))
    config = transformers.Wav2Vec2Config(**TINY)
    transformers.Wav2Vec2Model(config).save_pretrained(tmp_path / "m")
    vocab.write_text(json.dumps(PAD_LAST))
    with pytest.raises(ValueError, match="no lm_head.weight"):
        load_acoustics(ModelRequest(str(tmp_path / "m")))
    with pytest.raises(
        ValueError, match="the model has one language only|one language"
    ):
        load_acoustics(ModelRequest(str(tmp_path / "m"), language="fa"))


def test_any_number_of_processes_writes_the_same_files(tmp_path):
    write_model(tmp_path / "m")
    for name, spk_id in (("one", "spk01"), ("two", "spk03"), ("three", "spk04")):
        write_media(tmp_path / "media" / f"{name}.mp3", read_speech(spk_id, 12.0))
    found = []
    for nj in ("1", "2"):
        out = tmp_path / nj
        words = [str(tmp_path / "m"), str(tmp_path / "media"), "--output_dir", str(out)]
        assert transcribe([*words, "--format", "txt,ctm", "--nj", nj]) == 0
        found.append({p.name: p.read_bytes() for p in out.glob("*.*") if p.is_file()})
    assert found[0] == found[1]
    assert len(found[0]) == 6


def test_foreign_model_needs_no_espnet(tmp_path):
    import subprocess
    import sys

    write_model(tmp_path / "m")
    media = write_media(tmp_path / "a.flac", read_speech("spk01", 5.0))
    code = (
        "import sys, hamzaban\n"
        "found = hamzaban.load(sys.argv[1]).transcribe(sys.argv[2])\n"
        "print(found.duration_s, len(found.words))\n"
        "names = ('espnet', 'espnet2', 's3prl', 'transformers', 'torchaudio')\n"
        "assert not set(names) & set(sys.modules), set(names) & set(sys.modules)\n"
    )
    words = [sys.executable, "-c", code, str(tmp_path / "m"), str(media)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    duration, count = done.stdout.split()
    assert float(duration) == pytest.approx(5, abs=0.1)
    assert int(count) > 0


@pytest.mark.slow
def test_experiment_transcribes_as_decode_asr_decodes(tmp_path):
    from hamzaban.bin.decode_asr import main as decode_asr

    data = write_audio(tmp_path / "data", [30000] * 3)
    write_checkpoint(tmp_path / "wav2vec2.pt", "layer_norm")
    tokens = write_tokens(tmp_path / "t", data / "text", "--token_type", "char")
    exp = write_experiment(tmp_path, tokens, tmp_path / "wav2vec2.pt")
    words = ["--asr_exp", exp, "--data_dir", data, "--output_dir", tmp_path / "dec"]
    assert decode_asr([str(word) for word in words]) == 0
    lines = (tmp_path / "dec" / "text").read_text(encoding="utf-8").splitlines()
    texts = [" ".join(line.split()[1:]) for line in lines]
    import soundfile

    from hamzaban.decode.search import SearchFiles
    from hamzaban.decode.searches.greedy import GreedySearch

    model = load_acoustics(ModelRequest(str(exp)))
    files = [line.split()[1] for line in (data / "wav.scp").read_text().splitlines()]
    speech = [soundfile.read(path, dtype="float32")[0] for path in files]
    decoder = GreedySearch().build(model.tokenizer, SearchFiles())
    found = [decoder.decode(log_probs)[0].text for log_probs, _ in model.emit(speech)]
    assert found == texts
    assert any(found)
    media = write_media(tmp_path / "a.flac", read_speech("spk01", 8.0))
    transcript = hamzaban.load(exp).transcribe(media)
    assert transcript.words
    (exp / "decode_greedy").mkdir()
    fitted = exp / "decode_greedy" / "confidence.yaml"
    fitted.write_text("temperature: 2.0\nbias: -0.5\nnum_words: 9\n")
    calibration = read_calibration(fitted)
    again = hamzaban.load(exp).transcribe(media).words
    assert [word.confidence for word in again] == pytest.approx(
        [calibration.apply(word.confidence) for word in transcript.words]
    )
    with pytest.raises(ValueError, match="the model has one language only"):
        hamzaban.load(exp, language="fa")
    with pytest.raises(FileNotFoundError, match="give one with --asr_model"):
        transcribe([str(exp), str(media), "--asr_model", "none.pth"])


@pytest.mark.needs("lmplz", "build_binary")
def test_words_of_a_lexicon_are_searched_with_a_foreign_model(tmp_path, capsys):
    from hamzaban.bin.train_lm import main as train_lm

    write_model(tmp_path / "m")
    media = write_media(tmp_path / "a.flac", read_speech("spk01", 8.0))
    text = tmp_path / "text"
    words = ["اب", "تب", "ثاج", "حخ", "خا", "ب", "ت"]
    lines = [f"utt{i} {words[i % 7]} {words[i * 3 % 7]}\n" for i in range(40)]
    text.write_text("".join(lines), encoding="utf-8")
    (tmp_path / "lm.yaml").write_text("word: {order: 2}\nmemory: 100M\n")
    options = ["--train_text", text, "--config", tmp_path / "lm.yaml"]
    options += ["--output_dir", tmp_path / "lm"]
    assert train_lm([str(word) for word in options]) == 0
    search = tmp_path / "search.yaml"
    search.write_text("search: lexicon\nlm_weight: 1.0\nbeam_size: 10\n")
    asked = [str(tmp_path / "m"), str(media), "--inference_config", str(search)]
    capsys.readouterr()
    assert transcribe([*asked, "--lm_dir", str(tmp_path / "lm")]) == 0
    found = capsys.readouterr().out.split()
    assert found
    assert set(found) <= set(words)
    lm_dir = ["--lm_dir", str(tmp_path / "lm")]
    assert transcribe([*asked, *lm_dir, "--hotwords", "اج:1000"]) == 0
    assert "اج" in capsys.readouterr().out.split()  # no word of the language model
    assert transcribe([*asked[:2], "--hotwords", "اج:1000"]) == 0
    assert "اج" in capsys.readouterr().out.split()
    with pytest.raises(ValueError, match="--lm_dir is not given"):
        transcribe(asked)
