"""Configs with bases, the loader of YAML, the reader of typed options."""

import dataclasses
import enum
import math
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from hamzaban.bin.config import main
from hamzaban.config import (
    check_options,
    drop_none,
    load_yaml,
    option,
    read_config,
    read_dataclass,
)


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


def test_values_override_those_of_the_base_config(configs):
    values, files = read_config(configs / "conf" / "x.yaml")
    assert values == {
        "max_epoch": None,
        "optim_conf": {"lr": 1e-3, "betas": [0.5], "eps": 1e-6},
        "name": "پایه",
    }
    assert [file.name for file in files] == ["base.yaml", "more.yaml", "x.yaml"]


def test_a_config_without_base_is_read_unchanged(configs):
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


def test_leftovers_of_a_killed_verb_are_removed(configs):
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
        ("a: [", "x.yaml:1: is not YAML"),
        ("- a", "expected lines `option: value`"),
    ],
)
def test_errors_name_the_file(configs, text, message):
    (configs / "conf" / "x.yaml").write_text(text)
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        read_config(configs / "conf" / "x.yaml")


def write(folder, content):
    path = folder / "a ب.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 12)
)
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 90))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", ":3: key a occurs twice, first in line 1; remove one"),
        ("a:\n  - {x: 1, x: 2}\n", ":2: key x occurs twice"),
        ("yes: 1\nYes: 2\n", ":2: key Yes occurs twice"),
        (LAUGHS, ":6: aliases stand for more than"),
        (MERGES, ":6: aliases stand for more than"),
        ("a: 1\nb: &b [1, *b]\n", ":2: *b stands within what it names"),
        ("a: &a {b: *a}\n", ":1: *a stands within what it names"),
        (CHAIN, ":39: nested deeper than 40"),
        ("a: " + "[" * 100_000, ":1: nested deeper than 40"),
        ("[\n" * 100_000, ":41: nested deeper than 40"),
        ("{a: " * 100_000, ":1: nested deeper than 40"),
        ("- " * 50_000 + "a", ":1: nested deeper than 40"),
        ("a: 1\nb: caf\xe9\n".encode("latin-1"), ":2: byte 11 is 0xe9, which is not"),
        ("a: 1\n".encode("utf-16"), ":1: byte 0 is 0xff, which is not UTF-8"),
        ("a: 1\nb: \x07\n", ":2: character U+0007 found, which YAML does not allow"),
        ("a: " + "9" * 6000, ":1: whole number of 6000 characters found, expected"),
        ("a: 0x" + "f" * 9000, ":1: whole number of 9002 characters found"),
        ("a: 1\nb: !!int x\n", ":2: 'x' is not of type int"),
        ("a: !!bool x\n", ":1: 'x' is not of type bool"),
        ("a: !!timestamp 2026-13-45\n", ":1: tag tag:yaml.org,2002:timestamp is not"),
        (
            "a: !!python/object/apply:os.system [x]\n",
            ":1: tag tag:yaml.org,2002:p",
        ),
        ("? [a]\n: 1\n", ":1: a key is a list or a mapping"),
        ("a: 1\n---\nb: 2\n", ":2: is not YAML: "),
        ("a:\n\tb: 1\n", ":2: is not YAML: "),
        ("a: 1\nb: *c\n", ":2: is not YAML: found undefined alias"),
        ("a: '" + "x" * 100_000, ":1: is not YAML: "),
    ],
)
def test_refused_yaml_is_one_short_error_line(tmp_path, content, message):
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match=re.escape(f"{path}{message}")) as caught:
        load_yaml(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 200


def test_yaml_is_read_as_plain_values(tmp_path):
    path = write(
        tmp_path,
        "\ufeffa: &a {x: 1, y: [0.5, true, null]}\nb: {<<: *a, x: 2}\n"
        "date: 2026-13-45\nsign: =\nempty:\n",
    )
    assert load_yaml(path) == {
        "a": {"x": 1, "y": [0.5, True, None]},
        "b": {"x": 2, "y": [0.5, True, None]},
        "date": "2026-13-45",
        "sign": "=",
        "empty": None,
    }
    assert load_yaml(write(tmp_path, "")) is None


def test_yaml_that_is_written_is_read_again(tmp_path):
    values = {"tokens": ["1e5", "=", "yes", "2026-01-01", "0x1f", "~", "ب"], "n": 1e-05}
    values["again"] = values["tokens"]  # as an alias
    path = write(tmp_path, yaml.safe_dump(values, allow_unicode=True))
    assert load_yaml(path) == values


class Kind(enum.Enum):
    STATIC = "static"
    UNIFORM = "uniform"


@dataclasses.dataclass(frozen=True)
class Inner:
    order: int = option(3, at_least=1, at_most=6)
    counts: tuple[int, ...] = option((0,), at_least=0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    share: float = option(at_least=0, at_most=1)
    rate: float = option(0.5, above=0, below=1)
    limit: float = option(1.0, at_least=0, finite=False)
    count: int = 1
    output: str = option("flac", choices=("flac", "segments"))
    stream: str | int = option("best", choices=("best",), at_least=0)
    is_on: bool = False
    decay: float | None = option(None, above=0)
    words: tuple[str, ...] = ()
    names: Sequence[str] = ()
    pair: tuple[int, int] = (1, 4)
    lists: list[list[float]] = dataclasses.field(default_factory=list)
    table: dict[str, float] = option(default_factory=dict, convert=drop_none)
    free: Mapping[str, Any] | None = None
    place: Path | None = None
    kind: Kind = Kind.STATIC
    inner: Inner = dataclasses.field(default_factory=Inner)
    inners: dict[str, Inner | None] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        if self.rate > self.limit:
            raise ValueError(f"rate: {self.rate} is above limit {self.limit}")


def read_options(folder, text):
    return read_dataclass(Options, write(folder, "share: 0.5\n" + text))


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("count: 1e3", "count", 1000),
        ("count: '12'", "count", 12),
        ("count: 2.0e+3", "count", 2000),
        ("rate: 1e-4", "rate", 1e-4),
        ("limit: 3", "limit", 3.0),
        ("limit: .inf", "limit", math.inf),
        ("decay: null", "decay", None),
        ("decay: 5e-1", "decay", 0.5),
        ("stream: 2", "stream", 2),
        ("stream: best", "stream", "best"),
        ("words: [a, ب]", "words", ("a", "ب")),
        ("names: [a]", "names", ("a",)),
        ("pair: [2, 1e1]", "pair", (2, 10)),
        ("lists: [[1, 1e-1], []]", "lists", [[1.0, 0.1], []]),
        ("table: {a: 1, b: null}", "table", {"a": 1.0}),
        ("table: null", "table", {}),
        ("free: {a: [1, {b: 1e-4}]}", "free", {"a": [1, {"b": "1e-4"}]}),
        ("place: a/b", "place", Path("a/b")),
        ("kind: uniform", "kind", "uniform"),
        ("inner: {order: 2, counts: [0, 1]}", "inner", Inner(2, (0, 1))),
        ("inners: {a: {order: 1}, b: null}", "inners", {"a": Inner(1), "b": None}),
    ],
)
def test_a_value_is_converted_to_the_type_of_its_field(tmp_path, text, name, value):
    found = getattr(read_options(tmp_path, text), name)
    assert found == value and type(found) is type(value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("shar: 1", "'shar' is unknown; did you mean share? known: share, rate, limit"),
        ("zzz: 1", "'zzz' is unknown; known: share, rate, "),
        ("5: 1", "'5' is unknown; known: share"),
        ("share: 1.5", "share: 1.5 found, expected 0..1"),
        ("share: .nan", "share: nan found, expected 0..1"),
        ("count: .inf", "count: inf found, expected a whole number"),
        ("rate: 1", "rate: 1.0 found, expected above 0 and below 1"),
        ("rate: 1e400", "rate: inf found, expected above 0 and below 1"),
        ("limit: .nan", "limit: nan found, expected 0 or more"),
        ("limit: -.inf", "limit: -inf found, expected 0 or more"),
        ("decay: 0", "decay: 0.0 found, expected above 0"),
        ("decay: x", "decay: 'x' found, expected a number or null, above 0"),
        ("count: null", "count: null found, expected a whole number"),
        ("count: true", "count: true found, expected a whole number"),
        ("count: 2.5", "count: 2.5 found, expected a whole number"),
        ("count: 1e300", "count: '1e300' found, expected a whole number"),
        ("count: 2026-01-01", "count: '2026-01-01' found, expected a whole number"),
        ("count: [1]", "count: [1] found, expected a whole number"),
        ("is_on: 1", "is_on: 1 found, expected true or false"),
        ("is_on: 'true'", "is_on: 'true' found, expected true or false"),
        ("output: mp3", "output: 'mp3' found, expected flac, segments"),
        ("output: 5", "output: 5 found, expected flac, segments; put it in quotes"),
        ("stream: worst", "stream: 'worst' found, expected best or a whole number"),
        ("stream: -1", "stream: -1 found, expected 0 or more"),
        ("words: a", "words: 'a' found, expected a list of texts"),
        ("words: [no]", "words: item 1: false found, expected text; put it in quotes"),
        ("pair: [1]", "pair: [1] found, expected a list of 2 whole numbers"),
        ("pair: [1, x]", "pair: item 2: 'x' found, expected a whole number"),
        ("lists: [[1], [x]]", "lists: item 2: item 1: 'x' found, expected a number"),
        ("table: [1]", "table: [1] found, expected lines `option: value`"),
        ("table: {1: 2}", "table: key: 1 found, expected text; put it in quotes"),
        ("free: {a: {b: .nan}}", "free: a: b: nan found, expected a finite number"),
        ("free: 1", "free: 1 found, expected lines `option: value`"),
        ("place: 1", "place: 1 found, expected a path or null"),
        ("kind: other", "kind: 'other' found, expected static, uniform"),
        ("inner: 1", "inner: 1 found, expected lines `option: value`"),
        ("inner: {order: 7}", "inner: order: 7 found, expected 1..6"),
        ("inner: {ordre: 7}", "inner: 'ordre' is unknown; did you mean order?"),
        ("inners: {a: {counts: [-1]}}", "inners: a: counts: -1 found, expected 0 or"),
        ("limit: 0.1", "rate: 0.5 is above limit 0.1"),
        (f"count: {'x' * 9000}", "count: 'xxxx"),
        (f"{'x' * 900}: 1", "'xxxx"),
        (f"words: {{a: {list(range(9000))}}}", "words: {'a': [0, 1, 2, 3, 4, 5, ...]}"),
    ],
)
def test_a_wrong_option_is_one_short_line(tmp_path, text, message):
    (tmp_path / "base.yaml").write_text("share: 0.5\n")
    path = write(tmp_path, f"base: base.yaml\n{text}\n")
    with pytest.raises(ValueError, match=re.escape(f"{path}: {message}")) as caught:
        read_dataclass(Options, path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 400


def test_a_missing_option_is_named_with_the_config_that_has_it(tmp_path):
    path = write(tmp_path, "count: 1\n")
    with pytest.raises(ValueError, match="ب.yaml: share missing; add it, or take over"):
        read_dataclass(Options, path, see="conf/mine.yaml")
    with pytest.raises(FileNotFoundError, match="no such config; see conf/mine.yaml"):
        read_dataclass(Options, tmp_path / "none.yaml", see="conf/mine.yaml")


def test_only_options_that_are_allowed_may_be_given():
    with pytest.raises(ValueError, match="search: 'count' is unknown; known: share, r"):
        read_dataclass(
            Options, {"share": 1, "count": 2}, "search", only=("share", "rate")
        )


def test_options_that_are_built_are_checked_by_their_limits():
    check_options(Options(share=0.5), "--")
    with pytest.raises(ValueError, match="^--share: 2 found, expected 0..1$"):
        check_options(Options(share=2), "--")


def test_missing_configs_below_conf_are_those_of_the_package(tmp_path, monkeypatch):
    from hamzaban.config import SHIPPED, find_shipped, use_shipped

    monkeypatch.chdir(tmp_path)
    shipped = str(SHIPPED / "lm.yaml")
    assert use_shipped(["--config", "conf/lm.yaml"]) == ["--config", shipped]
    assert use_shipped(["--config=conf/lm.yaml"]) == [f"--config={shipped}"]
    for words in (["conf/none.yaml"], ["--", "conf/lm.yaml"], ["a=conf/lm.yaml"]):
        assert use_shipped(words) == words
    assert str(find_shipped("conf/../lm.yaml")) == "conf/../lm.yaml"
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "lm.yaml").write_text("a: 1")
    assert use_shipped(["--config", "conf/lm.yaml"]) == ["--config", "conf/lm.yaml"]


def test_base_below_conf_is_found_in_the_package(tmp_path):
    (tmp_path / "own.yaml").write_text("base: ../../../conf/lm.yaml\nmemory: 1G\n")
    values, files = read_config(tmp_path / "own.yaml")
    assert values["memory"] == "1G"
    assert files[0].name == "lm.yaml"
