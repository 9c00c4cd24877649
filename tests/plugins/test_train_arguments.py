"""Options of a task: numbers that YAML reads as text, wrong types, unknown names."""

import re

import pytest

pytest.importorskip("espnet2")

from hamzaban import compat

compat.prepare()

from hamzaban.asr.task import ASRTask  # noqa: E402
from hamzaban.pretrain.task import SSLTask  # noqa: E402
from hamzaban.pseudo.continuous.task import ContinuousTask  # noqa: E402
from hamzaban.train.arguments import parse_arguments, read_numbers  # noqa: E402


@pytest.fixture
def parse(tmp_path):
    def run(text, *words, task=ASRTask):
        path = tmp_path / "a ب.yaml"
        path.write_text(text, encoding="utf-8")
        return parse_arguments(task.get_parser(), ["--config", str(path), *words])

    return run


@pytest.mark.parametrize("task", [ASRTask, SSLTask, ContinuousTask])
def test_every_task_reads_1e_4_as_a_number(parse, task):
    args = parse(
        "optim: adam\n"
        "optim_conf: {lr: 1e-4, betas: [0.9, 98e-2]}\n"
        "scheduler: warmuplr\n"
        "scheduler_conf: {warmup_steps: 2e3}\n"
        "batch_bins: 1e6\n"
        "grad_clip: 5e-1\n",
        task=task,
    )
    assert args.optim_conf == {"lr": 1e-4, "betas": [0.9, 0.98]}
    assert args.scheduler_conf == {"warmup_steps": 2000.0}
    assert (args.batch_bins, type(args.batch_bins)) == (1000000, int)
    assert args.grad_clip == 0.5


def test_the_command_line_goes_before_the_yaml(parse):
    words = ["--optim_conf", "lr=5e-5", "--max_epoch", "3"]
    args = parse("optim_conf: {lr: 1e-4}\nmax_epoch: 9\nseed: 7\n", *words)
    assert args.optim_conf == {"lr": 5e-5}
    assert (args.max_epoch, args.seed) == (3, 7)
    assert args.config.endswith("a ب.yaml")


def test_text_that_only_looks_like_a_number_stays_text():
    values = {"path": "exp/1e-4", "names": ["1e5", "a"], "tag": "12", "x": {"y": "e1"}}
    assert read_numbers(values) == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("optim_conf: {lr: fast}\noptim: adam\n", "optim_conf: lr: 'fast' found, exp"),
        ("optim_conf: {lrr: 1}\noptim: adam\n", "'lrr' is unknown; did you mean lr?"),
        (
            "optim_conf: {lr: .nan}\noptim: adam\n",
            "optim_conf: lr: nan found, exp",
        ),
        ("optim_conf: 1e-4\n", "optim_conf: '1e-4' found, expected lines"),
        (
            "scheduler: warmuplr\nscheduler_conf: {warmup_steps: many}\n",
            "scheduler_conf: warmup_steps: 'many' found, expected a number",
        ),
        ("max_epoch: many\n", "a ب.yaml: max_epoch: 'many' found, expected a whole"),
        ("max_epoch: 2.5\n", "a ب.yaml: max_epoch: 2.5 found, expected a whole number"),
        ("use_amp: 3\n", "a ب.yaml: use_amp: 3 found, expected true or false"),
        ("max_epochs: 3\n", "'max_epochs' is unknown; did you mean max_epoch?"),
        ("seed: 1\nseed: 2\n", "a ب.yaml:2: key seed stands twice, first in line 1"),
        ("seed: [\n", "a ب.yaml:1: is not YAML: "),
    ],
)
def test_a_wrong_value_is_one_line(parse, text, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_a_config_that_espnet_wrote_is_read_again(parse):
    args = parse("config: gone.yaml\nseed: 3\nnum_iters_per_epoch: null\nngpu: 0\n")
    assert args.seed == 3 and args.config.endswith("a ب.yaml")


def test_a_missing_yaml_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.yaml: no such YAML"):
        parse_arguments(ASRTask.get_parser(), ["--config", str(tmp_path / "none.yaml")])
