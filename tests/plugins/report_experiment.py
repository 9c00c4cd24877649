"""A small experiment with the files that its stages write, for tests of the report."""

import json
from pathlib import Path

import numpy as np
import soundfile

from hamzaban.bin import score_text

REFS = {
    "s1-a": "در سال ۱۴۰۳ شرکت Google آمد",
    "s1-b": "تهران زیبا و شهر ری است",
    "s2-a": "کتاب\u200cها را می\u200cخوانم <b>&",
    "s2-b": "خوب است",
}
HYPS = {
    "s1-a": "در سال ۱۴۰۴ شرکت آمد",
    "s1-b": "طهران زیبا و شهری است",
    "s2-a": "کتابها را می خوانم <b>& آن",
    "s2-b": "خوب است",
}
RESULTS = (
    "2026-11-20T08:00:0{0} (trainer:394) INFO: {0}epoch results: [train] "
    "iter_time=0.006, loss={1}, optim0_lr0=2.0e-04, grad_norm=3.5, time=1 minute, "
    "total_count=96, [valid] loss={2}, wer={3}, cer={4}, time=1.46 seconds\n"
)


def make_experiment(root: Path, name: str, better: bool = False) -> Path:
    """Make exp/<name> with a scored set, and dump/raw; return exp/<name>."""
    exp, raw = root / "exp" / name, root / "dump" / "raw"
    for part in ("train", "valid", "test"):
        make_data_dir(raw / part)
    decoded = exp / "decode_greedy" / "test"
    decoded.mkdir(parents=True)
    hyps = {**HYPS, "s1-b": REFS["s1-b"]} if better else HYPS
    write_text(decoded / "text", hyps)
    words = ["--ref", raw / "test/text", "--utt2spk", raw / "test/utt2spk"]
    words += ["--hyp", decoded / "text", "--output_dir", decoded]
    score_text.main([*map(str, words), "--normalizer", "fa-score/1:abc"])
    lines = [RESULTS.format(e, 90 / e, 80 / e, 1 / e, 0.5 / e) for e in (1, 2, 3, 4)]
    log = "".join([*lines[:3], lines[1].replace("wer=0.5", "wer=0.25"), lines[3]])
    (exp / "train.log").write_text(log, "utf-8")
    rows = [
        f"{lm}\t{score}\t50\t{30 + lm - score}" for lm in (0, 1) for score in (0, 2)
    ]
    table = "\n".join(["lm_weight\tword_score\tbeam_size\twer", *rows, ""])
    (exp / "decode_greedy" / "tune.tsv").write_text(table)
    write_config(exp)
    write_stamps(root, exp)
    return exp


def add_decoding(
    root: Path, exp: Path, name: str, hyps: dict[str, str], dataset: str = "test"
) -> Path:
    """Add a scored decoding with times and confidences, as a beam search leaves it."""
    decoded, data_dir = exp / name / dataset, root / "dump" / "raw" / "test"
    decoded.mkdir(parents=True)
    write_text(decoded / "text", hyps)
    write_text(decoded / "confidence", dict.fromkeys(hyps, "-0.2231"))
    ctm = [
        f"{utt_id} 1 {0.1 + 0.1 * i:.2f} 0.08 {word} 0.9\n"
        for utt_id, text in hyps.items()
        for i, word in enumerate(text.split())
    ]
    (decoded / "ctm").write_text("".join(ctm), "utf-8")
    words = ["--ref", data_dir / "text", "--utt2spk", data_dir / "utt2spk"]
    words += ["--hyp", decoded / "text", "--output_dir", decoded]
    score_text.main([*map(str, words), "--normalizer", "fa-score/1:abc"])
    return decoded


def make_data_dir(path: Path) -> None:
    """Make a data directory with a second or more of sound for each utterance."""
    path.mkdir(parents=True, exist_ok=True)
    scp, samples = {}, {}
    for place, utt_id in enumerate(REFS):
        size = 16000 + 1600 * place
        speech = 0.1 * np.sin(np.arange(size) / 20)
        soundfile.write(path / f"{utt_id}.wav", speech, 16000)
        scp[utt_id] = f"{path.relative_to(path.parents[2])}/{utt_id}.wav"
        samples[utt_id] = str(size)
    write_text(path / "wav.scp", scp)
    write_text(path / "utt2num_samples", samples)
    write_text(path / "utt2spk", {utt_id: utt_id[:2] for utt_id in REFS})
    write_text(path / "text", REFS)


def write_text(path: Path, lines: dict[str, str]) -> None:
    """Write a Kaldi file."""
    text = "".join(f"{key} {rest}\n" for key, rest in lines.items())
    path.write_text(text, encoding="utf-8")


def write_config(exp: Path) -> None:
    """Write the part of ESPnet's config.yaml that the report reads, as JSON."""
    paths = {
        f"{part}_data_path_and_name_and_type": [
            [f"dump/raw/{part}/wav.scp", "speech", "sound"],
            [f"dump/raw/{part}/text", "text", "text"],
        ]
        for part in ("train", "valid")
    }
    config = {**paths, "frontend_conf": {"fs": 16000}}
    (exp / "config.yaml").write_text(json.dumps(config), "utf-8")


def write_stamps(root: Path, exp: Path) -> None:
    """Write stamps of two stages that made the experiment, and of one that did not."""
    name = f"exp/{exp.name}"
    stamps = {
        exp / ".config.yaml.train.stamp": {
            "step": "train",
            "command": ["hamzaban", "train-asr", "--asr_args", "a b"],
            "reads": ["dump/raw/train"],
            "makes": [f"{name}/config.yaml"],
            "started": "2026-11-20T08:00:00",
            "elapsed_s": 3725.2,
        },
        root / "dump/raw/.train.audio.stamp": {
            "step": "audio",
            "command": ["hamzaban", "format-audio", "data/train", "dump/raw/train"],
            "reads": ["data/train"],
            "makes": ["dump/raw/train"],
            "started": "2026-11-20T08:00:00",
            "elapsed_s": 9.0,
        },
        root / "exp/.other.stamp": {
            "step": "other",
            "command": ["hamzaban", "other"],
            "reads": [],
            "makes": ["exp/other"],
            "started": "2026-11-20T07:00:00",
            "elapsed_s": 1.0,
        },
    }
    for path, stamp in stamps.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        common = {"state": "done", "hamzaban": "0.1.0", "inputs": {}, "outputs": {}}
        path.write_text(json.dumps({**common, "host": "here", **stamp}))


def make_rounds(folder: Path) -> Path:
    """Make two rounds of pseudo-labelling, both scored, and a curve of hours."""
    from hamzaban.pseudo.plot import draw_rounds

    lines = ["round\tnum_kept\tkept_share\tdisagreement\tchurn\twer\tcer\tlabel_s"]
    lines += ["0\t40\t0.4\t0.512345\t-\t-\t-\t3", "1\t55\t0.55\t0.25\t0.3\t-\t-\t4"]
    folder.mkdir(parents=True)
    (folder / "rounds.tsv").write_text("\n".join([*lines, ""]))
    status = {"go_on": False, "best": 1, "why": "no round since 1 was <better>"}
    (folder / "status.json").write_text(json.dumps(status))
    draw_rounds(folder / "rounds.tsv", folder / "rounds.png", 1)
    curve = ["hours\twer", "1\t60", "10\t20", ""]
    (folder / "hours.tsv").write_text("\n".join(curve))
    for number, hyps in enumerate((HYPS, {**HYPS, "s1-b": REFS["s1-b"]})):
        decoded = folder / f"round_{number}" / "decode_target" / "test"
        decoded.mkdir(parents=True)
        write_text(decoded / "ref", REFS)
        write_text(decoded / "text", hyps)
        write_text(decoded / "utt2spk", {utt_id: utt_id[:2] for utt_id in REFS})
        words = ["--ref", decoded / "ref", "--utt2spk", decoded / "utt2spk"]
        words += ["--hyp", decoded / "text", "--output_dir", decoded]
        score_text.main([*map(str, words), "--normalizer", "fa-score/1:abc"])
    return folder
