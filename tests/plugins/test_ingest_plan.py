"""The split of a user's own corpus: speakers, gaps, and sets that appear together."""

import pytest
from own_corpus import (
    SENTENCES,
    SETS,
    assert_disjoint,
    import_data,
    make_table,
    read_sets,
    write_manifest,
)

from hamzaban.ingest.plan import Plan, check_speakers
from published.speech import write_audio


@pytest.fixture
def rows(tmp_path):
    """24 rows of six speakers."""
    found = []
    for k in range(24):
        write_audio(tmp_path / f"u{k:02}.wav", SENTENCES[k])
        row = {"audio_filepath": f"u{k:02}.wav", "text": SENTENCES[k]}
        found.append(row | {"speaker": f"s{k % 6}"})
    return found


def test_the_split_stays_by_speaker_if_one_row_has_no_speaker(tmp_path, rows, caplog):
    rows[11]["speaker"] = ""
    import_data(write_manifest(tmp_path / "m.jsonl", rows), tmp_path / "data")
    speakers = read_sets(tmp_path / "data", "utt2spk")
    assert_disjoint(speakers)
    assert sorted({spk[0] for found in speakers.values() for spk in found}) == [
        "s",
        "u",
    ]
    assert "1 of 24 utterances have no speaker" in caplog.text
    assert "m.jsonl:12" in caplog.text


def test_a_row_without_a_speaker_is_counted_where_the_split_is_kept(
    tmp_path, rows, caplog
):
    for k, row in enumerate(rows):
        row["split"] = ("train", "dev", "test")[k % 3]
    rows[9]["speaker"] = ""
    import_data(write_manifest(tmp_path / "m.jsonl", rows), tmp_path / "data")
    message = "1 of 8 utterances have no speaker; each counts as a speaker of its own;"
    assert message in caplog.text


def test_speakers_that_the_split_shares_can_be_left_out(tmp_path, rows, caplog):
    caplog.set_level("INFO")
    for k, row in enumerate(rows):
        row["split"] = ("train", "dev", "test")[k // 8]
        row["speaker"] = f"s{k // 4}"
    rows[0]["speaker"], rows[1]["speaker"], rows[8]["speaker"] = "s5", "s3", " s4"
    table = write_manifest(tmp_path / "m.jsonl", rows)
    import_data(table, tmp_path / "data")
    assert "1 speakers are in train and in test, such as s5" in caplog.text
    import_data(table, tmp_path / "data", "--keep_speakers", "false")
    speakers = read_sets(tmp_path / "data", "utt2spk")
    assert_disjoint(speakers)
    assert [len(speakers[part]) for part in SETS] == [6, 7, 8]
    assert "2 left out: speaker of valid or test" in caplog.text
    assert "1 left out: speaker of test" in caplog.text


def test_speakers_whose_names_are_written_alike_are_in_one_set(tmp_path, rows):
    for k, row in enumerate(rows):
        row["speaker"] = f"s {k % 6}" if k < 12 else f"s_{k % 6} "
    for seed in range(4):
        table = write_manifest(tmp_path / "m.jsonl", rows)
        import_data(table, tmp_path / "data", "--seed", seed)
        assert_disjoint(read_sets(tmp_path / "data", "utt2spk"))


def test_a_row_with_an_empty_split_is_counted(tmp_path, rows, caplog):
    for k, row in enumerate(rows):
        row["split"] = ("train", "dev", "test")[k % 3] if k not in (4, 7) else ""
    import_data(write_manifest(tmp_path / "m.jsonl", rows), tmp_path / "data")
    assert len(read_sets(tmp_path / "data", "text")["train"]) == 10
    assert "2 utterances have no split and are treated as train" in caplog.text
    assert "m.jsonl:5" in caplog.text


def test_speakers_that_leave_train_for_a_missing_test_set_are_named_before(
    tmp_path, rows, caplog
):
    """A table with train and dev only: some speaker of train becomes the test set."""
    for row in rows:
        row["split"] = "dev" if row["speaker"] == "s5" else "train"
    table = write_manifest(tmp_path / "m.jsonl", rows)
    import_data(table, tmp_path / "data", "--seed", 1)
    (lost,) = set(read_sets(tmp_path / "data", "utt2spk")["test"])
    line = (
        f"{table}: the corpus's own split has no test set: 4 of 20 utterances, all of "
        f"1 speakers ({lost}), leave train for it; to prevent that, add a test"
    )
    assert line in caplog.text
    written = caplog.text.find(f"{tmp_path}/data/train")
    assert written < 0 or caplog.text.find(line) < written
    caplog.clear()
    for row in rows:
        row["split"] = "test" if row["speaker"] == "s4" else row["split"]
    write_manifest(tmp_path / "m.jsonl", rows)
    import_data(table, tmp_path / "data")
    assert "own split has no" not in caplog.text


def test_speakers_that_the_corpus_itself_has_in_two_sets_are_counted(
    tmp_path, rows, caplog
):
    for k, row in enumerate(rows):
        row["split"] = ("train", "dev", "test")[k // 8]
    import_data(write_manifest(tmp_path / "m.jsonl", rows), tmp_path / "data")
    assert "6 speakers are in train and in test, such as s0" in caplog.text


def test_a_drawn_set_that_shares_a_speaker_with_train_is_an_error():
    plan = Plan({}, True, by_speaker=True, missing=("valid", "test"))
    sets = {"train": frozenset("ab"), "valid": frozenset("c"), "test": frozenset("b")}
    with pytest.raises(ValueError, match=r"test: speaker b is in train too .1 in all."):
        check_speakers(sets, plan)


def test_no_set_is_written_if_the_last_one_fails(tmp_path, rows):
    for k, row in enumerate(rows):
        row["split"] = ("train", "dev", "test")[k % 3]
    rows[2]["audio_filepath"] = "lost.wav"  # in test
    table = write_manifest(tmp_path / "m.jsonl", rows)
    with pytest.raises(ValueError, match="test of .* cannot be used .no audio file: 1"):
        import_data(table, tmp_path / "data", "--max_drop", "0")
    assert list((tmp_path / "data").iterdir()) == []


def test_earlier_sets_stay_if_an_import_fails(tmp_path):
    table = make_table(tmp_path / "corpus")
    import_data(table, tmp_path / "data")
    before = {part: read_sets(tmp_path / "data", "text")[part] for part in SETS}
    (tmp_path / "corpus" / "clips" / "u00.wav").unlink()
    with pytest.raises(ValueError, match="no audio file"):
        import_data(table, tmp_path / "data", "--max_drop", "0")
    assert read_sets(tmp_path / "data", "text") == before


def test_a_near_duplicate_of_a_test_sentence_is_not_called_equal(tmp_path, rows):
    for k, row in enumerate(rows):
        row["split"] = ("dev", "test")[k % 2] if k < 4 else "train"
        row["text"] = SENTENCES[0] + (" a" if k > 3 else "")
    table = write_manifest(tmp_path / "m.jsonl", rows)
    message = r"20 of 20 utterances say a sentence of valid or test \(0\) or nearly one"
    with pytest.raises(ValueError, match=message):
        import_data(table, tmp_path / "data")
