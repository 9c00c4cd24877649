"""accum_grad is computed from batch_hours, and epochs from max_updates."""

import argparse

import pytest

from hamzaban import compat


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global check_loggers, fill_batch_hours, fill_max_epoch, is_first, world_size
    compat.prepare()
    from hamzaban.train.task_options import (
        check_loggers,
        fill_batch_hours,
        fill_max_epoch,
        is_first,
        world_size,
    )


HOUR = 16000 * 3600


def make_args(**values):
    defaults = {
        "batch_hours": 1.6,
        "batch_bins": 1000,
        "num_iters_per_epoch": None,
        "accum_grad": 1,
        "ngpu": 1,
        "distributed": False,
        "max_updates": None,
        "max_epoch": 3,
    }
    return argparse.Namespace(**{**defaults, **values})


@pytest.mark.parametrize(("gpus", "accum"), [(1, 32), (4, 8), (64, 1)])
def test_accumulation_follows_from_hours_for_any_number_of_gpus(gpus, accum):
    args = make_args(ngpu=gpus)
    # a GPU holds 3 minutes: a batch of all GPUs is so much longer
    fill_batch_hours(args, lambda: (2000 // gpus, 2000 * HOUR // 20))
    assert args.batch_bins == 1000 * gpus
    assert args.accum_grad == accum
    assert args.num_iters_per_epoch == 2000 // gpus // accum * accum
    assert args.batch_hours is None


def test_processes_of_torchrun_are_counted(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "6")
    monkeypatch.setenv("RANK", "2")
    launch = {"dist_world_size": None, "dist_rank": None, "dist_launcher": None}
    args = make_args(distributed=True, **launch)
    assert world_size(args) == 6
    assert not is_first(args)
    monkeypatch.setenv("RANK", "0")
    assert is_first(args)
    assert is_first(make_args()) and world_size(make_args(ngpu=0)) == 1


def test_an_epoch_without_an_update_is_refused():
    with pytest.raises(ValueError, match=r"the data have 1.00 h.*num_iters_per_epoch"):
        fill_batch_hours(make_args(), lambda: (20, HOUR))
    args = make_args(num_iters_per_epoch=64)
    fill_batch_hours(args, lambda: (20, HOUR))
    assert args.accum_grad == 32 and args.num_iters_per_epoch == 64
    with pytest.raises(ValueError, match="batch_hours is 0"):
        fill_batch_hours(make_args(batch_hours=0), lambda: (1, HOUR))
    with pytest.raises(ValueError, match="accum_grad is 5, but an epoch has 4"):
        fill_max_epoch(make_args(max_updates=9, accum_grad=5), 4)


def test_epochs_follow_from_updates():
    args = make_args(max_updates=41667, accum_grad=4)
    fill_max_epoch(args, 4003)
    assert args.max_epoch == 42  # of 1000 updates
    args = make_args()
    fill_max_epoch(args, 10)
    assert args.max_epoch == 3
    with pytest.raises(ValueError, match="max_updates is 0"):
        fill_max_epoch(make_args(max_updates=0), 10)


def test_missing_weights_and_biases_is_an_error_before_training(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    check_loggers(make_args(use_wandb=False))
    check_loggers(make_args())
    with pytest.raises(ValueError, match="wandb is not installed; call pip install"):
        check_loggers(make_args(use_wandb=True))
