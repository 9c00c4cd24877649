"""One job of the audio stage: write the utterances of one recording."""

import io
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from hamzaban.audio.cut import cut_spans
from hamzaban.audio.format_options import FormatOptions, Variant, hash_text
from hamzaban.audio.manifest import Entry
from hamzaban.audio.noise import add_noise
from hamzaban.audio.plan import Cut, Recording, audio_folder, audio_name
from hamzaban.audio.reader import open_audio
from hamzaban.audio.signal import Mixer, is_silent, resample, to_int16
from hamzaban.audio.source import SEGMENT_OVERHANG_S, UnreadableError, source_file
from hamzaban.audio.stream import AudioStream
from hamzaban.fileio import atomic_path


class Job(NamedTuple):
    """A recording, and what is known of its utterances.

    Attributes:
        recording: The recording.
        known: Entries of earlier runs by key.
        known_ns: When they were written; audio that is newer is not that of them.
        out_dir: The output folder.
        options: Options of the stage.
    """

    recording: Recording
    known: Mapping[str, Entry]
    known_ns: int
    out_dir: Path
    options: FormatOptions


class Done(NamedTuple):
    """The result of a job.

    Attributes:
        folder: Number of its folder.
        entries: An entry for each utterance.
        message: Why decoding failed, if it did.
        is_made: Whether audio was missing or no longer valid.
        is_mended: Whether the header of the recording stated a wrong length.
    """

    folder: int
    entries: list[Entry]
    message: str
    is_made: bool
    is_mended: bool = False


@dataclass
class Output:
    """One file to write: a cut in one variant."""

    cut: Cut
    variant: Variant
    digest: str

    @property
    def key(self) -> str:
        """The id of the utterance written."""
        return self.variant.prefix + self.cut.utt_id

    def dropped(self, reason: str) -> Entry:
        """Return the entry of an utterance that is not written."""
        return Entry(self.key, self.digest, reason)


def format_recording(job: Job) -> Done:
    """Write the utterances of a recording that are missing or no longer valid.

    Args:
        job: The recording and its utterances.

    Returns:
        An entry for each cut in each variant.
    """
    entries, message = [], ""
    mended: list[bool] = []
    waiting: dict[int | None, list[Output]] = {}
    for output in _list_outputs(job):
        entry = job.known.get(output.key)
        if entry is not None and _is_intact(job, entry, output.digest):
            entries.append(entry)
        else:
            waiting.setdefault(output.cut.channel, []).append(output)
    for outputs in waiting.values():
        left = {output.key: output for output in outputs}
        try:
            for entry in _write_outputs(job, outputs, mended):
                entries.append(entry)
                del left[entry.key]
        except UnreadableError as error:
            message = str(error)
            entries += [output.dropped(error.reason) for output in left.values()]
    return Done(job.recording.folder, entries, message, bool(waiting), any(mended))


def _list_outputs(job: Job) -> Iterator[Output]:
    """Yield the outputs of a job with digests of everything that decides them."""
    signature = _source_signature(job.recording.source)
    options = job.options.digest()
    for cut in job.recording.cuts:
        for variant in job.options.variants:
            where = (cut.begin_s, cut.end_s, cut.channel, variant.speed)
            noise = (job.options.noise,) if variant.is_noisy else ()
            what = (options, signature, *where, *noise)
            yield Output(cut, variant, hash_text(repr(what)))


def _source_signature(source: str) -> str:
    path = source_file(source)
    try:
        found = None if path is None else os.stat(path)
    except (OSError, ValueError):  # or a NUL in the path; opening it says so
        found = None
    if found is None:
        return source
    return f"{source} {found.st_size} {found.st_mtime_ns}"


def _audio_path(job: Job, key: str) -> Path:
    folder = audio_folder(job.out_dir, job.recording.folder)
    return folder / audio_name(key, job.options.audio_format)


def _is_intact(job: Job, entry: Entry, digest: str) -> bool:
    if entry.digest != digest:
        return False
    if not entry.is_kept:
        return True
    try:
        stat = os.stat(_audio_path(job, entry.key))
    except FileNotFoundError:
        return False
    return stat.st_size == entry.num_bytes and stat.st_mtime_ns <= job.known_ns


def _write_outputs(
    job: Job, outputs: list[Output], mended: list[bool]
) -> Iterator[Entry]:
    """Decode a channel once; write each output as soon as its cut is complete.

    Whether the header stated another length is appended to `mended`.
    """
    by_cut: dict[Cut, list[Output]] = {}
    for output in outputs:
        by_cut.setdefault(output.cut, []).append(output)
    cuts = list(by_cut)
    options = job.options
    source = job.recording.source
    with open_audio(source, allow_pipes=options.allow_pipes) as stream:
        mended.append(stream.is_mended)
        mixer = Mixer(cuts[0].channel, source)
        blocks = (mixer.mix(block, stream.fs) for block in stream.blocks)
        spans = [_span(cut, stream.fs) for cut in cuts]
        longest_s = options.max_duration_s * max(options.speed_factors)
        may_link = _is_final(job, stream)
        for index, speech in cut_spans(blocks, spans, longest_s * stream.fs):
            cut = cuts[index]
            for output in by_cut[cut]:
                if speech is None:
                    yield output.dropped("too_long")
                elif _is_outside(spans[index], len(speech), stream.fs):
                    yield output.dropped("outside")
                else:
                    entry = _write_output(job, output, speech, stream.fs, link=may_link)
                    yield entry._replace(is_one_channel=mixer.has_cancelled)


def _span(cut: Cut, fs: int) -> tuple[int, int | None]:
    return round(cut.begin_s * fs), None if cut.end_s is None else round(cut.end_s * fs)


def _is_outside(span: tuple[int, int | None], num_samples: int, fs: int) -> bool:
    begin, end = span
    if end is None:
        return begin > 0 and num_samples == 0
    missing = end - begin - num_samples
    return missing > SEGMENT_OVERHANG_S * fs or (missing > 0 and num_samples == 0)


def _is_final(job: Job, stream: AudioStream) -> bool:
    """Return whether the source already has the format of the output."""
    recording = job.recording
    is_plain_file = source_file(recording.source) == Path(recording.source)
    wanted = (job.options.audio_format.upper(), "PCM_16")
    return (
        not recording.is_segmented
        and is_plain_file
        and not stream.is_mended
        and stream.num_channels == 1
        and stream.fs == job.options.fs
        and stream.encoding == wanted
    )


def _write_output(
    job: Job, output: Output, speech: np.ndarray, fs: int, *, link: bool
) -> Entry:
    """Resample, check and write an utterance; with `link`, link its source instead."""
    options = job.options
    resampled = resample(speech, fs, options.fs, speed=output.variant.speed)
    reason = check_speech(resampled, options)
    if reason:
        return output.dropped(reason)
    noisy = None
    if options.noise is not None and output.variant.is_noisy:
        noisy = add_noise(resampled, output.key, options.noise, options.fs)
    samples, is_scaled = to_int16(resampled if noisy is None else noisy)
    path = _audio_path(job, output.key)
    with atomic_path(path, sync=False) as temporary:
        if link and output.variant.speed == 1.0 and noisy is None:
            _link_or_copy(job.recording.source, temporary)
        else:
            temporary.write_bytes(_encode(samples, options))
        num_bytes = temporary.stat().st_size
    sizes = (len(samples), num_bytes)
    return Entry(output.key, output.digest, "-", *sizes, is_scaled, noisy is not None)


def check_speech(speech: np.ndarray, options: FormatOptions) -> str:
    """Return the one-word reason to drop an utterance, or "" to keep it.

    Args:
        speech: Samples at `options.fs`, shape (num_samples,).
        options: Limits of duration and level.
    """
    if len(speech) == 0:
        return "empty"
    duration_s = len(speech) / options.fs
    if duration_s <= options.min_duration_s:
        return "too_short"
    if duration_s >= options.max_duration_s:
        return "too_long"
    if not (np.isfinite(speech.max()) and np.isfinite(speech.min())):
        return "nan"
    return "silent" if is_silent(speech, options.silence_db) else ""


def _encode(samples: np.ndarray, options: FormatOptions) -> memoryview:
    """Return an audio file; libsndfile would not report a full disk."""
    file = io.BytesIO()
    form = options.audio_format
    soundfile.write(file, samples, options.fs, subtype="PCM_16", format=form)
    return file.getbuffer()


def _link_or_copy(source: str, target: Path) -> None:
    source = os.path.realpath(source)
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)
