"""Noise and rooms from files are added to training audio only, and repeatably."""

import numpy as np
import pytest
import soundfile
import tiny_training

pytestmark = pytest.mark.torch

OPTIONS = {
    "noise_apply_prob": 1.0,
    "noise_db_range": "10_10",
    "rir_apply_prob": 1.0,
    "optim_conf": "lr=0.001",
    "layer_lr_decay": 0.5,
    "head_lr_scale": 4.0,
    "save_interval": 2,
    "max_epoch": 1,
    "num_workers": 0,
}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    tiny_training.import_task()
    folder = tiny_training.write_inputs(tmp_path_factory.mktemp("a room"))
    rng = np.random.default_rng(0)
    soundfile.write(folder / "noise.wav", rng.normal(0, 0.1, 40000), 16000)
    room = np.zeros(2000)
    room[[0, 700, 1500]] = 1.0, 0.5, 0.25
    soundfile.write(folder / "room.wav", room, 16000)
    for name in ("noise", "room"):
        line = f"{name} {folder}/{name}.wav\n"
        (folder / f"{name}.scp").write_text(line, encoding="utf-8")
    return folder


def scps(inputs, **more):
    files = {"noise_scp": inputs / "noise.scp", "rir_scp": inputs / "room.scp"}
    return {**OPTIONS, **files, **more}


def prepare(inputs, train, **options):
    """Return an utterance before and after the preprocessor."""
    task = tiny_training.import_task()
    words = tiny_training.make_command(inputs, inputs / "exp", **options)
    args = task.get_parser().parse_args(words)
    speech, _ = soundfile.read(inputs / "data" / "audio" / "000.flac", dtype="float32")
    data = {"speech": speech.copy(), "text": "سلام"}
    np.random.seed(0)
    found = task.build_preprocess_fn(args, train)("utt", data)["speech"]
    return speech, np.asarray(found).reshape(-1)


@pytest.mark.slow
def test_noise_has_the_level_asked_for(inputs):
    speech, found = prepare(inputs, True, **scps(inputs, rir_scp=None))
    scale = found @ speech / (speech @ speech)  # ESPnet scales down what would clip
    noise = found / scale - speech
    level = 10 * np.log10(np.mean(speech**2) / np.mean(noise**2))
    assert level == pytest.approx(10, abs=1.0)


def test_room_adds_its_echoes(inputs):
    speech, found = prepare(inputs, True, **scps(inputs, noise_scp=None))
    expected = speech.copy()
    expected[700:] += 0.5 * speech[:-700]
    expected[1500:] += 0.25 * speech[:-1500]
    assert np.corrcoef(found, expected)[0, 1] > 0.9999
    assert np.corrcoef(found, speech)[0, 1] < 0.99


def test_validation_stays_clean(inputs):
    speech, found = prepare(inputs, False, **scps(inputs))
    assert np.array_equal(speech, found)


@pytest.mark.torch
def test_an_augmented_run_killed_in_an_epoch_ends_like_an_uninterrupted_one(
    inputs, tmp_path
):
    from hamzaban.train.checkpoints import load_checkpoint

    options = scps(inputs, batch_type="unsorted", batch_size=2)
    words = tiny_training.make_command(inputs, tmp_path / "whole", **options)
    assert tiny_training.train(words) == 0
    words = tiny_training.make_command(inputs, tmp_path / "exp", **options)
    assert tiny_training.train(words, ("step", 4)) == -9
    assert tiny_training.train(words) == 0
    digests = [tiny_training.digests(tmp_path / name) for name in ("whole", "exp")]
    for found in digests:
        del found["partial.pth"]  # has times in it
    assert digests[0] == digests[1]
    states = load_checkpoint(tmp_path / "exp" / "checkpoint.pth")
    rates = [group["initial_lr"] for group in states["optimizers"][0]["param_groups"]]
    assert rates == [0.004, 0.001, 0.0005, 0.00025]


@pytest.mark.parametrize(
    ("rate", "channels", "message"),
    [(8000, 1, "at 8000 Hz in 1 channels"), (16000, 2, "at 16000 Hz in 2 channels")],
)
def test_files_of_another_kind_are_refused(inputs, tmp_path, rate, channels, message):
    soundfile.write(tmp_path / "n.wav", np.zeros((100, channels)), rate)
    (tmp_path / "n.scp").write_text(f"n {tmp_path}/n.wav\n")
    task = tiny_training.import_task()
    words = tiny_training.make_command(inputs, tmp_path, noise_scp=tmp_path / "n.scp")
    with pytest.raises(ValueError, match=message):
        task.main(cmd=words)
    (tmp_path / "n.wav").unlink()
    with pytest.raises(FileNotFoundError, match="n.wav: no such file"):
        task.main(cmd=words)
