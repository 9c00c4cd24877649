"""Error rates by condition, each against the clean set, utterance by utterance."""

from pathlib import Path

import pytest
import yaml

from hamzaban.bin.analyse_errors import main
from hamzaban.bin.score_text import main as score_text

CONFIG = {
    "sets": ["test"],
    "conditions": {"noise_5db": {"noise_list": "n.lst"}, "room": {"rir_list": "r"}},
}


def write_text(path, lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def decoded(tmp_path, monkeypatch):
    """Write decodings of 30 utterances of 4 words with none, 3 and 1 in 10 words
    wrong."""
    monkeypatch.chdir(tmp_path)
    Path("conditions.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    ids = [f"spk{k % 3}-{k:02}" for k in range(30)]
    ref = write_text(Path("ref"), sorted(f"{utt} ا ب ج د" for utt in ids))
    utt2spk = write_text(Path("utt2spk"), sorted(f"{utt} {utt[:4]}" for utt in ids))
    for name, wrong in (("test", 0), ("test_noise_5db", 30), ("test_room", 10)):
        lines = [
            f"{utt} ا ب ج {'ه' if k < wrong else 'د'}" for k, utt in enumerate(ids)
        ]
        hyp = write_text(Path("exp", name, "text"), sorted(lines))
        words = ["--ref", ref, "--hyp", hyp, "--utt2spk", utt2spk, "--scorer", "own"]
        score_text([*map(str, words), "--output_dir", f"exp/{name}"])
    return Path("exp")


def show(*words):
    fixed = ["--by", "conditions", "exp", "--config", "conditions.yaml"]
    return main([*fixed, "--replicates", "500", *words])


def test_counts_rates_and_differences_of_conditions_are_reported(decoded, capsys):
    capsys.readouterr()
    show("--output", "CONDITIONS.md")
    text = capsys.readouterr().out
    assert Path("CONDITIONS.md").read_text(encoding="utf-8") == text
    assert "WER by condition, normalizer `raw`" in text
    rows = [[c.strip() for c in x.split("|")[1:-1]] for x in text.splitlines()[4:]]
    assert rows[0] == ["test", "clean", "30", "120", "0", "0.00", "0.0 to 0.0", "", ""]
    assert rows[1][:6] == ["test", "noise_5db", "30", "120", "30", "25.00"]
    assert rows[1][6:] == ["25.0 to 25.0", "+25.00", "25.0 to 25.0"]
    assert rows[2][5] == "8.33"
    low, high = map(float, rows[2][8].split(" to "))
    assert 3 < low < 8.33 < high < 14


def test_a_set_that_is_not_scored_is_named(decoded):
    (decoded / "test_room" / "score_wer" / "ref.trn").unlink()
    with pytest.raises(FileNotFoundError, match="name test_room in --test_sets"):
        show()


def test_other_utterances_are_refused(decoded):
    for name in ("ref.trn", "hyp.trn"):
        path = decoded / "test_room" / "score_wer" / name
        path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(ValueError, match="not those of the clean set: "):
        show()
