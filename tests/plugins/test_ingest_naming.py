"""Names of recordings, made from their paths."""

import pytest
from own_corpus import SENTENCES, import_data, read_sets, write_manifest

from hamzaban.data.files import read_scp
from hamzaban.ingest.naming import Naming
from published.speech import write_audio


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/a/b/s1/wav/1.wav", "/a/b/s2/wav/1.wav"], ["s1-1", "s2-1"]),
        (["/a/b/1.wav", "/a/b/c/1.wav", "/a/bc/1.wav"], ["b-1", "c-1", "bc-1"]),
        (["/a/b/1.wav"], ["1"]),
        (["/a/b/../c/1.wav", "/a/c/2.wav"], ["1", "2"]),
        (["/1.wav", "/a/1.wav"], ["1", "a-1"]),
        (["abi/all/wav/x1.wav", "abi/all/wav/x2.wav"], ["x1", "x2"]),
        (["abi/all/m/1.wav", "abi/all/f/1.wav"], ["m-1", "f-1"]),
        (["c/m/u/1.wav", "c/f/u/1.wav", "c/f/v/1.wav"], ["m-u-1", "f-u-1", "f-v-1"]),
        (["c/1.wav", "c/1.wav", "c/2.wav"], ["1", "1", "2"]),
        (["c/1.wav", "c/1.mp3"], ["1", "1"]),
        (["s/1.flac", "../s2/1.5.flac", "/x/1.wav"], ["s-1", "s2-1.5", "1"]),
    ],
)
def test_a_name_has_only_the_parts_of_the_path_that_tell_it_apart(paths, names):
    naming = Naming(paths)
    assert [naming.name(path) for path in paths] == names


def test_names_depend_on_no_order_and_on_no_place():
    paths = [f"c/{part}/{n}.wav" for part in ("a", "b") for n in range(9)]
    naming, other = Naming(paths), Naming(paths[::-1])
    moved = Naming([f"/x/y/{path}" for path in paths])
    names = [naming.name(path) for path in paths]
    assert names == [other.name(path) for path in paths]
    assert names == [moved.name(f"/x/y/{path}") for path in paths]
    assert len(set(names)) == len(paths)


@pytest.fixture
def rows(tmp_path):
    """Return rows of six speakers with absolute paths, each <speaker>/wav/001.wav."""
    found = []
    for k in range(6):
        audio = tmp_path / "corpus é" / f"spk{k}" / "wav" / "001.wav"
        write_audio(audio, SENTENCES[k])
        found.append({"audio_filepath": str(audio), "text": SENTENCES[k]})
    return found


def test_absolute_paths_with_the_same_end_get_different_ids(tmp_path, rows):
    import_data(write_manifest(tmp_path / "m.jsonl", rows), tmp_path / "data")
    scp = [read_scp(tmp_path / "data" / part / "wav.scp") for part in ("train", "test")]
    ids = {utt: audio for pairs in scp for utt, audio in pairs}
    assert len(ids) == 5
    for utt, audio in ids.items():
        assert f"/{utt.replace('-', '/wav/')}.wav" in audio
    assert {utt.split("-", 1)[1] for utt in ids} == {"001"}


def test_segments_of_recordings_with_the_same_end_get_different_ids(tmp_path, rows):
    for row in rows:
        row |= {"start": 0.1, "end": 0.9}
    import_data(write_manifest(tmp_path / "m.jsonl", rows), tmp_path / "data")
    speakers = sum(read_sets(tmp_path / "data", "utt2spk").values(), [])
    assert sorted(speakers) == [f"spk{k}-001" for k in range(6)]


def test_an_id_that_stands_twice_is_an_error_with_a_remedy(tmp_path, rows):
    rows.append(dict(rows[0]))
    for number, row in enumerate(rows):
        row |= {"id": f"n{number}", "duration": 1.0 + number}
    table = write_manifest(
        tmp_path / "m.jsonl",
        [row | {"split": "train"} for row in rows[:1] + rows[-1:]] + rows[1:-1],
    )
    message = r"utt_id spk0-001 occurs twice with .*001.wav .*m.jsonl:1. and "
    message += r"of .*001.wav .*m.jsonl:2., expected .*--utt_id_column"
    with pytest.raises(ValueError, match=message):
        import_data(table, tmp_path / "data", "--split_column", "split", "--seed", "1")
    import_data(table, tmp_path / "data", "--utt_id_column", "id")


def test_absolute_paths_in_folders_of_splits_are_found(tmp_path, rows):
    for part, numbers in (("train", (0, 1, 2)), ("valid", (3,)), ("test", (4, 5))):
        chosen = [
            {"file_name": rows[k]["audio_filepath"], "text": SENTENCES[k]}
            for k in numbers
        ]
        write_manifest(tmp_path / "f" / part / "metadata.jsonl", chosen)
    import_data(tmp_path / "f", tmp_path / "data")
    assert read_sets(tmp_path / "data", "utt2spk")["valid"] == ["spk3-001"]
