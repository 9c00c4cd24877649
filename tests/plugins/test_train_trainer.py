"""Killed runs end like uninterrupted ones; statistics are pooled; averages are
right."""

import pytest
import tiny_training

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    tiny_training.import_task()
    folder = tmp_path_factory.mktemp("tränen und daten")
    return tiny_training.write_inputs(folder)


@pytest.fixture(scope="module")
def whole(inputs):
    exp = inputs / "whole"
    assert tiny_training.train(tiny_training.make_command(inputs, exp)) == 0
    return tiny_training.digests(exp)


def test_run_leaves_the_files_of_espnet(whole):
    assert {"3epoch.pth", "latest.pth", "valid.wer.best.pth"} <= set(whole)
    assert whole["valid.wer.ave.pth"] == "valid.wer.ave_2best.pth"


# An epoch has 3 updates or more. It writes checkpoint.pth, <n>epoch.pth, latest.pth and
# perhaps valid.wer.best.pth, in this order.
@pytest.mark.parametrize(
    "kill",
    [("step", 2), ("step", 8), *(("replace", n) for n in (1, 2, 3, 4, 6, 9, 11))],
)
def test_a_killed_run_ends_like_an_uninterrupted_one(inputs, whole, kill, tmp_path):
    words = tiny_training.make_command(inputs, tmp_path / "exp")
    assert tiny_training.train(words, kill) == -9
    assert tiny_training.train(words) == 0
    assert tiny_training.digests(tmp_path / "exp") == whole
    assert not list((tmp_path / "exp").glob("*.tmp*"))


def test_a_run_killed_in_each_epoch_ends_like_an_uninterrupted_one(inputs, tmp_path):
    options = {
        "frontend_conf": ["freeze_updates=7", "mask_prob=0.3"],
        "accum_grad": 2,
        "num_workers": 1,
        "batch_bins": 30000,
    }
    words = tiny_training.make_command(inputs, tmp_path / "whole", **options)
    assert tiny_training.train(words) == 0
    words = tiny_training.make_command(inputs, tmp_path / "exp", **options)
    assert tiny_training.train(words, ("step", 4)) == -9
    assert tiny_training.train(words, ("step", 4)) == -9
    assert tiny_training.train(words) == 0
    whole = tiny_training.digests(tmp_path / "whole")
    assert tiny_training.digests(tmp_path / "exp") == whole


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_run_killed_within_an_epoch_resumes_there(inputs, tmp_path, num_workers):
    options = {
        "accum_grad": 2,
        "batch_bins": 1,  # a batch an utterance, 5 updates an epoch
        "batch_type": "unsorted",
        "batch_size": 1,
        "max_epoch": 2,
        "save_interval": 2,
        "num_workers": num_workers,
        "frontend_conf": ["mask_prob=0.3", "dropout=0.1", "layerdrop=0.2"],
    }
    words = tiny_training.make_command(inputs, tmp_path / "whole", **options)
    assert tiny_training.train(words) == 0
    words = tiny_training.make_command(inputs, tmp_path / "exp", **options)
    assert tiny_training.train(words, ("step", 4)) == -9  # after 3 updates
    assert progress(tmp_path / "exp") == (1, 4)
    assert tiny_training.train(words, ("step", 7)) == -9  # goes on with the third
    assert progress(tmp_path / "exp") == (2, 6)
    assert tiny_training.train(words, ("step", 3)) == 0  # two are left
    whole = tiny_training.digests(tmp_path / "whole")
    found = tiny_training.digests(tmp_path / "exp")
    del whole["partial.pth"], found["partial.pth"]  # has times in it
    assert found == whole
    assert curves(tmp_path / "exp") == curves(tmp_path / "whole")


def progress(exp):
    """Return the epoch of partial.pth and its batches that are done."""
    from hamzaban.train.checkpoints import load_checkpoint

    state = load_checkpoint(exp / "partial.pth")
    return state["epoch"], state["num_batches"]


def curves(exp):
    """Return all statistics of a run except its times."""
    from hamzaban.train.checkpoints import load_checkpoint, read_reporter

    stats = read_reporter(load_checkpoint(exp / "checkpoint.pth")).stats
    return {
        (epoch, part, name): value
        for epoch, parts in stats.items()
        for part, values in parts.items()
        for name, value in values.items()
        if "time" not in name and "mem" not in name
    }


@pytest.mark.parametrize(("epoch", "size"), [(1, 1), (1, 2), (2, 2), (3, 1)])
def test_a_mid_epoch_state_of_an_ended_epoch_is_ignored(tmp_path, caplog, epoch, size):
    import torch

    from hamzaban.train import mid_epoch

    class Reporter:
        def get_epoch(self):
            return 2

    torch.save({"epoch": epoch, "ranks": [None] * size}, tmp_path / mid_epoch.NAME)
    run = mid_epoch.Run(None, [], [], None, Reporter())
    assert mid_epoch.load_partial(tmp_path, run, 0, "digest") is None
    found = f"is of epoch {epoch} and {size} processes, not of epoch 2 and 1"
    assert (found in caplog.text) is (epoch > 1)


def test_training_ends_with_the_update_asked_for(inputs, tmp_path):
    from hamzaban.train.checkpoints import load_checkpoint

    options = {"max_updates": 7, "max_epoch": 99, "batch_type": "unsorted"}
    options |= {"batch_size": 2, "save_interval": 3}
    words = tiny_training.make_command(inputs, tmp_path / "exp", **options)
    assert tiny_training.train(words) == 0
    states = load_checkpoint(tmp_path / "exp" / "checkpoint.pth")
    assert states["optimizers"][0]["param_groups"][0]["num_updates"] == 7
    assert states["reporter"]["epoch"] == 2  # 5 updates an epoch
    assert states["schedulers"][0]["max_steps"] == 7
    before = tiny_training.digests(tmp_path / "exp")
    assert tiny_training.train(words) == 0
    assert tiny_training.digests(tmp_path / "exp") == before


def test_ended_run_does_nothing_when_run_again(inputs, whole):
    exp = inputs / "whole"
    times = {path: path.lstat().st_mtime_ns for path in exp.glob("?epoch.pth")}
    assert tiny_training.train(tiny_training.make_command(inputs, exp)) == 0
    assert times == {path: path.lstat().st_mtime_ns for path in exp.glob("?epoch.pth")}
    assert tiny_training.digests(exp) == whole


def test_longer_schedule_on_resume_is_warned_of(caplog):
    from hamzaban.train.trainer import _warn_of_schedule

    class Schedule:
        max_steps = 20

    _warn_of_schedule([None, Schedule(), object()], [None, {"max_steps": 20}, {}])
    assert not caplog.text
    _warn_of_schedule([Schedule()], [{"max_steps": 10}])
    assert "max_steps 10 and not 20" in caplog.text


def test_early_stopped_run_does_not_go_on(inputs, tmp_path):
    options = {"patience": 1, "max_epoch": 9, "optim_conf": "lr=0.0"}
    options["early_stopping_criterion"] = None
    exp = tmp_path / "exp"
    words = tiny_training.make_command(inputs, exp, **options)
    words += ["--early_stopping_criterion", "valid", "wer", "min"]
    assert tiny_training.train(words) == 0
    before = tiny_training.digests(exp)
    assert before["latest.pth"] == "3epoch.pth"
    assert tiny_training.train(words) == 0
    assert tiny_training.digests(exp) == before


def test_seeds_differ_between_epochs_and_seeds():
    from hamzaban.train.trainer import epoch_seed

    seeds = {epoch_seed(seed, epoch) for seed in range(20) for epoch in range(20)}
    assert len(seeds) == 400
    assert epoch_seed(3, 4) == epoch_seed(3, 4) != epoch_seed(3, 4, rank=1)


def test_ratios_are_pooled_over_the_set():
    from espnet2.train.reporter import Reporter

    from hamzaban.train.trainer import pool_ratios

    reporter = Reporter()
    reporter.set_epoch(1)
    with reporter.observe("valid") as sub:
        for errors, words, size in ((3, 7, 2), (0, 90, 1), (11, 13, 5)):
            sub.register({"errors": errors / size, "words": words / size}, size)
            sub.next()
        assert pool_ratios(sub, {"wer": ("errors", "words"), "x": ("no", "words")})
    assert reporter.get_value("valid", "wer") == 14 / 110
    assert not reporter.has("valid", "x")


def write_epochs(folder, values):
    """Write a model file for each epoch, and return their record."""
    import torch
    from espnet2.train.reporter import Reporter

    reporter = Reporter()
    for epoch, (wer, loss) in enumerate(values, 1):
        reporter.set_epoch(epoch)
        with reporter.observe("valid") as sub:
            sub.register({"wer": wer, "loss": loss}, 1)
            sub.next()
        weights = {"w": torch.full((2,), float(epoch)), "n": torch.tensor(epoch)}
        torch.save(weights, folder / f"{epoch}epoch.pth")
    return reporter


def test_average_is_the_mean_of_the_best_epochs(tmp_path):
    import torch

    from hamzaban.train.averaging import average_nbest

    values = [(0.205, 1.0), (0.2, 1.04), (0.202, 1.02)]
    reporter = write_epochs(tmp_path, values)
    criteria = [("valid", "wer", "min"), ("valid", "loss", "min")]
    average_nbest(tmp_path, reporter, criteria, [1, 2, 9])
    for key, means in (("wer", (2.0, 2.5, 2.0)), ("loss", (1.0, 2.0, 2.0))):
        for n, mean in zip((1, 2, 3), means, strict=True):
            found = torch.load(tmp_path / f"valid.{key}.ave_{n}best.pth")
            assert found["w"].tolist() == [mean] * 2
        assert (tmp_path / f"valid.{key}.ave.pth").readlink().name.endswith("3best.pth")


@pytest.mark.parametrize(
    ("value", "best", "mode", "expected"),
    [
        (0.0792, 0.0625, "min", True),  # few words: four of 240
        (0.0826, 0.0625, "min", False),
        (0.68, 0.65, "min", True),
        (0.69, 0.65, "min", False),
        (104.0, 100.0, "min", True),
        (0.93, 0.97, "max", True),
        (0.92, 0.97, "max", False),
    ],
)
def test_epochs_near_the_best_are_averaged(value, best, mode, expected):
    from hamzaban.train.averaging import is_near

    assert is_near(value, best, mode) == expected


def test_average_leaves_out_an_unripe_epoch(tmp_path):
    import torch

    from hamzaban.train.averaging import average_nbest, read_average

    reporter = write_epochs(tmp_path, [(1.0, 9.0), (0.66, 2.0), (0.65, 2.05)])
    criteria = [("valid", "wer", "min"), ("valid", "loss", "min")]
    average_nbest(tmp_path, reporter, criteria, 5)
    found = torch.load(tmp_path / "valid.wer.ave.pth")
    assert found["w"].tolist() == [2.5] * 2
    assert (tmp_path / "valid.wer.ave.pth").readlink().name == "valid.wer.ave_2best.pth"
    record = read_average(tmp_path, "valid.wer")
    assert (record.epochs, record.left_out) == ((3, 2), (1,))


@pytest.mark.parametrize(
    ("value", "model", "said"),
    [
        (0.64, "valid.wer.ave_2best.pth", "mean of epochs 1, 2 (valid.wer 0.64; best"),
        (0.65, "valid.wer.ave_2best.pth", "mean of epochs 1, 2 (valid.wer 0.65; best"),
        (0.655, "valid.wer.ave_2best.pth", "mean of epochs 1, 2 (valid.wer 0.655; b"),
        (0.66, "2epoch.pth", "epoch 2 (valid.wer 0.65), since the mean of epochs 1, 2"),
        (float("nan"), "2epoch.pth", "than they are on average (not finite; 0.655"),
        (None, "valid.wer.ave_2best.pth", "(valid.wer not measured; best epoch 2"),
    ],
)
def test_average_is_used_unless_it_is_worse_on_valid_than_its_epochs(
    tmp_path, caplog, value, model, said
):
    from hamzaban.train.averaging import average_nbest, read_average, settle_averages

    caplog.set_level("INFO")
    reporter = write_epochs(tmp_path, [(0.66, 2.0), (0.65, 2.0)])
    criteria = [("valid", "wer", "min")]
    average_nbest(tmp_path, reporter, criteria, 5)
    settle_averages(tmp_path, criteria, lambda file, key: value, is_main=True)
    assert (tmp_path / "valid.wer.ave.pth").readlink().name == model
    assert said in read_average(tmp_path, "valid.wer").note
    assert f"valid.wer.ave.pth: {read_average(tmp_path, 'valid.wer').note}" in (
        caplog.text
    )


def test_average_of_a_run_is_measured_on_valid(inputs, tmp_path):
    from hamzaban.train.averaging import read_average

    words = tiny_training.make_command(
        inputs, tmp_path / "exp", best_model_criterion=["valid,loss,min"]
    )
    assert tiny_training.train(words) == 0
    record = read_average(tmp_path / "exp", "valid.loss")
    link = tmp_path / "exp" / "valid.loss.ave.pth"
    assert link.readlink().name == record.model
    if len(record.epochs) > 1:
        is_mean = record.mean_value <= record.usual_value
        assert record.model.startswith("valid.loss.ave" if is_mean else "")
        assert is_mean == (record.model != f"{record.best_epoch}epoch.pth")
