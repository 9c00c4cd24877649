"""A wheel of the repository, installed without extras, works away from the checkout."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from hamzaban.extras import EXTRA_OF

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "plugins" / "hamzaban"
sys.path.append(str(ROOT / "tests" / "plugins"))  # of the modules that write models


def name_of(requirement):
    return re.split(r"[\s;<>=!~\[(]", requirement)[0].lower().replace("_", "-")


def read_setup():
    """Return what setup.py passes to setuptools."""
    code = (
        "import json, setuptools; found = {}\n"
        "setuptools.setup = lambda **options: found.update(options)\n"
        f"__file__ = {str(ROOT / 'setup.py')!r}\n"
        "exec(compile(open(__file__).read(), __file__, 'exec'))\n"
        "names = ('install_requires', 'extras_require')\n"
        "print(json.dumps({name: found[name] for name in names}))\n"
    )
    words = [sys.executable, "-c", code]
    return json.loads(subprocess.check_output(words, cwd=ROOT, text=True))


def close_over(names):
    """Return distributions with all that they need here, without extras."""
    found, left = set(), {name.lower().replace("_", "-") for name in names}
    while left:
        name = left.pop()
        found.add(name)
        try:
            needed = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        inside = [text for text in needed if "extra ==" not in text]
        left |= {name_of(text) for text in inside} - found
    return found


def link_distributions(names, folder):
    """Link what belongs to distributions that are installed here, and nothing else."""
    for name in sorted(names):
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        for top in {file.parts[0] for file in found.files or ()} - {"..", "hamzaban"}:
            if not (folder / top).exists():
                (folder / top).symlink_to(found.locate_file(top))


def test_each_module_of_an_extra_is_named_with_its_extra():
    extras = read_setup()["extras_require"]
    named = {extra: {name_of(text) for text in extras[extra]} for extra in extras}
    of = metadata.packages_distributions()
    for module, extra in EXTRA_OF.items():
        for name in of.get(module, ()):
            direct = {name.lower().replace("_", "-")}
            assert direct & close_over(named[extra]), f"{module}: not in [{extra}]"
    known = {name.lower().replace("_", "-") for m in EXTRA_OF for name in of.get(m, ())}
    unnamed = {n for names in named.values() for n in names} - known
    assert unnamed <= {"setuptools", "torch"}


def test_build_system_needs_setuptools_only():
    with open(ROOT / "pyproject.toml", "rb") as stream:
        build = tomllib.load(stream)["build-system"]
    assert [name_of(text) for text in build["requires"]] == ["setuptools"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel built from a copy of the files that git tracks."""
    folder = tmp_path_factory.mktemp("wheel")
    names = subprocess.check_output(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, text=True
    )
    for name in names.split("\0"):
        parts = Path(name).parts[:1]
        if parts in (("plugins",), ("conf",)) or name in ("setup.py", "pyproject.toml"):
            target = folder / "source" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target, follow_symlinks=False)
    words = ["uv", "build", "--quiet", "--wheel", "--no-build-isolation", "--offline"]
    words += ["--python", sys.executable, "--out-dir", str(folder), folder / "source"]
    subprocess.run(list(map(str, words)), check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """An environment with the wheel; it borrows from this one what the wheel needs."""
    venv = tmp_path_factory.mktemp("venv with space") / "v"
    uv = ["uv", "--quiet", "--offline"]
    subprocess.run([*uv, "venv", "--python", sys.executable, str(venv)], check=True)
    words = ["pip", "install", "--no-deps", "--python", str(venv), str(wheel)]
    subprocess.run([*uv, *words], check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    borrowed = venv / "borrowed"
    borrowed.mkdir()
    needed = close_over(map(name_of, read_setup()["install_requires"]))
    link_distributions(needed, borrowed)
    left_out = ("espnet2", "s3prl", "torchaudio", "transformers", "matplotlib")
    assert not [name for name in left_out if (borrowed / name).exists()]
    (site / "borrowed.pth").write_text(f"{borrowed}\n", encoding="utf-8")
    return venv / "bin"


def run(program, *words, cwd):
    """Run the installed command in an empty folder, away from the checkout."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    words = [str(program / "hamzaban"), *map(str, words)]
    return subprocess.run(
        words, cwd=cwd, env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_wheel_has_every_file_of_the_package_and_the_configs(installed):
    (package,) = installed.parent.glob("lib/python*/site-packages/hamzaban")
    listed = subprocess.check_output(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", PACKAGE, ROOT / "conf"],
        cwd=ROOT,
        text=True,
    ).split("\0")
    wanted = {
        Path(name).relative_to(
            "plugins/hamzaban" if name.startswith("plugins") else "."
        )
        for name in listed
        if name and not name.endswith((".md", "hamzaban/conf"))
    }
    missing = sorted(str(path) for path in wanted if not (package / path).is_file())
    assert len(wanted) > 300
    assert missing == []


@pytest.mark.slow
def test_verbs_tell_in_one_line_which_extra_to_install(installed, tmp_path):
    done = run(installed, "train-asr", "--output_dir", "exp", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert re.search(
        r"^hamzaban train-asr: the package \w+ is not installed; "
        r"`pip install 'hamzaban\[train\]'` installs it$",
        done.stderr.strip(),
    )


@pytest.mark.slow
def test_configs_of_the_repository_are_found_outside_it(installed, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("base: conf/decode_lexicon.yaml\nlm_weight: 0.125\n")
    done = run(installed, "config", "merge", "own.yaml", "out.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    merged = (tmp_path / "out.yaml").read_text(encoding="utf-8")
    assert "lm_weight: 0.125" in merged
    assert "search: lexicon" in merged
    done = run(
        installed, "config", "merge", "conf/mine.yaml", "mine.yaml", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"conf/mine.yaml is not here; /.* is used", done.stderr)
    done = run(installed, "config", "merge", "conf/no.yaml", "x.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert "conf/no.yaml" in done.stderr


@pytest.mark.slow
@pytest.mark.torch
@pytest.mark.parametrize("form", ["packed", "experiment", "huggingface"])
def test_speech_is_transcribed_without_espnet_and_s3prl(form, installed, tmp_path):
    from mine_media import read_speech, write_media

    model = write_model(form, tmp_path)
    media = write_media(tmp_path / "a.flac", read_speech("spk01", 5.0))
    (tmp_path / "empty").mkdir()
    done = run(installed, "transcribe", model, media, cwd=tmp_path / "empty")
    assert done.returncode == 0, done.stderr
    here = [sys.executable, "-m", "hamzaban", "transcribe", str(model), str(media)]
    wanted = subprocess.check_output(here, text=True, stderr=subprocess.DEVNULL)
    assert done.stdout == wanted
    assert wanted.strip()
    if form == "packed":
        text = tmp_path / "book.txt"
        text.write_text(wanted, encoding="utf-8")
        words = ["align", model, media, text, "--output_dir", "al"]
        done = run(installed, *words, cwd=tmp_path / "empty")
        # An untrained model hears no sentence with certainty, but it hears all of them.
        assert "sentences kept" in done.stderr
        assert done.returncode in (0, 1), done.stderr


@pytest.mark.slow
def test_scores_are_computed_without_extras(installed, tmp_path):
    for name, text in (("ref", "a b c (spk-1)\n"), ("hyp", "a x c (spk-1)\n")):
        (tmp_path / f"{name}.trn").write_text(text, encoding="utf-8")
    words = ["score", "--ref", "ref.trn", "--hyp", "hyp.trn"]
    done = run(installed, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "33.3" in done.stdout


def write_model(form, folder):
    """Write a model with random weights, as `transcribe` takes it."""
    if form == "huggingface":
        import test_transcribe_models as tiny

        tiny.torch = __import__("torch")
        tiny.transformers = __import__("transformers")
        tiny.write_model(folder / "m")
        return folder / "m"
    import tiny_experiment as tiny

    from hamzaban.export.pack import pack_model

    data = tiny.write_audio(folder / "data", [30000] * 3)
    tiny.write_checkpoint(folder / "wav2vec2.pt", "layer_norm")
    tokens = tiny.write_tokens(folder / "t", data / "text", "--token_type", "char")
    exp = tiny.write_experiment(folder, tokens, folder / "wav2vec2.pt")
    if form == "experiment":
        return exp
    pack_model(exp, tiny.MODEL_NAME, folder / "model.zip")
    return folder / "model.zip"
