"""Pieces of a large text are learnt from a part of it; no character is lost."""

from hamzaban.text import make_tokens
from hamzaban.text.make_tokens import Sample, make_bpe

WORDS = ["habari", "dunia", "mlango", "kitabu", "nuru", "nyumba"]


def write(lines, folder, monkeypatch, most):
    monkeypatch.setattr(make_tokens, "MAX_LINES", most)
    tokens = make_bpe(lines, folder, 24)
    return tokens, (folder / "bpe.model").read_bytes()


def test_a_text_under_the_limit_is_not_thinned(tmp_path, monkeypatch):
    lines = [f"{a} {b}" for a in WORDS for b in WORDS] * 8
    small = write(lines, tmp_path / "a", monkeypatch, len(lines))
    assert write(lines, tmp_path / "b", monkeypatch, 10**6) == small


def test_a_large_text_is_thinned_and_keeps_its_characters(tmp_path, monkeypatch):
    lines = [f"{WORDS[k % 6]} {WORDS[k // 6 % 6]}" for k in range(500)]
    lines[333] = "qzx"  # of a line that is left out
    tokens, _ = write(iter(lines), tmp_path, monkeypatch, 100)
    assert {"q", "z", "x"} <= set(tokens)
    assert (tmp_path / "train.txt").read_text().splitlines() == lines
    again, _ = write(lines, tmp_path, monkeypatch, 100)
    assert again == tokens


def test_lines_kept_are_evenly_spread(monkeypatch):
    monkeypatch.setattr(make_tokens, "MAX_LINES", 10)
    sample = Sample()
    passed = list(sample.watch(map(str, range(45))))
    assert passed == [str(n) for n in range(45)]
    assert sample.stride == 8
    assert sample.lines == ["0", "8", "16", "24", "32", "40"]
