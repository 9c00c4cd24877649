"""A CTC recognizer as an ESPnet2 ASR model."""

import logging
from collections.abc import Sequence
from typing import Any

import torch
from espnet2.asr.ctc import CTC
from espnet2.asr.espnet_model import ESPnetASRModel
from espnet2.torch_utils.device_funcs import force_gatherable
from torch import Tensor
from torch.nn import functional as F

from hamzaban.text.edits import count_edits
from hamzaban.text.tokens import Tokenizer

_MAX_NAMED = 20


class HamzabanCTC(ESPnetASRModel):
    """A frontend and a linear layer trained with CTC; validation reports WER and CER.

    An utterance with fewer frames than CTC needs for its transcript is left out of the
    loss and counted; `too_short` is the share of such utterances.

    Attributes:
        pooled_stats: Ratios of errors to lengths that the trainer pools over a set.
        tokenizer: Converts token ids to text for WER and CER; without one neither is
            computed. ASRTask sets it.
    """

    pooled_stats = {
        "wer": ("word_errors", "words"),
        "cer": ("char_errors", "chars"),
    }
    tokenizer: Tokenizer | None = None

    def __init__(
        self,
        vocab_size: int,
        token_list: Sequence[str],
        ctc: CTC,
        decoder: Any = None,
        ctc_weight: float = 1.0,
        **parts: Any,
    ) -> None:
        """Build the model.

        Args:
            vocab_size: Number of tokens, V.
            token_list: The tokens; blank is the first.
            ctc: ESPnet's CTC head, with its linear layer.
            decoder: Must be None.
            ctc_weight: Must be 1.0.
            **parts: The other parts and options of `ESPnetASRModel`.

        Raises:
            ValueError: If there is a decoder or a weight for one.
        """
        if decoder is not None or ctc_weight != 1.0:
            raise ValueError(
                f"model hamzaban_ctc: decoder {type(decoder).__name__} and ctc_weight "
                f"{ctc_weight} found, expected no decoder and 1.0; correct the config"
            )
        parts = {**parts, "report_cer": False, "report_wer": False}
        parts.setdefault("joint_network", None)
        super().__init__(
            vocab_size=vocab_size,
            token_list=list(token_list),
            ctc=ctc,
            decoder=None,
            ctc_weight=1.0,
            **parts,
        )
        self._named: set[str] = set()

    def forward(
        self,
        speech: Tensor,
        speech_lengths: Tensor,
        text: Tensor,
        text_lengths: Tensor,
        **kwargs: Any,
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Compute the CTC loss of a batch, and its errors in validation.

        Args:
            speech: Waveforms in -1..1, shape (B, S).
            speech_lengths: Samples of each utterance, shape (B,).
            text: Token ids, -1 behind the end, shape (B, L).
            text_lengths: Tokens of each utterance, shape (B,).
            **kwargs: utt_id, the B names.

        Returns:
            The mean negative log-likelihood of a transcript in nats, statistics as
            means over utterances, and B.
        """
        encoder_out, frames = self.encode(speech, speech_lengths)  # (B, T, D), (B,)
        hidden = F.dropout(encoder_out, self.ctc.dropout_rate, self.training)
        logits = self.ctc.ctc_lo(hidden)  # (B, T, V)
        keep = frames >= count_ctc_frames(text, text_lengths)
        loss = ctc_loss(
            logits, frames, text, text_lengths, keep=keep, blank_id=self.blank_id
        )
        is_short = 1 - keep.float().mean()
        if is_short > 0:
            self._name_short(kwargs.get("utt_id"), keep)
        stats = {"loss": loss.detach(), "too_short": is_short}
        if not self.training and self.tokenizer is not None:
            stats.update(self.count_errors(logits, frames, text, text_lengths))
        return force_gatherable((loss, stats, speech.size(0)), loss.device)

    def count_errors(
        self, logits: Tensor, frames: Tensor, text: Tensor, text_lengths: Tensor
    ) -> dict[str, float]:
        """Count the errors of greedy decoding, as means over the utterances.

        Words are separated by spaces; a space is a character. An unknown token in the
        reference is always an error.

        Args:
            logits: Scores of the tokens, shape (B, T, V).
            frames: Valid frames, shape (B,).
            text: Token ids, shape (B, L).
            text_lengths: Their numbers, shape (B,).
        """
        assert self.tokenizer is not None
        best = logits.argmax(-1).cpu()  # (B, T)
        refs, hyps = [], []
        for path, num, ids, length in zip(
            best, frames.tolist(), text.tolist(), text_lengths.tolist(), strict=True
        ):
            collapsed = torch.unique_consecutive(path[:num]).tolist()
            skipped = (self.blank_id, self.tokenizer.unk_id)
            hyps.append(
                self._spell([token for token in collapsed if token not in skipped])
            )
            refs.append(self._spell(ids[:length]))
        edits = count_edits(refs, hyps, count_spaces=True)
        return {name: count / len(best) for name, count in edits._asdict().items()}

    def set_num_updates(self, num_updates: int) -> None:
        """Pass the number of optimizer updates so far to the frontend."""
        tell = getattr(self.frontend, "set_num_updates", None)
        if tell is not None:
            tell(num_updates)

    def _spell(self, ids: Sequence[int]) -> str:
        assert self.tokenizer is not None
        return self.tokenizer.tokens2text(self.tokenizer.ids2tokens(ids))

    def _name_short(self, utt_ids: Sequence[str] | None, keep: Tensor) -> None:
        for utt_id, is_kept in zip(utt_ids or (), keep.tolist(), strict=False):
            if not is_kept and len(self._named) < _MAX_NAMED:
                if utt_id not in self._named:
                    logging.warning(
                        f"{utt_id}: fewer frames than CTC needs for its transcript; "
                        "left out of the loss"
                    )
                self._named.add(utt_id)


def count_ctc_frames(text: Tensor, text_lengths: Tensor) -> Tensor:
    """Count the frames that CTC needs, with a blank between equal neighbours.

    Args:
        text: Token ids, shape (B, L).
        text_lengths: Their numbers, shape (B,).

    Returns:
        Frames, shape (B,), at least 1.
    """
    repeats = text[:, 1:] == text[:, :-1]  # (B, L - 1)
    inside = torch.arange(1, text.size(1), device=text.device) < text_lengths[:, None]
    return (text_lengths + (repeats & inside).sum(1)).clamp(min=1)


def ctc_loss(
    logits: Tensor,
    frames: Tensor,
    text: Tensor,
    text_lengths: Tensor,
    *,
    keep: Tensor,
    blank_id: int = 0,
) -> Tensor:
    """Return the mean CTC loss of the kept utterances, 0 if there is none.

    Args:
        logits: Scores of the tokens, shape (B, T, V).
        frames: Valid frames, shape (B,).
        text: Token ids, shape (B, L).
        text_lengths: Their numbers, shape (B,).
        keep: Utterances to use, shape (B,); each has enough frames.
        blank_id: Id of the blank.

    Returns:
        Negative log-likelihood of a transcript in nats.
    """
    if not keep.all():
        if not keep.any():
            return logits.sum() * 0.0
        logits, frames = logits[keep], frames[keep]
        text, text_lengths = text[keep], text_lengths[keep]
    log_probs = logits.float().log_softmax(-1).transpose(0, 1)  # (T, B, V)
    losses = F.ctc_loss(
        log_probs, text.clamp(min=0), frames, text_lengths, blank_id, reduction="none"
    )
    return losses.mean()
