"""find-hours: labelled hours equivalent to an error rate, without extrapolation."""

import pytest

from hamzaban.bin.find_hours import main
from hamzaban.pseudo.equivalent_hours import compute_hours, read_curve

CURVE = {1.0: 60.0, 2.0: 40.0, 8.0: 20.0}


@pytest.mark.parametrize(
    ("wer", "hours", "bracket"),
    [
        (40.0, 2.0, (1.0, 8.0)),
        (30.0, 4.0, (2.0, 8.0)),
        (50.0, 2**0.5, (1.0, 2.0)),
        (60.0, 1.0, (1.0, 2.0)),
        (61.0, None, (None, 1.0)),
        (19.0, None, (8.0, None)),
    ],
)
def test_hours_lie_between_points_or_are_not_given(wer, hours, bracket):
    found = compute_hours(CURVE, wer)
    assert found.hours == (None if hours is None else pytest.approx(hours))
    assert (found.low, found.high) == bracket


def test_a_curve_that_rises_between_gives_a_wide_bracket():
    found = compute_hours({1.0: 50.0, 2.0: 30.0, 4.0: 40.0, 8.0: 20.0}, 35.0)
    assert (found.low, found.high) == (1.0, 8.0)
    assert 1.5 < found.hours < 6


@pytest.mark.slow
def test_a_line_for_each_rate_and_a_picture(tmp_path, capsys):
    curve = tmp_path / "curve ه.tsv"
    curve.write_text("hours\twer\tseed\n2\t41\t0\n1\t60\t0\n2\t39\t1\n8\t20\t0\n")
    assert read_curve(curve) == CURVE
    picture = tmp_path / "curve.png"
    words = ["--curve", str(curve), "--picture", str(picture), "--wer", "30", "70", "5"]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines() == [
        "WER 30 %: equals 4 labelled hours (between 2 and 8)",
        "WER 70 %: fewer than 1 labelled hours",
        "WER 5 %: more than 8 labelled hours",
    ]
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hours\twer\n1\t60\n", "1 amounts of hours found, expected 2 or more"),
        ("hours\tcer\n1\t60\n", "curve.tsv:2: .* expected numbers in columns"),
        ("hours\twer\n1\t60\n2\t-\n", "curve.tsv:3: .* expected numbers"),
        (
            "hours\twer\n0\t60\n2\t50\n",
            "curve.tsv:2: 0 h and 60 % found, expected hours above 0",
        ),
    ],
)
def test_other_tables_are_refused(tmp_path, text, message):
    (tmp_path / "curve.tsv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_curve(tmp_path / "curve.tsv")


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such table of labelled hours"):
        read_curve(tmp_path / "none.tsv")
