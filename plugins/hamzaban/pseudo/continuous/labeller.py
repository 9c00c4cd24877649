"""Label audio greedily with the model that is being trained, without dropout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor

from hamzaban.decode.emissions import Utterance, emit, make_batches, read_speech
from hamzaban.decode.path import collapse
from hamzaban.pseudo.continuous.continuous_options import ContinuousOptions
from hamzaban.pseudo.continuous.guard import JudgedLabel, judge_label
from hamzaban.pseudo.continuous.teacher import Teacher


class Labeller:
    """Reads audio and labels it."""

    def __init__(
        self,
        utts: Mapping[str, Utterance],
        options: ContinuousOptions,
        *,
        chars_per_s: float,
        batch_bins: int,
        fs: int = 16000,
        threads: int = 1,
        dtype: str | None = None,
    ) -> None:
        """Keep what stays the same during a run.

        Args:
            utts: The unlabelled utterances.
            options: The bounds for rejecting labels.
            chars_per_s: Characters, without spaces, per second of transcribed speech.
            batch_bins: Largest number of samples in a batch, padding included.
            fs: Sampling rate, Hz.
            threads: Number of threads that read audio.
            dtype: Narrow type of matrix products, or None.
        """
        self.utts, self.options = utts, options
        self.chars_per_s, self.batch_bins, self.fs = chars_per_s, batch_bins, fs
        self.threads, self.dtype = threads, dtype

    def label(
        self, model: Any, teacher: Teacher | None, utt_ids: Sequence[str]
    ) -> dict[str, JudgedLabel]:
        """Label utterances.

        Args:
            model: A model with a tokenizer; it is left in training mode.
            teacher: Its weights are used instead, if there is one.
            utt_ids: The utterances; each is labelled once, however often it is named.

        Raises:
            ValueError: The output of the model is NaN.
        """
        utts = [self.utts[utt_id] for utt_id in dict.fromkeys(utt_ids)]
        found: dict[str, JudgedLabel] = {}
        with self._ready(model, teacher), ThreadPoolExecutor(self.threads) as pool:
            for batch in make_batches(utts, self.batch_bins):
                log_probs, frames = emit(model, list(pool.map(self.read, batch)))
                found.update(self._judge(model, batch, log_probs, frames))
        return {utt.utt_id: found[utt.utt_id] for utt in utts}

    def read(self, utt: Utterance) -> Tensor:
        """Read a waveform in -1..1, shape (samples,)."""
        return read_speech(utt, self.fs)

    @contextmanager
    def _ready(self, model: Any, teacher: Teacher | None) -> Iterator[None]:
        device = next(model.parameters()).device.type
        autocast = (
            torch.autocast(device, dtype=getattr(torch, self.dtype))
            if self.dtype
            else nullcontext()
        )
        model.eval()
        try:
            with autocast, teacher.stand_in(model) if teacher else nullcontext():
                yield
        finally:
            model.train()

    def _judge(
        self,
        model: Any,
        batch: Sequence[Utterance],
        log_probs: Tensor,
        num_frames: Tensor,
    ) -> Iterator[tuple[str, JudgedLabel]]:
        best, token = log_probs.max(-1)  # (B, T), (B, T)
        paths, blank = token.tolist(), model.blank_id
        rows = zip(batch, paths, num_frames.tolist(), best.isnan().cpu(), strict=True)
        for utt, path, frames, is_nan in rows:
            if bool(is_nan[:frames].any()):
                raise ValueError(
                    f"{utt.utt_id}: the model's log-posteriors are NaN; train again "
                    "with a lower learning rate"
                )
            ids = list(collapse(path[:frames], blank))
            text = self._spell(model.tokenizer, ids)
            reason = judge_label(
                text, utt.num_samples / self.fs, self.chars_per_s, self.options
            )
            yield (
                utt.utt_id,
                JudgedLabel(text, frames, path[:frames].count(blank), reason),
            )

    @staticmethod
    def _spell(tokenizer: Any, ids: Sequence[int]) -> str:
        known = [i for i in ids if i != tokenizer.unk_id]
        return tokenizer.tokens2text(tokenizer.ids2tokens(known)).strip()
