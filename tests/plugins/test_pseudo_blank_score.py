"""pseudo-label: blank made less likely where letters are left out."""

import csv
import json

import numpy as np
import pytest
from pseudo_rounds import emit, options_of, write_emissions, write_inputs

from hamzaban.bin.pseudo_label import main
from hamzaban.config import read_config
from hamzaban.decode.search_options import read_inference
from hamzaban.decode.searches.lexicon import LexiconSearch
from hamzaban.pseudo.label import Label
from hamzaban.pseudo.round_options import read_options
from repository import ROOT

pytestmark = pytest.mark.slow

CONFIG = f"base: {ROOT}/conf/pseudo.yaml\nmapping: fa\n"
CONFIG += "guard: {rules: {copied_share: null}}\n"


def hide(log_probs, nats=2.0):
    """Make blank so likely that it hides the letters."""
    hidden = log_probs.astype(np.float64)
    letters = hidden[:, 1:].max(1) > hidden[:, 0]
    hidden[letters, 0] = hidden[letters, 1:].max(1) + nats
    hidden -= np.logaddexp.reduce(hidden, axis=1, keepdims=True)
    return hidden.astype(np.float32)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blank ه")
    return folder, write_inputs(folder)


def run(inputs, exp, scores):
    (exp / "pseudo.yaml").write_text(f"{CONFIG}blank_scores: {scores}\n")
    words = options_of(inputs[0], exp, 0, "--ref", inputs[0] / "ref")
    assert main([*words, "--config", str(exp / "pseudo.yaml")]) == 0
    with open(exp / "rounds.tsv", encoding="utf-8") as table:
        row = next(csv.DictReader(table, delimiter="\t"))
    weights, _ = read_config(exp / "round_0/weights.yaml")
    assert float(row["blank_score"]) == weights["blank_score"]
    health = json.loads((exp / "round_0/health.json").read_text(encoding="utf-8"))
    return weights["blank_score"], health["scores"]["cer"]


@pytest.mark.parametrize(("hidden", "wanted"), [(0.0, 0.0), (2.0, -3.0), (5.0, -6.0)])
def test_the_value_that_recovers_letters_is_chosen(inputs, tmp_path, hidden, wanted):
    utts = {u: emit(s, i) for i, (u, s) in enumerate(sorted(inputs[1].items()))}
    if hidden:
        utts = {u: hide(matrix, hidden) for u, matrix in utts.items()}
    write_emissions(tmp_path / "round_0/emissions", utts)
    plain = run(inputs, tmp_path, "[0]")
    assert plain[0] == 0.0
    score, cer = run(inputs, tmp_path, "[0, -3, -6]")
    assert score == wanted
    assert cer == plain[1] if not wanted else cer < 20 < plain[1]
    config = read_inference(None, tmp_path / "round_0/weights.yaml")  # for decode-asr
    assert config.search.blank_score == wanted


@pytest.mark.parametrize("value", ["[]", "0", "[low]", "[true]", "{a: 1}", "null"])
def test_what_is_no_list_of_numbers_is_refused(tmp_path, value):
    (tmp_path / "pseudo.yaml").write_text(f"{CONFIG}blank_scores: {value}\n")
    with pytest.raises(ValueError, match="pseudo.yaml: blank_scores: "):
        read_options(tmp_path / "pseudo.yaml")


@pytest.mark.parametrize(("number", "tried"), [(299, 299), (301, 151), (900, 300)])
def test_values_are_tried_on_some_utterances(number, tried):
    from hamzaban.pseudo.blank_score import choose_blank_score

    class Beam:
        options = LexiconSearch()

        def tune(self, options):
            self.options = options

    class Labels:
        def label(self, utt_id, emissions):
            self.seen.append((beam.options.blank_score, utt_id))
            return Label(utt_id, text="a", edits=1, num_greedy=2)

    class Store(list):
        def read(self, utt_id):
            return None

    beam, labels = Beam(), Labels()
    labels.seen = []
    store = Store(range(number))
    assert choose_blank_score(beam, labels, store, [-2.0, 0.0, 1.0]) == 0.0  # all alike
    assert len(labels.seen) == 3 * tried and beam.options.blank_score == 0.0
    seen = [[utt for s, utt in labels.seen if s == score] for score in (-2.0, 0.0, 1.0)]
    assert seen[0] == seen[1] == seen[2] == sorted(set(seen[0]))
