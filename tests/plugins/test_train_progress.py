"""Progress of training: epochs, updates, metrics, time left."""

import json
from types import SimpleNamespace

import pytest
from tiny_training import digests, make_command, train, write_inputs

from hamzaban.progress import VARIABLE, ProgressFile


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global TrainingProgress
    from hamzaban.train.progress import TrainingProgress


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self):
        return self.now


def run_epoch(training, clock, *, updates, per_epoch, update_s, end_s):
    """Run the rest of an epoch whose validation and saving take `end_s`."""
    for number in range(1, per_epoch + 1):
        clock.now += update_s
        training.end_update(updates + number, [SimpleNamespace(value=1.0)])
    training.begin_validation(4)
    for _ in range(4):
        clock.now += end_s / 4
        training.end_valid_batch()
    training.end_validation({"wer": 0.5, "loss": 3.0, "other": 1.0})


def test_time_left_counts_updates_and_validations():
    clock = Clock()
    training = TrainingProgress(5, None, clock=clock)
    training.begin_epoch(1, 0, 10)
    assert training.describe()["left_s"] is None
    clock.now += 2.0
    training.end_update(1, [])
    record = training.describe()
    assert record["left_s"] == pytest.approx(49 * 2.0)
    assert not record["has_validated"]
    clock.now = 0.0
    training = TrainingProgress(5, None, clock=clock)
    for epoch in (1, 2):
        updates = 10 * (epoch - 1)
        training.begin_epoch(epoch, updates, 10)
        run_epoch(
            training, clock, updates=updates, per_epoch=10, update_s=2.0, end_s=8.0
        )
    record = training.describe()
    assert record["left_s"] == pytest.approx(30 * 2.0 + 3 * 8.0)
    assert record["has_validated"]
    assert (record["update"], record["updates_total"]) == (20, 50)
    assert record["valid"] == {"wer": 0.5, "loss": 3.0}


def test_training_ends_with_the_last_update_that_is_allowed():
    training = TrainingProgress(100, 25, clock=Clock())
    training.begin_epoch(2, 10, 10)
    training.end_update(11, [])
    assert training.describe()["updates_total"] == 25


def test_an_epoch_resumed_in_the_middle_counts_its_remaining_updates():
    training = TrainingProgress(3, None, clock=Clock())
    training.begin_epoch(2, 17, 10, 7)
    assert training.describe()["updates_total"] == 17 + 3 + 10


def test_batches_of_unknown_number_have_no_total_and_no_time_left():
    clock = Clock()
    training = TrainingProgress(3, None, clock=clock)
    training.begin_epoch(1, 0, None)
    clock.now += 1.0
    training.end_update(1, [])
    record = training.describe()
    assert record["updates_total"] is None
    assert record["left_s"] is None


def test_loss_is_a_mean_that_leaves_nan_out(tmp_path):
    clock = Clock()
    training = TrainingProgress(
        3, None, file=ProgressFile(tmp_path / "p", clock), clock=clock
    )
    training.begin_epoch(1, 0, 10)
    losses = [SimpleNamespace(value=value) for value in (1.0, float("nan"), 3.0)]
    training.end_update(1, losses)
    assert json.loads((tmp_path / "p").read_text())["loss"] == 2.0


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return write_inputs(tmp_path_factory.mktemp("é in"))


def watch(monkeypatch, path):
    """Have each record that training writes appended to a file."""

    def write(self, record):
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")

    monkeypatch.setenv(VARIABLE, str(path))
    monkeypatch.setattr(ProgressFile, "write", write)


def read(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def plain(inputs):
    """Train three epochs without reporting; return the folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(VARIABLE, raising=False)
        assert train(make_command(inputs, inputs / "plain")) == 0
    return inputs / "plain"


def test_reporting_progress_does_not_change_the_model_files(
    inputs, plain, tmp_path, monkeypatch
):
    watch(monkeypatch, tmp_path / "records")
    assert train(make_command(inputs, tmp_path / "told")) == 0
    assert digests(tmp_path / "told") == digests(plain)
    names = {path.name for path in (tmp_path / "told").iterdir()}
    assert names == {path.name for path in plain.iterdir()}
    records = read(tmp_path / "records")
    last = records[-1]
    assert (last["epoch"], last["max_epoch"]) == (3, 3)
    assert last["update"] == last["updates_total"] > 3
    assert {"wer", "loss"} <= last["valid"].keys()
    assert {record["updates_total"] for record in records} == {last["update"]}
    assert any(record["valid_batches"] for record in records)


def test_a_resumed_run_goes_on_counting_and_knows_the_last_metrics(
    inputs, tmp_path, monkeypatch
):
    words = make_command(inputs, tmp_path / "exp", save_interval=1)
    assert train(words, ("step", 6)) == -9  # in the second epoch, of 3 updates or more
    watch(monkeypatch, tmp_path / "records")
    assert train(words) == 0
    first, *_, last = read(tmp_path / "records")
    assert (first["epoch"], first["update"]) == (2, 6)
    assert first["updates_total"] == last["updates_total"] == last["update"]
    assert "wer" in first["valid"]
    assert not first["has_validated"]
