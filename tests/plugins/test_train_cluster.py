"""Training on several nodes under srun: rendezvous, equal results, requeued jobs."""

import argparse
import os
import subprocess
import sys

import pytest
import tiny_pretraining
import tiny_training
import yaml
from slurm_cluster import run_cluster

from hamzaban.bin import run_jobs

WORLD = {
    "SLURM_JOB_ID": "7",
    "SLURM_PROCID": "1",
    "SLURM_LOCALID": "1",
    "SLURM_STEP_NUM_TASKS": "2",
    "SLURM_STEP_NODELIST": "n[1-2]",
    "SLURM_STEP_NUM_NODES": "2",
}


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global torch, cluster
    tiny_training.import_task()
    import torch

    from hamzaban.train import cluster


@pytest.fixture
def scontrol(tmp_path, monkeypatch):
    """A stand-in for scontrol that knows the nodes n1 and n2."""
    path = tmp_path / "scontrol"
    path.write_text(
        "#!/bin/sh\n"
        'case $2 in hostnames) printf "n1\\nn2\\n" ;; '
        '*) echo "x NodeAddr=10.0.0.1 y" ;; '
        "esac\n"
    )
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def join(monkeypatch, world, **options):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name, value in world.items():
        monkeypatch.setenv(name, value)
    defaults = {"dist_launcher": None, "dist_rank": None, "dist_backend": "nccl"}
    defaults |= {"ngpu": 0, "multiprocessing_distributed": True}
    args = argparse.Namespace(**{**defaults, **options})
    cluster.join(args)
    return args


def test_one_task_a_node_counts_nodes(monkeypatch, scontrol):
    args = join(monkeypatch, WORLD, ngpu=4)
    assert os.environ["RANK"] == "1"
    assert os.environ["WORLD_SIZE"] == "2"
    assert os.environ["MASTER_ADDR"] == "10.0.0.1"
    assert 20000 <= int(os.environ["MASTER_PORT"]) < 32000
    assert "LOCAL_RANK" not in os.environ
    assert (args.ngpu, args.multiprocessing_distributed) == (4, True)
    assert args.dist_backend == "nccl"
    assert join(monkeypatch, WORLD).dist_backend == "gloo"


def test_one_task_a_gpu_counts_processes(monkeypatch, scontrol):
    world = {**WORLD, "SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "3"}
    args = join(monkeypatch, world, ngpu=2)
    assert os.environ["WORLD_SIZE"] == "4"
    assert os.environ["LOCAL_RANK"] == "1"
    assert (args.ngpu, args.multiprocessing_distributed) == (1, False)
    with pytest.raises(
        ValueError, match="--ngpu is 3, but srun has started 4 tasks on 2"
    ):
        join(monkeypatch, world, ngpu=3)


def test_variables_of_torchrun_and_single_tasks_stay(monkeypatch):
    join(monkeypatch, {**WORLD, "RANK": "0", "WORLD_SIZE": "8"})
    assert os.environ["WORLD_SIZE"] == "8"
    join(monkeypatch, {**WORLD, "SLURM_STEP_NUM_TASKS": "1"})
    assert "RANK" not in os.environ


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    root = tmp_path_factory.mktemp("nodes")
    for folder in ("new", "valid"):
        tiny_pretraining.write_set(root / folder, folder, seed=len(folder))
    config = root / "pretrain.yaml"
    config.write_text(yaml.safe_dump(tiny_pretraining.CONFIG), encoding="utf-8")
    return root


def words_of(inputs, exp):
    options = {"batch_type": "unsorted", "batch_size": 4, "max_updates": 5}
    words = tiny_pretraining.make_command(inputs, exp, **options)
    return [tiny_pretraining.__file__, *words, "--multiprocessing_distributed", "true"]


def by_torchrun(words):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc_per_node", "2", *words]
    env = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.slow
def test_two_nodes_of_slurm_train_as_two_processes_do(
    inputs, tmp_path_factory, tmp_path, monkeypatch
):
    """Also if Slurm asks for the end in mid-epoch, and the job is requeued."""
    by_torchrun(words_of(inputs, tmp_path / "one"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    monkeypatch.setenv("ASK_AT", "3")
    with run_cluster(tmp_path_factory.mktemp("slurm")):
        options = ["--backend", "slurm", "--num_nodes", "2", "--num_threads", "1"]
        options += ["--log", "two/train.log", "--backend_conf", "mem_gb=0.5"]
        words = [sys.executable, *words_of(inputs, tmp_path / "two")]
        assert run_jobs.main([*options, "--", *words]) == 0
    log = (tmp_path / "two" / "train.log").read_text()
    assert "saved after update 3 and ending with status 75" in log
    assert "to be resumed" in log
    other = (tmp_path / "two" / "train.rank1.log").read_text()
    assert other.count(", rank 1: ") == 2  # it was started twice
    assert "saved after update 3" in other
    files = [tmp_path / name / "wav2vec2.pt" for name in ("one", "two")]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.slow
def test_two_processes_have_the_losses_of_one(tmp_path):
    """Within 1 %: each process draws what is left of dropout for itself.

    A wrong mean over processes would change the second epoch by several percent.
    """
    inputs = tiny_training.write_inputs(tmp_path)
    options = {"batch_type": "unsorted", "batch_size": 4, "max_epoch": 2}
    still = ("mask_prob", "layerdrop", "dropout", "activation_dropout")
    still += ("attention_dropout", "mask_channel_prob")
    options |= {"frontend_conf": [f"{name}=0" for name in still]}
    options |= {"ctc_conf": "dropout_rate=0", "keep_nbest_models": 1}
    options |= {"optim": "sgd", "optim_conf": "lr=0.01", "scheduler": None}
    losses = []
    for count in (1, 2):
        exp = tmp_path / f"exp{count}"
        words = tiny_training.make_command(inputs, exp, **options)
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += [
            "--nproc_per_node",
            str(count),
            "-m",
            "hamzaban",
            "train-asr",
            *words,
        ]
        command += ["--multiprocessing_distributed", "false"]
        env = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        states = torch.load(exp / "checkpoint.pth", weights_only=False)
        stats = states["reporter"]["stats"]
        losses.append([stats[n][p]["loss"] for n in (1, 2) for p in ("train", "valid")])
    assert losses[1] == pytest.approx(losses[0], rel=0.01)
