"""Stored emissions: they are read back, killed runs continue, damage is reported."""

import numpy as np
import pytest

from hamzaban.decode import make_emissions as module
from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.emissions import read_utterances
from hamzaban.decode.make_emissions import compute_batches, make_emissions
from hamzaban.decode.store import EmissionStore, pack, unpack, write_part


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global load, torch, write_dir
    import torch
    from test_decode_run import load, write_dir


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    rng = np.random.default_rng(0)
    lengths = [*rng.integers(400, 16000, 20).tolist(), 10, 399, 400]
    return write_dir(tmp_path_factory.mktemp("audio ه") / "test", lengths)


@pytest.fixture
def model_files(tmp_path):
    (tmp_path / "config.yaml").write_text("a")
    (tmp_path / "model.pth").write_text("b")
    return [tmp_path / "config.yaml", tmp_path / "model.pth"]


def make(data_dir, folder, model_files, **values):
    options = DecodeOptions(**({"batch_bins": 30000} | values))
    return make_emissions(load, data_dir, folder, options, model_files)


def test_emissions_are_read_back_in_half_precision():
    rng = np.random.default_rng(1)
    log_probs = rng.normal(-8, 4, (50, 33)).astype(np.float32)
    log_probs[3, 4] = -np.inf
    again = unpack(pack(log_probs), 33)
    assert again.dtype == np.float32
    assert again[3, 4] < -1e4
    log_probs[3, 4] = again[3, 4]
    assert np.array_equal(again, log_probs.astype(np.float16).astype(np.float32))
    assert unpack(pack(log_probs[:0]), 33).shape == (0, 33)


def test_emissions_of_an_utterance_do_not_depend_on_its_batch(
    data_dir, tmp_path, model_files
):
    store = make(data_dir, tmp_path / "e", model_files)
    utts = read_utterances(data_dir)
    assert list(store) == sorted(utt.utt_id for utt in utts)
    assert store.meta.frame_shift_s == 0.02
    recognizer = load()
    for utt in reversed(utts):
        ((_, alone, _),) = compute_batches(recognizer, [(utt,)])
        found = store.read(utt.utt_id)
        assert found.shape == alone.shape == (store.num_frames(utt.utt_id), 9)
        np.testing.assert_allclose(found, alone, rtol=1e-3, atol=2e-3)
    assert sum(store.num_frames(utt) == 0 for utt in store) == 2


def test_processes_write_the_same_bytes(data_dir, tmp_path, model_files):
    for nj in (1, 3):
        make(data_dir, tmp_path / f"e{nj}", model_files, nj=nj)
    names = sorted(path.name for path in (tmp_path / "e1").iterdir())
    assert len(names) > 5
    for name in names:
        one, three = ((tmp_path / f"e{nj}" / name).read_bytes() for nj in (1, 3))
        assert one == three


def test_a_killed_run_continues(data_dir, tmp_path, model_files, monkeypatch):
    whole = make(data_dir, tmp_path / "whole", model_files)
    written = []

    def write(folder, number, emissions):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(number)
        write_part(folder, number, emissions)

    monkeypatch.setattr(module, "write_part", write)
    with pytest.raises(KeyboardInterrupt):
        make(data_dir, tmp_path / "e", model_files)
    with pytest.raises(ValueError, match="parts are missing; run `hamzaban make-em"):
        EmissionStore(tmp_path / "e")
    monkeypatch.setattr(
        module, "write_part", lambda *w: (written.append(w[1]), write_part(*w))
    )
    store = make(data_dir, tmp_path / "e", model_files)
    assert sorted(written) == list(range(whole.meta.num_parts))
    for utt_id in whole:
        assert np.array_equal(store.read(utt_id), whole.read(utt_id))


def test_a_complete_store_is_used_without_the_model(data_dir, tmp_path, model_files):
    make(data_dir, tmp_path / "e", model_files)

    def refuse():
        raise AssertionError

    options = DecodeOptions(batch_bins=30000)
    make_emissions(refuse, data_dir, tmp_path / "e", options, model_files)
    model_files[1].write_text("other weights")
    with pytest.raises(AssertionError):
        make_emissions(refuse, data_dir, tmp_path / "e", options, model_files)


def test_a_store_made_with_other_batches_leaves_no_old_files(
    data_dir, tmp_path, model_files
):
    make(data_dir, tmp_path / "e", model_files, batch_bins=400)
    many = len(list((tmp_path / "e").iterdir()))
    store = make(data_dir, tmp_path / "e", model_files, batch_bins=10**9)
    assert len(list((tmp_path / "e").iterdir())) == 3 < many
    assert len(store) == 23


def test_dropout_depends_only_on_its_seed(data_dir, tmp_path, model_files):
    def load_dropping():
        found = load()
        layer = torch.nn.Sequential(found.model.layer, torch.nn.Dropout(0.0))
        found.model.layer = layer.eval()
        return found

    def make_with(folder, **values):
        options = DecodeOptions(batch_bins=30000, **values)
        store = make_emissions(
            load_dropping, data_dir, tmp_path / folder, options, model_files
        )
        return {utt_id: store.read(utt_id) for utt_id in store}

    def is_same(one, two):
        return all(np.array_equal(one[u], two[u]) for u in one)

    plain = make_with("e")
    assert is_same(plain, make_with("e0", dropout_seed=1))
    first = make_with("e1", dropout=0.2, dropout_seed=1)
    assert not is_same(plain, first)
    assert is_same(first, make_with("e1 nj", dropout=0.2, dropout_seed=1, nj=3))
    assert not is_same(first, make_with("e1", dropout=0.2, dropout_seed=2))
    with pytest.raises(ValueError, match="the model has no layer of dropout"):
        make(data_dir, tmp_path / "none", model_files, dropout=0.2)


@pytest.mark.parametrize("nj", [1, 2])
def test_a_model_that_gives_nan_ends_with_the_utterance_and_the_remedy(
    data_dir, tmp_path, model_files, nj
):
    def load_nan():
        recognizer = load()
        recognizer.model.layer.bias.data[:] = float("nan")
        return recognizer

    message = r"^spk\d-u\d\d: the model's log-posteriors are NaN; decode with another "
    with pytest.raises(ValueError, match=message):
        make_emissions(
            load_nan, data_dir, tmp_path / "e", DecodeOptions(nj=nj), model_files
        )
    assert not list((tmp_path / "e").glob("*.idx"))  # nothing counts as made


def test_an_utterance_of_a_damaged_part_is_named(data_dir, tmp_path, model_files):
    store = make(data_dir, tmp_path / "e", model_files)
    part = tmp_path / "e" / "00000.bin"
    part.write_bytes(part.read_bytes()[:-9])
    longest = max(store, key=store.num_frames)
    with pytest.raises(ValueError, match=rf"00000\.bin: {longest} cannot be read"):
        for utt_id in store:
            store.read(utt_id)
    with pytest.raises(KeyError, match="nobody is not in the store"):
        store.read("nobody")
    with pytest.raises(FileNotFoundError, match=r"meta\.json: missing"):
        EmissionStore(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("meta.json", b'{"num_parts": "x"}'),
        ("meta.json", b"\xff{"),
        ("00000.idx", b"utt 1 2"),
        ("00000.bin", b""),
    ],
)
def test_damaged_emissions_are_named_and_made_again(
    data_dir, tmp_path, model_files, caplog, name, content
):
    folder = tmp_path / "e"
    make(data_dir, folder, model_files)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / name).write_bytes(content)
    make(data_dir, folder, model_files)
    assert f"{folder / name.replace('.bin', '.idx')}: damaged (" in caplog.text
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
