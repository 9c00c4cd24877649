"""The verb analyse: classes of words, groups of utterances, spacing, confusions."""

import json

import numpy as np
import pytest
import soundfile

from hamzaban.bin import analyse_errors, score_text
from hamzaban.score.classes import make_classes
from hamzaban.score.sclite import score_pairs
from hamzaban.score.trn import Pair
from hamzaban.score.word_scripts import compute_main_script, find_borrowed, is_foreign

REFS = {
    "s1-a": "در سال ۱۴۰۳ شرکت Google آمد",
    "s1-b": "تهران زیبا و شهر ری است",
    "s2-a": "کتاب\u200cها را می\u200cخوانم",
    "s2-b": "خوب ؛ {است}",
}
HYPS = {
    "s1-a": "در سال ۱۴۰۴ شرکت آمد",
    "s1-b": "طهران زیبا و شهری است",
    "s2-a": "کتابها را می خوانم",
    "s2-b": "خوب ؛ {است} 5",
}


@pytest.fixture
def folder(tmp_path):
    """A scored set and its data directory."""
    folder = tmp_path / "تحلیل a"
    data = folder / "data"
    data.mkdir(parents=True)
    for name, lines in (("ref", REFS), ("hyp", HYPS)):
        text = "".join(f"{utt} {words}\n" for utt, words in lines.items())
        (folder / name).write_text(text, "utf-8")
    scp = ""
    for place, utt_id in enumerate(REFS):
        speech = np.full(1600 * (place + 1), 0.1 / 10**place, dtype=np.float32)
        soundfile.write(data / f"{utt_id}.wav", speech, 16000, subtype="FLOAT")
        scp += f"{utt_id} {data / utt_id}.wav\n"
    (data / "wav.scp").write_text(scp, "utf-8")
    speakers = "".join(f"{utt_id} {utt_id[:2]}\n" for utt_id in REFS)
    (data / "utt2spk").write_text(speakers, "utf-8")
    words = ["--ref", folder / "ref", "--hyp", folder / "hyp", "--output_dir", folder]
    score_text.main([*map(str, words), "--utt2spk", str(data / "utt2spk")])
    return folder


def analyse(folder, *words):
    output = folder / "out.json"
    options = ["--output", str(output), "--replicates", "200"]
    assert analyse_errors.main([str(folder), *map(str, words), *options]) == 0
    return json.loads(output.read_text("utf-8"))


def counts(found):
    names = ("num_words", "sub", "dele", "ins")
    return {c["name"]: tuple(c[n] for n in names) for c in found["classes"]}


def test_numbers_and_foreign_words_are_counted(folder, capsys):
    found = analyse(folder)
    assert counts(found) == {
        "numbers": (1, 1, 0, 1),
        "foreign": (1, 0, 1, 0),
        "script ARABIC": (15, 4, 1, 1),
        "script LATIN": (1, 0, 1, 0),
    }
    assert found["classes"][1]["missed"] == [["google", 1]]
    out = capsys.readouterr().out
    assert "numbers            1    1    0    1  200.00" in out
    assert "3 word errors differ in spaces and ZWNJ only" in out


def test_lists_of_words_and_phrases(folder):
    (folder / "names").write_text("# names\nتهران\nشهر ری\nGoogle\n", "utf-8")
    (folder / "numbers").write_text("سال\n", "utf-8")
    found = analyse(
        folder, "--word_lists", f"names={folder}/names", f"numbers={folder}/numbers"
    )
    # تهران wrong; of شهر ری a word wrong and one gone; Google gone
    assert counts(found)["names"][0] == 4
    assert sum(counts(found)["names"][1:]) == 4
    assert counts(found)["numbers"] == (2, 1, 0, 1)


def test_tags_of_words(folder):
    (folder / "tags").write_text("s1-b CITY - - CITY CITY -\ns2-b - - X\n", "utf-8")
    found = counts(analyse(folder, "--word_tags", folder / "tags"))
    assert found["CITY"][0] == 3 and sum(found["CITY"][1:]) == 3
    assert found["X"] == (1, 0, 0, 0)
    (folder / "tags").write_text("s1-b CITY\n", "utf-8")
    with pytest.raises(ValueError, match="tags:1: s1-b has 1 tags for 6"):
        analyse(folder, "--word_tags", folder / "tags")


def test_groups_of_utterances(folder):
    (folder / "utt2dialect").write_text("s1-a x\ns1-b y\ns2-a x\n", "utf-8")
    tags = ["--utt_tags", f"dialect={folder}/utt2dialect"]
    found = analyse(folder, "--data_dir", folder / "data", *tags)["groups"]
    assert [g["name"] for g in found["speaker"]] == ["s2", "s1"]
    rows = [(g["num_tokens"], g["errors"]) for g in found["speaker"]]
    assert rows == [(6, 4), (12, 5)]
    names = [g["name"] for g in found["duration"]]
    assert names[0] == "under 0.2 s" and sum(n.endswith("over") for n in names) == 1
    assert found["level"][0]["name"] == "under -65.0 dB"
    for groups in found.values():
        assert sum(g["num_utterances"] for g in groups) == 4
        assert sum(g["errors"] for g in groups) == 9
    assert {g["name"] for g in found["dialect"]} == {"x", "y", "not tagged"}


def test_rates_with_and_without_spaces_and_zwnj(folder):
    spelling = {(v["kind"], v["name"]): v for v in analyse(folder)["spelling"]}
    assert spelling["wer", "as scored"]["errors"] == 9
    assert spelling["wer", "ZWNJ left out"]["errors"] == 8  # کتابها is right
    assert spelling["wer", "ZWNJ as a space"]["errors"] == 8  # می خوانم is right
    with_all = spelling["cer", "as scored"]
    without = spelling["cer", "spaces and ZWNJ left out"]
    assert without["errors"] < with_all["errors"]
    letters = "".join(REFS.values()).replace(" ", "").replace("\u200c", "")
    assert without["size"] == len(letters)


def test_confusions_have_counts_and_no_escapes(folder):
    found = analyse(folder, "--top", "3")
    assert ["۱۴۰۳", "۱۴۰۴", 1] in found["words"]["substituted"]
    assert len(found["words"]["substituted"]) == 3
    assert found["characters"]["substituted"][0][2] == 1
    text = json.dumps(found, ensure_ascii=False)
    assert "<U+" not in text and "۱۴۰۳" in text


def test_wrong_data_directory_or_list_is_named(folder):
    (folder / "data" / "utt2spk").write_text("s1-a s1\n", "utf-8")
    with pytest.raises(ValueError, match="is not in utt2spk; give the data directory"):
        analyse(folder, "--data_dir", folder / "data")
    with pytest.raises(ValueError, match="expected NAME=FILE"):
        analyse(folder, "--word_lists", "names")
    (folder / "empty").write_text("# nothing\n", "utf-8")
    with pytest.raises(ValueError, match="no entry"):
        analyse(folder, "--word_lists", f"names={folder}/empty")
    with pytest.raises(ValueError, match="needs --data_dir"):
        analyse(folder, "--utt_tags", f"x={folder}/ref")


def test_foreign_is_relative_to_the_script_of_the_text():
    assert compute_main_script([["سلام", "Hi"]]) == "ARABIC"
    assert compute_main_script([["123"]]) == ""
    assert is_foreign("USB3", "ARABIC") and not is_foreign("۱۲۳", "ARABIC")
    assert not is_foreign("مــی\u200cروم", "ARABIC")
    assert not is_foreign("カタカナ漢字", "CJK") and is_foreign("дом", "LATIN")


def test_letters_that_an_alphabet_borrows_are_not_foreign():
    """African alphabets write Greek epsilon and theta among Latin letters."""
    words = [
        "nz\u03b5mbi",
        "\u03b5",
        "\u025bb\u0254ŋ\u02bc",
        "\u03b8a\u03b8a",
        "ok",
        "дом",
    ]
    scored = score_pairs([Pair("(s-1)", words, words)])
    classes = {c.name: c.mark_ref("(s-1)", words) for c in make_classes(scored, {})}
    assert classes["foreign"] == [False] * 5 + [True]
    assert {name for name in classes if name.startswith("script")} == {
        *("script CYRILLIC", "script LATIN")
    }
    assert classes["script LATIN"] == [True] * 5 + [False]
    assert find_borrowed([["al-كتاب", "الGoogle"]], "ARABIC") == frozenset()
    assert is_foreign("الGoogle", "ARABIC")
