"""Tables that other programs damaged: read where that is sure, else named by place."""

import json
import re

import pytest
from own_corpus import SENTENCES, import_data, make_table, read_sets

from hamzaban.score.trn import read_text, read_trn
from hamzaban.utf8 import read_utf8_lines
from published.speech import write_audio

HEAD = "file,text,speaker"


@pytest.fixture
def corpus(tmp_path):
    """Nine recordings; `rows` writes a table of them."""
    for k in range(9):
        write_audio(tmp_path / "wavs" / f"{k}.wav", SENTENCES[k], seed=k)

    def rows(delimiter=",", head=HEAD):
        lines = [f"wavs/{k}.wav,{SENTENCES[k]},s{k % 3}" for k in range(9)]
        return [line.replace(",", delimiter) for line in [head, *lines]]

    return tmp_path, rows


def write(path, lines, encoding="utf-8", end="\n"):
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    return path


def count_utts(data):
    return sum(map(len, read_sets(data, "text").values()))


def test_a_line_that_names_the_delimiter_is_not_read_as_columns(corpus):
    folder, rows = corpus
    lines = ["sep=;", *rows(";")]
    import_data(write(folder / "a.csv", lines, "utf-8-sig"), folder / "data")
    assert count_utts(folder / "data") == 9


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_what_excel_calls_unicode_text_is_read(corpus, encoding, caplog):
    folder, rows = corpus
    (folder / encoding).mkdir()
    table = write(folder / encoding / "a.csv", rows("\t"), encoding, "\r\n")
    import_data(table, folder / "data", "--audio_dir", folder)
    assert count_utts(folder / "data") == 9
    assert caplog.text.count("read as utf-16") == (encoding == "utf-16")


def test_utf16_without_a_mark_is_named_with_its_remedy(corpus):
    folder, rows = corpus
    table = write(folder / "a.csv", rows(), "utf-16-le")
    with pytest.raises(ValueError, match="a.csv:1: UTF-16LE .*iconv -f UTF-16LE -t"):
        import_data(table, folder / "data")


def test_a_carriage_return_in_a_value_is_a_space(corpus, caplog):
    folder, rows = corpus
    lines = rows()
    lines[4] = lines[4].replace(" ", "\r", 1)
    import_data(write(folder / "a.csv", lines), folder / "data")
    assert count_utts(folder / "data") == 9
    assert SENTENCES[3] in sum(read_sets(folder / "data", "text").values(), [])
    assert "a.csv:5: a carriage return" in caplog.text


def test_a_table_with_the_line_ends_of_old_macs_is_read(corpus):
    folder, rows = corpus
    import_data(write(folder / "a.csv", rows(), end="\r"), folder / "data")
    assert count_utts(folder / "data") == 9


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("s0", "s0,x", r"4 fields, expected 3 .*after column 'speaker' \('s0'\) .*'x'"),
        (",s0", "", r"2 fields, expected 3 .*the row ends after column 'text'.*'speak"),
    ],
)
def test_a_row_of_another_length_is_named_with_its_values(corpus, old, new, message):
    folder, rows = corpus
    lines = rows()
    lines[4] = lines[4].replace(old, new)
    with pytest.raises(ValueError, match=rf"a.csv:5: {message}.*; correct the line"):
        import_data(write(folder / "a.csv", lines), folder / "data")


def test_rows_of_nothing_but_delimiters_are_skipped(corpus):
    folder, rows = corpus
    import_data(write(folder / "a.csv", [*rows(), ",,", ",,,,"]), folder / "data")
    assert count_utts(folder / "data") == 9


def test_a_byte_that_is_not_utf8_is_named_with_line_and_column(corpus):
    folder, rows = corpus
    table = write(folder / "a.csv", rows())
    table.write_bytes(table.read_bytes().replace(b",s0", b"\xe3,s0", 2))
    place = len(rows()[1]) - len("s0")
    with pytest.raises(
        ValueError, match=rf"a.csv:2: not UTF-8 .*0xE3 in column {place}"
    ):
        import_data(table, folder / "data")


def test_identical_rows_are_counted_and_dropped_up_to_max_drop(corpus, caplog):
    caplog.set_level("INFO")
    folder, rows = corpus
    lines = rows()
    table = write(folder / "a.csv", [*lines, lines[3], lines[3]])
    options = ("--ignore_split", "true", "--keep_shared", "true")
    with pytest.raises(ValueError, match=r"repeats an earlier row: 2, .*a.csv:11"):
        import_data(table, folder / "data", *options)
    assert not list((folder / "data").rglob("text"))
    import_data(table, folder / "data", *options, "--max_drop", "0.5")
    assert count_utts(folder / "data") == 9
    assert "2 left out: repeats an earlier row" in caplog.text
    assert re.search(r"repeats an earlier row, .*a.csv:11.*, as .*a.csv:4", caplog.text)


@pytest.mark.parametrize("keep", [True, False])
def test_rows_of_one_id_that_differ_stop_and_are_named_by_both_lines(corpus, keep):
    folder, rows = corpus
    lines = ["id," + rows()[0], *(f"u{n},{row}" for n, row in enumerate(rows()[1:]))]
    other = lines[6].replace("u5", "u2")
    repeats = [lines[3]] * keep
    table = write(folder / "a.csv", [*lines, *repeats, other])
    message = rf"u2 occurs twice with .*a.csv:4\) .*a.csv:{11 + keep}\), expected each"
    options = (
        "--utt_id_column",
        "id",
        "--ignore_split",
        "true",
        "--keep_shared",
        "true",
    )
    with pytest.raises(ValueError, match=message):
        import_data(table, folder / "data", *options)


def test_a_line_that_is_no_json_is_named_with_column_and_text(corpus):
    folder, _ = corpus
    lines = [json.dumps({"file": f"wavs/{k}.wav", "text": "a"}) for k in range(3)]
    lines[1] = lines[1].replace('"text"', "text")
    table = write(folder / "a.jsonl", lines)
    with pytest.raises(ValueError, match="a.jsonl:2: not JSON .column 24 at 'text: "):
        import_data(table, folder / "data")


def test_a_list_in_one_json_value_is_named(corpus):
    folder, _ = corpus
    table = write(folder / "a.json", [json.dumps([{"file": "x", "text": "a"}])])
    with pytest.raises(
        ValueError, match="a.json:1: .*expected an object .* one a line"
    ):
        import_data(table, folder / "data")


@pytest.mark.parametrize("read", [read_text, read_trn])
def test_ids_that_transcripts_to_score_have_twice_are_named_by_both_lines(
    tmp_path, read
):
    path = write(tmp_path / "ref", ["u1 a (s-u1)", "u2 b (s-u2)", "u1 c (s-u1)"])
    with pytest.raises(ValueError, match="ref:3: .*u1.* twice, first on line 1"):
        read(path)


def test_lines_of_a_file_marked_as_utf16_are_read(tmp_path):
    path = write(tmp_path / "list", ["سلام", "a"], "utf-16", "\r\n")
    assert list(read_utf8_lines(path)) == ["سلام\r\n", "a\r\n"]


def test_a_table_read_before_is_read_alike(tmp_path):
    import_data(make_table(tmp_path), tmp_path / "data")
    assert count_utts(tmp_path / "data") == 24
