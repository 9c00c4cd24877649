"""Score profiles: costs, units and case that others count with, and their ids."""

import itertools
import json
import random
from pathlib import Path

import pytest

from hamzaban.bin import score_text
from hamzaban.score.align import align, count_steps
from hamzaban.score.letter_case import CASES
from hamzaban.score.scoring import (
    CHARACTERS,
    COSTS,
    Scoring,
    find_scoring,
    parse_scoring,
)
from hamzaban.score.systems import read_folder
from hamzaban.score.word_marks import Marks

PESTE = Path(__file__).with_name("peste")
COUNTS = json.loads((PESTE / "counts.json").read_text("utf-8"))
RECORDS = [
    json.loads(line)
    for line in (PESTE / "fleurs_fa_20.jsonl").read_text("utf-8").splitlines()
]


def score(*words) -> None:
    assert score_text.main([str(word) for word in words]) == 0


def write_system(folder: Path, system: str) -> Path:
    path = folder / "system.jsonl"
    lines = [json.dumps(record) for record in RECORDS if record["system"] == system]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("system", COUNTS)
def test_the_counts_of_a_published_benchmark_come_out(system, tmp_path, capsys):
    path = write_system(tmp_path, system)
    options = ["--lang", "fa", "--score_profile", "peste-fa-v1"]
    score("--ref", path, "--hyp", path, *options)
    printed = capsys.readouterr().out.splitlines()
    for line, kind in zip(printed, ("words", "characters"), strict=False):
        sub, dele, ins, units = COUNTS[system][kind]
        assert f"of {units} {kind} in 20 utterances" in line
        assert f"(sub {sub}, del {dele}, ins {ins}), normalizer peste-fa-v1/1:" in line
        assert line.endswith("+unit+no_spaces+case_kept")


def test_one_table_has_every_profile_of_the_language(tmp_path, capsys):
    path = write_system(tmp_path, "whisper-small")
    score("--ref", path, "--hyp", path, "--lang", "fa", "--all_profiles")
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()]
    names = [row[0].removeprefix("| ") for row in rows[2:]]
    assert names[:3] == ["raw", "train", "score"]
    assert "peste-fa-v1" in names and "ar_oual" not in names
    (peste,) = (row for row in rows if row[0] == "| peste-fa-v1")
    assert peste[1:3] == ["unit", "kept"]
    sub, dele, ins, units = COUNTS["whisper-small"]["words"]
    assert peste[4:6] == [str(sub + dele + ins), str(units)]
    with pytest.raises(ValueError, match="--all_profiles needs --lang"):
        score("--ref", path, "--hyp", path, "--all_profiles")


def count_fewest(ref: str, hyp: str) -> tuple[int, int]:
    """Return the fewest errors and, with as many, the fewest substitutions."""
    rows = {(0, 0): (0, 0)}
    for i, j in itertools.product(range(len(ref) + 1), range(len(hyp) + 1)):
        options = []
        if i and j:
            errors, subs = rows[i - 1, j - 1]
            wrong = ref[i - 1] != hyp[j - 1]
            options.append((errors + wrong, subs + wrong))
        for before in ((i - 1, j), (i, j - 1)):
            if before in rows:
                options.append((rows[before][0] + 1, rows[before][1]))
        if options:
            rows[i, j] = min(options)
    return rows[len(ref), len(hyp)]


@pytest.mark.slow
def test_unit_costs_give_the_fewest_errors():
    rng = random.Random(1)
    pairs = [
        tuple("".join(rng.choices("abc", k=rng.randint(0, 12))) for _ in range(2))
        for _ in range(300)
    ]
    pairs.append(("ab" * 300, "ba" * 290))  # costs beyond 16 bits
    refs, hyps = ([list(pair[side]) for pair in pairs] for side in (0, 1))
    counts = count_steps(align(refs, hyps, "unit")).tolist()
    for (ref, hyp), (_, sub, dele, ins) in zip(pairs, counts, strict=True):
        assert (sub + dele + ins, sub) == count_fewest(ref, hyp)


@pytest.mark.parametrize("costs", COSTS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("characters", CHARACTERS)
def test_the_id_of_a_score_states_how_it_counts(costs, case, characters):
    for marks in (Marks(), Marks(True), Marks(True, True)):
        scoring = Scoring(costs, characters, case, marks)
        assert parse_scoring(f"fa-score/1:ab12cd{scoring.suffix}") == scoring
    assert Scoring().suffix == ""


def test_a_folder_is_counted_again_as_its_id_states(tmp_path):
    (tmp_path / "ref.trn").write_text("a (b) { c / d } e (s-1)\n", "utf-8")
    (tmp_path / "hyp.trn").write_text("A d f e (s-1)\n", "utf-8")
    files = ["--ref", tmp_path / "ref.trn", "--hyp", tmp_path / "hyp.trn"]
    options = ["--costs", "unit", "--case", "kept", "--optional_words", "true"]
    score(*files, *options, "--output_dir", tmp_path / "out")
    found = read_folder(tmp_path / "out" / "score_wer")
    assert found.counts.tolist() == [[3, 1, 0, 1]]
    assert (found.refs, found.hyps) == (
        [["a", "(b)", "d", "e"]],
        [["A", "", "d", "f", "e"]],
    )


def test_options_that_no_scorer_has_are_an_error(tmp_path):
    path = write_system(tmp_path, "whisper-small")
    with pytest.raises(ValueError, match="case 'xx' is unknown; known: folded, kept"):
        score("--ref", path, "--hyp", path, "--case", "xx")
    with pytest.raises(ValueError, match="sclite has its own costs"):
        score("--ref", path, "--hyp", path, "--costs", "unit", "--scorer", "sclite")
    assert find_scoring("score") == Scoring()
