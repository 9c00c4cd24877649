"""Tuning goes beyond a grid whose end is best, and compares with greedy decoding."""

import csv
import dataclasses

import pytest

from hamzaban.decode import tune as tuning
from hamzaban.decode.tune import (
    MAX_WIDENINGS,
    Trial,
    tune,
    write_sweep,
)
from hamzaban.decode.widening import find_beyond
from hamzaban.report.sweeps import read_sweeps


@dataclasses.dataclass(frozen=True)
class Options:
    name = "lexicon"
    lm_weight: float = 0.5
    word_score: float = 1.0
    beam_size: int = 50


class Decoder:
    options = Options()

    def tune(self, options):
        self.options = options


@pytest.fixture
def errors_at(monkeypatch):
    """Make a search whose errors are a function of its options."""

    def use(errors):
        monkeypatch.setattr(tuning, "check_refs", lambda store, refs: None)
        monkeypatch.setattr(
            tuning, "search_emissions", lambda decoder, store, nj: decoder.options
        )
        monkeypatch.setattr(
            tuning,
            "_measure",
            lambda found, refs, values, wall_s: Trial(
                values, errors(found), 100, 0, 100, 1.0, 1
            ),
        )
        return lambda grid: tune(Decoder(), None, {}, grid, 1)

    return use


def best_of(trials):
    return tuning.choose(trials).values


def test_a_weight_at_the_end_of_its_grid_is_tried_beyond(errors_at, caplog):
    run = errors_at(lambda options: round(10 * abs(options.lm_weight - 1.9)))
    trials = run({"lm_weight": [0.0, 0.5, 1.0, 1.5]})
    assert best_of(trials) == {"lm_weight": 2.0}
    assert "the best lm_weight, 1.5, is the highest of its grid; 2 is tried" in (
        caplog.text
    )
    assert "still at the end" not in caplog.text


def test_a_best_value_inside_of_the_grid_tries_no_more(errors_at, caplog):
    run = errors_at(lambda options: round(10 * abs(options.lm_weight - 0.5)))
    assert len(run({"lm_weight": [0.0, 0.5, 1.0]})) == 3
    assert [r.message for r in caplog.records if r.levelname == "WARNING"] == []


def test_both_weights_of_a_corner_are_tried_beyond(errors_at):
    run = errors_at(
        lambda options: round(
            10 * abs(options.lm_weight - 0.8) + abs(options.word_score + 3)
        )
    )
    grid = {"lm_weight": [0.2, 0.4, 0.6], "word_score": [-1.0, 0.0, 1.0]}
    trials = run(grid)
    assert best_of(trials) == {"lm_weight": 0.8, "word_score": -3.0}
    points = [tuple(trial.values.items()) for trial in trials]
    assert len(points) == len(set(points))


def test_widening_is_bounded_and_says_that_the_end_is_still_best(errors_at, caplog):
    run = errors_at(lambda options: round(1000 - 10 * options.lm_weight))
    trials = run({"lm_weight": [0.0, 1.0]})
    assert len(trials) == 2 + MAX_WIDENINGS
    assert "best lm_weight, 5, is still at the end of the values tried" in caplog.text


@pytest.mark.parametrize(
    ("grid", "best"),
    [
        ({"lm_weight": [0.0, 0.5]}, {"lm_weight": 0.0}),  # less than no model
        ({"lm_weight": [0.5]}, {"lm_weight": 0.5}),  # the user's choice
        ({"beam_size": [20, 50]}, {"beam_size": 50}),
    ],
)
def test_some_ends_are_no_reason_to_go_on(grid, best):
    assert find_beyond(grid, best) == {}


def make_trial(search, errors):
    return Trial({"lm_weight": 0.5}, errors, 100, errors, 200, 1.0, 10, search)


@pytest.mark.slow
@pytest.mark.parametrize("errors", [30, 50])
def test_the_table_has_a_row_of_greedy_decoding(tmp_path, caplog, errors):
    from hamzaban.decode.searches.lexicon import LexiconSearch

    greedy = dataclasses.replace(make_trial("greedy", errors), values={})
    trials = [make_trial("lexicon", 40)]
    write_sweep(trials, LexiconSearch(), tmp_path / "d" / "tuned", greedy)
    with open(tmp_path / "d" / "tuned" / "tune.tsv", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert [(row["search"], row["wer"]) for row in rows] == [
        ("greedy", f"{errors}.00"),
        ("lexicon", "40.00"),
    ]
    is_better = "greedy decoding makes fewer errors on valid (WER 30.00)"
    assert (is_better in caplog.text) == (errors == 30)
    (sweep,) = read_sweeps(tmp_path)
    assert "lowest WER 40 % at LM weight 0.5" in sweep.name
    assert [chart.title for chart in sweep.charts] == ["WER on valid, %, beam 50"]
    assert len(sweep.rows) == 2
