"""Inputs that a step notes while it runs: tables that db.sh names, lists of noises."""

import os
import shlex
import sys
import time
from pathlib import Path

import pytest

from hamzaban.bin.import_data import main as import_data
from hamzaban.bin.prepare_corpus import main as prepare_corpus
from hamzaban.launch import notes, stage, stamp
from hamzaban.launch.stamp import Step
from published import corpora
from published.speech import draw_sentences, write_audio, write_lines

NOTE = (
    "import sys; from pathlib import Path; from hamzaban.launch.notes import *; "
    "note_inputs(*map(Path, sys.argv[1:]))"
)


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A recipe, and beside it a corpus whose name has a space."""
    folder = tmp_path / "my corpus é"
    folder.mkdir()
    (folder / "text").write_text("a\n")
    (tmp_path / "recipe" / "in").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "recipe")
    return folder


def run(*noted: Path, script: str = ":") -> bool:
    """Run a step that notes files; return whether it ran."""
    words = shlex.join([sys.executable, "-c", NOTE, *map(str, noted)])
    script = f"{words}; {script}; touch out; echo ran >> runs"
    step = Step("data", ("bash", "-c", script), (Path("in"),), (Path("out"),))
    before = Path("runs").stat().st_size if Path("runs").exists() else 0
    assert stage.run_stage(step) == 0
    return Path("runs").stat().st_size > before


@pytest.mark.slow
def test_a_correction_of_a_noted_file_runs_the_step_again(corpus, caplog):
    caplog.set_level("INFO")
    text = corpus / "text"
    assert run(text, corpus, corpus / "none")
    assert not run(text, corpus, corpus / "none")
    os.utime(text, (1, 1))
    assert not run(text, corpus, corpus / "none")
    text.write_text("b\n")
    assert run(text, corpus, corpus / "none")
    assert f"{text} has changed" in caplog.text
    (corpus / "new").touch()
    assert run(text, corpus, corpus / "none")
    assert f"{corpus} has changed" in caplog.text
    assert not run(text, corpus, corpus / "none")
    assert not Path(".out.data.notes").exists()


def test_outputs_stay_when_the_corpus_is_gone(corpus):
    run(corpus / "text")
    (corpus / "text").unlink()
    assert not run(corpus / "text")


@pytest.mark.slow
def test_files_that_the_step_makes_are_not_its_inputs(corpus):
    script = "echo $RANDOM > unpacked"
    words = shlex.join([sys.executable, "-c", NOTE, "unpacked"])
    assert run(corpus / "text", script=f"{script}; {words}")
    Path("unpacked").write_text("by another step")
    assert not run(corpus / "text", script=f"{script}; {words}")


@pytest.mark.slow
def test_a_change_while_the_step_runs_makes_it_run_again(corpus):
    table = corpus / "text"
    late = f"echo late > {shlex.quote(str(table))}"
    assert run(table, script=late)
    assert run(table, script=late)


def collect(tmp_path, monkeypatch, verb, *words):
    """Return the names that a verb notes, relative to the folder of the test."""
    monkeypatch.chdir(tmp_path)
    path, began_ns = tmp_path / ".data.data.stamp", time.time_ns()
    with notes.note_folder(path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert verb(list(map(str, words))) == 0
        return set(notes.read_notes(path, began_ns))


def test_each_form_of_an_own_corpus_is_noted(tmp_path, monkeypatch):
    kaldi: dict[str, list[str]] = {"wav.scp": [], "text": [], "utt2spk": []}
    rows = ["path,sentence,speaker"]
    for k, sentence in enumerate(draw_sentences("sw", 12)):
        audio = tmp_path / "pairs" / f"s{k % 4}" / f"{k:02}.wav"
        write_audio(audio, sentence, seed=k)
        write_lines(audio.with_suffix(".txt"), [sentence])
        rows.append(f"{audio},{sentence},s{k % 4}")
        for name, value in (("wav.scp", audio), ("text", sentence), ("utt2spk", "s")):
            spk = f"{k % 4}" if name == "utt2spk" else ""
            kaldi[name].append(f"s{k % 4}-{k:02} {value}{spk}")
    for name, lines in kaldi.items():
        write_lines(tmp_path / "kaldi" / name, sorted(lines))
    write_lines(tmp_path / "table.csv", rows)

    def collect_of(source):
        words = (import_data, source, "--output", "data", "--keep_shared", "true")
        return collect(tmp_path, monkeypatch, *words)

    assert collect_of("table.csv") == {"table.csv"}
    names = {f"kaldi/{name}" for name in kaldi}
    assert collect_of("kaldi") == {"kaldi", *names}
    found = collect_of("pairs")
    assert {"pairs", "pairs/s3", "pairs/s3/11.txt"} <= found
    assert not [name for name in found if name.endswith(".wav")]


@pytest.mark.slow
def test_parquet_files_are_noted_and_the_audio_unpacked_from_them_is_not(
    tmp_path, monkeypatch
):
    pytest.importorskip("pyarrow")
    corpora.make_parquet(tmp_path / "parquet", "ur")
    words = ("parquet", "--output", "data", "--unpack_dir", "unpacked")
    found = collect(tmp_path, monkeypatch, import_data, *words)
    names = [f"parquet/{part}-00000-of-00001.parquet" for part in ("train", "valid")]
    assert found == {"parquet", *names}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "make", "noted"),
    [
        ("masc", corpora.make_masc, "c/subtitles/-clean_train1.ar.vtt"),
        ("mgb2", corpora.make_mgb2, "c/train/xml/utf8/00A-BC.xml"),
        ("fleurs", corpora.make_fleurs, "c/data/fa_ir/test.tsv"),
        ("fleurs", corpora.make_fleurs, "c/data/fa_ir/audio/test.tar.gz"),
        ("mgb2", corpora.make_mgb2, "c/test/text.non_overlap_speech"),
    ],
)
def test_tables_of_published_corpora_are_noted(
    name, make, noted, tmp_path, monkeypatch
):
    make(tmp_path / "c")
    words = [name, "c", "--output", "data"]
    words += [] if name == "masc" else ["--check_counts", "false"]
    words += ["--lang", "fa", "--unpack_dir", "unpacked"] if name == "fleurs" else []
    found = collect(tmp_path, monkeypatch, prepare_corpus, *words)
    assert noted in found
    assert not [path for path in found if path.endswith((".wav", ".flac", ".mp3"))]


def test_explain_names_the_table_that_has_changed(corpus, capsys):
    from hamzaban.bin import run_stage as verb

    run(corpus / "text")
    (corpus / "text").write_text("b\n")
    assert verb.main(["--explain", ".out.data.stamp"]) == 1
    assert f"{corpus / 'text'} has changed" in capsys.readouterr().out
    assert stamp.read_stamp(Path(".out.data.stamp"))["inputs"] == {}


LIST = (
    "from pathlib import Path; from hamzaban.launch.notes import note_recordings; "
    "note_recordings(Path('data/wav.scp'))"
)


@pytest.fixture
def recordings(corpus):
    """Two recordings, one of them in an archive, and a command."""
    Path("data").mkdir()
    paths = [corpus / "a.wav", corpus / "b.ark"]
    for path in paths:
        path.write_bytes(b"1234")
    lines = [f"a {paths[0]}", f"b {paths[1]}:17", "c sox c.wav -t wav - |"]
    Path("data/wav.scp").write_text("\n".join(lines) + "\n")
    return paths


def run_on_recordings(script: str = ":") -> bool:
    words = shlex.join([sys.executable, "-c", LIST])
    script = f"{words}; {script}; touch out; echo ran >> runs"
    step = Step("audio", ("bash", "-c", script), (Path("data"),), (Path("out"),))
    before = Path("runs").stat().st_size if Path("runs").exists() else 0
    assert stage.run_stage(step) == 0
    return Path("runs").stat().st_size > before


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 1])
def test_a_replaced_recording_runs_the_step_again(recordings, caplog, number):
    caplog.set_level("INFO")
    assert run_on_recordings()
    assert not run_on_recordings()
    time_ns = recordings[number].stat().st_mtime_ns
    recordings[number].write_bytes(b"12345")  # another size, the same time
    os.utime(recordings[number], ns=(time_ns, time_ns))
    assert run_on_recordings()
    assert "a recording that data/wav.scp names has changed" in caplog.text
    recordings[number].write_bytes(b"54321")  # the same size, another time
    os.utime(recordings[number], ns=(time_ns, time_ns + 1))
    assert run_on_recordings()
    assert not run_on_recordings()


def test_recordings_that_are_gone_do_not_run_the_step_again(recordings):
    run_on_recordings()
    recordings[0].unlink()
    assert not run_on_recordings()


@pytest.mark.slow
def test_a_recording_replaced_while_the_step_runs_is_seen_the_next_time(recordings):
    late = f"echo late > {shlex.quote(str(recordings[0]))}"
    assert run_on_recordings(late)
    assert run_on_recordings(late)
