"""The further report files of sclite, equal to those that sclite itself writes."""

import random
import re
import subprocess
from pathlib import Path

import pytest
from test_score_like_sclite import FAMILIES, OPTIONS, write_pair, write_time_marked

from hamzaban.bin import score_text
from hamzaban.score.programs import find_program
from hamzaban.score.report_files import SUFFIXES, parse_outputs
from hamzaban.score.results import read_result

DATE = re.compile(r'(creation_date=|Creation date: )"[^"]*"')


def run_ours(folder: Path, *options: str, ref="ref.trn", hyp="hyp.trn") -> Path:
    words = ["--ref", folder / ref, "--hyp", folder / hyp, "--scorer", "own"]
    words += ["--output_dir", folder / "ours", "--outputs", "all", *options]
    assert score_text.main([str(word) for word in words]) == 0
    return folder / "ours" / "score_wer"


def run_sclite(scored: Path, *options: str) -> Path:
    """Run sclite on the trn files that were scored; return its folder."""
    folder = scored / "sclite"
    folder.mkdir()
    for name in ("ref.trn", "hyp.trn"):
        (folder / name).write_bytes((scored / name).read_bytes())
    words = [*find_program("sclite"), *options, "-r", "ref.trn", "trn", "-h", "hyp.trn"]
    title = read_result(scored / "result.txt").normalizer
    words += ["trn", f"hyp.trn, normalizer {title}", "-i", "rm", "-f", "0", "-o"]
    words += [name for name in SUFFIXES if name != "lur"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return folder


def read(path: Path) -> str:
    # sclite prints stray bytes in place of long rows of asterisks, hence `replace`
    return DATE.sub("DATE", path.read_text("utf-8", errors="replace"))


@pytest.mark.needs("sclite")
@pytest.mark.parametrize("size", [60, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("family", FAMILIES)
def test_reports_are_those_of_sclite(family, size, tmp_path):
    options, draw = FAMILIES[family]
    write_pair(tmp_path, random.Random(f"{family} {size} reports"), size, draw)
    ours = run_ours(tmp_path, *(word for o in options for word in OPTIONS[o]))
    theirs = run_sclite(ours, *options)
    for name, suffix in SUFFIXES.items():
        if name != "lur":
            mine, other = (read(f / f"hyp.trn.{suffix}") for f in (ours, theirs))
            assert mine == other, name


def list_cells(text: str) -> list[list[str]]:
    lines = [line.strip() for line in text.splitlines() if "%WE" not in line]
    rows = [[" ".join(c.split()) for c in line.strip("|").split("|")] for line in lines]
    rows = [[cell for cell in row if cell.strip("-=+,.`' ")] for row in rows]
    return [row for row in rows if row]


@pytest.mark.needs("sclite")
@pytest.mark.parametrize("seed", range(6))
def test_rates_by_label_are_those_of_sclite(seed, tmp_path):
    write_time_marked(tmp_path, random.Random(seed), 20)
    stm = tmp_path / "ref.stm"
    head = ';; CATEGORY "1" "Conditions" ""\n;; LABEL "f0" "Clean" "clean speech"\n'
    head += ';; LABEL "f1" "Noisy" "noise"\n;; LABEL "male" "Men" "m"\n'
    head += ';; LABEL "female" "Women" "w"\n'
    stm.write_text(head + stm.read_text("utf-8"), "utf-8")
    ours = run_ours(tmp_path, ref="ref.stm", hyp="hyp.ctm")
    words = [*find_program("sclite"), "-r", "ref.stm", "stm", "-h", "hyp.ctm", "ctm"]
    words += ["hyp.trn, normalizer raw", "-f", "0", "-o", "lur"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    mine, theirs = (
        list_cells(read(path))
        for path in (ours / "hyp.trn.lur", tmp_path / "hyp.ctm.lur")
    )
    assert mine == theirs


def test_only_the_reports_asked_for_are_there(tmp_path):
    write_pair(tmp_path, random.Random(1), 5, lambda rng: "a b")
    folder = run_ours(tmp_path)
    assert {path.name for path in folder.iterdir()} == {
        *("ref.trn", "hyp.trn", "result.txt"),
        *(f"hyp.trn.{suffix}" for suffix in SUFFIXES.values()),
    }
    run_ours(tmp_path, "--outputs", "dtl")
    names = {path.name for path in folder.iterdir()}
    assert names == {"ref.trn", "hyp.trn", "result.txt", "hyp.trn.dtl"}


def test_a_report_of_another_name_is_refused():
    with pytest.raises(
        ValueError, match="--outputs 'sums' is unknown; known: all, sum"
    ):
        parse_outputs("dtl,sums")


def test_reports_need_a_folder(tmp_path):
    write_pair(tmp_path, random.Random(1), 5, lambda rng: "a b")
    words = ["--ref", str(tmp_path / "ref.trn"), "--hyp", str(tmp_path / "hyp.trn")]
    with pytest.raises(ValueError, match="--outputs needs --output_dir"):
        score_text.main([*words, "--outputs", "sum"])
