"""The trn files: tokens that sclite must read back, and tokens it must never get."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hamzaban.score.notation import escape_token, unescape_token
from hamzaban.score.trn import (
    format_trn_id,
    format_trn_ids,
    get_speaker,
    read_text,
    read_trn,
    write_trn,
)

TOKENS = st.text(st.characters(codec="utf-8"), min_size=1).filter(
    lambda token: len(token.split()) == 1 and token.split()[0] == token
)


@pytest.mark.slow
@given(TOKENS, TOKENS)
@settings(max_examples=300, deadline=None)
def test_escaping_keeps_tokens_apart_and_is_undone(one: str, other: str) -> None:
    assert unescape_token(escape_token(one)) == one
    assert (escape_token(one) == escape_token(other)) == (one == other)


@pytest.mark.parametrize("token", ["a;b", "{", "a}", "\\", "**", "a*", "@", "<u+003B>"])
def test_what_sclite_would_interpret_is_escaped(token: str) -> None:
    escaped = escape_token(token)
    assert not set(escaped) & set(";{}\\*@")
    assert unescape_token(escaped) == token


@pytest.mark.parametrize("token", ["سلام", "می\u200cروم", "a@b", "(a)", "-", "<space>"])
def test_other_tokens_stay_as_they_are(token: str) -> None:
    assert escape_token(token) == token


def test_a_file_is_read_back_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "two words" / "گفتار.trn"
    lines = {
        "(spk_1-spk-1-u2)": ["می\u200cروم", "a(b)", "<space>", "{x}"],
        "(spk_1-spk-1-u1)": [],
        "(گوینده-۱)": ["@", ";;", "<U+0040>"],
        "(s-1)": ["\ufeffa"],
    }
    write_trn(path, lines.items())
    assert read_trn(path) == lines
    assert list(read_trn(path)) == list(lines)
    assert path.read_text(encoding="utf-8").splitlines()[1] == "\t(spk_1-spk-1-u1)"


def test_a_byte_order_mark_at_the_head_of_the_text_is_read_back(tmp_path: Path) -> None:
    write_trn(tmp_path / "a.trn", [("(s-u)", ["\ufeff", "a"])])
    assert read_trn(tmp_path / "a.trn") == {"(s-u)": ["\ufeff", "a"]}


def test_a_line_is_as_espnet_writes_it(tmp_path: Path) -> None:
    write_trn(tmp_path / "a.trn", [(format_trn_id("s1", "u-1"), ["b", "ج"])])
    assert (tmp_path / "a.trn").read_text(encoding="utf-8") == "b ج\t(s1-u-1)\n"


def test_dashes_in_a_speaker_do_not_cut_its_name() -> None:
    ids = format_trn_ids({"a-b-1": "a-b", "a-c-1": "a-c"})
    assert [get_speaker(trn_id) for trn_id in ids.values()] == ["a_b", "a_c"]
    assert ids["a-b-1"].endswith("-a-b-1)")


def test_two_speakers_that_would_become_one_are_an_error() -> None:
    with pytest.raises(ValueError, match="'a-b' and 'a_b'"):
        format_trn_ids({"1": "a-b", "2": "a_b"})


@pytest.mark.parametrize("name", ["", "a(b", "a b", "x\0"])
def test_ids_that_sclite_cannot_read_are_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="rename"):
        format_trn_id("s", name)


@pytest.mark.parametrize("token", ["", "a b", "a\tb", "\0"])
def test_tokens_with_blanks_are_an_error(tmp_path: Path, token: str) -> None:
    with pytest.raises(ValueError, match="a.trn: token"):
        write_trn(tmp_path / "a.trn", [("(s-u)", [token])])
    assert not (tmp_path / "a.trn").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a b\n", "a.trn:1: no "),
        (b"a (s-u)\nb (s-u)\n", r"a.trn:2: id \(s-u\) occurs twice"),
        (b"a (s-u)\n\xff (s-v)\n", "a.trn:2: not UTF-8"),
        (b"a (s-u)\n{ a / b c (s-v)\n", "a.trn:2: '{ a / b c' opens alternatives"),
        (b"{ / } (s-u)\n", "a.trn:1: braces without alternatives"),
        (b"a} (s-u)\n", "a.trn:1: 'a}' has a brace within a word"),
        (
            b"{" * 99 + b"a" + b"}" * 99 + b" (s-u)\n",
            "a.trn:1: alternatives nested over 50 deep",
        ),
    ],
)
def test_bad_trn_lines_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.trn"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_trn(path)


def test_kaldi_text_may_have_empty_transcripts(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("u1 سلام  دنیا \nu2\nu3 \n", encoding="utf-8")
    assert read_text(path) == {"u1": "سلام  دنیا", "u2": "", "u3": ""}
    path.write_text("u1 a\nu1 b\n", encoding="utf-8")
    with pytest.raises(ValueError, match="text:2: utt_id u1 occurs twice"):
        read_text(path)
