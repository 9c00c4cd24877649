"""A tiny recognizer trained for seconds on generated audio, in a forked process."""

import functools
import hashlib
import multiprocessing
import os
import signal

import tiny_experiment

from hamzaban import compat

LENGTHS = [12000 + 1700 * i for i in range(10)]


def import_task():
    with compat.fast_imports():
        from hamzaban.asr.task import ASRTask
    import torch._dynamo  # imported by the first step of an optimizer in each process

    return ASRTask if torch._dynamo else None


def write_inputs(folder, lengths=LENGTHS, mode="default", **checkpoint):
    """Write a seed checkpoint, a data directory, tokens and shapes into folder."""
    from hamzaban.bin.collect_stats import main as collect_stats

    tiny_experiment.write_checkpoint(folder / "seed.pt", mode, **checkpoint)
    data = tiny_experiment.write_audio(folder / "data", lengths)
    tokens = folder / "tokens"
    tiny_experiment.write_tokens(tokens, data / "text", "--token_type", "char")
    words = ["--data_dir", data, "--token_type", "char", "--output_dir"]
    words += [folder / "stats", "--token_list", tokens / "tokens.txt"]
    collect_stats([str(word) for word in words])
    return folder


def make_command(inputs, exp, **options):
    """Return the words of train-asr over what `write_inputs` wrote."""
    defaults = {
        "output_dir": exp,
        "token_type": "char",
        "token_list": inputs / "tokens" / "tokens.txt",
        "ssl_checkpoint": inputs / "seed.pt",
        "ngpu": 0,
        "max_epoch": 3,
        "batch_type": "numel",
        "batch_bins": 60000,
        "optim": "adam",
        "scheduler": "tristagelr",
        "num_att_plot": 0,
        "num_workers": 0,
        "best_model_criterion": ["valid,wer,min"],
        "keep_nbest_models": 2,
        "use_tensorboard": "false",
        "use_matplotlib": "false",
        "resume": "true",
        "frontend_conf": ["mask_prob=0.3", "mask_channel_prob=0.2", "layerdrop=0.1"],
    }
    for part in ("train", "valid"):
        defaults[f"{part}_data_path_and_name_and_type"] = [
            f"{inputs}/data/wav.scp,speech,sound",
            f"{inputs}/data/text,text,text",
        ]
        shapes = [inputs / "stats" / n for n in ("speech_shape", "text_shape.char")]
        defaults[f"{part}_shape_file"] = shapes
    words = []
    for name, values in {**defaults, **options}.items():
        for value in values if isinstance(values, list) else [values]:
            if value is not None:
                words += [f"--{name}", str(value)]
    return words


def train(words, kill=None):
    """Train in a forked process; return its exit status, -9 if it was killed.

    Args:
        words: From `make_command`.
        kill: (what, n): kill -9 at the n-th "step" of the optimizer or just before the
            n-th "replace" of a file or link; "ask" sends SIGUSR2 at the n-th step.
    """
    context = multiprocessing.get_context("fork")
    process = context.Process(target=_train, args=(words, kill))
    process.start()
    process.join()
    return process.exitcode


def digests(exp):
    """Return the hash of each model file and the target of each link."""
    found = {}
    for path in sorted(exp.glob("*.pth")):
        if path.is_symlink():
            found[path.name] = str(path.readlink())
        elif not path.name.startswith("checkpoint."):  # has times in it
            found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def _train(words, kill):
    task = import_task()
    if kill is not None:
        what, number = kill
        if what in ("step", "ask"):
            import torch

            sent = signal.SIGKILL if what == "step" else signal.SIGUSR2
            _kill_at(torch.optim.Adam, "step", number, sent)
        else:
            _kill_at(os, "replace", number)
    task.main(cmd=words)


def _kill_at(owner, name, number, number_of_signal=signal.SIGKILL):
    original = getattr(owner, name)
    calls = []

    @functools.wraps(original)  # hooks of an optimizer are to run once
    def call(*args, **kwargs):
        calls.append(name)
        if len(calls) == number:
            os.kill(os.getpid(), number_of_signal)
        return original(*args, **kwargs)

    setattr(owner, name, call)
