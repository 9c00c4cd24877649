"""Damaged text: read and counted, or refused in one line; see fuzzing.py."""

import fuzz_text_readers
import pytest
from fuzzing import list_faults

READERS = {reader.name: reader for reader in fuzz_text_readers.all_readers()}
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", READERS)
def test_damaged_text_is_read_or_refused_in_one_line(tmp_path, name):
    faults = list_faults(READERS[name], tmp_path, 4)
    assert not faults, "\n".join(faults)
