"""Columns of tables in which rows may leave some out."""

import pytest
from own_corpus import SENTENCES, import_data, read_sets, write_manifest

from published.speech import write_audio, write_lines

PARTS = ("train", "dev", "test")


@pytest.fixture
def rows(tmp_path):
    """Nine rows of three speakers, a third of them in each set."""
    found = []
    for k in range(9):
        write_audio(tmp_path / f"u{k}.wav", SENTENCES[k])
        row = {"audio_filepath": f"u{k}.wav", "text": SENTENCES[k]}
        found.append(row | {"speaker": f"s{k // 3}", "split": PARTS[k % 3]})
    return found


def test_columns_that_the_first_rows_lack_are_read(tmp_path, rows):
    del rows[0]["speaker"], rows[0]["split"], rows[3]["split"]
    import_data(write_manifest(tmp_path / "m.jsonl", rows), tmp_path / "data")
    text = read_sets(tmp_path / "data", "text")
    assert sorted(text["valid"]) == sorted(SENTENCES[1:9:3])
    assert sorted(text["test"]) == sorted(SENTENCES[2:9:3])
    speakers = read_sets(tmp_path / "data", "utt2spk")
    assert speakers["valid"] == ["s0", "s1", "s2"]
    assert speakers["train"] == ["s1", "s2", "u0"]  # who said u0 is unknown


def test_rows_that_call_a_column_by_another_name_are_an_error(tmp_path, rows):
    for row in rows[5:]:
        row["speaker_id"] = row.pop("speaker")
    table = write_manifest(tmp_path / "m.jsonl", rows)
    message = r"m.jsonl:1: speaker is in 'speaker', in other rows in 'speaker_id'.*--sp"
    with pytest.raises(ValueError, match=message):
        import_data(table, tmp_path / "data")
    import_data(table, tmp_path / "data", "--speaker_column", "speaker")
    assert "s0" in read_sets(tmp_path / "data", "utt2spk")["train"]


def test_columns_are_logged_once(tmp_path, rows, caplog):
    caplog.set_level("INFO")
    import_data(write_manifest(tmp_path / "m.jsonl", rows), tmp_path / "data")
    assert caplog.text.count("audio: audio_filepath") == 1


@pytest.mark.parametrize("name", ["m.jsonl", "m.csv"])
def test_an_empty_table_is_an_error(tmp_path, name):
    write_lines(tmp_path / name, [])
    with pytest.raises(ValueError, match=f"{name}: empty, expected"):
        import_data(tmp_path / name, tmp_path / "data", "--delimiter", ",")
