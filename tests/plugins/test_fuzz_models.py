"""Damaged models: read, or refused in one line; see fuzzing.py."""

import fuzz_model_readers
import pytest
from fuzzing import list_faults

LIGHT = {reader.name: reader for reader in fuzz_model_readers.light_readers()}
HEAVY = {reader.name: reader for reader in fuzz_model_readers.torch_readers()}
pytestmark = [pytest.mark.slow, pytest.mark.needs("lmplz", "build_binary")]


@pytest.mark.parametrize("name", LIGHT)
def test_damaged_models_are_read_or_refused_in_one_line(tmp_path, name):
    faults = list_faults(LIGHT[name], tmp_path, 3)
    assert not faults, "\n".join(faults)


@pytest.mark.torch
@pytest.mark.first_stack
@pytest.mark.parametrize("name", HEAVY)
def test_damaged_checkpoints_are_read_or_refused_in_one_line(tmp_path, name):
    faults = list_faults(HEAVY[name], tmp_path, 6)
    assert not faults, "\n".join(faults)
