"""Options of a task: numbers that YAML reads as text, wrong types, unknown names."""

import importlib
import re

import pytest

from hamzaban import compat

pytestmark = pytest.mark.torch
TASKS = ("asr", "pretrain", "pseudo.continuous")


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global ASRTask, parse_arguments, read_numbers
    compat.prepare()
    from hamzaban.asr.task import ASRTask
    from hamzaban.train.arguments import parse_arguments, read_numbers


def import_task(package):
    """Return the task class of a package of hamzaban."""
    module = importlib.import_module(f"hamzaban.{package}.task")
    names = {"asr": "ASRTask", "pretrain": "SSLTask"}
    return getattr(module, names.get(package, "ContinuousTask"))


@pytest.fixture
def parse(tmp_path):
    def run(text, *words, task=None):
        path = tmp_path / "a ب.yaml"
        path.write_text(text, encoding="utf-8")
        return parse_arguments(
            (task or ASRTask).get_parser(), ["--config", str(path), *words]
        )

    return run


@pytest.mark.parametrize("task", TASKS)
def test_every_task_reads_1e_4_as_a_number(parse, task):
    args = parse(
        "optim: adam\n"
        "optim_conf: {lr: 1e-4, betas: [0.9, 98e-2]}\n"
        "scheduler: warmuplr\n"
        "scheduler_conf: {warmup_steps: 2e3}\n"
        "batch_bins: 1e6\n"
        "grad_clip: 5e-1\n",
        task=import_task(task),
    )
    assert args.optim_conf == {"lr": 1e-4, "betas": [0.9, 0.98]}
    assert args.scheduler_conf == {"warmup_steps": 2000.0}
    assert (args.batch_bins, type(args.batch_bins)) == (1000000, int)
    assert args.grad_clip == 0.5


def test_the_command_line_overrides_the_yaml(parse):
    words = ["--optim_conf", "lr=5e-5", "--max_epoch", "3"]
    args = parse("optim_conf: {lr: 1e-4}\nmax_epoch: 9\nseed: 7\n", *words)
    assert args.optim_conf == {"lr": 5e-5}
    assert (args.max_epoch, args.seed) == (3, 7)
    assert args.config.endswith("a ب.yaml")


def test_epochs_of_the_command_line_replace_updates_of_the_yaml(parse, caplog):
    args = parse("max_updates: 3000\n", "--max_epoch", "2")
    assert (args.max_epoch, args.max_updates) == (2, None)
    assert "--max_epoch 2 replaces max_updates 3000 of" in caplog.text
    args = parse("max_updates: 3000\n", "--max_epoch=2", "--max_updates", "5")
    assert (args.max_epoch, args.max_updates) == (2, 5)
    assert parse("max_updates: 3000\nmax_epoch: 9\n").max_updates == 3000


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
        ("seed: 1\nseed: 2\n", "a ب.yaml:2: key seed occurs twice, first in line 1"),
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


def parse_words(*words):
    return parse_arguments(ASRTask.get_parser(), list(words))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["lr=1e-4"], {"lr": 1e-4}),
        (["lr=1e30"], {"lr": 1e30}),
        (["{lr: 1e-4, betas: [9e-1, 0.98]}"], {"lr": 1e-4, "betas": [0.9, 0.98]}),
        (["{'lr': 1e-4, 'amsgrad': True}"], {"lr": 1e-4, "amsgrad": True}),
        (["lr='1'", "betas=[0.9, '0.98']"], {"lr": 1, "betas": [0.9, 0.98]}),
    ],
)
def test_a_number_on_the_command_line_is_a_number(words, expected):
    given = [part for word in words for part in ("--optim_conf", word)]
    conf = parse_words("--optim", "adam", *given).optim_conf
    conf["betas"] = list(conf.get("betas", expected.get("betas", ())))
    assert conf == {"betas": [], **expected}
    assert not isinstance(conf["lr"], str)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("betas=[0.9, x]", "optim_conf: betas: item 2: 'x' found, expected a number"),
        ("betas=[0.9]", "optim_conf: betas: [0.9] found, expected a list of 2 numbers"),
        ("betas=0.9", "optim_conf: betas: 0.9 found, expected a list of 2 numbers"),
        ("lr=[1]", "optim_conf: lr: [1] found, expected a number"),
        ("amsgrad=perhaps", "optim_conf: amsgrad: 'perhaps' found, expected true or f"),
        ("lr=[1, 2", "--optim_conf lr:1: is not YAML: "),
        ("nonsense", "--optim_conf: 'nonsense' found, expected name=value, such as"),
        ("lr=!!python/object/apply:os.getcwd []", "--optim_conf lr:1: "),
    ],
)
def test_a_wrong_optimizer_value_on_the_command_line_is_one_line(word, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        parse_words("--optim", "adam", "--optim_conf", word)
    assert "\n" not in str(caught.value)


def test_a_wrong_schedule_value_without_a_default_is_one_line():
    words = ["--scheduler", "tristagelr", "--scheduler_conf", "max_steps=many"]
    with pytest.raises(ValueError, match="scheduler_conf: max_steps: 'many' found, ex"):
        parse_words(*words)


def test_the_value_of_an_option_is_not_run_as_python(tmp_path):
    mark = tmp_path / "mark"
    with pytest.raises(ValueError, match="optim_conf: 'dict"):
        parse_words("--optim_conf", f"dict(a=open({str(mark)!r}, 'w'))")
    assert not mark.exists()


def test_a_mapping_of_the_command_line_may_hold_an_equals_sign():
    conf = parse_words(
        "--frontend_conf", "{'a': {'b': 'c=d', 'e': None}}"
    ).frontend_conf
    assert conf["a"] == {"b": "c=d", "e": None}


def test_values_of_nested_names_join_those_given_before():
    words = ["--frontend_conf", "a.b=1", "--frontend_conf", "a.c=2e1"]
    assert parse_words(*words).frontend_conf["a"] == {"b": 1, "c": 20.0}


@pytest.mark.parametrize("word", ["ctc_weight=fast", "ctc_wait=1"])
def test_a_wrong_value_or_name_of_a_model_is_one_line(word, tmp_path):
    (tmp_path / "tokens.txt").write_text("<blank>\n<unk>\na\n<sos/eos>\n")
    args = parse_words(
        *("--token_list", str(tmp_path / "tokens.txt"), "--token_type", "char"),
        *("--model", "espnet", "--frontend", "default", "--encoder", "rnn"),
        *("--model_conf", word),
    )
    name = word.partition("=")[0]
    with pytest.raises(ValueError, match=f"an option such as model_conf.*{name}") as e:
        ASRTask.build_model(args)
    assert "\n" not in str(e.value)
