"""Each recipe of a published corpus, run on a made-up one: from data to scores."""

import re
from fnmatch import fnmatch

import pytest
from tiny_stages import check_results, copy_recipe, run, write_configs
from warm import warm_process

from published.commonvoice import make_commonvoice
from published.corpora import RECIPES, make_fleurs
from repository import is_own, list_recipes

CORPORA = {
    **RECIPES,
    "commonvoice": ("COMMONVOICE", make_commonvoice, "--check_counts false"),
}
NEEDS_PARQUET = ("indicvoices_ur", "kathbath_ur", "manatts")
ELSEWHERE = {  # recipes without a published corpus of their own, and what runs them
    "mini_ar": "its speech lies in the repository; make demo",
    "mini_*": "on the speech of mini_ar; tests of their own",
    "commonvoice_*": "on the sets of commonvoice; tests of their own",
    "perso_arabic": "on the sets of other recipes; tests of its own",
    "transfer": "on the sets of other recipes; tests of its own",
}


@pytest.fixture(scope="module")
def warm():
    with warm_process() as folder:
        yield folder


def test_every_recipe_is_run_here_or_elsewhere():
    names = {path.parent.name for path in list_recipes() if not is_own(path)}
    assert set(CORPORA) <= names
    rest = names - set(CORPORA)
    assert [n for n in rest if not any(fnmatch(n, form) for form in ELSEWHERE)] == []


@pytest.mark.torch
@pytest.mark.needs("lmplz", "build_binary")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", CORPORA)
def test_recipe_goes_from_its_corpus_to_scores(name, warm, tmp_path):
    """Run stages 1 to 10 except mining, since no corpus here has media."""
    if name in NEEDS_PARQUET:
        pytest.importorskip("pyarrow")
    variable, make, options = CORPORA[name]
    corpus = make(tmp_path / "a corpus")
    recipe = copy_recipe(name, tmp_path)
    write_configs(recipe)
    words = ["--pretrain_config", "conf/tiny_ssl.yaml", "--lm_config"]
    words += ["conf/tiny_lm.yaml", "--asr_config", "conf/tiny.yaml"]
    words += ["--inference_config", "conf/greedy.yaml conf/lexicon.yaml"]
    words += ["--stop_stage", "score", "--local_data_opts", options]
    done = run(recipe, *words, path=warm, **{variable: corpus})
    assert done.returncode == 0, done.stderr
    stages = re.findall(r"Stage (\d+): ", done.stderr)
    assert stages == ["1", "2", "4", "5", "6", "7", "8", "9", "10"]
    (lang,) = {path.name.split("_")[0] for path in recipe.glob("data/*_token_list")}
    check_results(recipe, lang)
    if name == "commonvoice":
        text = (recipe / "data" / "train_fa" / "text").read_text(encoding="utf-8")
        assert len(text.splitlines()) == 25  # none of the planted leaks


@pytest.mark.slow
def test_common_voice_takes_fleurs_as_a_second_test_set(tmp_path):
    recipe = copy_recipe("commonvoice", tmp_path)
    corpora = {
        "COMMONVOICE": make_commonvoice(tmp_path / "a corpus"),
        "FLEURS": make_fleurs(tmp_path / "another one", tarred=False),
    }
    options = ["--local_data_opts", "--check_counts false", "--cleaner", "none"]
    run(recipe, *options, "--stop_stage", "data", **corpora)  # leaks are planted
    assert (
        len((recipe / "data/test_fleurs_fa/text").read_text("utf-8").splitlines()) == 5
    )
    assert not (recipe / "data/train_fleurs_fa").exists()
    write_configs(recipe)
    options = [
        "--dry_run",
        "true",
        "--asr_config",
        "conf/tiny.yaml",
        "--stage",
        "decode",
    ]
    for variables, count in ((corpora, 1), ({**corpora, "FLEURS": ""}, 0)):
        done = run(recipe, *options, "--stop_stage", "decode", **variables)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("--data_dir dump/raw/test_fleurs_fa ") == count
        assert done.stdout.count("--data_dir dump/raw/test_fa ") == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", CORPORA)
def test_recipe_without_its_corpus_says_where_to_get_it(name, tmp_path):
    recipe = copy_recipe(name, tmp_path)
    done = run(recipe, "--stop_stage", "data")
    assert done.returncode == 1
    (line,) = [x for x in done.stderr.splitlines() if x[:4] != "2026" and "http" in x]
    assert "downloads" in line
