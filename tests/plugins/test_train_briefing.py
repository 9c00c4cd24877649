"""What a training says before it begins, and the warm-ups that it refuses."""

import argparse

import pytest


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global briefing
    from hamzaban.train import briefing


def make_args(folder, **options):
    defaults = {"max_updates": None, "max_epoch": 4, "accum_grad": 2, "ngpu": 0}
    defaults |= {"scheduler": "tristagelr", "scheduler_conf": {"max_steps": 40}}
    defaults["train_data_path_and_name_and_type"] = [(f"{folder}/wav.scp", "", "")]
    defaults["train_shape_file"] = [f"{folder}/speech_shape"]
    return argparse.Namespace(**{**defaults, **options})


@pytest.fixture
def folder(tmp_path):
    """Ten utterances: eight used, two of them at another speed, three with noise."""
    folder = tmp_path / "دادن"
    folder.mkdir()
    names = [*(f"a{n}" for n in range(8)), "sp0.9-a0", "sp1.1-a1"]
    (folder / "wav.scp").write_text("".join(f"{name} x\n" for name in names))
    (folder / "speech_shape").write_text("".join(f"{n} 16000\n" for n in names[2:]))
    noise = {
        "a1": "n 5.00 -",
        "a2": "n 5.00 -",
        "a3": "- - room",
        "sp0.9-a0": "n 1.00 -",
    }
    rows = "".join(f"{name} {noise.get(name, '- - -')}\n" for name in names)
    (folder / "utt2noise").write_text(rows)
    return folder


def test_the_plan_states_updates_hours_warm_up_and_data(folder, caplog):
    caplog.set_level("INFO")
    args = make_args(folder)
    briefing.brief(args, lambda: 20, lambda: (20, 20 * 3600 * 16000))
    assert "Plan: 40 updates; 2 h of audio an update, 80 h in all; warm-up 10.0 %" in (
        caplog.text
    )
    assert f"8 of 10 utterances of {folder}; 2 left out by collect-stats" in caplog.text
    assert "50.0 % with noise, rooms or another speed" in caplog.text
    assert "time on CPUs is not estimated" in caplog.text


def test_online_noise_is_part_of_the_plan(folder):
    args = make_args(folder, noise_scp="noise.scp", noise_apply_prob=0.25)
    assert "noise added while training to 25 %" in briefing.describe_data(args)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheduler_conf": {"max_steps": 400}}, "takes 40 updates, .* after 40,"),
        (
            {"scheduler": "warmuplr", "scheduler_conf": {}},
            "takes 25000 updates.*lower warmup_steps, or train for longer",
        ),
        (
            {
                "max_updates": 5,
                "scheduler_conf": {"max_steps": 20, "warmup_ratio": 0.5},
            },
            "takes 10 updates, but training ends after 5",
        ),
    ],
)
def test_a_warm_up_as_long_as_training_is_refused(folder, options, message):
    with pytest.raises(ValueError, match=f"scheduler_conf: the warm-up {message}"):
        briefing.check_warmup(make_args(folder, **options), lambda: 20)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scheduler": None, "scheduler_conf": {}},
        {"scheduler": "warmuplr", "scheduler_conf": {"warmup_steps": 39}},
        {"scheduler": "cosineannealinglr", "scheduler_conf": {"T_max": 100}},
    ],
)
def test_shorter_warm_ups_and_other_schedules_pass(folder, options):
    briefing.check_warmup(make_args(folder, **options), lambda: 20)
