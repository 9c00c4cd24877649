"""collect-stats: ESPnet's shape files, what CTC cannot align, unknown characters."""

import subprocess
import sys

import pytest

from hamzaban.bin.collect_stats import main as collect_stats
from hamzaban.bin.make_tokens import main as make_tokens
from hamzaban.wav2vec2.frames import (
    WAV2VEC2_CONV,
    count_ctc_frames,
    count_frames,
    parse_conv_layers,
)

CONV = parse_conv_layers(WAV2VEC2_CONV)
SECOND = 16000


@pytest.fixture
def corpus(tmp_path):
    """A data directory and a character list that lacks the letter ژ."""
    rows = [(f"s{i // 10}-u{i:03d}", SECOND, "سلام دنیا") for i in range(100)]
    write(tmp_path / "train", rows)
    out = tmp_path / "tokens"
    text = str(tmp_path / "train" / "text")
    make_tokens(["--token_type", "char", "--output_dir", str(out), text])
    return tmp_path, rows


def write(data_dir, rows):
    data_dir.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{utt} {text}".rstrip() + "\n" for utt, _, text in rows)
    (data_dir / "text").write_text(text, encoding="utf-8")
    samples = "".join(f"{utt} {num}\n" for utt, num, _ in rows)
    (data_dir / "utt2num_samples").write_text(samples, encoding="utf-8")


def run(folder, *options):
    words = ["--data_dir", folder / "train", "--token_type", "char"]
    words += ["--token_list", folder / "tokens" / "tokens.txt"]
    words += ["--output_dir", folder / "stats" / "train", *options]
    return collect_stats([str(word) for word in words])


def read(folder, name):
    lines = (folder / "stats" / "train" / name).read_text(encoding="utf-8")
    return dict(line.split() for line in lines.splitlines())


def test_shape_files_equal_those_of_espnet(corpus):
    folder, rows = corpus
    assert run(folder) == 0
    vocab = len((folder / "tokens" / "tokens.txt").read_text().splitlines())
    assert read(folder, "speech_shape") == {utt: str(num) for utt, num, _ in rows}
    assert read(folder, "text_shape.char") == {utt: f"9,{vocab}" for utt, _, _ in rows}


def test_bpe_shape_counts_pieces(corpus):
    folder, rows = corpus
    out = folder / "bpe"
    text = str(folder / "train" / "text")
    make_tokens(["--nbpe", "12", "--output_dir", str(out), text])
    run(folder, "--token_type", "bpe", "--bpemodel", out / "bpe.model",
        "--token_list", out / "tokens.txt")  # fmt: skip
    import sentencepiece

    processor = sentencepiece.SentencePieceProcessor(model_file=str(out / "bpe.model"))
    length = len(processor.encode(rows[0][2]))
    assert set(read(folder, "text_shape.bpe").values()) == {f"{length},12"}


@pytest.mark.parametrize(
    ("num_samples", "frames"), [(0, 0), (399, 0), (400, 1), (719, 1), (720, 2)]
)
def test_frames_of_wav2vec2(num_samples, frames):
    assert count_frames(num_samples, CONV) == frames
    assert count_frames(SECOND, CONV) == 49


@pytest.mark.torch
def test_frames_are_those_of_real_convolutions():
    torch = pytest.importorskip("torch")
    conv = parse_conv_layers("[(4, 10, 5)] + [(4, 3, 2)] * 2 + [(4, 2, 2)]")
    layers = [
        torch.nn.Conv1d(1 if i == 0 else 4, 4, kernel, stride)
        for i, (kernel, stride) in enumerate(conv)
    ]
    for num_samples in [*range(100, 140), 1000, 1601]:
        output = torch.nn.Sequential(*layers)(torch.zeros(1, 1, num_samples))
        assert count_frames(num_samples, conv) == output.size(2)


@pytest.mark.parametrize(
    "text",
    [
        *("", "512", "[(512, 10)]", "[(1, 2, 3)] * -1", "__import__('os')", "[1] *"),
        *("[]", "[(0, 10, 5)]", "[(4, 0, 5)]", "[(4, 10, 0)]", "[(4, 10, 5)] * 0"),
    ],
)
def test_values_that_are_no_conv_layers_are_refused(text):
    with pytest.raises(ValueError, match="not understood"):
        parse_conv_layers(text)


def test_ctc_needs_a_blank_between_equal_tokens():
    assert count_ctc_frames([]) == 0
    assert count_ctc_frames([5, 6, 5]) == 3
    assert count_ctc_frames([5, 5, 5]) == 5
    assert count_ctc_frames([5, 5, 6, 6]) == 6


def test_utterances_that_ctc_cannot_align_are_left_out_and_named(corpus, caplog):
    folder, rows = corpus
    exact = 400 + 320 * 4  # 5 frames
    rows[3] = (rows[3][0], exact, "سلام")  # 4 frames needed
    rows[4] = (rows[4][0], exact, "ااا")  # 5 frames needed
    rows[5] = (rows[5][0], exact - 1, "ااا")  # one missing
    rows[6] = (rows[6][0], SECOND, "")
    write(folder / "train", rows)
    run(folder)
    kept = read(folder, "speech_shape")
    assert list(kept) == [utt for i, (utt, _, _) in enumerate(rows) if i not in (5, 6)]
    assert list(kept) == list(read(folder, "text_shape.char"))
    assert f"fewer frames than CTC needs: {rows[5][0]}" in caplog.text
    assert f"1 of 100 utterances left out, no transcript: {rows[6][0]}" in caplog.text


def test_too_many_left_out_is_an_error(corpus):
    folder, rows = corpus
    rows[:6] = [(utt, 500, text) for utt, _, text in rows[:6]]
    write(folder / "train", rows)
    with pytest.raises(ValueError, match=r"6 of 100 utterances left out.*5\.0%"):
        run(folder)
    assert not (folder / "stats" / "train" / "speech_shape").exists()
    run(folder, "--max_drop", "0.06")
    assert len(read(folder, "speech_shape")) == 94
    write(folder / "train", [(utt, 500, text) for utt, _, text in rows])
    with pytest.raises(ValueError, match="none of 100 utterances"):
        run(folder, "--max_drop", "1")


def test_unknown_characters_are_counted_and_shown(corpus, caplog):
    folder, rows = corpus
    for i in range(30):
        rows[i] = (rows[i][0], SECOND, "ژاله")
    write(folder / "train", rows)
    run(folder)
    assert len(read(folder, "speech_shape")) == 100
    assert "60 of 750 tokens (8.00 %) are unknown" in caplog.text
    assert "character U+0698 (ژ) is unknown, in 30 utterances: s0-u000" in caplog.text
    assert "s1-u019 and 10 more" in caplog.text


def test_files_that_differ_are_an_error(corpus):
    folder, _rows = corpus
    path = folder / "train" / "utt2num_samples"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:50] + lines[51:]))
    with pytest.raises(ValueError, match=r"text has s5-u050.*has s5-u051"):
        run(folder)
    path.write_text("".join(lines[:-1]))
    with pytest.raises(ValueError, match="text has s9-u099.*has the end"):
        run(folder)
    path.write_text("".join(["s0-u000 1.5\n", *lines[1:]]))
    with pytest.raises(ValueError, match="s0-u000: '1.5' found"):
        run(folder)


def test_thousands_of_utterances_are_counted_without_torch(tmp_path):
    words = ["سلام", "دنیا", "می‌روم", "خانه", "کتاب‌ها"]
    rows = [
        (f"s-u{i:05d}", SECOND * 5, " ".join(words[i % 5 :] + words[: i % 3]))
        for i in range(5000)
    ]
    write(tmp_path / "train", rows)
    out, text = tmp_path / "tokens", str(tmp_path / "train" / "text")
    make_tokens(["--nbpe", "40", "--bpemode", "bpe", "--output_dir", str(out), text])
    code = (
        "import sys; from hamzaban.bin.collect_stats import main; main(sys.argv[1:]);"
        "assert not {'torch', 'espnet2', 'numpy'} & set(sys.modules)"
    )
    options = ["--data_dir", tmp_path / "train", "--token_list", out / "tokens.txt"]
    options += ["--bpemodel", out / "bpe.model", "--output_dir", tmp_path / "stats"]
    subprocess.run([sys.executable, "-c", code, *map(str, options)], check=True)
    assert (tmp_path / "stats" / "text_shape.bpe").read_text().count("\n") == 5000
