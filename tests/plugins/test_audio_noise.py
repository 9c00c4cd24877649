"""Noise and rooms: exact, the same for any number of jobs, recorded in utt2noise."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from test_audio_stage import (
    make_corpus,
    make_dir,
    make_speech,
    read_table,
    snapshot,
    snapshot_times,
)

from hamzaban.audio.conditions import read_conditions
from hamzaban.audio.format_options import FormatOptions, NoiseOptions
from hamzaban.audio.noise import add_noise, draw_mixture, prepare_noise, reverberate
from hamzaban.audio.stage import format_audio
from hamzaban.bin.format_audio import get_parser, read_values
from hamzaban.bin.format_audio import main as run_format
from hamzaban.cli import main as run_cli
from repository import ROOT

FS = 16000


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A folder with a corpus, noises of several forms, and a room."""
    folder = tmp_path / "my noise همزبان"
    (folder / "noise").mkdir(parents=True)
    monkeypatch.chdir(folder)
    make_corpus(Path(), 6)
    rng = np.random.default_rng(1)
    soundfile.write("noise/short.wav", rng.normal(0.1, 0.1, 700), FS)
    soundfile.write("noise/other rate.flac", rng.normal(0, 0.1, (60000, 2)), 44100)
    late = np.concatenate([np.zeros(5 * FS), rng.normal(0, 0.1, FS)])
    soundfile.write("noise/late.wav", late, FS)
    decay = np.exp(-np.arange(6000) / 1500) * rng.normal(0, 0.1, 6000)
    soundfile.write("noise/room.wav", np.concatenate([np.zeros(90), [1], decay]), FS)
    sounds = ["noise/short.wav", "noise/other rate.flac", "l noise/late.wav"]
    Path("noise.lst").write_text("\n".join([*sounds, ""]), encoding="utf-8")
    Path("rirs.lst").write_text("noise/room.wav\n", encoding="utf-8")
    return folder


def noise(**changes):
    options = NoiseOptions(noise_list=Path("noise.lst"), rir_list=Path("rirs.lst"))
    return prepare_noise(replace(options, **changes))


def power_db(signal):
    return 10 * np.log10(np.var(signal, dtype=np.float64))


@pytest.mark.slow
@pytest.mark.parametrize("key", [f"utt{k}" for k in range(6)])
@pytest.mark.parametrize("voices", [(1, 1), (3, 5)])
def test_snr_is_exact_and_speech_keeps_level_and_length(work, key, voices):
    options = noise(rir_list=None, num_noises=voices)
    speech = make_speech(1.3, FS)
    mixed = add_noise(speech, key, options, FS)
    mixture = draw_mixture(key, options)
    assert voices[0] <= len(mixture.noises) <= voices[1]
    assert len(set(mixture.noises)) == min(len(mixture.noises), 3)  # all different
    assert 5 <= mixture.snr_db <= 20
    assert mixed.shape == speech.shape
    found = power_db(speech) - power_db(mixed - speech)
    assert found == pytest.approx(mixture.snr_db, abs=0.01)


def test_room_keeps_level_length_and_the_place_of_the_direct_sound():
    speech = make_speech(1.0, FS)
    speech[: FS // 2] = 0.0
    speech[FS // 4] = 0.9  # a click
    response = np.zeros(4000, dtype=np.float32)
    response[[50, 1000]] = 0.7, 0.3
    wet = reverberate(speech, response, 50)
    assert wet.shape == speech.shape
    assert power_db(wet) == pytest.approx(power_db(speech), abs=0.01)
    assert int(np.abs(wet[: FS // 2]).argmax()) == FS // 4
    echo = FS // 4 + 950
    assert wet[echo] / wet[FS // 4] == pytest.approx(3 / 7, abs=0.01)


@pytest.mark.slow
def test_noise_depends_only_on_seed_and_id(work):
    """The number of jobs, other utterances and the order of the list do not matter."""
    options = FormatOptions(noise=noise())
    format_audio(Path("data/train"), Path("one"), options)
    format_audio(Path("data/train"), Path("two"), options, nj=2)
    first = snapshot(Path("one"))
    first["wav.scp"] = first["wav.scp"].replace(b" one/", b" two/")
    assert first == snapshot(Path("two"))
    lines = Path("noise.lst").read_text(encoding="utf-8").splitlines()
    Path("turned.lst").write_text("\n".join(lines[::-1]), encoding="utf-8")
    turned = noise(noise_list=Path("turned.lst"))
    assert draw_mixture("a", turned).snr_db == draw_mixture("a", noise()).snr_db
    speech = make_speech(0.5, FS)
    assert np.array_equal(
        add_noise(speech, "a", turned, FS), add_noise(speech, "a", noise(), FS)
    )
    other = add_noise(speech, "a", noise(seed=1), FS)
    assert not np.array_equal(add_noise(speech, "a", noise(), FS), other)


@pytest.mark.slow
def test_noisy_copies_stand_beside_clean_speech_and_are_logged(work):
    Path("audio.yaml").write_text(
        "noise_list: noise.lst\nrir_list: rirs.lst\nsnr_db: [0, 10]\nnoisy_copies: 2\n"
    )
    run_format(["data/train", "clean"])
    words = ["data/train", "out", "--config", "audio.yaml", "--rir_prob", "0.5"]
    run_format(words)
    clean, found = read_table(Path("clean/wav.scp")), read_table(Path("out/wav.scp"))
    assert len(found) == 3 * len(clean)
    told = read_table(Path("out/utt2noise"))
    assert told.keys() == found.keys()
    text = read_table(Path("out/text"))
    speakers = read_table(Path("out/utt2spk"))
    for key, path in clean.items():
        assert Path(found[key]).read_bytes() == Path(path).read_bytes()
        assert told[key] == "- - -"
        for prefix in ("noisy1-", "noisy2-"):
            name, snr_db, room = told[prefix + key].split()
            assert name in ("noise/short.wav", "noise/other%20rate.flac", "l")
            assert 0 <= float(snr_db) <= 10
            assert room in ("-", "noise/room.wav")
            assert text[prefix + key] == text[key]
            assert speakers[prefix + key] == prefix + speakers[key]
            assert soundfile.info(found[prefix + key]).frames == (
                soundfile.info(path).frames
            )
    rooms = {line.split()[2] for line in told.values()}
    assert rooms == {"-", "noise/room.wav"}
    run_format([*words, "--add_noise", "false"])
    assert read_table(Path("out/wav.scp")).keys() == clean.keys()
    assert not Path("out/utt2noise").exists()


@pytest.mark.slow
def test_only_utterances_that_a_changed_list_affects_are_made_again(work):
    format_audio(Path("data/train"), Path("out"), FormatOptions(noise=noise(copies=1)))
    before = snapshot_times(Path("out"))
    soundfile.write("noise/more.wav", make_speech(1, FS, 9), FS)
    with open("noise.lst", "a", encoding="utf-8") as stream:
        stream.write("noise/more.wav\n")
    format_audio(Path("data/train"), Path("out"), FormatOptions(noise=noise(copies=1)))
    after = snapshot_times(Path("out"))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {name for name in before if name.startswith("noisy1-")}


def test_silent_speech_is_unchanged_and_silent_stretches_of_noise_are_avoided(work):
    soundfile.write("silence.wav", np.zeros(4000), FS)
    make_dir(Path("data/x"), {"spk00-a": "silence.wav"})
    options = FormatOptions(silence_db=float("-inf"), noise=noise())
    format_audio(Path("data/x"), Path("out"), options)
    assert read_table(Path("out/utt2noise")) == {"spk00-a": "- - -"}
    Path("noise.lst").write_text("noise/late.wav\n")
    speech = make_speech(0.4, FS)
    for key in "abcdefgh":
        options = noise(rir_list=None)
        mixed = add_noise(speech, key, options, FS)
        wanted = draw_mixture(key, options).snr_db
        assert power_db(speech) - power_db(mixed - speech) == pytest.approx(
            wanted, abs=0.01
        )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("noise/gone.wav", "noise.lst:1: noise/gone.wav: no such file"),
        ("broken.wav", "noise.lst: broken.wav cannot be read"),
        ("zeros.wav", "noise.lst: zeros.wav is silent; remove the line"),
        ("empty.wav", "noise.lst: empty.wav has no samples"),
        ("", "noise.lst: names no file, expected at least one"),
        ("slow.wav", "noise.lst: slow.wav cannot be read (header: rate of 1 Hz"),
    ],
)
def test_a_noise_that_cannot_be_used_is_one_clear_line(work, capfd, line, message):
    Path("broken.wav").write_bytes(b"no audio" * 40)
    soundfile.write("zeros.wav", np.zeros(90000), FS)
    soundfile.write("empty.wav", np.zeros(0), FS)
    soundfile.write("slow.wav", np.ones(FS), 1)
    Path("noise.lst").write_text(f"{line}\n")
    words = ["format-audio", "data/train", "out", "--noise_list", "noise.lst"]
    assert run_cli(words) == 1
    (error,) = [x for x in capfd.readouterr().err.splitlines() if "hamzaban" in x]
    assert error.startswith(f"hamzaban format-audio: {message}")
    assert not Path("out/wav.scp").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--snr_db", "20 5"], "--snr_db: 20 5 found, expected min max"),
        (["--snr_db", "loud"], "--snr_db: 'loud', expected"),
        (["--num_noises", "0"], "--num_noises"),
        (["--noise_prob", "1.5"], "--noise_prob: 1.5 found, expected 0..1"),
        (["--noisy_copies", "-1"], "copies: -1 found, expected 0 or more"),
    ],
)
def test_options_that_make_no_sense_are_refused(work, options, message):
    with pytest.raises(ValueError, match=message):
        run_format(["data/train", "out", "--noise_list", "noise.lst", *options])


def test_conditions_are_copies_with_the_same_ids_and_a_fixed_snr(work):
    values = {
        "sets": ["train"],
        "conditions": {
            "noise_5db": {"noise_list": "noise.lst", "snr_db": 5},
            "room": {"rir_list": "rirs.lst"},
        },
    }
    Path("conf").mkdir()
    Path("conf/conditions.yaml").write_text(yaml.safe_dump(values))
    assert run_cli(["make-conditions", "--config", "conf/conditions.yaml"]) == 0
    assert run_cli(["validate-data", "data/train_noise_5db", "data/train_room"]) == 0
    for name in ("text", "utt2spk", "spk2utt"):
        clean = Path("data/train", name)
        if clean.exists():
            assert Path("data/train_room", name).read_text() == clean.read_text()
    told = read_table(Path("data/train_noise_5db/utt2noise"))
    assert {line.split()[1] for line in told.values()} == {"5.00"}
    clean = read_table(Path("data/train/wav.scp"))
    for key, path in read_table(Path("data/train_noise_5db/wav.scp")).items():
        speech, mixed = soundfile.read(clean[key])[0], soundfile.read(path)[0]
        found = power_db(speech) - power_db(mixed - speech)
        assert found == pytest.approx(5, abs=0.05)


def test_wrong_conditions_are_refused(work):
    for text, message in {
        "sets: [test]\n": "conditions missing; add it",
        "sets: [test]\nconditions: {a: {snr: 5}}\n": "condition a: 'snr' is unknown",
        "sets: [test]\nconditions: {a: {snr_db: 5}}\n": "condition a: names no list",
        "sets: [test]\nconditions: {a b: {rir_list: x}}\n": "a b: expected a name",
    }.items():
        Path("conditions.yaml").write_text(text)
        with pytest.raises(ValueError, match=message):
            read_conditions(Path("conditions.yaml"))


def test_shared_examples_are_read(work, capsys):
    values = read_values(ROOT / "conf" / "audio_noise.yaml", get_parser())
    assert values["snr_db"] == "5 20"
    assert values["noisy_copies"] == 1
    conditions = read_conditions(ROOT / "conf" / "conditions.yaml")
    assert conditions.name_copies("test")["babble_5db"] == "test_babble_5db"
    assert conditions.noise["babble_10db"].num_noises == (3, 7)
