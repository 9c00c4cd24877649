"""Token lists: the text survives, the ids are ESPnet's, limits are named."""

import random
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hamzaban.bin.make_tokens import main as make_tokens
from hamzaban.text.tokens import (
    BLANK,
    SOS_EOS,
    SPACE,
    UNK,
    build_tokenizer,
    read_token_list,
)

ZWNJ, ZWJ, SHADDA, ACUTE = "\u200c", "\u200d", "\u0651", "\u0301"
RLM, TATWEEL, PRESENTATION_LAM_ALEF = "\u200f", "\u0640", "\ufefb"
ALPHABET = (
    "ابپتثجچحخدذرزژسشصضطظعغفقکكگلمنوهةیيىئؤأإآءٹڈڑے"
    "abcxyzÀéß0189۰۱۹٠١٩.,!?؟،؛-'\"<>|&%/\\$#@()[]{}*+=~^_`:;日한😀"
    + "".join((ZWNJ, ZWJ, SHADDA, ACUTE, RLM, TATWEEL, PRESENTATION_LAM_ALEF))
    + "\u0300\u064b\u0670\u2060\ufe0f\u00ad"
)
PERSIAN = ["می‌روم", "نمی‌آید", "کتاب‌ها", "خانه", "سلام", "دنیا", "بزرگ", "است"]
words = st.text(alphabet=ALPHABET, min_size=1, max_size=8)
texts = st.lists(words, min_size=1, max_size=6).map(" ".join)


def write_text(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (f"spk1-utt{i:05d} {line}".rstrip() for i, line in enumerate(lines))
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def persian_lines(count=300, seed=0):
    rng = random.Random(seed)
    lines = [" ".join(rng.choices(PERSIAN, k=rng.randint(1, 6))) for _ in range(count)]
    rest = [c for c in ALPHABET if c != " "]
    return lines + [" ".join(rng.choices(rest, k=40)) for _ in range(50)] + rest


@pytest.fixture(scope="module", params=["unigram", "bpe", "char"])
def token_dir(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("token list ه")
    text = write_text(folder / "data" / "text", persian_lines())
    options = ["--token_type", "char"]
    if request.param != "char":
        options = ["--bpemode", request.param, "--nbpe", "220"]
    assert make_tokens([*options, "--output_dir", str(folder / "out"), str(text)]) == 0
    return request.param, folder / "out"


def load(token_dir):
    kind, folder = token_dir
    if kind == "char":
        return build_tokenizer("char", folder / "tokens.txt")
    return build_tokenizer("bpe", folder / "tokens.txt", folder / "bpe.model")


@pytest.mark.slow
def test_text_is_the_same_after_conversion_to_ids_and_back(token_dir):
    tokenizer = load(token_dir)

    @settings(max_examples=300, deadline=None)
    @given(texts)
    def survives(text):
        (ids,) = tokenizer.texts2ids([text])
        assert tokenizer.unk_id not in ids
        assert tokenizer.tokens2text(tokenizer.ids2tokens(ids)) == text
        assert tokenizer.tokens2text(tokenizer.text2tokens(text)) == text
        assert tokenizer.tokens2ids(tokenizer.text2tokens(text)) == ids

    survives()


def test_the_token_list_has_the_layout_of_espnet(token_dir):
    kind, folder = token_dir
    tokens = read_token_list(folder / "tokens.txt")
    assert tokens[:2] == [BLANK, UNK]
    assert tokens[-1] == SOS_EOS
    lines = (folder / "train.txt").read_text(encoding="utf-8").splitlines()
    assert lines == persian_lines()
    if kind == "char":
        assert SPACE in tokens
        assert set(tokens[2:-1]) - {SPACE} == set(ALPHABET)
    else:
        vocab = (folder / "bpe.vocab").read_text(encoding="utf-8").split("\n")
        assert [row.split("\t")[0] for row in vocab[:3]] == ["<unk>", "<s>", "</s>"]
        assert tokens[2:-1] == [row.split("\t")[0] for row in vocab[3:-1]]
        assert len(vocab) - 1 == 220
    assert not list(folder.glob("*.tmp*"))


def test_vocab_file_is_what_sentencepiece_writes(tmp_path, token_dir):
    kind, folder = token_dir
    if kind == "char":
        pytest.skip("characters have no bpe.vocab")
    import sentencepiece

    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "train.txt"),
        model_prefix=str(tmp_path / "bpe"),
        vocab_size=220,
        model_type=kind,
        normalization_rule_name="identity",
        character_coverage=1.0,
        num_threads=4,
        minloglevel=2,
    )
    assert (tmp_path / "bpe.vocab").read_text() == (folder / "bpe.vocab").read_text()


def test_second_run_writes_the_same_bytes(tmp_path, token_dir):
    kind, folder = token_dir
    text = write_text(tmp_path / "other" / "text", persian_lines())
    options = ["--token_type", "char"]
    if kind != "char":
        options = ["--bpemode", kind, "--nbpe", "220"]
    make_tokens([*options, "--output_dir", str(tmp_path / "again"), str(text)])
    for path in folder.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.torch
def test_ids_equal_those_of_the_classes_of_espnet(token_dir):
    from hamzaban import compat

    compat.prepare()
    from espnet2.text.char_tokenizer import CharTokenizer
    from espnet2.text.sentencepiece_tokenizer import SentencepiecesTokenizer
    from espnet2.text.token_id_converter import TokenIDConverter

    kind, folder = token_dir
    converter = TokenIDConverter(folder / "tokens.txt")
    espnet = (
        CharTokenizer()
        if kind == "char"
        else SentencepiecesTokenizer(folder / "bpe.model")
    )
    ours = load(token_dir)
    lines = [*persian_lines(200, seed=7), "می‌روم ЖЖД سلام", "Ж", "سلام Ж", ""]
    expected = [converter.tokens2ids(espnet.text2tokens(line)) for line in lines]
    assert ours.texts2ids(lines) == expected
    assert [ours.tokens2ids(ours.text2tokens(line)) for line in lines] == expected
    assert ours.tokens == converter.token_list


def test_joined_pieces_have_single_spaces(token_dir):
    kind, _ = token_dir
    space = SPACE if kind == "char" else "\u2581"
    tokenizer = load(token_dir)
    assert tokenizer.tokens2text([space, space, "ا", space, space, "ب", space]) == "ا ب"
    assert tokenizer.tokens2text([]) == ""


@pytest.mark.parametrize("mode", ["unigram", "bpe"])
def test_a_size_too_large_names_the_largest_that_works(tmp_path, mode):
    text = write_text(tmp_path / "text", [" ".join(PERSIAN)] * 3)
    command = [str(text), "--bpemode", mode, "--output_dir", str(tmp_path / "out")]
    with pytest.raises(ValueError, match="nbpe 5000 is too large") as error:
        make_tokens([*command, "--nbpe", "5000"])
    assert not (tmp_path / "out" / "tokens.txt").exists()
    largest = int(re.search(r"at most (\d+) pieces", str(error.value)).group(1))
    make_tokens([*command, "--nbpe", str(largest)])
    assert len(read_token_list(tmp_path / "out" / "tokens.txt")) == largest
    with pytest.raises(ValueError, match=f"at most {largest}"):
        make_tokens([*command, "--nbpe", str(largest + 1)])


@pytest.mark.parametrize("mode", ["unigram", "bpe"])
def test_a_size_too_small_names_the_smallest_that_works(tmp_path, mode):
    text = write_text(tmp_path / "text", [" ".join(PERSIAN)] * 3)
    command = [str(text), "--bpemode", mode, "--output_dir", str(tmp_path / "out")]
    with pytest.raises(ValueError, match="nbpe 5 is too small") as error:
        make_tokens([*command, "--nbpe", "5"])
    smallest = int(re.search(r"alone need (\d+)", str(error.value)).group(1))
    make_tokens([*command, "--nbpe", str(smallest)])


def test_user_defined_symbol_is_one_piece(tmp_path):
    lines = [f"{' '.join(PERSIAN)} <laugh> خانه<laugh>"] * 3
    text = write_text(tmp_path / "text", lines)
    out = tmp_path / "out"
    options = ["--nbpe", "40", "--bpe_nlsyms", "<laugh>,<noise>", "--bpemode", "bpe"]
    make_tokens([str(text), *options, "--output_dir", str(out)])
    tokens = read_token_list(out / "tokens.txt")
    assert tokens[2:4] == ["<laugh>", "<noise>"]
    tokenizer = build_tokenizer("bpe", tokens, out / "bpe.model")
    pieces = tokenizer.text2tokens(lines[0])
    assert pieces.count("<laugh>") == 2
    assert tokenizer.tokens2text(pieces) == lines[0]


def test_a_line_of_any_length_is_learnt_from(tmp_path):
    long_line = " ".join(["سلام"] * 3000 + ["Ω"])
    text = write_text(tmp_path / "text", [*PERSIAN, long_line])
    out = tmp_path / "out"
    make_tokens([str(text), "--nbpe", "25", "--bpemode", "bpe"]
                + ["--output_dir", str(out)])  # fmt: skip
    assert any("Ω" in token for token in read_token_list(out / "tokens.txt"))


@pytest.mark.parametrize("char", ["\u2581", "\u2585", "\u00a0", "\u3000", "\u0007"])
def test_a_character_without_token_is_refused(tmp_path, char):
    text = write_text(tmp_path / "text", ["سلام", f"سلا{char}م"])
    pattern = rf"text: spk1-utt00001: character U\+{ord(char):04X}"
    with pytest.raises(ValueError, match=pattern):
        make_tokens([str(text), "--token_type", "char", "--output_dir", str(tmp_path)])


def test_no_text_is_an_error(tmp_path):
    text = write_text(tmp_path / "text", [""])
    with pytest.raises(ValueError, match="no text"):
        make_tokens([str(text), "--output_dir", str(tmp_path / "out")])


def test_a_model_and_a_token_list_of_two_runs_are_refused(tmp_path, token_dir):
    kind, folder = token_dir
    if kind == "char":
        pytest.skip("characters have one file")
    tokens = read_token_list(folder / "tokens.txt")
    del tokens[40]
    with pytest.raises(ValueError, match="not in the token list"):
        build_tokenizer("bpe", tokens, folder / "bpe.model")
    with pytest.raises(FileNotFoundError, match="make-tokens"):
        build_tokenizer("bpe", tokens, tmp_path / "none.model")
    with pytest.raises(ValueError, match="give --bpemodel"):
        build_tokenizer("bpe", tokens)
    with pytest.raises(ValueError, match="known: bpe, char"):
        build_tokenizer("word", tokens)


def test_the_characters_of_these_tests_are_legal_text():
    assert all(unicodedata.category(char) not in ("Cc", "Zs") for char in ALPHABET)


def test_rare_characters_get_no_token(tmp_path, caplog):
    common = "اب" * 10
    text = write_text(tmp_path / "text", [*[common] * 5000, f"{common[:-1]}ژ"])
    words = [str(text), "--token_type", "char", "--output_dir", str(tmp_path / "c")]
    make_tokens(words)
    assert "ژ" in (tmp_path / "c" / "tokens.txt").read_text(encoding="utf-8")
    caplog.set_level("INFO")
    make_tokens([*words, "--min_char_share", "1e-5"])  # 0.001 %: 1.0002 times
    tokens = (tmp_path / "c" / "tokens.txt").read_text(encoding="utf-8").split()
    assert set("اب") <= set(tokens) and "ژ" not in tokens
    assert "1 characters are too rare for a token: U+0698 ژ 1 times" in caplog.text
    with pytest.raises(ValueError, match="min_char_share is 1.0, expected 0 to less"):
        make_tokens([*words, "--min_char_share", "1"])
    with pytest.raises(ValueError, match="--min_char_share is for --token_type char"):
        make_tokens([words[0], *words[3:], "--min_char_share", "1e-5"])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("سلام".encode("cp1256"), "not UTF-8"),
        (b"<unk>\n<blank>\n", "found .* at its head"),
        (b"<blank>\n<unk>\na\na\n", "'a' is there twice"),
    ],
)
def test_a_damaged_token_list_is_named(tmp_path, data, message):
    path = tmp_path / "tokens.txt"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"tokens.txt:.*{message}"):
        build_tokenizer("char", path)
    with pytest.raises(ValueError, match="token_list: 5 found, expected a file or tok"):
        build_tokenizer("char", 5)
