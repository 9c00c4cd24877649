"""train-asr for two languages: from utt2lang to decoding, an archive and resuming."""

import random
import shutil

import pytest
import tiny_experiment
import tiny_training
import yaml

pytestmark = pytest.mark.torch

WORDS = {"fa": ["پدر", "گچ", "ژاله"], "ur": ["ٹوپی", "ڈر", "بڑا"]}
NUMBERS = {"fa": 8, "ur": 4}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Speech of two languages, joint tokens, a seed checkpoint."""
    from hamzaban.bin.collect_stats import main as collect_stats

    folder = tmp_path_factory.mktemp("دو a")
    tiny_experiment.write_checkpoint(folder / "seed.pt")
    lengths = [11000 + 900 * i for i in range(sum(NUMBERS.values()))]
    data = tiny_experiment.write_audio(folder / "data", lengths)
    rng = random.Random(0)
    scp = (data / "wav.scp").read_text(encoding="utf-8").splitlines()
    utt_ids = [line.split()[0] for line in scp]
    langs = [lang for lang, number in NUMBERS.items() for _ in range(number)]
    texts = [" ".join(rng.choices(WORDS[lang], k=2)) for lang in langs]
    for name, values in (("text", texts), ("utt2lang", langs)):
        rows = zip(utt_ids, values, strict=True)
        lines = "".join(f"{utt_id} {value}\n" for utt_id, value in rows)
        (data / name).write_text(lines, encoding="utf-8")
    tokens = tiny_experiment.write_tokens(
        folder / "tokens", data / "text", "--token_type", "char"
    )
    words = ["--data_dir", data, "--token_type", "char", "--output_dir"]
    words += [folder / "stats", "--token_list", tokens / "tokens.txt"]
    collect_stats([str(word) for word in words])
    return folder


def make_command(inputs, exp, *model_conf, **options):
    options = {
        "model": "hamzaban_joint_ctc",
        "model_conf": ["ctc_weight=1.0", *model_conf],
        "language_temperature": 2.0,
        "max_epoch": 2,
        "keep_nbest_models": 1,
        **options,
    }
    return tiny_training.make_command(inputs, exp, **options)


@pytest.fixture(scope="module")
def exp(inputs):
    tiny_training.import_task()
    assert tiny_training.train(make_command(inputs, inputs / "exp")) == 0
    return inputs / "exp"


def decode(exp, inputs, output, *words, data=None):
    from hamzaban.bin.decode_asr import main

    options = ["--asr_exp", exp, "--asr_model", "valid.wer.best.pth"]
    options += ["--data_dir", data or inputs / "data", "--output_dir", output, *words]
    assert main([str(word) for word in options]) == 0
    return output


def read(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.split(" ", 1)[0]: line.partition(" ")[2] for line in lines}


def test_config_lists_languages_and_the_tokens_of_their_heads(exp):
    config = yaml.safe_load((exp / "config.yaml").read_text(encoding="utf-8"))
    conf = config["model_conf"]
    assert conf["languages"] == ["fa", "ur"]
    assert conf["head_tokens"]["fa"][:3] == ["<blank>", "<unk>", "<space>"]
    assert "پ" in conf["head_tokens"]["fa"] and "ٹ" in conf["head_tokens"]["ur"]
    assert "ٹ" not in conf["head_tokens"]["fa"]
    assert config["scheduler_conf"]["max_steps"] == 2 * _num_batches(config)


def _num_batches(config):
    import argparse

    from hamzaban.asr.balancing import build_balanced

    return len(build_balanced(argparse.Namespace(**config)))


def test_errors_of_each_language_are_kept(exp):
    from hamzaban.train.checkpoints import load_checkpoint, read_reporter

    stats = read_reporter(load_checkpoint(exp / "checkpoint.pth")).stats[2]
    for key in ("wer", "wer_fa", "wer_ur", "cer_ur", "lid_acc", "loss_lid", "loss_ctc"):
        assert stats["valid"][key] >= 0
    assert 0 <= stats["train"]["lid_acc"] <= 1


def test_head_is_chosen_by_utt2lang_by_the_model_or_by_name(
    exp, inputs, tmp_path, caplog
):
    caplog.set_level("INFO")
    truth = read(inputs / "data" / "utt2lang")
    out = decode(exp, inputs, tmp_path / "oracle")
    assert read(out / "utt2lang") == truth
    assert "language ID right for" in caplog.text
    lid = {utt_id: line.split() for utt_id, line in read(out / "lid").items()}
    assert all(lang in WORDS and float(score) <= 0 for lang, score in lid.values())
    out = decode(exp, inputs, tmp_path / "predicted", "--language", "predicted")
    assert read(out / "utt2lang") == {utt_id: lang for utt_id, (lang, _) in lid.items()}
    out = decode(exp, inputs, tmp_path / "ur", "--language", "ur", "--nj", "2")
    assert set(read(out / "utt2lang").values()) == {"ur"}
    own = {*"".join(WORDS["ur"]), "<space>", "<unk>"}
    tokens = [token for line in read(out / "token").values() for token in line.split()]
    assert tokens and set(tokens) <= own


def test_emissions_are_computed_by_the_head_that_is_chosen(exp, inputs, tmp_path):
    from hamzaban.decode.store import EmissionStore

    config = tmp_path / "token.yaml"
    config.write_text("search: token\nlm_unit: none\nlm_weight: 0.0\n")
    words = ["--inference_config", config, "--emissions_dir", tmp_path / "e"]
    out = decode(exp, inputs, tmp_path / "fa", *words, "--language", "fa")
    store = EmissionStore(tmp_path / "e")
    tokens = yaml.safe_load((exp / "config.yaml").read_text("utf-8"))["token_list"]
    own = yaml.safe_load((exp / "config.yaml").read_text("utf-8"))["model_conf"]
    own = {tokens.index(token) for token in own["head_tokens"]["fa"]}
    for utt_id in store:
        seen = (store.read(utt_id) > -1000).any(0).nonzero()[0]
        assert set(seen.tolist()) <= own
    assert set(read(out / "utt2lang").values()) == {"fa"}
    out = decode(exp, inputs, tmp_path / "ur", *words, "--language", "ur")
    assert set(read(out / "utt2lang").values()) == {"ur"}  # made again


def test_languages_that_the_model_cannot_choose_are_refused(exp, inputs, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(inputs / "data", data)
    (data / "utt2lang").unlink()
    with pytest.raises(FileNotFoundError, match="the choice of a head needs it"):
        decode(exp, inputs, tmp_path / "out", data=data)
    with pytest.raises(ValueError, match="language: 'en' is unknown; known: utt2lang,"):
        decode(exp, inputs, tmp_path / "out", "--language", "en")
    decode(exp, inputs, tmp_path / "out", "--language", "predicted", data=data)
    config = tmp_path / "espnet.yaml"
    config.write_text("search: espnet\nbeam_size: 2\n")
    with pytest.raises(ValueError, match="a CTC head for each of fa, ur"):
        decode(exp, inputs, tmp_path / "out", "--inference_config", config)


def test_archive_holds_all_that_decoding_needs(exp, tmp_path):
    import torch

    from hamzaban.bin.pack_model import main
    from hamzaban.export.pack import load_packed

    archive = tmp_path / "joint.zip"
    words = ["--asr_exp", exp, "--asr_model", "valid.wer.best.pth"]
    assert main([str(word) for word in [*words, "--outpath", archive]]) == 0
    packed, _ = load_packed(archive, tmp_path / "there")
    task = tiny_training.import_task()
    files = [exp / "config.yaml", exp / "valid.wer.best.pth", "cpu"]
    model, _ = task.build_model_from_file(*files)
    speech = torch.randn(1, 9000, generator=torch.Generator().manual_seed(0))
    found = []
    for one in (packed.eval(), model.eval()):
        with torch.inference_mode():
            out, frames = one.encode(speech, torch.tensor([9000]))
            found.append((one.log_probs(out, ["ur"]), one.identify(out, frames)))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_a_killed_run_ends_with_the_same_models(exp, inputs, tmp_path):
    words = make_command(inputs, tmp_path / "exp")
    assert tiny_training.train(words, kill=("step", 3)) == -9
    assert tiny_training.train(words) == 0
    assert tiny_training.digests(tmp_path / "exp") == tiny_training.digests(exp)


@pytest.mark.parametrize(
    ("languages", "message"),
    [
        ("[fa,ar]", "utterances of fa 8, ur 4 found, expected those of"),
        (None, "no such file; expected lines `utt_id language`"),
    ],
)
def test_data_and_config_must_fit(inputs, tmp_path, languages, message):
    from hamzaban.asr.languages import fill_languages

    conf = [f"languages={languages}"] if languages else []
    words = make_command(inputs, tmp_path / "exp", *conf)
    args = tiny_training.import_task().get_parser().parse_args(words)
    if languages is None:
        args.train_data_path_and_name_and_type = [
            (f"{inputs}/tokens/tokens.txt", "text", "text")
        ]
    error = ValueError if languages else FileNotFoundError
    with pytest.raises(error, match=message):
        fill_languages(args)


def test_transcribe_uses_the_head_of_a_language_that_is_given_or_found(exp):
    import numpy as np

    from hamzaban.transcribe.acoustics import ModelRequest, load_acoustics

    speech = np.random.default_rng(0).normal(0, 0.1, 20000).astype(np.float32)

    def emit(language):
        request = ModelRequest(str(exp), "valid.wer.best.pth", language)
        model = load_acoustics(request)
        [(log_probs, spoken)] = model.emit([speech])
        letters = {lang: set("".join(words)) for lang, words in WORDS.items()}
        ids = model.tokenizer.token2id
        own = {
            lang: [ids[x] for x in letters[lang] - letters[other] if x in ids]
            for lang, other in (("fa", "ur"), ("ur", "fa"))
        }
        return spoken, {lang: log_probs[:, own[lang]].max() for lang in own}

    spoken, best = emit("fa")
    assert spoken == "fa" and best["fa"] > -20 > best["ur"]
    spoken, best = emit("ur")
    assert spoken == "ur" and best["ur"] > -20 > best["fa"]
    found, best = emit("predicted")
    assert found in WORDS and max(best, key=best.get) == found
    assert emit("") == (found, best)
    with pytest.raises(
        ValueError, match="--language 'de' found; the model knows fa, ur"
    ):
        emit("de")
