"""A tiny experiment directory as train-asr writes it, with random weights."""

import random

import numpy as np
import soundfile
import yaml

from hamzaban.bin.make_tokens import main as make_tokens

WORDS = ["می‌روم", "نمی‌آید", "کتاب‌ها", "خانه", "سلام", "دنیا", "بزرگ", "است", "باغ"]
CONV = "[(32, 10, 5)] + [(32, 3, 2)] * 4 + [(32, 2, 2)] * 2"
MODEL_NAME = "valid.wer.ave.pth"


def write_checkpoint(path, mode="default", width=32, layers=2, conv=CONV):
    """Write random weights as {task_cfg, model_cfg, model_weight}.

    Args:
        path: The file.
        mode: `default` (group norm) or `layer_norm`.
        width: Width of the transformer.
        layers: Layers of the transformer.
        conv: `conv_feature_layers`.
    """
    import dataclasses

    import torch

    from hamzaban import compat

    with compat.fast_imports():
        from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config, Wav2Vec2Model

    config = Wav2Vec2Config(
        extractor_mode=mode,
        layer_norm_first=mode == "layer_norm",
        conv_feature_layers=conv,
        encoder_layers=layers,
        encoder_embed_dim=width,
        encoder_ffn_embed_dim=2 * width,
        encoder_attention_heads=4,
        conv_pos=16,
        conv_pos_groups=4,
        final_dim=16,
        latent_vars=8,
        latent_groups=2,
        quantize_targets=True,
    )
    torch.manual_seed(0)
    model_cfg = {
        name: value.value if hasattr(value, "value") else value
        for name, value in dataclasses.asdict(config).items()
    }
    weights = Wav2Vec2Model(config).state_dict()
    task_cfg = {"normalize": mode == "layer_norm"}
    checkpoint = {"task_cfg": task_cfg, "model_cfg": model_cfg}
    torch.save({**checkpoint, "model_weight": weights}, path)


def write_audio(data_dir, lengths, seed=0):
    """Write a data directory of noisy chirps and random transcripts.

    Args:
        data_dir: The directory.
        lengths: Samples of each utterance.
        seed: Seed of the noise and the words.
    """
    rng, words = np.random.default_rng(seed), random.Random(seed)
    (data_dir / "audio").mkdir(parents=True)
    rows = []
    for i, length in enumerate(lengths):
        time = np.arange(length) / 16000
        pitch = rng.uniform(200, 900, 1 + length // 3200).repeat(3200)[:length]
        speech = 0.3 * np.sin(2 * np.pi * pitch * time) + rng.normal(0, 0.05, length)
        path = data_dir / "audio" / f"{i:03d}.flac"
        soundfile.write(path, speech.clip(-1, 1), 16000)
        text = " ".join(words.choices(WORDS, k=words.randint(1, 5)))
        rows.append((f"spk{i % 2}-utt{i:03d}", path, length, text))
    rows.sort()
    for column, name in ((1, "wav.scp"), (2, "utt2num_samples"), (3, "text")):
        lines = "".join(f"{row[0]} {row[column]}\n" for row in rows)
        (data_dir / name).write_text(lines, encoding="utf-8")
    return data_dir


def write_experiment(folder, tokens, checkpoint, sharpness=8.0):
    """Write `config.yaml` and a model file into folder/exp.

    Args:
        folder: Folder to write to.
        tokens: A folder that make-tokens wrote.
        checkpoint: File that `write_checkpoint` wrote.
        sharpness: Factor of the random weights of the CTC layer.
    """
    import torch

    from hamzaban import compat
    from hamzaban.decode.recognizer import read_config

    with compat.fast_imports():
        from hamzaban.asr.task import ASRTask

    is_bpe = (tokens / "bpe.model").exists()
    upstream = {"upstream": "wav2vec2_custom", "path_or_url": str(checkpoint)}
    config = {
        "token_type": "bpe" if is_bpe else "char",
        "token_list": str(tokens / "tokens.txt"),
        "bpemodel": str(tokens / "bpe.model") if is_bpe else None,
        "frontend": "hamzaban_s3prl",
        "frontend_conf": {"frontend_conf": upstream},
        "model": "hamzaban_ctc",
        "model_conf": {"ctc_weight": 1.0},
        "normalize": None,
        "encoder": None,
        "decoder": None,
    }
    path = folder / "train_tiny.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    exp = folder / "exp"
    words = ["--config", path, "--output_dir", exp, "--dry_run", "true", "--ngpu", "0"]
    ASRTask.main(cmd=[str(word) for word in words])
    torch.manual_seed(1)
    model = ASRTask.build_model(read_config(exp / "config.yaml"))
    torch.nn.init.normal_(model.ctc.ctc_lo.weight, std=sharpness)
    torch.save(model.state_dict(), exp / MODEL_NAME)
    return exp


def write_tokens(folder, text, *options):
    """Write a token list of the text file into the folder."""
    words = ["--output_dir", str(folder), *map(str, options), str(text)]
    make_tokens(words)
    return folder
