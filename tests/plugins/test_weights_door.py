"""Files of weights are read without running their code; faults are one line."""

import struct
import tarfile
import zipfile

import numpy as np
import polyglots
import pytest


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global door, torch
    import torch

    from hamzaban.weights import door


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


@pytest.mark.parametrize("name", ["read_file", "read_foreign"])
def test_a_small_file_does_not_become_a_large_model(tmp_path, name):
    path = tmp_path / "bomb.pt"
    torch.save({"w": torch.zeros(1).expand(5, 10**9)}, path)
    with pytest.raises(ValueError, match="unpack to tensors of 20000000000, expected"):
        getattr(door, name)(path)
    torch.save({"w": torch.zeros(10**6)}, path)
    with (
        zipfile.ZipFile(path) as whole,
        zipfile.ZipFile(tmp_path / "deflated.pt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for member in whole.infolist():
            packed.writestr(member.filename, whole.read(member))
    with pytest.raises(ValueError, match=r"a zip file of \d+ bytes that unpacks to"):
        getattr(door, name)(tmp_path / "deflated.pt")


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


def test_s3prl_evaluates_no_call_under_whatever_name_it_stands(tmp_path):
    from s3prl.upstream.distiller.model import DistillerConfig, DistillerModel

    mark = tmp_path / "mark"
    code = f"[open({str(mark)!r}, 'w').write('x')] and [(4, 10, 5)] * 2"
    config = {"encoder_layers": 1, "encoder_embed_dim": 16, "n_tasks": 1}
    config |= {"encoder_ffn_embed_dim": 16, "encoder_attention_heads": 1}
    config["extractor_conv_feature_layers"] = code
    with door.guarded(), pytest.raises(ValueError, match="not evaluated, since it has"):
        DistillerModel(DistillerConfig(config))
    assert not mark.exists()
    config["extractor_conv_feature_layers"] = "[(4, 10, 5)] + [(4, 3, 2)] * 2"
    with door.guarded():
        model = DistillerModel(DistillerConfig(config))
    assert len(model.feature_extractor.conv_layers) == 3


@pytest.mark.parametrize(
    "text",
    [
        "open('x')",
        "(lambda: 1)()",
        "[x for x in y]",
        "f'{open}'",
        "2 ** 64",
        "[0] * 10 ** 9",
        "[0] * 999999999",
        "[[0] * 90000] * 90000 * 90000",
        "(" * 500,
        "a" * 3000,
    ],
)
def test_only_lists_numbers_and_names_are_evaluated(text):
    from hamzaban.weights.expressions import check_expression

    with pytest.raises(ValueError, match="is not evaluated, since .*; expected lists"):
        check_expression(text)
    for fine in ("[(512, 10, 5)] + [(512, 3, -2)] * 4", "self.model.layers[0]", "[]"):
        check_expression(fine)


def test_other_code_evaluates_as_before():
    number = 3
    with door.guarded():
        assert eval("[number for _ in range(2)]", {"number": number}) == [3, 3]
        assert eval("number + len('ab')") == 5
