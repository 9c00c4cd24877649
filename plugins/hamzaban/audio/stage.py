"""The audio stage, which writes a data directory of 16-bit mono files."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hamzaban.audio.format_options import FormatOptions
from hamzaban.audio.manifest import Ledger, remove_strays
from hamzaban.audio.noise import describe_noise
from hamzaban.audio.output import check_ids, write_data_dir
from hamzaban.audio.plan import Recording, audio_folder, audio_name, plan_recordings
from hamzaban.audio.source import HEADER_OVERHANG_S, source_file
from hamzaban.audio.worker import Job, format_recording
from hamzaban.data.write import write_scp
from hamzaban.launch.notes import note_recordings
from hamzaban.launch.sharding import Shard
from hamzaban.processes import run_on_processes, show_progress

MAX_BATCH = 32
MAX_MESSAGES = 5
DROPPED = "dropped"


def format_audio(
    data_dir: Path,
    out_dir: Path,
    options: FormatOptions,
    *,
    nj: int = 1,
    max_drop: float = 0.05,
    is_validated: bool = False,
) -> None:
    """Write the audio of a data directory as training needs it.

    The output does not depend on `nj`. wav.scp is removed first and written last. After
    a kill, a rerun keeps the files that are complete and still valid.

    Args:
        data_dir: Kaldi data directory; sources may be anything `open_audio` opens.
        out_dir: Receives wav.scp, utt2num_samples, dropped, data/format.*/, utt2noise
            if noise is added, and the other files of `data_dir` for the utterances that
            are kept.
        options: Format of the output and limits of the utterances.
        nj: Number of processes.
        max_drop: Largest share of utterances that may be dropped, 0..1.
        is_validated: Whether the log of `validate-data` has the number of recordings
            whose header states a wrong length, so that this one leaves it out.

    Raises:
        FileNotFoundError: `data_dir` lacks a file.
        ValueError: `data_dir` is invalid, or too many utterances were dropped.
    """
    recordings, empty = begin(data_dir, out_dir, options)
    ledger = Ledger(out_dir)
    num_mended = _write_audio(recordings, ledger, options, nj)
    ledger.remove_shards()
    if not is_validated:
        _warn_of_headers(out_dir, num_mended)
    kept, dropped = _collect(ledger, options)
    dropped |= dict.fromkeys(_in_all_variants(empty, options), "empty_text")
    write_scp(out_dir / DROPPED, dropped.items())
    _report(out_dir, options, kept, dropped)
    _check_drops(out_dir, len(kept), dropped, max_drop)
    added = describe_noise(ledger, options.noise)
    write_data_dir(data_dir, out_dir, options, kept, added)
    _remove_strays(out_dir, kept)


def begin(
    data_dir: Path, out_dir: Path, options: FormatOptions
) -> tuple[list[Recording], set[str]]:
    """Return the recordings to write, and the utterances without text; remove wav.scp.

    Raises:
        FileNotFoundError: `data_dir` lacks a file.
        ValueError: `data_dir` is invalid, or is `out_dir`.
    """
    note_recordings(data_dir / "wav.scp")
    found = _plan(data_dir, out_dir, options)
    for name in ("wav.scp", "utt2spk"):
        (out_dir / name).unlink(missing_ok=True)
    return found


def _plan(
    data_dir: Path, out_dir: Path, options: FormatOptions
) -> tuple[list[Recording], set[str]]:
    recordings = plan_recordings(data_dir, options)
    _check_separate(data_dir, out_dir, recordings)
    utt_ids = {cut.utt_id for recording in recordings for cut in recording.cuts}
    empty = check_ids(data_dir, utt_ids)
    return _without(recordings, empty), empty


def format_shard(
    data_dir: Path,
    out_dir: Path,
    options: FormatOptions,
    shard: Shard,
    *,
    nj: int = 1,
    is_validated: bool = False,
) -> None:
    """Write the audio of a shard, and manifests of its own, which `format_audio` joins.

    Args:
        data_dir, out_dir, options, nj, is_validated: As for `format_audio`.
        shard: The shard; the id of a recording decides where it belongs.

    Raises:
        FileNotFoundError: `data_dir` lacks a file.
        ValueError: `data_dir` is invalid.
    """
    recordings, _ = _plan(data_dir, out_dir, options)
    ours = [recording for recording in recordings if shard.holds(recording.rec_id)]
    num_mended = _write_audio(ours, Ledger(out_dir, shard), options, nj)
    if not is_validated:
        _warn_of_headers(out_dir, num_mended)


def _warn_of_headers(out_dir: Path, num_mended: int) -> None:
    if num_mended:
        logging.warning(
            "%s: %d recordings whose header states no length or up to %g s too much "
            "are taken as they are",
            out_dir,
            num_mended,
            HEADER_OVERHANG_S,
        )


def _check_separate(data_dir: Path, out_dir: Path, recordings: list[Recording]) -> None:
    """Check that no input would be overwritten or removed."""
    if data_dir.resolve() == out_dir.resolve():
        raise ValueError(f"{out_dir}: is the input directory too; write to another")
    ours = os.path.realpath(out_dir / "data") + os.sep
    for recording in recordings:
        path = source_file(recording.source)
        if path is not None and os.path.abspath(path).startswith(ours):
            raise ValueError(
                f"{data_dir}/wav.scp: {recording.rec_id} lies in {out_dir}/data, which "
                "the stage writes; write to another directory"
            )


def _without(recordings: list[Recording], utt_ids: set[str]) -> list[Recording]:
    """Return the recordings without some utterances; drop those with none left."""
    left = []
    for recording in recordings:
        cuts = tuple(cut for cut in recording.cuts if cut.utt_id not in utt_ids)
        if cuts:
            left.append(recording._replace(cuts=cuts))
    return left


def _in_all_variants(utt_ids: set[str], options: FormatOptions) -> Iterator[str]:
    for variant in options.variants:
        yield from (variant.prefix + utt_id for utt_id in utt_ids)


def _write_audio(
    recordings: list[Recording], ledger: Ledger, options: FormatOptions, nj: int
) -> int:
    """Write the audio that is missing, and complete the ledger.

    Returns:
        The number of recordings whose header states a wrong length.
    """
    wanted: dict[int, set[str]] = {}
    for recording in recordings:
        utt_ids = {cut.utt_id for cut in recording.cuts}
        keys = wanted.setdefault(recording.folder, set())
        keys.update(_in_all_variants(utt_ids, options))
    for folder, keys in wanted.items():
        ledger.keep_only(folder, keys)
    jobs = (_make_job(recording, ledger, options) for recording in recordings)
    batch_size = min(max(len(recordings) // (nj * 16), 1), MAX_BATCH)
    done = run_on_processes(format_recording, jobs, nj, batch_size=batch_size)
    title = f"audio of {ledger.out_dir}"
    num_messages = num_mended = 0
    for result in show_progress(done, len(recordings), title, "recordings"):
        ledger.add(result.folder, result.entries, is_made=result.is_made)
        num_mended += result.is_mended
        if result.message:
            num_messages += 1
            if num_messages <= MAX_MESSAGES:
                logging.warning("%s", result.message)
    ledger.write()
    if num_messages > MAX_MESSAGES:
        logging.warning(
            "%d more recordings cannot be read", num_messages - MAX_MESSAGES
        )
    return num_mended


def _make_job(recording: Recording, ledger: Ledger, options: FormatOptions) -> Job:
    entries = ledger.entries(recording.folder)
    keys = _in_all_variants({cut.utt_id for cut in recording.cuts}, options)
    known = {key: entries[key] for key in keys if key in entries}
    known_ns = ledger.time_ns(recording.folder)
    return Job(recording, known, known_ns, ledger.out_dir, options)


def _collect(
    ledger: Ledger, options: FormatOptions
) -> tuple[dict[str, tuple[str, int]], dict[str, str]]:
    """Return path and length of each utterance kept, and why each other was dropped."""
    kept, dropped = {}, {}
    num_scaled = num_one_channel = 0
    for folder, entry in ledger:
        if entry.is_kept:
            name = audio_name(entry.key, options.audio_format)
            path = os.path.join(audio_folder(ledger.out_dir, folder), name)
            kept[entry.key] = (path, entry.num_samples)  # a Path would be slow
            num_scaled += entry.is_scaled
            num_one_channel += entry.is_one_channel
        else:
            dropped[entry.key] = entry.reason
    if num_scaled:
        logging.info(
            "%d utterances exceeded full scale and were scaled down", num_scaled
        )
    if num_one_channel:
        logging.info(
            "%d utterances have channels of opposite phase; one channel was taken",
            num_one_channel,
        )
    return kept, dropped


def _report(
    out_dir: Path,
    options: FormatOptions,
    kept: dict[str, tuple[str, int]],
    dropped: dict[str, str],
) -> None:
    hours = sum(num_samples for _, num_samples in kept.values()) / options.fs / 3600
    total = len(kept) + len(dropped)
    logging.info("%s: %d of %d utterances, %.2f h", out_dir, len(kept), total, hours)
    if dropped:
        counts, place = _count(dropped), out_dir / DROPPED
        logging.warning("%s: %d dropped: %s", place, len(dropped), counts)


def _count(dropped: dict[str, str]) -> str:
    counts = Counter(dropped.values())
    return ", ".join(f"{reason} {count}" for reason, count in counts.most_common())


def _check_drops(
    out_dir: Path, num_kept: int, dropped: dict[str, str], max_drop: float
) -> None:
    total = num_kept + len(dropped)
    if len(dropped) > max_drop * total or num_kept == 0:
        raise ValueError(
            f"{out_dir / DROPPED}: {len(dropped)} of {total} utterances "
            f"({100 * len(dropped) / total:.1f} %) dropped, expected at most "
            f"{100 * max_drop:g} %: {_count(dropped)}; correct the data or raise "
            "--max_drop"
        )


def _remove_strays(out_dir: Path, kept: dict[str, tuple[str, int]]) -> None:
    """Remove audio of utterances that no longer exist, and files of killed runs."""
    wanted: dict[str, set[str]] = {}
    for path, _ in kept.values():
        parent, name = os.path.split(path)
        wanted.setdefault(parent, set()).add(name)
    for folder in (out_dir / "data").glob("format.*"):
        remove_strays(folder, wanted.get(str(folder), set()))
