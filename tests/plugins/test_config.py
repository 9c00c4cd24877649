"""Configs on top of others."""

import subprocess
import sys

import pytest
import yaml

from hamzaban.bin.config import main
from hamzaban.config import read_config


@pytest.fixture
def configs(tmp_path):
    """Write a config with two bases below it."""
    folder = tmp_path / "a ب"
    (folder / "conf").mkdir(parents=True)
    (folder / "base.yaml").write_text(
        "max_epoch: 10\noptim_conf: {lr: 1.0e-3, betas: [0.9, 0.98]}\nname: پایه\n"
    )
    (folder / "more.yaml").write_text("base: base.yaml\noptim_conf: {eps: 1.0e-6}\n")
    (folder / "conf" / "x.yaml").write_text(
        "base: ../more.yaml\nmax_epoch: null\noptim_conf: {betas: [0.5]}\n"
    )
    return folder


def test_values_lie_on_those_of_the_base(configs):
    values, files = read_config(configs / "conf" / "x.yaml")
    assert values == {
        "max_epoch": None,
        "optim_conf": {"lr": 1e-3, "betas": [0.5], "eps": 1e-6},
        "name": "پایه",
    }
    assert [file.name for file in files] == ["base.yaml", "more.yaml", "x.yaml"]


def test_a_config_without_base_is_itself(configs):
    values, files = read_config(configs / "base.yaml")
    assert values == yaml.safe_load((configs / "base.yaml").read_text())
    assert files == [configs / "base.yaml"]


def test_the_verb_writes_only_what_changes(configs):
    output = configs / "exp" / "x.yaml"
    words = ["merge", str(configs / "conf" / "x.yaml"), str(output)]
    assert main(words) == 0
    assert yaml.safe_load(output.read_text()) == read_config(words[1])[0]
    inode = output.stat().st_ino
    main(words)
    assert output.stat().st_ino == inode
    (configs / "base.yaml").write_text("max_epoch: 2\n")
    main(words)
    assert output.stat().st_ino != inode


def test_the_verb_removes_what_a_killed_one_left(configs):
    output = configs / "exp" / "x.yaml"
    words = ["merge", str(configs / "conf" / "x.yaml"), str(output)]
    main(words)
    code = "from hamzaban.fileio import temporary_name as t; t('x.yaml').touch()"
    subprocess.run([sys.executable, "-c", code], cwd=output.parent, check=True)
    assert len(list(output.parent.iterdir())) == 2
    main(words)
    assert list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("base: none.yaml", "x.yaml: base none.yaml: there is no file"),
        ("base: [a]", r"x.yaml: base is \['a'\], expected the path"),
        ("base: x.yaml", "leads back to itself"),
        ("a: [", "x.yaml: is not YAML"),
        ("- a", "expected lines `option: value`"),
    ],
)
def test_errors_name_the_file(configs, text, message):
    (configs / "conf" / "x.yaml").write_text(text)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_config(configs / "conf" / "x.yaml")
