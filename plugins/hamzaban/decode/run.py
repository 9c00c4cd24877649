"""Decoding a whole data directory: jobs, files in ESPnet's layout, speed."""

from __future__ import annotations

import concurrent.futures
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hamzaban.decode.emissions import Utterance, make_batches, read_utterances
from hamzaban.decode.greedy import Hypothesis
from hamzaban.decode.languages import log_accuracy, write_languages
from hamzaban.decode.search_options import DecodeOptions
from hamzaban.fileio import atomic_text
from hamzaban.launch.local import die_with_parent
from hamzaban.progress import ItemProgress

if TYPE_CHECKING:
    from hamzaban.decode.recognizer import Recognizer

MAX_SHOWN = 20
# A worker is a fork of the process that loaded the model: importing ESPnet takes 15 s
# of CPU, a fork a few milliseconds, and the weights are shared.
_recognizer: Recognizer | None = None


def decode_dir(
    load: Callable[[], Recognizer],
    data_dir: str | Path,
    output_dir: str | Path,
    options: DecodeOptions,
) -> dict[str, Hypothesis]:
    """Decode a data directory and write `text token token_int score confidence`.

    The result is the same for any `batch_bins` and `nj`, up to rounding in the last
    digits of the scores.

    Args:
        load: Gives the recognizer; called once, in this process.
        data_dir: Has `wav.scp` of one mono file an utterance.
        output_dir: Where the files go, and the log in `logdir/`; made if missing.
        options: Numbers of jobs and samples.

    Returns:
        The hypothesis of each utterance.
    """
    output_dir = Path(output_dir)
    utts = read_utterances(data_dir)
    if not utts:
        raise ValueError(f"{data_dir}/wav.scp: no utterance found, expected some")
    batches = make_batches(utts, options.batch_bins)
    with _log_to(output_dir / "logdir" / "asr_inference.log"):
        start = time.monotonic()
        _set_threads(1)  # a pool of threads made before a fork would hang its children
        recognizer = load().route(data_dir, options.language)
        loaded = time.monotonic()
        logging.info("%s: model loaded in %.1f s", data_dir, loaded - start)
        hyps = _decode_batches(recognizer, batches, options)
        _log_speed(utts, recognizer.fs, time.monotonic() - loaded, str(data_dir))
        _log_empty(hyps)
        if recognizer.routing is not None:
            spoken = {utt_id: hyp.spoken for utt_id, hyp in hyps.items()}
            log_accuracy(spoken, recognizer.routing.truth, data_dir)
    write_results(hyps, recognizer, output_dir)
    return hyps


def write_results(
    hyps: dict[str, Hypothesis], recognizer: Recognizer, output_dir: str | Path
) -> None:
    """Write the files of an inference directory, sorted by utterance; `text` last.

    Args:
        hyps: The hypothesis of each utterance; an empty one gets its line as well.
        recognizer: Has the tokenizer.
        output_dir: Where the files go.
    """
    tokenizer = recognizer.tokenizer
    tokens = {utt_id: tokenizer.ids2tokens(h.token_int) for utt_id, h in hyps.items()}
    columns = {
        "token": {utt_id: " ".join(found) for utt_id, found in tokens.items()},
        "token_int": {u: " ".join(map(str, h.token_int)) for u, h in hyps.items()},
        "score": {utt_id: f"{h.score:.4f}" for utt_id, h in hyps.items()},
        "confidence": {utt_id: f"{h.confidence:.4f}" for utt_id, h in hyps.items()},
        "text": {u: tokenizer.tokens2text(found) for u, found in tokens.items()},
    }
    for name, column in columns.items():
        with atomic_text(Path(output_dir) / name) as f:
            f.writelines(f"{u} {column[u]}".rstrip(" ") + "\n" for u in sorted(column))
        if name == "confidence":  # all but the text, which is written last
            spoken = {utt_id: hyp.spoken for utt_id, hyp in hyps.items()}
            write_languages(spoken, output_dir)


def _decode_batches(
    recognizer: Recognizer,
    batches: Sequence[tuple[Utterance, ...]],
    options: DecodeOptions,
) -> dict[str, Hypothesis]:
    global _recognizer
    nj = 1 if options.ngpu else min(options.nj, len(batches))
    hyps: dict[str, Hypothesis] = {}
    total = sum(len(batch) for batch in batches)
    _recognizer = recognizer
    try:
        results = _run_here if nj == 1 else _run_forks
        progress = ItemProgress("decoding", total, "utterances")
        for found in results(batches, nj):
            progress.add(len(found))
            before = len(hyps)
            hyps.update(found)
            if len(hyps) * 10 // total > before * 10 // total:
                logging.info("%d of %d utterances decoded", len(hyps), total)
    finally:
        _recognizer = None
    return hyps


def _run_here(
    batches: Sequence[tuple[Utterance, ...]], nj: int
) -> Iterator[dict[str, Hypothesis]]:
    _set_threads(_share_cpus(nj))
    with concurrent.futures.ThreadPoolExecutor(1) as reader:  # reads one batch ahead
        assert _recognizer is not None
        waiting = reader.submit(_recognizer.read, batches[0])
        for i, batch in enumerate(batches):
            waveforms = waiting.result()
            if i + 1 < len(batches):
                waiting = reader.submit(_recognizer.read, batches[i + 1])
            hyps = _recognizer.decode(waveforms, [utt.utt_id for utt in batch])
            yield {utt.utt_id: h for utt, h in zip(batch, hyps, strict=True)}


def _run_forks(
    batches: Sequence[tuple[Utterance, ...]], nj: int
) -> Iterator[dict[str, Hypothesis]]:
    context = multiprocessing.get_context("fork")
    pool = concurrent.futures.ProcessPoolExecutor(
        nj, context, initializer=_start_fork, initargs=(_share_cpus(nj),)
    )
    with pool:
        jobs = [pool.submit(_decode_in_fork, batch) for batch in batches]
        try:
            for job in concurrent.futures.as_completed(jobs):
                yield job.result()
        except BrokenProcessPool as e:
            raise ValueError(
                "a decoding process died, perhaps for lack of memory; give a lower "
                "--nj or --batch_bins"
            ) from e
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _start_fork(num_threads: int) -> None:
    die_with_parent(signal.SIGKILL)  # it would wait for ever for its next batch
    _set_threads(num_threads)


def _decode_in_fork(batch: tuple[Utterance, ...]) -> dict[str, Hypothesis]:
    assert _recognizer is not None
    utt_ids = [utt.utt_id for utt in batch]
    hyps = _recognizer.decode(_recognizer.read(batch), utt_ids)
    return {utt.utt_id: hyp for utt, hyp in zip(batch, hyps, strict=True)}


def _share_cpus(nj: int) -> int:
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdecimal() and int(threads) > 0:
        return int(threads)
    return max(1, len(os.sched_getaffinity(0)) // nj)


def _set_threads(num_threads: int) -> None:
    import torch

    torch.set_num_threads(num_threads)


def _log_speed(
    utts: Sequence[Utterance], fs: int, wall_s: float, data_dir: str
) -> None:
    audio_s = sum(utt.num_samples for utt in utts) / fs
    logging.info(
        "%s: %d utterances, audio %.1f s, wall %.2f s, RTF %.4f, %.1f utterances/s",
        *(data_dir, len(utts), audio_s, wall_s, wall_s / max(audio_s, 1e-9)),
        len(utts) / max(wall_s, 1e-9),
    )


def _log_empty(hyps: dict[str, Hypothesis]) -> None:
    empty = sorted(utt_id for utt_id, hyp in hyps.items() if not hyp.token_int)
    if empty:
        more = f" and {len(empty) - MAX_SHOWN} more" if len(empty) > MAX_SHOWN else ""
        shown = " ".join(empty[:MAX_SHOWN]) + more
        logging.warning(
            "%d of %d utterances are empty: %s", len(empty), len(hyps), shown
        )


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    form = "%(asctime)s (%(module)s:%(lineno)d) %(levelname)s: %(message)s"
    handler.setFormatter(logging.Formatter(form, "%Y-%m-%dT%H:%M:%S"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        handler.close()
