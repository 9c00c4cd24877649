"""The pretraining step of wav2vec 2.0 around S3PRL's own model."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from espnet2.torch_utils.device_funcs import force_gatherable
from espnet2.train.abs_espnet_model import AbsESPnetModel
from s3prl.upstream.wav2vec2.wav2vec2_model import (
    GradMultiply,
    Wav2Vec2Config,
    Wav2Vec2Model,
)
from torch import Tensor

from hamzaban.pretrain.criterion import contrast, drop_equal_targets, similarity
from hamzaban.pretrain.masked_batch import MaskedBatch, build_masked_batch, to_slots
from hamzaban.pretrain.quantize import Quantized, quantize
from hamzaban.pretrain.spectral_loss import SpectralAnchor
from hamzaban.wav2vec2.frames import count_frames, parse_conv_layers
from hamzaban.wav2vec2.masked_norm import mask_group_norm, valid_lengths
from hamzaban.wav2vec2.masking import MaskOptions, sample_masks, sample_negatives


@dataclass(frozen=True)
class LossOptions:
    """Terms added to the contrastive loss, and the seed of validation.

    Attributes:
        diversity_weight: Weight of the share of the codebook that is not used.
        feature_weight: Weight of the mean square of the extractor's output.
        spectral_weight: Weight of the spectral anchor (see `spectral_loss`); 0: off.
        valid_seed: Seed of masks and negatives in validation, together with utt_id.
    """

    diversity_weight: float = 0.1
    feature_weight: float = 10.0
    spectral_weight: float = 0.0
    valid_seed: int = 0


class Latents(NamedTuple):
    """Output of the convolutions for a batch.

    Attributes:
        features: Normalized features, shape (B, T, C).
        padding: True where a frame is padding, shape (B, T), or None without padding.
        num_frames: Valid frames of each utterance.
        penalty: Mean square of the unnormalized valid features, a scalar.
        spectral: Error of the spectra predicted from them, a scalar, or None.
    """

    features: Tensor
    padding: Tensor | None
    num_frames: list[int]
    penalty: Tensor
    spectral: Tensor | None


class PretrainModel(AbsESPnetModel):
    """wav2vec 2.0 with its pretraining loss.

    Each utterance is treated as if it were alone: padding enters no statistic, is not
    masked, not attended to and never a negative.

    Args:
        model_cfg: All fields of S3PRL's `Wav2Vec2Config`.
        losses: Weights of the losses.
    """

    def __init__(self, model_cfg: dict[str, Any], losses: LossOptions) -> None:
        """Build the model with random weights."""
        super().__init__()
        cfg = Wav2Vec2Config(**model_cfg)
        self.wav2vec2 = Wav2Vec2Model(cfg)
        mask_group_norm(self.wav2vec2.feature_extractor)
        self.losses = losses
        self.masking = MaskOptions(
            prob=cfg.mask_prob,
            length=cfg.mask_length,
            selection=cfg.mask_selection,
            other=cfg.mask_other,
            dropout=cfg.mask_dropout,
            require_same=cfg.require_same_masks,
        )
        self.conv_shapes = parse_conv_layers(cfg.conv_feature_layers)
        self.anchor: SpectralAnchor | None = None
        if losses.spectral_weight > 0:
            dim = self.wav2vec2.layer_norm.normalized_shape[0]
            self.anchor = SpectralAnchor(self.conv_shapes, dim)

    def set_num_updates(self, num_updates: int) -> None:
        """Set the Gumbel temperature that belongs to a number of optimizer updates."""
        self.wav2vec2.quantizer.set_num_updates(num_updates)

    def forward(
        self,
        speech: Tensor,
        speech_lengths: Tensor,
        utt_id: Sequence[str] = (),
        **_: Any,
    ) -> dict[str, Any]:
        """Compute the pretraining loss of a batch.

        Args:
            speech: Waveforms, shape (B, S), zero where padded.
            speech_lengths: Samples of each utterance, shape (B,).
            utt_id: Names of the utterances, B of them; they fix the random choices of
                validation.

        Returns:
            `loss` (nats per masked frame), `stats` and `weight` (masked frames), as
            ESPnet's trainer expects.

        Raises:
            ValueError: An utterance makes fewer than two frames.
        """
        return self.make_gatherable(self.compute_ssl(speech, speech_lengths, utt_id))

    def compute_ssl(
        self, speech: Tensor, speech_lengths: Tensor, utt_id: Sequence[str]
    ) -> dict[str, Any]:
        """Compute the loss, with the arguments and results of `forward`."""
        num_samples = speech_lengths.tolist()
        self._check_lengths(num_samples, utt_id)
        latents = self.extract(speech, num_samples)
        draw = self._draw(latents, utt_id)
        context = self._encode(latents, draw.mask)
        masked = latents.features.flatten(0, 1).index_select(0, draw.frames)
        masked = self.wav2vec2.dropout_features(masked)  # (N, C)
        quantized = quantize(self.wav2vec2.quantizer, masked)
        return self._add_losses(context, quantized, latents, draw)

    def make_gatherable(self, result: dict[str, Any]) -> dict[str, Any]:
        """Return a result in the form that ESPnet gathers from several processes."""
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            device = result["loss"].device
            return {k: force_gatherable(v, device) for k, v in result.items()}
        return result

    def extract(self, speech: Tensor, num_samples: list[int]) -> Latents:
        """Run the convolutions.

        Args:
            speech: Waveforms, shape (B, S).
            num_samples: Samples of each utterance.

        Returns:
            The features of the waveforms.
        """
        model = self.wav2vec2
        num_frames = [count_frames(n, self.conv_shapes) for n in num_samples]
        with (
            torch.set_grad_enabled(
                torch.is_grad_enabled() and model.feature_grad_mult > 0
            ),
            valid_lengths(model.feature_extractor, num_samples),
        ):
            waves = speech.to(model.mask_emb.dtype)
            features = model.feature_extractor(waves)  # (B, C, T)
        if model.feature_grad_mult not in (0.0, 1.0):
            features = GradMultiply.apply(features, model.feature_grad_mult)
        features = features.transpose(1, 2)  # (B, T, C)
        padding = None
        if min(num_frames) < features.size(1):
            ends = torch.tensor(num_frames, device=features.device).unsqueeze(1)
            padding = torch.arange(features.size(1), device=ends.device) >= ends
            features = features.masked_fill(padding.unsqueeze(2), 0)
        size = sum(num_frames) * features.size(2)
        penalty = features.float().pow(2).sum() / size
        normed = model.layer_norm(features)
        spectral = None
        if self.anchor is not None:
            spectral = self.anchor(normed, speech, padding)
        return Latents(normed, padding, num_frames, penalty, spectral)

    def collect_feats(self, **batch: Tensor) -> dict[str, Tensor]:
        """Return nothing: pretraining needs no statistics of features."""
        return {}

    def _check_lengths(self, num_samples: list[int], utt_id: Sequence[str]) -> None:
        shortest = min(num_samples)
        frames = count_frames(shortest, self.conv_shapes)
        if frames < 2:
            name = utt_id[num_samples.index(shortest)] if utt_id else "an utterance"
            raise ValueError(
                f"{name}: {shortest} samples make {frames} frames, expected at least "
                "2; set task_cfg.min_sample_size and give a shape file"
            )

    def project(self, latents: Latents) -> Tensor:
        """Return the unmasked input of the transformer, shape (B, T, E)."""
        hidden = latents.features
        if self.wav2vec2.post_extract_proj is not None:
            hidden = self.wav2vec2.post_extract_proj(hidden)
        return self.wav2vec2.dropout_input(hidden)

    def _encode(self, latents: Latents, mask: Tensor) -> Tensor:
        """Return the context vectors, shape (B, T, E), with masked frames hidden."""
        model = self.wav2vec2
        hidden = self.project(latents)
        embedding = model.mask_emb.to(hidden.dtype)
        hidden = torch.where(mask.unsqueeze(2), embedding, hidden)
        return model.encoder(hidden, padding_mask=latents.padding)[0]

    def _draw(self, latents: Latents, utt_id: Sequence[str]) -> MaskedBatch:
        """Draw masked frames and negatives."""
        batch, total = latents.features.shape[:2]
        rngs = self._generators(batch, utt_id)
        masks = sample_masks(latents.num_frames, self.masking, rngs)
        return build_masked_batch(
            masks,
            [
                sample_negatives(mask.size, self.wav2vec2.n_negatives, rng)
                for mask, rng in zip(masks, rngs, strict=True)
            ],
            num_frames=latents.num_frames,
            total=total,
            device=latents.features.device,
        )

    def _generators(
        self, batch: int, utt_id: Sequence[str]
    ) -> Sequence[np.random.Generator]:
        """Return a generator for each utterance; in validation its name is the seed."""
        names = [zlib.crc32(name.encode()) for name in utt_id]
        if self.training or len(names) != batch:
            drawn = int(torch.randint(2**62, ()))
            return [np.random.default_rng([drawn, *names])] * batch
        return [np.random.default_rng([self.losses.valid_seed, n]) for n in names]

    def _add_losses(
        self, context: Tensor, quantized: Quantized, latents: Latents, draw: MaskedBatch
    ) -> dict[str, Any]:
        model = self.wav2vec2
        queries = context.flatten(0, 1).index_select(0, draw.frames)
        queries = to_slots(model.final_proj(queries), draw)  # (B, M, D)
        targets = model.project_q(quantized.vectors)
        if model.target_glu is not None:
            targets = model.target_glu(targets)
        counts = drop_equal_targets(draw.counts, to_slots(quantized.codes, draw))
        with torch.autocast(context.device.type, enabled=False):
            scores = similarity(queries, to_slots(targets, draw), model.logit_temp)
            result = contrast(scores, counts, draw.valid)
        num_masked = draw.frames.numel()
        contrastive = result.loss / num_masked
        entries = model.quantizer.groups * model.quantizer.num_vars
        diversity = (entries - quantized.prob_perplexity.sum()) / entries
        loss = (
            contrastive
            + self.losses.diversity_weight * diversity
            + self.losses.feature_weight * latents.penalty
        )
        stats = {
            "loss": loss.detach(),
            "loss_contrastive": contrastive.detach(),
            "loss_diversity": diversity.detach(),
            "loss_features": latents.penalty.detach(),
            "acc": result.num_correct / num_masked,
            "temperature": model.quantizer.curr_temp,
            "mask_share": num_masked / draw.num_valid,
        }
        for group, perplexity in enumerate(quantized.code_perplexity, 1):
            stats[f"code_perplexity{group}"] = perplexity.detach()
        if latents.spectral is not None:
            loss = loss + self.losses.spectral_weight * latents.spectral
            stats.update(loss=loss.detach(), loss_spectral=latents.spectral.detach())
        weight = loss.new_tensor(float(num_masked))
        return {"loss": loss, "stats": stats, "weight": weight}
