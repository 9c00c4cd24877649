"""Atomic writing: a reader sees the old file or the new one."""

import errno
import os
import re
import signal
import subprocess
import sys

import pytest

from hamzaban.cli import describe_error
from hamzaban.fileio import (
    atomic_path,
    atomic_text,
    read_json,
    read_record,
    remove_leftovers,
    temporary_name,
)


def test_the_file_appears_whole_and_last(tmp_path):
    path = tmp_path / "new folder" / "ملف.txt"
    with atomic_text(path) as stream:
        stream.write("سلام\r\nb\n")
        assert not path.exists()
    assert path.read_bytes() == "سلام\r\nb\n".encode()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("sync", [True, False])
def test_an_error_leaves_the_old_file(tmp_path, sync):
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_path(path, sync=sync) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_a_body_that_writes_no_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a"):
        pass


def test_two_writers_of_one_path_use_different_temporary_files(tmp_path):
    with atomic_text(tmp_path / "a") as one, atomic_text(tmp_path / "a") as two:
        one.write("1" * 10)
        two.write("2")
    assert (tmp_path / "a").read_text() == "1" * 10
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


HALF = (
    "import os, signal, sys; from hamzaban.fileio import atomic_text\n"
    "with atomic_text(sys.argv[1]) as f:\n"
    "    f.write('half'); f.flush(); os.kill(os.getpid(), signal.SIGKILL)"
)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_leftovers_of_a_killed_process_are_removed(tmp_path):
    path = tmp_path / "below" / "a"
    done = subprocess.run([sys.executable, "-c", HALF, str(path)])
    assert done.returncode == -signal.SIGKILL
    (left,) = path.parent.iterdir()
    ours = temporary_name(path)  # this process lives, its namesake does not
    namesake = path.with_name(re.sub(r"-\d+-(\d+)$", r"-7-\1", ours.name))
    others = path.with_name("a.tmp.anotherhost-1-0")
    for file in (ours, others, namesake):
        file.touch()
    assert remove_leftovers(tmp_path, recursive=False) == []
    assert sorted(remove_leftovers(tmp_path)) == sorted([left, namesake])
    assert sorted(path.parent.iterdir()) == sorted([ours, others])
    assert remove_leftovers(tmp_path / "none") == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_leftovers_of_a_zombie_are_removed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HALF, str(tmp_path / "a")]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        os.kill(process.pid, 0)  # still listed
        assert len(remove_leftovers(tmp_path)) == 1


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff", b"[" * 100000])
def test_a_damaged_record_is_named_and_counts_as_missing(tmp_path, caplog, content):
    path = tmp_path / "status.json"
    assert read_record(path) is None
    assert caplog.text == ""
    path.write_bytes(content)
    assert read_record(path) is None
    assert caplog.text.count(f"{path}: damaged (") == 1
    path.write_text('{"a": 1}')
    assert read_record(path) == {"a": 1}


def test_an_error_of_a_full_disk_names_the_path(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(OSError, match="No space left") as caught, atomic_text(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert describe_error(caught.value) == f"{path}: No space left on device"
    with pytest.raises(OSError, match="Input") as caught, atomic_text(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))  # of what was read, perhaps
    assert caught.value.filename is None


@pytest.mark.parametrize("text", ["", "{", "[" * 9999, "[]"])
def test_a_damaged_file_that_no_step_makes_again_is_refused_with_its_path(
    tmp_path, text
):
    path = tmp_path / "status.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"status.json: .*; run it again"):
        read_json(path, "run it again")
