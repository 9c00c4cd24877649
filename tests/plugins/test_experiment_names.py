"""Folders of experiments keep their names, so that earlier runs are found again."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from hamzaban.bin.name_experiment import main
from hamzaban.launch.experiment_names import NameOptions, checksum, make_names, shorten

# Options of asr.sh, and the names that its shell code gave before Python did.
TABLE = json.loads(
    Path(__file__).with_name("experiment_names.json").read_text(encoding="utf-8")
)
SETS = {"train_set": "train", "valid_set": "valid"}


@pytest.mark.parametrize(("options", "names"), TABLE)
def test_names_equal_those_of_earlier_versions(options, names):
    assert make_names(NameOptions(**SETS | options)) == names


def test_the_verb_prints_a_line_for_each_name(capsys):
    words = ["--asr_config=conf/a.yaml", "--asr_args=--max_epoch 2", "--lang=ar"]
    assert main([*words, "--train_set=train", "--valid_set=valid"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "asr_exp=exp/asr_a_raw_ar_bpe512_max_epoch2" in lines
    assert "pretrain_tag=" in lines


def test_a_line_break_in_a_name_is_refused():
    with pytest.raises(ValueError, match="--train_set 'a.nb': expected one line"):
        NameOptions(train_set="a\nb")
    NameOptions(asr_args="--max_epoch 2\n--seed 1")


def test_a_long_name_is_cut_between_letters_and_stays_different():
    names = {shorten("ت" * 90 + f"_seed{number}") for number in range(3)}
    assert len(names) == 3
    assert max(len(name.encode()) for name in names) < 200


@pytest.mark.skipif(shutil.which("cksum") is None, reason="cksum is not installed")
@pytest.mark.parametrize("data", [b"", b"a\n", "نام\n".encode() * 100])
def test_the_checksum_equals_that_of_cksum(data):
    done = subprocess.run(["cksum"], input=data, capture_output=True, check=True)
    assert checksum(data) == int(done.stdout.split()[0])
