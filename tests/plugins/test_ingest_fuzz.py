"""Tables that are damaged in any way are read, or are an error of one line."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from own_corpus import SENTENCES

from hamzaban.ingest.columns import TableOptions
from hamzaban.ingest.plan import make_plan
from hamzaban.ingest.sources import open_source
from hamzaban.text.marks import decode_entities, read_marks
from published.speech import write_lines

ODD = [b"\xef\xbb\xbf", b"\r\n", b"\x00", b'"', b"\xff", b"\t", b"\\ud800", b"{" * 99]
ODD += [b"9" * 5000, b"nan", b"-1", b"&#x110000;", b"<" * 50, b"e\xcc\x81", b"[", b","]


def make_table(path: Path) -> bytes:
    rows = [
        {"file": f"u{k}.wav", "text": f"[a] {s}", "speaker": f"s{k % 4}", "start": 0.1}
        | {"end": "0:01.5", "split": ("train", "dev", "")[k % 3]}
        for k, s in enumerate(SENTENCES[:12])
    ]
    if path.suffix == ".jsonl":
        write_lines(path, map(json.dumps, rows))
    else:
        mark = "," if path.suffix == ".csv" else "\t"
        lines = [mark.join(map(str, row.values())) for row in rows]
        write_lines(path, [mark.join(rows[0]), *lines])
    return path.read_bytes()


def damage(content: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.randint(1, 3)):
        at, end = sorted(rng.randrange(len(content) + 1) for _ in range(2))
        how = rng.randrange(5)
        if how == 0:
            content = content[:at]
        elif how == 1:
            content = content[:at] + rng.choice(ODD) + content[at:]
        elif how == 2:
            content = content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]
        elif how == 3:
            content = content[:end] + content[at:end] + content[end:]
        else:
            lines = content.split(b"\n")
            rng.shuffle(lines)
            content = b"\n".join(lines)
        content = content or b" "
    return content


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
def test_a_damaged_table_is_read_or_is_an_error_with_its_place(tmp_path, suffix):
    table = tmp_path / f"table{suffix}"
    whole = make_table(table)
    rng = random.Random(0)
    for _ in range(150):
        table.write_bytes(damage(whole, rng))
        try:
            source = open_source(table)
            plan = make_plan(
                lambda source=source: source.read(TableOptions({}), False),
                table,
                ignore_split=False,
                shares=(0.1, 0.1),
                seed=0,
            )
            for item in source.read(TableOptions({}), False):
                assert plan.set_of(item) in ("train", "valid", "test")
        except (ValueError, FileNotFoundError) as error:
            assert "\n" not in str(error)
            assert not isinstance(error, UnicodeError), error


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"a": ' + "[" * 100_000, r"not JSON \(nested too deep"),
        ('{"a": ' + "9" * 5000 + "}", r"not JSON \(nested too deep or a number too l"),
        (r'{"file": "a.wav", "text": "\ud800"}', "half of a surrogate pair"),
    ],
)
def test_json_that_python_cannot_hold_is_an_error(tmp_path, line, message):
    write_lines(tmp_path / "m.jsonl", [line])
    with pytest.raises(ValueError, match=f"m.jsonl:1: {message}"):
        list(open_source(tmp_path / "m.jsonl").read(TableOptions({}), False))


def test_each_letter_of_any_text_stays_or_belongs_to_a_mark():
    rng = random.Random(0)
    signs = "<>[](){}*%&;:#x/\\ab♪سلام 09\u200c>>&lt;&amp;"
    for _ in range(3000):
        text = "".join(rng.choices(signs, k=rng.randint(0, 40)))
        decoded = Counter("".join(decode_entities(text).split()))
        found = read_marks(text, "drop")
        marked = "".join(mark.text for mark in found.marks)
        assert decoded == Counter("".join((found.text + marked).split())), text
        assert read_marks(text, "text").text == decode_entities(text)
