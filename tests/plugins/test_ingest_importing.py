"""import-data: every form of a user's own corpus, and splits that share nothing."""

import json
from pathlib import Path

import pytest
from own_corpus import (
    SENTENCES,
    assert_disjoint,
    import_data,
    make_table,
    read_audio,
    read_sets,
)

from hamzaban.data.files import read_scp
from published.speech import write_audio, write_lines


def test_csv_is_split_by_speaker(tmp_path):
    table = make_table(tmp_path / "my corpus é")
    import_data(table, tmp_path / "data", "--lang", "sw")
    assert_disjoint(read_sets(tmp_path / "data", "utt2spk"))
    text = read_sets(tmp_path / "data", "text")
    assert sum(map(len, text.values())) == 24
    assert f'{SENTENCES[0]}, "ndiyo"' in sum(text.values(), [])
    assert set(read_sets(tmp_path / "data", "utt2lang")["train"]) == {"sw"}


def test_without_speakers_no_sentence_is_shared(tmp_path):
    table = make_table(tmp_path / "corpus", ("path", "sentence"))
    import_data(table, tmp_path / "data")
    assert_disjoint(read_sets(tmp_path / "data", "text"))


def test_sentences_of_valid_and_test_are_removed_from_train(tmp_path, caplog):
    caplog.set_level("INFO")
    table = make_table(tmp_path / "corpus")
    rows = table.read_text(encoding="utf-8").splitlines()
    for k in range(6, 12):  # these read what all others read
        other = rows[1 + k - 6].split(",", 1)[1].rsplit(",", 1)[0]
        rows[1 + k] = f"u{k:02}.wav,{other},spk {k % 6}"
    rows[7:13] = rows[8:13] + rows[7:8]
    for number, row in enumerate(rows[7:13]):
        name, rest = row.split(",", 1)
        rows[7 + number] = f"{name},{rest.rsplit(',', 1)[0]},spk {number}"
    write_lines(table, rows)
    import_data(table, tmp_path / "data")
    sets = read_sets(tmp_path / "data", "text")
    assert_disjoint(sets)
    assert sum(map(len, sets.values())) < 24
    assert "left out: sentence of valid or test" in caplog.text
    import_data(table, tmp_path / "data", "--keep_shared", "true")
    assert sum(map(len, read_sets(tmp_path / "data", "text").values())) == 24


def test_a_corpus_of_one_sentence_needs_keep_shared(tmp_path):
    table = make_table(tmp_path / "corpus")
    rows = [
        row.split(",", 1)[0] + f",same words,s{k % 6}"
        for k, row in enumerate(table.read_text().splitlines())
    ]
    write_lines(table, ["path,sentence,speaker", *rows[1:]])
    with pytest.raises(
        ValueError, match="16 of 16 utterances say .*--keep_shared true"
    ):
        import_data(table, tmp_path / "data")


def test_the_split_depends_on_seed_and_speakers_alone(tmp_path):
    table = make_table(tmp_path / "corpus")
    found = []
    for name, seed in (("a", "0"), ("b", "0"), ("c", "5")):
        import_data(table, tmp_path / name, "--seed", seed)
        found.append(
            {
                k: sorted(set(v))
                for k, v in read_sets(tmp_path / name, "utt2spk").items()
            }
        )
        lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
        table.write_text(lines[0] + "".join(sorted(lines[1:], reverse=True)))
    assert found[0] == found[1] != found[2]


def test_a_split_of_the_corpus_is_kept_and_missing_sets_are_drawn(tmp_path):
    lines = []
    for k, sentence in enumerate(SENTENCES):
        write_audio(tmp_path / f"u{k:02}.flac", sentence)
        split = "dev" if k < 4 else "train"
        row = {"audio_filepath": f"u{k:02}.flac", "text": sentence, "split": split}
        lines.append(json.dumps(row | {"duration": 1.5}))
    write_lines(tmp_path / "manifest.jsonl", lines)
    import_data(tmp_path / "manifest.jsonl", tmp_path / "data")
    text = read_sets(tmp_path / "data", "text")
    assert sorted(text["valid"]) == sorted(SENTENCES[:4])
    assert len(text["test"]) == 2
    assert_disjoint(text)


def test_parts_of_long_recordings_become_segments(tmp_path):
    lines = []
    for k in range(6):
        write_audio(tmp_path / f"r{k}.wav", " ".join(SENTENCES[:3]))
        for n in range(2):
            row = {"audio_filepath": f"r{k}.wav", "text": SENTENCES[2 * k + n]}
            lines.append(json.dumps(row | {"offset": n * 1.25, "duration": 1.0}))
    write_lines(tmp_path / "manifest.jsonl", lines)
    import_data(tmp_path / "manifest.jsonl", tmp_path / "data")
    segments = dict(read_scp(tmp_path / "data" / "train" / "segments"))
    assert segments["r0-0000125-0000225"] == "r0 1.250 2.250"
    assert len(list(read_scp(tmp_path / "data" / "train" / "text"))) == 8


def test_audiofolder_with_splits_is_imported(tmp_path):
    for part, numbers in (("train", range(8)), ("validation", [8]), ("test", [9])):
        rows = ["file_name\ttranscription"]
        for k in numbers:
            write_audio(tmp_path / "corpus" / part / f"u{k % 8}.wav", SENTENCES[k])
            rows.append(f"u{k % 8}.wav\t{SENTENCES[k]}")
        write_lines(tmp_path / "corpus" / part / "metadata.tsv", rows)
    import_data(tmp_path / "corpus", tmp_path / "data")
    assert read_sets(tmp_path / "data", "text")["valid"] == [SENTENCES[8]]
    assert [k for k, _ in read_scp(tmp_path / "data" / "test" / "text")] == ["test-u1"]


def test_kaldi_directory_is_split_by_speaker(tmp_path):
    make_table(tmp_path / "corpus")
    import_data(tmp_path / "corpus" / "data.csv", tmp_path / "first")
    import_data(tmp_path / "first" / "train", tmp_path / "data")
    assert_disjoint(read_sets(tmp_path / "data", "utt2spk"))


def test_folder_of_audio_with_a_text_beside_each_is_imported(tmp_path):
    for k, sentence in enumerate(SENTENCES[:9]):
        audio = tmp_path / "corpus" / f"spk{k % 3}" / f"{k}.ogg"
        write_audio(audio, sentence)
        audio.with_suffix(".txt").write_text(f"{sentence}\n", encoding="utf-8")
    import_data(tmp_path / "corpus", tmp_path / "data", "--speaker_folders", "true")
    speakers = read_sets(tmp_path / "data", "utt2spk")
    assert_disjoint(speakers)
    assert {len(ids) for ids in speakers.values()} == {3}


def test_a_table_without_names_of_columns_is_read_by_columns(tmp_path):
    for k, sentence in enumerate(SENTENCES[:6]):
        write_audio(tmp_path / "wavs" / f"LJ{k}.wav", sentence)
    rows = [f"LJ{k}|{s} 10|{s} ten" for k, s in enumerate(SENTENCES[:6])]
    write_lines(tmp_path / "metadata.csv", rows)
    import_data(tmp_path, tmp_path / "data", "--columns", "file,raw,text")
    assert f"{SENTENCES[0]} ten" in sum(
        read_sets(tmp_path / "data", "text").values(), []
    )


@pytest.mark.slow
@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_parquet_and_arrow_with_audio_inside_are_imported(tmp_path, form):
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    for part, numbers in (("train", range(7)), ("valid", [7]), ("test", [8])):
        rows = []
        for k in numbers:
            audio = tmp_path / "audio" / f"u{k}.flac"
            write_audio(audio, SENTENCES[k])
            content = {"bytes": audio.read_bytes(), "path": audio.name}
            rows.append({"audio": content, "text": SENTENCES[k], "speaker_id": "a"})
        table = pa.Table.from_pylist(rows)
        folder = tmp_path / "corpus" / part
        folder.mkdir(parents=True)
        if form == "parquet":
            pq.write_table(table, folder / f"{part}-00000-of-00001.parquet")
        else:
            with pa.ipc.new_stream(folder / "data-00000.arrow", table.schema) as out:
                out.write_table(table)
    options = ["--unpack_dir", str(tmp_path / "unpacked")]
    import_data(tmp_path / "corpus", tmp_path / "data", *options)
    text = read_sets(tmp_path / "data", "text")
    assert (len(text["train"]), text["valid"]) == (7, [SENTENCES[7]])
    (audio,) = read_sets(tmp_path / "data", "wav.scp")["test"]
    assert Path(audio).read_bytes() == (tmp_path / "audio" / "u8.flac").read_bytes()


def test_wrong_sources_are_errors_of_one_line(tmp_path):
    table = make_table(tmp_path / "c", ("path", "phrase", "who"))
    with pytest.raises(ValueError, match="no column of text known; found path, phrase"):
        import_data(table, tmp_path / "data")
    with pytest.raises(ValueError, match="no column 'words' .--text_column."):
        import_data(table, tmp_path / "data", "--text_column", "words")
    import_data(table, tmp_path / "data", "--text_column", "phrase")
    with pytest.raises(FileNotFoundError, match="no such file or folder, expected"):
        import_data(tmp_path / "nowhere.csv", tmp_path / "data")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="nothing that can be read"):
        import_data(tmp_path / "empty", tmp_path / "data")
    read_audio(tmp_path, SENTENCES[0])
    with pytest.raises(
        ValueError, match="said: none of 1 audio files has a transcript"
    ):
        import_data(tmp_path / "said", tmp_path / "data")
    with pytest.raises(ValueError, match=r"data.csv:3: 1 fields, expected 3"):
        lines = table.read_text().splitlines()
        write_lines(table, [*lines[:2], "u", *lines[2:]])
        import_data(table, tmp_path / "data", "--text_column", "phrase")


def test_missing_audio_is_an_error_that_names_the_places_searched(tmp_path, caplog):
    table = make_table(tmp_path / "corpus")
    clips = tmp_path / "corpus" / "clips"
    clips.rename(tmp_path / "elsewhere")
    clips.mkdir()
    message = rf"such as u.*wav; looked in .*{clips}, \.; give --audio_dir FOLDER"
    with pytest.raises(ValueError, match=message):
        import_data(table, tmp_path / "data")
    assert f"no audio file, the first: {table}:2: u00.wav" in caplog.text
    import_data(table, tmp_path / "data", "--audio_dir", str(tmp_path / "elsewhere"))


def test_audio_in_a_folder_of_any_name_beside_the_table_is_found(tmp_path):
    table = make_table(tmp_path / "corpus")
    (tmp_path / "corpus" / "clips").rename(tmp_path / "corpus" / "فایل‌ها 2026")
    import_data(table, tmp_path / "data")
    assert len(read_sets(tmp_path / "data", "utt2spk")["train"]) >= 12


def test_too_few_speakers_are_split_by_sentence_and_logged(tmp_path, caplog):
    caplog.set_level("INFO")
    lines = [
        json.dumps({"file": f"u{k}.wav", "text": SENTENCES[k], "speaker": "me"})
        for k in range(9)
    ]
    for k in range(9):
        write_audio(tmp_path / f"u{k}.wav", SENTENCES[k])
    write_lines(tmp_path / "m.jsonl", lines)
    import_data(tmp_path / "m.jsonl", tmp_path / "data")
    assert "without shared sentences" in caplog.text
    write_lines(tmp_path / "m.jsonl", lines[:2])
    with pytest.raises(ValueError, match="2 different sentences, expected at least 3"):
        import_data(tmp_path / "m.jsonl", tmp_path / "data")


def test_separators_within_a_transcript_do_not_move_its_other_values(tmp_path):
    table = make_table(tmp_path / "corpus", ("path", "sentence"))
    rows = table.read_text(encoding="utf-8").splitlines()
    name = rows[1].split(",")[0]
    rows[1] = f"{name},haba\x1fri yako \x00 leo"
    write_lines(table, rows)
    import_data(table, tmp_path / "data")
    text = sum(read_sets(tmp_path / "data", "text").values(), [])
    assert len(text) == 24
    assert [line for line in text if "yako" in line and line.endswith("leo")]


def make_three_tables(root):
    """Write one table for each split, with paths that start from the folder."""
    table = make_table(root)
    head, *rows = table.read_text(encoding="utf-8").splitlines()
    for name, part in (("train", rows[:12]), ("dev", rows[12:18]), ("test", rows[18:])):
        lines = [head, *(f"clips/{row}" for row in part)]
        write_lines(root / f"{name}.csv", lines)
    table.unlink()


def test_a_folder_with_a_table_for_each_split_keeps_the_split(tmp_path):
    make_three_tables(tmp_path / "corpus")
    import_data(tmp_path / "corpus", tmp_path / "data")
    sizes = {k: len(v) for k, v in read_sets(tmp_path / "data", "text").items()}
    assert sizes == {"train": 12, "valid": 6, "test": 6}


def test_one_table_of_a_split_names_those_beside_it(tmp_path, caplog):
    make_three_tables(tmp_path / "corpus")
    import_data(tmp_path / "corpus" / "train.csv", tmp_path / "data")
    message = "train.csv: only this table is read, and dev.csv and test.csv beside it"
    assert message in caplog.text
    write_lines(tmp_path / "corpus" / "notes.csv", ["a,b"])
    caplog.clear()
    import_data(tmp_path / "corpus", tmp_path / "data")
    assert "only this table" not in caplog.text


@pytest.mark.parametrize("words", [(), ("--audio_dir", "{}")])
def test_a_table_in_a_folder_of_its_split_may_name_paths_from_above(tmp_path, words):
    root = tmp_path / "corpus"
    make_three_tables(root)
    for name, folder in (("train", "train"), ("dev", "validation"), ("test", "test")):
        (root / folder).mkdir()
        (root / f"{name}.csv").rename(root / folder / "metadata.csv")
    import_data(root, tmp_path / "data", *(word.format(root) for word in words))
    sizes = {k: len(v) for k, v in read_sets(tmp_path / "data", "text").items()}
    assert sizes == {"train": 12, "valid": 6, "test": 6}
