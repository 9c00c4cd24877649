"""Search the log-posteriors of a data directory, stored or as they are computed."""

from __future__ import annotations

import dataclasses
import functools
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hamzaban.decode.decode_options import DecodeOptions
from hamzaban.decode.emissions import (
    Utterance,
    make_batches,
    read_utterances,
    report_other_forms,
)
from hamzaban.decode.languages import Spoken, log_accuracy, write_languages
from hamzaban.decode.make_emissions import (
    Batch,
    compute_batches,
    make_emissions,
    read_languages,
)
from hamzaban.decode.result import Result, write_results
from hamzaban.decode.search import CtcSearch, Decoder, DecodeTask, Search, SearchFiles
from hamzaban.decode.store import EmissionStore
from hamzaban.processes import run_on_forks
from hamzaban.progress import ItemProgress

if TYPE_CHECKING:
    from hamzaban.decode.recognizer import Recognizer

MAX_CHUNK = 32
MAX_SHOWN = 20

Found = dict[str, list[Result]]
FoundOne = tuple[str, list[Result], Spoken]


@dataclasses.dataclass(frozen=True)
class Decoded:
    """The result of decoding a data directory.

    Attributes:
        results: Hypotheses of each utterance, the best first.
        spoken: Language of each utterance, for a model of several languages.
        frame_shift_s: Time between two frames.
    """

    results: Found
    spoken: dict[str, Spoken]
    frame_shift_s: float


def decode_dir(search: Search, task: DecodeTask) -> None:
    """Decode a data directory and write the files of an inference directory."""
    if isinstance(search, CtcSearch):
        _decode_emissions(search, task)
    else:
        search.decode_dir(task)


def _decode_emissions(search: CtcSearch, task: DecodeTask) -> None:
    """Run the model on a data directory, search, and write the files.

    Log-posteriors are kept in `task.emissions_dir`, or in `emissions` beside the
    results if the search keeps them. Otherwise they are searched as they are computed.
    """
    from hamzaban.decode.recognizer import (
        find_files,
        load_for_decoding,
        load_tokenizer,
    )

    model_files = find_files(task.asr_exp, task.options.asr_model)
    tokenizer, bpemodel = load_tokenizer(task.asr_exp, task.bpemodel)
    lm_dir = task.lm_dir
    if task.lm is not None:
        from hamzaban.decode.flashlight_search import take_for_search

        lm_dir = take_for_search(search, task.lm, task.output_dir, tokenizer, bpemodel)
    files = SearchFiles(lm_dir, task.word_list, bpemodel, task.hotwords)
    decoder = search.build(tokenizer, files, task.output_dir)
    load = functools.partial(
        load_for_decoding, task.asr_exp, task.options, bpemodel=task.bpemodel
    )
    with _log_to(task.output_dir / "logdir" / "asr_inference.log"):
        folder = task.emissions_dir
        if folder is None and not search.keeps_emissions:
            found = search_audio(decoder, load, task.data_dir, task.options)
        else:
            folder = folder or task.output_dir / "emissions"
            store = make_emissions(
                load, task.data_dir, folder, task.options, model_files
            )
            results = search_store(decoder, store, task.options.nj)
            spoken = read_languages(folder)
            found = Decoded(results, spoken, store.meta.frame_shift_s)
    write_languages(found.spoken, task.output_dir)
    write_results(found.results, task.output_dir, found.frame_shift_s, task.calibration)


def search_store(decoder: Decoder, store: EmissionStore, nj: int) -> Found:
    """Search all emissions of a store, log the speed and return the hypotheses."""
    start = time.monotonic()
    found = search_emissions(decoder, store, nj)
    wall_s = max(time.monotonic() - start, 1e-9)
    frames = sum(store.num_frames(utt_id) for utt_id in store)
    audio_s = max(frames * store.meta.frame_shift_s, 1e-9)
    logging.info(
        "%s: %d utterances searched in %.2f s, RTF %.5f, %.1f utterances/s",
        store.folder,
        len(store),
        wall_s,
        wall_s / audio_s,
        len(store) / wall_s,
    )
    _log_empty(found)
    return found


def search_emissions(decoder: Decoder, store: EmissionStore, nj: int) -> Found:
    """Return the hypotheses of every utterance of a store; the same for any `nj`.

    Raises:
        ValueError: A process died, or an emission is damaged.
    """
    utt_ids = sorted(store, key=lambda utt: (-store.num_frames(utt), utt))
    size = max(1, min(MAX_CHUNK, len(utt_ids) // (8 * nj)))
    chunks = [utt_ids[i : i + size] for i in range(0, len(utt_ids), size)]
    found: Found = {}
    progress = ItemProgress("searching", len(utt_ids), "utterances")
    for chunk in run_on_forks(_search_chunk, (decoder, store), chunks, nj):
        found.update(chunk)
        progress.add(len(chunk))
    return {utt_id: found[utt_id] for utt_id in store}


def search_audio(
    decoder: Decoder,
    load: Callable[[], Recognizer],
    data_dir: str | Path,
    options: DecodeOptions,
) -> Decoded:
    """Run the model on a data directory and search its output as it is computed.

    The texts are the same for any `nj` and `batch_bins`. The last digits of the scores
    may differ with `batch_bins`: a batch is padded to its longest utterance, and sums
    over another padding are rounded differently.

    Args:
        decoder: The search.
        load: Returns the recognizer; called once, in this process.
        data_dir: Data directory whose `wav.scp` names one mono file per utterance.
        options: Options of decoding.

    Raises:
        ValueError: There is no utterance, or a process died.
    """
    from hamzaban.decode.recognizer import set_threads

    utts = read_utterances(data_dir)
    if not utts:
        raise ValueError(f"{data_dir}/wav.scp: no utterance found, expected some")
    start = time.monotonic()
    set_threads(1, forced=True)  # a child forked from more threads would hang
    recognizer = load().route(data_dir, options.language)
    report_other_forms(utts, recognizer.fs)
    loaded = time.monotonic()
    logging.info("%s: model loaded in %.1f s", data_dir, loaded - start)
    results: Found = {}
    spoken: dict[str, Spoken] = {}
    progress = ItemProgress("decoding", len(utts), "utterances")
    for utt_id, found, language in _search_batches(decoder, recognizer, utts, options):
        results[utt_id], spoken[utt_id] = found, language
        progress.add()
        if len(results) * 10 // len(utts) > (len(results) - 1) * 10 // len(utts):
            logging.info("%d of %d utterances decoded", len(results), len(utts))
    _log_speed(utts, recognizer.fs, time.monotonic() - loaded, str(data_dir))
    _log_empty(results)
    if recognizer.routing is not None:
        log_accuracy(spoken, recognizer.routing.truth, data_dir)
    return Decoded(results, spoken, recognizer.frame_shift_s)


@dataclasses.dataclass(frozen=True)
class _AudioSearch:
    decoder: Decoder
    recognizer: Recognizer
    num_threads: int

    def run(self, batches: Sequence[Batch]) -> Iterator[FoundOne]:
        from hamzaban.decode.recognizer import set_threads

        set_threads(self.num_threads)
        for utt_id, log_probs, spoken in compute_batches(self.recognizer, batches):
            yield utt_id, self.decoder.decode(log_probs), spoken


def _search_batches(
    decoder: Decoder,
    recognizer: Recognizer,
    utts: Sequence[Utterance],
    options: DecodeOptions,
) -> Iterator[FoundOne]:
    batches = make_batches(utts, options.batch_bins)
    nj = 1 if options.ngpu else min(options.nj, len(batches))
    num_threads = max(1, len(os.sched_getaffinity(0)) // nj)
    search = _AudioSearch(decoder, recognizer, num_threads)
    if nj == 1:  # one call for all batches, so that audio is read ahead
        yield from search.run(batches)
        return
    jobs = [[batch] for batch in batches]
    for found in run_on_forks(_run_search, search, jobs, nj):
        yield from found


def _run_search(search: _AudioSearch, batches: Sequence[Batch]) -> list[FoundOne]:
    return list(search.run(batches))


def _search_chunk(
    shared: tuple[Decoder, EmissionStore], utt_ids: Sequence[str]
) -> Found:
    decoder, store = shared
    return {utt_id: decoder.decode(store.read(utt_id)) for utt_id in utt_ids}


def _log_speed(
    utts: Sequence[Utterance], fs: int, wall_s: float, data_dir: str
) -> None:
    audio_s = sum(utt.num_samples for utt in utts) / fs
    logging.info(
        "%s: %d utterances, audio %.1f s, wall %.2f s, RTF %.4f, %.1f utterances/s",
        data_dir,
        len(utts),
        audio_s,
        wall_s,
        wall_s / max(audio_s, 1e-9),
        len(utts) / max(wall_s, 1e-9),
    )


def _log_empty(found: Found) -> None:
    empty = sorted(utt_id for utt_id in found if not _has_text(found[utt_id]))
    if empty:
        more = f" and {len(empty) - MAX_SHOWN} more" if len(empty) > MAX_SHOWN else ""
        shown = " ".join(empty[:MAX_SHOWN]) + more
        logging.warning(
            "%d of %d utterances have an empty transcript: %s",
            len(empty),
            len(found),
            shown,
        )


def _has_text(results: Sequence[Result]) -> bool:
    return bool(results and results[0].words)


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
