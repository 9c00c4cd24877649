"""hold-out-data: whole speakers set aside, by hours."""

import pytest

from hamzaban.bin.hold_out_data import main
from hamzaban.data.files import read_scp


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "mined é"
    folder.mkdir()
    utts = [(f"spk{k % 6}-u{k:02}", f"spk{k % 6}", 16000 * 360) for k in range(24)]
    utts.sort()
    for name, column in (("utt2spk", 1), ("utt2num_samples", 2)):
        lines = [f"{utt[0]} {utt[column]}\n" for utt in utts]
        (folder / name).write_text("".join(lines), encoding="utf-8")
    lines = [f"{utt} /audio/{utt}.flac\n" for utt, _, _ in utts]
    (folder / "wav.scp").write_text("".join(lines), encoding="utf-8")
    return folder


def speakers(folder):
    return {spk for _, spk in read_scp(folder / "utt2spk")}


def hold_out(source, hours, seed=0):
    rest, aside = source.parent / "rest", source.parent / "aside"
    words = [str(source), str(rest), str(aside), "--hours", str(hours)]
    assert main([*words, "--seed", str(seed)]) == 0
    return speakers(rest), speakers(aside)


def test_whole_speakers_are_set_aside(source):
    rest, aside = hold_out(source, 0.7)  # a speaker has 0.4 h
    assert len(aside) == 2 and rest | aside == speakers(source)
    assert not rest & aside
    assert hold_out(source, 0.7) == (rest, aside)
    assert len({frozenset(hold_out(source, 0.4, seed)[1]) for seed in range(9)}) > 1


def test_one_speaker_must_remain_and_hours_must_be_positive(source):
    assert len(hold_out(source, 2.0)[0]) == 1
    with pytest.raises(ValueError, match="2.1 h asked for, .* 6 speakers have 2.40 h"):
        hold_out(source, 2.1)
    with pytest.raises(ValueError, match="--hours is 0"):
        hold_out(source, 0)


@pytest.mark.parametrize("change", ["other id", "line less", "line more", "nan", "-1"])
def test_durations_that_are_not_those_of_utt2spk_are_refused(source, change):
    path = source / "utt2num_samples"
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    lines = {
        "other id": ["spk0-u001 7", *rest],
        "line less": rest,
        "line more": [first, *rest, "spk9-u99 7"],
    }.get(change, [f"{first.split()[0]} {change}", *rest])
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    with pytest.raises(ValueError, match=r"utt2num_samples:\d+: .*(copy-data|correct)"):
        hold_out(source, 0.7)
