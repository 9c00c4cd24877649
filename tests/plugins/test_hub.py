"""Models on the hub, by the real client against a server on loopback."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import hub_server
import numpy as np
import pytest
from safetensors.numpy import save

from hamzaban.hub.names import HubName, parse_name

NAME = "owner/tiny-ctc"
CONFIG = b'{"model_type": "wav2vec2"}'
WEIGHTS = save({"weight": np.arange(200_000, dtype=np.float32)})
FILES = {
    "config.json": CONFIG,
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": b"not wanted",
    "training_args.bin": b"a pickle",
    "adapter.fas.safetensors": WEIGHTS[:-4] + b"abcd",
    "adapter.urd.safetensors": WEIGHTS[:-4] + b"efgh",
    "README.md": b"# A card\n",
}


@pytest.fixture
def hub():
    with hub_server.serve() as found:
        found.add(NAME, FILES)
        yield found


@pytest.fixture
def call(hub, tmp_path):
    """Call the command in a process of its own, with an empty cache."""

    def run(*words, **env):
        kept = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
        env = {
            **kept,
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(tmp_path / "cache"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1,localhost",
            **env,
        }
        words = [sys.executable, "-m", "hamzaban", *map(str, words)]
        return subprocess.run(
            words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )

    return run


def fail(done):
    """Return the one line that a failed command printed."""
    lines = done.stderr.splitlines()
    found = [line for line in lines if line.startswith("hamzaban ")]
    assert done.returncode == 1, done.stdout + done.stderr
    assert len(found) == 1
    assert "Traceback" not in done.stderr
    return found[0]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a/b", HubName("a/b")),
        ("a/b@v1.0", HubName("a/b", "v1.0")),
        ("a/b@refs/pr/3", HubName("a/b", "refs/pr/3")),
        ("a/b/c/model.zip", HubName("a/b", "", "c/model.zip")),
        ("a/b/xlsr.pt@main", HubName("a/b", "main", "xlsr.pt")),
        *((text, None) for text in ("a", "/a/b", "./a/b", "a/b/", "a/b/c", "a/b.pt")),
        *((text, None) for text in ("a/b/../c.pt", "a b/c", "../a/b", "", "a/b@")),
        ("here/b", None),
        ("here/b/c.pt", None),
    ],
)
def test_names_are_told_from_paths(text, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert parse_name(text) == name
    if name:
        assert str(name) == text


@pytest.mark.slow
def test_a_model_is_fetched_once_and_then_found_offline(hub, call):
    done = call("fetch", NAME)
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip())
    there = {path.name for path in folder.iterdir()}
    assert there == {"config.json", "model.safetensors", "README.md"}
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    asked = len(hub.asked)
    again = call("fetch", NAME, HF_HUB_OFFLINE="1")
    assert again.stdout == done.stdout
    assert len(hub.asked) == asked
    assert call("fetch", NAME).stdout == done.stdout
    assert not [line for line in hub.asked[asked:] if "/cdn/" in line]


@pytest.mark.slow
def test_only_the_adapter_of_the_language_is_fetched(hub, call):
    hub.repos[NAME]["main"]["tokenizer_config.json"] = b'{"target_lang": "urd"}'
    folder = Path(call("fetch", NAME).stdout.strip())
    assert [path.name for path in folder.glob("adapter.*")] == [
        "adapter.urd.safetensors"
    ]
    call("fetch", NAME, "--language", "fas")
    assert len([*folder.glob("adapter.*")]) == 2


@pytest.mark.slow
def test_revisions_and_single_files_are_fetched(hub, call):
    hub.add(NAME, {"config.json": b'{"old": 1}', "pytorch_model.bin": b"old"}, "v1")
    old = Path(call("fetch", f"{NAME}@v1").stdout.strip())
    assert json.loads((old / "config.json").read_text()) == {"old": 1}
    assert (old / "pytorch_model.bin").read_bytes() == b"old"
    commit = hub.commit_of(NAME, "v1")
    assert call("fetch", f"{NAME}@{commit}").stdout.strip() == str(old)
    hub.add("owner/zoo", {"exp/model.zip": b"PK" * 999, "other.zip": b"x"})
    found = Path(call("fetch", "owner/zoo/exp/model.zip@main").stdout.strip())
    assert found.read_bytes() == b"PK" * 999
    assert not (found.parent.parent / "other.zip").exists()


@pytest.mark.slow
def test_a_private_model_needs_the_token_of_the_environment(hub, call):
    hub.private.add(NAME)
    line = fail(call("fetch", NAME))
    assert "or a private one; correct the name, or set HF_TOKEN" in line
    assert call("fetch", NAME, HF_TOKEN=hub_server.TOKEN).returncode == 0


@pytest.mark.slow
def test_each_refusal_is_one_line_with_a_remedy(hub, call):
    hub.gated.add("owner/gated")
    hub.add("owner/gated", FILES)
    for name, message in (
        ("owner/none", "no such path here, and http.* has no such model"),
        (f"{NAME}@v9", "has no revision 'v9'; correct what follows the @"),
        (f"{NAME}/none.pt", "has no such file; look at http"),
        ("owner/gated", "accept them at http://.*/owner/gated, and set HF_TOKEN"),
        ("no-such-path", "no such path, expected a name on the hub: owner/name"),
    ):
        line = fail(call("fetch", name))
        assert line.startswith(f"hamzaban fetch: {name}: ")
        assert re.search(message, line), line


@pytest.mark.slow
def test_offline_and_unreachable_hubs_say_how_to_go_on(hub, call):
    line = fail(call("fetch", NAME, HF_HUB_OFFLINE="1"))
    assert "HF_HUB_OFFLINE is set; unset it, or call `hamzaban fetch owner" in line
    line = fail(call("fetch", NAME, HF_ENDPOINT="http://127.0.0.1:9"))
    assert "http://127.0.0.1:9 cannot be reached" in line
    assert hub.asked == []


@pytest.mark.slow
def test_a_download_that_breaks_off_is_completed(hub, call):
    hub.cut = 1
    done = call("fetch", NAME)
    if done.returncode:  # the client did not try again by itself
        assert "run it again" in fail(done)
        done = call("fetch", NAME)
    folder = Path(done.stdout.strip())
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS


@pytest.mark.slow
def test_a_download_that_breaks_off_for_good_is_one_line(hub, call):
    hub.cut = 10**6
    line = fail(call("fetch", NAME))
    assert "failed" in line
    assert "run it again, it continues where it stopped" in line


def write_model(folder):
    folder.mkdir()
    names = ("config.json", "model.safetensors", "README.md")
    for name in names:
        (folder / name).write_bytes(FILES[name])
    (folder / ".secret").write_text("hidden")
    (folder / "model.safetensors.tmp").write_bytes(b"half")
    (folder / "lm").mkdir()
    (folder / "lm" / "a [b].txt").write_text("a word\n")
    return {*names, "lm/a [b].txt"}


@pytest.mark.slow
@pytest.mark.torch
def test_a_dry_run_shows_card_and_files_and_sends_nothing(hub, call, tmp_path):
    write_model(tmp_path / "m")
    done = call("push", tmp_path / "m", "me/new", "--dry_run", "true")
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path}/m -> me/new" in done.stdout
    assert "  model.safetensors    0.80 MB\n" in done.stdout
    assert "  lm/a [b].txt             7 B\n" in done.stdout
    assert "README.md\n  # A card\n" in done.stdout
    assert "secret" not in done.stdout
    assert ".tmp" not in done.stdout
    assert hub.asked == []


@pytest.mark.slow
@pytest.mark.torch
def test_a_pushed_model_is_fetched_as_it_was(hub, call, tmp_path):
    names = write_model(tmp_path / "m")
    token = {"HF_TOKEN": hub_server.TOKEN}
    words = ["push", tmp_path / "m", "me/new", "--message", "First one"]
    done = call(*words, **token)
    assert done.returncode == 0, done.stderr
    files = hub.repos["me/new"]["main"]
    assert set(files) == names
    assert done.stdout.startswith(f"{hub.url}/me/new/commit/")
    assert hub.commits == ["First one"]
    assert "me/new" in hub.private
    folder = Path(call("fetch", "me/new", **token).stdout.strip())
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    uploads = [line for line in hub.asked if line.startswith("PUT")]
    assert len(uploads) == 1
    assert call(*words, **token).returncode == 0  # again, into the same repository
    assert [line for line in hub.asked if line.startswith("PUT")] == uploads
    done = call("push", tmp_path / "m", "me/new@dev", **token)
    assert done.returncode == 0, done.stderr
    assert set(hub.repos["me/new"]) == {"main", "dev"}


@pytest.mark.slow
def test_who_may_not_push_is_told_so_in_one_line(hub, call, tmp_path):
    write_model(tmp_path / "m")
    line = fail(call("push", tmp_path / "m", "me/new"))
    assert "there is no token; set HF_TOKEN to one with the right to write" in line
    line = fail(call("push", tmp_path / "m", "new"))
    assert "expected owner/name or owner/name@branch" in line
    (tmp_path / "m" / "model.safetensors").rename(tmp_path / "m" / "model.onnx")
    line = fail(call("push", tmp_path / "m", "me/new", HF_TOKEN="hf_wrong"))
    assert "refuses access (HTTP 401); set HF_TOKEN" in line
    assert "me/new" not in hub.repos


@pytest.mark.slow
@pytest.mark.torch
def test_what_nobody_could_load_is_not_pushed(tmp_path):
    from hamzaban.hub.push import read_publication

    with pytest.raises(NotADirectoryError, match="no such folder"):
        read_publication(tmp_path / "none")
    write_model(tmp_path / "m")
    for name, content, message in (
        ("model.safetensors", b"damaged", "expected safetensors"),
        ("evil.bin", b"cos\nsystem\n(S'true'\ntR.", "evil.bin"),
    ):
        (tmp_path / "m" / name).write_bytes(content)
        with pytest.raises(ValueError, match=message) as info:
            read_publication(tmp_path / "m")
        assert "\n" not in str(info.value)
        (tmp_path / "m" / name).unlink()
    with pytest.raises(ValueError, match="no weights found"):
        read_publication(tmp_path / "m")
    (tmp_path / "m" / "README.md").unlink()
    with pytest.raises(FileNotFoundError, match="write a model card"):
        read_publication(tmp_path / "m")


@pytest.mark.slow
@pytest.mark.torch
def test_verbs_take_names_on_the_hub(hub, call, tmp_path):
    import test_transcribe_models as tiny
    from mine_media import read_speech, write_media

    tiny.torch = __import__("torch")
    tiny.transformers = __import__("transformers")
    tiny.write_model(tmp_path / "m")
    files = {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()}
    hub.add("owner/model", files)
    media = write_media(tmp_path / "a.flac", read_speech("spk01", 4.0))
    here = call("transcribe", tmp_path / "m", media)
    there = call("transcribe", "owner/model@main", media)
    assert there.returncode == 0, there.stderr
    assert there.stdout == here.stdout
    assert here.stdout.strip()
    line = fail(call("transcribe", "owner/none", media))
    assert "has no such model" in line
    (tmp_path / "book.txt").write_text(here.stdout, encoding="utf-8")
    words = ["align", "owner/model", media, tmp_path / "book.txt"]
    done = call(*words, "--output_dir", tmp_path / "al")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "al" / "segments.tsv").is_file()
