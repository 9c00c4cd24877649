"""The verbs score-text and show-results, from Kaldi files to RESULTS.md."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hamzaban.bin import score_text, show_results
from hamzaban.score.nist import read_counts
from hamzaban.score.trn import read_trn

REF = {
    "spk-1-u1": "سلام دنیا خوب",
    "spk-1-u2": "می\u200cروم خانه",
    "spk-2-u1": "",
    "spk-2-u2": "hello World",
}
HYP = {
    "spk-2-u2": "Hello word x",  # another order than the references
    "spk-1-u1": "سلام خوب",
    "spk-2-u1": "",
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder of references and hypotheses, with a space in its name."""
    folder = tmp_path / "مجموعه one"
    folder.mkdir()
    write(folder / "ref", REF)
    write(folder / "hyp", HYP)
    write(folder / "utt2spk", {utt_id: utt_id[:5] for utt_id in REF})
    return folder


def write(path: Path, lines: dict[str, str]) -> None:
    text = "".join(f"{utt_id} {rest}\n" for utt_id, rest in lines.items())
    path.write_text(text, encoding="utf-8")


def score(data: Path, *options: str) -> Path:
    """Run score-text; return the folder of its output."""
    output = data / "exp" / "asr_x" / "decode_greedy" / "test"
    words = ["--ref", data / "ref", "--hyp", data / "hyp", "--output_dir", output]
    words += ["--utt2spk", data / "utt2spk", *options]
    assert score_text.main([str(word) for word in words]) == 0
    return output


def test_words_and_characters_pair_by_id(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = score(data)
    assert read_counts(output / "score_wer" / "result.txt") == {
        "(spk_1-spk-1-u1)": (2, 0, 1, 0),
        "(spk_1-spk-1-u2)": (0, 0, 2, 0),
        "(spk_2-spk-2-u1)": (0, 0, 0, 0),
        "(spk_2-spk-2-u2)": (1, 1, 0, 1),
    }
    hyp = read_trn(output / "score_cer" / "hyp.trn")
    assert hyp["(spk_1-spk-1-u2)"] == []
    assert "<space>" in hyp["(spk_1-spk-1-u1)"]
    printed = capsys.readouterr().out
    assert "WER 71.43 % of 7 words in 4 utterances (sub 1, del 3, ins 1)" in printed
    assert "CER" in printed and "TER" not in printed


def test_both_scorers_write_the_same_files(data: Path) -> None:
    files = {}
    for scorer in ("auto", "own"):
        output = score(data, "--scorer", scorer)
        files[scorer] = {
            path.relative_to(output): path.read_bytes()
            for path in sorted(output.glob("score_*/*"))
        }
    assert files["auto"] == files["own"]
    assert len(files["own"]) == 6


def test_a_missing_hypothesis_counts_as_deletions(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    score(data)
    assert "1 of 4 utterances have no hypothesis" in caplog.text
    assert "spk-1-u2" in caplog.text


def test_an_unknown_hypothesis_is_an_error(data: Path) -> None:
    write(data / "hyp", {**HYP, "spk-9-u9": "a"})
    with pytest.raises(ValueError, match="hyp: utterance 'spk-9-u9' has no reference"):
        score(data)


def test_an_utterance_without_speaker_is_an_error(data: Path) -> None:
    write(data / "utt2spk", {"spk-1-u1": "spk-1"})
    with pytest.raises(ValueError, match="'spk-1-u2' .* utt2spk"):
        score(data)


def test_tokens_from_files(data: Path) -> None:
    write(data / "ref_token", {utt: " ".join(text) for utt, text in REF.items()})
    write(data / "hyp_token", {utt: " ".join(text) for utt, text in HYP.items()})
    tokens = ["--ref_token", str(data / "ref_token")]
    output = score(data, *tokens, "--hyp_token", str(data / "hyp_token"))
    counts = read_counts(output / "score_ter" / "result.txt")
    assert counts["(spk_1-spk-1-u2)"] == (0, 0, len("می\u200cرومخانه"), 0)
    with pytest.raises(ValueError, match="belong together"):
        score(data, *tokens)


def test_options_that_contradict_each_other(data: Path) -> None:
    with pytest.raises(ValueError, match="name it by --bpemodel"):
        score(data, "--token_type", "bpe")
    with pytest.raises(ValueError, match="expected an id"):
        score(data, "--normalizer", "fa v1")


def test_sclite_may_be_required(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(data))
    with pytest.raises(FileNotFoundError, match="sclite: not installed"):
        score(data, "--scorer", "sclite")
    score(data)  # auto: our own scorer


def test_case_counts_only_when_asked(data: Path) -> None:
    results = {}
    for value in ("true", "false"):
        result = score(data, "--case_sensitive", value) / "score_wer" / "result.txt"
        results[value] = read_counts(result)["(spk_2-spk-2-u2)"]
    assert results == {"true": (0, 2, 0, 1), "false": (1, 1, 0, 1)}


def test_results_in_the_form_of_espnet(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(data, "--normalizer", "fa-v1")
    monkeypatch.chdir(data)
    shutil.copytree("exp/asr_x/decode_greedy/test", "exp/asr_x/decode_greedy/org/valid")
    assert show_results.main(["exp/asr_x", "--output", "exp/asr_x/RESULTS.md"]) == 0
    text = Path("exp/asr_x/RESULTS.md").read_text(encoding="utf-8")
    for line in (
        "# RESULTS",
        "## Environments",
        "## exp/asr_x",
        "### WER",
        "Text normalizer: `fa-v1`",
        "|dataset|Snt|Wrd|Corr|Sub|Del|Ins|Err|S.Err|",
        "|---|---|---|---|---|---|---|---|---|",
        "|decode_greedy/test|4|7|42.9|14.3|42.9|14.3|71.4|75.0|",
        "|decode_greedy/org/valid|4|7|42.9|14.3|42.9|14.3|71.4|75.0|",
    ):
        assert line in text.splitlines()
    assert text.index("### WER") < text.index("### CER")
    assert "- espnet2 version: `espnet2 " in text
    assert "  - Commit date: `" in text or "not a git repository" in text


def test_raw_and_normalized_scores_stand_side_by_side(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(data / "ref", {"u1": "إلى مدرسةٍ", "u2": "نعم، لا"})
    write(data / "hyp", {"u1": "الى مدرسه", "u2": "نعم لا"})
    write(data / "utt2spk", {"u1": "s", "u2": "s"})
    output = score(data, "--lang", "ar")
    printed = capsys.readouterr().out.splitlines()
    found = [line.partition(" (sub")[0] for line in printed]
    assert found[0] == "WER 0.00 % of 4 words in 2 utterances"
    assert found[2] == "WER 75.00 % of 4 words in 2 utterances"
    normalizer = printed[0].partition("normalizer ")[2].partition(";")[0]
    assert normalizer.startswith("ar-score/2:") and "normalizer raw;" in printed[2]
    for kind in ("wer", "cer"):
        text = (output / f"score_{kind}" / "result.txt").read_text("utf-8")
        assert f"normalizer {normalizer}" in text
    assert read_trn(output / "score_wer" / "hyp.trn")["(s-u1)"] == ["الي", "مدرسه"]
    assert read_trn(output / "score_wer_raw" / "hyp.trn")["(s-u1)"] == ["الى", "مدرسه"]

    assert show_results.main([str(data / "exp")]) == 0
    table = capsys.readouterr().out
    for name, row in ((normalizer, "|2|4|100.0|"), ("raw", "|2|4|25.0|")):
        _, _, rest = table.partition(f"Text normalizer: `{name}`")
        assert row in rest.partition("Text normalizer")[0]

    score(data)  # raw alone: nothing of the call before is shown as its own
    assert not (output / "score_wer_raw" / "result.txt").exists()


def test_published_rules_score_as_well(data: Path) -> None:
    options = ("--lang", "fa", "--score_profile", "whisper-basic")
    result = score(data, *options) / "score_wer" / "result.txt"
    assert "normalizer whisper-basic/1:" in result.read_text("utf-8")
    with pytest.raises(ValueError, match="option 'a' is unknown"):
        score(data, "--lang", "fa", "--score_options", "a=b")
    with pytest.raises(ValueError, match="give one"):
        score(data, "--lang", "fa", "--normalizer", "fa-v1")


def test_results_of_two_normalizers_stand_in_two_tables(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = score(data)
    output.rename(output.parent / "other")
    score(data, "--normalizer", "fa-v1")
    old = data / "exp" / "asr_y" / "decode" / "test" / "score_wer"
    old.mkdir(parents=True)
    old.joinpath("result.txt").write_text(
        "| Sum/Avg|    4     10 | 50.0   10.0   40.0   20.0   70.0  100.0 |\n"
    )
    monkeypatch.chdir(data)
    capsys.readouterr()
    assert show_results.main([]) == 0
    text = capsys.readouterr().out
    assert text.count("Text normalizer: `raw`") == 2
    assert text.count("Text normalizer: `fa-v1`") == 2
    assert "## exp/asr_y\n### WER\n\nText normalizer: `not stated`" in text
    assert "|decode/test|4|10|50.0|10.0|40.0|20.0|70.0|100.0|" in text


def test_no_result_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="score a decoded set first"):
        show_results.main([str(tmp_path)])
    with pytest.raises(FileNotFoundError, match="no such folder"):
        show_results.main([str(tmp_path / "none")])


@pytest.mark.parametrize("verb", ["score_text", "show_results"])
def test_help_imports_nothing_heavy(verb: str) -> None:
    heavy = ("numpy", "sentencepiece", "torch", "espnet2")
    program = (
        f"import sys; from hamzaban.bin import {verb} as verb; "
        "verb.get_parser().format_help(); "
        f"sys.exit(any(name in sys.modules for name in {heavy}))"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize(
    ("marks", "words", "deleted", "name"),
    [
        ("text", 4, 2, "ar-score/"),
        ("drop", 2, 0, "+marks=drop"),
        ("keep", 3, 0, "+marks=keep"),
    ],
)
def test_marks_of_sounds_in_references_are_treated_as_asked(
    tmp_path, capsys, marks, words, deleted, name
):
    heard = "سلام <laughter> دنيا" if marks == "keep" else "سلام دنيا"
    write(tmp_path / "ref", {"u1": "سلام [laughter] دنيا", "u2": ""})
    write(tmp_path / "hyp", {"u1": heard, "u2": ""})
    if marks == "text":
        write(tmp_path / "ref", {"u1": "سلام [loud laughter] دنيا", "u2": ""})
    options = ["--ref", tmp_path / "ref", "--hyp", tmp_path / "hyp", "--lang", "ar"]
    assert score_text.main([str(word) for word in [*options, "--marks", marks]]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert f" of {words} words" in line and f"del {deleted}," in line
    assert name in line


def test_scoring_may_refuse_marks_with_their_place(tmp_path):
    write(tmp_path / "ref", {"u1": "سلام <noise>"})
    write(tmp_path / "hyp", {"u1": "سلام"})
    options = ["--ref", tmp_path / "ref", "--hyp", tmp_path / "hyp"]
    with pytest.raises(ValueError, match=r"ref: u1: mark of a sound '<noise>' found"):
        score_text.main([str(word) for word in [*options, "--marks", "refuse"]])
