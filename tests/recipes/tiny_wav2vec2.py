"""Checkpoints of a few thousand parameters, in our form; written in a moment."""

from pathlib import Path

MODEL = {
    "conv_feature_layers": "[(16, 10, 5)] + [(16, 3, 2)] * 4 + [(16, 2, 2)] * 2",
    "encoder_layers": 1,
    "encoder_embed_dim": 16,
    "encoder_ffn_embed_dim": 32,
    "encoder_attention_heads": 2,
    "conv_pos": 8,
    "conv_pos_groups": 2,
    "final_dim": 8,
    "latent_vars": 8,
}


def write_tiny_checkpoint(path: Path, seed: int = 0) -> Path:
    """Write a wav2vec 2.0 with random weights, as train-ssl or import-ssl would."""
    import torch
    from s3prl.upstream.wav2vec2.wav2vec2_model import Wav2Vec2Config, Wav2Vec2Model

    from hamzaban.wav2vec2.checkpoint import Checkpoint, write_checkpoint
    from hamzaban.wav2vec2.config import make_model_cfg, make_task_cfg

    cfg = make_model_cfg(MODEL, "tiny")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        weights = Wav2Vec2Model(Wav2Vec2Config(**cfg)).state_dict()
    write_checkpoint(path, Checkpoint(make_task_cfg({}, "tiny"), cfg, weights))
    return path
