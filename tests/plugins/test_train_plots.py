"""Curves are drawn at the end and now and then, not after each epoch."""

import pytest
import tiny_training

pytestmark = pytest.mark.torch


def test_curves_are_drawn_at_the_end(tmp_path, monkeypatch):
    tiny_training.import_task()
    from espnet2.train import trainer as espnet_trainer
    from espnet2.train.reporter import Reporter

    from hamzaban.train import plots

    drawn = []
    monkeypatch.setattr(
        Reporter, "matplotlib_plot", lambda self, folder: drawn.append(self.epoch)
    )
    clock = iter([1000.0, 1000.0, 1001.0, 1002.0, 1003.0, 1040.0, 1040.0, 1041.0] * 2)
    monkeypatch.setattr(plots.time, "perf_counter", lambda: next(clock))
    with plots.sparse_plots():
        reporter = espnet_trainer.Reporter()
        for epoch in (1, 2, 3, 4):  # drawn at 1000 s in 1 s, due again 33 s later
            reporter.set_epoch(epoch)
            reporter.matplotlib_plot(tmp_path)
        assert drawn == [1, 4]
    assert drawn == [1, 4]
    assert espnet_trainer.Reporter is Reporter


def test_the_last_epoch_is_always_drawn(tmp_path, monkeypatch):
    tiny_training.import_task()
    from espnet2.train import trainer as espnet_trainer
    from espnet2.train.reporter import Reporter

    from hamzaban.train.plots import SparseReporter, sparse_plots

    drawn = []
    monkeypatch.setattr(
        Reporter, "matplotlib_plot", lambda self, folder: drawn.append(self.epoch)
    )
    with sparse_plots():
        reporter = espnet_trainer.Reporter()
        assert isinstance(reporter, SparseReporter)
        reporter.matplotlib_plot(tmp_path)
        reporter._wait_until = float("inf")
        reporter.set_epoch(5)
        reporter.matplotlib_plot(tmp_path)
        assert drawn == [0]
    assert drawn == [0, 5]
