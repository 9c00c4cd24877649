"""Decode with ESPnet's own search, for models with an attention decoder."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.emissions import (
    Utterance,
    emit,
    has_frames,
    list_conv_layers,
    read_speech,
    read_utterances,
    report_other_forms,
)
from hamzaban.decode.path import (
    LogProbs,
    Word,
    align,
    extend_words,
    group_words,
    list_runs,
    path_confidence,
)
from hamzaban.decode.recognizer import find_files, read_config
from hamzaban.decode.result import Result
from hamzaban.processes import run_on_forks
from hamzaban.text.tokens import Tokenizer, build_tokenizer

if TYPE_CHECKING:
    from hamzaban.decode.searches.espnet import EspnetSearch

FS = 16000


class EspnetSearcher:
    """ESPnet's `Speech2Text`, one utterance at a time."""

    def __init__(
        self,
        asr_exp: str | Path,
        options: DecodeOptions,
        search: EspnetSearch,
        bpemodel: str | Path | None = None,
    ) -> None:
        """Load the model.

        Args:
            asr_exp: Folder with `config.yaml` and the model file.
            options: Name of the model file, and the device to run it on.
            search: Options of the search; for a model without a decoder, ctc_weight
                is 1.
            bpemodel: SentencePiece model; None: the one that `config.yaml` names.

        Raises:
            FileNotFoundError: A file is missing.
        """
        from hamzaban import asr, compat

        config, model_file = find_files(asr_exp, options.asr_model)
        args = read_config(config)
        bpemodel = bpemodel or args.bpemodel
        self.tokenizer: Tokenizer = build_tokenizer(
            args.token_type, args.token_list, bpemodel
        )
        compat.prepare()
        asr.register()
        is_ctc = getattr(args, "decoder", None) is None
        self._speech2text: Any = _open_search(
            asr_train_config=str(config),
            asr_model_file=str(model_file),
            bpemodel=None if bpemodel is None else str(bpemodel),
            device="cuda" if options.ngpu else "cpu",
            **_search_values(search, is_ctc),
        )
        self._conv = list_conv_layers(self._speech2text.asr_model)
        self.frame_shift_s = float(np.prod([s for _, s in self._conv])) / FS

    def decode(self, utt: Utterance) -> list[Result]:
        """Decode one utterance; one too short for a frame has no hypothesis."""
        speech = read_speech(utt, FS)
        if not has_frames(len(speech), self._conv):
            return []
        log_probs = self._emit(speech)
        found = self._speech2text(speech.numpy())
        hyps = found[0] if isinstance(found, tuple) else found
        return [self._convert(hyp, log_probs) for *_, hyp in hyps]

    def _emit(self, speech: Any) -> LogProbs | None:
        model = self._speech2text.asr_model
        if getattr(model, "ctc", None) is None:
            return None
        return emit(model, [speech])[0][0].float().cpu().numpy()

    def _convert(self, hyp: Any, log_probs: LogProbs | None) -> Result:
        ends = (0, len(self.tokenizer.tokens) - 1)  # blank, sos/eos
        ids = tuple(t for t in map(int, hyp.yseq) if t not in ends)
        tokens = tuple(self.tokenizer.ids2tokens(ids))
        path = None if log_probs is None else align(log_probs, ids)
        if log_probs is None or path is None:  # the times of words are unknown
            texts = self.tokenizer.tokens2text(tokens).split(" ")
            words = [Word(text, 0, 0, 0.0) for text in texts if text]
            confidence = float("-inf")
        else:
            runs = list_runs(log_probs, path)
            words = group_words(runs, self.tokenizer)
            words = extend_words(words, runs, len(log_probs))
            confidence = path_confidence(log_probs, path)
        score = float(hyp.score)
        return Result(tokens, ids, tuple(words), score, score, 0.0, confidence)


def _search_values(search: EspnetSearch, is_ctc: bool) -> dict[str, Any]:
    return {
        "beam_size": search.beam_size,
        "ctc_weight": 1.0 if is_ctc else search.ctc_weight,
        "lm_weight": 0.0,
        "penalty": search.penalty,
        "nbest": search.nbest,
    }


def search_espnet(
    searcher: EspnetSearcher, data_dir: str | Path, options: DecodeOptions
) -> dict[str, list[Result]]:
    """Decode a data directory in several processes.

    Returns:
        The hypotheses of each utterance, the best first.

    Raises:
        ValueError: There is no utterance, or a process died.
    """
    import torch

    utts = sorted(read_utterances(data_dir), key=lambda utt: -utt.num_samples)
    if not utts:
        raise ValueError(f"{data_dir}/wav.scp: no utterance found, expected some")
    report_other_forms(utts, FS)
    torch.set_num_threads(1)
    start = time.monotonic()
    nj = 1 if options.ngpu else options.nj
    found = dict(run_on_forks(_decode, searcher, utts, nj))
    wall_s = max(time.monotonic() - start, 1e-9)
    logging.info(
        "%s: %d utterances in %.1f s, %.2f utterances/s",
        data_dir,
        len(utts),
        wall_s,
        len(utts) / wall_s,
    )
    return found


def _decode(searcher: EspnetSearcher, utt: Utterance) -> tuple[str, list[Result]]:
    return utt.utt_id, searcher.decode(utt)


def _open_search(**values: Any) -> Any:
    """Return ESPnet's search, whose files of weights are read by `hamzaban.weights`."""
    from espnet2.bin.asr_inference import Speech2Text

    from hamzaban.weights.door import guarded

    with guarded():
        return Speech2Text(**values)
