"""A run resumes with its own options, or says why it cannot; no file is lost."""

import shutil

import pytest
import tiny_experiment
import tiny_training
import yaml


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global torch
    tiny_training.import_task()
    import torch


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    tiny_training.import_task()
    return tiny_training.write_inputs(tmp_path_factory.mktemp("an epoch"))


@pytest.fixture(scope="module")
def exp(inputs):
    """A run of one epoch."""
    options = {"max_epoch": 1, "optim_conf": "lr=0.001"}
    words = tiny_training.make_command(inputs, inputs / "exp", **options)
    assert tiny_training.train(words) == 0
    return inputs / "exp"


def resume(inputs, exp, **options):
    """Resume a run in this process."""
    defaults = {"max_epoch": 1, "optim_conf": "lr=0.001"}
    words = tiny_training.make_command(inputs, exp, **{**defaults, **options})
    tiny_training.import_task().main(cmd=words)


def refuse(inputs, exp, message, **options):
    """Check that a run is refused in one line, and leaves config.yaml as it was."""
    before = {p.name: p.read_bytes() for p in exp.iterdir() if p.is_file()}
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        resume(inputs, exp, **options)
    assert "\n" not in str(caught.value)
    after = {p.name: p.read_bytes() for p in exp.iterdir() if p.is_file()}
    assert after == before


def test_an_epoch_whose_batches_changed_starts_again_from_its_first_batch(
    inputs, tmp_path
):
    options = {"batch_type": "unsorted", "max_epoch": 1, "save_interval": 2}
    small, large = {**options, "batch_size": 1}, {**options, "batch_size": 2}
    schedule = {"scheduler_conf": "max_steps=20"}
    words = tiny_training.make_command(inputs, tmp_path / "w", **large, **schedule)
    assert tiny_training.train(words) == 0
    words = tiny_training.make_command(inputs, tmp_path / "exp", **small, **schedule)
    assert tiny_training.train(words, ("step", 5)) == -9
    assert (tmp_path / "exp" / "partial.pth").is_file()
    words = tiny_training.make_command(inputs, tmp_path / "exp", **large, **schedule)
    assert tiny_training.train(words) == 0
    found, whole = (tiny_training.digests(tmp_path / name) for name in ("exp", "w"))
    del found["partial.pth"], whole["partial.pth"]
    assert found == whole


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        ([["a", "b"], ["c"]], True),
        ([["a"], ["b"], ["c"]], False),
        ([["a", "b"], ["d"]], False),
        ([["c"], ["a", "b"]], False),
    ],
)
def test_batches_are_the_same_by_utterance_and_order(other, is_same):
    from hamzaban.train.mid_epoch import hash_batches

    class Batches:
        def __init__(self, batches):
            self.batches = batches

    one = hash_batches(Batches([["a", "b"], ["c"]]), 1)
    assert (hash_batches(Batches(other), 1) == one) is is_same
    assert hash_batches(Batches([["a", "b"], ["c"]]), 2) != one


def test_resuming_with_another_model_leaves_the_config(inputs, exp, tmp_path):
    tiny_experiment.write_checkpoint(tmp_path / "deeper.pt", layers=3)
    message = (
        "checkpoint.pth: its model does not fit these .*missing: .*layers.2.*map-head"
    )
    refuse(inputs, exp, message, ssl_checkpoint=tmp_path / "deeper.pt")


@pytest.mark.parametrize("is_longer", [True, False])
def test_resuming_with_other_tokens_leaves_the_config(inputs, exp, tmp_path, is_longer):
    tokens = (inputs / "tokens" / "tokens.txt").read_text().split("\n")[:-1]
    tokens[3:5] = ["ٹ", "ڈ", "ڑ"] if is_longer else [tokens[4], tokens[3]]
    (tmp_path / "tokens.txt").write_text("\n".join(tokens) + "\n")
    message = "config.yaml: token_list has .* tokens, which are not .*map-head"
    refuse(inputs, exp, message, token_list=tmp_path / "tokens.txt")


def test_weights_of_another_vocabulary_leave_the_config(inputs, exp, tmp_path):
    weights = torch.load(exp / "1epoch.pth", weights_only=True)
    weights["ctc.ctc_lo.weight"] = torch.ones(77, 32)
    torch.save(weights, tmp_path / "other.pth")
    message = r"init_param .*other.pth: .*of another shape: ctc.*map-head.*--ignore_ini"
    refuse(inputs, exp, message, init_param=tmp_path / "other.pth")
    resume(inputs, exp, init_param=tmp_path / "other.pth", ignore_init_mismatch="true")
    message = (
        "init_param .*: 'no.such.part' is not part of the model; known: .*frontend"
    )
    refuse(inputs, exp, message, init_param=f"{tmp_path}/other.pth::no.such.part")
    refuse(inputs, exp, "none.pth: no such file", init_param=tmp_path / "none.pth")


def test_weights_of_which_nothing_fits_are_refused_in_any_case(inputs, exp, tmp_path):
    torch.save({"x.weight": torch.ones(2, 2)}, tmp_path / "other.pth")
    options = {"init_param": tmp_path / "other.pth", "ignore_init_mismatch": "true"}
    refuse(inputs, exp, r"other.pth: 0 of \d+ parameters fit", **options)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("optim_conf", "lr=0.5", "optim_conf.lr is 0.001, but now 0.5"),
        ("optim_conf", ["lr=0.001", "eps=0.1"], "optim_conf.eps is None, but now 0.1"),
        ("optim", "sgd", "optim is adam, but now sgd"),
        ("scheduler", "warmuplr", "scheduler is tristagelr, but now warmuplr"),
        ("scheduler_conf", "max_steps=7", r"scheduler_conf.max_steps is \d+.0, but"),
        ("layer_lr_decay", 0.5, "layer_lr_decay is 1.0, but now 0.5"),
        ("head_lr_scale", 3, "head_lr_scale is 1.0, but now 3.0"),
    ],
)
def test_another_optimizer_is_refused_and_not_recorded(
    inputs, exp, option, value, message
):
    message = f"{message}.*resumed run keeps its optimizer.*--output_dir"
    refuse(inputs, exp, message, **{option: value})


def test_a_longer_run_keeps_its_schedule_and_says_so(inputs, tmp_path, caplog):
    resume(inputs, tmp_path / "exp")
    path = tmp_path / "exp" / "config.yaml"
    before = yaml.safe_load(path.read_text())["scheduler_conf"]["max_steps"]
    resume(inputs, tmp_path / "exp", max_epoch=2)
    assert f"scheduler_conf.max_steps stays {before}, as at the start" in caplog.text
    config = yaml.safe_load(path.read_text())
    assert config["max_epoch"] == 2
    assert config["scheduler_conf"]["max_steps"] == before
    states = torch.load(tmp_path / "exp" / "checkpoint.pth", weights_only=False)
    assert states["schedulers"][0]["max_steps"] == before


def test_equal_values_in_other_forms_do_not_count_as_a_change():
    from hamzaban.train.resuming import normalize

    yaml_says = yaml.safe_load("{lr: 1e-3, betas: [0.9, 0.98], fused: true}")
    given = {"lr": 0.001, "betas": (0.9, 0.98), "fused": True}
    assert normalize(yaml_says) == normalize(given)
    assert normalize({"lr": 0.002}) != normalize(given)


@pytest.mark.parametrize("size", [100, 3000])
def test_a_cut_checkpoint_falls_back_to_the_epoch_before(inputs, tmp_path, size):
    words = tiny_training.make_command(inputs, tmp_path / "whole")
    assert tiny_training.train(words) == 0
    words = tiny_training.make_command(inputs, tmp_path / "exp")
    assert tiny_training.train(words, ("step", 8)) == -9  # in the third epoch
    path = tmp_path / "exp" / "checkpoint.pth"
    path.write_bytes(path.read_bytes()[:size])
    assert tiny_training.train(words) == 0
    assert path.with_name("checkpoint.pth.damaged").stat().st_size == size
    whole = tiny_training.digests(tmp_path / "whole")
    assert tiny_training.digests(tmp_path / "exp") == whole


def test_a_cut_checkpoint_without_another_is_one_line(inputs, exp, tmp_path):
    (tmp_path / "exp").mkdir()
    data = (exp / "checkpoint.pth").read_bytes()
    (tmp_path / "exp" / "checkpoint.pth").write_bytes(data[:-50])
    message = "checkpoint.pth: found a torch file cut short .*copy or download it again"
    refuse(inputs, tmp_path / "exp", message)
    torch.save({"a": 1}, tmp_path / "exp" / "checkpoint.pth")
    message = "checkpoint.pth: model, opti.* missing, .*remove it to train from the beg"
    refuse(inputs, tmp_path / "exp", message)


def test_a_run_that_diverges_ends_with_an_error_and_keeps_no_model(inputs, tmp_path):
    options = {"optim": "sgd", "optim_conf": f"lr={1e30:f}", "scheduler": "null"}
    message = "epoch 1: .*not finite|epoch 1: the validation loss is nan"
    with pytest.raises(ValueError, match=message) as caught:
        resume(inputs, tmp_path / "exp", **options)
    assert "lower optim_conf.lr" in str(caught.value)
    assert not list((tmp_path / "exp").glob("*.pth"))


def test_an_epoch_without_a_finite_gradient_is_an_error():
    from espnet2.train.reporter import SubReporter

    from hamzaban.train import divergence

    reporter = SubReporter("train", 3, 0)
    divergence.check_gradients(False, reporter)
    with pytest.raises(ValueError, match="epoch 3: no batch gave a finite gradient"):
        divergence.check_gradients(True, reporter)


def test_some_losses_that_are_not_finite_are_counted(caplog):
    from espnet2.train.reporter import SubReporter

    from hamzaban.train import divergence

    reporter = SubReporter("valid", 2, 0)
    for loss in (1.0, float("inf"), 2.0):
        reporter.register({"loss": loss}, 1)
        reporter.next()
    divergence.check_losses(reporter)
    assert "the validation loss of 1 of 3 batches is not finite" in caplog.text


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_model_that_is_not_finite_is_averaged_or_resumed(tmp_path, value):
    from hamzaban.train import averaging, divergence

    model = torch.nn.Linear(2, 2)
    torch.save(model.state_dict(), tmp_path / "1epoch.pth")
    model.weight.data[0, 0] = value
    with pytest.raises(ValueError, match="epoch 2: 1 parameters .* such as weight"):
        divergence.check_model(model, 2)
    torch.save(model.state_dict(), tmp_path / "2epoch.pth")
    with pytest.raises(ValueError, match="2epoch.pth: 1 of 2 parameters are not finit"):
        averaging.average_models([tmp_path / f"{n}epoch.pth" for n in (1, 2)])


def test_a_run_killed_while_config_yaml_is_written_keeps_the_old_one(
    inputs, exp, tmp_path, monkeypatch
):
    from espnet2.tasks import abs_task

    shutil.copytree(exp, tmp_path / "exp", symlinks=True)
    before = (tmp_path / "exp" / "config.yaml").read_bytes()

    def write_half(values, stream, **_):
        stream.write("accum_grad: 1\n")
        stream.flush()
        raise KeyboardInterrupt

    monkeypatch.setattr(abs_task, "yaml_no_alias_safe_dump", write_half)
    with pytest.raises(KeyboardInterrupt):
        resume(inputs, tmp_path / "exp", max_epoch=2)
    assert (tmp_path / "exp" / "config.yaml").read_bytes() == before


def test_the_checkpoint_of_the_epoch_before_is_no_copy(tmp_path):
    from hamzaban.train.checkpoints import save

    last, previous = tmp_path / "checkpoint.pth", tmp_path / "checkpoint.previous.pth"
    inodes = []
    for epoch in range(4):
        save({"epoch": epoch}, last)
        inodes.append(last.stat().st_ino)
        if epoch:
            assert previous.stat().st_ino == inodes[-2]
            assert torch.load(previous, weights_only=True) == {"epoch": epoch - 1}
            assert {path.name for path in tmp_path.iterdir()} == {
                last.name,
                previous.name,
            }
    assert torch.load(last, weights_only=True) == {"epoch": 3}
