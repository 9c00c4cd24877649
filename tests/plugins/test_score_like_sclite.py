"""Counts equal to those of NIST sclite on generated transcripts, family by family."""

import random
import subprocess
from pathlib import Path

import pytest

from hamzaban.bin import score_text
from hamzaban.score.letter_case import LANGUAGES
from hamzaban.score.nist import read_counts
from hamzaban.score.programs import find_program

pytestmark = [pytest.mark.slow, pytest.mark.needs("sclite")]

WORDS = ["a", "b", "c", "ab", "abc", "سلام", "دنیا", "B"]
FRAGMENTS = ["a-", "-c", "ab-", "-", "--", "س-", "-نیا", *WORDS]
TAGGED = ["a;t", r"a\;b", r"a\;b;t;u", "a*", "b;x*", *WORDS]


def draw_words(rng: random.Random, words: list[str], longest: int) -> str:
    return " ".join(rng.choices(words, k=rng.randint(0, longest)))


def draw_alternatives(rng: random.Random, words: list[str], depth: int) -> str:
    """Draw a transcript with alternatives, nested up to a depth."""
    parts = []
    for _ in range(rng.randint(0, 5 if depth == 2 else 2)):
        if depth and rng.random() < 0.4:
            choices = []
            for _ in range(rng.randint(1, 3)):
                inner = draw_alternatives(rng, words, depth - 1)
                choices.append(inner if inner and rng.random() < 0.8 else "@")
            parts.append("{ " + " / ".join(choices) + " }")
        else:
            parts.append("@" if rng.random() < 0.05 else rng.choice(words))
    return " ".join(parts)


def draw_optional(rng: random.Random, words: list[str]) -> str:
    drawn = draw_words(rng, words, 6).split()
    return " ".join(f"({w})" if rng.random() < 0.3 else w for w in drawn)


def draw_optional_alternatives(rng: random.Random, words: list[str]) -> str:
    drawn = draw_alternatives(rng, words, 2).split()
    return " ".join(
        f"({w})" if w not in "{/}@" and rng.random() < 0.3 else w for w in drawn
    )


FAMILIES = {
    "words": ((), lambda rng: draw_words(rng, WORDS, 8)),
    "case counts": (("-s",), lambda rng: draw_words(rng, [*WORDS, "A", "AB"], 8)),
    "null words": ((), lambda rng: draw_words(rng, ["@", "a", "b"], 6)),
    "tags": ((), lambda rng: draw_words(rng, TAGGED, 6)),
    "alternatives": ((), lambda rng: draw_alternatives(rng, WORDS, 1)),
    "nested alternatives": ((), lambda rng: draw_alternatives(rng, WORDS, 2)),
    "alternatives of two words": (
        (),
        lambda rng: draw_alternatives(rng, ["a", "b"], 2),
    ),
    "optional words": (("-D",), lambda rng: draw_optional(rng, WORDS)),
    "optional words without -D": ((), lambda rng: draw_optional(rng, WORDS)),
    "fragments": (("-F",), lambda rng: draw_words(rng, FRAGMENTS, 6)),
    "fragments in alternatives": (
        ("-F",),
        lambda rng: draw_alternatives(rng, FRAGMENTS, 2),
    ),
    "all marks": (
        ("-F", "-D"),
        lambda rng: draw_optional_alternatives(rng, [*FRAGMENTS, *TAGGED]),
    ),
}
CAPITALS = ["ÇA", "ça", "I", "ı", "i", "İ", "ŞÊ", "şê", "Ñ", "ñ", "ЁӘ", "ёә", "Ẽ", "ậ"]
CHARACTERS = ["سلام", "a-b", "ab", "سa", "-", "abcس", "س-م", "x-", "دنیا", "a1", "éa"]
OPTIONS = {
    "-s": ["--case_sensitive", "true"],
    "-D": ["--optional_words", "true"],
    "-F": ["--fragments", "true"],
}


def write_pair(folder: Path, rng: random.Random, size: int, draw) -> None:
    lines = {"ref": [], "hyp": []}
    for u in range(size):
        ref = draw(rng)
        hyp = draw(rng) if rng.random() < 0.5 else change(rng, ref)
        for name, text in (("ref", ref), ("hyp", hyp)):
            if rng.random() < 0.1:
                lines[name].append(rng.choice([";; a comment", "", "** another { x"]))
            lines[name].append(f"{text} (s{u % 7}-{u})")
    for name, texts in lines.items():
        text = ';; CATEGORY "0" "" ""\n;; LABEL "f0" "clean" "quiet"\n'
        (folder / f"{name}.trn").write_text(text + "\n".join(texts) + "\n", "utf-8")


def change(rng: random.Random, text: str) -> str:
    """Return plain words near a transcript."""
    words = [w for w in text.split() if w not in ("{", "}", "/", "@")]
    return " ".join(
        rng.choice(words) if rng.random() < 0.2 else word
        for word in words
        if rng.random() < 0.8
    )


def run_sclite(folder: Path, ref: str, hyp: str, *options: str) -> dict:
    forms = [name.rpartition(".")[2] for name in (ref, hyp)]
    words = [*find_program("sclite"), *options, "-r", ref, forms[0]]
    words += ["-h", hyp, forms[1], "-o", "all", "stdout"]
    done = subprocess.run(words, cwd=folder, capture_output=True, check=True)
    (folder / "theirs").write_bytes(done.stdout)
    return read_counts(folder / "theirs")


def run_ours(
    folder: Path, ref: str, hyp: str, *options: str, kind: str = "wer"
) -> dict:
    words = ["--ref", folder / ref, "--hyp", folder / hyp, "--scorer", "own"]
    words += ["--output_dir", folder / "ours", *options]
    assert score_text.main([str(word) for word in words]) == 0
    return read_counts(folder / "ours" / f"score_{kind}" / "result.txt")


def compare(theirs: dict, ours: dict, folder: Path) -> None:
    assert theirs and len(theirs) == len(ours)
    different = {name: (ours.get(name), c) for name, c in theirs.items()}
    different = {n: pair for n, pair in different.items() if pair[0] != pair[1]}
    assert not different, f"(ours, sclite) of {folder}: {list(different.items())[:3]}"


@pytest.mark.parametrize("size", [40, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("family", FAMILIES)
def test_trn_families_have_the_counts_of_sclite(family, size, tmp_path):
    options, draw = FAMILIES[family]
    rng = random.Random(f"{family} {size}")
    write_pair(tmp_path, rng, size, draw)
    ours = [word for option in options for word in OPTIONS[option]]
    compare(
        run_sclite(tmp_path, "ref.trn", "hyp.trn", "-i", "rm", *options),
        run_ours(tmp_path, "ref.trn", "hyp.trn", *ours),
        tmp_path,
    )


@pytest.mark.parametrize("size", [40, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", ["ceb", "gn", "kk", "kmr", "lt", "mn", "tr", "vi"])
def test_case_of_a_language_is_folded_as_in_sclite(case, size, tmp_path):
    rng = random.Random(f"{case} {size}")
    capitals, name = LANGUAGES[case]
    words = [*CAPITALS, *capitals, *capitals.lower()]
    write_pair(tmp_path, rng, size, lambda r: draw_words(r, words, 8))
    options = ["-e", "utf-8", name]
    compare(
        run_sclite(tmp_path, "ref.trn", "hyp.trn", "-i", "rm", *options),
        run_ours(tmp_path, "ref.trn", "hyp.trn", "--case", case),
        tmp_path,
    )


@pytest.mark.parametrize("size", [40, pytest.param(1000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("characters", "options"),
    [
        ("no_spaces", ["-c"]),
        ("no_hyphens", ["-c", "DH"]),
        ("ascii_words", ["-c", "NOASCII"]),
        ("ascii_words_no_hyphens", ["-c", "NOASCII", "DH"]),
    ],
)
@pytest.mark.parametrize("family", ["words", "optional words"])
def test_characters_are_split_as_in_sclite(family, characters, options, size, tmp_path):
    rng = random.Random(f"{family} {characters} {size}")
    words = [w for w in CHARACTERS if w != "-"]  # sclite crashes at (-) with DH
    draw = {
        "words": lambda r: draw_words(r, CHARACTERS, 6),
        "optional words": lambda r: draw_optional(r, words),
    }
    marks = ["-D"] if family == "optional words" else []
    write_pair(tmp_path, rng, size, draw[family])
    ours = [word for mark in marks for word in OPTIONS[mark]]
    options = ["-e", "utf-8", "-i", "rm", *marks, *options]
    compare(
        run_sclite(tmp_path, "ref.trn", "hyp.trn", *options),
        run_ours(
            *(tmp_path, "ref.trn", "hyp.trn", "--characters", characters, *ours),
            kind="cer",
        ),
        tmp_path,
    )


@pytest.mark.parametrize("size", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_characters_of_alternatives_cost_as_much_as_in_sclite(size, tmp_path):
    rng = random.Random(size)
    write_pair(tmp_path, rng, size, lambda r: draw_alternatives(r, CHARACTERS, 2))
    files = (tmp_path, "ref.trn", "hyp.trn")
    theirs = run_sclite(*files, "-e", "utf-8", "-i", "rm", "-c")
    ours = run_ours(*files, "--characters", "no_spaces", kind="cer")
    costs = [
        {name: 4 * s + 3 * (d + i) for name, (_, s, d, i) in counts.items()}
        for counts in (theirs, ours)
    ]
    compare(*costs, tmp_path)


def draw_recording(rng: random.Random, name: str, channel: str) -> tuple[list, list]:
    """Draw the lines of an stm and of a ctm of a recording; either may be missing."""
    stm, ctm, time = [], [], 0.0
    for _ in range(rng.randint(1, 6)):
        start = time + rng.choice([0, 0, 0.25, 1])
        time = round(start + rng.choice([0.5, 1.15, 2.3]), 2)
        labels = rng.choice(["", "<o,f0,male>", "<O,F1,Female>", "<o,,>"])
        words = draw_alternatives(rng, WORDS, 1)
        speaker = rng.choice(["sp1", "SP2", "sp2", "inter_segment_gap"])
        if rng.random() < 0.15:
            words = rng.choice(
                ["ignore_time_segment_in_scoring", "a IGNORE_TIME_SEGMENT_IN_SCORING"]
            )
        stm.append(
            f"{name} {channel} {speaker} {start:.2f} {time:.2f} {labels} {words}"
        )
    clock = 0.0
    while clock < time + 0.5 and rng.random() < 0.95:
        clock += rng.choice([0.05, 0.2, 0.45])
        if rng.random() < 0.15:
            ctm += draw_ctm_alternatives(rng, f"{name} {channel}", clock)
        else:
            ctm.append(draw_ctm_word(rng, f"{name} {channel}", clock))
    return stm, ctm


def draw_ctm_word(rng: random.Random, recording: str, start: float) -> str:
    confidence = rng.choice(["", " 0.9", " NA", " 0.25"])
    duration = rng.choice(["0.10", ".25", "0.3"])
    return f"{recording} {start:.2f} {duration} {rng.choice(WORDS)}{confidence}"


def draw_ctm_alternatives(rng: random.Random, recording: str, start: float) -> list:
    lines = [f"{recording} * * <ALT_BEGIN>"]
    for choice in range(rng.randint(1, 3)):
        lines += [f"{recording} * * <ALT>"] * (choice > 0)
        for _ in range(rng.randint(1, 2)):
            lines.append(draw_ctm_word(rng, recording, start))
        if choice and rng.random() < 0.3:
            lines.append(f"{recording} {start:.2f} 0.1 @")
    return [*lines, f"{recording} * * <ALT_END>"]


def write_time_marked(folder: Path, rng: random.Random, size: int) -> None:
    stm, ctm = [';; CATEGORY "0" "" ""', ';; LABEL "o" "Overall" "all"'], [";; c"]
    for r in range(size):
        for channel in rng.choice([["1"], ["A", "b"]]):
            heard = rng.choice([f"f{r}", f"F{r}"])
            lines, words = draw_recording(rng, f"f{r}", channel)
            stm += [*lines, ";; a comment", ""]
            if rng.random() < 0.9:
                ctm += [heard + word.removeprefix(f"f{r}") for word in words]
    (folder / "ref.stm").write_text("\n".join(stm) + "\n", "utf-8")
    (folder / "hyp.ctm").write_text("\n".join(ctm) + "\n", "utf-8")


@pytest.mark.parametrize("size", [12, pytest.param(400, marks=pytest.mark.slow)])
def test_time_marked_files_have_the_counts_of_sclite(size, tmp_path):
    write_time_marked(tmp_path, random.Random(size), size)
    theirs = run_sclite(tmp_path, "ref.stm", "hyp.ctm")
    compare(theirs, run_ours(tmp_path, "ref.stm", "hyp.ctm"), tmp_path)


@pytest.mark.parametrize(
    ("id_type", "make_id"),
    [
        ("wsj", "4k{:06d}".format),
        ("sp", "gert{}".format),
        ("spu_id", "sp_a_{}".format),
        ("swb", "sw2005-A-{}".format),
    ],
)
@pytest.mark.parametrize("is_given", [True, False])
def test_ids_of_each_style_pair_and_name_speakers(id_type, make_id, is_given, tmp_path):
    rng = random.Random(1)
    for name in ("ref", "hyp"):
        ids = [make_id(u).upper() if name == "hyp" else make_id(u) for u in range(20)]
        lines = [f"{draw_words(rng, WORDS, 5)} ({utt_id})" for utt_id in ids]
        (tmp_path / f"{name}.trn").write_text("\n".join(lines) + "\n", "utf-8")
    theirs = run_sclite(tmp_path, "ref.trn", "hyp.trn", "-i", id_type)
    options = ["--id_type", id_type] if is_given else []
    ours = run_ours(tmp_path, "ref.trn", "hyp.trn", *options)
    assert list(theirs.values()) == list(ours.values())


@pytest.mark.parametrize("size", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_cross_entropy_and_labels_are_those_of_sclite(size, tmp_path, capsys):
    write_time_marked(tmp_path, random.Random(size + 1), size)
    theirs = run_sclite(tmp_path, "ref.stm", "hyp.ctm")
    summary = (tmp_path / "theirs").read_text("utf-8", errors="replace")
    (total,) = (line for line in summary.splitlines() if "Sum/Avg" in line)
    run_ours(tmp_path, "ref.stm", "hyp.ctm")
    printed = capsys.readouterr().out.splitlines()
    assert f"NCE {float(total.split('|')[4]):.3f} of the confidences" in " ".join(
        printed
    )
    dump = summary.partition("DUMP OF SYSTEM")[2].split("\nid: ")[1:]
    for label in ("f0", "f1", "male", "female"):
        parts = [part for part in dump if f",{label}" in part.splitlines()[1]]
        rows = [theirs[part.splitlines()[0]] for part in parts]
        _, sub, dele, ins = map(sum, zip(*rows, strict=True))
        (line,) = (line for line in printed if line.startswith(f"  {label}: WER"))
        assert f"in {len(rows)} utterances (sub {sub}, del {dele}, ins {ins})" in line


@pytest.mark.parametrize("family", ["nested alternatives", "all marks", "words"])
def test_result_txt_of_notation_is_that_of_sclite(family, tmp_path):
    options, draw = FAMILIES[family]
    write_pair(tmp_path, random.Random(5), 60, draw)
    words = ["--ref", str(tmp_path / "ref.trn"), "--hyp", str(tmp_path / "hyp.trn")]
    words += [word for option in options for word in OPTIONS[option]]
    results = []
    for scorer in ("sclite", "own"):
        folder = tmp_path / scorer
        folders = ["--scorer", scorer, "--output_dir", str(folder)]
        assert score_text.main([*words, *folders]) == 0
        results.append((folder / "score_wer" / "result.txt").read_bytes())
    assert results[0] == results[1]
