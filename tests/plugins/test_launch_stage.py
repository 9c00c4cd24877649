"""Stamps: when a step runs, when it is skipped, and what happens after a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hamzaban.bin import run_stage as verb
from hamzaban.launch import stage, stamp
from hamzaban.launch.stamp import Step, options_of

COPY = "cat in/* > out.txt; echo ran >> runs"


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """A folder with inputs, its name with a space and letters that are not ASCII."""
    folder = tmp_path / "دستور a"
    (folder / "in" / "below").mkdir(parents=True)
    (folder / "in" / "text").write_text("a\n")
    (folder / "in" / "scp").write_text("b\n")
    monkeypatch.chdir(folder)
    return folder


def run(*options: str, script: str = COPY, inputs: str = "in", **named: Path) -> bool:
    """Run the step; return whether its command ran."""
    before = count_runs()
    command = ("bash", "-c", script, *options)
    step = Step("copy", command, (Path(inputs),), (Path("out.txt"),))
    assert stage.run_stage(step, **named) == 0
    return count_runs() > before


def count_runs() -> int:
    return len(Path("runs").read_text().split()) if Path("runs").exists() else 0


def test_a_step_runs_once(recipe, caplog):
    caplog.set_level("INFO")
    assert run("--nbpe", "5")
    assert not run("--nbpe", "5")
    assert "copy: out.txt is up to date" in caplog.text
    stored = json.loads((recipe / ".out.txt.copy.stamp").read_text())
    assert stored["state"] == "done"
    assert set(stored["inputs"]) == {"in/scp", "in/text"}
    assert stored["outputs"]["out.txt"]["size"] == 4
    assert len(stored["outputs"]["out.txt"]["sha256"]) == 64


def change_input():
    Path("in/text").write_text("c\n")


def add_input():
    Path("in/new").write_text("d\n")


def remove_input():
    Path("in/scp").unlink()


def remove_output():
    Path("out.txt").unlink()


def cut_output():
    Path("out.txt").write_text("a\n")


def break_stamp():
    Path(".out.txt.copy.stamp").write_text('{"state": "do')


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (change_input, "input in/text has changed"),
        (add_input, "input in/new is new"),
        (remove_input, "input in/scp is gone"),
        (remove_output, "output out.txt is missing"),
        (cut_output, "output out.txt has changed"),
        (break_stamp, "was not made yet"),
    ],
)
def test_a_changed_input_runs_the_step_again(recipe, caplog, change, reason):
    caplog.set_level("INFO")
    run()
    change()
    assert run()
    assert reason in caplog.text
    assert not run()


def test_changed_options_run_the_step_again_and_are_named(recipe, caplog):
    caplog.set_level("INFO")
    run("--nbpe", "5")
    assert run("--nbpe", "6")
    assert "options are different: '5' became '6'" in caplog.text


def test_changes_without_effect_do_not_run_a_step(recipe):
    run("--nj", "1")
    os.utime("in/text", (1, 1))
    os.utime("out.txt", (1, 1))
    Path("in/.hidden").write_text("x")
    Path("in/text.tmp.host-1-1").write_text("x")
    Path("in/below/more").write_text("x")
    assert not run("--nj", "2")


def test_options_are_read_from_the_command_after_the_launcher():
    words = ["hamzaban", "run-jobs", "--log", "x", "--", "hamzaban", "train-asr"]
    words += ["--ngpu", "2", "--lr", "1", "--num-threads=3", "-nj", "4", "--nj", "5"]
    assert options_of(words) == ["hamzaban", "train-asr", "--lr", "1", "-nj", "4"]


def test_big_files_are_recognized_by_size_and_time(recipe, monkeypatch):
    monkeypatch.setattr(stamp, "SMALL_FILE_BYTES", 1)
    run()
    stored = json.loads(Path(".out.txt.copy.stamp").read_text())
    assert stored["inputs"]["in/text"]["sha256"] is None
    assert not run()
    os.utime("out.txt", (1, 1))  # a copied experiment is still good
    assert not run()
    os.utime("in/text", (1, 1))
    assert run()


def test_a_file_changed_while_the_step_runs_is_seen_the_next_time(recipe):
    run(script="cat in/* > out.txt; echo late > in/text; echo ran >> runs")
    assert run(script="cat in/* > out.txt; echo late > in/text; echo ran >> runs")


def test_missing_input_output_and_command_are_errors(recipe):
    with pytest.raises(FileNotFoundError, match="step copy: input none: there is no"):
        run(inputs="none")
    with pytest.raises(FileNotFoundError, match="succeeded but did not make out.txt"):
        run(script="true")
    with pytest.raises(FileNotFoundError, match="nothing: no such command"):
        verb.main(["copy", "--out", "a", "--", "nothing"])
    with pytest.raises(ValueError, match="there is no command after --"):
        verb.main(["copy", "--out", "a"])
    with pytest.raises(ValueError, match="step 'a/b'"):
        verb.main(["a/b", "--out", "a", "--", "true"])


def test_a_failed_step_gives_its_status_and_runs_again(recipe, caplog):
    caplog.set_level("INFO")
    step = Step("copy", ("bash", "-c", "exit 7"), (Path("in"),), (Path("out.txt"),))
    assert stage.run_stage(step) == 7
    assert run()
    assert "options are different" in caplog.text or "not finished" in caplog.text


def test_a_folder_made_with_other_options_is_set_aside(recipe, caplog):
    folder = recipe / "exp" / "asr_x"

    def train(option: str, script: str = "") -> int:
        script += "echo $1 >> exp/asr_x/checkpoint; touch exp/asr_x/model"
        command = ("bash", "-c", f"mkdir -p exp/asr_x; {script}", "train", option)
        step = Step("train", command, (Path("in"),), (Path("exp/asr_x/model"),))
        return stage.run_stage(step, set_aside=Path("exp/asr_x"))

    assert train("1", script="exit 3;") == 3
    assert train("2") == 0
    aside = recipe / "exp" / "set_aside"
    assert (folder / "checkpoint").read_text() == "2\n"
    assert sorted(aside.iterdir()) == [aside / "asr_x.1"]
    # Cut short with the same options: continued.
    assert train("3", script="echo half >> exp/asr_x/checkpoint; kill $$;") == 143
    (folder / "model").unlink(missing_ok=True)
    text = (folder / "checkpoint").read_text()
    assert train("3", script="echo half >> exp/asr_x/checkpoint; kill $$;") == 143
    assert text == "half\n"
    assert (folder / "checkpoint").read_text() == "half\nhalf\n"
    assert sorted(aside.iterdir()) == [aside / "asr_x.1", aside / "asr_x.2"]
    assert (aside / "asr_x.2" / "checkpoint").read_text() == "2\n"


def start(script: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "hamzaban", "run-stage", "copy", "--in", "in"]
    command += ["--out", "out.txt", "--", "bash", "-c", script]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def wait_for(path: str) -> None:
    for _ in range(15000):  # five minutes
        if Path(path).exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"{path} did not appear")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_step_is_run_again(recipe, number):
    script = f"{COPY}; touch begun; [ -e again ] || exec sleep 3600"
    process = start(script)
    wait_for("begun")
    Path("begun.tmp.x").touch()
    process.send_signal(number)
    process.communicate()
    assert process.returncode != 0
    assert json.loads(Path(".out.txt.copy.stamp").read_text())["state"] == "running"
    Path("again").touch()
    second = start(script)
    assert "was begun and not finished" in second.communicate(timeout=300)[1]
    assert second.returncode == 0
    third = start(script)
    assert "is up to date" in third.communicate(timeout=300)[1]


def test_temporary_files_of_killed_runs_are_removed(recipe):
    left = ["out/a", "out/below/a", ".out.copy.stamp"]
    Path("out/below").mkdir(parents=True)
    code = "import sys; from hamzaban.fileio import temporary_name as t\n"
    code += "for path in sys.argv[1:]: t(path).touch()"
    subprocess.run([sys.executable, "-c", code, *left], check=True)
    assert len(list(recipe.rglob("*.tmp.*"))) == 3
    step = Step("copy", ("true",), (Path("in"),), (Path("out"),))
    assert stage.run_stage(step) == 0
    assert list(recipe.rglob("*.tmp.*")) == []


def test_what_a_step_may_make_counts_if_it_was_made(recipe):
    command = ("bash", "-c", "[[ ! -f big ]] || mkdir -p f/0a && touch f/0a/x || true")
    copy = ("bash", "-c", f"echo a > out; echo ran >> runs; {command[2]}")
    step = Step("copy", copy, (Path("in"),), (Path("out"),), (Path("f"),))
    assert stage.run_stage(step) == 0 and stage.run_stage(step) == 0
    assert count_runs() == 1  # without the folder
    Path("big").touch()
    (recipe / ".out.copy.stamp").unlink()
    assert stage.run_stage(step) == 0 and stage.run_stage(step) == 0
    assert count_runs() == 2 and Path("f/0a/x").is_file()
    shutil.rmtree("f")
    assert stage.run_stage(step) == 0
    assert count_runs() == 3 and Path("f/0a/x").is_file()
    Path("f/0a/x").unlink()
    assert stage.run_stage(step) == 0
    assert count_runs() == 4


def test_a_step_ends_with_the_shell_that_started_it(recipe):
    script = "echo $$ > pid; touch begun; exec sleep 3600"
    words = (
        f"{sys.executable} -m hamzaban run-stage copy --out o -- bash -c '{script}'; :"
    )
    shell = subprocess.Popen(["bash", "-c", words])
    wait_for("begun")
    shell.kill()
    shell.wait()
    command = Path("/proc") / Path("pid").read_text().strip()
    limit = time.monotonic() + 300
    while command.exists() and time.monotonic() < limit:
        time.sleep(0.02)
    assert not command.exists()


@pytest.mark.slow
def test_a_step_is_not_run_twice_at_once(recipe, monkeypatch):
    monkeypatch.setattr(stage, "LOCK_WAIT_S", 0.3)
    process = start("touch begun; exec sleep 3600")
    wait_for("begun")
    with pytest.raises(ValueError, match="step copy is being run by another process"):
        run()
    process.terminate()
    process.communicate()
    assert run()


def test_explain_says_what_would_run(recipe, capsys):
    with pytest.raises(FileNotFoundError, match=r"in: no \.\*\.stamp here"):
        verb.main(["--explain", "in"])
    run()
    assert verb.main(["--explain", "."]) == 0
    assert capsys.readouterr().out == ".out.txt.copy.stamp: up to date\n"
    add_input()
    remove_input()
    remove_output()
    assert verb.main(["--explain", ".out.txt.copy.stamp"]) == 1
    out = capsys.readouterr().out
    assert "input in/new is new" in out
    assert "input in/scp is gone; output out.txt is missing" in out.replace(
        "input in/new is new; ", ""
    )


FORMAT = "mkdir -p out/data/a; cp in/* out/data/a; cp in/text out; echo ran >> runs"


def run_with_folder() -> bool:
    """Run a step whose output is a folder; return whether its command ran."""
    before = count_runs()
    step = Step("audio", ("bash", "-c", FORMAT), (Path("in"),), (Path("out"),))
    assert stage.run_stage(step) == 0
    return count_runs() > before


def halve(path: str) -> None:
    Path(path).write_bytes(Path(path).read_bytes()[:1])


def overwrite(path: str) -> None:
    """Write other bytes of the same number, a second after the rest of the folder."""
    time_ns = Path(path).stat().st_mtime_ns + 10**9
    Path(path).write_bytes(bytes(Path(path).stat().st_size))
    os.utime(path, ns=(time_ns, time_ns))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda: Path("out/data/a/scp").unlink(), "has 1 files, expected 2"),
        (lambda: halve("out/data/a/scp"), "has files of other names or sizes"),
        (lambda: shutil.rmtree("out/data/a"), "output out/data/a/ is missing"),
        (lambda: overwrite("out/data/a/scp"), "has 1 files written after the step"),
    ],
)
def test_damage_below_an_output_folder_runs_the_step_again(
    recipe, caplog, damage, reason
):
    caplog.set_level("INFO")
    assert run_with_folder()
    assert not run_with_folder()
    damage()
    assert run_with_folder()
    assert reason in caplog.text
    assert not run_with_folder()


def test_a_copy_of_an_output_folder_is_up_to_date(recipe):
    run_with_folder()
    for path in Path("out/data/a").iterdir():
        os.utime(path, (1, 1))
    Path("out/data/a/.hidden").touch()
    Path("out/data/a/x.tmp.host-1-1").touch()
    Path("out/data/b").mkdir()
    assert not run_with_folder()


@pytest.mark.parametrize("names", [["a/scp"], ["a/scp", "a/text"]])
def test_a_copy_without_times_is_up_to_date_unless_a_part_was_overwritten(
    recipe, names
):
    run_with_folder()
    Path("out").rename("moved")
    shutil.copytree("moved", "out", copy_function=shutil.copyfile)
    later_ns = time.time_ns() + 10**9
    for path in Path("out").rglob("*"):
        os.utime(path, ns=(later_ns, later_ns))
    assert not run_with_folder()
    shutil.rmtree("out")
    shutil.copytree("moved", "out")  # with times
    assert not run_with_folder()
    for name in names:
        overwrite(f"out/data/{name}")
    assert run_with_folder()


def test_a_stamp_without_folders_of_an_earlier_version_is_up_to_date(recipe):
    run_with_folder()
    path = Path(".out.audio.stamp")
    values = json.loads(path.read_text())
    del values["outputs"]["out/data/a/"], values["recordings"], values["noted"]
    path.write_text(json.dumps(values))
    assert not run_with_folder()


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "[" * 100000,
        '{"state": "done"}',
        '{"state": "done", "command": [1], "inputs": {}, "outputs": {}}',
        '{"state": "done", "command": [], "inputs": {}, "outputs": {"a": 1}}',
        '{"state": "done", "command": [], "inputs": [], "outputs": {}}',
        "\xff",
    ],
)
def test_a_damaged_stamp_is_named_and_made_again(recipe, caplog, content):
    run()
    path = Path(".out.txt.copy.stamp")
    path.write_bytes(content.encode("latin-1"))
    assert run()
    assert caplog.text.count(f"{path}: damaged (") == 1
    assert not run()


FORK = """
pid = os.fork()
if pid == 0:
    pathlib.Path("forked").touch()
    time.sleep(3600)
while not pathlib.Path("forked").exists():
    time.sleep(0.01)
"""


@pytest.mark.slow
@pytest.mark.parametrize("start", [FORK, "pid = Popen(['sleep', '3600']).pid"])
def test_a_worker_that_outlives_a_killed_verb_does_not_hold_the_lock(
    recipe, monkeypatch, start
):
    monkeypatch.setattr(stage, "LOCK_WAIT_S", 1.0)
    code = f"""
import os, pathlib, signal, time
from subprocess import Popen
from hamzaban.locks import keep_lock_from_children
keep_lock_from_children()
{start}
pathlib.Path("pid").write_text(str(pid))
os.kill(os.getpid(), signal.SIGKILL)
"""
    step = Step("copy", (sys.executable, "-c", code), (Path("in"),), (Path("out.txt"),))
    assert stage.run_stage(step) == 128 + signal.SIGKILL
    worker = int(Path("pid").read_text())
    try:
        os.kill(worker, 0)  # it lives
        assert not stage.is_running(step)
        assert run()
    finally:
        os.kill(worker, signal.SIGKILL)
