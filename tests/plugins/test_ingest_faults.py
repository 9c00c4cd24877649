"""Rows and files that cannot be used: counted, or named in one line."""

import pytest
from own_corpus import SENTENCES, import_data, read_sets, write_manifest

from hamzaban.bin.validate_data import main as validate_data
from published.speech import write_audio


@pytest.fixture
def rows(tmp_path):
    found = []
    for k in range(9):
        write_audio(tmp_path / f"u{k}.wav", SENTENCES[k])
        found.append({"audio_filepath": f"u{k}.wav", "text": SENTENCES[k]})
    return found


@pytest.mark.parametrize("number", [0, 4])
def test_rows_without_audio_or_text_are_counted(tmp_path, rows, caplog, number):
    """An empty name must not find wav/ or wav.wav, which are there."""
    caplog.set_level("INFO")
    write_audio(tmp_path / "wav.wav", SENTENCES[10])
    (tmp_path / "wav").mkdir()
    bad = [{"audio_filepath": None, "text": SENTENCES[9]}, {"text": SENTENCES[11]}]
    bad += [{"audio_filepath": "u0.wav", "text": None, "utt_id": "x"}]
    bad += [{"audio_filepath": "empty.wav", "text": SENTENCES[12]}]
    (tmp_path / "empty.wav").touch()
    rows = rows[:number] + [{"split": "train"} | row for row in bad] + rows[number:]
    table = write_manifest(tmp_path / "m.jsonl", rows)
    with pytest.raises(
        ValueError, match="cannot be used .no audio file: 2, the first .*m.jsonl"
    ):
        import_data(table, tmp_path / "data", "--keep_shared", "true")
    words = ["--keep_shared", "true", "--max_drop", "1", "--ignore_split", "true"]
    import_data(table, tmp_path / "data", *words)
    assert sum(map(len, read_sets(tmp_path / "data", "text").values())) == 9
    for reason in ("no audio file", "no transcript", "audio file of 0 bytes"):
        assert reason in caplog.text
    assert "no audio file, the first: " + f"{table}:{number + 1}" in caplog.text


def test_a_text_that_is_not_utf8_is_named(tmp_path):
    for k, sentence in enumerate(SENTENCES[:6]):
        write_audio(tmp_path / f"{k}.wav", sentence)
        (tmp_path / f"{k}.txt").write_text(sentence)
    (tmp_path / "3.txt").write_bytes("سلام".encode("cp1256"))
    with pytest.raises(
        ValueError, match="3.txt:1: not UTF-8 .byte 0xD3 in column 1.; convert the"
    ):
        import_data(tmp_path, tmp_path / "data")


def test_a_corpus_too_small_to_split_is_named(tmp_path):
    write_audio(tmp_path / "u.wav", SENTENCES[0])
    rows = [{"audio_filepath": "u.wav", "text": SENTENCES[0]}]
    table = write_manifest(tmp_path / "m.jsonl", rows)
    with pytest.raises(
        ValueError, match=r"m.jsonl.*: 1 different sentences, expected at least"
    ):
        import_data(table, tmp_path / "data")


def test_the_share_of_faults_is_that_of_the_set(tmp_path, rows):
    for row in rows:
        row["split"] = "train"
    for k, name in enumerate(("valid", "test", "test")):
        write_audio(tmp_path / f"held{k}.wav", SENTENCES[10 + k])
        held = {"audio_filepath": f"held{k}.wav", "text": SENTENCES[10 + k]}
        rows.append(held | {"split": name})
    (tmp_path / "held2.wav").unlink()
    table = write_manifest(tmp_path / "m.jsonl", rows)
    with pytest.raises(
        ValueError, match="test of .*: 1 of 2 utterances cannot be used"
    ):
        import_data(table, tmp_path / "data", "--max_drop", "0.4")
    import_data(table, tmp_path / "data", "--max_drop", "0.5")


def test_marks_of_direction_do_not_reach_transcripts(tmp_path, rows):
    for row in rows:
        row["text"] = f"\u200f{row['text']} \u202bمی\u200cرود\u202c so\xadft\u200e"
    table = write_manifest(tmp_path / "m.jsonl", rows)
    import_data(table, tmp_path / "data", "--keep_shared", "true")
    texts = sum(read_sets(tmp_path / "data", "text").values(), [])
    assert sorted(texts) == sorted(f"{s} می\u200cرود soft" for s in SENTENCES[:9])
    folders = [str(tmp_path / "data" / part) for part in ("train", "valid", "test")]
    assert validate_data(folders) == 0
