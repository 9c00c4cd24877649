"""Mining long files of mini_ar finds nearly all speech, and none of it twice."""

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from hamzaban.cli import main as run_cli
from repository import ROOT

pytestmark = pytest.mark.slow

RECIPE = ROOT / "egs2" / "mini_ar" / "asr1"
NUM_SPEAKERS = 10  # each a block of speech; four come again in another file
MAX_UTTS = 3  # of each


def load(name: str) -> ModuleType:
    """Return a program of local/ as a module."""
    path = RECIPE / "local" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_corpus(folder: Path) -> Path:
    """Make a part of mini_ar's unlabelled speech."""
    folder.mkdir()
    source = RECIPE / "downloads" / "mini_ar"
    (folder / "audio").symlink_to(source / "audio")
    with open(source / "utterances.tsv", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    by_speaker: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        if row["set"] == "unlabelled":
            by_speaker.setdefault(row["spk_id"], []).append(row)
    speakers = list(by_speaker)[:NUM_SPEAKERS]
    chosen = [row for name in speakers for row in by_speaker[name][:MAX_UTTS]]
    with open(folder / "utterances.tsv", "w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(chosen)
    return folder


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Make media, mine them as the README says, and return the numbers of the table."""
    folder = tmp_path_factory.mktemp("mining گفتار")
    corpus = write_corpus(folder / "corpus")
    media, mined = folder / "media", folder / "mined"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["make_media.py", str(corpus), str(media)])
        load("make_media").main()
    config = folder / "mine.yaml"
    config.write_text(yaml.safe_dump({"base": str(RECIPE / "conf" / "mine.yaml")}))
    words = ["--config", str(config), "--output_dir", str(mined), str(media)]
    assert run_cli(["mine-audio", *words]) == 0
    rows = load("compare_mining").compare(media, mined)
    return {name: float(value.split()[0]) for name, value in rows}


def test_nearly_all_speech_is_mined(compared):
    assert compared["speech, each utterance once"] > 1.0
    assert compared["of it kept (recall)"] > 90
    assert compared["of it speech (precision)"] > 80
    assert compared["of it dropped as a duplicate, wrongly"] == 0


def test_nothing_is_kept_twice(compared):
    assert compared["speech that comes again"] > 0.5
    assert compared["of it kept again"] == 0
    assert compared["of it dropped as a duplicate"] > 90
    assert compared["the same file: not read"] > 0.5
