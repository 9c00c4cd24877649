"""After kill -9 in any stage, the same command gives the files of an unkilled run."""

import functools
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tiny_files import list_differences
from tiny_recipe import make_recipe
from tiny_runs import (
    Moment,
    Times,
    copy_recipe,
    kill_in_time,
    list_paths,
    list_processes,
    run,
    wait_for_end,
)

pytestmark = [
    pytest.mark.first_stack,
    pytest.mark.timeout(3600),
    pytest.mark.torch,
    pytest.mark.needs("lmplz", "build_binary"),
]

START = "start"  # the recipe before its first stage
SEED = 0  # of the moments
SSL, ASR = "exp/ssl_*", "exp/asr_train*"
TEST = f"{ASR}/decode_greedy/test"
RENAME = Moment(at_rename=True)
MOMENTS = {
    "data": [Moment(), Moment("data/train/utt2spk", "data/unlabelled/*"), RENAME],
    "audio": [
        Moment("dump/raw/train/data/*.flac", "dump/raw/valid/utt2spk"),
        Moment("dump/raw/train/utt2spk", "dump/raw/test/utt2spk"),
        RENAME,
    ],
    "pretrain": [
        Moment(f"{SSL}/config.yaml", f"{SSL}/checkpoint.pth"),
        Moment(f"{SSL}/checkpoint.pth", f"{SSL}/wav2vec2.pt"),
    ],
    "tokens": [Moment(), RENAME, RENAME],
    "lm": [Moment(), RENAME],
    "stats": [Moment(), Moment("exp/*/train/*", "exp/*/valid/speech_shape"), RENAME],
    "train": [
        Moment(f"{ASR}/config.yaml", f"{ASR}/checkpoint.pth"),
        Moment(f"{ASR}/checkpoint.pth", f"{ASR}/valid.wer.ave.pth"),
    ],
    "decode": [Moment(f"{TEST}/logdir/*", f"{TEST}/token"), Moment(f"{TEST}/token")],
    "score": [Moment(), Moment(f"{TEST}/score_wer/*", "exp/RESULTS.md"), RENAME],
    "report": [Moment(), RENAME],
    "pack": [Moment(), Moment(f"{ASR}/.*.pack.stamp", f"{ASR}/*.zip"), RENAME],
}
# Killed at one moment after the other on the way to the end; each import of ESPnet and
# each epoch takes seconds. Of the other stages each moment has a run of its own.
DEAR = ("pretrain", "train", "decode")
TRAINING = {"pretrain": f"{SSL}/train.log", "train": f"{ASR}/train.log"}


class Whole:
    """The uninterrupted run, made as far as it is needed, and the runs with kills.

    Attributes:
        times: Times of each stage.
        killed: The recipe as all stages so far left it, each of them killed.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.recipe = make_recipe(root)
        self.times: dict[str, Times] = {}
        self.killed: dict[str, Path] = {}
        self._after = {START: self.keep(self.recipe, START)}

    def after(self, stage: str) -> Path:
        """Return the recipe as the stage left it."""
        for name in MOMENTS:
            if stage not in self._after and name not in self._after:
                _, self.times[name] = run(self.recipe, name, name)
                self._after[name] = self.keep(self.recipe, name)
        return self._after[stage]

    def before(self, stage: str) -> Path:
        """Return the recipe before a stage, with kills in the others where made."""
        stages = [START, *MOMENTS]
        previous = stages[stages.index(stage) - 1]
        return self.killed.get(previous) or self.after(previous)

    def keep(self, recipe: Path, name: str) -> Path:
        """Put a copy aside."""
        return copy_recipe(recipe, self.root / "kept" / name / recipe.name)

    def other(self, name: str) -> Path:
        """Return the folder of another recipe of the same repository."""
        return self.recipe.parents[1] / name / self.recipe.name


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return Whole(tmp_path_factory.mktemp("resume"))


def each_kill(whole: Whole, stage: str) -> Iterator[Path]:
    """Yield the recipe after each kill of the stage, to be run to its end."""
    whole.after(stage)
    state, target = whole.before(stage), whole.other(f"killed {stage}")
    for index, moment in enumerate(MOMENTS[stage]):
        part = random.Random(f"{SEED} {stage} {index}").uniform(0.05, 0.8)
        pause = part * whole.times[stage].length(moment)
        renew = functools.partial(copy_recipe, state, target)
        recipe = kill_in_time(renew, stage, moment, pause)
        if stage in DEAR and moment is not MOMENTS[stage][-1]:
            wait_for_end(recipe)
            state = whole.keep(recipe, "killed")
        else:
            yield recipe


@pytest.mark.parametrize("stage", MOMENTS)
def test_a_killed_stage_ends_as_an_unkilled_one(whole, stage):
    for recipe in each_kill(whole, stage):
        run(recipe, stage, stage)
        assert list_differences(recipe, whole.after(stage)) == []
        assert [path for path in list_paths(recipe) if ".tmp" in path] == []
        assert list_processes(recipe) == []
        if stage in TRAINING:
            (log,) = recipe.glob(TRAINING[stage])
            assert "The training was resumed" in log.read_text(encoding="utf-8")
    assert_nothing_is_done(recipe, stage, stage)
    whole.killed[stage] = recipe


def test_a_complete_run_repeats_nothing(whole):
    whole.after("pack")
    recipe = whole.killed.get("pack") or whole.recipe
    assert_nothing_is_done(recipe, "data", "pack")


def assert_nothing_is_done(recipe: Path, stage: str, stop_stage: str) -> None:
    before = read_times(recipe)
    messages, _ = run(recipe, stage, stop_stage)
    assert read_times(recipe) == before
    assert " done in " not in messages
    for part in re.split(r"Stage \d+: ", messages)[1:]:
        assert "is up to date" in part, messages


def read_times(recipe: Path) -> dict[str, tuple[int, int]]:
    """Return when each file was last changed, and its number on the disk."""
    stats = {path: (recipe / path).lstat() for path in list_paths(recipe)}
    return {path: (stat.st_mtime_ns, stat.st_ino) for path, stat in stats.items()}
