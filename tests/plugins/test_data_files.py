"""Data directories: reading, writing, copying, subsetting, combining, splitting."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hamzaban.bin import combine_data, copy_data, subset_data, validate_data
from hamzaban.data import files, write
from hamzaban.data.combine import combine_dirs
from hamzaban.data.files import kind_of, read_scp, read_spk2utt, sorted_pairs
from hamzaban.data.ops import Rename, copy_dir, put_speaker_first
from hamzaban.data.write import DirWriter, write_scp


def make_dir(
    path: Path, num_spks: int = 3, per_spk: int = 4, first: int = 0, **files: str
) -> Path:
    """Write a small valid directory of made-up utterances; return `path`."""
    path.mkdir(parents=True)
    ids = [
        (f"spk{s + first:02d}-u{u}", f"spk{s + first:02d}")
        for s in range(num_spks)
        for u in range(per_spk)
    ]
    lines = {
        "utt2spk": [f"{utt} {spk}" for utt, spk in ids],
        "text": [f"{utt} می\u200cروم {n}" for n, (utt, _) in enumerate(ids)],
        "wav.scp": [f"{utt} /my audio/{utt} سلام.wav" for utt, _ in ids],
        "utt2num_samples": [
            f"{utt} {16000 * (n + 1)}" for n, (utt, _) in enumerate(ids)
        ],
        "spk2utt": [
            f"spk{s + first:02d} "
            + " ".join(utt for utt, spk in ids if spk == f"spk{s + first:02d}")
            for s in range(num_spks)
        ],
        "spk2gender": [f"spk{s + first:02d} {'mf'[s % 2]}" for s in range(num_spks)],
        "feats_type": ["raw"],
    }
    for name, content in lines.items():
        (path / name).write_text("".join(f"{line}\n" for line in content))
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def add_segments(path: Path) -> None:
    """Turn the utterances into segments of one recording for each speaker."""
    pairs = list(read_scp(path / "utt2spk"))
    segments = [
        f"{utt} rec-{spk} {n} {n + 1}.5\n" for n, (utt, spk) in enumerate(pairs)
    ]
    recordings = [
        f"rec-{spk} /audio/{spk}.flac\n" for spk in sorted(dict(pairs[::-1]).values())
    ]
    (path / "segments").write_text("".join(segments))
    (path / "wav.scp").write_text("".join(sorted(set(recordings))))
    (path / "utt2num_samples").unlink()


def content(path: Path) -> dict[str, str]:
    """Read all files of a directory."""
    return {p.name: p.read_text() for p in sorted(path.iterdir()) if p.is_file()}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_dir(tmp_path / "a dir" / "داده")


def test_kinds_of_files():
    assert kind_of("wav.scp") == "utt"
    assert kind_of("wav.scp", has_segments=True) == "reco"
    assert kind_of("utt2lang") == kind_of("text_spk2") == kind_of("segments") == "utt"
    assert kind_of("cmvn.scp") == kind_of("spk2utt") == "spk"
    assert kind_of("audio_format") == "value"
    assert kind_of("utt2spk.bak") is kind_of("split4") is kind_of("text~") is None


def test_reads_spaces_tabs_empty_rests_and_unusual_line_breaks(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(" a\tb  c \nd\ne x\u2028y\u00a0z\n".encode())
    assert list(read_scp(path)) == [("a", "b  c"), ("d", ""), ("e", "x\u2028y\u00a0z")]


def test_read_errors_name_the_line(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"a b\n\n")
    with pytest.raises(ValueError, match=r"text:2: blank line; remove"):
        list(read_scp(path))
    path.write_bytes(b"a b\nc \xff\n")
    with pytest.raises(
        ValueError,
        match=r"text:2: not UTF-8 .byte 0xFF in column 3, after 'c'.; convert",
    ):
        list(read_scp(path))


@pytest.mark.parametrize("piece_bytes", [4, 7, 16, 1 << 20])
@pytest.mark.parametrize("end", ["\n", ""])
def test_spk2utt_is_read_in_pieces_of_any_size(tmp_path, piece_bytes, end):
    path = tmp_path / "spk2utt"
    path.write_text("s1 a bb ccc\ns2 d  e\ns3\ns4 f" + end)
    pieces = files.read_spk2utt_pieces(path, piece_bytes)
    found = {(n, s, u) for n, s, words in pieces for u in [*words, b""]}
    assert found - {(n, s, b"") for n, s, _ in found} == {
        (1, b"s1", b"a"),
        (1, b"s1", b"bb"),
        (1, b"s1", b"ccc"),
        (2, b"s2", b"d"),
        (2, b"s2", b"e"),
        (4, b"s4", b"f"),
    }
    assert {number for number, _, _ in found} == {1, 2, 3, 4}


def test_sorting_on_disk_equals_sorting_in_memory():
    pairs = [(f"k{(n * 7919) % 101:03d}", f"v {n}") for n in range(101)]
    assert list(sorted_pairs(pairs, max_pairs=10)) == sorted(pairs)
    assert list(sorted_pairs([], max_pairs=10)) == []


@pytest.mark.parametrize("max_pairs", [3, 1000])
def test_written_file_is_sorted_by_bytes(tmp_path, monkeypatch, max_pairs):
    monkeypatch.setattr(write, "MAX_PAIRS", max_pairs)
    keys = ["a", "b", "سلام", "a-b", "Z", "aa", "\U0001f600", "ﻼ", "c"]
    write_scp(tmp_path / "out", ((key, f"of {key}") for key in keys))
    expected = sorted(keys, key=str.encode)
    assert list(read_scp(tmp_path / "out")) == [(k, f"of {k}") for k in expected]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("keys", [["a", "a"], ["b", "a", "c", "b"]])
def test_writing_an_id_twice_is_an_error_and_leaves_the_old_file(tmp_path, keys):
    (tmp_path / "out").write_text("old\n")
    with pytest.raises(ValueError, match=r"out: id [ab] occurs twice.*--utt_prefix"):
        write_scp(tmp_path / "out", ((key, "x") for key in keys))
    assert content(tmp_path) == {"out": "old\n"}


def test_copy_is_exact_and_repeatable(source, tmp_path):
    assert copy_dir(source, tmp_path / "copy") == 12
    assert content(tmp_path / "copy") == content(source)
    assert copy_dir(source, source) == 12
    assert content(source) == content(tmp_path / "copy")


def test_copy_sorts_and_repairs_spk2utt(source, tmp_path):
    expected = content(source)
    for name in ("utt2spk", "text", "wav.scp"):
        lines = (source / name).read_text().splitlines(keepends=True)
        (source / name).write_text("".join(lines[::-1]))
    (source / "spk2utt").write_text("wrong\n")
    copy_dir(source, source)
    assert content(source) == expected


def test_copy_removes_old_data_files_and_leaves_others(source, tmp_path, caplog):
    target = make_dir(tmp_path / "target", utt2lang="x fa\n", notes="mine\n")
    (source / "notes2").write_text("theirs\n")
    caplog.set_level("INFO")
    copy_dir(source, target)
    assert not (target / "utt2lang").exists()
    assert (target / "notes").read_text() == "mine\n"
    assert "not data files, left out: notes2" in caplog.text


def test_copy_renames_utterances_and_speakers_and_sorts_anew(tmp_path):
    source = make_dir(tmp_path / "in", num_spks=0)
    (source / "utt2spk").write_text("s-a s\ns-a-b s-a\n")
    (source / "text").write_text("s-a one\ns-a-b two\n")
    (source / "wav.scp").write_text("r x.wav\n")
    (source / "segments").write_text("s-a r 0 1\ns-a-b r 1 2\n")
    (source / "spk2gender").write_text("s f\ns-a m\n")
    (source / "utt2num_samples").unlink()
    words = ["--utt_prefix", "p_", "--utt_suffix", "z", "--spk_suffix", "z"]
    assert copy_data.main([*words, str(source), str(tmp_path / "out")]) == 0
    out = content(tmp_path / "out")
    assert out["text"] == "p_s-a-bz two\np_s-az one\n"
    assert out["utt2spk"] == "p_s-a-bz s-az\np_s-az sz\n"
    assert out["spk2utt"] == "s-az p_s-a-bz\nsz p_s-az\n"
    assert out["spk2gender"] == "s-az m\nsz f\n"
    assert out["segments"] == "p_s-a-bz r 1 2\np_s-az r 0 1\n"
    assert out["wav.scp"] == "r x.wav\n"


def test_rename_refuses_white_space():
    with pytest.raises(ValueError, match="--utt_prefix is 'a b'.*a space ends an id"):
        Rename(utt_prefix="a b")


def test_copy_by_list_keeps_only_its_recordings_and_speakers(source, tmp_path):
    add_segments(source)
    (tmp_path / "list").write_text("spk02-u1 and more\nspk00-u0\n")
    copy_data.main(
        ["--utt_list", str(tmp_path / "list"), str(source), str(tmp_path / "out")]
    )
    out = content(tmp_path / "out")
    assert out["utt2spk"] == "spk00-u0 spk00\nspk02-u1 spk02\n"
    assert (
        out["wav.scp"] == "rec-spk00 /audio/spk00.flac\nrec-spk02 /audio/spk02.flac\n"
    )
    assert out["spk2gender"] == "spk00 m\nspk02 m\n"
    (tmp_path / "list").write_text("spk02-u1\nnobody\n")
    with pytest.raises(ValueError, match=r"list: utt_id nobody is not in .*\(1 of 2"):
        copy_data.main(
            ["--utt_list", str(tmp_path / "list"), str(source), str(tmp_path / "out")]
        )


def subset(source: Path, *words: str) -> list[str]:
    """Run subset-data; return the utterances of the result."""
    out = source.parent / "subset"
    assert subset_data.main([*words, str(source), str(out)]) == 0
    utts = [utt for utt, _ in read_scp(out / "utt2spk")]
    for name in ("text", "wav.scp", "utt2num_samples"):
        assert [utt for utt, _ in read_scp(out / name)] == utts
    return utts


def test_subsets(source):
    utts = [utt for utt, _ in read_scp(source / "utt2spk")]
    assert subset(source, "--first", "5") == utts[:5]
    five = subset(source, "--random", "5", "--seed", "1")
    assert len(five) == 5
    assert five == subset(source, "--random", "5", "--seed", "1")
    assert five != subset(source, "--random", "5", "--seed", "2")
    speakers = {utt[:5] for utt in subset(source, "--num_spk", "2")}
    assert len(speakers) == 2
    (source.parent / "spks").write_text("spk01\n")
    assert subset(source, "--spk_list", str(source.parent / "spks")) == utts[4:8]
    with pytest.raises(ValueError, match="13 utterances asked for, expected 1 to 12"):
        subset(source, "--random", "13")


def test_subset_by_hours_stays_below_them(source):
    utts = subset(source, "--max_duration_h", str(30 / 3600), "--fs", "16000")
    seconds = {u: int(n) / 16000 for u, n in read_scp(source / "utt2num_samples")}
    total_s = sum(seconds[utt] for utt in utts)
    assert 18 < total_s <= 30  # the longest has 12 s
    with pytest.raises(ValueError, match="no utterance is left"):
        subset(source, "--max_duration_h", "0.0001")
    (source / "utt2num_samples").unlink()
    with pytest.raises(FileNotFoundError, match="durations are unknown"):
        subset_data.main(["--max_duration_h", "1", str(source), str(source)])


def test_subset_refuses_a_directory_whose_files_differ(source, tmp_path):
    lines = (source / "text").read_text().splitlines(keepends=True)
    (source / "text").write_text("".join(lines[:1] + lines[2:]))
    with pytest.raises(ValueError, match=r"text:2: spk00-u2, expected utt_id spk00-u1"):
        subset_data.main(["--first", "1", str(source), str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_combine_merges_and_sorts(tmp_path):
    one = make_dir(tmp_path / "one", num_spks=2, first=3, utt2lang="left out\n")
    two = make_dir(tmp_path / "two", num_spks=2)
    whole = make_dir(tmp_path / "whole", num_spks=2)
    words = [str(tmp_path / "out"), str(one), str(two)]
    assert combine_data.main(words) == 0
    out = content(tmp_path / "out")
    for name in ("utt2spk", "text", "wav.scp", "spk2utt", "spk2gender"):
        expected = content(two)[name] + content(one)[name]
        assert out[name] == expected
    assert out["feats_type"] == "raw\n"
    assert "utt2lang" not in out
    assert content(whole) == content(two)


def test_combine_shares_recordings_and_speakers_but_no_utterances(source, tmp_path):
    add_segments(source)
    for name, words in (("head", ["--first", "2"]), ("tail", ["--random", "10"])):
        subset_data.main([*words, str(source), str(tmp_path / name)])
    with pytest.raises(ValueError, match="occurs twice"):
        combine_dirs([tmp_path / "tail", source], tmp_path / "out")
    (tmp_path / "rest").write_text(
        "".join(f"{utt}\n" for utt, _ in list(read_scp(source / "utt2spk"))[2:])
    )
    subset_data.main(
        ["--utt_list", str(tmp_path / "rest"), str(source), str(tmp_path / "tail")]
    )
    assert combine_dirs([tmp_path / "head", tmp_path / "tail"], tmp_path / "out") == 12
    assert content(tmp_path / "out") == content(source)


def test_combine_refuses_directories_of_different_form(tmp_path):
    one, two = make_dir(tmp_path / "one"), make_dir(tmp_path / "two", first=5)
    (two / "text").unlink()
    with pytest.raises(ValueError, match=r"two/text: no such file, but .*one has one"):
        combine_dirs([one, two], tmp_path / "out")
    assert combine_dirs([one, two], tmp_path / "out", leave_out=["text"]) > 5
    assert not (tmp_path / "out" / "text").exists()
    two = make_dir(tmp_path / "three", first=5, feats_type="extracted\n")
    with pytest.raises(ValueError, match="feats_type: extracted, expected raw"):
        combine_dirs([one, two], tmp_path / "out")


def test_one_line_directory(tmp_path):
    source = make_dir(tmp_path / "in", num_spks=1, per_spk=1)
    copy_dir(source, tmp_path / "out")
    assert content(tmp_path / "out") == content(source)


def test_missing_directory_and_utt2spk_are_named(tmp_path):
    with pytest.raises(NotADirectoryError, match="nowhere: no such data directory"):
        copy_dir(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match="utt2spk: no such file"):
        copy_dir(tmp_path, tmp_path / "out")


def test_failed_write_leaves_the_old_directory(source, tmp_path):
    target = make_dir(tmp_path / "target", num_spks=1)
    before = content(target)
    lines = (source / "wav.scp").read_text().splitlines(keepends=True)
    (source / "wav.scp").write_text("".join(lines[1:] + lines[1:]))
    with pytest.raises(ValueError, match="occurs twice"):
        copy_dir(source, target)
    assert content(target) == before


def test_killed_write_leaves_the_old_directory_and_a_rerun_cleans_up(source, tmp_path):
    target = make_dir(tmp_path / "target", num_spks=1)
    before = content(target)
    script = (
        "import sys, time\n"
        "from hamzaban.data.write import DirWriter\n"
        "with DirWriter(sys.argv[1]) as out:\n"
        "    out.open('utt2spk').write('a', 's')\n"
        "    out.open('text').write('a', 'new')\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(target)], stdout=subprocess.PIPE
    )
    assert child.stdout.readline() == b"ready\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    after = content(target)
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 2
    copy_dir(source, target)
    assert content(target) == content(source)


def test_directory_killed_while_files_change_names_is_never_a_mixture(
    source, tmp_path, monkeypatch
):
    target = make_dir(tmp_path / "target", num_spks=1)
    replace = os.replace
    calls = []

    def replace_then_die(old: Path, new: Path) -> None:
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(new)
        replace(old, new)

    monkeypatch.setattr(os, "replace", replace_then_die)
    with pytest.raises(KeyboardInterrupt):
        copy_dir(source, target)
    assert not (target / "utt2spk").exists()


@pytest.mark.parametrize("path", ["a\nu2 b.wav", "a\ru2 b.wav", "a\r\nu2 b.wav"])
def test_a_path_with_a_line_break_is_refused_by_name(tmp_path, path):
    with pytest.raises(ValueError, match="line break in 'u1 a") as caught:
        write_scp(tmp_path / "wav.scp", [("u1", path)])
    assert repr(path)[1:-1] in str(caught.value)
    assert not (tmp_path / "wav.scp").exists()


def test_dir_writer_makes_spk2utt_for_speakers_in_any_order(tmp_path):
    with DirWriter(tmp_path / "out") as out:
        for utt_id, spk_id in (("u3", "b"), ("u1", "c"), ("u2", "b")):
            out.open("utt2spk").write(utt_id, spk_id)
    assert (tmp_path / "out" / "spk2utt").read_text() == "b u2 u3\nc u1\n"
    assert list(read_spk2utt(tmp_path / "out" / "spk2utt")) == [
        ("b", "u2"),
        ("b", "u3"),
        ("c", "u1"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "verb", ["validate-data", "copy-data", "subset-data", "combine-data"]
)
def test_help_imports_no_library_that_takes_long(verb):
    words = [sys.executable, "-X", "importtime", "-m", "hamzaban", verb, "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "usage:" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "hamzaban.cli" in imported
    assert not {"numpy", "scipy", "soundfile", "torch", "espnet2"} & imported


SPEAKERS = {  # utterances and speakers that Kaldi's `sort -k2` finds out of order
    "no prefix": {"u1": "s2", "u2": "s1", "u3": "s2"},
    "underscore": {"s1_a": "s1", "s10_a": "s10", "s2_a": "s2"},
    "begins with another": {"a-z": "a", "a-b-x": "a-b", "a+-y": "a+", "ab": "ab"},
    "own speakers": {"u1": "u1", "u1-a": "u1-a", "u1+b": "s"},
}


@pytest.mark.parametrize("case", SPEAKERS)
def test_the_remedy_for_the_order_of_speakers_mends_it(tmp_path, case, capsys):
    utt2spk = sorted(SPEAKERS[case].items())
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "utt2spk").write_text("".join(f"{u} {s}\n" for u, s in utt2spk))
    (folder / "text").write_text("".join(f"{u} {u}\n" for u, _ in utt2spk))
    assert copy_data.main([str(folder), str(folder)]) == 0
    assert validate_data.main(["--no_wav", str(folder)]) == 0
    found = capsys.readouterr().out
    has_order = subprocess.run(
        ["sort", "-c", "-k2", folder / "utt2spk"],
        env=os.environ | {"LC_ALL": "C"}, check=False, capture_output=True,
    )  # fmt: skip
    assert ("[spk-order]" in found) == (has_order.returncode != 0)
    assert "[spk-order]" in found
    remedy = re.search(r"`hamzaban (copy-data .*?)`", found)[1].split()[1:]
    assert copy_data.main([*remedy, str(folder), str(tmp_path / "new")]) == 0
    capsys.readouterr()
    assert validate_data.main(["--no_wav", str(tmp_path / "new")]) == 0
    assert "spk-" not in capsys.readouterr().out
    for key in ("-k1,1", "-k2"):
        subprocess.run(
            ["sort", "-c", key, tmp_path / "new" / "utt2spk"],
            env=os.environ | {"LC_ALL": "C"}, check=True,
        )  # fmt: skip
    texts = [rest for _, rest in read_scp(tmp_path / "new" / "text")]
    assert sorted(texts) == sorted(SPEAKERS[case])


def test_speakers_that_would_become_one_are_named(tmp_path):
    pairs = {"a-x": "a", "a-b-x": "a-b", "a_b-x": "a_b"}
    (tmp_path / "utt2spk").write_text("".join(f"{u} {s}\n" for u, s in pairs.items()))
    with pytest.raises(ValueError, match="a-b and a_b would both be a_b"):
        put_speaker_first(tmp_path)
