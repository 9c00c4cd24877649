"""Compare the recordings of a data directory with segments and sample counts."""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from hamzaban.audio.source import (
    HEADER_OVERHANG_S,
    SEGMENT_OVERHANG_S,
    is_beyond,
)
from hamzaban.validate.audio import AudioCheck, AudioInfo, Entry, check_audio
from hamzaban.validate.lines import read_blocks, to_text
from hamzaban.validate.report import Findings

PROGRESS_S = 30.0  # interval of log lines while audio is read


class Recordings:
    """The audio of a data directory.

    Attributes:
        total_s: Total duration; None if one is unknown or none was read.
        rates: Number of files by sample rate in Hz.
        num_read: Number of files read.
    """

    def __init__(self, data_dir: Path, has_segments: bool, findings: Findings) -> None:
        """Prepare for the directory `data_dir`; findings go to `findings`."""
        self.data_dir, self.has_segments = data_dir, has_segments
        self.findings = findings
        self.total_s: float | None = None
        self.rates: Counter[int] = Counter()
        self._durations_s: dict[bytes, float] = {}  # of recordings
        self._num_pipes, self._num_cut, self._are_compared = 0, 0, True
        self._num_mended = 0
        self.num_read = 0

    def read(self, how: AudioCheck, nj: int, counts: Path | None) -> None:
        """Check each entry of wav.scp.

        Args:
            how: What to check.
            nj: Number of processes.
            counts: utt2num_samples if it has the ids of wav.scp, else None.
        """
        path = self.data_dir / "wav.scp"
        expected = _read_values(counts) if counts is not None else iter(())
        total_s, num_known, num_read = 0.0, 0, 0
        logged = time.monotonic()
        for entry, info in check_audio(_read_entries(path), how, nj):
            num_read += 1
            count = next(expected, None)
            if info.problem is not None:
                self.findings.add(info.problem[0], path, *entry[:2], info.problem[1])
            self._num_pipes += info.is_pipe
            self._num_mended += info.is_mended
            if info.num_samples is not None and info.fs:
                num_known += 1
                total_s += info.num_samples / info.fs
                self._take(entry, info, count)
            if time.monotonic() - logged > PROGRESS_S:
                logged = time.monotonic()
                logging.info("%s: %d files read", path, num_read)
        self.num_read = num_read
        self.total_s = total_s if num_known == num_read else None

    def _take(
        self, entry: Entry, info: AudioInfo, expected: tuple[int, bytes] | None
    ) -> None:
        """Keep the duration for segments; compare the length with utt2num_samples."""
        assert info.num_samples is not None
        self.rates[info.fs] += 1
        if self.has_segments:
            reco_id = entry[1].encode("utf-8", "surrogateescape")
            self._durations_s[reco_id] = info.num_samples / info.fs
        elif expected is not None and info.is_exact and info.problem is None:
            number, value = expected
            if value.isdigit() and int(value) != info.num_samples:
                found = f"{int(value)} samples, but {entry[2]} has {info.num_samples}"
                path = self.data_dir / "utt2num_samples"
                self.findings.add("num-samples", path, number, entry[1], found)

    def check_segments(self, ends_s: Mapping[bytes, float]) -> None:
        """Report segments that end too long after their recording; count those cut.

        Args:
            ends_s: The latest end of a segment in each recording, in seconds.
        """
        reco2dur = self.data_dir / "reco2dur"
        if not self._durations_s and reco2dur.is_file():
            self._durations_s = _read_reco2dur(reco2dur)
        self._are_compared = bool(self._durations_s)
        known = {reco: self._durations_s.get(reco) for reco in ends_s}
        late = {k for k, v in known.items() if v is not None and ends_s[k] > v}
        if not late:
            return
        path = self.data_dir / "segments"
        for first, lines in read_blocks(path):
            for number, words in enumerate(map(bytes.split, lines), first):
                if len(words) == 4 and words[1] in late:
                    self._check_end(path, number, words)

    def _check_end(self, path: Path, number: int, words: list[bytes]) -> None:
        duration_s = self._durations_s[words[1]]
        try:
            begin_s, end_s = float(words[2]), float(words[3])
        except ValueError:
            return  # reported as a value
        if is_beyond(begin_s, end_s, duration_s):
            found = f"ends at {to_text(words[3])} s, its recording {to_text(words[1])} "
            found += f"at {duration_s:.3f} s"
            self.findings.add("segment", path, number, to_text(words[0]), found)
        elif end_s > duration_s:
            self._num_cut += 1

    def common_fs(self) -> int | None:
        """Return the sample rate in Hz of all files, None if they differ."""
        return next(iter(self.rates)) if len(self.rates) == 1 else None

    def notes(self) -> list[str]:
        """Return remarks on what was read and what was not."""
        rates = sorted(self.rates.items())
        notes = [", ".join(f"{n} files at {fs} Hz" for fs, n in rates)] * bool(rates)
        if self._num_pipes:
            how = "--allow_pipes true runs them"
            notes.append(f"{self._num_pipes} pipes not run ({how})")
        if self._num_mended:
            what = (
                f"whose header states no length or up to {HEADER_OVERHANG_S} s too much"
            )
            notes.append(f"{self._num_mended} files {what} are taken as they are")
        if self._num_cut:
            late = f"up to {SEGMENT_OVERHANG_S} s after their recording"
            notes.append(f"{self._num_cut} segments end {late} and are shortened")
        if not self._are_compared:
            notes.append("segments not compared with audio (not opened, no reco2dur)")
        return notes


def _read_entries(path: Path) -> Iterator[Entry]:
    for first, lines in read_blocks(path):
        for number, line in enumerate(lines, first):
            if words := line.split(None, 1):
                rest = to_text(words[1].rstrip(b" \t\r\n")) if len(words) > 1 else ""
                yield number, to_text(words[0]), rest


def _read_values(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield number and last word of each line that has an id."""
    for first, lines in read_blocks(path):
        for number, line in enumerate(lines, first):
            if words := line.split():
                yield number, words[-1]


def _read_reco2dur(path: Path) -> dict[bytes, float]:
    durations_s = {}
    for _, lines in read_blocks(path):
        for words in map(bytes.split, lines):
            try:
                durations_s[words[0]] = float(words[1])
            except (IndexError, ValueError):
                continue  # reported as a value
    return durations_s
