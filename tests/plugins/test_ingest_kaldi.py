"""A user's own Kaldi data directory: the same options and checks as for a table."""

import shutil

import pytest
from own_corpus import SENTENCES, SETS, assert_disjoint, import_data, read_sets

from hamzaban.data.files import read_scp
from published.speech import write_audio, write_lines


def write_dir(folder, utterances, audio="wav/{}.wav", **files):
    """Write a data directory of (utt_id, spk_id, sentence) and further files."""
    folder.mkdir(parents=True, exist_ok=True)
    for utt_id, _, sentence in utterances:
        write_audio(folder / "wav" / f"{utt_id}.wav", sentence)
    lines = {
        "utt2spk": [f"{utt} {spk}" for utt, spk, _ in utterances],
        "text": [f"{utt} {sentence}" for utt, _, sentence in utterances],
        "wav.scp": [f"{utt} {audio.format(utt)}" for utt, _, _ in utterances],
    }
    for name, rows in {**lines, **files}.items():
        write_lines(folder / name.replace("_", "."), rows)
    return folder


def make_utterances(numbers, num_spks=4):
    return [(f"s{k % num_spks}-u{k:02}", f"s{k % num_spks}", k) for k in numbers]


def say(utterances):
    return [(utt, spk, SENTENCES[k]) for utt, spk, k in utterances]


def test_shared_sentences_are_left_out_of_train(tmp_path, caplog):
    """Six speakers; each reads three sentences of its own, and one that all read."""
    caplog.set_level("INFO")
    own = [
        (f"s{k}-own{n}", f"s{k}", SENTENCES[3 * k + n])
        for k in range(6)
        for n in (0, 1, 2)
    ]
    shared = [(f"s{k}-same", f"s{k}", SENTENCES[20]) for k in range(6)]
    source = write_dir(tmp_path / "kal", own + shared)
    import_data(source, tmp_path / "data")
    assert_disjoint(read_sets(tmp_path / "data", "utt2spk"))
    text = read_sets(tmp_path / "data", "text")
    assert len(text["train"]) == 12
    assert not {*text["valid"], *text["test"]} & set(text["train"])
    assert "left out: sentence of valid or test" in caplog.text
    import_data(source, tmp_path / "data", "--keep_shared", "true")
    text = read_sets(tmp_path / "data", "text")
    assert all(SENTENCES[20] in text[part] for part in SETS)


def test_a_directory_of_one_sentence_needs_keep_shared(tmp_path):
    same = [(f"s{k}-{n}", f"s{k}", SENTENCES[n]) for k in range(6) for n in range(4)]
    source = write_dir(tmp_path / "kal", same)
    with pytest.raises(ValueError, match="say a sentence .*--keep_shared true"):
        import_data(source, tmp_path / "data")


def test_languages_are_kept_or_given(tmp_path):
    source = write_dir(tmp_path / "kal", say(make_utterances(range(8))))
    import_data(source, tmp_path / "data", "--lang", "sw", "--suffix", "_sw")
    languages = read_scp(tmp_path / "data" / "train_sw" / "utt2lang")
    assert {lang for _, lang in languages} == {"sw"}
    lines = [f"{utt} luo" for utt, _, _ in make_utterances(range(8))]
    write_lines(source / "utt2lang", lines)
    import_data(source, tmp_path / "data")
    assert set(read_sets(tmp_path / "data", "utt2lang")["train"]) == {"luo"}


def test_missing_lines_are_counted(tmp_path, caplog):
    caplog.set_level("INFO")
    source = write_dir(tmp_path / "kal", say(make_utterances(range(12))))
    for name, row in (("text", 0), ("wav.scp", 1)):
        lines = (source / name).read_text().splitlines()
        write_lines(source / name, lines[:row] + lines[row + 1 :])
    with pytest.raises(ValueError, match="cannot be used .*raise --max_drop"):
        import_data(source, tmp_path / "data")
    import_data(source, tmp_path / "data", "--max_drop", "0.5")
    assert "1 left out: no transcript" in caplog.text
    assert "1 left out: no audio file" in caplog.text
    assert sum(map(len, read_sets(tmp_path / "data", "text").values())) == 10


def test_a_line_whose_utterance_is_unknown_is_an_error(tmp_path):
    source = write_dir(tmp_path / "kal", say(make_utterances(range(8))))
    lines = (source / "text").read_text().splitlines()
    write_lines(source / "text", [*lines, "x words"])
    with pytest.raises(ValueError, match="kal/text:9: utt_id x is not in utt2spk"):
        import_data(source, tmp_path / "data")
    (source / "text").unlink()
    with pytest.raises(FileNotFoundError, match="kal/text: no such file, expected"):
        import_data(source, tmp_path / "data")


def test_folders_train_valid_test_are_a_split(tmp_path):
    parts = {"train": range(6), "dev": range(6, 8), "test": range(8, 10)}
    for name, numbers in parts.items():
        write_dir(tmp_path / "data é" / name, say(make_utterances(numbers)))
    import_data(tmp_path / "data é", tmp_path / "data")
    text = read_sets(tmp_path / "data", "text")
    assert sorted(text["valid"]) == sorted(SENTENCES[6:8])
    assert [len(text[part]) for part in SETS] == [6, 2, 2]
    shutil.rmtree(tmp_path / "data é" / "test")
    import_data(tmp_path / "data é", tmp_path / "data")
    assert len(read_sets(tmp_path / "data", "text")["valid"]) == 2


def test_ids_segments_and_commands_are_kept(tmp_path):
    """Ids that do not begin with the speaker, which Kaldi allows, are not changed."""
    utterances = [(f"u{k}", f"s{k % 4}", SENTENCES[k]) for k in range(8)]
    source = write_dir(tmp_path / "kal", utterances, "cat wav/{}.wav |")
    import_data(source, tmp_path / "data")
    scp = dict(read_scp(tmp_path / "data" / "train" / "wav.scp"))
    assert len(scp) >= 4
    assert all(entry == f"cat wav/{utt}.wav |" for utt, entry in scp.items())
    segments = [
        f"u{k} u{k % 4} {k // 4 * 0.5:.3f} {k // 4 * 0.5 + 0.4:.3f}" for k in range(8)
    ]
    write_dir(source, utterances, segments=segments)
    write_lines(source / "wav.scp", [f"u{k} wav/u{k}.wav" for k in range(4)])
    import_data(source, tmp_path / "data")
    lines = sum(read_sets(tmp_path / "data", "segments").values(), [])
    assert sorted(lines) == sorted(line.split(" ", 1)[1] for line in segments)
    audio = set(sum(read_sets(tmp_path / "data", "wav.scp").values(), []))
    assert audio == {str(source / "wav" / f"u{k}.wav") for k in range(4)}


def test_segments_of_unknown_speakers_stay_with_their_recording(tmp_path):
    segments = [f"u{k} r{k // 2} 0.{k % 2} 1.{k % 2}" for k in range(8)]
    utterances = [(f"u{k}", f"u{k}", SENTENCES[k]) for k in range(8)]
    source = write_dir(tmp_path / "kal", utterances, segments=segments)
    write_lines(source / "wav.scp", [f"r{k} wav/u{k}.wav" for k in range(4)])
    import_data(source, tmp_path / "data")
    segments = read_sets(tmp_path / "data", "segments")
    assert_disjoint({k: [x.split()[0] for x in v] for k, v in segments.items()})


def test_a_line_of_segments_that_cannot_be_read_is_named(tmp_path):
    utterances = say(make_utterances(range(8)))
    lines = [f"{utt} {utt} 0 1" for utt, _, _ in utterances]
    lines[0] = lines[0].replace(" 1", " end")
    source = write_dir(tmp_path / "kal", utterances, segments=lines)
    with pytest.raises(ValueError, match="kal/segments: s0-u00 is 's0-u00 0 end', exp"):
        import_data(source, tmp_path / "data")


def test_ids_that_come_twice_are_named_by_both_lines(tmp_path):
    for name in ("utt2spk", "text"):
        path = write_dir(tmp_path / name, say(make_utterances(range(8)))) / name
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join([*lines, lines[1]]))
        place = (
            f"{name}/{name}:{len(lines) + 1}: utt_id .* occurs twice, first on line 2"
        )
        with pytest.raises(ValueError, match=place):
            import_data(tmp_path / name, tmp_path / "data")


def test_windows_line_ends_are_read(tmp_path):
    source = write_dir(tmp_path / "kal", say(make_utterances(range(8))))
    for name in ("utt2spk", "text", "wav.scp"):
        path = source / name
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    import_data(source, tmp_path / "data")
    assert sum(map(len, read_sets(tmp_path / "data", "wav.scp").values())) == 8
