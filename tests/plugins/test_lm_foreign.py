"""Language models made elsewhere: recognized, checked, packed, measured."""

import gzip
import random
import subprocess

import pytest

from hamzaban.bin.train_lm import main as train_lm
from hamzaban.decode.search import SearchFiles
from hamzaban.decode.searches.lexicon import LexiconSearch
from hamzaban.lm import kenlm
from hamzaban.lm.foreign import guess_unit, read_foreign_lm
from hamzaban.lm.info import check_binary, read_info
from hamzaban.text.tokens import CharTokenizer
from tools import require_tools

WORDS = ["kitabu", "nyumba", "habari", "maji", "mtoto", "ndege", "chakula", "na"]
LETTERS = sorted(set("".join(WORDS)))
TOKENS = ["<blank>", "<unk>", "<space>", *LETTERS, "<sos/eos>"]


def make_lines(num, seed, words=WORDS):
    rng = random.Random(seed)
    return [" ".join(rng.choices(words, k=rng.randint(2, 6))) for _ in range(num)]


def make_arpa(folder, words=WORDS, split=None):
    text = folder / "sentences.txt"
    lines = make_lines(200, 1, words)
    lines = [" ".join(split(line)) for line in lines] if split else lines
    text.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    kenlm.train(text, folder / "own.arpa", 2, prune=[0], memory="100M")
    return folder / "own.arpa"


@pytest.fixture(scope="module")
def arpa(tmp_path_factory):
    require_tools("lmplz", "build_binary")
    return make_arpa(tmp_path_factory.mktemp("made elsewhere é"))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name, lines in (("valid", make_lines(9, 2)), ("test", ["maji na xyz"])):
        (folder / name).mkdir()
        rows = (f"u{i} {line}\n" for i, line in enumerate(lines))
        (folder / name / "text").write_text("".join(rows), encoding="utf-8")
    tokens = "".join(token + "\n" for token in TOKENS)
    (folder / "tokens.txt").write_text(tokens, encoding="utf-8")
    return folder


def take(path, output, data, *options):
    words = ["--lm", path, "--output_dir", output, "--token_list", data / "tokens.txt"]
    words += ["--valid_text", data / "valid/text", "--test_text", data / "test/text"]
    assert train_lm([str(word) for word in (*words, *options)]) == 0
    lines = (output / "report.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


def build_binary(arpa, path, kind="trie"):
    program = kenlm.find_program("build_binary")
    words = [program, "-s", kind, str(arpa), str(path)]
    subprocess.run(words, check=True, capture_output=True)
    return path


def write_forms(arpa, folder):
    """The same model in each form in which people have it."""
    text = arpa.read_text(encoding="utf-8")
    (folder / "model.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "crlf.arpa").write_bytes(
        b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
    )
    (folder / "note.arpa").write_text("made by a tool\n\n" + text, encoding="utf-8")
    build_binary(arpa, folder / "trie.bin")
    build_binary(arpa, folder / "probing.klm", "probing")
    return [arpa, *sorted(folder.iterdir())]


def test_every_form_gives_the_same_model(arpa, data, tmp_path):
    (tmp_path / "forms").mkdir()
    found = {}
    for path in write_forms(arpa, tmp_path / "forms"):
        output = tmp_path / "out" / path.name
        rows = take(path, output, data)
        found[path.name] = [row[3:] for row in rows]
        assert [row[0] for row in rows] == ["word", "word"]
        assert [row[3] for row in rows] == ["valid", "test"]
        assert rows[1][6] == "1"  # xyz
        info = read_info(output / "word")
        assert (info.unit, info.order) == ("word", 2)
        check_binary(output / "word", info)
        units = (output / "word/units.txt").read_text(encoding="utf-8").splitlines()
        assert sorted(line.split()[0] for line in units) == sorted(WORDS)
    assert len(found) == 6
    assert len({str(rows) for rows in found.values()}) == 1


def test_the_search_takes_it_like_a_model_of_ours(arpa, data, tmp_path):
    take(arpa, tmp_path, data)
    files = SearchFiles(lm_dir=tmp_path)
    beam = LexiconSearch().build(CharTokenizer(TOKENS), files, tmp_path)
    assert beam.decode is not None
    assert (tmp_path / "unspelled_words").read_text() == ""


def test_a_model_without_sentence_ends_is_read(arpa, data, tmp_path, caplog):
    """Some tools write no </s>; hypotheses are then ranked without it."""
    text = arpa.read_text(encoding="utf-8")
    kept, counts = [], {1: 0, 2: 0}
    order = 0
    for line in text.splitlines():
        order = int(line[1]) if line.endswith("-grams:") else order
        if order and ("</s>" in line or "<s>" in line):
            counts[order] += 1
            continue
        kept.append(line)
    for number, count in counts.items():
        (row,) = [line for line in kept if line.startswith(f"ngram {number}=")]
        left = int(row.partition("=")[2]) - count
        kept[kept.index(row)] = f"ngram {number}={left}"
    path = tmp_path / "no_ends.arpa"
    path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    rows = take(path, tmp_path / "out", data)
    assert (
        "no <s> and no </s> in the model: sentence ends are not scored" in caplog.text
    )
    assert all(float(row[-1]) < 20 for row in rows)
    files = SearchFiles(lm_dir=tmp_path / "out")
    LexiconSearch().build(CharTokenizer(TOKENS), files)
    caplog.clear()
    take(build_binary(path, tmp_path / "no_ends.bin"), tmp_path / "binary", data)
    assert "the score of a sentence's end is that of an unknown word" in caplog.text


def test_words_in_another_case_are_counted_and_refused(arpa, data, tmp_path):
    text = arpa.read_text(encoding="utf-8")
    for word in WORDS:
        text = text.replace(word, word.upper())
    path = tmp_path / "upper.arpa"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError) as error:
        take(path, tmp_path / "out", data)
    assert "upper.arpa: 8 of 8 words have letters that the recognizer's" in str(error)
    assert "8 of them fit in lower case: make it from such text" in str(error)


def test_some_words_that_do_not_fit_are_counted(arpa, data, tmp_path, caplog):
    text = arpa.read_text(encoding="utf-8").replace("kitabu", "Kitabu")
    path = tmp_path / "mixed.arpa"
    path.write_text(text, encoding="utf-8")
    take(path, tmp_path / "out", data, "--lang", "general")
    assert (
        "mixed.arpa: 1 of 8 words have letters that the recognizer's tokens lack, "
        in (caplog.text)
    )
    assert "1 of 8 words are not as the language's text rules write them, such as " in (
        caplog.text
    )


def test_words_of_a_list_that_the_model_lacks_are_counted(arpa, data, tmp_path, caplog):
    take(arpa, tmp_path / "lm", data)
    words = tmp_path / "words.txt"
    words.write_text("maji\nbahari\nmtoto\nmtima\n", encoding="utf-8")
    files = SearchFiles(lm_dir=tmp_path / "lm", word_list=words)
    caplog.clear()
    LexiconSearch().build(CharTokenizer(TOKENS), files)
    assert "words.txt: 2 of 4 words are not in the language model, which" in caplog.text
    assert "such as bahari mtima" in caplog.text
    caplog.clear()
    words.write_text("maji\n", encoding="utf-8")
    LexiconSearch().build(CharTokenizer(TOKENS), files)
    assert "not in the language model" not in caplog.text


def split_chars(line):
    return ["<space>" if char == " " else char for char in line]


def test_a_model_of_characters_is_known_by_its_units(arpa, data, tmp_path, caplog):
    assert guess_unit(arpa) == "word"
    chars = make_arpa(tmp_path, split=split_chars)
    assert guess_unit(chars) == "char"
    (row, _) = take(chars, tmp_path / "out", data)
    assert row[0] == "char"
    assert "tokens are not in the model" not in caplog.text


def test_a_model_of_other_characters_is_refused(arpa, data, tmp_path):
    chars = make_arpa(tmp_path, words=["один", "два", "три"], split=split_chars)
    with pytest.raises(
        ValueError, match=r"units are not among the recognizer's tokens"
    ):
        take(chars, tmp_path / "out", data)


def test_pieces_are_known_by_their_mark(tmp_path):
    path = tmp_path / "pieces.arpa"
    lines = ["\\data\\", "ngram 1=5", "", "\\1-grams:", "-1\t<unk>", "-1\t<s>"]
    lines += ["-1\t</s>", "-1\t▁ki", "-1\tta", "", "\\end\\"]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert guess_unit(path) == "bpe"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda text: b"hello\nworld\n", r"no \\data\\ at its head, expected an ARPA"),
        (lambda text: b"", r"no \\data\\ at its head, expected an ARPA file"),
        (lambda text: gzip.compress(text)[:200], "damaged"),
        (lambda text: gzip.compress(b"hello"), r"no \\data\\ at its head"),
        (lambda text: b"\\data\\\nngram 1=0\n", "no line after"),
        (lambda text: text.replace(b"maji", b"\xff\xfe"), "not UTF-8"),
        (lambda text: text[: len(text) // 2], "build_binary failed"),
        (
            lambda text: b"mmap lm http://kheafield.com/code format version 5\n\0" * 4,
            "a KenLM binary without its words, or cut short",
        ),
    ],
)
def test_what_is_no_model_is_refused_in_one_line(arpa, data, tmp_path, make, message):
    path = tmp_path / "odd model"
    path.write_bytes(make(arpa.read_bytes()))
    with pytest.raises(ValueError, match=message) as error:
        take(path, tmp_path / "out", data)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_damaged_binary_is_refused(arpa, data, tmp_path):
    binary = build_binary(arpa, tmp_path / "x.bin").read_bytes()
    (tmp_path / "cut.bin").write_bytes(binary[: len(binary) // 2])
    with pytest.raises(ValueError, match="cut"):
        take(tmp_path / "cut.bin", tmp_path / "out", data)
    (tmp_path / "old.bin").write_bytes(binary.replace(b"version 5", b"version 3"))
    with pytest.raises(ValueError, match=r"old\.bin: KenLM cannot read it"):
        take(tmp_path / "old.bin", tmp_path / "out", data)


def test_text_to_train_on_is_refused_beside_a_ready_model(arpa, data, tmp_path):
    with pytest.raises(ValueError, match="with --lm, which trains nothing"):
        take(arpa, tmp_path, data, "--train_text", str(data / "valid/text"))


def test_order_and_words_of_a_binary_are_read(arpa, tmp_path):
    binary = read_foreign_lm(build_binary(arpa, tmp_path / "x.bin"))
    text = read_foreign_lm(arpa)
    assert binary.order == text.order == 2
    assert sorted(binary.words) == sorted(text.words)
