"""Global map files, applied by NIST's csrfilt."""

import pytest

from hamzaban.bin import score_text
from hamzaban.score import glm

RULES = """;; a global map
* name "test.glm"
* desc "a map for tests"
* format = 'NIST1'
* max_nrules = '10'
* copy_no_hit = 'T'
* case_sensitive = 'F'
[GONNA] => [GOING TO] / [ ] __ [ ]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "en.glm").write_text(RULES, "utf-8")
    (tmp_path / "ref.trn").write_text("i am going to خانه (s-1)\n", "utf-8")
    (tmp_path / "hyp.trn").write_text("i am gonna خانه (s-1)\n", "utf-8")
    return tmp_path


def score(folder, *options, hyp="hyp.trn"):
    words = ["--ref", folder / "ref.trn", "--hyp", folder / hyp, "--scorer", "own"]
    words += ["--glm", folder / "en.glm", *options]
    return score_text.main([str(word) for word in words])


@pytest.mark.needs("sclite")
def test_both_sides_are_mapped(folder, capsys):
    assert score(folder) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert "WER 0.00 % of 5 words in 1 utterances" in line
    assert "normalizer raw+glm_" in line


def test_without_csrfilt_one_line_says_how_to_get_it(folder, monkeypatch):
    monkeypatch.setattr(glm, "find_program", lambda name: None)
    with pytest.raises(FileNotFoundError, match="csrfilt.sh: not installed, but --glm"):
        score(folder)


def test_what_cannot_be_filtered_is_refused(folder):
    (folder / "hyp").write_text("1 a\n", "utf-8")
    with pytest.raises(ValueError, match="--glm and --lang both normalize"):
        score(folder, "--lang", "fa")
    (folder / "en.glm").unlink()
    with pytest.raises(FileNotFoundError, match=r"--glm .*en.glm: no such file"):
        score(folder)


@pytest.mark.needs("sclite")
def test_a_form_without_a_filter_is_refused(folder):
    (folder / "hyp").write_text("s-1 a\n", "utf-8")
    with pytest.raises(ValueError, match="--glm filters .trn, .stm and .ctm, but not"):
        score(folder, hyp="hyp")
