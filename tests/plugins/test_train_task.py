"""max_steps is computed from the data; prefixes that match no parameter are refused."""

import argparse
import importlib

import pytest
import tiny_training

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def task():
    tiny_training.import_task()
    from hamzaban.train import task

    return task


def make_args(tmp_path, **values):
    shape = tmp_path / "speech_shape"
    shape.write_text("".join(f"utt{i:02d} {1000 + i}\n" for i in range(21)))
    defaults = {
        "scheduler": "tristagelr",
        "scheduler_conf": {"warmup_ratio": 0.1},
        "num_iters_per_epoch": None,
        "iterator_type": "sequence",
        "multiple_iterator": False,
        "train_shape_file": [str(shape)],
        "train_data_path_and_name_and_type": [(str(shape), "speech", "sound")],
        "batch_type": "sorted",
        "batch_size": 2,
        "batch_bins": 1,
        "fold_length": [],
        "sort_in_batch": "descending",
        "sort_batch": "ascending",
        "drop_last_iter": False,
        "min_batch_size": 1,
        "accum_grad": 3,
        "max_epoch": 7,
    }
    return argparse.Namespace(**{**defaults, **values})


def test_max_steps_counts_updates_of_all_epochs(task, tmp_path):
    args = make_args(tmp_path)
    task.fill_max_steps(args)  # 21 utterances, 10 batches, 3 updates an epoch
    assert args.scheduler_conf == {"warmup_ratio": 0.1, "max_steps": 21}


def test_max_steps_follows_num_iters_per_epoch(task, tmp_path):
    args = make_args(tmp_path, num_iters_per_epoch=9, train_shape_file=[])
    task.fill_max_steps(args)
    assert args.scheduler_conf["max_steps"] == 21


def test_max_steps_given_stays(task, tmp_path):
    args = make_args(tmp_path, scheduler_conf={"max_steps": 5})
    task.fill_max_steps(args)
    assert args.scheduler_conf == {"max_steps": 5}
    args = make_args(tmp_path, scheduler="warmuplr", scheduler_conf={})
    task.fill_max_steps(args)
    assert args.scheduler_conf == {}


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"train_shape_file": []}, ValueError, "--train_shape_file"),
        ({"iterator_type": "chunk"}, ValueError, "'chunk'"),
        ({"train_shape_file": ["no/such"]}, FileNotFoundError, "no/such"),
    ],
)
def test_max_steps_unknown_is_an_error(task, tmp_path, values, error, message):
    with pytest.raises(error, match=message):
        task.fill_max_steps(make_args(tmp_path, **values))


NAMES = [
    "frontend.upstream.upstream.model.feature_extractor.conv_layers.0.0.weight",
    "frontend.upstream.upstream.model.encoder.layers.0.fc1.weight",
    "ctc.ctc_lo.bias",
]


def test_prefix_matches_whole_parts_of_a_name(task):
    task.check_prefixes(NAMES, ["frontend", "ctc.ctc_lo.bias"])
    task.check_prefixes(NAMES, [])
    with pytest.raises(ValueError, match="'ctc.ctc_l' matches no .* ctc.ctc_lo"):
        task.check_prefixes(NAMES, ["frontend", "ctc.ctc_l"])


def test_an_outdated_prefix_is_refused_with_the_right_one(task):
    right = "frontend.upstream.upstream.model.feature_extractor"
    with pytest.raises(ValueError, match=f"freeze_param: .*near: {right}"):
        task.check_prefixes(NAMES, ["frontend.upstream.model.feature_extractor"])


def test_freeze_param_of_a_task_is_checked(task, tmp_path):
    inputs = tiny_training.write_inputs(tmp_path)
    words = tiny_training.make_command(inputs, tmp_path / "exp", dry_run="true")
    with pytest.raises(ValueError, match="near: frontend.upstream.upstream.model"):
        tiny_training.import_task().main(
            cmd=[*words, "--freeze_param", "frontend.upstream.model"]
        )


@pytest.mark.parametrize("verb", ["train_asr", "train_pseudo", "train_ssl"])
def test_help_of_a_training_begins_with_what_it_does(task, verb):
    module = importlib.import_module(f"hamzaban.bin.{verb}")
    summary = module.__doc__.splitlines()[0]
    assert module.get_parser().description.startswith(summary)
