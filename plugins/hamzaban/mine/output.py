"""Writers of the results of mining: a data directory and the origin of each chunk."""

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from hamzaban.audio.plan import audio_name
from hamzaban.data.write import DirWriter
from hamzaban.fileio import atomic_text
from hamzaban.mine.duplicates import Duplicate
from hamzaban.mine.mining_options import MineOptions
from hamzaban.mine.mining_state import Chunk, Part, load_part
from hamzaban.mine.part_jobs import Mined
from hamzaban.mine.part_mining import PartJob, utt_id_of

TABLES = ("provenance.jsonl", "dropped.jsonl", "sources.jsonl")
DUPLICATE = "duplicate"
COPY_SHARE = 0.5  # share of speech heard before from which a source counts as a copy
MAX_SHORTFALL_S = 0.5
UNKNOWN_LANGUAGE = "und"  # ISO 639-2


class Heard(NamedTuple):
    """A duplicate chunk: the id of its original, and the share they have in common."""

    original: str
    share: float


@dataclass
class Tally:
    """Totals of mining; durations are in seconds.

    Attributes:
        read_s: Audio decoded.
        dropped_s: Audio dropped, by reason; `no_speech` is audio outside all chunks.
        lengths_s: Durations of the chunks kept.
        num_dropped: Number of chunks dropped, by reason.
        sources: Number of sources by result.
        same_file_s: Audio of files that are identical to others, not decoded.
    """

    read_s: float = 0.0
    dropped_s: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    lengths_s: list[float] = field(default_factory=list)
    num_dropped: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    same_file_s: float = 0.0

    @property
    def kept_s(self) -> float:
        """Audio kept."""
        return sum(self.lengths_s)


def each_chunk(mined: Mined) -> Iterator[tuple[PartJob, int, Chunk]]:
    """Yield the chunks of a source, each with its part and its number in the part."""
    for job in mined.jobs:
        part = load_part(job.record)
        assert part is not None, job.record
        for number, chunk in enumerate(part.chunks):
            yield job, number, chunk


def write_output(
    sources: Sequence[Mined],
    heard: Mapping[tuple[Path, int], Heard],
    out_dir: Path,
    options: MineOptions,
) -> Tally:
    """Write the data directory and the tables of chunks kept, dropped, and sources.

    Args:
        sources: All files, in order.
        heard: The duplicates, by record of the part and number in the part.
        out_dir: The data directory.
        options: The values of conf/mine.yaml.

    Raises:
        ValueError: Nothing was kept.
    """
    with ExitStack() as stack:
        streams = {
            name: stack.enter_context(atomic_text(out_dir / name)) for name in TABLES
        }
        writer = stack.enter_context(DirWriter(out_dir))
        output = _Output(writer, streams, out_dir, options, sources)
        for mined in sources:
            output.add_source(mined, heard)
        output.finish()
    return output.tally


class _Output:
    def __init__(
        self,
        writer: DirWriter,
        streams: Mapping[str, TextIO],
        out_dir: Path,
        options: MineOptions,
        sources: Sequence[Mined],
    ) -> None:
        self._writer, self._streams = writer, streams
        self._out_dir, self._options = out_dir, options
        self._has_language = bool(options.language or options.language_filter) or any(
            mined.source.media and mined.source.media.language for mined in sources
        )
        self.tally = Tally()

    def add_source(self, mined: Mined, heard: Mapping[tuple[Path, int], Heard]) -> None:
        """Write the lines of a source."""
        fs = self._options.fs
        totals: dict[str, float] = defaultdict(float)
        copied: dict[str, float] = defaultdict(float)
        for job, number, chunk in each_chunk(mined):
            duplicate = heard.get((job.record, number))
            duration_s = (chunk.end - chunk.start) / fs
            reason = DUPLICATE if duplicate else chunk.reason
            totals["kept" if reason == "-" else reason] += duration_s
            if reason == "-":
                self._keep(mined, chunk)
            else:
                self.tally.num_dropped[reason] += 1
                self._write_chunk("dropped.jsonl", mined, chunk, reason, duplicate)
            if duplicate is not None:
                copied[duplicate.original.rsplit("-", 2)[0]] += duration_s
        self._count_source(mined, totals, copied)

    def _keep(self, mined: Mined, chunk: Chunk) -> None:
        fs = self._options.fs
        utt_id = utt_id_of(mined.rec_id, chunk, fs)
        num_samples = chunk.end - chunk.start
        write = self._writer.open
        if self._options.writes_audio:
            name = audio_name(utt_id, "flac")
            path = self._out_dir / "data" / mined.rec_id / name
            write("wav.scp").write(utt_id, str(path))
            write("utt2num_samples").write(utt_id, str(num_samples))
        else:
            path = Path(os.path.normpath(mined.source.path))
            write("wav.scp", same_ok=True).write(mined.rec_id, str(path))
            span = f"{chunk.start / fs:.6f} {chunk.end / fs:.6f}"
            write("segments").write(utt_id, f"{mined.rec_id} {span}")
        write("utt2spk").write(utt_id, mined.rec_id)
        if self._has_language:
            write("utt2lang").write(utt_id, chunk.language or UNKNOWN_LANGUAGE)
        self._write_chunk("provenance.jsonl", mined, chunk)
        self.tally.lengths_s.append(num_samples / fs)

    def _write_chunk(
        self,
        name: str,
        mined: Mined,
        chunk: Chunk,
        reason: str = "",
        duplicate: Heard | None = None,
    ) -> None:
        fs = self._options.fs
        values: dict[str, Any] = {
            "utt_id": utt_id_of(mined.rec_id, chunk, fs),
            "source": mined.source.path,
            "sha256": mined.source.sha256,
            "start_s": round(chunk.start / fs, 6),
            "end_s": round(chunk.end / fs, 6),
            "speech_ratio": chunk.speech_ratio,
            "level_db": chunk.level_db,
            "clipping": chunk.clipping,
            "language": chunk.language,
            "language_score": chunk.score,
        }
        if reason:
            values["reason"] = reason
        if duplicate is not None:
            values |= {"duplicate_of": duplicate.original, "share": duplicate.share}
        _write_line(self._streams[name], values)

    def _count_source(
        self, mined: Mined, totals: Mapping[str, float], copied: Mapping[str, float]
    ) -> None:
        """Write and count the result of a source.

        Args:
            mined: The source.
            totals: Audio of its chunks, s, by reason; `kept` for those kept.
            copied: Audio of its duplicates, s, by the source of the originals.
        """
        tally, source = self.tally, mined.source
        parts = list(filter(None, (load_part(job.record) for job in mined.jobs)))
        read_s = sum(part.num_samples for part in parts) / self._options.fs
        state, detail = _judge(mined, read_s, parts)
        kept_s = totals.get("kept", 0.0)
        dropped_s = {reason: totals[reason] for reason in totals if reason != "kept"}
        dropped_s["no_speech"] = max(read_s - sum(totals.values()), 0.0)
        heard_s = dropped_s.get(DUPLICATE, 0.0)
        is_copy = heard_s > COPY_SHARE * (heard_s + kept_s)
        values = {
            "source": source.path,
            "rec_id": mined.rec_id,
            "sha256": source.sha256,
            "bytes": source.num_bytes,
            "format": source.media.form if source.media else "",
            "state": state,
            "detail": detail,
            "read_s": round(read_s, 3),
            "kept_s": round(kept_s, 3),
            "dropped_s": {key: round(dropped_s[key], 3) for key in sorted(dropped_s)},
            "copy_of": sorted(copied) if is_copy else [],
        }
        _write_line(self._streams["sources.jsonl"], values)
        tally.sources.update({state: 1, "copies": is_copy})
        tally.sources["one_channel"] += any(part.is_one_channel for part in parts)
        if state == "same_file" and source.media is not None:
            tally.same_file_s += source.media.duration_s or 0.0
        tally.read_s += read_s
        for reason, time_s in dropped_s.items():
            tally.dropped_s[reason] += time_s

    def finish(self) -> None:
        """Write the values of the data directory.

        Raises:
            ValueError: No utterance was kept.
        """
        if not self.tally.lengths_s:
            states = ", ".join(f"{k} {v}" for k, v in self.tally.sources.items() if v)
            raise ValueError(
                f"{self._out_dir}: no speech was kept, expected at least one chunk; "
                f"files: {states}; dropped: {dict(self.tally.num_dropped)}"
            )
        if self._options.writes_audio:
            self._writer.write_value("feats_type", "raw")
            self._writer.write_value("audio_format", "flac")


def _judge(mined: Mined, read_s: float, parts: Sequence[Part]) -> tuple[str, str]:
    """Return the one-word result of a source and its message."""
    if mined.reason:
        return mined.reason, mined.detail
    media = mined.source.media
    told_s = media.duration_s or 0.0 if media is not None and media.is_exact else 0.0
    if told_s - read_s > MAX_SHORTFALL_S:
        return "truncated", f"{read_s:.1f} of {told_s:.1f} s decoded"
    faults = sum(part.faults for part in parts)
    if faults:
        first = next(part.fault for part in parts if part.fault)
        return "damaged", f"{faults} packets: {first}"
    return "mined", ""


def _write_line(stream: TextIO, values: Mapping[str, Any]) -> None:
    stream.write(json.dumps(values, ensure_ascii=False) + "\n")


def name_duplicates(
    found: Mapping[int, Duplicate],
    keys: Sequence[tuple[Path, int]],
    utt_ids: Sequence[str],
) -> dict[tuple[Path, int], Heard]:
    """Return the duplicates by record and number instead of by index."""
    return {
        keys[number]: Heard(utt_ids[duplicate.original], duplicate.share)
        for number, duplicate in found.items()
    }
