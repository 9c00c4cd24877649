"""Accepted spellings and several references; the list of spellings to accept."""

import pytest

from hamzaban.bin import list_variants, score_text
from hamzaban.score.systems import read_folder
from hamzaban.score.variants import read_variants
from hamzaban.text.spellings import find_spellings, make_key


def write(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def score(folder, *options):
    words = ["--ref", folder / "ref", "--hyp", folder / "hyp", "--scorer", "own"]
    assert score_text.main([str(word) for word in [*words, *options]]) == 0


def test_each_accepted_spelling_counts_as_right(tmp_path, capsys):
    write(tmp_path / "ref", "u1 the colour of it", "u2 gray dog", "u3 web site")
    write(tmp_path / "hyp", "u1 the color of it", "u2 grey dog", "u3 website")
    score(tmp_path)
    assert "(sub 3, del 1, ins 0)" in capsys.readouterr().out.splitlines()[0]
    file = write(
        *(tmp_path / "v", "colour / color", "# a comment", "", "grey / gray  # both"),
        "website / web site / web-site",
    )
    score(tmp_path, "--variants", file, "--output_dir", tmp_path / "out")
    wer, cer = capsys.readouterr().out.splitlines()[:2]
    assert "WER 0.00 % of 7 words" in wer
    assert "normalizer raw+variants_" in wer
    assert "CER 0.00 %" in cer
    found = read_folder(tmp_path / "out" / "score_wer")
    assert found.counts[:, 1:].sum() == 0


def test_spellings_are_normalized_as_the_references_are(tmp_path, capsys):
    write(tmp_path / "ref", "u1 مسئول بزرگ")
    write(tmp_path / "hyp", "u1 مسوول بزرگ")
    file = write(tmp_path / "v", "مسئول / مسؤول / مسوول")
    score(tmp_path, "--variants", file, "--lang", "fa")
    assert "WER 0.00 % of 2 words" in capsys.readouterr().out


def test_the_best_of_several_references_counts(tmp_path, capsys):
    write(tmp_path / "ref", "u1 I am going to go", "u2 yes", "u3 a b")
    write(tmp_path / "hyp", "u1 I'm gonna go", "u2 yeah", "u3 a c")
    second = write(tmp_path / "second", "u1 I'm gonna go", "u2 yeah")
    score(tmp_path, "--more_refs", second)
    line = capsys.readouterr().out.splitlines()[0]
    assert "WER 16.67 % of 6 words in 3 utterances (sub 1, del 0, ins 0)" in line
    assert line.endswith("normalizer raw+refs2")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a"], "v:1: 'a' found, expected two spellings"),
        (["a / b", "c / / d"], "v:2: 'c / / d' found"),
        (["a / b", "c / b"], "v:2: 'b' is also on line 1; put all its spellings"),
    ],
)
def test_a_malformed_file_of_variants_is_one_line(lines, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        read_variants(write(tmp_path / "v", *lines))


def test_references_of_other_utterances_are_refused(tmp_path):
    write(tmp_path / "ref", "u1 a")
    write(tmp_path / "hyp", "u1 a")
    with pytest.raises(ValueError, match="utterance 'u2' is not in"):
        score(tmp_path, "--more_refs", write(tmp_path / "second", "u2 b"))


def test_alternatives_in_a_reference_stay(tmp_path):
    variants = read_variants(write(tmp_path / "v", "a b / ab"))
    assert str(variants.apply("x a b y")) == "x { a b / ab } y"
    assert variants.apply("x y") == "x y"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("کتاب\u200cها", "کتابها"),
        ("مسئول", "مسؤول"[:2] + "ئول"),
        ("إسلام", "اسلام"),
        ("Mohammed", "mohamed"),
        ("عَلَی", "علي"),
    ],
)
def test_spellings_of_one_word_have_one_key(one, other):
    assert make_key(one) == make_key(other)


def test_different_words_have_different_keys():
    assert make_key("باران") != make_key("بهاران")


def test_spellings_are_listed_as_comments_that_can_be_accepted(tmp_path, capsys):
    lines = ["u1 کتاب ها خوب", "u2 کتاب ها کتابها", "u3 کتابها", "u4 کتاب\u200cها"]
    text = write(tmp_path / "text", *lines)
    assert list_variants.main([str(text), "--min_count", "1"]) == 0
    printed = capsys.readouterr().out
    accepted = printed.replace("# کتاب", "کتاب")
    variants = read_variants(write(tmp_path / "v", *accepted.splitlines()))
    assert variants.groups[("کتابها",)] == [
        *(("کتابها",), ("کتاب", "ها"), ("کتاب\u200cها",)),
    ]
    assert not read_variants(write(tmp_path / "v", *printed.splitlines())).groups
    assert list_variants.main([str(text), "--output", str(tmp_path / "out")]) == 0
    assert "1 groups of spellings" in capsys.readouterr().out


def test_rare_spellings_and_short_words_are_left_out():
    assert find_spellings(["ها هة"] * 5) == []
    assert find_spellings(["کتاب", "کتاب", "كتاب"]) == []
