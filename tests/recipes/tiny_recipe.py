"""A recipe that runs all stages in seconds: made-up words, a model of 16 channels."""

import random
from pathlib import Path

import numpy as np
import soundfile

from repository import ROOT

FS = 16000
WORDS = [
    "سلام",
    "دنيا",
    "باب",
    "كتاب",
    "نور",
    "بيت",
]  # each sounds like a chord of its own
SETS = {"train": 30, "valid": 6, "test": 6, "unlabelled": 10}  # utterances

# The last bytes of a repository with the recipe in it: a space, letters beyond ASCII.
FOLDER = "مخزن a/egs2/tiny/asr1"

RUN = """\
#!/usr/bin/env bash
set -euo pipefail
export OMP_WAIT_POLICY=passive # threads that wait leave the cores to others
exec ./asr.sh --lang ar --train_set train --valid_set valid --test_sets test \\
    --unlabelled_set unlabelled --ngpu 0 --nj 2 --nbpe 20 \\
    --pretrain_config conf/pretrain.yaml --asr_config conf/train_ctc.yaml \\
    --lm_config conf/lm.yaml \\
    --inference_config "conf/decode_greedy.yaml conf/decode_lexicon.yaml" "$@"
"""
DATA = """\
#!/usr/bin/env bash
set -euo pipefail
. ./path.sh
for name in train valid test unlabelled; do
    hamzaban copy-data "downloads/${name}" "data/${name}"
done
"""
MODEL = """\
    conv_feature_layers: "[(16, 10, 5)] + [(16, 3, 2)] * 4 + [(16, 2, 2)] * 2"
    encoder_layers: 2
    encoder_embed_dim: 16
    encoder_ffn_embed_dim: 32
    encoder_attention_heads: 2
    conv_pos: 8
    conv_pos_groups: 2
    final_dim: 8
    latent_vars: 8
"""
PRETRAIN = f"""\
base: ../../../../conf/pretrain.yaml
model_cfg:
{MODEL}
task_cfg:
    min_sample_size: 8000
batch_bins: 160000
max_epoch: 3
keep_nbest_models: 2
"""
TRAIN = """\
base: ../../../../conf/train_ctc.yaml
frontend_conf:
    freeze_updates: 4
batch_bins: 120000
max_epoch: 3
keep_nbest_models: 2
optim_conf:
    lr: 1.0e-2
"""
DECODE = "batch_bins: 60000\n"
LEXICON = """\
base: ../../../../conf/decode_lexicon.yaml
batch_bins: 60000
tune:
    lm_weight: [0.0, 0.5]
    word_score: [0.0]
"""
# With few random words, some sentences of valid and test resemble those of train.
REASON = "words at random"
LM = f"""\
base: ../../../../conf/lm.yaml
char: null
allow_leaks: {{exact: {REASON}, near: {REASON}}}
"""
LEAKS = f"allow_leaks: {{exact: {REASON}, near: {REASON}}}\n"


def make_recipe(root: Path) -> Path:
    """Write a repository that links to this one, except for the recipe `tiny`.

    Args:
        root: Folder to write into.

    Returns:
        The recipe's folder.
    """
    recipe = root / FOLDER
    for name in ("conf", "downloads", "local"):
        (recipe / name).mkdir(parents=True)
    repository = recipe.parents[2]
    for name in ("local", "conf", "egs2/TEMPLATE"):
        (repository / name).symlink_to(ROOT / name)
    (recipe / "asr.sh").symlink_to("../../../local/asr.sh")
    (recipe / "path.sh").symlink_to("../../TEMPLATE/asr1/path.sh")
    for name, text in (("run.sh", RUN), ("local/data.sh", DATA)):
        (recipe / name).write_text(text, encoding="utf-8")
        (recipe / name).chmod(0o755)
    configs = {"pretrain": PRETRAIN, "train_ctc": TRAIN, "decode_greedy": DECODE}
    configs |= {"decode_lexicon": LEXICON, "lm": LM, "leaks": LEAKS}
    for name, text in configs.items():
        (recipe / "conf" / f"{name}.yaml").write_text(text, encoding="utf-8")
    for seed, (name, num_utts) in enumerate(SETS.items()):
        write_set(recipe, name, num_utts, seed)
    return recipe


def write_set(recipe: Path, name: str, num_utts: int, seed: int) -> None:
    """Write downloads/<name>: a data directory of two speakers, a recording each."""
    rng, words = np.random.default_rng(seed), random.Random(seed)
    folder = recipe / "downloads" / name
    folder.mkdir()
    lines: dict[str, list[str]] = {"wav.scp": [], "segments": [], "utt2spk": []}
    lines |= {"spk2utt": [], "text": []}
    for spk in (f"{name}-spk1", f"{name}-spk2"):
        audio, start_s = [], 0.0
        utts = [f"{spk}-utt{number:02}" for number in range(num_utts // 2)]
        for utt in utts:
            chosen = words.choices(range(len(WORDS)), k=words.randint(3, 5))
            audio.append(np.concatenate([say(word, rng) for word in chosen]))
            end_s = start_s + len(audio[-1]) / FS
            lines["segments"].append(f"{utt} {spk} {start_s:.4f} {end_s:.4f}")
            lines["utt2spk"].append(f"{utt} {spk}")
            lines["text"].append(f"{utt} {' '.join(WORDS[word] for word in chosen)}")
            start_s = end_s
        path = Path("downloads") / f"{spk}.flac"
        soundfile.write(recipe / path, np.concatenate(audio), FS)
        lines["wav.scp"].append(f"{spk} {path}")
        lines["spk2utt"].append(f"{spk} {' '.join(utts)}")
    if name == "unlabelled":
        del lines["text"]
    for file, content in lines.items():
        text = "".join(f"{line}\n" for line in content)
        (folder / file).write_text(text, encoding="utf-8")


def say(word: int, rng: np.random.Generator) -> np.ndarray:
    """Return 0.32 to 0.48 s of a chord and noise, the same chord for each word."""
    time_s = np.arange(int(rng.integers(32, 48)) * FS // 100) / FS
    tones = [np.sin(2 * np.pi * pitch * time_s) for pitch in chord(word)]
    return 0.2 * sum(tones) + rng.normal(0, 0.02, len(time_s))


def chord(word: int) -> tuple[float, float]:
    """Return the two pitches of a word, in Hz."""
    return 200.0 + 70 * word, 1100.0 + 310 * (word * 5 % len(WORDS))
