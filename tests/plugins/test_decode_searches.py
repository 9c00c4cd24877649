"""The registry of searches, and their options in the inference YAML."""

import dataclasses

import pytest

from hamzaban.decode import searches
from hamzaban.decode.search import CtcSearch
from hamzaban.decode.search_options import needs_lm, read_inference
from hamzaban.decode.searches import find_search, search_names
from hamzaban.decode.searches.espnet import EspnetSearch
from hamzaban.decode.searches.greedy import GreedySearch
from hamzaban.decode.searches.lexicon import LexiconSearch
from hamzaban.decode.searches.token import TokenSearch
from repository import ROOT


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_every_search_is_found_by_its_name():
    assert search_names() == ["espnet", "greedy", "lexicon", "token"]
    for name in search_names():
        search = find_search(name)()
        assert search.name == name
        assert all(hasattr(search, option) for option in search.tunable)
    with pytest.raises(ValueError, match="search 'beam' found; known: espnet, greedy"):
        find_search("beam")


def test_an_option_has_the_same_type_in_every_search():
    types = {}
    for name in search_names():
        for field in dataclasses.fields(find_search(name)):
            assert types.setdefault(field.name, field.type) == field.type


def test_a_module_in_the_folder_becomes_a_search(tmp_path, monkeypatch):
    write(
        tmp_path / "longest.py",
        "import dataclasses\n"
        "from typing import ClassVar\n"
        "from hamzaban.decode.search import CtcSearch\n"
        "@dataclasses.dataclass(frozen=True)\n"
        "class LongestSearch(CtcSearch):\n"
        "    name: ClassVar[str] = 'longest'\n"
        "    tunable: ClassVar = ('bonus',)\n"
        "    bonus: float = 0.0\n",
    )
    monkeypatch.setattr(searches, "__path__", [*searches.__path__, str(tmp_path)])
    caches = (searches.search_defaults, searches.tunable_options)
    [cache.cache_clear() for cache in caches]
    try:
        config = write(tmp_path / "d.yaml", "search: longest\nbonus: 2\n")
        assert read_inference(config).search.bonus == 2.0
        write(config, "search: longest\ntune: {bonus: [1, 2]}\n")
        assert read_inference(config).tune == {"bonus": [1, 2]}
    finally:
        [cache.cache_clear() for cache in caches]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("conf/decode.yaml", False),
        ("conf/decode_lexicon.yaml", True),
        ("conf/decode_token_lm.yaml", True),
        ("conf/decode_espnet.yaml", False),
    ],
)
def test_needs_lm_depends_on_the_search_named(config, expected):
    assert needs_lm(ROOT / config) is expected


def test_needs_lm_follows_the_base_and_lm_unit(tmp_path):
    base = write(tmp_path / "base.yaml", "search: token\n")
    assert needs_lm(write(tmp_path / "own.yaml", f"base: {base}\nnbest: 2\n"))
    assert not needs_lm(write(tmp_path / "own.yaml", f"base: {base}\nlm_unit: none\n"))
    assert not needs_lm(write(tmp_path / "own.yaml", ""))
    with pytest.raises(FileNotFoundError, match="no such inference YAML"):
        needs_lm(tmp_path / "none.yaml")


def test_a_search_takes_its_own_options_from_a_base_of_another(tmp_path):
    text = f"base: {ROOT}/conf/decode_lexicon.yaml\n"
    path = write(tmp_path / "d.yaml", f"{text}search: greedy\n")
    assert read_inference(path).search == GreedySearch()
    path = write(tmp_path / "d.yaml", f"{text}search: espnet\nbeam_size: 4\nnbest: 2\n")
    assert read_inference(path).search == EspnetSearch(beam_size=4, nbest=2)


def test_log_posteriors_are_kept_unless_greedy_has_no_use_for_them():
    assert not GreedySearch().keeps_emissions
    assert GreedySearch(blank_score=-1.0).keeps_emissions
    assert LexiconSearch().keeps_emissions
    assert not issubclass(EspnetSearch, CtcSearch)  # it sees the model


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("search: beam", "search 'beam' found; known: espnet, greedy, lexicon, token"),
        ("search: espnet\nblank_score: 1", "blank_score is not for search: espnet"),
        ("mapping: fa", "mapping is not for search: greedy"),
        ("search: token\nword_score: 1", "word_score is for search: lexicon"),
        ("search: token\nlm_unit: piece", "lm_unit 'piece' found; known: word"),
        (
            "search: lexicon\nbeam_size: 1000000000000",
            "beam_size 1000000000000 found, expected 1..100000",
        ),
        (
            "search: token\ntune: {beam_size: [1000000000000]}",
            "tune: beam_size: beam_size 1000000000000 found",
        ),
        ("search: token\nbeam_size: 0", "beam_size 0 found, expected 1..100000"),
        (
            "search: token\nbeam_size: 2.5",
            "beam_size: 2.5 found, expected a whole number",
        ),
        ("search: token\nnbest: 60", "nbest 60 is above beam_size 50"),
        ("search: token\nblank_threshold: 2", "expected above 0, and 0..1"),
        ("search: lexicon\nnum_spellings: 0", "num_spellings 0 found, expected 1..1"),
        ("search: espnet\nctc_weight: 2", "ctc_weight 2.0 found, expected 0..1"),
        (
            "tune: {log_add: [1]}",
            "one of lm_weight, word_score, blank_score, beam_size",
        ),
        ("tune: {beam_size: [1.5]}", "tune: beam_size: 1.5 found, expected a whole"),
        ("tune: {lm_weight: [.nan]}", "tune: lm_weight: nan found, expected"),
        ("tune: {lm_weight: [true]}", "tune: lm_weight: true found, expected"),
        ("tune: []", "expected `option"),
    ],
)
def test_wrong_values_are_named_with_their_file(tmp_path, text, message):
    path = write(tmp_path / "d.yaml", text + "\n")
    with pytest.raises(ValueError, match=f"d.yaml: .*{message}"):
        read_inference(path)


def test_values_to_tune_are_read_as_the_types_of_their_options(tmp_path):
    text = "search: token\ntune: {lm_weight: [1, 0.5, 1e-1], beam_size: [5]}\n"
    found = read_inference(write(tmp_path / "d.yaml", text)).tune
    assert found == {"lm_weight": [1.0, 0.5, 0.1], "beam_size": [5]}
    assert [type(size) for size in found["beam_size"]] == [int]


def test_a_yaml_of_comments_or_with_a_byte_order_mark_is_read(tmp_path):
    path = write(tmp_path / "d.yaml", "# nothing is set\n")
    assert read_inference(path).search == GreedySearch()
    path = write(tmp_path / "d.yaml", "\ufeffsearch: token\n")
    assert read_inference(path).search == TokenSearch()


def test_the_default_lm_is_that_of_the_units():
    assert TokenSearch().needs_lm
    assert not LexiconSearch(lm_unit="none").needs_lm


def test_a_mapping_that_is_missing_is_named_with_the_yaml(tmp_path):
    path = write(tmp_path / "d.yaml", "search: lexicon\nmapping: nowhere\n")
    with pytest.raises(FileNotFoundError, match="d.yaml: mapping 'nowhere': no such"):
        read_inference(path)
