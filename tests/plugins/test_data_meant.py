"""Paths that are spelled otherwise than the files they mean."""

import unicodedata
from types import SimpleNamespace

import pytest
from own_corpus import SENTENCES, import_data, read_sets

from hamzaban.audio.reader import open_audio
from hamzaban.audio.source import UnreadableError
from hamzaban.data.meant import MeantFinder, find_meant
from hamzaban.mine.sources import list_media
from published.speech import write_audio

NFC = "Mü-آ-{}.wav"
NFD = unicodedata.normalize("NFD", NFC)


@pytest.fixture
def corpus(tmp_path):
    """A table of nine recordings, of the names and paths that are given."""

    def make(file, named):
        rows = ["file,text,speaker"]
        for k in range(9):
            write_audio(
                tmp_path / "wavs" / "sub" / file.format(k), SENTENCES[k], seed=k
            )
            rows.append(f"{named.format(k)},{SENTENCES[k]},s{k % 3}")
        table = tmp_path / "a.csv"
        table.write_text("\r\n".join(rows) + "\r\n", encoding="utf-8")
        return table

    return make


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("A{}.wav", "wavs/sub/A{}.WAV"),
        ("A{}.wav", "Wavs/sub/a{}.wav"),
        ("A{}.WAV", "wavs/sub/A{}"),
        ("A{}.wav", "wavs\\sub\\A{}.wav"),
        ("A{}.wav", "D:\\corpus\\wavs\\sub\\A{}.wav"),
        ("A{}.wav", "/mnt/elsewhere/wavs/sub/A{}.wav"),
        ("A{}.wav", "\u200ewavs/sub/A{}.wav"),
        (NFC, f"wavs/sub/{NFD}"),
        (NFD, f"wavs/sub/{NFC}"),
    ],
)
def test_import_reads_the_file_that_is_meant_and_says_so(corpus, file, named, caplog):
    table = corpus(file, named)
    import_data(table, table.parent / "data")
    audio = sum(read_sets(table.parent / "data", "wav.scp").values(), [])
    folder = table.parent / "wavs" / "sub"
    assert sorted(audio) == sorted(f"{folder / file.format(k)}" for k in range(9))
    for part in ("train", "valid", "test"):
        assert caplog.text.count(f"{part} of {table}: ") == 1
    assert "differ from the files in slashes, case or Unicode form" in caplog.text


def test_ids_of_windows_paths_are_those_below_their_common_folder(corpus):
    table = corpus("A{}.wav", "D:\\corpus\\wavs\\sub\\A{}.wav")
    import_data(table, table.parent / "data")
    ids = (table.parent / "data/train/utt2spk").read_text().split()[::2]
    assert all("\\" not in utt_id and ":" not in utt_id for utt_id in ids)
    assert "s0-A0" in ids or "s0-A3" in ids


def test_a_path_that_may_mean_two_files_is_an_error_that_names_them(corpus):
    table = corpus("A{}.wav", "wavs/sub/A{}.Wav")
    write_audio(table.parent / "wavs/sub/A0.WAV", SENTENCES[10])
    with pytest.raises(ValueError, match=r"a.csv:2: .*may mean .*A0.WAV or .*A0.wav"):
        import_data(table, table.parent / "data")


def test_two_paths_that_would_mean_one_file_are_an_error(tmp_path):
    rows = ["file,text"]
    for k in range(4):
        write_audio(tmp_path / "wavs" / f"{k}.wav", SENTENCES[k])
        rows.append(f"/old/spk1/{k}.wav,{SENTENCES[k]}")
    rows.append(f"/old/spk2/3.wav,{SENTENCES[5]}")
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(
        ValueError, match=r"a.csv:.*3.wav may be meant by it or by /old"
    ):
        import_data(tmp_path / "a.csv", tmp_path / "data", "--ignore_split", "true")


def test_audio_of_another_suffix_is_named(corpus):
    table = corpus("A{}.wav", "wavs/sub/A{}.mp3")
    with pytest.raises(
        ValueError, match=r"such as wavs/sub/A\d.mp3; .*A\d.wav is there"
    ):
        import_data(table, table.parent / "data")


def test_a_missing_recording_is_named_with_the_file_that_is_there(tmp_path):
    write_audio(tmp_path / "A1.wav", SENTENCES[0])
    with (
        pytest.raises(
            UnreadableError, match=r"A1.WAV: no such file; .*A1.wav is there"
        ),
        open_audio(f"{tmp_path}/A1.WAV"),
    ):
        pass


def test_a_list_of_media_reads_the_files_that_are_meant(tmp_path, caplog):
    write_audio(tmp_path / "media" / "A1.wav", SENTENCES[0])
    found = tmp_path / "media.lst"
    found.write_bytes(f"{tmp_path}\\media\\A1.WAV\r\n".encode())
    options = SimpleNamespace(suffixes=("wav",))
    media = list_media([], [found], options, tmp_path / "out")
    assert media == [f"{tmp_path}/media/A1.wav"]
    assert "media.lst: 1 paths differ" in caplog.text


def test_speakers_whose_names_look_the_same_are_one(tmp_path):
    rows = ["file,text,speaker"]
    for k in range(9):
        write_audio(tmp_path / f"{k}.wav", SENTENCES[k])
        name = unicodedata.normalize(("NFC", "NFD")[k // 3 % 2], f"Mü{k % 3}")
        rows.append(f"{k}.wav,{SENTENCES[k]},{name}")
    (tmp_path / "a.csv").write_text("\n".join(rows) + "\n")
    import_data(tmp_path / "a.csv", tmp_path / "data")
    speakers = read_sets(tmp_path / "data", "utt2spk")
    assert [len(set(found)) for found in speakers.values()] == [1, 1, 1]


def test_no_file_is_meant_by_the_path_of_nothing(tmp_path):
    (tmp_path / "b.wav").touch()
    assert find_meant(tmp_path / "a.wav") == []
    assert MeantFinder((".wav",)).find("", [tmp_path]) == []
    for path in ("", ".", "/", "\\", "D:\\", "..", "a\0b"):
        assert find_meant(path) == []
