"""A training that is asked to end saves its state, and continues exactly."""

import os
import signal
import subprocess
import sys

import pytest
import tiny_pretraining
import tiny_training
import yaml


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global torch
    tiny_training.import_task()
    import torch


@pytest.mark.slow
def test_a_run_that_is_asked_to_end_saves_and_continues_exactly(tmp_path):
    """In mid-epoch, with accumulation, and without --save_interval."""
    (tmp_path / "inputs é").mkdir()
    inputs = tiny_training.write_inputs(tmp_path / "inputs é")
    options = {"batch_type": "unsorted", "batch_size": 1, "accum_grad": 2}
    options |= {"max_epoch": 2, "optim_conf": "lr=0.001"}
    words = tiny_training.make_command(inputs, tmp_path / "whole", **options)
    assert tiny_training.train(words) == 0
    words = tiny_training.make_command(inputs, tmp_path / "exp", **options)
    for step, place in ((3, (1, 6)), (4, (2, 4))):
        assert tiny_training.train(words, ("ask", step)) == 75
        partial = torch.load(tmp_path / "exp" / "partial.pth", weights_only=True)
        assert (partial["epoch"], partial["num_batches"]) == place
    assert tiny_training.train(words) == 0
    found, whole = (tiny_training.digests(tmp_path / n) for n in ("exp", "whole"))
    del found["partial.pth"]
    assert found == whole


def test_outside_a_job_of_slurm_sigterm_ends_a_training_at_once(monkeypatch):
    from hamzaban.train import stopping

    monkeypatch.delenv(stopping.IN_SLURM, raising=False)
    before = signal.getsignal(signal.SIGTERM)
    with stopping.heeded():
        assert signal.getsignal(signal.SIGTERM) is before
        assert not stopping.is_asked()
        os.kill(os.getpid(), signal.SIGUSR2)
        assert stopping.is_asked()
    monkeypatch.setenv(stopping.IN_SLURM, "1")
    with stopping.heeded():
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopping.is_asked()
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.slow
def test_all_processes_end_after_the_same_update_if_one_is_asked(tmp_path):
    for folder in ("new", "valid"):
        tiny_pretraining.write_set(tmp_path / folder, folder, seed=len(folder))
    config = tmp_path / "pretrain.yaml"
    config.write_text(yaml.safe_dump(tiny_pretraining.CONFIG), encoding="utf-8")
    options = {"batch_type": "unsorted", "batch_size": 4, "max_updates": 4}

    def run(name, ask_at=""):
        words = tiny_pretraining.make_command(tmp_path, tmp_path / name, **options)
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc_per_node", "2", tiny_pretraining.__file__, *words]
        command += ["--dist_backend", "gloo", "--multiprocessing_distributed", "false"]
        env = {
            **os.environ,
            "SLURM_JOB_ID": "1",
            "ASK_AT": ask_at,
            "OMP_NUM_THREADS": "1",
        }
        env["GLOO_SOCKET_IFNAME"] = "lo"
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    status, said = run("exp", ask_at="2")
    assert status != 0
    assert "saved after update 2 and ending with status 75" in said, said[-3000:]
    partial = torch.load(tmp_path / "exp" / "partial.pth", weights_only=False)
    assert len(partial["ranks"]) == 2
    for name in ("exp", "whole"):
        status, said = run(name)
        assert status == 0, said[-3000:]
    files = [tmp_path / name / "wav2vec2.pt" for name in ("exp", "whole")]
    assert files[0].read_bytes() == files[1].read_bytes()
