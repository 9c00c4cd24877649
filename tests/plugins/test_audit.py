"""audit-text and normalize-data: what they find, write, and refuse."""

import pytest

from hamzaban.bin import audit_text, normalize_data
from hamzaban.validate.directory import CheckOptions, validate_data_dir

TEXTS = {
    "s-u1": "كتاب‌ها، یک",
    "s-u2": "سلام café",
    "s-u3": "سلام دنیا",
    "s-u4": "é!",
    "t-u5": "خانه",
}


@pytest.fixture
def data(tmp_path):
    """A data directory whose name has a blank."""
    folder = tmp_path / "train داده x"
    folder.mkdir()
    files = {
        "text": TEXTS,
        "utt2spk": {utt_id: utt_id[0] for utt_id in TEXTS},
        "wav.scp": {utt_id: f"audio/{utt_id}.flac" for utt_id in TEXTS},
        "utt2num_samples": dict.fromkeys(TEXTS, "16000"),
    }
    for name, lines in files.items():
        write(folder / name, lines)
    write(folder / "spk2utt", {"s": "s-u1 s-u2 s-u3 s-u4", "t": "t-u5"})
    return folder


def write(path, lines):
    text = "".join(f"{key} {rest}\n" for key, rest in lines.items())
    path.write_text(text, encoding="utf-8")


def read(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict((line.split(" ", 1) + [""])[:2] for line in lines)


def audit(*words):
    return audit_text.main(["--lang", "fa", *map(str, words)])


def test_characters_are_counted_and_located(data, capsys):
    assert audit("--max_foreign", "1", data, data / "text") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("6 of 10 utterances (60.00%) have characters outside")
    assert "the alphabet of fa-train/2:" in lines[0]
    at = lines.index(
        "U+00E9 é LATIN SMALL LETTER E WITH ACUTE: 4 times in 4 utterances (40.00%)"
    )
    assert lines[at + 1 : at + 3] == [
        f"    {data / 'text'}:2: s-u2",
        f"    {data / 'text'}:4: s-u4",
    ]
    assert "U+060C ، ARABIC COMMA: 2 times in 2 utterances (20.00%)" in lines


def test_too_many_foreign_characters_are_an_error_that_names_lines(data):
    with pytest.raises(ValueError) as found:
        audit(data)
    message = str(found.value)
    assert "3 of 5 utterances (60.00%)" in message and "\n" not in message
    assert f"in 2 (first {data / 'text'}:2: s-u2)" in message
    assert "at most 1.00% may" in message
    assert audit("--allow", "é،!كcaf", data) == 0


def test_policies_write_a_cleaned_directory(data, tmp_path):
    options = ("--max_foreign", "0.8", "--policy", "drop-char", "--output_dir")
    assert audit(*options, tmp_path / "out", data) == 0
    text = read(tmp_path / "out" / "text")
    assert text == {
        "s-u1": "تاب\u200cها یک",
        "s-u2": "سلام caf",
        "s-u3": "سلام دنیا",
        "t-u5": "خانه",  # nothing is left of s-u4
    }
    assert is_valid(tmp_path / "out")

    options = ("--max_foreign", "0.8", "--policy", "drop-utterance", "--output_dir")
    assert audit(*options, data, data) == 0  # in place
    for name in ("text", "utt2spk", "wav.scp", "utt2num_samples"):
        assert list(read(data / name)) == ["s-u3", "t-u5"]
    assert is_valid(data)


def is_valid(data_dir):
    options = CheckOptions(audio="none", no_wav=True)
    return not validate_data_dir(data_dir, options)[0].num_errors


def test_nothing_is_written_over_the_limit(data, tmp_path):
    words = ("--policy", "drop-char", "--output_dir", tmp_path / "out")
    with pytest.raises(ValueError, match="outside the alphabet"):
        audit(*words, data)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_options_that_contradict_each_other_are_errors(data, tmp_path):
    with pytest.raises(ValueError, match="drop-char writes a data directory; give"):
        audit("--policy", "drop-char", data)
    with pytest.raises(ValueError, match="expected one data directory"):
        audit("--output_dir", tmp_path / "out", data / "text")
    with pytest.raises(ValueError, match="expected 0..1"):
        audit("--max_foreign", "5", data)
    with pytest.raises(ValueError, match="has no alphabet"):
        audit_text.main(["--lang", "xx", "--output_dir", "out", str(data)])
    assert audit_text.main(["--lang", "xx", str(data)]) == 0
    with pytest.raises(FileNotFoundError, match="expected a data directory with text"):
        audit(tmp_path / "none")


def test_a_language_without_alphabet_is_not_audited(data, capsys):
    assert audit_text.main(["--lang", "xx", str(data)]) == 0
    assert "has no alphabet: nothing to compare with" in capsys.readouterr().out


def test_bytes_that_are_not_utf8_are_located(data):
    with open(data / "text", "ab") as stream:
        stream.write(b"t-u6 \xff\n")
    with pytest.raises(ValueError, match=r"text:6: not UTF-8"):
        audit(data)


def test_normalize_data_keeps_all_files_in_step(data, tmp_path, capsys):
    words = ["--lang", "fa", "--max_drop", "0.3", str(data), str(tmp_path / "out")]
    assert normalize_data.main(words) == 0
    printed = capsys.readouterr().out
    assert "5 utterances of" in printed and "2 transcripts changed" in printed
    assert "0 left out; normalizer fa-train/2:" in printed
    text = read(tmp_path / "out" / "text")
    assert text["s-u1"] == "کتاب\u200cها یک" and text["s-u4"] == "é"
    assert is_valid(tmp_path / "out")
    before = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    normalize_data.main([*words[:4], str(tmp_path / "out"), str(tmp_path / "out")])
    assert before == {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}


def test_transcripts_that_become_empty_are_left_out(data, tmp_path, caplog):
    write(data / "text", {**TEXTS, "s-u3": "؟!"})
    words = ["--lang", "fa", str(data), str(tmp_path / "out")]
    with pytest.raises(ValueError, match="1 of 5 utterances would be left .* s-u3;"):
        normalize_data.main(words)
    assert normalize_data.main([*words, "--max_drop", "0.2"]) == 0
    assert "1 of 5 utterances left out" in caplog.text
    assert "s-u3" not in read(tmp_path / "out" / "wav.scp")
    assert is_valid(tmp_path / "out")


def test_files_that_differ_in_their_ids_are_an_error(data, tmp_path):
    with open(data / "text", "a", encoding="utf-8") as stream:
        stream.write("t-u6 سلام\n")
    with pytest.raises(ValueError, match="text has 6 utterances, utt2spk 5"):
        normalize_data.main(["--lang", "fa", str(data), str(tmp_path / "out")])


@pytest.mark.parametrize("lang", ["ur", "fa", "ar", "ckb"])
def test_romanized_utterances_are_counted_with_their_share(tmp_path, capsys, lang):
    """Latin letters are in these alphabets, for words of other languages."""
    lines = {"u1": "aap kaise hain 5", "u2": "سلام ok", "u3": "سلام", "u4": "12"}
    write(tmp_path / "text", lines | {"u5": "main theek hoon"})
    assert audit_text.main(["--lang", lang, str(tmp_path / "text")]) == 0
    out = capsys.readouterr().out.splitlines()
    what = "utterances in LATIN letters alone, not ARABIC"
    at = out.index(f"{what}: 2 times in 2 utterances (40.00%)")
    assert out[at + 1 : at + 3] == [
        f"    {tmp_path}/text:1: u1", f"    {tmp_path}/text:5: u5",
    ]  # fmt: skip
