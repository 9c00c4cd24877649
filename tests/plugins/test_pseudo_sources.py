"""rank-sources: the better source comes first, a collapsed one last."""

import csv
from collections import Counter

import pytest
from pseudo_rounds import emit, options_of, write_emissions, write_inputs

from hamzaban.bin.pseudo_label import main as pseudo_label
from hamzaban.bin.rank_sources import main
from hamzaban.decode.spelling import find_mapping, read_mapping
from hamzaban.pseudo.families import measure_descent, read_families
from hamzaban.pseudo.health import TextFacts
from hamzaban.pseudo.sources import measure_inventory, measure_letters
from repository import ROOT

SOURCES = {"xx=": "bad", "": "silent", "fa=": "good"}


@pytest.mark.slow
def test_sources_are_ranked_by_their_zero_shot_labels(tmp_path, capsys):
    text = sorted(write_inputs(tmp_path).items())
    config = tmp_path / "pseudo.yaml"
    config.write_text(
        f"base: {ROOT}/conf/pseudo.yaml\nguard: {{rules: {{copied_share: null}}}}\n"
    )
    more = ["--config", config, "--ref", tmp_path / "ref"]
    for name, heard in (
        ("bad", [s[::-1] for _, s in text]),  # words that are none
        ("good", [s for _, s in text]),
        ("silent", [""] * len(text)),
    ):
        exp = tmp_path / name
        utts = {
            u: emit(s, i) for i, ((u, _), s) in enumerate(zip(text, heard, strict=True))
        }
        write_emissions(exp / "round_0/emissions", utts, name)
        assert pseudo_label(options_of(tmp_path, exp, 0, *more)) == 0
    capsys.readouterr()
    exps = [f"{code}{tmp_path / name}" for code, name in SOURCES.items()]
    words = [
        "--lang",
        "ur",
        "--text",
        tmp_path / "sentences",
        "--output",
        tmp_path / "table.tsv",
    ]
    assert main([*exps, *map(str, [*words, "--config", config])]) == 0
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "table.tsv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(printed.splitlines(), delimiter="\t"))
    assert rows[0]["name"].endswith("good") and rows[-1]["name"].endswith("silent")
    assert [row["is_healthy"] for row in rows[::2]] == ["yes", "no"]
    assert float(rows[0]["wer"]) < float(rows[1]["wer"]) < float(rows[2]["wer"]) + 1
    distances = [row["family_distance"] for row in rows]
    assert distances == ["0.6", "unknown", "-"]
    assert 0 < float(rows[0]["letter_distance"]) < 1
    assert rows[0]["words_spelled"] == "1" and float(rows[0]["letters_known"]) < 1


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("fa", "fa", 0.0),
        ("xx", "xx", 0.0),
        ("ur", "hi", 0.0),
        ("ur", "pa-IN", 0.4),
        ("fa", "ur", 0.6),
        ("fa", "en", 0.8),
        ("ur", "ar", 1.0),
        ("ur", "xx", "unknown"),
    ],
)
def test_distance_of_languages_follows_their_descent(one, other, distance):
    assert measure_descent(one, other) == pytest.approx(distance)
    assert measure_descent(other, one) == pytest.approx(distance)


def test_every_language_with_rules_of_text_has_a_family():
    folder = ROOT / "plugins/hamzaban/text/languages"
    codes = {path.stem for path in folder.glob("[a-z]*.yaml")} - {"general"}
    assert codes <= set(read_families())
    assert {len(groups) for groups in read_families().values()} == {5}


def test_letters_count_once():
    facts = TextFacts(Counter({"چا": 3, "بب": 1}), (), frozenset())
    assert measure_letters(facts, ["ا", "ب", "ج", " ", "<unk>"]) == pytest.approx(0.5)


def test_inventory_counts_running_letters():
    facts = TextFacts(Counter({"چا": 3, "بب": 1, "чи": 1}), (), frozenset())
    mapping = read_mapping(find_mapping("perso_arabic"))
    found = measure_inventory(facts, mapping, "ابج ")
    assert found == pytest.approx((5 / 10, 8 / 10, 4 / 5))
    assert measure_inventory(facts, {}, "ابج ") == pytest.approx((0.5, 0.5, 0.2))
