"""Our result.txt compared with that of the real NIST sclite, on random cases."""

import os
import random
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from hamzaban.score.files import format_title, score_folder
from hamzaban.score.nist import MAX_TOKEN_BYTES, read_counts
from hamzaban.score.programs import find_program
from hamzaban.score.sclite import format_result, score_pairs
from hamzaban.score.scoring import Scoring
from hamzaban.score.trn import Pair, format_trn_id

COMMAND = find_program("sclite")
needs_sclite = pytest.mark.needs("sclite")

LATIN = ["a", "b", "A", "cc", "Hello", "HELLO", "É", "é", "don't"]
ARABIC = ["سلام", "دنیا", "ب", "كتاب", "کتاب", "می\u200cروم", "می", "روم", "٢", "كِتاب"]
SPECIAL = ["@", "{", "}", "{a", "a}", "a/b", "/", "//", ";", ";;", "a;b", "\\", "a\\"]
SPECIAL += ["*", "**", "a*", "*a", "(", ")", "(a)", "-", "-a", "a-", "<u+", "<U+0040>"]
SPECIAL += ["<space>", "#", "%", "%s", "&", '"', "'", "a@b", "_", "|", "\ufeff", "🙂"]
SPEAKERS = ["s1", "s2", "S3", "گوینده", "a-b", "a_c", "x" * 40, "_"]


def make_hyp(rng: random.Random, ref: list[str], tokens: list[str]) -> list[str]:
    """Corrupt a reference at a rate drawn for the utterance."""
    rate, hyp = rng.random(), []
    for token in ref:
        draw = rng.random()
        if draw < rate * 0.3:
            continue
        hyp.append(rng.choice(tokens) if draw < rate * 0.7 else token)
        if draw > 1 - rate * 0.3:
            hyp.append(rng.choice(tokens))
    return hyp if rng.random() > 0.05 else []


def make_pairs(seed: int, size: int, longest: int) -> list[Pair]:
    """Draw utterances, empty ones among them, of a few speakers."""
    rng = random.Random(seed)
    kinds = [LATIN, ARABIC, SPECIAL, ["a", "b"], LATIN + ARABIC + SPECIAL]
    tokens = kinds[seed % len(kinds)]
    speakers = rng.sample(SPEAKERS, rng.randint(1, len(SPEAKERS)))
    pairs = []
    for u in range(size):
        ref = rng.choices(tokens, k=rng.choice([0, 1, 2, rng.randint(0, longest)]))
        hyp = make_hyp(rng, ref, tokens)
        if rng.random() < 0.1:
            hyp = rng.choices(tokens, k=rng.randint(0, longest))
        pairs.append(Pair(format_trn_id(rng.choice(speakers), f"U-{u}"), ref, hyp))
    return pairs


def run_both(
    pairs: list[Pair], folder: Path, *, case_sensitive: bool = False
) -> tuple[str, str]:
    """Return result.txt as sclite writes it, which is checked, and as we write it."""
    scored = score_folder(
        pairs,
        folder,
        scoring=Scoring(case="kept" if case_sensitive else "folded"),
        command=COMMAND,
    )
    nist = (folder / "result.txt").read_text(encoding="utf-8", errors="replace")
    return nist, "".join(
        format_result(scored, format_title("raw" + "+case_kept" * case_sensitive))
    )


@pytest.mark.slow
@needs_sclite
@pytest.mark.parametrize("seed", range(20))
def test_result_is_that_of_sclite_to_the_byte(tmp_path: Path, seed: int) -> None:
    size, longest = ((300, 10), (300, 30), (20, 200), (1, 5))[seed % 4]
    pairs = make_pairs(seed, size, longest)
    nist, own = run_both(pairs, tmp_path, case_sensitive=seed % 3 == 0)
    assert own == nist


@pytest.mark.slow
@needs_sclite
@pytest.mark.parametrize("tokens", [ARABIC, list("ab")])
def test_lines_of_thousands_of_words(tmp_path: Path, tokens: list[str]) -> None:
    rng = random.Random(len(tokens))
    refs = [rng.choices(tokens, k=size) for size in (1000, 1, 1500)]
    pairs = [
        Pair(f"(s-{u})", ref, make_hyp(rng, ref, tokens)) for u, ref in enumerate(refs)
    ]
    nist, own = run_both(pairs, tmp_path)
    assert own == nist


@needs_sclite
def test_speakers_without_reference_words(tmp_path: Path) -> None:
    lines = [("s", "a b", "a"), ("z", "", "x"), ("y", "", ""), ("x", "a b c", "a")]
    lines += [("w", "a", "a"), ("v", "", "q q")]
    pairs = [Pair(f"({s}-u)", ref.split(), hyp.split()) for s, ref, hyp in lines]
    for chosen in (pairs, pairs[1:2], pairs[2:3]):
        nist, own = run_both(chosen, tmp_path)
        assert own == nist


@pytest.mark.slow
@needs_sclite
def test_long_tokens_agree_in_counts(tmp_path: Path) -> None:
    """After tokens of over 40 bytes sclite prints stray memory, with line ends."""
    long = ["ب" * 30, "y" * 200, "z" * MAX_TOKEN_BYTES]
    pairs = [
        Pair("(s-1)", ["a", *long, "b"], ["a", "b"]),
        Pair("(s-2)", ["a"], [*long, "a", *long]),
        Pair("(s-3)", long, [*long[1:], "c"]),
    ]
    run_both(pairs, tmp_path)
    expected = [(2, 0, 3, 0), (1, 0, 0, 6), (2, 0, 1, 1)]
    assert list(read_counts(tmp_path / "result.txt").values()) == expected


def test_a_token_that_hangs_sclite_is_refused(tmp_path: Path) -> None:
    pairs = [Pair("(s-1)", ["a", "z" * 1000, "b"], ["a"])]
    with pytest.raises(ValueError, match=r"\(s-1\).*--scorer own"):
        score_folder(pairs, tmp_path, command=["sclite"])
    score_folder(pairs, tmp_path)
    assert read_counts(tmp_path / "result.txt") == {"(s-1)": (1, 0, 2, 0)}


def make_program(folder: Path, script: str) -> list[str]:
    path = folder / "sclite"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return [str(path)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("s/^Scores: (#C #S #D #I) 1 1 0 0/Scores: (#C #S #D #I) 1 0 1 1/", r"\(s-2\)"),
        ("s/^id: (s-2)/id: (s-3)/", r"\(s-2\)"),
        ("s/Sum  |    2      4 |    3 /Sum  |    2      4 |    4 /", "summary"),
    ],
)
def test_a_disagreement_is_an_error(tmp_path: Path, change: str, message: str) -> None:
    pairs = [
        Pair("(s-1)", ["a", "b"], ["a", "b"]),
        Pair("(s-2)", ["c", "d"], ["c", "e"]),
    ]
    title = format_title("raw")
    own = "".join(format_result(score_pairs(pairs), title))
    (tmp_path / "own.txt").write_text(own, encoding="utf-8")
    honest = make_program(tmp_path, f"cat '{tmp_path}/own.txt'")
    score_folder(pairs, tmp_path / "scores", command=honest)
    wrong = make_program(tmp_path, f"sed '{change}' '{tmp_path}/own.txt'")
    with pytest.raises(ValueError, match=message):
        score_folder(pairs, tmp_path / "scores", command=wrong)
    assert not (tmp_path / "scores" / "result.txt").exists()


def test_a_failing_sclite_is_an_error(tmp_path: Path) -> None:
    command = make_program(tmp_path, "echo broken >&2; exit 3")
    with pytest.raises(ValueError, match="status 3: broken"):
        score_folder([Pair("(s-1)", ["a"], [])], tmp_path, command=command)


def test_ids_that_differ_in_case_only(tmp_path: Path) -> None:
    pairs = [Pair("(s-a)", ["x"], ["x"]), Pair("(s-A)", ["x"], ["y"])]
    with pytest.raises(ValueError, match="--case_sensitive"):
        score_pairs(pairs)
    score_folder(pairs, tmp_path, scoring=Scoring(case="kept"), command=COMMAND)
    assert len(read_counts(tmp_path / "result.txt")) == 2


@needs_sclite
def test_the_command_found_is_sclite() -> None:
    assert COMMAND is not None and shutil.which(COMMAND[0])
    done = subprocess.run(COMMAND, capture_output=True, text=True, env=os.environ)
    assert "sclite Version" in done.stdout + done.stderr
