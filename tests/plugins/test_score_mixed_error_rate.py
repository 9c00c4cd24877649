"""Mixed error rate and error rates by script and by language."""

import json

import pytest

from hamzaban.bin import analyse_errors, score_text, show_results
from hamzaban.score.mixed_error_rate import split_mixed
from hamzaban.score.word_scripts import compute_word_script


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("من یک laptop خریدم", ["من", "یک", "laptop", "خریدم"]),
        ("می\u200cروم خانه", ["می\u200cروم", "خانه"]),  # ZWNJ does not end a word
        ("\u200cمی\u200c روم\u200c", ["\u200cمی\u200c", "روم\u200c"]),
        ("我要去 shopping 了", ["我", "要", "去", "shopping", "了"]),
        ("USB接口坏了", ["USB", "接", "口", "坏", "了"]),
        ("第3章", ["第", "3", "章"]),
        ("カレーライス 二〇", ["カ", "レ", "ー", "ラ", "イ", "ス", "二", "〇"]),
        ("مرحبا你好", ["مرحبا", "你", "好"]),
        ("น้ำ ok", ["น้", "ำ", "ok"]),  # the tone mark stays on its letter
        ("안녕 하세요", ["안녕", "하세요"]),  # Hangul has spaces
        ("لـUSB را", ["لـUSB", "را"]),
        ("कि\u200dताब", ["कि\u200dताब"]),
        ("", []),
        ("  ", []),
    ],
)
def test_text_is_split_in_the_unit_of_each_script(text, tokens):
    assert split_mixed(text) == tokens


@pytest.mark.parametrize(
    ("word", "script"),
    [("سلام", "ARABIC"), ("لـUSB", "LATIN"), ("接口", "CJK"), ("12", ""), ("", "")],
)
def test_script_of_a_word_is_that_of_most_letters(word, script):
    assert compute_word_script(word) == script


def write(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{key} {rest}\n" for key, rest in lines.items()), "utf-8")
    return path


def test_mixed_error_rate_is_reported_beside_the_others(tmp_path, capsys):
    ref = write(tmp_path / "مجموعه a" / "text", {"s-1": "我要去 shopping 了"})
    hyp = write(tmp_path / "hyp", {"s-1": "我去 shoping 了"})
    exp = tmp_path / "exp" / "asr_x" / "greedy" / "test"
    words = ["--ref", ref, "--hyp", hyp, "--output_dir", exp, "--mer", "true"]
    assert score_text.main([str(word) for word in words]) == 0
    out = capsys.readouterr().out
    assert "MER 40.00 % of 5 words and characters" in out  # 要 deleted, one substituted
    assert "WER 66.67 % of 3 words" in out
    assert (exp / "score_mer" / "result.txt").is_file()
    assert show_results.main([str(tmp_path / "exp" / "asr_x")]) == 0
    assert "### MER" in capsys.readouterr().out
    assert score_text.main([str(word) for word in words[:-2]]) == 0
    assert not (exp / "score_mer" / "result.txt").exists()  # not left from before


def test_each_utterance_is_normalized_and_scored_by_its_language(tmp_path, capsys):
    data = tmp_path / "داده a"
    # Urdu keeps what Arabic folds; yeh and kaf of the other code points are equal.
    write(data / "text", {"f-1": "كتابي", "f-2": "خانه من", "u-1": "اچھا گھر"})
    write(data / "utt2lang", {"f-1": "fa", "f-2": "fa", "u-1": "ur"})
    hyp = write(tmp_path / "hyp", {"f-1": "کتابی", "f-2": "خانه", "u-1": "اچھا گھر"})
    words = ["--ref", data / "text", "--hyp", hyp, "--lang", "mul"]
    assert score_text.main([str(word) for word in words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("WER 20.00 % of 5 words in 3 utterances")
    assert "mul(fa=fa-score/" in lines[0] and ",ur=ur-score/" in lines[0]
    assert lines[1].startswith("  fa: WER 33.33 % of 3 words in 2 utterances")
    assert lines[2].startswith("  ur: WER 0.00 % of 2 words in 1 utterances")
    assert any(line.startswith("WER 40.00 %") for line in lines)  # raw


def test_several_languages_need_utt2lang(tmp_path):
    ref = write(tmp_path / "text", {"a": "x"})
    words = ["--ref", str(ref), "--hyp", str(ref), "--lang", "mul"]
    with pytest.raises(FileNotFoundError, match="utt2lang: no such file; --lang mul"):
        score_text.main(words)
    write(tmp_path / "utt2lang", {"b": "fa"})
    with pytest.raises(ValueError, match="utterance a is missing; add its language"):
        score_text.main(words)


def test_switched_text_has_an_error_rate_for_each_script(tmp_path, capsys):
    ref = write(tmp_path / "text", {"a": "من یک laptop new خریدم", "b": "خوب ok"})
    hyp = write(tmp_path / "hyp", {"a": "من لپتاپ new خریدم", "b": "خوب ok yes"})
    words = ["--ref", ref, "--hyp", hyp, "--output_dir", tmp_path / "scored"]
    score_text.main([str(word) for word in words])
    output = tmp_path / "found.json"
    words = [tmp_path / "scored", "--output", output, "--replicates", "100"]
    assert analyse_errors.main([str(word) for word in words]) == 0
    found = {c["name"]: c for c in json.loads(output.read_text("utf-8"))["classes"]}
    latin, arabic = found["script LATIN"], found["script ARABIC"]
    assert (latin["num_words"], latin["sub"] + latin["dele"], latin["ins"]) == (3, 1, 1)
    assert (arabic["num_words"], arabic["sub"] + arabic["dele"]) == (4, 1)
    assert "script LATIN" in capsys.readouterr().out


@pytest.fixture
def routed(tmp_path):
    """A set of two languages, decoded and scored both ways; u-1 was misrouted."""
    data = tmp_path / "dump" / "test"
    texts = {"f-1": "خانه من", "f-2": "کتاب", "u-1": "اچھا گھر ہے"}
    write(data / "text", texts)
    write(data / "utt2lang", {"f-1": "fa", "f-2": "fa", "u-1": "ur"})
    write(data / "utt2spk", {"f-1": "f", "f-2": "f", "u-1": "u"})
    found = {
        "oracle": {**texts, "f-1": "خانه", "u-1": "اچھا گھر"},
        "predicted": {**texts, "f-1": "خانه", "u-1": "اچه"},
    }
    for name, hyp in found.items():
        folder = tmp_path / "exp" / name / "test"
        write(folder / "text", hyp)
        write(folder / "utt2lang", {"f-1": "fa", "f-2": "fa", "u-1": "fa"})
        words = ["--ref", data / "text", "--hyp", folder / "text"]
        words += ["--utt2spk", data / "utt2spk", "--output_dir", folder]
        score_text.main([str(word) for word in words])
    return tmp_path


def measure(root, *words):
    options = [
        "--by",
        "routing",
        "--oracle",
        root / "exp/oracle",
        "--predicted",
        root / "exp/predicted",
    ]
    options += ["--data_dir", root / "dump/test", *words]
    return analyse_errors.main([str(word) for word in options])


def test_routing_errors_are_reported_for_all_and_for_misrouted_utterances(
    routed, capsys
):
    capsys.readouterr()
    assert measure(routed, "--output", routed / "cost.md") == 0
    out = capsys.readouterr().out
    assert (routed / "cost.md").read_text("utf-8") == out
    rows = {line.split("|")[1]: line.split("|")[2:-1] for line in out.splitlines()[:-1]}
    assert rows["fa"] == ["2", "100.00", "33.33", "33.33", "0.00", "0", "", ""]
    assert rows["ur"] == [
        "1",
        "0.00",
        "33.33",
        "100.00",
        "66.67",
        "1",
        "33.33",
        "100.00",
    ]
    assert rows["all"][:5] == ["3", "66.67", "33.33", "66.67", "33.33"]
    assert rows["all"][5:] == ["1", "33.33", "100.00"]
    assert out.splitlines()[-1] == "ur taken for fa: 1"


def test_routing_of_other_references_is_refused(routed):
    (routed / "exp/predicted/test/utt2lang").unlink()
    with pytest.raises(FileNotFoundError, match="decode-asr chose with `language: pre"):
        measure(routed)
    write(routed / "exp/predicted/test/utt2lang", {"f-1": "fa", "f-2": "fa"})
    with pytest.raises(ValueError, match="utterance u-1 is missing"):
        measure(routed)
