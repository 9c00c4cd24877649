"""A CTC recognizer of several languages: one backbone, one head for each or for all."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from espnet2.asr.ctc import CTC
from espnet2.torch_utils.device_funcs import force_gatherable
from torch import Tensor, nn
from torch.nn import functional as F

from hamzaban.asr.heads import LanguageHeads, LanguageScores
from hamzaban.asr.model import HamzabanCTC, count_ctc_frames, ctc_loss

HEADS = ("language", "shared")
TERMS = ("word_errors", "words", "char_errors", "chars")


class JointCTC(LanguageScores, HamzabanCTC):
    """`HamzabanCTC` for utterances of several languages, each given by name.

    With `heads: language` each language has a CTC head of its own, and an utterance
    trains only the head of its language; with `heads: shared` one head scores all
    tokens. A language-ID head (softmax, cross entropy) reads the mean of the encoder's
    output over the frames and is trained with the rest.

    Attributes:
        languages: The languages, in the order of their ids.
        lid: The language-ID head; None if `lid_weight` is 0.
    """

    def __init__(
        self,
        vocab_size: int,
        token_list: Sequence[str],
        ctc: CTC,
        *,
        languages: Sequence[str] = (),
        heads: str = "language",
        head_tokens: Mapping[str, Sequence[str]] | None = None,
        lid_weight: float = 0.1,
        **parts: Any,
    ) -> None:
        """Build the model.

        Args:
            vocab_size: Number of tokens of all languages, V.
            token_list: The tokens; blank is the first.
            ctc: ESPnet's CTC head, whose sizes the heads take.
            languages: Names as in utt2lang, at least two.
            heads: `language` or `shared`.
            head_tokens: Tokens of each language's head; None: all of them.
            lid_weight: Factor of the loss of the language-ID head; 0: no such head.
            **parts: As for `HamzabanCTC`.

        Raises:
            ValueError: An option is out of range, or two options contradict each other.
        """
        languages = [str(lang) for lang in languages]
        _check_options(languages, heads, head_tokens, lid_weight)
        super().__init__(vocab_size, token_list, ctc, **parts)
        self.languages = languages
        self.lid_weight = lid_weight
        width = ctc.ctc_lo.in_features
        if heads == "language":
            tokens = {
                lang: (head_tokens or {}).get(lang, token_list) for lang in languages
            }
            self.ctc = LanguageHeads(token_list, width, tokens, ctc.dropout_rate)
        self.lid = nn.Linear(width, len(languages)) if lid_weight else None
        self.pooled_stats = _name_rates(languages)

    def forward(
        self,
        speech: Tensor,
        speech_lengths: Tensor,
        text: Tensor,
        text_lengths: Tensor,
        **kwargs: Any,
    ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Compute the loss of a batch: CTC plus the weighted loss of language ID.

        Args:
            speech: Waveforms in -1..1, shape (B, S).
            speech_lengths: Samples of each utterance, shape (B,).
            text: Token ids of the joint list, -1 behind the end, shape (B, L).
            text_lengths: Tokens of each utterance, shape (B,).
            **kwargs: lang, ids of the languages, shape (B, 1); utt_id, the B names.

        Returns:
            As `HamzabanCTC.forward`.
        """
        lang = _require_languages(kwargs)  # (B,)
        encoder_out, frames = self.encode(speech, speech_lengths)  # (B, T, D), (B,)
        keep = frames >= count_ctc_frames(text, text_lengths)
        if not keep.all():
            self._name_short(kwargs.get("utt_id"), keep)
        targets = (text, text_lengths, keep)
        loss_ctc = self.compute_ctc(encoder_out, frames, lang, targets)
        stats = {"loss_ctc": loss_ctc.detach(), "too_short": 1 - keep.float().mean()}
        loss = loss_ctc
        if self.lid is not None:
            scores = self.identify(encoder_out, frames)  # (B, N)
            loss_lid = F.cross_entropy(scores, lang)
            loss = loss + self.lid_weight * loss_lid
            stats["loss_lid"] = loss_lid.detach()
            stats["lid_acc"] = (scores.argmax(-1) == lang).float().mean()
        stats["loss"] = loss.detach()
        if not self.training and self.tokenizer is not None:
            stats.update(self.count_by_language(encoder_out, frames, lang, targets))
        return force_gatherable((loss, stats, speech.size(0)), loss.device)

    def compute_ctc(
        self,
        encoder_out: Tensor,
        frames: Tensor,
        lang: Tensor,
        targets: tuple[Tensor, Tensor, Tensor],
    ) -> Tensor:
        """Return the mean CTC loss of kept utterances, by the heads of their languages.

        Args:
            encoder_out: Shape (B, T, D).
            frames: Valid frames, shape (B,).
            lang: Ids of the languages, shape (B,).
            targets: text (B, L), text_lengths (B,), keep (B,).
        """
        text, lengths, keep = targets
        if not isinstance(self.ctc, LanguageHeads):
            hidden = F.dropout(encoder_out, self.ctc.dropout_rate, self.training)
            logits = self.ctc.ctc_lo(hidden)  # (B, T, V)
            return ctc_loss(
                logits, frames, text, lengths, keep=keep, blank_id=self.blank_id
            )
        total = encoder_out.new_zeros((), dtype=torch.float32)
        for i in lang.unique().tolist():
            rows = (lang == i).nonzero()[:, 0]
            name = self.languages[i]
            mean = ctc_loss(
                self.ctc.score(encoder_out[rows], name),
                frames[rows],
                self.ctc.to_local(text[rows], name),
                lengths[rows],
                keep=keep[rows],
            )
            total = total + mean * keep[rows].sum()
        return total / keep.sum().clamp(min=1)

    def count_by_language(
        self,
        encoder_out: Tensor,
        frames: Tensor,
        lang: Tensor,
        targets: tuple[Tensor, Tensor, Tensor],
    ) -> dict[str, float]:
        """Count errors of greedy decoding, as means over all B utterances.

        Args:
            encoder_out: Shape (B, T, D).
            frames: Valid frames, shape (B,).
            lang: Ids of the languages, shape (B,).
            targets: As for `compute_ctc`.

        Returns:
            The terms of `HamzabanCTC.count_errors`, for all languages and for each one.
        """
        text, lengths, _ = targets
        names = [self.languages[i] for i in lang.tolist()]
        scores = self.log_probs(encoder_out, names)  # (B, T, V)
        stats = {f"{term}_{name}": 0.0 for name in self.languages for term in TERMS}
        for i in lang.unique().tolist():
            rows = (lang == i).nonzero()[:, 0]
            share = len(rows) / len(lang)
            chosen = (scores[rows], frames[rows], text[rows], lengths[rows])
            for term, value in self.count_errors(*chosen).items():
                stats[f"{term}_{self.languages[i]}"] = value * share
        for term in TERMS:
            stats[term] = sum(stats[f"{term}_{name}"] for name in self.languages)
        return stats


def _require_languages(batch: Mapping[str, Any]) -> Tensor:
    if "lang" not in batch:
        raise ValueError(
            "model hamzaban_joint_ctc: a batch has no `lang`, expected the language of "
            "each utterance; train with `hamzaban train-asr` on data with utt2lang"
        )
    return batch["lang"][:, 0]


def _name_rates(languages: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the rates of all languages and of each one, with their terms."""
    rates = dict(HamzabanCTC.pooled_stats)
    for lang in languages:
        for rate, (errors, size) in HamzabanCTC.pooled_stats.items():
            rates[f"{rate}_{lang}"] = f"{errors}_{lang}", f"{size}_{lang}"
    return rates


def _check_options(
    languages: Sequence[str],
    heads: str,
    head_tokens: Mapping[str, Sequence[str]] | None,
    lid_weight: float,
) -> None:
    if len(set(languages)) != len(languages) or len(languages) < 2:
        raise ValueError(
            f"model_conf.languages is {languages}, expected two or more, each once; "
            "name them, or give training data with utt2lang"
        )
    if heads not in HEADS:
        raise ValueError(
            f"model_conf.heads is '{heads}', expected one of {', '.join(HEADS)}"
        )
    if head_tokens is not None and heads == "shared":
        raise ValueError("model_conf.head_tokens is for heads: language; leave it out")
    if head_tokens is not None and set(head_tokens) != set(languages):
        raise ValueError(
            f"model_conf.head_tokens has {sorted(head_tokens)}, expected the languages "
            f"{sorted(languages)}"
        )
    if lid_weight < 0:
        raise ValueError(f"model_conf.lid_weight is {lid_weight}, expected 0 or more")
