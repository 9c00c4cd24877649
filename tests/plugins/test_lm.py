"""train-lm: n-gram models by KenLM, mixed, measured, refused where text leaks."""

import gzip
import itertools
import logging
import math
import random
import re
import shutil

import numpy as np
import pytest
import yaml

from hamzaban.bin.train_lm import main as train_lm
from hamzaban.decode.search import SearchFiles
from hamzaban.decode.searches.lexicon import LexiconSearch
from hamzaban.lm import kenlm
from hamzaban.lm.arpa import mix, read_arpa, write_arpa
from hamzaban.lm.info import read_info
from hamzaban.lm.ngram_options import read_options
from hamzaban.lm.text import normalize, read_plain, split_chars, write_text
from hamzaban.text.tokens import CharTokenizer
from tools import require_tools

WORDS = ["می‌روم", "کتاب‌ها", "خانه", "صِفر", "radio", "دنیا", "بزرگ", "است", "باغ", "و"]


def make_lines(num, seed, words=WORDS):
    rng = random.Random(seed)
    return [" ".join(rng.choices(words, k=rng.randint(2, 6))) for _ in range(num)]


def write_kaldi(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (f"u{i:04d} {line}\n" for i, line in enumerate(lines))
    path.write_text("".join(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    require_tools("lmplz", "build_binary")
    folder = tmp_path_factory.mktemp("lm ه")
    write_kaldi(folder / "train/text", make_lines(60, 1))
    write_kaldi(folder / "valid/text", make_lines(20, 2))
    write_kaldi(folder / "test/text", [*make_lines(9, 3), "ناشناس است ناشناس"])
    with gzip.open(folder / "more.txt.gz", "wt", encoding="utf-8") as f:
        f.writelines(line + "\n" for line in make_lines(80, 4, [*WORDS[3:], "نو"]))
    config = {"word": {"order": 3}, "char": {"order": 4, "prune": [0, 0, 1]}}
    reasons = {"exact": "ten words", "near": "ten words"}
    config |= {"memory": "100M", "allow_leaks": reasons}
    (folder / "lm.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    words = ["--config", "lm.yaml", "--output_dir", "exp", "--train_text", "train/text"]
    words += ["--lm_text", "more.txt.gz", "--valid_text", "valid/text"]
    words += ["--test_text", "test/text"]
    here = [str(folder / w) if not w.startswith("--") else w for w in words]
    assert train_lm(here) == 0
    return folder


@pytest.mark.slow
def test_the_report_has_the_perplexity_of_each_model(folder):
    lines = (folder / "exp/report.tsv").read_text(encoding="utf-8").splitlines()
    head, *rows = (line.split("\t") for line in lines)
    found = {tuple(row[i] for i in (0, 1, 3)): row for row in rows}
    assert len(rows) == 2 * 3 * 2
    row = dict(zip(head, found["word", "mixed", "test"], strict=True))
    assert (row["sentences"], row["oov"]) == ("10", "2")
    assert row["oov_percent"] == f"{200 / int(row['tokens']):.2f}"
    ppl = {key: float(row[-1]) for key, row in found.items()}
    # the further text's model knows fewer words, so its perplexity is of fewer
    assert found["word", "further", "valid"][6] != "0"
    assert 2 < ppl["word", "mixed", "valid"] < ppl["word", "transcripts", "valid"]
    info = read_info(folder / "exp/word")
    assert (info.unit, info.order, info.normalizer) == ("word", 3, "raw")
    assert 0.5 < info.transcript_weight <= 1  # valid is like the transcripts
    assert not (folder / "exp/word/work").exists()


@pytest.mark.slow
def test_a_damaged_model_is_reported_before_decoding(folder, tmp_path):
    tokenizer = CharTokenizer(["<blank>", "<unk>", "<space>", "ب", "ا", "غ", "<sos>"])
    shutil.copytree(folder / "exp/word", tmp_path / "word")
    binary, files = tmp_path / "word/lm.bin", SearchFiles(lm_dir=tmp_path)
    LexiconSearch().build(tokenizer, files)
    content = binary.read_bytes()
    zeros = content[: len(content) // 2] + bytes(len(content) - len(content) // 2)
    for damaged in (zeros, content[:-1], content[: len(content) // 2], b""):
        binary.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"word/lm\.bin: damaged, .* train-lm"):
            LexiconSearch().build(tokenizer, files)
    binary.unlink()
    with pytest.raises(FileNotFoundError, match=r"word/lm\.bin: no such model"):
        LexiconSearch().build(tokenizer, files)


@pytest.mark.parametrize("content", [b"", bytes(99), b"<!DOCTYPE html>"])
def test_a_file_that_is_no_model_is_named_in_one_line(tmp_path, content):
    (tmp_path / "lm.bin").write_bytes(content)
    message = r"lm\.bin: KenLM cannot read it \(.{4,200}\); train it again with .*"
    with pytest.raises(ValueError) as caught:
        kenlm.Model(tmp_path / "lm.bin", ["a"])
    assert re.search(message, str(caught.value))


@pytest.mark.slow
def test_perplexity_is_that_of_the_arpa_file(folder, tmp_path):
    packed = gzip.decompress((folder / "exp/word/lm.arpa.gz").read_bytes())
    (tmp_path / "lm.arpa").write_bytes(packed)
    model = read_arpa(tmp_path / "lm.arpa")
    lines = list(read_plain(folder / "exp/text/test.txt"))
    total, count = 0.0, 0
    for line in lines:
        history = ["<s>"]
        for word in [*line.split(), "</s>"]:
            if word in model.words:
                total += score(model, history, word)
                count += 1
            history.append(word)
    found = kenlm.Model(folder / "exp/word/lm.bin", model.words).score(lines)
    # after an unknown word KenLM's context is <unk>, which stands in no n-gram
    assert found.perplexity == pytest.approx(10 ** (-total / count), rel=1e-3)


def score(model, history, word):
    """Return the log10 probability by the definition of a back-off model."""
    ids = {w: i for i, w in enumerate(model.words)}
    context = [ids.get(w, ids["<unk>"]) for w in history]
    context = context[-(len(model.levels) - 1) :]
    penalty = 0.0
    while True:
        row = find(model, [*context, ids[word]])
        if row >= 0:
            return penalty + model.levels[len(context)].log10[row]
        row = find(model, context)
        penalty += model.levels[len(context) - 1].backoff[row] if row >= 0 else 0.0
        context = context[1:]


def find(model, ids):
    row = np.zeros(1, np.int64)
    for level, word in zip(model.levels, ids, strict=False):
        row = level.find(row, np.array([word]), len(model.words))
    return int(row[0])


@pytest.fixture(scope="module")
def two_models(tmp_path_factory):
    require_tools("lmplz", "build_binary")
    folder = tmp_path_factory.mktemp("mix")
    models = []
    for i, words in enumerate((WORDS[:6], WORDS[2:])):
        write_text(make_lines(200, i, words), folder / f"{i}.txt", str.split)
        kenlm.train(
            folder / f"{i}.txt", folder / f"{i}.arpa", 2 + i, prune=[0], memory="100M"
        )
        models.append(read_arpa(folder / f"{i}.arpa"))
    return models


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_a_mixture_is_linear_and_sums_to_one(two_models, weight):
    mixed = mix(*two_models, weight)
    for history in itertools.product(["<s>", *WORDS[:4]], WORDS[1:5]):
        probs = [10 ** score(mixed, history, w) for w in mixed.words if w != "<s>"]
        assert sum(probs) == pytest.approx(1, abs=1e-5)
    size, checked = len(mixed.words), 0
    for level in mixed.levels[1:2]:
        for prefix, word, log10 in zip(
            level.prefix, level.word, level.log10, strict=True
        ):
            parts = [
                10 ** score(model, [mixed.words[prefix]], mixed.words[word])
                if mixed.words[word] in model.words
                else 0.0
                for model in two_models
            ]
            expected = weight * parts[0] + (1 - weight) * parts[1]
            if mixed.words[prefix] in set(WORDS[2:6]):  # a context of both
                assert 10**log10 == pytest.approx(expected, rel=1e-4, abs=1e-9)
                checked += 1
    assert size == len(set(WORDS)) + 3
    assert checked > 20


def test_a_mixture_is_a_model_of_kenlm(two_models, tmp_path):
    write_arpa(mix(*two_models, 0.4), tmp_path / "mixed.arpa")
    again = read_arpa(tmp_path / "mixed.arpa")
    kenlm.pack(tmp_path / "mixed.arpa", tmp_path / "mixed.bin", "100M")
    model = kenlm.Model(tmp_path / "mixed.bin", again.words)
    line = f"{WORDS[4]} {WORDS[1]} {WORDS[9]}"
    found = [log10 for _, log10, _ in model.score_units([line])]
    history = ["<s>", *line.split(), "</s>"]
    for i, log10 in enumerate(found, 1):
        assert log10 == pytest.approx(score(again, history[:i], history[i]), abs=1e-4)


def test_the_weight_is_the_likeliest():
    rng = np.random.default_rng(0)
    one, two = rng.uniform(0, 1, 400), rng.uniform(0, 0.7, 400)
    one[:20] = two[20:40] = 0
    weight = kenlm.choose_weight(one, two)
    grid = np.linspace(0.001, 0.999, 999)
    best = max(grid, key=lambda w: np.log(w * one + (1 - w) * two).sum())
    assert weight == pytest.approx(best, abs=2e-3)
    with pytest.raises(ValueError, match="neither model knows any of its words"):
        kenlm.choose_weight(np.zeros(2), np.zeros(2))


@pytest.mark.needs("lmplz", "build_binary")
def test_small_text_gets_fallback_discounts_and_says_so(tmp_path, caplog):
    write_text(["یک دو", "دو یک"], tmp_path / "t.txt", str.split)
    with caplog.at_level(logging.WARNING):
        kenlm.train(tmp_path / "t.txt", tmp_path / "a", 2, prune=[0], memory="100M")
    assert "fallback discounts are used there" in caplog.text
    assert math.isfinite(read_arpa(tmp_path / "a").levels[0].log10[1:].min())


def test_text_is_unchanged_except_for_white_space(tmp_path):
    lines = ["  می‌روم  به\tخانه ", "", "صِفر\u00a0radio"]
    assert list(normalize(lines, None)) == ["می‌روم به خانه", "", "صِفر radio"]
    assert split_chars("a ب") == ["a", "<space>", "ب"]
    with pytest.raises(ValueError, match="line 2 of its source has '<s>'"):
        write_text(["a", "b <s>"], tmp_path / "t", str.split)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("word: {order: 7}", "lm.yaml: word: order: 7 found, expected 1..6"),
        ("word: {order: 2, prune: [1, 0]}", "counts that do not fall"),
        ("word: {ordre: 2}", "word: 'ordre' is unknown; did you mean order"),
        ("words: {order: 2}", "'words' is unknown; did you mean word"),
        ("memory: 1G", "no model found, expected one of word"),
        (
            "{word: {order: 2}, allow_leaks: {exact: true}}",
            "allow_leaks: exact: true found, expected text; put it in quotes",
        ),
        ("{word: {order: 2}, allow_leaks: {exakt: x}}", "'exakt' is unknown; did you"),
    ],
)
def test_the_yaml_is_checked(tmp_path, text, message):
    (tmp_path / "lm.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_options(tmp_path / "lm.yaml")


def test_text_of_the_test_set_is_refused_or_left_out(folder, tmp_path, caplog):
    leaked = "یک جملهٔ دراز از مجموعهٔ آزمون است"
    test = write_kaldi(tmp_path / "test/text", [leaked])
    valid = write_kaldi(tmp_path / "valid/text", ["چیزی دیگر"])
    (tmp_path / "more.txt").write_text(f"سلام دنیا\n{leaked}!\nباغ بزرگ\n")
    config = tmp_path / "lm.yaml"
    words = ["--config", config, "--output_dir", tmp_path / "exp", "--lm_text"]
    words += [tmp_path / "more.txt", "--valid_text", valid, "--test_text", test]
    config.write_text("{word: {order: 2}, memory: 100M}")
    with pytest.raises(ValueError, match=r"more\.txt:2: leaks found .*1 exact"):
        train_lm([str(word) for word in words])
    assert not (tmp_path / "exp/word").exists()
    config.write_text("{word: {order: 2}, memory: 100M, drop_leaks: true}")
    assert train_lm([str(word) for word in words]) == 0
    assert "1 lines of the further text left out" in caplog.text
    assert "آزمون" not in (tmp_path / "exp/word/units.txt").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.needs("lmplz", "build_binary")
@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("drop", {"سلام", "دنیا", "باغ", "بزرگ"}),
        ("keep", {"سلام", "دنیا", "باغ", "بزرگ", "<laughter>"}),
        ("text", {"سلام", "دنیا", "باغ", "بزرگ", "[laughter]", "[Laughter]"}),
    ],
)
def test_marks_of_sounds_are_no_words_of_a_language_model(
    tmp_path, caplog, marks, expected
):
    caplog.set_level(logging.INFO)
    train = write_kaldi(tmp_path / "train/text", ["سلام [laughter] دنیا"])
    valid = write_kaldi(tmp_path / "valid/text", ["چیزی دیگر"])
    (tmp_path / "more.txt").write_text("باغ [Laughter] بزرگ\nسلام دنیا\n")
    (tmp_path / "lm.yaml").write_text("{word: {order: 2}, memory: 100M}")
    words = ["--config", tmp_path / "lm.yaml", "--output_dir", tmp_path / "exp"]
    words += ["--train_text", train, "--lm_text", tmp_path / "more.txt"]
    words += ["--valid_text", valid, "--marks", marks]
    assert train_lm([str(word) for word in words]) == 0
    units = (tmp_path / "exp/word/units.txt").read_text("utf-8").split("\n")
    assert {unit.split()[0] for unit in units if unit} == expected
    assert ("2 sound marks" in caplog.text) is (marks != "text")
