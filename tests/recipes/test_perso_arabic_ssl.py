"""perso_arabic/ssl1 on three short recordings: from media to two checkpoints."""

import os
import shutil
import subprocess

import pytest
from tiny_wav2vec2 import write_tiny_checkpoint

from hamzaban.config import read_config
from hamzaban.data.files import read_scp
from repository import ROOT

SSL = ROOT / "egs2" / "perso_arabic" / "ssl1"
AUDIO = ROOT / "egs2" / "mini_ar" / "asr1" / "downloads" / "mini_ar" / "audio"
TINY = """\
base: {base}
task_cfg: {{min_sample_size: 8000}}
batch_bins: 320000
batch_hours: null
max_updates: 2
autocast_dtype: null
num_workers: 0
"""


def copy_recipe(root):
    repository = root / "my repository"
    (repository / "egs2").mkdir(parents=True)
    for link in ("local", "conf", "egs2/TEMPLATE"):
        (repository / link).symlink_to(ROOT / link)
    ignore = shutil.ignore_patterns("data", "dump", "exp", "downloads")
    target = repository / "egs2" / "perso_arabic" / "ssl1"
    return shutil.copytree(SSL, target, symlinks=True, ignore=ignore)


def run(recipe, *words, **variables):
    return subprocess.run(
        ["./run.sh", "--ngpu", "0", "--nj", "2", *words],
        cwd=recipe,
        env=os.environ | {name: str(value) for name, value in variables.items()},
        capture_output=True,
        text=True,
        timeout=900,
    )


def test_recipe_is_short_with_relative_links_and_both_configs():
    assert len((SSL / "run.sh").read_text(encoding="utf-8").splitlines()) <= 40
    assert (SSL / "ssl.sh").resolve() == ROOT / "local" / "ssl.sh"
    for path in SSL.rglob("*"):
        if path.is_symlink():
            assert not path.readlink().is_absolute()
    for name, mode in (("cp1", "layer_norm"), ("cp2", "default")):
        values, _ = read_config(SSL / "conf" / f"{name}.yaml")
        assert values["model_cfg"]["extractor_mode"] == mode
        assert (values["max_updates"], values["batch_hours"]) == (41667, 16.0)
    shown = subprocess.run(["./run.sh", "--help"], cwd=SSL, capture_output=True)
    assert shown.returncode == 0 and shown.stdout.count(b" 5 pretrain ") == 1


@pytest.mark.first_stack
def test_what_is_missing_is_one_clear_line(tmp_path):
    recipe = copy_recipe(tmp_path)
    base = ROOT / "conf" / "mine.yaml"
    (recipe / "spans.yaml").write_text(f"base: {base}\noutput: segments\n")
    spans = ["--mine_config", "spans.yaml", "--stop_stage", "split"]
    for words, message in (
        ([], "db.sh: MEDIA is empty; list the paths"),
        (["--stop_stage", "data"], "db.sh: MEDIA is empty; list the paths"),
        (["--stage", "train"], "stage 'train' is unknown; known: 1 data"),
        (spans, "spans.yaml: output is segments, expected flac: stage 3 reads"),
    ):
        done = run(recipe, *words)
        assert done.returncode == 1
        assert message in done.stderr.splitlines()[-1]


@pytest.mark.first_stack
def test_media_become_two_checkpoints_and_nothing_is_done_twice(tmp_path):
    recipe = copy_recipe(tmp_path)
    media = tmp_path / "my media é"
    media.mkdir()
    for number, path in enumerate(sorted(AUDIO.iterdir())[:3]):
        shutil.copy(path, media / f"talk {number}{path.suffix}")
    variables = {"MEDIA": f"\n{media}\n"}
    for seed, name in enumerate(("cp1", "cp2")):
        init = write_tiny_checkpoint(tmp_path / f"init {name}.pt", seed)
        variables[f"{name.upper()}_INIT"] = init
        config = recipe / "conf" / f"{name}.yaml"
        base = ROOT / "conf" / "pretrain.yaml"
        config.write_text(TINY.format(base=base), encoding="utf-8")
    words = ["--valid_hours", "0.002"]
    done = run(recipe, *words, **variables)
    assert done.returncode == 0, done.stderr
    dump = recipe / "dump"
    sources = [
        {spk for _, spk in read_scp(dump / "raw" / name / "utt2spk")}
        for name in ("train_unlabelled", "valid_unlabelled")
    ]
    assert sum(map(len, sources)) == 3 and not sources[0] & sources[1]
    for name in ("cp1", "cp2"):
        exp = recipe / "exp" / f"ssl_{name}"
        assert (exp / "huggingface" / "config.json").is_file()
        assert (exp / "wav2vec2.pt").read_bytes() != variables[
            f"{name.upper()}_INIT"
        ].read_bytes()
    before = (exp / "wav2vec2.pt").stat().st_mtime_ns
    again = run(recipe, *words, **variables)
    assert again.returncode == 0, again.stderr
    assert again.stderr.count("is up to date") == 2 * 4
    assert (exp / "wav2vec2.pt").stat().st_mtime_ns == before
