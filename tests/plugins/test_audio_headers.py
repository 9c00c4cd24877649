"""WAV files whose headers state another length than they have: stages 1 and 2."""

import struct

import numpy as np
import pytest
import soundfile
from own_corpus import SENTENCES, import_data, read_sets

from hamzaban.audio.format_options import FormatOptions
from hamzaban.audio.reader import find_cut, measure_audio, open_audio
from hamzaban.audio.source import HEADER_OVERHANG_S, UnreadableError
from hamzaban.audio.stage import format_audio
from hamzaban.bin import format_audio as format_verb
from hamzaban.bin import validate_data
from published.speech import write_lines

FS = 16000
NUM_SAMPLES = 24000
TRUE = 2 * NUM_SAMPLES
NEAR = {  # bytes that the data chunk states, and the RIFF chunk where it is wrong, too
    "0": (0, None),
    "0 in both": (0, 0),
    "0, streamed": (0, 0xFFFFFFFF),
    "streamed": (0xFFFFFFFF, 0xFFFFFFFF),
    "streamed, signed": (0x7FFFFFFF, None),
    "10 ms more": (TRUE + 320, None),
    "100 ms more": (TRUE + 3200, None),
    "200 ms more": (TRUE + 6400, None),
}


def write_wav(path, stated, riff=None, *, num_samples=NUM_SAMPLES, tail=b""):
    """Write noise of 16 bits under a header that states any number of bytes."""
    noise = 3000 * np.random.default_rng(len(path.name)).standard_normal(num_samples)
    data = noise.astype("<i2").tobytes()
    body = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, FS, 2 * FS, 2, 16)
    body += b"data" + struct.pack("<I", stated) + data + tail
    size = len(body) if riff is None else riff
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF" + struct.pack("<I", size) + body)
    return data


def make_dir(folder, num_utts, **forms):
    """Write a data directory of good recordings and of some of other headers."""
    stated = {f"u{k:02}": (TRUE, None) for k in range(num_utts)} | forms
    for utt_id, form in stated.items():
        write_wav(folder / "wav" / f"{utt_id}.wav", *form)
    for name, rest in (("text", "a b"), ("wav.scp", f"{folder}/wav/{{}}.wav")):
        write_lines(folder / name, [f"{u} {rest.format(u)}" for u in sorted(stated)])
    for name in ("utt2spk", "spk2utt"):
        write_lines(folder / name, [f"{utt} {utt}" for utt in sorted(stated)])
    return folder


@pytest.mark.parametrize("form", NEAR)
def test_all_samples_that_are_there_are_read(tmp_path, form):
    path = tmp_path / "a.wav"
    data = write_wav(path, *NEAR[form])
    length = measure_audio(str(path))
    assert (length.num_samples, length.is_mended) == (NUM_SAMPLES, True)
    with open_audio(str(path)) as stream:
        samples = np.concatenate(list(stream.blocks))[:, 0]
    assert (samples * 32768).astype("<i2").tobytes() == data


def test_true_headers_and_files_without_samples_are_as_before(tmp_path):
    path = tmp_path / "a.wav"
    tail = b"LIST" + struct.pack("<I", 80) + bytes(80)
    for stated, num_samples, end in (
        (TRUE, NUM_SAMPLES, b""),
        (0, 0, b""),
        (0, 0, tail),
    ):
        write_wav(path, stated, num_samples=num_samples, tail=end)
        assert measure_audio(str(path))[1:] == (num_samples, True, False)


def test_more_than_the_tolerance_is_truncated_and_the_seconds_are_named(tmp_path):
    path = tmp_path / "a.wav"
    write_wav(path, TRUE + 2 * round((HEADER_OVERHANG_S + 0.1) * FS))
    assert find_cut(str(path)).endswith("(0.60 s)")
    with pytest.raises(UnreadableError, match=r"a.wav: data chunk ends .*0\.60 s"):
        measure_audio(str(path))


def test_validate_takes_and_counts_false_headers(tmp_path, capsys):
    names = [f"x{k}" for k in range(len(NEAR))]
    folder = make_dir(tmp_path / "d", 3, **dict(zip(names, NEAR.values(), strict=True)))
    for audio in ("header", "full"):
        assert validate_data.main(["--audio", audio, str(folder)]) == 0
        assert f"{len(NEAR)} files whose header states" in capsys.readouterr().out


def test_validate_lets_few_recordings_be_dropped(tmp_path, capsys):
    folder = make_dir(tmp_path / "d", 19, x=(TRUE + 64000, None))
    assert validate_data.main([str(folder)]) == 1
    assert validate_data.main(["--max_drop", "0.05", str(folder)]) == 0
    assert "format-audio will drop 1 recordings" in capsys.readouterr().out
    write_wav(folder / "wav" / "u00.wav", TRUE + 64000)
    assert validate_data.main(["--max_drop", "0.05", str(folder)]) == 1


def test_validate_shows_few_lines_of_many_bad_recordings(tmp_path, capsys):
    bad = {f"x{k:02}": (TRUE + 64000, None) for k in range(46)}
    validate_data.main([str(make_dir(tmp_path / "d", 1, **bad))])
    lines = capsys.readouterr().out.splitlines()
    assert sum("[truncated-audio]" in line for line in lines) <= 6
    assert "... and 41 more [truncated-audio]" in lines


@pytest.mark.parametrize("audio_format", ["flac", "wav"])
def test_the_audio_stage_writes_true_headers(tmp_path, caplog, audio_format):
    caplog.set_level("INFO")
    names = [f"x{k}" for k in range(len(NEAR))]
    folder = make_dir(tmp_path / "d", 1, **dict(zip(names, NEAR.values(), strict=True)))
    format_audio(folder, tmp_path / "o", FormatOptions(audio_format=audio_format))
    counts = (tmp_path / "o" / "utt2num_samples").read_text().split()[1::2]
    assert counts == [str(NUM_SAMPLES)] * (len(NEAR) + 1)
    for line in (tmp_path / "o" / "wav.scp").read_text().splitlines():
        path = line.split(None, 1)[1]
        assert soundfile.info(path).frames == NUM_SAMPLES
        assert not measure_audio(path).is_mended
    assert f"{len(NEAR)} recordings whose header states no length" in caplog.text


def test_false_headers_that_validate_has_counted_are_not_counted_again(
    tmp_path, caplog
):
    caplog.set_level("INFO")
    names = [f"x{k}" for k in range(len(NEAR))]
    folder = make_dir(tmp_path / "d", 1, **dict(zip(names, NEAR.values(), strict=True)))
    format_verb.main([str(folder), str(tmp_path / "o"), "--is_validated", "true"])
    assert "whose header" not in caplog.text
    assert f"{len(NEAR) + 1} of {len(NEAR) + 1} utterances" in caplog.text


def test_import_drops_truncated_recordings_and_names_the_row(tmp_path, caplog):
    rows = ["file,text"]
    for k in range(20):
        stated = {4: 0, 5: TRUE + 3200, 6: TRUE + 64000}.get(k, TRUE)
        write_wav(tmp_path / f"{k}.wav", stated)
        rows.append(f"{k}.wav,{SENTENCES[k]}")
    write_lines(tmp_path / "a.csv", rows)
    words = ("--keep_shared", "true", "--max_drop")
    with pytest.raises(ValueError, match=r"shorter than its header.*a.csv:8: 6.wav\)"):
        import_data(tmp_path / "a.csv", tmp_path / "data", *words, "0")
    import_data(tmp_path / "a.csv", tmp_path / "data", *words, "0.5")
    assert sum(map(len, read_sets(tmp_path / "data", "text").values())) == 19
    assert f"{tmp_path}/a.csv:8: 6.wav" in caplog.text
