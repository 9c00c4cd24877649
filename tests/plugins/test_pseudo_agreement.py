"""Agreement with other decodings and in dropout: as filters, counted by reason."""

import csv
import json

import pytest
from pseudo_rounds import emit, options_of, write_emissions, write_inputs

from hamzaban.bin.pseudo_label import main
from hamzaban.config import read_dataclass
from hamzaban.data.files import read_scp
from hamzaban.decode.store import EmissionStore, Meta, write_meta, write_part
from hamzaban.pseudo.agreement import compare_passes, compare_texts, read_texts
from hamzaban.pseudo.filters import FilterOptions
from hamzaban.pseudo.label import Label
from repository import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("agreement ه")
    return folder, write_inputs(folder)


def write_config(path, filters):
    base = f"base: {ROOT}/conf/pseudo.yaml\nmapping: fa\n"
    rules = "guard: {rules: {copied_share: null}}\n"
    path.write_text(f"{base}{rules}filters: {json.dumps(filters)}\n")
    return path


def write_pass(folder, utts, seed):
    """Write emissions made with dropout, of the model that `write_emissions` names."""
    size = len(next(iter(utts.values()))[0])
    source = {"model": "model", "dropout": f"0.1 {seed}"}
    write_meta(folder, Meta(source, size, 0.02, len(utts), 1))
    write_part(folder, 0, sorted(utts.items()))


def run(inputs, exp, config):
    words = options_of(inputs[0], exp, 0, "--config", config)
    assert main(words) == 0
    with open(exp / "round_0/agreement.tsv", encoding="utf-8", newline="") as f:
        rows = {row["utt_id"]: row for row in csv.DictReader(f, delimiter="\t")}
    return rows, dict(read_scp(exp / "round_0/dropped"))


def test_labels_that_other_models_contradict_are_dropped(inputs, tmp_path):
    _folder, text = inputs
    utts = {u: emit(s, i) for i, (u, s) in enumerate(sorted(text.items()))}
    write_emissions(tmp_path / "round_0/emissions", utts)
    wrong = sorted(text)[::3]
    lines = (f"{u} {'نان' if u in wrong else s}\n" for u, s in sorted(text.items()))
    (tmp_path / "other_0").write_text("".join(lines), encoding="utf-8")
    bounds = {"others_disagreement": {"max": 0.5}}
    others = [str(tmp_path / "other_{round}")]
    config = write_config(
        tmp_path / "p.yaml", {"bounds": bounds, "others": others, "top_share": 1.0}
    )
    rows, dropped = run(inputs, tmp_path, config)
    assert float(rows[sorted(text)[1]]["others_disagreement"]) < 0.5
    reasons = [
        u for u, why in dropped.items() if why == "others_disagreement above max"
    ]
    assert len(set(wrong) & set(reasons)) > 0.8 * len(wrong)
    health = json.loads((tmp_path / "round_0/health.json").read_text())
    assert health["dropped"]["others_disagreement above max"] == len(reasons)


def test_labels_that_change_in_dropout_are_dropped(inputs, tmp_path):
    _folder, text = inputs
    utts = {u: emit(s, i) for i, (u, s) in enumerate(sorted(text.items()))}
    write_emissions(tmp_path / "round_0/emissions", utts)
    filters = {"bounds": {"dropout_disagreement": {"max": 0.3}}, "top_share": 1.0}
    config = write_config(tmp_path / "p.yaml", filters)
    with pytest.raises(FileNotFoundError, match="run make-emissions --dropout"):
        main(options_of(inputs[0], tmp_path, 0, "--config", config))
    unsure = sorted(text)[5]
    for seed in (1, 2):
        swapped = {**utts, unsure: emit("نان نان نان", seed)}
        write_pass(tmp_path / f"round_0/emissions_dropout_{seed}", swapped, seed)
    rows, dropped = run(inputs, tmp_path, config)
    assert dropped[unsure] == "dropout_disagreement above max"
    assert {
        u for u, row in rows.items() if row["dropout_disagreement"] != "0.0000"
    } == {unsure}


def test_disagreement_is_the_mean_over_decodings_without_spaces():
    labels = [Label("u", "ab cd"), Label("v", "")]
    others = [{"u": "a bcd", "v": ""}, {"u": "ab", "v": "x"}]
    assert compare_texts(labels, others) == {"u": 0.25, "v": 0.5}
    with pytest.raises(ValueError, match="a decoding of 1 utterances lacks u"):
        compare_texts(labels, [{"v": ""}])


def test_passes_of_another_model_are_refused(tmp_path):
    utts = {"u": emit("نان", 0)}
    write_emissions(tmp_path / "e", {**utts, "v": utts["u"]})
    write_emissions(tmp_path / "d", {**utts, "v": utts["u"]}, "another")
    with pytest.raises(
        ValueError, match="was made with another model or from other audio"
    ):
        compare_passes(EmissionStore(tmp_path / "e"), [EmissionStore(tmp_path / "d")])


def test_a_decoding_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such decoding"):
        read_texts(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="has no labels"):
        read_texts(tmp_path)


@pytest.mark.parametrize(
    "filters",
    [
        {"bounds": {"others_disagreement": {"max": 0.5}}},
        {"others": ["a"]},
        {"others": "a"},
    ],
)
def test_a_bound_and_its_decodings_belong_together(filters):
    with pytest.raises(ValueError, match="belong together|others: 'a' found, expected"):
        read_dataclass(FilterOptions, filters, "filters")
