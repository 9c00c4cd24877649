"""A verb that runs out of memory ends with one line that says what to do."""

import importlib
import sys

import pytest

from hamzaban import cli, out_of_memory

ON_CPU = (
    "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate "
    "memory: you tried to allocate 536870912 bytes. Error code 12 (Cannot allocate "
    "memory)"
)
ON_CPU_OF_WINDOWS = (
    "[enforce fail] data. DefaultCPUAllocator: not enough memory: you tried to "
    "allocate 1048576 bytes."
)
ON_GPU = (
    "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of "
    "23.50 GiB of which 1.12 GiB is free.\nSee documentation"
)
VERBS = ["train-asr", "train-ssl", "train-pseudo", "decode-asr", "make-emissions"]


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs a verb whose work raises an error and returns the
    last line."""

    def run_verb(verb, error):
        module = importlib.import_module("hamzaban.bin." + verb.replace("-", "_"))

        def fail(cmd):
            raise error

        monkeypatch.setattr(module, "main", fail)
        monkeypatch.setattr(sys, "argv", list(sys.argv))
        status = cli.main([verb])
        found = capsys.readouterr().err
        assert "Traceback" not in found and found.count("\n") == 1
        return status, found

    return run_verb


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("error", "text"),
    [
        (MemoryError(), "the computer's memory is full; "),
        (RuntimeError(ON_CPU), "memory is full: it has no room for 512.0 MiB"),
        (RuntimeError(ON_CPU_OF_WINDOWS), "memory is full: it has no room for 1.0 MiB"),
        (
            RuntimeError(ON_GPU),
            "the GPU's memory is full: it has no room for 20.00",
        ),
        (RuntimeError("CUDA error: out of memory"), "the GPU's memory is full; "),
    ],
)
def test_a_verb_out_of_memory_names_batch_bins(run, verb, error, text):
    status, found = run(verb, error)
    assert status == 1
    assert text in found
    assert "; lower --batch_bins" in found


def test_a_verb_without_batches_names_another_remedy(run):
    status, found = run("validate-data", MemoryError())
    assert status == 1
    assert found.endswith(f"{out_of_memory.REMEDY}\n")


def test_another_runtime_error_is_not_called_out_of_memory(run):
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        run("train-asr", RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_the_error_of_numpy_counts_as_out_of_memory():
    numpy = pytest.importorskip("numpy")
    with pytest.raises(MemoryError) as caught:
        numpy.zeros(2**62, dtype=numpy.int8)
    assert out_of_memory.is_out_of_memory(caught.value)


@pytest.mark.torch
def test_the_error_of_torch_counts_as_out_of_memory():
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.int8)
    assert out_of_memory.is_out_of_memory(caught.value)
    assert "it has no room for" in out_of_memory.describe(caught.value)
