"""The output layer of a source model, rearranged for the tokens of a target."""

import pytest
import yaml

from hamzaban.bin.map_head import main as map_head
from hamzaban.decode.spelling import find_mapping, read_mapping


@pytest.fixture(scope="module", autouse=True)
def torch_modules():
    """Import slow packages here, so that collecting tests stays fast."""
    global BIAS, WEIGHT, match_tokens, torch, turn_output_layer
    import torch

    from hamzaban.pseudo.head_transfer import (
        BIAS,
        WEIGHT,
        match_tokens,
        turn_output_layer,
    )


SOURCE = ["<blank>", "<unk>", "<space>", "ت", "س", "ا", "<sos/eos>"]
TARGET = ["<blank>", "<unk>", "<space>", "ا", "ث", "پ", "<sos/eos>"]


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "letters é.yaml"
    path.write_text("letters:\n  ث: س ت\n  ة: 0 ا\n", encoding="utf-8")
    return path


def test_known_letters_keep_their_rows_and_others_take_the_nearest(table):
    rows = match_tokens(SOURCE, TARGET, read_mapping(table))
    assert rows == [0, 1, 2, 5, 4, None, 6]
    assert match_tokens(SOURCE, TARGET, {}) == [0, 1, 2, 5, None, None, 6]


def test_a_letter_that_is_not_written_is_new(table):
    mapping, target = read_mapping(table), ["<blank>", "ة"]
    assert match_tokens(["<blank>", "ا"], target, mapping) == [0, 1]
    assert match_tokens(["<blank>", "ت"], target, mapping) == [0, None]


def test_pieces_are_written_in_the_letters_of_the_source(table):
    source = ["<blank>", "\u2581", "\u2581سا", "ست", "ا"]
    target = ["<blank>", "\u2581ثا", "ثت", "\u2581", "ثاا"]
    assert match_tokens(source, target, read_mapping(table)) == [0, 2, 3, 1, None]


def test_persian_letters_take_the_rows_of_similar_arabic_ones():
    mapping = read_mapping(find_mapping("perso_arabic"))
    assert match_tokens(["<blank>", "ك", "ب"], ["پ", "ک"], mapping) == [2, 1]


def test_a_letter_takes_the_row_of_the_first_symbol_of_its_form():
    mapping = read_mapping(find_mapping("roman"))
    source = ["<blank>", "<space>", "s", "h", "a", "k", "\u2581s", "\u2581shah"]
    forms = {"ش": "sh", "ق": "q", "ع": "", "ہ": "xh", "شاہ": "shah", "شق": "shq"}
    target = ["<space>", "ش", "ق", "ع", "ہ", "\u2581ش", "\u2581شاہ", "\u2581شق"]
    rows = match_tokens(source, target, mapping, forms)
    assert rows == [1, 2, 5, None, 5, 6, 7, None]
    assert match_tokens(source, ["s"], mapping, {"s": "k"}) == [2]  # it is there itself


def test_a_symbol_that_is_best_left_out_is_not_the_first():
    mapping = read_mapping(find_mapping("phones"))
    assert match_tokens(["<blank>", "h", "a"], ["ع"], mapping, {"ع": "ʕa"}) == [2]
    assert match_tokens(["<blank>", "h", "p"], ["پ"], mapping, {"پ": "ʰpa"}) == [2]


def test_outputs_of_known_tokens_are_unchanged_and_new_tokens_are_not_decoded():
    torch.manual_seed(0)
    weights = {"encoder.a": torch.ones(2), WEIGHT: torch.randn(7, 4)}
    weights[BIAS] = torch.randn(7)
    rows = [0, 5, None]
    turned = turn_output_layer(weights, rows)
    hidden = torch.randn(3, 4)
    before = hidden @ weights[WEIGHT].T + weights[BIAS]
    after = hidden @ turned[WEIGHT].T + turned[BIAS]
    torch.testing.assert_close(after[:, :2], before[:, [0, 5]])
    assert (after[:, 2] == weights[BIAS].min()).all()
    assert turned["encoder.a"] is weights["encoder.a"]
    assert weights[WEIGHT].shape == (7, 4)


@pytest.fixture
def files(tmp_path, table):
    exp = tmp_path / "asr_source"
    exp.mkdir()
    values = {"token_list": SOURCE, "token_type": "char", "bpemodel": None}
    (exp / "config.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    torch.save({WEIGHT: torch.eye(7), BIAS: torch.arange(7.0)}, exp / "ave.pth")
    (tmp_path / "tokens.txt").write_text("\n".join(TARGET) + "\n", encoding="utf-8")
    base = find_mapping("fa").parents[4] / "conf" / "pseudo.yaml"
    config = tmp_path / "pseudo.yaml"
    config.write_text(f"base: {base}\nmapping: {table}\n", encoding="utf-8")
    words = ["--source_exp", exp, "--asr_model", "ave.pth", "--config", config]
    words += ["--token_list", tmp_path / "tokens.txt", "--output", tmp_path / "new.pth"]
    return exp, [str(word) for word in words]


def test_the_verb_writes_weights_for_the_target(files, tmp_path, caplog):
    caplog.set_level("INFO")
    _, words = files
    assert map_head(words) == 0
    turned = torch.load(tmp_path / "new.pth", weights_only=True)
    assert turned[BIAS].tolist() == [0.0, 1.0, 2.0, 5.0, 4.0, 0.0, 6.0]
    assert "5 of 7 tokens are in" in caplog.text
    assert "1 are mapped, 1 are new: پ" in caplog.text


def write_latin(files, tmp_path, mapping, letters="abgkst"):
    """Write a source model in Latin letters, as spell-data writes them."""
    exp, words = files
    tokens = ["<blank>", "<unk>", "<space>", *letters, "<sos/eos>"]
    values = {"token_list": tokens, "token_type": "char", "bpemodel": None}
    (exp / "config.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    size = len(tokens)
    weights = {WEIGHT: torch.eye(size), BIAS: torch.arange(float(size))}
    torch.save(weights, exp / "ave.pth")
    config = tmp_path / "pseudo.yaml"
    lines = config.read_text(encoding="utf-8").splitlines()
    config.write_text(f"{lines[0]}\nmapping: {mapping}\n", encoding="utf-8")
    return words


def read_rows(tmp_path):
    return torch.load(tmp_path / "new.pth", weights_only=True)[BIAS].tolist()


def test_letters_are_romanized_where_the_source_is(files, tmp_path, caplog):
    assert map_head(write_latin(files, tmp_path, "roman")) == 0
    assert read_rows(tmp_path) == [0.0, 1.0, 2.0, 3.0, 8.0, 4.0, 9.0]  # ا a, ث t, پ b
    assert "are new to the model" not in caplog.text
    assert map_head(write_latin(files, tmp_path, "null")) == 0
    assert "3 of 3 tokens of" in caplog.text
    assert "rounds that start this way tend to collapse" in caplog.text


@pytest.mark.needs("espeak-ng")
def test_letters_are_read_where_the_source_is_in_phones(files, tmp_path):
    assert map_head(write_latin(files, tmp_path, "phones:ur")) == 0
    assert read_rows(tmp_path) == [0.0, 1.0, 2.0, 3.0, 7.0, 4.0, 9.0]  # ث s


def test_wrong_models_are_one_clear_line(files):
    exp, words = files
    torch.save({"encoder.a": torch.ones(1)}, exp / "ave.pth")
    with pytest.raises(ValueError, match="has no ctc.ctc_lo.weight"):
        map_head(words)
    torch.save({WEIGHT: torch.eye(3), BIAS: torch.ones(3)}, exp / "ave.pth")
    with pytest.raises(ValueError, match="3 outputs, its config.yaml 7 tokens"):
        map_head(words)
    (exp / "ave.pth").unlink()
    with pytest.raises(FileNotFoundError, match="train the source model first"):
        map_head(words)
