"""Parquet files: which of them are read, and the audio extracted from them."""

import re
from pathlib import Path

import pytest
import soundfile
from own_corpus import SENTENCES, import_data, read_audio, read_sets, write_parquet

from hamzaban.ingest.arrow import unpack_arrow

pytestmark = pytest.mark.slow

pytest.importorskip("pyarrow")


def write_part(folder, name, numbers, **more):
    """Write a Parquet file with audio of the numbered sentences."""
    rows = []
    for k in numbers:
        content = {"bytes": read_audio(folder.parent, SENTENCES[k]), "path": None}
        rows.append({"audio": content, "sentence": SENTENCES[k]} | more)
    return write_parquet(folder / name, rows)


def unpack_to(tmp_path):
    return "--unpack_dir", tmp_path / "unpacked"


@pytest.mark.slow
@pytest.mark.parametrize("form", ["{}-00000-of-00001.parquet", "{}/0000.parquet"])
def test_files_of_common_voice_that_are_no_split_are_left_out(tmp_path, caplog, form):
    caplog.set_level("INFO")
    parts = {"train": range(6), "validation": [6, 7], "test": [8, 9]}
    parts |= {"invalidated": [10, 11], "other": [12], "validated": [0, 6, 8]}
    for name, numbers in parts.items():
        write_part(tmp_path / "cv", form.format(name), numbers)
    import_data(tmp_path / "cv", tmp_path / "data", *unpack_to(tmp_path))
    text = read_sets(tmp_path / "data", "text")
    assert sorted(text["train"]) == sorted(SENTENCES[:6])
    assert sorted(text["valid"]) == sorted(SENTENCES[6:8])
    assert sorted(text["test"]) == sorted(SENTENCES[8:10])
    for name in ("invalidated", "other", "validated"):
        assert f"left out: 1 of {name}" in caplog.text


@pytest.mark.slow
def test_a_file_name_without_a_split_beside_others_is_an_error(tmp_path):
    write_part(tmp_path / "c", "extra-0.parquet", range(6, 9))
    write_part(tmp_path / "c", "train-0.parquet", range(6))
    with pytest.raises(ValueError, match="extra-0.parquet: .*--ignore_split true"):
        import_data(tmp_path / "c", tmp_path / "data", *unpack_to(tmp_path))
    words = [*unpack_to(tmp_path), "--ignore_split", "true"]
    import_data(tmp_path / "c", tmp_path / "data", *words)
    text = read_sets(tmp_path / "data", "text")
    assert sorted(sum(text.values(), [])) == sorted(SENTENCES[:9])


def test_a_column_that_only_the_second_file_has_is_read(tmp_path):
    write_part(tmp_path / "c", "part1.parquet", range(6))
    write_part(tmp_path / "c", "part2.parquet", [6, 7], split="test")
    import_data(tmp_path / "c", tmp_path / "data", *unpack_to(tmp_path))
    text = read_sets(tmp_path / "data", "text")
    assert sorted(text["test"]) == sorted(SENTENCES[6:8])


def read_all_audio(data):
    """Return the audio of each sentence."""
    text, scp = read_sets(data, "text"), read_sets(data, "wav.scp")
    pairs = zip(sum(text.values(), []), sum(scp.values(), []), strict=True)
    return {sentence: Path(audio).read_bytes() for sentence, audio in pairs}


def test_corpora_of_equal_names_and_sizes_keep_their_own_audio(tmp_path):
    """Both have nine sentences of equal lengths, and no names of audio files."""
    alike = [k for k in range(24) if len(SENTENCES[k].split()) == 5]
    first, second = alike[:4], alike[4:8]
    for name, numbers in (("one", first), ("two", second)):
        write_part(tmp_path / name / "c", "train.parquet", numbers)
        words = ["--keep_shared", "true", *unpack_to(tmp_path)]
        import_data(tmp_path / name / "c", tmp_path / "data" / name, *words)
    for name, numbers in (("one", first), ("two", second)):
        said = {SENTENCES[k]: read_audio(tmp_path, SENTENCES[k]) for k in numbers}
        assert read_all_audio(tmp_path / "data" / name) == said


def test_a_corpus_changed_in_place_is_unpacked_again(tmp_path):
    for order in (range(6), range(5, -1, -1)):
        write_part(tmp_path / "c", "train.parquet", order)
        words = ["--keep_shared", "true", *unpack_to(tmp_path)]
        import_data(tmp_path / "c", tmp_path / "data", *words)
        said = {s: read_audio(tmp_path, s) for s in SENTENCES[:6]}
        assert read_all_audio(tmp_path / "data") == said
    files = sorted((tmp_path / "unpacked").rglob("*.wav"))
    times = [path.stat().st_mtime_ns for path in files]
    import_data(tmp_path / "c", tmp_path / "data", *words)
    assert [path.stat().st_mtime_ns for path in files] == times


def test_one_file_is_read_whatever_its_name(tmp_path):
    file = write_part(tmp_path / "c", "validated.parquet", range(9))
    import_data(file, tmp_path / "data", *unpack_to(tmp_path))
    assert sum(map(len, read_sets(tmp_path / "data", "text").values())) == 9


def write_column(path, cells):
    """Write a Parquet file of sentences beside cells of audio."""
    rows = [{"audio": cell, "text": SENTENCES[k]} for k, cell in enumerate(cells)]
    return write_parquet(path, rows)


@pytest.mark.parametrize("place", ["clips/{}.wav", "{}.wav", "../clips/{}.wav", "root"])
def test_audio_that_is_a_path_is_found_beside_the_file(tmp_path, place):
    """It may be in the same folder, or in one such as `clips` there or one level up."""
    root = tmp_path / "corpus é"
    for k in range(9):
        (root / "clips").mkdir(parents=True, exist_ok=True)
        (root / "clips" / f"{k}.wav").write_bytes(read_audio(tmp_path, SENTENCES[k]))
    place = str(root / "clips" / "{}.wav") if place == "root" else place
    cells = [{"bytes": None, "path": place.format(k)} for k in range(9)]
    cells[0]["bytes"] = b"RIFF"  # so that the column is one of bytes
    write_column(root / "data" / "train-0.parquet", cells)
    words = ["--keep_shared", "true", *unpack_to(tmp_path)]
    import_data(root, tmp_path / "data", *words)
    audio = read_all_audio(tmp_path / "data")
    assert audio.pop(SENTENCES[0]) == b"RIFF"
    assert audio == {s: read_audio(tmp_path, s) for s in SENTENCES[1:9]}
    write_column(root / "data" / "train-0.parquet", [c["path"] for c in cells])
    import_data(root, tmp_path / "data", *words)
    audio = read_all_audio(tmp_path / "data")
    assert audio == {s: read_audio(tmp_path, s) for s in SENTENCES[:9]}


@pytest.mark.parametrize("first", [True, False])
def test_rows_without_audio_are_counted(tmp_path, caplog, first):
    caplog.set_level("INFO")
    said = [{"bytes": read_audio(tmp_path, s), "path": "a.wav"} for s in SENTENCES[:9]]
    bad = [None, {"bytes": None, "path": None}, {"bytes": b"", "path": "gone.wav"}]
    write_column(tmp_path / "c" / "a.parquet", bad + said if first else said + bad)
    words = ["--keep_shared", "true", *unpack_to(tmp_path)]
    words += ["--valid_share", "0.25", "--test_share", "0.25"]
    with pytest.raises(ValueError, match="no audio file: .* raise --max_drop"):
        import_data(tmp_path / "c", tmp_path / "data", *words)
    caplog.clear()
    import_data(tmp_path / "c", tmp_path / "data", *words, "--max_drop", "0.9")
    assert len(read_all_audio(tmp_path / "data")) == 9
    counted = re.findall(r"(\d+) left out: no audio file", caplog.text)
    assert sum(map(int, counted)) == 3


def test_a_table_without_audio_says_what_is_expected(tmp_path):
    write_parquet(tmp_path / "c" / "a.parquet", [{"sound": 1, "text": "x"}])
    with pytest.raises(
        ValueError, match="a.parquet: no column of audio; found sound, t"
    ):
        import_data(tmp_path / "c", tmp_path / "data", *unpack_to(tmp_path))


def write_samples(tmp_path, **more):
    """Write a Parquet file whose audio is a list of samples, one row; return it."""
    row = {"audio": [0.0, 0.5] * 800, "sentence": SENTENCES[0]} | more
    return write_parquet(tmp_path / "c" / "train.parquet", [row])


@pytest.mark.parametrize("rate", [1, 999, 768_001, 10**9, "fast", float("nan")])
def test_a_rate_that_no_recording_has_is_refused_with_its_row(tmp_path, rate):
    path = write_samples(tmp_path, sampling_rate=rate)
    with pytest.raises(ValueError, match=f"{path}: row 0: rate .*, expected"):
        unpack_arrow([(path, "train")], tmp_path / "unpacked")
    assert not (tmp_path / "unpacked" / "metadata.jsonl").exists()


def test_a_list_that_is_no_audio_is_refused_with_its_row(tmp_path):
    path = write_samples(tmp_path, audio=["a", "b"], sampling_rate=16000)
    with pytest.raises(ValueError, match=f"{path}: row 0: its list is not audio"):
        unpack_arrow([(path, "train")], tmp_path / "unpacked")


def test_samples_with_a_rate_become_a_recording_of_that_rate(tmp_path):
    path = write_samples(tmp_path, sampling_rate=8000)
    unpack_arrow([(path, "train")], tmp_path / "unpacked")
    (audio,) = (tmp_path / "unpacked").glob("*/*.flac")
    found = soundfile.info(audio)
    assert (found.samplerate, found.frames) == (8000, 1600)
