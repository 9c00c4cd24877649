"""Segments that end after their recording: shortened a little, or left out, counted."""

import pytest
from own_corpus import SENTENCES, SETS, import_data, write_manifest, write_parquet

from hamzaban.bin.prepare_corpus import main as prepare_corpus
from hamzaban.bin.validate_data import main as validate_data
from hamzaban.data.files import read_scp
from hamzaban.ingest.segments import fit_segments
from hamzaban.ingest.utterances import Tally, Utterance
from published.corpora import make_masc
from published.speech import write_audio, write_lines

FIVE_WORDS = next(s for s in SENTENCES if len(s.split()) == 5)  # 1.5 s


@pytest.fixture
def audio(tmp_path):
    write_audio(tmp_path / "a.wav", FIVE_WORDS)
    write_audio(tmp_path / "a.mp3", FIVE_WORDS)
    return tmp_path / "a.wav"


@pytest.mark.parametrize(
    ("begin_s", "end_s", "expected"),
    [
        (0.5, 1.5, 1.5),
        (0.5, 1.501, 1.5),
        (0.5, 2.0, 1.5),
        (0.5, 2.001, "segment over 0.5 s beyond its recording"),
        (1.5, 1.6, "segment over 0.5 s beyond its recording"),
        (0.7, -1.0, 1.5),
        (0.7, 0.7, "segment that ends before it begins"),
        (-0.1, 0.7, "segment with a negative time"),
    ],
)
def test_a_segment_ends_with_its_recording_or_is_left_out(
    audio, begin_s, end_s, expected
):
    tally = Tally("x")
    span = {"begin_s": begin_s, "end_s": end_s}
    utt = Utterance("u", "s", str(audio), "text", rec_id="r", **span)
    found = list(fit_segments(iter([utt]), tally))
    if isinstance(expected, str):
        assert (found, dict(tally.faults)) == ([], {expected: 1})
    else:
        assert found == [utt._replace(end_s=expected)]
        assert not tally.faults.total()


def test_segments_of_a_command_stay_as_they_are(audio):
    span = {"begin_s": 0.5, "end_s": 1.9}
    utt = Utterance("u", "s", f"cat {audio} |", "text", rec_id="r", **span)
    assert list(fit_segments(iter([utt]), Tally("x"))) == [utt]


def test_segments_of_an_mp3_end_with_it(audio):
    span = {"begin_s": 0.5, "end_s": 1.9}
    path = str(audio.with_suffix(".mp3"))
    utt = Utterance("u", "s", path, "text", rec_id="r", **span)
    assert list(fit_segments(iter([utt]), Tally("x"))) == [utt._replace(end_s=1.5)]


@pytest.fixture
def rows(tmp_path):
    """Nine recordings of 1.2 s or more, two segments of each; two end too late."""
    found = []
    for k in range(9):
        duration_s = write_audio(tmp_path / "c" / f"r{k}.wav", SENTENCES[k])
        ends_s = (duration_s + 0.4 if k == 2 else 0.6, duration_s + 9 * (k == 3))
        for n in range(2):
            span = {"start": 0.1 + 0.5 * n, "end": ends_s[n]}
            row = {"audio_filepath": f"r{k}.wav", "text": SENTENCES[2 * k + n]}
            found.append(row | span)
    return found


def write_kaldi(folder, rows):
    names = [f"{row['audio_filepath'][:-4]}-{n % 2}" for n, row in enumerate(rows)]
    paths = {row["audio_filepath"][:-4]: row["audio_filepath"] for row in rows}
    lines = {
        "wav.scp": [f"{rec_id} {folder / path}" for rec_id, path in paths.items()],
        "utt2spk": [f"{name} {name[:2]}" for name in names],
        "text": [f"{n} {row['text']}" for n, row in zip(names, rows, strict=True)],
        "segments": [
            f"{name} {name[:2]} {row['start']:.2f} {row['end']:.2f}"
            for name, row in zip(names, rows, strict=True)
        ],
    }
    for name, values in lines.items():
        write_lines(folder / name, values)
    return folder


def make_source(form, folder, rows):
    if form == "jsonl":
        return write_manifest(folder / "m.jsonl", rows)
    if form == "parquet":
        pytest.importorskip("pyarrow")
        rows = [{"path": row.pop("audio_filepath")} | row for row in rows]
        return write_parquet(folder / "p.parquet", rows)
    return write_kaldi(folder, rows)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["jsonl", "parquet", "kaldi"])
def test_segments_that_end_late_are_shortened_or_counted(tmp_path, rows, caplog, form):
    caplog.set_level("INFO")
    source = make_source(form, tmp_path / "c", rows)
    words = ["--keep_shared", "true", "--unpack_dir", tmp_path / "unpacked"]
    words += ["--valid_share", "0.25", "--test_share", "0.25"]
    with pytest.raises(ValueError, match=r"1 of 4 .* cannot be used .segment over 0.5"):
        import_data(source, tmp_path / "data", *words, "--max_drop", "0")
    import_data(source, tmp_path / "data", *words, "--max_drop", "0.25")
    assert "1 left out: segment over 0.5 s beyond its recording" in caplog.text
    folders = [tmp_path / "data" / part for part in SETS]
    assert sum(len(list(read_scp(f / "segments"))) for f in folders) == 17
    assert validate_data([*map(str, folders)]) == 0


def test_captions_may_end_after_the_video(tmp_path):
    source = make_masc(tmp_path / "masc")
    captions = source / "subtitles" / "-clean_train1.ar.vtt"
    lines = captions.read_text(encoding="utf-8").splitlines()
    last = max(n for n, line in enumerate(lines) if "-->" in line)
    begin, arrow, end, *rest = lines[last].split()
    end = f"00:00:{float(end.rpartition(':')[2]) + 0.4:06.3f}"
    lines[last] = " ".join([begin, arrow, end, *rest])
    write_lines(captions, lines)
    prepare_corpus(["masc", str(source), "--output", str(tmp_path / "data")])
    assert validate_data([str(tmp_path / "data" / "train")]) == 0
