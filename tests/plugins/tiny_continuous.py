"""Seconds of continuous pseudo-labelling on generated audio, in a forked process."""

import multiprocessing

import tiny_experiment
import tiny_training

from hamzaban import compat

LENGTHS = [11000 + 1300 * i for i in range(14)]
CONF = {
    "warmup_updates": 2,
    "ratio": "[1,2]",
    "cache_size": 6,
    "replace_prob": 0.5,
    "min_length_ratio": 0.0,
    "max_length_ratio": 100.0,
    "guard_window": 4,
    "max_blank_rate": "null",
    "max_top_label_share": "null",
    "max_top_word_share": "null",
}


def import_task():
    with compat.fast_imports():
        from hamzaban.pseudo.continuous.task import ContinuousTask
    import torch._dynamo  # imported by the first step of an optimizer in each process

    return ContinuousTask if torch._dynamo else None


def write_inputs(folder):
    """Write what `tiny_training` has, audio without labels, and a model that speaks."""
    import torch

    tiny_training.write_inputs(folder)
    tiny_experiment.write_audio(folder / "unlabelled", LENGTHS, seed=5)
    exp = tiny_experiment.write_experiment(
        folder, folder / "tokens", folder / "seed.pt", sharpness=1.0
    )
    weights = torch.load(exp / tiny_experiment.MODEL_NAME, weights_only=True)
    torch.save(weights, folder / "speaks.pth")
    weights["ctc.ctc_lo.bias"][0] += 1000.0
    torch.save(weights, folder / "silent.pth")
    return folder


def make_command(inputs, exp, conf=None, **options):
    """Return the words of train-pseudo over what `write_inputs` wrote."""
    options = {
        "unlabelled_data_dir": inputs / "unlabelled",
        "init_param": inputs / "speaks.pth",
        "max_epoch": 2,
        "optim_conf": "lr=0.0001",
        "continuous_conf": [f"{k}={v}" for k, v in {**CONF, **(conf or {})}.items()],
        **options,
    }
    return tiny_training.make_command(inputs, exp, **options)


def train(words, kill=None, errors=None):
    """Train in a forked process; return its exit status, -9 if it was killed.

    Args:
        words: From `make_command`.
        kill: As in `tiny_training.train`.
        errors: File that gets the message of a ValueError.
    """
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_train, args=(words, kill, errors))
    process.start()
    process.join()
    return process.exitcode


def _train(words, kill, errors):
    import torch

    task = import_task()
    if kill is not None:
        what, number = kill
        owner = torch.optim.Adam if what == "step" else __import__("os")
        tiny_training._kill_at(owner, what, number)
    try:
        task.main(cmd=words)
    except (ValueError, FileNotFoundError) as e:
        if errors is None:
            raise
        errors.write_text(str(e), encoding="utf-8")
        raise SystemExit(1) from None
