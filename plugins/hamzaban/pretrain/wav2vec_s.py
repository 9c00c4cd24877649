"""wav2vec-S: self-supervised and character CTC loss in one pretraining task.

Zhu et al. 2022 (arXiv 2110.04484) pretrain a self-supervised model further with both
losses, CTC on characters of a labelled source language, and fine-tune the encoder to
the target language without the character layer. The abstract gives no weights, schedule
or layer, so these defaults are our choice.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor, nn
from torch.nn import functional as F

from hamzaban.asr.frontend_options import FineTuning
from hamzaban.asr.masking import mask_latent
from hamzaban.asr.model import count_ctc_frames, ctc_loss
from hamzaban.config import option, read_dataclass
from hamzaban.pretrain.mixing import MODES, Mixture
from hamzaban.pretrain.model import LossOptions, PretrainModel
from hamzaban.text.tokens import CharTokenizer


@dataclasses.dataclass(frozen=True)
class SemiOptions:
    """How labelled speech takes part in pretraining.

    Attributes:
        mode: `alternate` updates without and with labels, or `sum` both losses.
        ratio: Updates of a turn without and with labels, for `alternate`.
        ssl_weight: Weight of the self-supervised loss (nats a masked frame).
        ctc_weight: Weight of the CTC loss (nats a character).
        layer: Transformer layer whose output the characters are read from, counted from
            1; -1 is the last.
        dropout: Dropout before the character layer.
        mask_prob: Share of frames of labelled speech that would be masked if spans
            never overlapped.
        mask_length: Frames of a span.
        mask_channel_prob: Share of channels masked in labelled speech.
        mask_channel_length: Channels of a span.
    """

    mode: str = option("alternate", choices=MODES)
    ratio: tuple[int, int] = option((1, 1), at_least=1)
    ssl_weight: float = option(1.0, at_least=0)
    ctc_weight: float = option(1.0, at_least=0)
    layer: int = option(-1, at_least=-1)
    dropout: float = option(0.1, at_least=0, at_most=1)
    mask_prob: float = option(0.5, at_least=0, at_most=1)
    mask_length: int = option(10, at_least=1)
    mask_channel_prob: float = option(0.25, at_least=0, at_most=1)
    mask_channel_length: int = option(64, at_least=1)

    @property
    def masking(self) -> FineTuning:
        """Return the masking of labelled speech as options of fine-tuning."""
        names = ("prob", "length", "channel_prob", "channel_length")
        return FineTuning(**{f"mask_{n}": getattr(self, f"mask_{n}") for n in names})

    def mixture(self, accum_grad: int) -> Mixture:
        """Return the order of batches of both kinds."""
        return Mixture(self.mode, self.ratio, accum_grad)


def read_semi_options(values: Mapping[str, Any]) -> SemiOptions:
    """Read `semi_conf`.

    Raises:
        ValueError: A key is unknown or a value is wrong.
    """
    return read_dataclass(SemiOptions, values, "semi_conf")


class LabelledSpeech:
    """Normalizes the waveform and tokenizes the transcript of an utterance."""

    def __init__(self, normalize: bool, tokenizer: CharTokenizer) -> None:
        """Store the options."""
        self.normalize, self.tokenizer = normalize, tokenizer

    def __call__(self, utt_id: str, data: dict[str, Any]) -> dict[str, np.ndarray]:
        """Prepare `speech`, shape (S,), and `text`, a line."""
        from hamzaban.pretrain.batching import CropSpeech

        speech = CropSpeech(self.normalize, None, False)(utt_id, data)["speech"]
        ids = self.tokenizer.tokens2ids(self.tokenizer.text2tokens(data["text"]))
        return {"speech": speech, "text": np.array(ids, dtype=np.int64)}


class SemiSupervisedModel(PretrainModel):
    """wav2vec 2.0 with its pretraining loss and a character layer for CTC.

    The character layer is a parameter of the run, not of the wav2vec 2.0 model: the
    exported checkpoint does not have it.
    """

    pooled_stats = {"cer": ("char_errors", "chars")}

    def __init__(
        self,
        model_cfg: dict[str, Any],
        losses: LossOptions,
        semi: SemiOptions,
        num_tokens: int,
    ) -> None:
        """Build the model with random weights.

        Args:
            model_cfg: All fields of S3PRL's `Wav2Vec2Config`.
            losses: Weights of the self-supervised losses.
            semi: How labelled speech takes part.
            num_tokens: Number of characters, blank among them, V.

        Raises:
            ValueError: There is no such layer.
        """
        super().__init__(model_cfg, losses)
        depth = len(self.wav2vec2.encoder.layers)
        if semi.layer != -1 and not 1 <= semi.layer <= depth:
            raise ValueError(
                f"semi_conf: layer is {semi.layer}, expected 1..{depth}, or -1"
            )
        self.semi = semi
        self.char_head = nn.Linear(self.wav2vec2.encoder.embedding_dim, num_tokens)

    def forward(
        self,
        speech: Tensor | None = None,
        speech_lengths: Tensor | None = None,
        utt_id: Sequence[str] = (),
        **labelled: Any,
    ) -> dict[str, Any]:
        """Compute the loss of a batch with or without labels, or of both.

        Args:
            speech: Waveforms without labels, shape (B, S).
            speech_lengths: Their samples, shape (B,).
            utt_id: Their names.
            **labelled: labelled_speech (B, S), labelled_speech_lengths (B,), text
                (B, L), text_lengths (B,) of speech with labels.

        Returns:
            `loss`, `stats` and `weight` (masked frames; characters for a batch with
            labels only).
        """
        result: dict[str, Any] = {"loss": 0.0, "stats": {}, "weight": None}
        if speech is not None and speech_lengths is not None:
            result = self.compute_ssl(speech, speech_lengths, utt_id)
            result["loss"] = self.semi.ssl_weight * result["loss"]
            result["stats"]["loss_ssl"] = result["stats"]["loss"]
        if "text" in labelled:
            loss, stats, weight = self.compute_ctc(**labelled)
            result["loss"] = result["loss"] + self.semi.ctc_weight * loss
            result["stats"].update(stats)
            if result["weight"] is None:
                result["weight"] = weight
        result["stats"]["loss"] = result["loss"].detach()
        return self.make_gatherable(result)

    def compute_ctc(
        self,
        labelled_speech: Tensor,
        labelled_speech_lengths: Tensor,
        text: Tensor,
        text_lengths: Tensor,
    ) -> tuple[Tensor, dict[str, Any], Tensor]:
        """Compute the CTC loss of labelled speech.

        Args:
            labelled_speech: Waveforms, shape (B, S).
            labelled_speech_lengths: Their samples, shape (B,).
            text: Character ids, -1 behind the end, shape (B, L).
            text_lengths: Their numbers, shape (B,).

        Returns:
            Negative log-likelihood of a character in nats, statistics, and the number
            of characters.
        """
        logits, num_frames = self.read_characters(
            labelled_speech, labelled_speech_lengths.tolist()
        )
        frames = torch.tensor(num_frames, device=logits.device)
        keep = frames >= count_ctc_frames(text, text_lengths)
        mean = ctc_loss(logits, frames, text, text_lengths, keep=keep)
        num_chars = text_lengths[keep].sum()
        loss = mean * keep.sum() / num_chars.clamp(min=1)
        stats: dict[str, Any] = {
            "loss_ctc": loss.detach(),
            "too_short": 1 - keep.float().mean(),
        }
        if not self.training:
            stats.update(count_char_errors(logits, num_frames, text, text_lengths))
        return loss, stats, text_lengths.sum().to(loss.dtype)

    def read_characters(
        self, speech: Tensor, num_samples: list[int]
    ) -> tuple[Tensor, list[int]]:
        """Return the scores of the characters, shape (B, T, V), and valid frames."""
        model = self.wav2vec2
        latents = self.extract(speech, num_samples)
        hidden = self.project(latents)
        frames = [max(n, 1) for n in latents.num_frames]
        if self.training:
            hidden = mask_latent(hidden, frames, model.mask_emb, self.semi.masking)
        depth = len(model.encoder.layers)
        if self.semi.layer in (-1, depth):
            hidden = model.encoder(hidden, padding_mask=latents.padding)[0]
        else:
            layer = self.semi.layer - 1
            hidden = model.encoder(hidden, latents.padding, layer=layer)[0]
            if model.encoder.layer_norm_first:
                hidden = F.layer_norm(hidden, hidden.shape[-1:])
        hidden = F.dropout(hidden, self.semi.dropout, self.training)
        return self.char_head(hidden), latents.num_frames


def count_char_errors(
    logits: Tensor, num_frames: Sequence[int], text: Tensor, text_lengths: Tensor
) -> dict[str, float]:
    """Count the errors of greedy decoding, divided by the number of characters.

    Args:
        logits: Scores, blank first, shape (B, T, V).
        num_frames: Valid frames of each utterance.
        text: Character ids, shape (B, L).
        text_lengths: Their numbers, shape (B,).

    Returns:
        `char_errors` and `chars` as means over characters: their ratio is the error
        rate.
    """
    errors = total = 0
    best = logits.argmax(-1).cpu()  # (B, T)
    rows = zip(best, num_frames, text.tolist(), text_lengths.tolist(), strict=True)
    for path, frames, ids, length in rows:
        collapsed = torch.unique_consecutive(path[:frames]).tolist()
        hyp = [token for token in collapsed if token != 0]
        errors += Levenshtein.distance(hyp, ids[:length])
        total += length
    return {"char_errors": errors / max(total, 1), "chars": 1.0}
