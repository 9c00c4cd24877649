"""A second run of mining: if tables are equal, later steps do not run again."""

import os
import sys
from pathlib import Path

import pytest
from mine_media import make_config, read_speech, write_media

from hamzaban.cli import main as run_cli
from hamzaban.launch import stage, stamp
from hamzaban.launch.stamp import Step

pytestmark = pytest.mark.slow

TABLES = ("wav.scp", "utt2spk", "utt2num_samples")
SETS = (Path("train"), Path("valid"))


def run_stages() -> None:
    """Mine, hold out and pretrain as local/ssl.sh does, with a short pretraining."""
    words = ["--config", "mine.yaml", "--output_dir", "mined", "media"]
    assert run_cli(["mine-audio", *words]) == 0
    command = [sys.executable, "-m", "hamzaban", "hold-out-data", "--hours", "0.001"]
    command += ["mined", *map(str, SETS)]
    tables = tuple(Path("mined") / name for name in TABLES)
    assert stage.run_stage(Step("split", tuple(command), tables, SETS)) == 0
    tables = tuple(data / name for data in SETS for name in TABLES[::2])
    command = ["bash", "-c", "mkdir -p exp; echo ran >> runs; touch exp/model"]
    model = (Path("exp/model"),)
    step = Step("pretrain", tuple(command), tables, model)
    assert stage.run_stage(step, set_aside=Path("exp")) == 0


def test_pretraining_is_not_repeated_if_mining_finds_the_same_speech(
    tmp_path, monkeypatch
):
    """Big tables are compared by their time, which mining must not change."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(stamp, "SMALL_FILE_BYTES", 1)
    make_config(tmp_path, find_duplicates=False, min_speech_ratio=0.1)
    for spk_id in ("spk03", "spk04"):
        write_media(Path("media") / f"{spk_id}.flac", read_speech(spk_id, 8.0))
    run_stages()
    run_stages()
    Path("mined/utt2spk").unlink()  # as a kill leaves it
    run_stages()
    Path(".train.split.stamp").unlink()
    run_stages()  # splits again, into the same
    assert not Path("set_aside").exists()
    assert Path("runs").read_text().split() == ["ran"]
    write_media(Path("media") / "more.flac", read_speech("spk10", 8.0))
    run_stages()
    assert Path("set_aside/exp.1/model").exists()


def test_tables_of_many_mb_are_known_by_their_content(tmp_path):
    table = tmp_path / "wav.scp"
    with open(table, "wb") as stream:
        stream.truncate(100 * 2**20)  # those of 720,000 chunks
    before = stamp.fingerprint([table], {})
    os.utime(table, (1, 1))
    name = str(table)
    assert stamp.is_same(before[name], stamp.fingerprint([table], before)[name])
    with open(table, "r+b") as stream:
        stream.write(b"x")
    assert not stamp.is_same(before[name], stamp.fingerprint([table], before)[name])
