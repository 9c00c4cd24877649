"""Files that systems leave beside a corpus, odd names, links, byte order marks."""

import io
import json
import os
import tarfile

import pytest
from own_corpus import SENTENCES, import_data, make_table, read_sets

from hamzaban.bin.copy_data import main as copy_data
from hamzaban.bin.validate_data import main as validate_data
from hamzaban.data.files import read_scp
from hamzaban.data.walk import walk_files
from hamzaban.data.write import ScpWriter
from hamzaban.ingest.archive import extract_files, first_file
from hamzaban.lm.text import read_plain
from hamzaban.text.stream import StreamOptions, normalize_stream
from published.speech import write_audio, write_lines

APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        \xb4" + bytes(80)


@pytest.fixture
def folder(tmp_path):
    """Nine recordings of three speakers with a text beside each."""
    for k, sentence in enumerate(SENTENCES[:9]):
        audio = tmp_path / "corpus" / f"spk{k % 3}" / f"{k}.wav"
        write_audio(audio, sentence)
        audio.with_suffix(".txt").write_text(f"{sentence}\n", encoding="utf-8")
    return tmp_path / "corpus"


def leave_files(folder):
    """Write files that macOS and Windows leave behind; return their number."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    for path in found:
        copy = folder / "__MACOSX" / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        for place in (path.parent, copy.parent):
            (place / f"._{path.name}").write_bytes(APPLE_DOUBLE)
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini"):
        (folder / name).write_bytes(APPLE_DOUBLE)
    return 2 * len(found) + 3


def test_leftover_files_of_operating_systems_are_skipped_and_counted(
    tmp_path, folder, caplog
):
    import_data(folder, tmp_path / "before", "--speaker_folders", "true")
    number = leave_files(folder)
    import_data(folder, tmp_path / "data", "--speaker_folders", "true")
    for name in ("text", "wav.scp", "utt2spk"):
        assert read_sets(tmp_path / "data", name) == read_sets(
            tmp_path / "before", name
        )
    assert caplog.text.count(f"{number} files that macOS or Windows left") == 1


def test_data_directories_out_of_a_zip_are_imported(tmp_path):
    make_table(tmp_path / "corpus")
    import_data(tmp_path / "corpus" / "data.csv", tmp_path / "data")
    leave_files(tmp_path / "data")
    import_data(tmp_path / "data", tmp_path / "again")
    for name in ("text", "utt2spk"):
        assert read_sets(tmp_path / "again", name) == read_sets(tmp_path / "data", name)
    assert validate_data([str(tmp_path / "data" / "train")]) == 0


@pytest.mark.slow
def test_macos_leftovers_named_like_parquet_files_are_not_opened(tmp_path):
    pytest.importorskip("pyarrow")
    from own_corpus import read_audio, write_parquet

    for part, numbers in (("train", range(4)), ("valid", [4]), ("test", [5])):
        rows = [
            {
                "audio": {"bytes": read_audio(tmp_path, SENTENCES[k]), "path": "a.wav"},
                "text": SENTENCES[k],
            }
            for k in numbers
        ]
        write_parquet(tmp_path / "c" / f"{part}-0.parquet", rows)
    leave_files(tmp_path / "c")
    import_data(tmp_path / "c", tmp_path / "data", "--unpack_dir", tmp_path / "u")
    assert len(read_sets(tmp_path / "data", "text")["train"]) == 4


def test_macos_leftovers_are_not_extracted_from_a_tarball(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name in ("._fa", "fa/._a.wav", "__MACOSX/fa/b.wav", "fa/c.wav"):
            member = tarfile.TarInfo(name)
            member.size = 4
            tar.addfile(member, io.BytesIO(b"data"))
    found = extract_files(tmp_path / "a.tar", lambda name: tmp_path / "out" / name.name)
    assert [path.name for path in found] == ["c.wav"]
    assert str(first_file(tmp_path / "a.tar")) == "fa/c.wav"


def test_links_that_lead_back_do_not_repeat_files(tmp_path, folder):
    for name in ("one", "two"):
        (folder / "spk0" / name).symlink_to(folder)
    assert sum(path.endswith(".wav") for path in walk_files(folder)) == 9
    import_data(folder, tmp_path / "data", "--speaker_folders", "true")
    assert sum(map(len, read_sets(tmp_path / "data", "text").values())) == 9


def test_a_folder_that_is_a_link_is_read(tmp_path, folder):
    (folder / "spk0").rename(tmp_path / "elsewhere")
    (folder / "spk0").symlink_to(tmp_path / "elsewhere")
    assert sum(path.endswith(".wav") for path in walk_files(folder)) == 9


@pytest.mark.parametrize(
    "name", ["a\nb x.wav", "a\u2028b.wav", os.fsdecode(b"\xff.wav")]
)
def test_a_name_that_wav_scp_cannot_hold_is_counted(tmp_path, folder, name, caplog):
    audio = folder / "spk1" / name
    audio.write_bytes((folder / "spk0" / "0.wav").read_bytes())
    audio.with_suffix(".txt").write_text(SENTENCES[10], encoding="utf-8")
    import_data(folder, tmp_path / "data", "--max_drop", "0.2")
    assert sum(map(len, read_sets(tmp_path / "data", "wav.scp").values())) == 9
    assert "name of an audio file that wav.scp cannot hold, the first" in caplog.text


def test_a_name_that_would_be_a_command_is_counted(tmp_path):
    for k, sentence in enumerate(SENTENCES[:8]):
        write_audio(tmp_path / f"{k}.wav", sentence)
    (tmp_path / "7.wav").rename(tmp_path / "touch ran |")
    names = [*(f"{k}.wav" for k in range(7)), "touch ran |"]
    rows = [{"file": name, "text": SENTENCES[k]} for k, name in enumerate(names)]
    write_lines(tmp_path / "m.jsonl", map(json.dumps, rows))
    import_data(tmp_path / "m.jsonl", tmp_path / "data", "--max_drop", "0.2")
    assert sum(map(len, read_sets(tmp_path / "data", "wav.scp").values())) == 7


def test_a_line_break_never_becomes_a_line_of_a_data_file(tmp_path):
    writer = ScpWriter(tmp_path / "wav.scp", "wav.scp")
    with pytest.raises(ValueError, match=r"wav.scp: line break in 'u1 a\\nu2 b.wav'"):
        writer.write("u1", "a\nu2 b.wav")
    writer.close()


def test_a_byte_order_mark_is_no_part_of_an_id(tmp_path, capsys):
    make_table(tmp_path / "corpus")
    import_data(tmp_path / "corpus" / "data.csv", tmp_path / "data")
    train = tmp_path / "data" / "train"
    ids = [utt_id for utt_id, _ in read_scp(train / "text")]
    for name in ("text", "utt2spk", "spk2utt", "wav.scp"):
        (train / name).write_bytes(b"\xef\xbb\xbf" + (train / name).read_bytes())
    assert [utt_id for utt_id, _ in read_scp(train / "text")] == ids
    assert validate_data([str(train)]) == 1
    assert "a byte order mark; `hamzaban copy-data` removes it" in "".join(
        capsys.readouterr()
    )
    copy_data([str(train), str(tmp_path / "copy")])
    assert validate_data([str(tmp_path / "copy")]) == 0


def test_a_byte_order_mark_is_no_part_of_a_text(tmp_path):
    content = "\ufeffu1 سلام\n".encode()
    (tmp_path / "lm.txt").write_bytes(content + b"a &amp; b\n")
    assert list(read_plain(tmp_path / "lm.txt")) == ["u1 سلام", "a & b"]
    sink = io.BytesIO()
    options = StreamOptions("fa", kaldi=True)
    normalize_stream(io.BytesIO(content), sink, "in", options)
    assert sink.getvalue().decode() == "u1 سلام\n"


def test_a_transcript_with_a_byte_order_mark_loses_it(tmp_path, folder):
    for path in folder.rglob("*.txt"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    import_data(folder, tmp_path / "data")
    texts = sum(read_sets(tmp_path / "data", "text").values(), [])
    assert not any("\ufeff" in text for text in texts)
