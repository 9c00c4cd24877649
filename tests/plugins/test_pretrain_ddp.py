"""Two processes train like one, started by torchrun or by ESPnet's launcher."""

import os
import stat
import subprocess
import sys

import pytest
import tiny_pretraining
import yaml


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global torch
    import torch


OPTIONS = {
    "batch_type": "unsorted",
    "batch_size": 4,
    "max_updates": 5,  # 3 an epoch
    "save_interval": 2,
    "replay_share": 0.4,
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    root = tmp_path_factory.mktemp("ddp")
    for folder in ("new", "valid", "old"):
        tiny_pretraining.write_set(root / folder, folder, seed=len(folder))
    config = dict(tiny_pretraining.CONFIG)
    config["model_cfg"] = {**config["model_cfg"], "encoder_layerdrop": 0.4}
    (root / "pretrain.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return root


def start(command, is_ending=True, **env):
    """Run a command; fail with its output if it ends in another way."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", **env}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600)
    shown = done.stdout + done.stderr
    assert (done.returncode == 0) is is_ending, shown[-4000:]
    return shown


def by_torchrun(words, **options):
    """Train with two processes of torchrun."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc_per_node", "2", tiny_pretraining.__file__, *words]
    command += ["--dist_backend", "gloo", "--multiprocessing_distributed", "false"]
    return start(command, **options)


def by_espnet(words, folder):
    """Train on two hosts with ESPnet's launcher, whose ssh is a local shell."""
    fake = folder / "bin" / "ssh"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nshift\nexec sh -c "$*"\n', encoding="utf-8")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    (folder / "env.sh").write_text("", encoding="utf-8")
    command = [sys.executable, "-m", "espnet2.bin.launch", "--host", "a,b"]
    command += ["--ngpu", "0", "--log", str(folder / "train.log")]
    command += ["--envfile", str(folder / "env.sh")]
    command += ["--init_file_prefix", f"{folder}/.dist_init_", "--"]
    command += [sys.executable, "-m", "hamzaban", "train-ssl", *words]
    return start(command, PATH=f"{fake.parent}{os.pathsep}{os.environ['PATH']}")


def test_two_processes_end_alike_however_started_and_stopped(inputs, tmp_path):
    def words(name):
        exp, old = tmp_path / name, inputs / "old"
        return tiny_pretraining.make_command(inputs, exp, replay_dir=old, **OPTIONS)

    by_espnet(words("whole"), tmp_path)
    by_torchrun(words("exp"), is_ending=False, KILL_AT="5")
    partial = torch.load(tmp_path / "exp" / "partial.pth", weights_only=False)
    assert (partial["epoch"], partial["num_batches"]) == (2, 1)
    states = [rank["rng"]["torch"] for rank in partial["ranks"]]
    assert len(states) == 2
    assert not torch.equal(*states)  # each process masks in its own way
    by_torchrun(words("exp"))
    files = [tmp_path / name / "wav2vec2.pt" for name in ("whole", "exp")]
    assert files[0].read_bytes() == files[1].read_bytes()
