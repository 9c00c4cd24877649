"""Cleaners such as `hamzaban/fa/train`: names, token lists, shape files, ESPnet."""

import argparse
import pickle

import pytest

from hamzaban import compat
from hamzaban.bin import collect_stats, make_tokens
from hamzaban.text import Normalizer
from hamzaban.text.cleaner import find_cleaner, find_normalizer, parse_options
from hamzaban.text.tokens import build_tokenizer

NAME = "hamzaban/fa/train"
TEXTS = {"s-u1": "كتاب\u200cها، يك!", "s-u2": "سَلام ٱمید", "s-u3": "٪"}


def write_text(folder):
    path = folder / "داده one"
    path.mkdir()
    lines = "".join(f"{utt_id} {text}\n" for utt_id, text in TEXTS.items())
    (path / "text").write_text(lines, encoding="utf-8")
    samples = "".join(f"{utt_id} 32000\n" for utt_id in TEXTS)
    (path / "utt2num_samples").write_text(samples, encoding="utf-8")
    return path


def test_a_name_stands_for_a_normalizer():
    assert find_normalizer(NAME).id == Normalizer("fa", "train").id
    assert find_normalizer("hamzaban/fa/mms").id.startswith("mms/1:")
    assert find_cleaner(NAME)("كتاب") == "کتاب"
    for nothing in (None, "", "none"):
        assert find_cleaner(nothing)("كتاب") == "كتاب"


def test_a_name_may_contain_options():
    options = parse_options("zwnj=space, digits=native")
    assert options == {"zwnj": "space", "digits": "native"}
    assert parse_options("") == {}
    with pytest.raises(ValueError, match="option 'taste' is unknown for fa; known"):
        find_cleaner(f"{NAME}/taste=good")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tacotron", "expected hamzaban/<lang>/<profile>"),
        ("hamzaban/fa", "expected hamzaban/<lang>/<profile>"),
        ("hamzaban/fa/train/a=b/c", "expected hamzaban/<lang>/<profile>"),
        ("hamzaban/fa/trian", "profile 'trian' is unknown; known: train, score"),
        (f"{NAME}/numbers", "'numbers' found, expected name=value"),
        (f"{NAME}/a=b,a=c", "each name once"),
    ],
)
def test_a_wrong_name_is_an_error(name, message):
    with pytest.raises(ValueError, match=message):
        find_cleaner(name)


def test_tokens_and_shapes_are_of_the_cleaned_text(tmp_path):
    data, tokens = write_text(tmp_path), tmp_path / "tokens"
    words = ["--token_type", "char", "--output_dir", str(tokens), "--cleaner", NAME]
    make_tokens.main([*words, str(data / "text")])
    tokenizer = build_tokenizer("char", tokens / "tokens.txt")
    assert tokenizer.characters() == set("کتاب\u200cها یک سلام امید")

    words = ["--data_dir", data, "--token_type", "char", "--cleaner", NAME]
    words += ["--token_list", tokens / "tokens.txt", "--max_drop", "0.5"]
    collect_stats.main([str(w) for w in [*words, "--output_dir", tmp_path / "stats"]])
    shapes = (tmp_path / "stats" / "text_shape.char").read_text().splitlines()
    size = len(tokenizer.tokens)
    assert shapes == [f"s-u1 10,{size}", f"s-u2 9,{size}"]  # the third is empty


def test_an_option_of_espnet_accepts_new_values():
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--cleaner", type=str, choices=["tacotron"])
    compat.open_choices(parser, "cleaner", find_cleaner)
    for name in ("tacotron", NAME):
        assert parser.parse_args(["--cleaner", name]).cleaner == name
    with pytest.raises(argparse.ArgumentError, match="cleaner 'tacotorn' is unknown"):
        parser.parse_args(["--cleaner", "tacotorn"])
    parser.set_defaults(cleaner="hamzaban/fa/trian")  # as ESPnet does with a YAML
    with pytest.raises(argparse.ArgumentError, match="profile 'trian' is unknown"):
        parser.parse_args([])


@pytest.mark.torch
def test_the_cleaner_and_the_preprocessor_of_espnet_accept_our_names(tmp_path):
    compat.prepare()
    with compat.fast_imports():
        from hamzaban.asr.task import ASRTask
    from espnet2.text.cleaner import TextCleaner

    assert TextCleaner(NAME)(TEXTS["s-u1"]) == "کتاب\u200cها یک"
    assert TextCleaner(["hamzaban/en/train", NAME])("A, كتاب") == "a کتاب"
    for names in ("none such", [NAME, "none such"]):  # ESPnet's own word
        with pytest.raises(RuntimeError, match="Not supported: type=none such"):
            TextCleaner(names)("a")

    data, tokens = write_text(tmp_path), tmp_path / "tokens"
    words = ["--token_type", "char", "--output_dir", str(tokens), "--cleaner", NAME]
    make_tokens.main([*words, str(data / "text")])
    config = tmp_path / "train.yaml"
    config.write_text(
        f"token_type: char\ntoken_list: {tokens / 'tokens.txt'}\ncleaner: {NAME}\n",
        encoding="utf-8",
    )
    words = ["--config", str(config), "--output_dir", str(tmp_path / "exp")]
    args = ASRTask.get_parser().parse_args(words)
    assert args.cleaner == NAME
    args.token_list = (tokens / "tokens.txt").read_text("utf-8").split("\n")[:-1]
    tokenizer = build_tokenizer("char", args.token_list)
    expected = tokenizer.tokens2ids(tokenizer.text2tokens("کتاب\u200cها یک"))
    for is_training in (True, False):
        made = ASRTask.build_preprocess_fn(args, is_training)
        preprocess = pickle.loads(pickle.dumps(made))  # as a loader's process gets it
        assert preprocess("s-u1", {"text": TEXTS["s-u1"]})["text"].tolist() == expected
