"""Every file of weights is opened by one door, and no code from it runs."""

import ast
import struct
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import polyglots
import pytest
import tiny_experiment
import tiny_training

torch = pytest.importorskip("torch")
pytest.importorskip("espnet2")

from hamzaban.bin.export_ssl import main as export_ssl  # noqa: E402
from hamzaban.bin.import_ssl import main as import_ssl  # noqa: E402
from hamzaban.weights import door  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
DOOR = {"weights/door.py", "weights/restricted.py"}
REFUSED = "found a zip file with two lists of members"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    tiny_training.import_task()
    return tiny_training.write_inputs(tmp_path_factory.mktemp("عکس in"))


@pytest.fixture
def train(inputs, tmp_path):
    """Function that runs train-asr in this process."""

    def run(**options):
        words = tiny_training.make_command(inputs, tmp_path / "exp", **options)
        tiny_training.import_task().main(cmd=words)

    return run


@pytest.fixture
def polyglot(inputs, tmp_path):
    """A checkpoint for zipfile, a program that writes a file for torch."""
    state = torch.load(inputs / "seed.pt", weights_only=True)
    mark = tmp_path / "mark"
    path = tmp_path / "polyglot.pt"
    polyglots.write_polyglot(path, mark, state)
    yield path
    assert not mark.exists()


def test_the_polyglot_of_these_tests_does_harm(tmp_path):
    mark = tmp_path / "mark"
    polyglots.write_polyglot(tmp_path / "p.pt", mark, {"a": torch.ones(1)})
    torch.load(tmp_path / "p.pt", weights_only=False)
    assert mark.exists()


def test_import_ssl_refuses_a_file_with_two_lists(polyglot, tmp_path):
    with pytest.raises(ValueError, match=f"polyglot.pt: {REFUSED}"):
        import_ssl([str(polyglot), "--output", str(tmp_path / "out.pt")])
    assert not (tmp_path / "out.pt").exists()


def test_export_ssl_refuses_a_file_with_two_lists(polyglot, tmp_path):
    with pytest.raises(ValueError, match=f"polyglot.pt: {REFUSED}"):
        export_ssl([str(polyglot), "--output_dir", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_hugging_face_directory_refuses_a_file_with_two_lists(polyglot, tmp_path):
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "wav2vec2"}')
    polyglot.rename(folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=f"pytorch_model.bin: {REFUSED}"):
        import_ssl([str(folder), "--output", str(tmp_path / "out.pt")])


def test_pretraining_refuses_a_file_with_two_lists(polyglot, inputs, tmp_path):
    from hamzaban.bin.train_ssl import main as train_ssl

    words = ["--init_checkpoint", polyglot, "--output_dir", tmp_path / "exp"]
    for part in ("train", "valid"):
        data = f"{inputs}/data/wav.scp,speech,sound"
        words += [f"--{part}_data_path_and_name_and_type", data]
        words += [f"--{part}_shape_file", inputs / "stats" / "speech_shape"]
    with pytest.raises(ValueError, match=f"polyglot.pt: {REFUSED}"):
        train_ssl([str(word) for word in [*words, "--ngpu", "0"]])


@pytest.mark.parametrize("option", ["ssl_checkpoint", "init_param"])
def test_fine_tuning_refuses_a_file_with_two_lists(polyglot, train, option):
    value = f"{polyglot}:encoder:frontend" if option == "init_param" else polyglot
    with pytest.raises(ValueError, match=f"polyglot.pt: {REFUSED}"):
        train(**{option: value})


def test_resuming_refuses_a_file_with_two_lists(polyglot, train, tmp_path):
    (tmp_path / "exp").mkdir()
    polyglot.rename(tmp_path / "exp" / "checkpoint.pth")
    with pytest.raises(ValueError, match=f"checkpoint.pth: {REFUSED}"):
        train()


def test_an_epoch_is_not_taken_up_from_a_file_with_two_lists(
    polyglot, train, tmp_path, caplog
):
    (tmp_path / "exp").mkdir()
    polyglot.rename(tmp_path / "exp" / "partial.pth")
    train(max_epoch=1)
    assert f"partial.pth: {REFUSED}" in caplog.text
    assert "the epoch starts at its beginning" in caplog.text


def test_s3prls_own_upstream_refuses_a_file_with_two_lists(polyglot, train):
    upstream = {"upstream": "wav2vec2_custom", "path_or_url": str(polyglot)}
    conf = [f"frontend_conf={upstream}", "multilayer_feature=true"]
    options = {"frontend": "s3prl", "frontend_conf": conf, "encoder": "rnn"}
    with pytest.raises(ValueError, match=f"polyglot.pt: {REFUSED}"):
        train(**options, ssl_checkpoint=None, model="espnet")


def test_s3prl_evaluates_no_python_of_a_checkpoint(inputs, train, tmp_path):
    state = torch.load(inputs / "seed.pt", weights_only=True)
    mark = tmp_path / "mark"
    code = f"[open({str(mark)!r}, 'w').write('x')]"
    state["model_cfg"]["conv_feature_layers"] = code
    torch.save(state, tmp_path / "evil.pt")
    upstream = {"upstream": "wav2vec2_custom", "path_or_url": str(tmp_path / "evil.pt")}
    options = {"frontend": "s3prl", "frontend_conf": [f"frontend_conf={upstream}"]}
    with pytest.raises(ValueError, match="evil.pt: conv_feature_layers .* understood"):
        train(**options, encoder="rnn", ssl_checkpoint=None, model="espnet")
    assert not mark.exists()


@pytest.fixture(scope="module")
def exp(inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("decoded")
    return tiny_experiment.write_experiment(
        folder, inputs / "tokens", inputs / "seed.pt"
    )


def test_decoding_refuses_a_file_with_two_lists(exp, tmp_path):
    from hamzaban.decode.recognizer import load_recognizer

    mark, path = tmp_path / "mark", exp / "polyglot.pth"
    state = torch.load(exp / tiny_experiment.MODEL_NAME, weights_only=True)
    polyglots.write_polyglot(path, mark, state)
    task = tiny_training.import_task()
    with pytest.raises(ValueError, match=f"polyglot.pth: {REFUSED}"):
        load_recognizer(exp, path.name)
    with pytest.raises(ValueError, match=f"polyglot.pth: {REFUSED}"):
        task.build_model_from_file(exp / "config.yaml", path)
    assert not mark.exists()


def test_libraries_cannot_load_a_program_behind_the_door(tmp_path):
    mark = tmp_path / "mark"
    polyglots.write_program(tmp_path / "program.pt", mark)
    with door.guarded():
        with pytest.raises(ValueError, match="found a TorchScript program"):
            torch.load(tmp_path / "program.pt", weights_only=False)
        with (
            open(tmp_path / "program.pt", "rb") as stream,
            pytest.raises(RuntimeError, match="TorchScript"),
        ):
            torch.load(stream, weights_only=False)
        with pytest.raises(ValueError, match="TorchScript program is not loaded"):
            torch.jit.load(tmp_path / "program.pt")
    assert not mark.exists()


def calls_of(path):
    """Give the dotted names of what a module calls, takes from others or passes on."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node), node
        elif isinstance(node, ast.ImportFrom):
            for name in node.names:
                yield f"{node.module}.{name.name}", node
        elif isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, node


def test_nothing_else_opens_what_may_hold_code():
    names = {"torch.load", "torch.jit.load", "torch.hub.load", "torch.package"}
    names |= {f"pickle.{name}" for name in ("load", "loads", "Unpickler")}
    names |= {"joblib", "dill", "cloudpickle", "shelve", "marshal", "eval", "exec"}
    names |= {"yaml.unsafe_load", "yaml.full_load", "yaml.Loader", "yaml.UnsafeLoader"}
    names |= {"kaldiio.load_mat", "kaldiio.load_scp", "kaldiio.load_ark", "hydra"}
    package = ROOT / "plugins" / "hamzaban"
    found = []
    for path in [*package.rglob("*.py"), *(ROOT / "egs2").rglob("*.py")]:
        if str(path.relative_to(path.parents[1])) in DOOR and package in path.parents:
            continue
        found += [f"{path}: {name}" for name, _ in calls_of(path) if name in names]
    assert not found


def test_arrays_are_read_without_objects():
    for path in (ROOT / "plugins").rglob("*.py"):
        for name, node in calls_of(path):
            if name in ("np.load", "numpy.load"):
                text = path.read_text(encoding="utf-8").splitlines()[node.lineno - 1]
                assert "allow_pickle=False" in text, path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty file, .*; copy or download it again"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n",
            "found a git-lfs pointer .*; run `git lfs pull` there",
        ),
        (b"\n<!DOCTYPE html><html>\xc3\xa9", "found a web page .*; download the file"),
        (b"hello\n", "found a text file, .*; give the model file itself"),
        (b"\x1f\x8b\x08\0", "found a gzip file, .*; unpack it first"),
        (struct.pack("<Q", 60) + b'{"a":1}', "found safetensors, .*; give the direct"),
        (b"\x80\x02garbage\xff", "not a checkpoint that can be read safely"),
        (b"PK\x03\x04" + bytes(900), "found a torch file cut short after 904 bytes"),
    ],
)
def test_a_stranger_is_named_with_its_remedy(tmp_path, content, message):
    path = tmp_path / "w.pt"
    path.write_bytes(content)
    for read in (door.read_file, door.read_foreign):
        with pytest.raises(ValueError, match=f"w.pt: {message}") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_arrays_and_archives_are_named(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3))
    np.savez(tmp_path / "b.npz", a=np.ones(3))
    torch.save({"a": np.ones(3)}, tmp_path / "c.pt")
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("x/wav.scp", "a")
    with tarfile.open(tmp_path / "e.tar", "w") as archive:
        archive.add(tmp_path / "a.npy", "\xe9")
    for name, message in (
        ("a.npy", "found a NumPy array, .*torch.save"),
        ("b.npz", r"found NumPy arrays \(.npz\), .*torch.save"),
        ("c.pt", "found an object numpy.*; make tensors of NumPy's arrays"),
        ("d.zip", "found a zip file"),
        ("e.tar", "found a tar file"),
    ):
        with pytest.raises(ValueError, match=f"{name}: {message}") as caught:
            door.read_file(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_cut_anywhere_is_one_line(tmp_path, zipped):
    state = {"a": torch.arange(300.0), "b": [torch.ones(7)], "c": {"d": 1}}
    path, cut = tmp_path / "whole.pt", tmp_path / "cut.pt"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    data = path.read_bytes()
    for length in range(0, len(data), 37):
        cut.write_bytes(data[:length])
        for read in (door.read_file, door.read_foreign):
            with pytest.raises(ValueError, match="cut.pt: ") as caught:
                read(cut)
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("zipped", [True, False])
def test_flipped_bytes_are_read_or_refused_in_one_line(tmp_path, zipped):
    path = tmp_path / "flipped.pt"
    torch.save(
        {"a": torch.arange(30.0), "b": 1},
        path,
        _use_new_zipfile_serialization=zipped,
    )
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(150):
        flipped = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            flipped[place] = rng.integers(256)
        path.write_bytes(flipped)
        for read in (door.read_file, door.read_foreign):
            try:
                read(path)
            except ValueError as error:
                told = str(error)
                assert told.startswith(str(path)) and "\n" not in told


@pytest.mark.parametrize("read", [door.read_file, door.read_foreign])
def test_a_small_file_does_not_become_a_large_model(tmp_path, read):
    path = tmp_path / "bomb.pt"
    torch.save({"w": torch.zeros(1).expand(5, 10**9)}, path)
    with pytest.raises(ValueError, match="unpack to tensors of 20000000000, expected"):
        read(path)
    torch.save({"w": torch.zeros(10**6)}, path)
    with (
        zipfile.ZipFile(path) as whole,
        zipfile.ZipFile(tmp_path / "deflated.pt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for member in whole.infolist():
            packed.writestr(member.filename, whole.read(member))
    with pytest.raises(ValueError, match=r"a zip file of \d+ bytes that unpacks to"):
        read(tmp_path / "deflated.pt")


def test_an_old_file_that_announces_more_than_it_has_is_refused(tmp_path):
    path = tmp_path / "old.pt"
    torch.save({"w": torch.zeros(70000)}, path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    number = struct.pack("<i", 70000)
    assert data.count(b"J" + number) == 2  # of the storage and of the shape
    path.write_bytes(data.replace(b"J" + number, b"J" + struct.pack("<i", 2**31 - 1)))
    with pytest.raises(ValueError, match="old.pt: .*announces more numbers than"):
        door.read_foreign(path)
    with pytest.raises(ValueError, match="old.pt: "):
        door.read_file(path)


def test_both_layouts_give_the_same_tensors(tmp_path):
    base = torch.arange(12.0)
    state = {
        "view": base[2:8].view(2, 3),
        "half": torch.ones(3).half(),
        "bytes": torch.arange(4, dtype=torch.uint8),
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "empty": torch.zeros(0, 3),
    }
    for zipped in (True, False):
        path = tmp_path / f"{zipped}.pt"
        torch.save(state, path, _use_new_zipfile_serialization=zipped)
        found = door.read_foreign(path)
        assert found.keys() == state.keys()
        for name, value in state.items():
            assert found[name].dtype == value.dtype
            assert torch.equal(found[name], value), name


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "1 of 2 parameters are not finite, such as a"),
        (float("inf"), "1 of 2 parameters are not finite, such as a"),
        (0.0, "all weights are zero"),
    ],
)
def test_weights_that_are_no_numbers_are_not_read(tmp_path, value, message):
    path = tmp_path / "w.pth"
    torch.save({"a": torch.full((2, 2), value), "b": torch.ones(2)}, path)
    with pytest.raises(ValueError, match=f"w.pth: {message}"):
        door.read_weights(path)
