"""How evenly speakers and sentences contribute to a data directory."""

import logging

import pytest

from hamzaban.bin import validate_data
from hamzaban.validate.balance import measure_balance


def write_dir(data_dir, speakers, sentences):
    """Write tables of an utterance for each speaker and sentence in two lists."""
    data_dir.mkdir()
    rows = sorted((f"{spk}-{u:04d}", spk) for u, spk in enumerate(speakers))
    utt2spk = [f"{utt_id} {spk}\n" for utt_id, spk in rows]
    text = [f"{utt_id} {s}\n" for (utt_id, _), s in zip(rows, sentences, strict=True)]
    (data_dir / "utt2spk").write_text("".join(utt2spk), "utf-8")
    (data_dir / "text").write_text("".join(text), "utf-8")
    by_speaker = {}
    for utt_id, spk in rows:
        by_speaker.setdefault(spk, []).append(utt_id)
    lines = [f"{spk} {' '.join(ids)}\n" for spk, ids in by_speaker.items()]
    (data_dir / "spk2utt").write_text("".join(lines), "utf-8")
    return data_dir


def check(data_dir, caplog):
    caplog.set_level(logging.INFO)
    assert validate_data.main([str(data_dir), "--no_wav"]) == 0
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    return caplog.text, [w for w in warnings if "above" in w]


def test_a_balanced_directory_is_described_without_warnings(tmp_path, caplog):
    speakers = [f"s{u % 10}" for u in range(200)]
    data_dir = write_dir(tmp_path / "d", speakers, [f"w{u}" for u in range(200)])
    text, warnings = check(data_dir, caplog)
    assert "10 speakers, Gini 0.00 of their utterances" in text
    assert "200 different sentences, the 10 most repeated have 0.0 %" in text
    assert warnings == []


def test_a_speaker_with_nearly_all_utterances_is_warned_of(tmp_path, caplog):
    speakers = ["s0"] * 960 + [f"t{u}" for u in range(40)]
    data_dir = write_dir(tmp_path / "d", speakers, [f"w{u}" for u in range(1000)])
    _, (warning,) = check(data_dir, caplog)
    assert "few speakers have most utterances: Gini 0.94, above 0.9" in warning


def test_sentences_that_are_read_again_and_again_are_warned_of(tmp_path, caplog):
    sentences = ["yes"] * 30 + ["no  "] * 20 + [f"w{u}" for u in range(150)]
    data_dir = write_dir(tmp_path / "d", [f"s{u % 9}" for u in range(200)], sentences)
    _, (warning,) = check(data_dir, caplog)
    assert "the 10 most repeated sentences have 25.0 % of the utterances" in warning


def test_a_few_utterances_are_not_judged(tmp_path, caplog):
    data_dir = write_dir(tmp_path / "d", ["s0"] * 9 + ["s1"], ["yes"] * 10)
    assert check(data_dir, caplog)[1] == []


def test_blanks_do_not_make_sentences_different(tmp_path):
    data_dir = write_dir(tmp_path / "d", ["s0", "s1"], ["a  b", "a b"])
    balance = measure_balance(data_dir)
    assert balance.num_sentences == 1
    assert balance.reuse == 1.0


@pytest.mark.parametrize("name", ["utt2spk", "text"])
def test_a_missing_table_is_no_fault_here(name, tmp_path):
    data_dir = write_dir(tmp_path / "d", ["s0", "s1"], ["a", "b"])
    (data_dir / name).unlink()
    balance = measure_balance(data_dir)
    assert balance is None if name == "utt2spk" else balance.num_sentences == 0
