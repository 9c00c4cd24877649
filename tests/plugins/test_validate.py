"""The validator of data directories: each kind of planted fault, and clean ones."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hamzaban.bin import copy_data, validate_data
from hamzaban.validate.directory import CheckOptions, validate_data_dir
from hamzaban.validate.report import REMEDIES, Findings

FS = 16000
UTTS = [("s1-a", "s1"), ("s1-b", "s1"), ("s2-a", "s2"), ("s3-a", "s3")]
TEXT_ONLY = CheckOptions(no_wav=True)


def write(path: Path, *lines: str) -> None:
    """Write lines as UTF-8; surrogate escapes become single bytes."""
    text = "".join(f"{line}\n" for line in lines)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """A valid directory, with a space and non-ASCII letters in all its paths."""
    data_dir = tmp_path / "a dir" / "داده‌ها"
    data_dir.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number, (utt, _) in enumerate(UTTS):
        samples = 0.1 * rng.standard_normal(1600 * (number + 1))
        soundfile.write(data_dir / f"{utt} صدا.flac", samples, FS)
    write(data_dir / "utt2spk", *(f"{utt} {spk}" for utt, spk in UTTS))
    write(data_dir / "spk2utt", "s1 s1-a s1-b", "s2 s2-a", "s3 s3-a")
    write(data_dir / "text", *(f"{utt} کتاب می\u200cروم ۱۲" for utt, _ in UTTS))
    write(data_dir / "wav.scp", *(f"{u} {data_dir}/{u} صدا.flac" for u, _ in UTTS))
    counts = (f"{utt} {1600 * (n + 1)}" for n, (utt, _) in enumerate(UTTS))
    write(data_dir / "utt2num_samples", *counts)
    return data_dir


def edit(path: Path, old: str, new: str) -> None:
    """Replace a string that is in the file."""
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    assert old in text
    path.write_bytes(text.replace(old, new).encode("utf-8", "surrogateescape"))


def find(data_dir: Path, options: CheckOptions = TEXT_ONLY) -> Findings:
    """Validate, and check that every line names the file and ends with remedy and
    kind."""
    findings, _ = validate_data_dir(data_dir, options)
    for line in findings.lines():
        assert str(data_dir) in line
        kind = re.search(r"\[([a-z0-9-]+)\]$", line)
        assert kind and f"; {REMEDIES[kind.group(1)]} [" in line
    return findings


def only(data_dir: Path, kind: str, options: CheckOptions = TEXT_ONLY) -> list[str]:
    """Validate, check that findings are of one kind, and return their lines without
    DIR/."""
    findings = find(data_dir, options)
    assert list(findings.counts) == [kind]
    return [line.removeprefix(f"{data_dir}/") for line in findings.shown[kind]]


@pytest.mark.slow
@pytest.mark.parametrize("audio", ["none", "header", "full"])
@pytest.mark.parametrize("nj", [1, 2])
def test_a_clean_directory_has_no_findings(clean, capsys, audio, nj):
    words = ["--audio", audio, "--nj", str(nj), "--fs", "16000", str(clean)]
    assert validate_data.main(words) == 0
    files = "; 4 files at 16000 Hz" if audio != "none" else ""
    expected = f"{clean}: valid; 4 utterances, 3 speakers, 0.00 hours{files}\n"
    assert capsys.readouterr().out == expected


def test_kaldi_directory_with_every_optional_file(tmp_path):
    data_dir = tmp_path
    write(data_dir / "utt2spk", *(f"{utt} {spk}" for utt, spk in UTTS))
    write(data_dir / "spk2utt", "s1 s1-a s1-b", "s2 s2-a", "s3 s3-a")
    write(data_dir / "text", *(f"{utt}\t two  words " for utt, _ in UTTS))
    write(data_dir / "wav.scp", "r1 sph2pipe -f wav /x y.sph |", "r2 /nowhere.wav")
    write(data_dir / "segments", *(f"{u} r{1 + (u > 's2')} 0.5 1.25" for u, _ in UTTS))
    write(data_dir / "reco2dur", "r1 1.25", "r2 1.25")
    write(data_dir / "reco2file_and_channel", "r1 x A", "r2 y B")
    for name in ("utt2lang", "utt2uniq", "feats.scp", "vad.scp"):
        write(data_dir / name, *(f"{utt} value" for utt, _ in UTTS))
    for name in ("utt2dur", "utt2warp"):
        write(data_dir / name, *(f"{utt} 0.75" for utt, _ in UTTS))
    write(data_dir / "utt2num_frames", *(f"{utt} 75" for utt, _ in UTTS))
    write(data_dir / "spk2gender", "s1 m", "s2 f", "s3 f")
    write(data_dir / "cmvn.scp", "s1 a:1", "s2 a:2", "s3 a:3")
    write(data_dir / "stm", ";; anything")
    findings, summary = validate_data_dir(data_dir, CheckOptions(audio="none"))
    assert not findings.counts
    assert summary.duration_s == 3.0


@pytest.mark.parametrize("name", ["utt2spk", "spk2utt", "text", "wav.scp"])
def test_a_missing_file_is_found(clean, name):
    (clean / name).unlink()
    findings = find(clean, CheckOptions(audio="none"))
    (line,) = findings.shown["missing-file"]
    assert line.startswith(f"{clean}/{name}: no such file; ")
    options = CheckOptions(no_text=name == "text", no_wav=name == "wav.scp")
    assert ("missing-file" in find(clean, options).counts) == ("2" in name)


def test_segments_without_recordings_are_missing_files_even_with_no_wav(clean):
    (clean / "wav.scp").unlink()
    write(clean / "segments", *(f"{utt} r 0 1" for utt, _ in UTTS))
    only(clean, "missing-file")


@pytest.mark.parametrize("name", ["utt2spk", "spk2utt", "text"])
def test_an_empty_file_is_found(clean, name):
    (clean / name).write_text("")
    assert find(clean).counts["empty-file"] == 1


def test_a_blank_line_is_found(clean):
    edit(clean / "text", "s2-a", "\ns2-a")
    assert only(clean, "blank-line")[0].startswith("text:3: blank line; ")


def test_a_missing_newline_at_the_end_is_found(clean):
    for name in ("text", "spk2utt"):
        (clean / name).write_text((clean / name).read_text()[:-1])
    lines = only(clean, "no-newline")
    assert lines[0].startswith("spk2utt:3: s3: no newline at the end; the file may be")
    assert lines[1].startswith("text:4: s3-a: no newline at the end; the file may be")


def test_text_that_is_not_utf8_is_found(clean):
    edit(clean / "text", "s2-a کتاب", "s2-a \udcfftop")
    assert only(clean, "not-utf8")[0].startswith(
        "text:3: s2-a: not UTF-8 (byte 0xFF in column 6"
    )


@pytest.mark.parametrize(
    ("name", "old", "new", "place"),
    [
        ("utt2num_samples", "s1-b 3200", "s1-b", "2: s1-b: 1 words, expected 2"),
        ("utt2num_samples", "3200", "3200 1", "2: s1-b: 3 words, expected 2"),
        ("spk2utt", "s1-b\n", "s1-b\ns15\n", "2: s15: nothing follows the id"),
        ("wav.scp", "s1-b ", "s1-b\n#", "2: s1-b: nothing follows the id"),
    ],
)
def test_lines_of_a_wrong_format_are_found(clean, name, old, new, place):
    edit(clean / name, old, new)
    assert find(clean).shown["format"][0].startswith(f"{clean}/{name}:{place}")


@pytest.mark.parametrize(
    ("name", "lines", "found"),
    [
        ("utt2dur", ["1.5", "0", "nan", "x"], "2: s1-b: '0', expected a number above"),
        ("utt2num_frames", ["1", "2", "3", "4.5"], "4: s3-a: '4.5', expected an integ"),
        ("utt2warp", ["1", "1.6", "0.6", "1"], "2: s1-b: '1.6', expected .* below 1.5"),
        ("spk2gender", ["m", "F", "f"], "2: s2: 'F', expected one of f, m"),
    ],
)
def test_wrong_values_are_found(clean, name, lines, found):
    ids = ["s1", "s2", "s3"] if name == "spk2gender" else [utt for utt, _ in UTTS]
    write(clean / name, *map(" ".join, zip(ids, lines, strict=True)))
    lines_found = only(clean, "value")
    assert re.match(f"{name}:{found}", lines_found[0])
    assert len(lines_found) == 3 if name == "utt2dur" else 1


def test_wrong_values_of_segments_are_found(clean):
    write(clean / "wav.scp", "r x.wav")
    (clean / "utt2num_samples").unlink()
    times = ["0 1", "1 1", "-1 2", "1 b"]
    segments = zip(UTTS, times, strict=True)
    write(clean / "segments", *(f"{utt} r {time}" for (utt, _), time in segments))
    assert only(clean, "value")[0].startswith("segments:2: s1-b: '1 1', expected 0 <= ")
    assert find(clean).counts["value"] == 3


def test_unsorted_files_are_found(clean):
    for name in ("text", "utt2num_samples"):
        lines = (clean / name).read_text().splitlines()
        write(clean / name, *lines[::-1])
    lines = only(clean, "unsorted")
    assert lines[0].startswith("text:2: s2-a: stands after s3-a; sort with LC_ALL=C")
    assert len(lines) == 6


def test_order_is_that_of_bytes_and_not_of_a_locale(tmp_path):
    utts = sorted(["a_b", "a-b", "aB", "ab", "Zb", "éb", "\ufb01b", "\U0001f600b"])
    write(tmp_path / "utt2spk", *(f"{utt} {utt}" for utt in utts))
    write(tmp_path / "spk2utt", *(f"{utt} {utt}" for utt in utts))
    write(tmp_path / "text", *(f"{utt} x" for utt in utts))
    assert not find(tmp_path).counts
    assert utts != sorted(utts, key=str.lower)


def test_unsorted_utt2spk_still_compares_all_ids(clean):
    write(clean / "utt2spk", "s3-a s3", "s1-b s1", "s2-a s2", "s1-a s1")
    only(clean, "unsorted")
    edit(clean / "text", "s1-b", "s1-x")
    counts = find(clean).counts
    assert counts["unknown-id"] == counts["missing-id"] == 1


def test_a_duplicate_id_is_found(clean):
    edit(clean / "text", "s2-a کتاب", "s1-b دو\ns2-a کتاب")
    (line,) = only(clean, "duplicate")
    assert line.startswith("text:3: s1-b: id occurs twice, first on line 2; ")


def test_duplicate_in_an_unsorted_file_names_both_lines(clean):
    edit(clean / "text", "s3-a", "s3-a x\ns1-a")
    findings = find(clean)
    assert findings.counts == {"unsorted": 1, "duplicate": 1}
    assert (
        "text:5: s1-a: id occurs twice, first on line 1"
        in findings.shown["duplicate"][0]
    )


@pytest.mark.parametrize("character", ["\u00a0", "\u3000", "\ufeff", "\u200e"])
def test_id_characters(clean, character):
    for name in ("utt2spk", "spk2utt", "text", "wav.scp", "utt2num_samples"):
        edit(clean / name, "s3-a", f"s3-{character}")
    lines = only(clean, "id-characters")
    assert f"id has U+{ord(character):04X}" in lines[0]
    assert [line.split(":")[0] for line in lines] == [
        "text",
        "utt2num_samples",
        "utt2spk",
        "wav.scp",
    ]


def test_id_that_only_one_file_has(clean):
    edit(clean / "text", "s1-b کتاب", "s1-c کتاب")
    findings = find(clean)
    assert findings.counts == {"unknown-id": 1, "missing-id": 1}
    (unknown,), (missing,) = findings.shown["unknown-id"], findings.shown["missing-id"]
    assert unknown.startswith(f"{clean}/text:2: s1-c: utt_id is not in utt2spk; remove")
    assert missing.startswith(f"{clean}/utt2spk:2: s1-b: utt_id is not in text; add a")


def test_ids_of_recordings_and_speakers(clean):
    write(clean / "wav.scp", "r1 x.wav", "r3 y.wav")
    (clean / "utt2num_samples").unlink()
    write(clean / "segments", *(f"{u} r{1 + (u > 's2')} 0.5 1.25" for u, _ in UTTS))
    write(clean / "spk2gender", "s1 m", "s2 f")
    findings = find(clean)
    assert findings.counts == {"unknown-id": 1, "missing-id": 2}
    assert (
        "wav.scp:2: r3: reco_id is not in segments" in findings.shown["unknown-id"][0]
    )
    missing = "".join(findings.shown["missing-id"])
    assert "segments:3: r2: reco_id is not in wav.scp" in missing
    assert "spk2utt:3: s3: spk_id is not in spk2gender" in missing


@pytest.mark.parametrize(
    ("lines", "place", "found"),
    [
        (["s1 s1-a", "s2 s1-b s2-a", "s3 s3-a"], "spk2utt:2", "s1-b: speaker s2, but"),
        (["s1 s1-a", "s2 s2-a", "s3 s3-a"], "utt2spk:2", "s1-b: utt_id is not in spk"),
        (["s1 s1-a s1-b s1-c", "s2 s2-a", "s3 s3-a"], "spk2utt:1", "s1-c: utt_id is n"),
        (
            ["s1 s1-a s1-b", "s2 s1-a s2-a", "s3 s3-a"],
            "spk2utt:2",
            "s1-a: utt_id occurs",
        ),
    ],
)
def test_spk2utt_contradicts_utt2spk(clean, lines, place, found):
    write(clean / "spk2utt", *lines)
    (line,) = only(clean, "spk2utt")
    assert line.startswith(f"{place}: {found}")
    assert line.endswith("copy the directory with `hamzaban copy-data` [spk2utt]")


def test_speaker_prefix_is_only_a_warning(clean, capsys):
    write(clean / "utt2spk", "s1-a x", "s1-b y", "s2-a z", "s3-a z")
    write(clean / "spk2utt", "x s1-a", "y s1-b", "z s2-a s3-a")
    assert only(clean, "spk-prefix")[0].startswith("utt2spk:1: s1-a: does not begin")
    assert validate_data.main(["--no_wav", str(clean)]) == 0
    assert "warning: " in capsys.readouterr().out


@pytest.mark.parametrize("value", ["", " ", "\t", " \u200c\u200d"])
def test_an_empty_text_is_found(clean, value):
    edit(clean / "text", "s1-b کتاب می\u200cروم ۱۲", f"s1-b{value}")
    (line,) = only(clean, "empty-text")
    assert line.startswith("text:2: s1-b: ")


@pytest.mark.parametrize("word", ["e\u0301", "\u00a0", " \u200c", "\x01é", "<s>"])
def test_an_empty_text_beside_another_fault_is_found(clean, word):
    edit(clean / "text", "s1-b کتاب می\u200cروم ۱۲", "s1-b")
    edit(clean / "text", "s2-a کتاب", f"s2-a {word}")
    findings = find(clean, TEXT_ONLY)
    assert findings.counts["empty-text"] >= 1
    assert len(findings.counts) == 2 or word == " \u200c"


@pytest.mark.parametrize("word", ["e\u0301", "\u0627\u0653", "\u1100\u1161", "\u212b"])
def test_text_that_is_not_nfc_is_found(clean, word):
    edit(clean / "text", "s2-a کتاب", f"s2-a {word}")
    (line,) = only(clean, "not-nfc")
    assert line.startswith(f"text:3: s2-a: '{word}' is {ord(word[0]):04X}")


@pytest.mark.parametrize(
    "word", ["\u0622", "é", "क्\u200dष", "می\u200cروم", "\u06dd", "ﷺ"]
)
def test_text_that_is_legal(clean, word):
    edit(clean / "text", "s2-a کتاب", f"s2-a {word}")
    assert not find(clean).counts


@pytest.mark.parametrize(
    "character",
    ["\x07", "\r", "\x7f", "\x9c", "\u200b", "\u200f", "\ufffd"],
)
def test_a_control_character_is_found(clean, character):
    edit(clean / "text", "s2-a کتاب", f"s2-a کتا{character}ب")
    (line,) = only(clean, "control-character")
    assert line.startswith("text:3: s2-a: control character U+")
    assert character not in line


def test_control_character_in_any_file(clean):
    edit(clean / "wav.scp", ".flac\ns1-b", ".flac\x07\ns1-b")
    assert only(clean, "control-character")[0].startswith("wav.scp:1: s1-a: control ch")


def test_windows_line_ends_are_named_and_mended_by_a_copy(clean):
    for name in ("text", "wav.scp", "utt2spk", "spk2utt"):
        path = clean / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    for line in only(clean, "line-end"):
        assert (
            "Windows line end (CRLF); copy the directory with `hamzaban copy-d" in line
        )
    assert copy_data.main([str(clean), str(clean)]) == 0
    assert not find(clean).counts


@pytest.mark.parametrize("character", ["\u00a0", "\u2003", "\u3000", "\u2028", "\x85"])
def test_irregular_white_space_is_found(clean, character):
    edit(clean / "text", "s2-a کتاب", f"s2-a کتاب{character}")
    (line,) = only(clean, "white-space")
    assert f"s2-a: U+{ord(character):04X}" in line
    assert "expected an ordinary space" in line


def test_kaldi_text_rules_turn_content_into_warnings(clean, capsys):
    edit(clean / "text", "s2-a کتاب", "s2-a e\u0301")
    assert validate_data.main(["--no_wav", str(clean)]) == 1
    assert validate_data.main(["--no_wav", "--text_rules", "kaldi", str(clean)]) == 0
    assert "warning: " in capsys.readouterr().out


def test_a_reserved_word_is_found(clean):
    edit(clean / "text", "s2-a کتاب", "s2-a <s>")
    assert only(clean, "reserved-word")[0].startswith("text:3: s2-a: word <s>; ")


def test_a_tilde_in_a_path_is_found(clean):
    edit(clean / "wav.scp", f"s2-a {clean}", "s2-a ~")
    assert only(clean, "tilde")[0].startswith("wav.scp:3: s2-a: path ~/s2-a")


def test_every_finding_is_counted_and_the_first_are_shown(tmp_path, capsys):
    utts = [f"u{number:03d}" for number in range(50)]
    write(tmp_path / "utt2spk", *(f"{utt} u" for utt in utts))
    write(tmp_path / "spk2utt", " ".join(["u", *utts]))
    write(tmp_path / "text", *utts)
    assert validate_data.main(["--no_wav", str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 22
    assert lines[20] == "... and 30 more [empty-text]"
    assert lines[21].startswith(f"{tmp_path}: INVALID: empty-text 50; 50 utterances, 1")
    validate_data.main(["--no_wav", "--max_shown", "1", str(tmp_path)])
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_files_of_several_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("hamzaban.validate.lines.BLOCK_BYTES", 100)
    monkeypatch.setattr("hamzaban.data.files.MAX_PAIRS", 7)
    utts = [f"u{number:03d}" for number in range(200)]
    write(tmp_path / "utt2spk", *(f"{utt} u" for utt in utts))
    write(tmp_path / "spk2utt", " ".join(["u", *utts]))
    write(tmp_path / "text", *(f"{utt} x" for utt in utts))
    assert not find(tmp_path).counts
    edit(tmp_path / "text", "u150 x\n", "")
    edit(tmp_path / "text", "u160 x\n", "u160 \n")
    findings = find(tmp_path)
    assert findings.counts == {"missing-id": 1, "empty-text": 1}
    assert f"{tmp_path}/text:160: u160: " in findings.shown["empty-text"][0]
    assert f"{tmp_path}/utt2spk:151: u150: " in findings.shown["missing-id"][0]


def test_one_utterance(tmp_path):
    for name, line in (("utt2spk", "u u"), ("spk2utt", "u u"), ("text", "u x")):
        write(tmp_path / name, line)
    assert not find(tmp_path).counts


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(NotADirectoryError, match="nowhere: no such data directory"):
        validate_data_dir(tmp_path / "nowhere")


def test_several_directories_share_the_exit_status(clean, tmp_path, capsys):
    words = ["--no_wav", str(clean)]
    assert validate_data.main([*words, str(clean)]) == 0
    assert validate_data.main([*words, str(tmp_path)]) == 1
    assert len(re.findall(r": (?:IN)?valid", capsys.readouterr().out, re.I)) == 4


def test_text_side_imports_nothing_heavy():
    script = (
        "import sys, hamzaban.validate.directory, hamzaban.data.ops\n"
        "from hamzaban.bin import validate_data\n"
        "heavy = {'torch', 'espnet2', 'numpy', 'soundfile', 'av'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
