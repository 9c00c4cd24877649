"""Damaged audio: read and counted, or refused in one line; see fuzzing.py."""

import fuzz_audio_readers
import pytest
from fuzzing import list_faults

READERS = {reader.name: reader for reader in fuzz_audio_readers.all_readers()}
# Mining starts a process for each case.
NAMES = [
    pytest.param(name, marks=pytest.mark.first_stack) if "mine" in name else name
    for name in READERS
]
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", NAMES)
def test_damaged_audio_is_read_or_refused_in_one_line(tmp_path, name):
    faults = list_faults(READERS[name], tmp_path, 2 if "mine" in name else 4)
    assert not faults, "\n".join(faults)
