"""train-asr: its models load without other files, in ESPnet's tools, from an
archive."""

import shutil
import zipfile
from pathlib import Path

import pytest
import tiny_training
import yaml

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def exp(tmp_path_factory):
    """A trained model whose seed checkpoint is gone."""
    tiny_training.import_task()
    folder = tiny_training.write_inputs(tmp_path_factory.mktemp("a b"))
    words = tiny_training.make_command(
        folder, folder / "exp", max_epoch=2, keep_nbest_models=1
    )
    assert tiny_training.train(words) == 0
    (folder / "seed.pt").unlink()
    return folder / "exp"


def make_speech():
    import torch

    return torch.randn(2, 9000, generator=torch.Generator().manual_seed(0))


def score(model):
    import torch

    with torch.inference_mode():
        out, _ = model.eval().encode(make_speech(), torch.tensor([9000, 7000]))
        return model.ctc.log_softmax(out)


def test_the_config_keeps_everything_except_the_initial_weights(exp):
    config = yaml.safe_load((exp / "config.yaml").read_text())
    conf = config["frontend_conf"]
    assert conf["frontend_conf"]["path_or_url"] is None
    assert conf["model_cfg"]["encoder_layers"] == 2
    assert conf["task_cfg"]["normalize"] is False
    assert config["ssl_checkpoint"] is None
    assert config["ssl_checkpoint_used"].endswith("seed.pt")
    assert config["scheduler_conf"]["max_steps"] > 2
    assert config["token_list"][0] == "<blank>"


def test_weights_of_the_seed_are_used(exp, tmp_path):
    import tiny_experiment
    import torch

    tiny_experiment.write_checkpoint(tmp_path / "seed.pt")
    seed = torch.load(tmp_path / "seed.pt")["model_weight"]
    words = tiny_training.make_command(
        exp.parent, tmp_path / "exp", ssl_checkpoint=tmp_path / "seed.pt"
    )
    task = tiny_training.import_task()
    model = task.build_model(task.get_parser().parse_args(words))
    name = "encoder.layers.1.fc2.weight"
    assert torch.equal(model.frontend.model.state_dict()[name], seed[name])
    assert model.tokenizer.tokens2text(["<space>"]) == ""


def test_wer_and_cer_of_each_epoch_are_kept(exp):
    from hamzaban.train.checkpoints import load_checkpoint, read_reporter

    reporter = read_reporter(load_checkpoint(exp / "checkpoint.pth"))
    for epoch in (1, 2):
        for key in ("wer", "cer", "loss", "too_short"):
            assert reporter.stats[epoch]["valid"][key] >= 0
    assert reporter.stats[2]["train"]["grad_norm"] > 0
    assert "wer" not in reporter.stats[2]["train"]


def test_model_loads_without_the_seed(exp):
    import torch

    task = tiny_training.import_task()
    files = [exp / "config.yaml", exp / "valid.wer.best.pth", "cpu"]
    model, args = task.build_model_from_file(*files)
    assert args.frontend == "hamzaban_s3prl"
    log_probs = score(model)
    again, _ = task.build_model_from_file(*files)
    assert torch.equal(log_probs, score(again))


def test_espnets_own_task_loads_the_model(exp):
    import torch
    from espnet2.tasks.asr import ASRTask

    from hamzaban.asr import register

    register()
    files = [exp / "config.yaml", exp / "valid.wer.best.pth", "cpu"]
    theirs, _ = ASRTask.build_model_from_file(*files)
    ours, _ = tiny_training.import_task().build_model_from_file(*files)
    assert torch.equal(score(theirs), score(ours))


def test_archive_round_trip(exp, tmp_path, capsys):
    import torch
    from espnet2.main_funcs.pack_funcs import unpack

    from hamzaban.bin.pack_model import main
    from hamzaban.export.pack import load_packed

    (exp / "RESULTS.md").write_text("# RESULTS\n")
    (exp / "images").mkdir(exist_ok=True)
    (exp / "images" / "wer.png").write_bytes(b"png")
    words = ["--asr_exp", exp, "--asr_model", "valid.wer.best.pth"]
    archive = tmp_path / "packed.zip"
    assert main([str(w) for w in [*words, "--outpath", archive]]) == 0
    assert capsys.readouterr().out.strip() == str(archive)

    found = unpack(archive, tmp_path / "there")
    assert set(found) == {"asr_train_config", "asr_model_file"}
    root = tmp_path / "there" / "exp" / "exp"
    assert (root / "RESULTS.md").read_text() == "# RESULTS\n"
    assert (root / "images" / "wer.png").exists()
    model, _ = load_packed(archive, tmp_path / "elsewhere")
    files = [exp / "config.yaml", exp / "valid.wer.best.pth", "cpu"]
    ours, _ = tiny_training.import_task().build_model_from_file(*files)
    assert torch.equal(score(model), score(ours))


def test_archive_carries_the_bpe_model(exp, tmp_path):
    from espnet2.main_funcs.pack_funcs import unpack

    from hamzaban.export.pack import pack_model

    other = tmp_path / "asr bpe"
    shutil.copytree(exp, other)
    (tmp_path / "bpe.model").write_bytes(b"model")
    config = yaml.safe_load((other / "config.yaml").read_text())
    config["bpemodel"] = str(tmp_path / "bpe.model")
    (other / "config.yaml").write_text(yaml.safe_dump(config))
    pack_model(other, "latest.pth", tmp_path / "m.zip")
    found = unpack(tmp_path / "m.zip", tmp_path / "out")
    unpacked = yaml.safe_load(Path(found["asr_train_config"]).read_text())
    assert unpacked["bpemodel"].startswith(str(tmp_path / "out"))
    assert Path(unpacked["bpemodel"]).read_bytes() == b"model"
    (tmp_path / "bpe.model").unlink()
    with pytest.raises(FileNotFoundError, match="bpe.model: no such file"):
        pack_model(other, "latest.pth", tmp_path / "m.zip")
    with pytest.raises(ValueError, match="expected .zip"):
        pack_model(other, "latest.pth", tmp_path / "m.tgz")


def test_archive_carries_the_search_and_is_decoded_where_it_is(exp, tmp_path):
    import torch

    from hamzaban.decode.experiment import find_packed_search
    from hamzaban.decode.recognizer import find_files, load_recognizer
    from hamzaban.decode.search_options import read_inference
    from hamzaban.export.pack import Search, pack_model

    for name in ("word/lm.bin", "word/units.txt", "word/lm.arpa", "report.tsv"):
        (tmp_path / "lm" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "lm" / name).write_text(name)
    (tmp_path / "letters.yaml").write_text("x: y\n")
    config, weights = tmp_path / "decode_lm.yaml", tmp_path / "weights.yaml"
    config.write_text("search: lexicon\nmapping: letters.yaml\nlm_weight: 0.1\n")
    weights.write_text("lm_weight: 0.7\n")
    archive = tmp_path / "m é.zip"
    (tmp_path / "c.yaml").write_text("temperature: 2.0\n")
    search = Search(config, weights, tmp_path / "lm", tmp_path / "c.yaml")
    model = "valid.wer.best.pth"
    names = pack_model(exp, model, archive, search=search)
    assert {"exp/exp/lm/word/lm.bin", "exp/exp/letters.yaml"} < set(names)
    assert not [name for name in names if name.endswith(".arpa")]
    found = find_packed_search(archive)
    options = read_inference(found.inference_config)
    assert options.decode == {"asr_model": model}
    assert (options.search.name, options.search.lm_weight) == ("lexicon", 0.7)
    assert (
        Path(options.search.mapping) == found.inference_config.parent / "letters.yaml"
    )
    assert (found.lm_dir / "word" / "units.txt").is_file()
    assert found.confidence.name == "confidence.yaml"
    assert found.confidence.read_text() == "temperature: 2.0\n"
    packed = torch.load(find_files(archive, model)[1], weights_only=True)
    own = torch.load(exp / model, weights_only=True)
    assert all(torch.equal(packed[name], own[name]) for name in own)
    assert load_recognizer(archive, model).fs == 16000
    with pytest.raises(FileNotFoundError, match="no language model; give the folder"):
        pack_model(exp, model, archive, search=Search(lm_dir=tmp_path))


def test_an_experiment_that_was_moved_uses_the_bpe_model_beside_its_config(
    exp, tmp_path
):
    from hamzaban.decode.recognizer import read_config

    values = yaml.safe_load((exp / "config.yaml").read_text())
    (tmp_path / "tokens").mkdir()
    moved = tmp_path / "moved é"
    moved.mkdir()
    for named in ("data/tokens/bpe.model", str(tmp_path / "tokens" / "bpe.model")):
        config = moved / "config.yaml"
        config.write_text(yaml.safe_dump(values | {"bpemodel": named}))
        assert read_config(config).bpemodel == named
        (moved / "bpe.model").touch()
        assert read_config(config).bpemodel == str(moved / "bpe.model")
        (moved / "bpe.model").unlink()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"<html>"])
def test_an_archive_that_is_no_model_is_an_error_with_its_name(tmp_path, content):
    from hamzaban.decode.recognizer import find_files

    archive = tmp_path / "m.zip"
    archive.write_bytes(content)
    with pytest.raises(ValueError, match=r"m\.zip: no complete archive"):
        find_files(archive, "latest.pth")
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("a/b", "")
    with pytest.raises(ValueError, match=r"meta\.yaml not found, expected an archive"):
        find_files(tmp_path / "." / archive.name, "latest.pth")


def test_registered_names_are_checked():
    tiny_training.import_task()
    from espnet2.tasks.asr import frontend_choices

    from hamzaban.asr.choices import add_choice, register_classes

    register_classes()
    register_classes()
    assert "hamzaban_s3prl" in frontend_choices.classes
    with pytest.raises(TypeError, match="dict must inherit AbsFrontend"):
        add_choice(frontend_choices, "ours", dict)
    other = type("Other", (frontend_choices.classes["hamzaban_s3prl"],), {})
    with pytest.raises(ValueError, match="hamzaban_s3prl is"):
        add_choice(frontend_choices, "hamzaban_s3prl", other)
    with pytest.raises(ValueError, match="'Ours'"):
        add_choice(frontend_choices, "Ours", other)


def test_random_weights_are_not_frozen(exp, tmp_path):
    config = yaml.safe_load((exp / "config.yaml").read_text())
    conf = {"model_cfg": config["frontend_conf"]["model_cfg"]}
    (tmp_path / "train.yaml").write_text(yaml.safe_dump({"frontend_conf": conf}))
    words = tiny_training.make_command(
        exp.parent, tmp_path / "exp", ssl_checkpoint=None, dry_run="true"
    )
    words += ["--config", str(tmp_path / "train.yaml")]
    assert tiny_training.train(words) == 0
    with pytest.raises(ValueError, match=r"random weights would stay.*freeze: \[\]"):
        tiny_training.import_task().main(
            cmd=[*words, "--frontend_conf", "freeze=[encoder]"]
        )


def test_missing_checkpoint_is_one_clear_error(exp, tmp_path):
    words = tiny_training.make_command(exp.parent, tmp_path, ssl_checkpoint="no.pt")
    with pytest.raises(FileNotFoundError, match="no.pt: no such file"):
        tiny_training.import_task().main(cmd=words)


def test_options_of_our_frontend_are_refused_for_espnets(exp, tmp_path):
    task = tiny_training.import_task()
    options = {"frontend": "s3prl", "frontend_conf": "layerdrop=0.1"}
    words = tiny_training.make_command(exp.parent, tmp_path / "exp", **options)
    message = "layerdrop found, which --frontend s3prl does not have; remove it, or use"
    with pytest.raises(ValueError, match=message):
        task.main(cmd=words)


@pytest.mark.parametrize(
    ("conf", "is_expected"),
    [(["layerdrop=0.1"], True), (["freeze_updates=2"], True), (["dropout=0.1"], False)],
)
def test_processes_expect_layers_that_a_batch_leaves_out(
    exp, tmp_path, monkeypatch, conf, is_expected
):
    task = tiny_training.import_task()
    from hamzaban.train.arguments import parse_arguments
    from hamzaban.train.task import TaskMixin

    found = []
    monkeypatch.setattr(
        TaskMixin,
        "main_worker",
        classmethod(lambda _, args: found.append(args.unused_parameters)),
    )
    words = tiny_training.make_command(exp.parent, tmp_path / "exp", frontend_conf=conf)
    args = parse_arguments(task.get_parser(), words)
    args.dist_rank = 1
    task.main_worker(args)
    assert found == [is_expected]
