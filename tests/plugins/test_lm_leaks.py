"""audit-leaks: planted sentences and speakers are found, by file and line."""

import random

import pytest
from rapidfuzz.distance import Levenshtein

from hamzaban.bin.audit_leaks import main as audit_leaks
from hamzaban.lm import leaks
from hamzaban.lm.audit import Leak, check_leaks
from hamzaban.lm.leak_record import read_shared
from hamzaban.lm.leaks import MIN_NEAR, Index, max_edits, squash
from hamzaban.score.results import format_results
from published.speech import write_lines

LETTERS = "ابپتثجچحخدذرزسشصضطعغفقکگلمنوهی"


def make_sentence(rng, length):
    letters = rng.choices(LETTERS, k=length)
    for i in range(5, length, 6):
        letters[i] = " "
    return "".join(letters)


def edit(rng, text, num_edits):
    for _ in range(num_edits):
        i, kind = rng.randrange(len(text)), rng.randrange(3)
        text = text[:i] + (rng.choice(LETTERS) if kind else "") + text[i + (kind < 2) :]
    return text


@pytest.mark.parametrize("seed", range(4))
def test_every_near_duplicate_is_found(seed, monkeypatch):
    monkeypatch.setattr(leaks, "CHUNK_LINES", 37)
    rng = random.Random(seed)
    held_out = [make_sentence(rng, rng.randint(3, 90)) for _ in range(60)]
    lines = [make_sentence(rng, rng.randint(3, 90)) for _ in range(60)]
    lines += [edit(rng, text, rng.randint(0, 1 + len(text) // 8)) for text in held_out]
    found = {m.line: m for m in Index(held_out).search(lines)}
    for number, line in enumerate(lines, 1):
        one = squash(line)
        distances = [
            Levenshtein.distance(one, two)
            for two in map(squash, held_out)
            if one == two
            or (
                len(two) >= MIN_NEAR
                and Levenshtein.distance(one, two) <= max_edits(max(len(one), len(two)))
            )
        ]
        assert (number in found) == bool(distances), line
        if distances:
            assert found[number].distance == min(distances)


def test_the_pigeonhole_principle_holds_for_all_lengths():
    for length in range(MIN_NEAR, 5000):
        needed = max_edits(int(length / (1 - leaks.MAX_SHARE))) + 1
        size = min(length // needed, leaks.PIECES[-1])
        assert size >= leaks.PIECES[0]
        assert len(range(0, length - size + 1, size)) >= needed


def test_other_spellings_of_a_sentence_are_equal():
    same = ["می‌روم به خانه، ۱۲ بار!", "میروم به خانه 12 بار", "مِی‌روم  بهخانه ١٢ بار"]
    assert len({squash(line) for line in same}) == 1
    assert [m.distance for m in Index(same[:1]).search(same)] == [0, 0, 0]
    assert squash("...!") == ""
    assert list(Index(["...", ""]).search(["!!!", ""])) == []


def write_set(folder, texts, spk):
    folder.mkdir(parents=True)
    rows = [(f"{spk}-u{i}", text) for i, text in enumerate(texts)]
    (folder / "text").write_text("".join(f"{u} {t}\n" for u, t in rows), "utf-8")
    (folder / "utt2spk").write_text("".join(f"{u} {spk}\n" for u, _ in rows))
    return str(folder / "text")


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "a ه"
    near = "این یک جملهٔ دراز برای آزمون است که کمی دیگر شد"
    train = write_set(folder / "train", ["سلام دنیا", "روز خوش همگی", near], "s1")
    test = write_set(folder / "test", ["سلام، دنیا", near.replace("کمی", "کم")], "s2")
    valid = write_set(folder / "valid", ["چیزی کاملا دیگر", "روز خوش همگی"], "s1")
    (folder / "lm.txt").write_text("هیچ\nچیزی کاملا دیگر\n", encoding="utf-8")
    words = ["--train_text", train, "--valid_text", valid, "--test_text", test]
    return [*words, "--lm_text", str(folder / "lm.txt")], folder


def test_leaks_are_named_and_refused(files, caplog):
    words, folder = files
    with pytest.raises(ValueError, match="3 exact, 1 near, 1 speakers"):
        audit_leaks([*words, "--output", str(folder / "leaks.tsv")])
    for place in ("train/text:1", "train/text:2", "lm.txt:2"):
        assert f"{folder / place} equals " in caplog.text
    assert f"{folder}/train/text:3 nearly equals (1 edits) " in caplog.text
    assert f"{folder}/valid/utt2spk" in caplog.text
    lines = (folder / "leaks.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines[1:]]
    assert sorted((row[0], row[1], row[4]) for row in rows) == [
        ("exact", "lm-valid", "0"),
        ("exact", "train-test", "0"),
        ("exact", "train-valid", "0"),
        ("near", "train-test", "1"),
        ("speakers", "train-valid", "0"),
    ]


def test_leaks_are_accepted_if_a_reason_is_given(files, caplog):
    words, folder = files
    config = folder / "leaks.yaml"
    config.write_text("allow_leaks: {exact: few commands, near: few commands}\n")
    with pytest.raises(ValueError, match="held-out sets: 1 speakers, the first with"):
        audit_leaks([*words, "--config", str(config)])
    more = ["--config", str(config), "--allow_speakers", "one speaker only"]
    assert audit_leaks([*words, *more]) == 0
    assert "3 exact leaks, allowed: few commands" in caplog.text
    with pytest.raises(ValueError, match="3 exact"):
        audit_leaks([*words, *more, "--allow_exact", " "])
    config.write_text("allow_exact: few commands\n")
    with pytest.raises(ValueError, match="'allow_exact' is unknown; .*known: "):
        audit_leaks([*words, *more])


def test_allowed_leaks_are_counted_in_a_record_that_results_repeat(files, tmp_path):
    words, folder = files
    config, record = folder / "leaks.yaml", tmp_path / "leaks.json"
    config.write_text("allow_leaks: {exact: few commands, near: few commands}\n")
    words = [*words, "--config", str(config), "--record", str(record)]
    with pytest.raises(ValueError, match="leaks found"):
        audit_leaks(words)
    assert not record.exists()
    assert audit_leaks([*words, "--allow_speakers", "one speaker only"]) == 0
    found = read_shared([record])
    assert [(one.kind, one.num) for one in found].count(("speakers", 1)) == 1
    texts = [str(one) for one in found]
    train, valid, test = (folder / name for name in ("train", "valid", "test"))
    assert (
        f"1 of 3 utterances of {train} nearly equal a sentence of {test}; allowed "
        in (" ".join(texts))
    )
    assert any(text.endswith(f"allowed by {config}: few commands") for text in texts)
    (speakers,) = (text for text in texts if "speaker" in text)
    assert f"1 speaker is in both {train} and {valid} (" in speakers
    assert speakers.endswith("allowed by --allow_speakers: one speaker only")
    shown = format_results([], [], "", texts)
    assert all(f"- {text}\n" in shown for text in texts)
    record.write_text("{}")
    with pytest.raises(
        ValueError, match="leaks.json: found no record of allowed leaks"
    ):
        read_shared([record])


def test_the_remedy_for_leaks_names_what_the_user_owns():
    leaks = [
        Leak("speakers", "train-test", "data/train/utt2spk s1", "data/test/utt2spk"),
        Leak("exact", "train-test", "data/train/text:1", "data/test/text u1"),
        Leak("exact", "lm-test", "lm.txt:1", "data/test/text u1"),
    ]
    remedies = (
        "change the split in your own table.*--keep_speakers false",
        "out of your own table, from which this file is made .*--keep_shared",
        "take those lines out of that text, or say why",
    )
    for leak, remedy in zip(leaks, remedies, strict=True):
        with pytest.raises(ValueError, match=remedy):
            check_leaks([leak], {})


def test_sets_without_leaks_pass(tmp_path):
    train = write_set(tmp_path / "train", ["یک دو سه چهار"], "s1")
    test = write_set(tmp_path / "test", ["چهار سه دو یک"], "s2")
    assert audit_leaks(["--train_text", train, "--test_text", test]) == 0


def test_the_message_on_leaks_names_the_file_of_reasons_and_its_line(tmp_path):
    for name, spk in (("train", "s1"), ("test", "s1")):
        write_lines(tmp_path / name / "text", [f"u-{name} {name} words"])
        write_lines(tmp_path / name / "utt2spk", [f"u-{name} {spk}"])
    words = [f"--{name}_text={tmp_path / name / 'text'}" for name in ("train", "test")]
    line = r"`allow_leaks: \{speakers: REASON\}` in "
    with pytest.raises(ValueError, match=line + "conf/leaks.yaml, which stage 1"):
        audit_leaks(words)
    config = tmp_path / "leaks.yaml"
    config.write_text("allow_leaks: {exact: they are read}\n")
    with pytest.raises(ValueError, match=line + str(config)):
        audit_leaks([*words, "--config", str(config)])
    config.write_text("allow_leaks: {speakers: REASON}\n")
    assert audit_leaks([*words, "--config", str(config)]) == 0


def test_no_line_of_an_error_ends_in_a_colon(caplog):
    leak = Leak("exact", "train-test", "train/text:1", "test/text u1")
    with pytest.raises(ValueError, match="leaks found"):
        check_leaks([leak], {})
    assert "train/text:1 equals test/text u1, which have no words" in caplog.text
    assert not any(line.rstrip().endswith(":") for line in caplog.text.splitlines())
