"""Calibration of confidences: curve, expected calibration error, temperature."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from hamzaban.bin import fit_confidence, score_text
from hamzaban.decode.calibration import Calibration, read_calibration
from hamzaban.decode.path import Word
from hamzaban.decode.result import Result, write_results
from hamzaban.score.calibration import (
    apply_calibration,
    fit_calibration,
    measure_curve,
)


def draw_words(size, temperature, bias):
    """Draw words that are right with the probability of a known calibration."""
    rng = np.random.default_rng(7)
    confidences = 1 / (1 + np.exp(-rng.normal(2.0, 2.0, size)))
    known = Calibration(temperature, bias)
    return [(bool(rng.random() < known.apply(c)), float(c)) for c in confidences]


def test_error_is_the_mean_distance_of_confidence_and_accuracy():
    words = [(True, 0.95)] * 3 + [(False, 0.95)] + [(True, 0.15), (False, 0.15)]
    curve = measure_curve([*words, (True, None)])
    assert curve.num_words == 6
    assert [b.num_words for b in curve.bins] == [0, 2, 0, 0, 0, 0, 0, 0, 0, 4]
    assert curve.bins[9].right == 0.75
    assert curve.error == pytest.approx((4 * 0.2 + 2 * 0.35) / 6)
    assert measure_curve([(True, 1.0), (False, 0.0)]).error == 0.0
    assert measure_curve([]).error == 0.0


def test_a_known_temperature_is_found_and_lowers_the_error():
    words = draw_words(20000, 2.5, -0.4)
    fitted = fit_calibration(words)
    assert fitted.temperature == pytest.approx(2.5, rel=0.1)
    assert fitted.bias == pytest.approx(-0.4, abs=0.1)
    before, after = (
        measure_curve(words),
        measure_curve(apply_calibration(words, fitted)),
    )
    assert after.error < 0.25 * before.error


@pytest.mark.parametrize("is_right", [True, False])
def test_words_that_are_all_right_or_all_wrong_have_an_optimum(is_right):
    fitted = fit_calibration([(is_right, 0.5 + c / 100) for c in range(50)])
    assert math.isfinite(fitted.bias)
    assert 0.0 < fitted.apply(0.9) < 1.0
    assert (fitted.apply(0.9) > 0.9) is is_right


def test_few_words_change_nothing_and_say_so(caplog):
    assert fit_calibration([(True, 0.9)] * 19) == Calibration(num_words=19)
    assert (
        "19 words of the validation set have one, expected at least 20" in caplog.text
    )


def test_calibration_keeps_the_order_and_the_range():
    calibration = Calibration(0.05, 20.0)
    values = [calibration.apply(c) for c in (0.0, 1e-9, 0.3, 0.31, 1.0)]
    assert values == sorted(values)
    assert all(0.0 <= value <= 1.0 for value in values)
    assert Calibration().apply(0.123456789) == 0.123456789


def test_decoding_writes_calibrated_confidences(tmp_path):
    results = {"u1": [Result(words=(Word("a", 0, 2, 0.9),))]}
    write_results(results, tmp_path, 0.02, Calibration(2.0, 0.0))
    assert (tmp_path / "ctm").read_text("utf-8") == "u1 1 0.00 0.04 a 0.7500\n"


def write_set(folder: Path, size: int = 60) -> None:
    folder.mkdir()
    refs, texts, words = [], [], []
    for u in range(size):
        heard = "b" if u % 3 == 0 else "c"
        refs.append(f"u{u:02d} a c\n")
        texts.append(f"u{u:02d} a {heard}\n")
        words.append(f"u{u:02d} 1 0.0 0.1 a 0.99\n")
        words.append(f"u{u:02d} 1 0.1 0.1 {heard} 0.99\n")
    (folder / "ref").write_text("".join(refs), "utf-8")
    (folder / "text").write_text("".join(texts), "utf-8")
    (folder / "ctm").write_text("".join(words), "utf-8")


def test_the_verb_fits_and_writes_a_file_that_decoding_reads(tmp_path, capsys):
    write_set(tmp_path / "valid")
    words = ["--ctm", "valid/ctm", "--ref", "valid/ref", "--output", "confidence.yaml"]
    words = [str(tmp_path / w) if w[:2] != "--" else w for w in words]
    assert fit_confidence.main(words) == 0
    assert "ECE 15.67 % of 120 words, ECE 0.0" in capsys.readouterr().out
    found = read_calibration(tmp_path / "confidence.yaml")
    assert found.num_words == 120
    assert found.apply(0.99) == pytest.approx(100 / 120, abs=0.02)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("temperature: 0\n", "temperature"),
        ("temperature: hot\n", "temperature"),
        ("bias: .nan\n", "bias"),
        ("temprature: 2\n", "temprature"),
    ],
)
def test_a_file_with_other_values_is_refused(text, message, tmp_path):
    (tmp_path / "confidence.yaml").write_text(text, "utf-8")
    with pytest.raises(ValueError, match=message):
        read_calibration(tmp_path / "confidence.yaml")


def test_an_utterance_without_reference_is_refused(tmp_path):
    write_set(tmp_path / "valid")
    (tmp_path / "ref").write_text("u00 a c\n", "utf-8")
    words = ["--ctm", str(tmp_path / "valid" / "ctm"), "--ref", str(tmp_path / "ref")]
    with pytest.raises(ValueError, match=r"utterance 'u01' has no reference in .*ref"):
        fit_confidence.main([*words, "--output", str(tmp_path / "c.yaml")])


def test_scores_state_the_calibration_of_a_set(tmp_path, capsys):
    write_set(tmp_path / "set")
    folder = tmp_path / "set"
    words = ["--ref", folder / "ref", "--hyp", folder / "text", "--scorer", "own"]
    words += ["--output_dir", folder]
    assert score_text.main([str(word) for word in words]) == 0
    printed = capsys.readouterr().out
    assert "ECE 15.67 % of 120 words" in printed
    assert "NCE" in printed
    rows = (folder / "score_wer" / "calibration.tsv").read_text("utf-8").splitlines()
    assert rows[0].split("\t") == ["low", "high", "words", "confidence", "right"]
    assert rows[-1].split("\t") == ["0.9", "1.0", "120", "0.9900", "0.8333"]


def test_confidences_follow_words_through_normalization(tmp_path, capsys):
    """A normalizer may split a word; its parts have its confidence."""
    (tmp_path / "ref").write_text("u1 کتاب‌ها خوب\nu2 خوب\n", "utf-8")
    (tmp_path / "text").write_text("u1 كتاب‌ها خوب\nu2 خوب\n", "utf-8")
    lines = ["u1 1 0 1 كتاب‌ها 0.6", "u1 1 1 1 خوب 0.7", "u2 1 0 1 خوب 0.8"]
    (tmp_path / "ctm").write_text("\n".join(lines) + "\n", "utf-8")
    words = ["--ref", tmp_path / "ref", "--hyp", tmp_path / "text", "--lang", "fa"]
    assert score_text.main([str(word) for word in [*words, "--scorer", "own"]]) == 0
    printed = capsys.readouterr().out
    assert "WER 0.00 %" in printed
    assert "of 3 words" in printed or "of 4 words" in printed
    assert "left out" not in printed


def test_a_ctm_of_another_text_is_left_out_with_a_warning(tmp_path, capsys, caplog):
    write_set(tmp_path / "set")
    folder = tmp_path / "set"
    (folder / "text").write_text("u00 x y z\n", "utf-8")
    words = ["--ref", folder / "ref", "--hyp", folder / "text", "--scorer", "own"]
    assert score_text.main([str(word) for word in words]) == 0
    assert "ECE" not in capsys.readouterr().out
    assert "ctm: its words are not those of" in caplog.text
    assert json.dumps(caplog.text).count("Traceback") == 0
