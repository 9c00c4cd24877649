"""Columns of times: names, units, and tables that have only one of the two times."""

import pytest
from own_corpus import SENTENCES, import_data, write_manifest

from hamzaban.data.files import read_scp
from hamzaban.ingest.times import read_seconds, read_time_name
from published.speech import write_audio, write_lines


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("start_ms", ("start", "ms")),
        ("begin_time", ("start", "")),
        ("offset", ("start", "")),
        ("offset_ms", ("start", "ms")),
        ("starttime", ("start", "")),
        ("segment_start_in_seconds", ("start", "seconds")),
        ("stop", ("end", "")),
        ("end_sec", ("end", "sec")),
        ("duration_milliseconds", ("duration", "milliseconds")),
        ("start_sample", ("start", "sample")),
        ("length", None),
        ("endpoint", None),
        ("gender", None),
        ("sentence", None),
    ],
)
def test_the_meaning_of_a_column_of_times_follows_from_its_name(name, expected):
    assert read_time_name(name) == expected


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("1.25", "", 1.25),
        ("1250", "ms", 1.25),
        ("0:01:02.5", "ms", 62.5),
        ("01:02,5", "", 62.5),
        ("1250 ms", "s", 1.25),
        ("3s", "ms", 3.0),
        (" ", "", None),
    ],
)
def test_times_are_read_in_seconds(text, unit, expected):
    assert read_seconds(text, unit, "start", "t:2") == expected


@pytest.mark.parametrize("text", ["nan", "inf", "1,5", "one"])
def test_a_time_that_is_no_finite_number_is_an_error(text):
    with pytest.raises(ValueError, match=f"t:2: start is '{text}', expected a number"):
        read_seconds(text, "", "start", "t:2")


def make_rows(folder, begin, end, scale):
    """Six recordings; two segments of each, 0.1-0.6 s and 0.6-1.1 s."""
    rows = []
    for k in range(6):
        write_audio(folder / f"r{k}.wav", " ".join(SENTENCES[:3]))
        for n in range(2):
            row = {"audio_filepath": f"r{k}.wav", "text": SENTENCES[2 * k + n]}
            begin_s = 0.1 + 0.5 * n
            times = {begin: scale * begin_s, end: scale * (begin_s + 0.5)}
            rows.append(row | times)
    return rows


@pytest.mark.parametrize(
    ("begin", "end", "scale", "options"),
    [
        ("start_ms", "end_ms", 1000, ()),
        ("begin_time", "end_time", 1, ()),
        ("Start (sec)", "Stop (sec)", 1, ()),
        ("offset", "end", 1000, ("--time_unit", "ms")),
        ("von", "bis_ms", 1000, ("--start_column", "von", "--end_column", "bis_ms")),
    ],
)
def test_segments_are_cut_whatever_the_columns_are_called(
    tmp_path, begin, end, scale, options
):
    rows = make_rows(tmp_path, begin, end, scale)
    table = write_manifest(tmp_path / "m.jsonl", rows)
    if begin == "von":
        options = (*options, "--time_unit", "ms")
    import_data(table, tmp_path / "data", *options)
    segments = dict(read_scp(tmp_path / "data" / "train" / "segments"))
    assert segments
    for utt_id, span in segments.items():
        begin_s, end_s = map(float, span.split()[1:])
        assert (begin_s, end_s) in ((0.1, 0.6), (0.6, 1.1)), utt_id


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        ("end", "column 'start' is the start .* expected a column of its end or"),
        ("start", "column 'end' is the end .* expected a column of its start too"),
    ],
)
def test_one_column_of_times_without_the_other_is_an_error(tmp_path, lacking, message):
    rows = make_rows(tmp_path, "start", "end", 1)
    for row in rows:
        del row[lacking]
    table = write_manifest(tmp_path / "m.jsonl", rows)
    with pytest.raises(ValueError, match=message):
        import_data(table, tmp_path / "data")


def test_a_row_with_only_one_of_its_times_is_an_error(tmp_path):
    rows = make_rows(tmp_path, "start", "end", 1)
    rows[3]["end"] = None
    table = write_manifest(tmp_path / "m.jsonl", rows)
    with pytest.raises(ValueError, match="m.jsonl:4: start without end, expected both"):
        import_data(table, tmp_path / "data")


def test_the_error_for_times_in_a_wrong_unit_names_the_option_for_it(tmp_path):
    rows = make_rows(tmp_path, "offset", "end", 1000)
    table = write_manifest(tmp_path / "m.jsonl", rows)
    with pytest.raises(ValueError, match="beyond its recording.*give --time_unit ms"):
        import_data(table, tmp_path / "data")


def test_times_in_samples_are_an_error(tmp_path):
    rows = make_rows(tmp_path, "start_sample", "end_sample", 16000)
    table = write_manifest(tmp_path / "m.jsonl", rows)
    with pytest.raises(
        ValueError, match="'start_sample' counts sample, expected times"
    ):
        import_data(table, tmp_path / "data")


def test_one_file_with_several_texts_and_no_times_is_an_error(tmp_path):
    rows = make_rows(tmp_path, "started", "ended", 1)
    for number, row in enumerate(rows):
        row["utt_id"] = f"u{number}"
    table = write_manifest(tmp_path / "m.jsonl", rows)
    message = r"m.jsonl:2: r0.wav has another text than at .*m.jsonl:1 and no times"
    with pytest.raises(ValueError, match=message):
        import_data(table, tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.fixture
def folder(tmp_path):
    for k in range(6):
        write_audio(tmp_path / f"u{k}.wav", SENTENCES[k])
    return tmp_path


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("file,text,text", r"t.csv:1: column 'text' \(text\) stands 2 times, expected"),
        ("file,Text,text", r"text may be in 'Text' or 'text', expected one column"),
    ],
)
def test_two_columns_of_one_name_are_an_error(folder, header, message):
    rows = [f"u{k}.wav,{SENTENCES[k]},another" for k in range(6)]
    write_lines(folder / "t.csv", [header, *rows])
    with pytest.raises(ValueError, match=message):
        import_data(folder / "t.csv", folder / "data")


def test_a_key_that_stands_twice_in_an_object_is_an_error(folder):
    write_lines(folder / "t.jsonl", ['{"file": "u0.wav", "text": "a", "text": "b"}'])
    with pytest.raises(ValueError, match=r"t.jsonl:1: key 'text' occurs twice"):
        import_data(folder / "t.jsonl", folder / "data")


def test_columns_that_are_not_read_are_named(folder, caplog):
    caplog.set_level("INFO")
    rows = [f"u{k}.wav,{SENTENCES[k]},guess,m" for k in range(6)]
    write_lines(folder / "t.csv", ["file,sentence,transcript,gender", *rows])
    import_data(folder / "t.csv", folder / "data")
    assert "columns not read: transcript, gender" in caplog.text
    assert "text is read from 'sentence' and not from transcript" in caplog.text


def test_a_quotation_mark_that_is_not_closed_is_named_where_it_begins(folder):
    rows = [f"u{k}.wav,{SENTENCES[k]},s{k}" for k in range(6)]
    rows[2] = rows[2].replace(",", ',"', 1)
    write_lines(folder / "t.csv", ["file,text,speaker", *rows])
    with pytest.raises(ValueError, match=r"t.csv:4 to 7: 2 fields, expected 3"):
        import_data(folder / "t.csv", folder / "data")
