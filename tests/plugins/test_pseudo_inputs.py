"""Files that configs name are found, so that a change of them is seen."""

import pytest

from hamzaban.bin.config import main
from hamzaban.decode.spelling import MAPPING_DIR
from hamzaban.pseudo.inputs import list_inputs


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf ه").mkdir()
    return tmp_path / "conf ه"


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_base_configs_tables_and_other_decodings_are_inputs(folder, capsys):
    write(folder / "base.yaml", "filters: {others: ['a/round_{round}', 'b text', c]}\n")
    write(folder / "far.yaml", "letters: {}\n")
    table = write(folder / "map.yaml", "base: far.yaml\nletters: {}\n")
    config = folder / "pseudo.yaml"
    write(config, f"base: base.yaml\nmapping: {table}\n")
    write(folder.parent / "b text", "u1 a\n")
    (folder.parent / "a" / "round_2").mkdir(parents=True)
    assert main(["inputs", str(config), "--round", "2"]) == 0
    tables = [folder / "far.yaml", table]
    found = [folder / "base.yaml", *tables, "a/round_2", "b text"]
    assert capsys.readouterr().out.splitlines() == [str(path) for path in found]
    assert list_inputs(config) == [folder / "base.yaml", *tables]
    assert [str(path) for path in list_inputs(config, 1)][3:] == ["b text"]


@pytest.mark.parametrize(
    ("mapping", "names"),
    [
        ("ur", ["perso_arabic.yaml", "fa.yaml", "ur.yaml"]),
        ("roman", ["roman.yaml"]),
        ("phones:ur", ["phones.yaml"]),
        ("null", []),
    ],
)
def test_tables_of_the_package_are_named_from_here(folder, mapping, names):
    config = write(folder / "pseudo.yaml", f"mapping: {mapping}\n")
    found = list_inputs(config)
    assert [path.name for path in found] == names
    assert all(not p.is_absolute() and p.samefile(MAPPING_DIR / p.name) for p in found)


def test_a_config_may_be_empty_and_must_be_there(folder):
    assert list_inputs(write(folder / "decode.yaml", "")) == []
    with pytest.raises(FileNotFoundError, match="known names: fa, perso_arabic"):
        list_inputs(write(folder / "x.yaml", "mapping: none\n"))
    with pytest.raises(FileNotFoundError, match="no such config"):
        list_inputs(folder / "y.yaml")
