"""Jobs on a real Slurm: arrays, logs, failures, interrupts, wrong settings."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from slurm_cluster import SCRIPT, run_cluster

from hamzaban.bin import run_jobs as verb
from hamzaban.launch import slurm, slurm_queue
from hamzaban.launch.slurm_options import read_options

LIMIT_S = 300
pytestmark = pytest.mark.first_stack  # starts programs; most of them need no torch


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A running Slurm whose folder has a space in its name."""
    with run_cluster(tmp_path_factory.mktemp("slurm")) as folder:
        yield folder


@pytest.fixture
def folder(cluster, tmp_path, monkeypatch):
    """A working folder, with a letter that is not ASCII, and short waits."""
    folder = tmp_path / "exp é"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(slurm_queue, "ASK_EVERY_S", 1.0)
    monkeypatch.setattr(slurm_queue, "LOOK_EVERY_S", 0.2)
    return folder


def launch(script: str, *options: str, nj: int = 1, retry: bool = False) -> int:
    words = ["--backend", "slurm", "--log", "log/x.JOB.log", "--nj", str(nj)]
    words += ["--backend_conf", "mem_gb=0.05", "--backend_conf", "cpus=1"]
    words += ["--retry"] if retry else []
    return verb.main([*words, *options, "--", "bash", "-c", script])


def start(script: str, *options: str, **env: str) -> subprocess.Popen:
    words = [sys.executable, "-m", "hamzaban", "run-jobs", "--backend", "slurm"]
    words += ["--log", "log/x.JOB.log", *options, "--", "bash", "-c", script]
    return subprocess.Popen(
        words,
        env={**os.environ, **env},
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_signals,
    )


def heed_signals() -> None:
    """Undo what a shell does to its background jobs, and nohup to everything."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def wait_for(condition, what="it"):
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end, f"waited too long for {what}"
        time.sleep(0.1)


def queued(*more: str) -> list[str]:
    words = ["squeue", "-h", "-r", "-o", "%i", *more]
    return subprocess.run(words, capture_output=True, text=True).stdout.split()


def conf(*settings: str) -> list[str]:
    return [word for each in settings for word in ("--backend_conf", each)]


@pytest.mark.slow
def test_an_array_runs_each_job_with_its_number_log_and_folder(folder):
    """With limits of tasks at once; nothing but the logs is left."""
    (folder / "on").mkdir()
    script = (
        "touch on/JOB; ls on | wc -l; sleep 1; rm on/JOB; pwd; echo $OMP_NUM_THREADS"
    )
    assert launch(script, "--num_threads", "1", *conf("max_tasks=2"), nj=4) == 0
    for number in range(1, 5):
        lines = (folder / f"log/x.{number}.log").read_text().splitlines()
        assert lines[0].startswith(f"# bash -c 'touch on/{number}; ")
        assert "Slurm job " in lines[2]
        assert int(lines[3]) <= 2
        assert lines[4:6] == [str(folder), "1"]
        assert "ended with status 0" in lines[6]
    assert not list((folder / "log/.slurm").iterdir())
    wait_for(lambda: not queued(), "an empty queue")


@pytest.mark.slow
def test_of_200_jobs_only_the_ten_that_failed_run_again(folder, caplog):
    caplog.set_level("INFO")
    script = "echo ran >> ran.JOB; n=JOB; [ -e mended ] || ((n % 20)) || exit 3"
    with pytest.raises(OSError, match="10 of 200 jobs failed; the first: job ") as e:
        launch(script, *conf("max_tasks=8"), nj=200)
    assert e.value.status == 3
    assert "ends with\n  | # bash -c " in caplog.text
    (folder / "mended").touch()
    assert launch(script, nj=200, retry=True) == 0
    assert "190 of 200 jobs are complete; 10 are to be run" in caplog.text
    counts = {n: len((folder / f"ran.{n}").read_text().split()) for n in range(1, 201)}
    assert {n for n, count in counts.items() if count == 2} == set(range(20, 201, 20))
    assert set(counts.values()) == {1, 2}


@pytest.mark.slow
def test_an_interrupt_cancels_what_was_submitted(folder):
    script = "touch began.JOB; [ -e go ] || sleep 3600"
    launcher = start(script, "--nj", "3", *conf("mem_gb=0.05", "cpus=1"))
    wait_for(lambda: (folder / "began.1").exists(), "the first job")
    launcher.send_signal(signal.SIGINT)
    assert launcher.wait(LIMIT_S) == 130
    assert "ended with status 143" in (folder / "log/x.1.log").read_text()
    (folder / "go").touch()
    assert launch(script, nj=3) == 0  # it does not take up the jobs that were cancelled
    wait_for(lambda: not queued(), "an empty queue")


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGHUP])
def test_jobs_of_a_login_node_that_is_gone_are_found_again(folder, caplog, how):
    """One ended, one runs, one waits: none is submitted twice."""
    caplog.set_level("INFO")
    script = "echo ran >> ran.JOB; [ JOB = 1 ] || while [ ! -e go ]; do sleep 0.2; done"
    settings = conf("max_tasks=2", "mem_gb=0.05", "cpus=1")
    launcher = start(script, "--nj", "3", *settings)
    wait_for(lambda: (folder / "ran.2").exists(), "the second job")
    launcher.send_signal(how)
    launcher.wait(LIMIT_S)
    [record] = folder.glob("log/.slurm/*/record.json")
    assert json.loads(record.read_text())["arrays"][0]["id"].isdecimal()
    (folder / "go").touch()
    assert launch(script, *settings[:2], nj=3) == 0
    assert "3 of 3 jobs are in Slurm's queue or done already" in caplog.text
    for number in (1, 2, 3):
        assert (folder / f"ran.{number}").read_text() == "ran\n"
        log = (folder / f"log/x.{number}.log").read_text()
        assert log.count("Slurm job ") == 1
        assert "ended with status 0" in log


@pytest.mark.slow
def test_jobs_are_found_even_if_we_died_before_their_id_was_recorded(folder):
    script = "echo ran >> ran.JOB; while [ ! -e go ]; do sleep 0.2; done"
    launcher = start(script, "--nj", "2")
    wait_for(lambda: (folder / "ran.2").exists(), "the second job")
    launcher.kill()
    launcher.wait()
    [record] = folder.glob("log/.slurm/*/record.json")
    stored = json.loads(record.read_text())
    stored["arrays"][0]["id"] = None
    record.write_text(json.dumps(stored))
    (folder / "go").touch()
    assert launch(script, nj=2) == 0
    assert (folder / "ran.1").read_text() == (folder / "ran.2").read_text() == "ran\n"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["kill", "scancel"])
def test_a_killed_task_is_a_failure_and_runs_again(folder, how, caplog):
    script = (
        "[ JOB = 1 ] || [ -e go ] || { echo $$ > pid; sleep 3600; }; echo JOB > JOB"
    )
    launcher = start(script, "--nj", "2")
    wait_for(lambda: (folder / "pid").exists() and (folder / "pid").read_text().strip())
    if how == "kill":
        os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
        status, said = 137, "ended with status 137"
    else:
        [job] = [job_id for job_id in queued() if job_id.endswith("_1")]
        subprocess.run(["scancel", job], check=True)
        status, said = 143, "ended in state CANCELLED; it was cancelled; run it again"
    assert launcher.wait(LIMIT_S) == 1
    assert f"job 2 of 2 ended with status {status}" in launcher.stderr.read()
    assert said in (folder / "log/x.2.log").read_text()
    (folder / "go").touch()
    caplog.set_level("INFO")
    assert launch(script, nj=2, retry=True) == 0
    assert "1 of 2 jobs are complete; 1 are to be run" in caplog.text
    assert (folder / "2").read_text() == "2\n"


@pytest.mark.slow
def test_a_preempted_job_is_requeued_and_not_a_failure(folder):
    """Slurm ends it for one of a higher partition; it waits and runs again."""
    script = "echo ran >> ran.JOB; while [ ! -e go ]; do sleep 0.2; done"
    launcher = start(script, *conf("partition=low", "cpus=8"))
    wait_for(lambda: (folder / "ran.1").exists(), "the job")
    words = ["srun", "-p", "main", "-N", "2", "-c", "8", "--mem=100", "sleep", "2"]
    subprocess.run(words, check=True)
    wait_for(lambda: (folder / "ran.1").read_text() == "ran\nran\n", "the second run")
    assert launcher.poll() is None
    (folder / "go").touch()
    assert launcher.wait(LIMIT_S) == 0


@pytest.mark.slow
def test_a_signal_comes_before_the_limit_and_the_job_is_requeued(folder):
    """The command has time to save; it continues in the job's next run."""
    script = """
        [ ! -e saved ] || { echo resumed; exit 0; }
        trap 'echo saved > saved; exit 75' USR2
        touch began; while true; do sleep 0.1; done"""
    launcher = start(script, *conf("time_h=0.03", "signal_s=60"))
    wait_for(lambda: (folder / "began").exists(), "the job")
    assert launcher.wait(LIMIT_S) == 0
    log = (folder / "log/x.1.log").read_text()
    assert "ended for the limit or preemption, to be resumed" in log
    assert "\nresumed\n" in log
    assert log.count("Slurm job ") == 2


@pytest.mark.slow
def test_a_restarted_slurmd_does_not_disturb_its_job(folder, cluster):
    pids = cluster / "pids"
    script = "echo ran >> ran; while [ ! -e go ]; do sleep 0.2; done"
    launcher = start(script)
    wait_for(lambda: (folder / "ran").exists(), "the job")
    [node] = subprocess.run(
        ["squeue", "-h", "-o", "%N"], capture_output=True, text=True
    ).stdout.split()
    os.kill(int((pids / f"slurmd.{node}").read_text()), signal.SIGKILL)
    subprocess.run(["bash", SCRIPT, "node", cluster, node], check=True)
    (folder / "go").touch()
    assert launcher.wait(LIMIT_S) == 0
    assert (folder / "ran").read_text() == "ran\n"


@pytest.mark.slow
def test_a_failing_node_ends_the_job_with_its_reason(folder):
    script = "((SLURM_PROCID)) || sleep 3600; echo no memory here; exit 7"
    launcher = start(script, "--num_nodes", "2")
    assert launcher.wait(LIMIT_S) == 1
    said = launcher.stderr.read()
    assert "x.1.rank1.log ends with" in said
    assert "| no memory here" in said
    assert "job 1 of 1 ended with status 7" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            ["partition=gpus"],
            r"sbatch: .*partition.*; correct partition in .*known: blind",
        ),
        (["mem_gb=9000"], r"sbatch: .*; correct mem_gb in the settings"),
        (["constraint=a100"], r"sbatch: .*feature.*; correct constraint in"),
        (["partition=short", "time_h=2"], "PartitionTimeLimit; change time_h in"),
    ],
)
def test_bad_settings_are_one_line_with_a_remedy(folder, settings, message):
    with pytest.raises(ValueError, match=message) as caught:
        launch("true", *conf(*settings))
    assert "\n" not in str(caught.value)
    wait_for(lambda: not queued(), "an empty queue")


@pytest.mark.slow
def test_a_folder_that_the_node_does_not_see_is_named(cluster, folder, monkeypatch):
    hidden = cluster / "hidden" / "exp"
    hidden.mkdir()
    monkeypatch.chdir(hidden)
    with pytest.raises(OSError, match="job 1 of 1 ended with status 1"):
        launch("true", *conf("partition=blind"))
    log = (hidden / "log/x.1.log").read_text()
    assert f"it could not write to {hidden}/log/.slurm/" in log
    assert "keep the recipe and the environment on storage that all nodes share" in log


@pytest.mark.slow
def test_a_missing_command_is_named(folder, caplog):
    with pytest.raises(OSError, match="status 127"):
        verb.main(["--backend", "slurm", "--log", "log", "--", "no_such_command"])
    assert "| no_such_command: No such file or directory" in caplog.text


def test_without_submitit_there_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "submitit", None)
    monkeypatch.setattr(slurm.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match="needs the package submitit; call pip install"
    ):
        slurm.SlurmBackend()


def test_without_sbatch_there_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(slurm.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="no sbatch on PATH; run this on a login node"):
        slurm.SlurmBackend()


def test_the_shared_config_has_every_option_with_its_default():
    shared = Path(__file__).parents[2] / "conf" / "slurm.yaml"
    text = shared.read_text(encoding="utf-8")
    options = read_options(shared)
    for name, value in vars(read_options("")).items():
        assert f"\n{name}: " in text
        assert getattr(options, name) == value


def test_values_of_a_kind_replace_the_general_ones(tmp_path):
    path = tmp_path / "slurm.yaml"
    path.write_text("partition: cpu\nmem_gb: 4\njobs: {train: {partition: gpu}}\n")
    assert read_options(path, "decode").partition == "cpu"
    train = read_options(path, "train", {"mem_gb": "8"})
    assert (train.partition, train.mem_gb) == ("gpu", 8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("partitoin: a", "partitoin"),
        ("time_h: 0", r"time_h: 0.0 found, expected above 0"),
        ("jobs: {training: {}}", "training"),
        ("jobs: {train: {mem: 4}}", r"jobs\.train"),
        ("sbatch: {mem: 4}", "sbatch: mem found; set mem_gb instead"),
        ("sbatch: {--exclude: n1}", "without dashes"),
        ("time_h: 0.01\nsignal_s: 60", "signal_s is 60, expected less than time_h"),
    ],
)
def test_wrong_options_are_named(tmp_path, text, message):
    path = tmp_path / "slurm.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_options(path)


def test_settings_become_options_of_sbatch():
    options = read_options(
        "", changes={"sbatch": {"exclude": "n7"}, "gpu_type": "a100"}
    )
    found = slurm.describe_job(options, slurm.Resources(4, 2, 3), "name", 9)
    assert (found["nodes"], found["cpus_per_task"], found["gres"]) == (
        3,
        4,
        "gpu:a100:2",
    )
    assert found["additional_parameters"] == {"requeue": True, "exclude": "n7"}
    assert (found["array_parallelism"], found["time"]) == (9, 1440)


@pytest.mark.slow
def test_jobs_of_launches_of_one_home_are_found_though_the_others_are_new(folder):
    """As cells of a grid, of which some are done when it is run again."""
    from hamzaban.launch import Job, Place, run_each

    place = Place(backend="slurm", backend_conf={"mem_gb": "0.05", "cpus": "1"})
    script = "echo ran >> {0}; while [ ! -e go ]; do sleep 0.2; done"

    def make(number, name):
        command = ("bash", "-c", script.format(name))
        return Job(number, command, folder / name.upper() / "log")

    pid = os.fork()
    if pid == 0:
        run_each([make(1, "a"), make(2, "b")], place=place, home=folder)
        os._exit(0)
    wait_for(lambda: (folder / "b").exists(), "the second job")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    (folder / "go").touch()
    ended = {}
    run_each(
        [make(1, "b"), make(2, "c")], place=place, home=folder,
        on_end=lambda job, status: ended.update({job.log.parent.name: status}),
    )  # fmt: skip
    assert ended == {"B": 0, "C": 0}
    assert (folder / "b").read_text() == (folder / "c").read_text() == "ran\n"


@pytest.mark.slow
def test_without_retry_jobs_that_have_succeeded_run_again(folder):
    script = "echo ran >> ran.JOB; [ JOB = 1 ] || [ -e mended ]"
    with pytest.raises(OSError, match="job 2 of 2"):
        launch(script, nj=2)
    (folder / "mended").touch()
    assert launch(script, nj=2) == 0
    assert (folder / "ran.1").read_text() == "ran\nran\n"
