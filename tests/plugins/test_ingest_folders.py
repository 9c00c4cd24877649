"""Folders of audio: files taken for transcripts, and what is said of others."""

import pytest
from own_corpus import SENTENCES, import_data, read_sets

from hamzaban.data.files import read_scp
from published.speech import write_audio

CAPTIONS = {
    ".srt": "1\n00:00:00,000 --> 00:00:00,400\n{}\n\n"
    "2\n00:00:00,400 --> 00:00:00,700\n{}\n",
    ".vtt": "WEBVTT\n\n00:00.000 --> 00:00.400\n{}\n\n00:00.400 --> 00:00.700\n{}\n",
}


def make_folder(root, suffix, content="{}\n", num_files=9):
    for k in range(num_files):
        folder = root / f"s{k % 3}"
        write_audio(folder / f"u{k}.wav", SENTENCES[k], seed=k)
        text = content.format(SENTENCES[k], SENTENCES[k + num_files])
        (folder / f"u{k}{suffix}").write_text(text, encoding="utf-8")
    return root


def read_texts(data):
    return sorted(sum(read_sets(data, "text").values(), []))


@pytest.mark.parametrize("suffix", [".txt", ".TXT", ".Txt", ".lab", ".LAB"])
def test_transcripts_of_any_case_are_read(tmp_path, suffix):
    source = make_folder(tmp_path / "c", suffix)
    import_data(source, tmp_path / "data", "--speaker_folders", "true")
    assert read_texts(tmp_path / "data") == sorted(SENTENCES[:9])


@pytest.mark.parametrize("suffix", CAPTIONS)
def test_captions_make_segments(tmp_path, suffix):
    source = make_folder(tmp_path / "c", suffix, CAPTIONS[suffix])
    import_data(source, tmp_path / "data", "--speaker_folders", "true")
    assert read_texts(tmp_path / "data") == sorted(SENTENCES[:18])
    spans = {
        rest.split(None, 1)[1] for _, rest in read_scp(tmp_path / "data/train/segments")
    }
    assert spans == {"0.000 0.400", "0.400 0.700"}


def test_a_transcript_counts_before_captions(tmp_path):
    source = make_folder(tmp_path / "c", ".vtt", CAPTIONS[".vtt"])
    make_folder(source, ".txt")
    import_data(source, tmp_path / "data", "--speaker_folders", "true")
    assert read_texts(tmp_path / "data") == sorted(SENTENCES[:9])


def test_files_of_other_kinds_beside_audio_are_named(tmp_path, caplog):
    source = make_folder(make_folder(tmp_path / "c", ".txt"), ".TextGrid")
    import_data(source, tmp_path / "data", "--speaker_folders", "true")
    assert "beside the audio that are not read: 9 .TextGrid, such as" in caplog.text


def test_transcripts_without_audio_are_counted(tmp_path, caplog):
    source = make_folder(tmp_path / "c", ".txt")
    for name in ("x", "y"):
        (source / "s0" / f"{name}.txt").write_text(SENTENCES[12])
    import_data(source, tmp_path / "data", "--speaker_folders", "true")
    assert f"{source}: 2 transcripts without audio of their name" in caplog.text
    assert f"such as {source}/s0/x.txt" in caplog.text


@pytest.mark.parametrize(
    ("suffix", "content", "found"),
    [
        (".TextGrid", "{}", "found 9 .TextGrid, such as"),
        (".lab", "0 1200000 sil\n1200000 2400000 a\n", "found 9 .lab, such as"),
    ],
)
def test_a_folder_without_a_known_transcript_says_what_is_there(
    tmp_path, suffix, content, found
):
    source = make_folder(tmp_path / "c", suffix, content)
    message = rf"c: none of 9 audio files has a transcript .*\.lab, \.srt or .*{found}"
    with pytest.raises(ValueError, match=message):
        import_data(source, tmp_path / "data", "--speaker_folders", "true")


def test_transcripts_in_another_folder_are_named(tmp_path):
    source = make_folder(tmp_path / "c", ".txt")
    (tmp_path / "c" / "texts").mkdir()
    for file in source.glob("s?/*.txt"):
        file.rename(source / "texts" / file.name)
    with pytest.raises(ValueError, match="found 9 transcripts of other names, such as"):
        import_data(source, tmp_path / "data")


def test_a_table_without_a_usable_row_is_not_said_to_lack_speakers(tmp_path):
    write_audio(tmp_path / "u.wav", SENTENCES[0])
    rows = "".join(f"u{k}.wav,\n" for k in range(5))
    (tmp_path / "a.csv").write_text(f"file,text\n{rows}")
    with pytest.raises(
        ValueError,
        match="transcript found in 5 .no transcript: 5; the first: .*a.csv:2.",
    ):
        import_data(tmp_path / "a.csv", tmp_path / "data")


def test_a_time_of_captions_that_is_no_number_is_named(tmp_path):
    source = make_folder(tmp_path / "c", ".srt", "1\n00:00:00.0.1 --> 00:01\n{}\n")
    with pytest.raises(
        ValueError, match=r"u0.srt:2: time '00:00:00.0.1', expected such"
    ):
        import_data(source, tmp_path / "data")
