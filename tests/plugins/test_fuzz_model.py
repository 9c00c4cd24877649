"""Damaged text: read and counted, or refused in one line; see fuzzing.py."""

import fuzz_model_readers
import pytest
from fuzzing import count_cases, run_case, run_sound

READERS = {reader.name: reader for reader in fuzz_model_readers.all_readers()}
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", READERS)
def test_damaged_text_is_read_or_refused_in_one_line(tmp_path, name):
    reader, sound = READERS[name], tmp_path / "sound ب"
    reader.write(sound)
    faults = []
    for seed in range(count_cases()):
        case = run_case(reader, sound, tmp_path / "case ب", seed)
        faults += [str(case)] if case.faults else []
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", READERS)
def test_the_text_is_sound_before_the_damage(tmp_path, name):
    folder = tmp_path / "sound ب"
    READERS[name].write(folder)
    case = run_sound(READERS[name], folder)
    assert (case.status, case.stderr, case.faults) == (0, "", [])
