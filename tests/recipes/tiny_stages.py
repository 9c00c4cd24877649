"""Run stages 1 to 10 of a recipe in a repository of its own, with a tiny model."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from tiny_recipe import LM, PRETRAIN

from repository import ROOT

MADE = ("data", "dump", "exp", "downloads")
TRAIN = """\
base: ../../../../conf/train_ctc.yaml
frontend_conf:
    mask_channel_prob: 0.0
batch_bins: 240000
max_epoch: 2
keep_nbest_models: 2
num_workers: 0
optim_conf:
    lr: 1.0e-2
"""
CONFIGS = {
    "tiny": TRAIN,
    "tiny_ssl": PRETRAIN.replace("max_epoch: 3", "max_epoch: 1\nnum_workers: 0"),
    "tiny_lm": LM,
    "greedy": "batch_bins: 240000\n",
    "lexicon": "base: ../../../../conf/decode_lexicon.yaml\ntune:\n"
    "    lm_weight: [0.5]\n    word_score: [0.0]\n",
}


def copy_recipe(name: str, root: Path) -> Path:
    """Copy a recipe into a repository that otherwise links to this one."""
    repository = root / "my repository"
    (repository / "egs2").mkdir(parents=True)
    for link in ("local", "conf", "egs2/TEMPLATE"):
        (repository / link).symlink_to(ROOT / link)
    source, target = (r / "egs2" / name / "asr1" for r in (ROOT, repository))
    ignore = shutil.ignore_patterns(*MADE)
    return Path(shutil.copytree(source, target, symlinks=True, ignore=ignore))


def run(
    recipe: Path, *words: str, path: Path | None = None, **variables: object
) -> "subprocess.CompletedProcess[str]":
    """Run a recipe on the CPU with characters as tokens.

    Args:
        recipe: Its folder.
        words: More options.
        path: Folder of another command `hamzaban`.
        variables: Variables of the environment.
    """
    environment = os.environ | {k: str(v) for k, v in variables.items()}
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    return subprocess.run(
        ["./run.sh", "--ngpu", "0", "--nj", "1", "--token_type", "char", *words],
        cwd=recipe,
        env=environment,
        capture_output=True,
        text=True,
        timeout=3000,
    )


def write_configs(recipe: Path) -> None:
    """Write the YAMLs of CONFIGS into the recipe's conf/."""
    (recipe / "conf").mkdir(exist_ok=True)
    for name, text in CONFIGS.items():
        (recipe / "conf" / f"{name}.yaml").write_text(text, encoding="utf-8")


def check_results(recipe: Path, lang: str) -> None:
    """Check that each test set is scored as a whole, in the common form."""
    (results,) = recipe.glob("exp/**/asr_tiny*/RESULTS.md")
    text = results.read_text(encoding="utf-8")
    rows = re.findall(r"^\|([a-z]+)/(\S+?)\|([^|]*)\|(.*)\|$", text, re.MULTILINE)
    folders = [path.parent for path in recipe.glob("dump/raw/**/text")]
    sizes = {
        str(path.relative_to(recipe / "dump/raw")): len(
            (path / "utt2spk").read_text(encoding="utf-8").splitlines()
        )
        for path in folders
    }
    assert {row[0] for row in rows} == {"greedy", "lexicon"}
    for _, name, number, numbers in rows:
        assert int(number) == sizes[name]
        assert len([float(value) for value in numbers.split("|")]) == 7
    tests = {name for name in sizes if not name.startswith(("train", "valid"))}
    assert tests and tests <= {row[1] for row in rows}
    assert f"Text normalizer: `{lang}-score/" in text or lang == "general"
    assert (results.parents[1] / "RESULTS.md").is_file()
