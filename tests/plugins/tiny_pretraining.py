"""A tiny pretraining run on generated tones, in a forked process."""

import functools
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import soundfile
import yaml

CONFIG = {
    "model_cfg": {
        "conv_feature_layers": "[(16, 10, 5)] + [(16, 3, 2)] * 4 + [(16, 2, 2)] * 2",
        "encoder_layers": 2,
        "encoder_embed_dim": 24,
        "encoder_ffn_embed_dim": 48,
        "encoder_attention_heads": 2,
        "conv_pos": 16,
        "conv_pos_groups": 4,
        "final_dim": 16,
        "latent_vars": 8,
        "latent_temp": [2.0, 0.5, 0.9],
        "mask_length": 4,
    },
    "task_cfg": {"max_sample_size": 9000, "min_sample_size": 4000},
    "batch_type": "numel",
    "batch_bins": 40000,
    "optim": "adam",
    "optim_conf": {"lr": 1e-3},
    "scheduler": "polynomialdecaylr",
    "best_model_criterion": [["valid", "loss", "min"]],
    "num_att_plot": 0,
    "num_workers": 0,
    "use_tensorboard": False,
    "use_matplotlib": False,
}


def write_set(folder, prefix, number=12, seed=0, pitch=0.3):
    """Write a data directory with transcripts of the letters a to d."""
    rng = np.random.default_rng(seed)
    words = random.Random(seed)
    folder.mkdir(parents=True)
    rows = []
    for index in range(number):
        samples = int(rng.integers(7000, 12000))
        tone = np.sin(np.arange(samples) * rng.uniform(0.5 * pitch, 2 * pitch))
        path = folder / f"{prefix}{index:02}.wav"
        soundfile.write(path, 0.3 * tone + rng.normal(0, 0.01, samples), 16000)
        text = " ".join("".join(words.choices("abcd", k=2)) for _ in range(2))
        rows.append((f"{prefix}{index:02}", path, samples, text))
    for name, column in (("wav.scp", 1), ("utt2num_samples", 2), ("text", 3)):
        lines = "".join(f"{row[0]} {row[column]}\n" for row in rows)
        (folder / name).write_text(lines, encoding="utf-8")
    return folder


def write_inputs(root):
    """Write four sets, characters and a config; return what makes commands."""
    for seed, name in enumerate(("new", "old", "source", "valid")):
        write_set(root / name, name, number=6 if name == "valid" else 12, seed=seed)
    characters = ["<blank>", "<unk>", "<space>", *"abcd", "<sos/eos>"]
    (root / "tokens.txt").write_text("\n".join(characters) + "\n", encoding="utf-8")
    (root / "pretrain.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    return root


def make_command(root, exp, *options, **values):
    """Return the words of train-ssl over what `write_inputs` wrote."""
    words = ["--config", f"{root}/pretrain.yaml", "--output_dir", str(exp)]
    for part, folder in (("train", "new"), ("valid", "valid")):
        data = f"{root}/{folder}/wav.scp,speech,sound"
        words += [f"--{part}_data_path_and_name_and_type", data]
        words += [f"--{part}_shape_file", f"{root}/{folder}/utt2num_samples"]
    words += ["--ngpu", "0", "--resume", "true", *options]
    for name, value in values.items():
        words += [f"--{name}", str(value)]
    return words


def train(words, kill_at=None):
    """Train in a forked process; return its exit status, -9 if it was killed.

    Args:
        words: From `make_command`.
        kill_at: Kill -9 at this step of the optimizer.
    """
    process = multiprocessing.get_context("fork").Process(
        target=_train, args=(words, kill_at)
    )
    process.start()
    process.join()
    return process.exitcode


def _train(words, kill_at):
    import torch

    from hamzaban.bin.train_ssl import main

    original, calls = torch.optim.Adam.step, []

    @functools.wraps(original)  # hooks of an optimizer are to run once
    def step(*args, **kwargs):
        calls.append(1)
        if len(calls) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        is_last = os.environ.get("RANK") == "1"  # asked, for all the others
        if is_last and str(len(calls)) == os.environ.get("ASK_AT"):
            _ask_to_end()
        return original(*args, **kwargs)

    if kill_at is not None or "ASK_AT" in os.environ:
        torch.optim.Adam.step = step
    main(words)
    if torch.distributed.is_initialized():  # gloo's threads may then abort the process
        sys.exit("train-ssl has not left the processes that it trained with")


def _ask_to_end():
    """Send the signal that Slurm sends before the limit, by Slurm if it is there."""
    if "SLURM_STEP_NODELIST" not in os.environ:
        os.kill(os.getpid(), signal.SIGUSR2)
        return
    command = ["scancel", "--signal=USR2", os.environ["SLURM_JOB_ID"]]
    subprocess.run(command, check=True)
    time.sleep(10)  # until it has arrived


if __name__ == "__main__":  # one process of several
    _train(sys.argv[1:], int(os.environ.get("KILL_AT", 0)) or None)
