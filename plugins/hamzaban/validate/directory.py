"""The validator of Kaldi data directories.

It checks what Kaldi's `validate_data_dir.sh --no-feats` does, but only warns about
utterances that do not sort by speaker. It also checks transcripts and audio, as
`CheckOptions` describes. Ids are compared by digests of one pass over each file, so
that a million utterances need little memory.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hamzaban.data.files import kind_of
from hamzaban.validate.audio import AudioCheck
from hamzaban.validate.join import compare_ids, compare_speakers, scan_spk2utt
from hamzaban.validate.lines import Rule, Scan, scan_file
from hamzaban.validate.recordings import Recordings
from hamzaban.validate.report import (
    CONTENT_KINDS,
    DROPPED_KINDS,
    WARNINGS,
    Findings,
    Summary,
)
from hamzaban.validate.values import (
    NumberRule,
    SegmentsRule,
    Utt2SpkRule,
    make_rule,
)

CHECKED_FILES = frozenset(
    ("utt2spk", "spk2utt", "text", "wav.scp", "segments", "utt2num_samples")
    + ("utt2dur", "utt2num_frames", "utt2lang", "utt2uniq", "utt2warp", "feats.scp")
    + ("vad.scp", "cmvn.scp", "spk2gender", "spk2warp", "reco2dur")
    + ("reco2file_and_channel",)
)


@dataclass(frozen=True)
class CheckOptions:
    """What to check.

    Attributes:
        no_text: Allow a missing text; one that exists is checked.
        no_wav: Allow a missing wav.scp and open no audio.
        audio: "none", "header" (open each file) or "full" (decode it).
        fs: Required sample rate in Hz; None for any.
        nj: Number of processes that read audio.
        allow_pipes: Run the commands in wav.scp; otherwise they are only counted.
        kaldi_text: Only warn about empty text, non-NFC text and control characters.
        max_shown: Number of findings of each kind that are kept as lines; None for 20,
            and 5 of recordings that cannot be used.
        max_drop: Highest share of recordings that may be unusable, as format-audio will
            drop them; these are then warnings.
    """

    no_text: bool = False
    no_wav: bool = False
    audio: str = "header"
    fs: int | None = None
    nj: int = 1
    allow_pipes: bool = False
    kaldi_text: bool = False
    max_shown: int | None = None
    max_drop: float = 0.0


DEFAULT_OPTIONS = CheckOptions()


def validate_data_dir(
    data_dir: str | Path, options: CheckOptions = DEFAULT_OPTIONS
) -> tuple[Findings, Summary]:
    """Check a data directory.

    Args:
        data_dir: The directory.
        options: What to check.

    Returns:
        All findings (the directory is valid if their `num_errors` is 0), and the
        contents of the directory.

    Raises:
        NotADirectoryError: There is no such directory.
        ValueError: A decoder crashed.
    """
    data_dir = Path(data_dir)
    if not data_dir.is_dir():
        raise NotADirectoryError(
            f"{data_dir}: no such data directory; expected a folder with utt2spk"
        )
    warnings = WARNINGS | CONTENT_KINDS if options.kaldi_text else WARNINGS
    shown = (20, 5) if options.max_shown is None else (options.max_shown,) * 2
    check = _Check(data_dir, options, Findings(*shown, warnings))
    check.scan()
    check.compare()
    check.read_audio()
    return check.findings, check.summarize()


class _Check:
    """State of one validation."""

    def __init__(self, data_dir: Path, options: CheckOptions, found: Findings) -> None:
        self.data_dir, self.options, self.findings = data_dir, options, found
        names = {path.name for path in data_dir.iterdir() if path.is_file()}
        self.names = sorted(names & CHECKED_FILES)
        kinds = {name: kind_of(name) for name in names - CHECKED_FILES}
        keyed = sorted(
            name for name, kind in kinds.items() if kind not in (None, "value")
        )
        self.notes = [f"not checked: {' '.join(keyed)}"] if keyed else []
        self.has_segments = "segments" in names
        self.rules: dict[str, Rule] = {name: make_rule(name) for name in self.names}
        self.scans: dict[str, Scan] = {}
        self.pairs_digest = b""
        self.recordings = Recordings(data_dir, self.has_segments, found)

    def scan(self) -> None:
        """Read each file once."""
        needed = {"utt2spk", "spk2utt"}
        needed |= set() if self.options.no_text else {"text"}
        if self.has_segments or not self.options.no_wav:
            needed.add("wav.scp")
        for name in sorted(needed - set(self.names)):
            self.findings.add(
                "missing-file", self.data_dir / name, 0, "", "no such file"
            )
        for name in self.names:
            path = self.data_dir / name
            if name == "spk2utt":
                self.scans[name], self.pairs_digest = scan_spk2utt(path, self.findings)
            else:
                self.scans[name] = scan_file(path, self.rules[name], self.findings)

    def compare(self) -> None:
        """Compare the ids of each file with those of its reference file."""
        references = {
            "utt": (self.scans.get("utt2spk"), "utt_id"),
            "spk": (self.scans.get("spk2utt"), "spk_id"),
            "reco": (self._list_recordings(), "reco_id"),
        }
        for name, scan in self.scans.items():
            reference, noun = references[kind_of(name, self.has_segments) or "utt"]
            if reference is not None and name not in ("utt2spk", "spk2utt"):
                compare_ids(reference, scan, self.findings, noun)
        utt2spk = self.rules.get("utt2spk")
        if not isinstance(utt2spk, Utt2SpkRule) or "spk2utt" not in self.scans:
            return
        if utt2spk.pairs.digest() != self.pairs_digest:
            paths = (self.data_dir / "utt2spk", self.data_dir / "spk2utt")
            compare_speakers(*paths, self.findings)

    def _list_recordings(self) -> Scan | None:
        """Return segments as a list of recordings."""
        rule = self.rules.get("segments")
        if not isinstance(rule, SegmentsRule):
            return None
        ids = b"".join([reco_id + b"\n" for reco_id in sorted(rule.ends_s)])
        digest = hashlib.blake2b(ids).digest()
        return Scan(self.data_dir / "segments", digest=digest, column=1)

    def read_audio(self) -> None:
        """Open or decode the audio of wav.scp and compare segments with it."""
        options = self.options
        how = AudioCheck(options.fs, options.audio == "full", options.allow_pipes)
        if "wav.scp" in self.scans and options.audio != "none" and not options.no_wav:
            counts = self.scans.get("utt2num_samples")
            if counts and counts.digest != self.scans["wav.scp"].digest:
                counts = None
            self.recordings.read(how, options.nj, counts.path if counts else None)
            self._allow_drops()
        segments = self.rules.get("segments")
        if isinstance(segments, SegmentsRule):
            self.recordings.check_segments(segments.ends_s)

    def _allow_drops(self) -> None:
        """Count few unusable recordings as warnings, since they will be dropped."""
        found, max_drop = self.findings, self.options.max_drop
        num_bad = sum(found.counts[kind] for kind in DROPPED_KINDS)
        if 0 < num_bad <= max_drop * self.recordings.num_read:
            found.warnings |= DROPPED_KINDS
            limit = f"at most {max_drop:.0%} may"
            self.notes.append(f"format-audio will drop {num_bad} recordings ({limit})")

    def summarize(self) -> Summary:
        """Return the totals of the directory."""
        num_lines = {name: scan.num_lines for name, scan in self.scans.items()}
        summary = Summary(num_lines.get("utt2spk", 0), num_lines.get("spk2utt", 0))
        summary.notes = self.notes + self.recordings.notes()
        segments, utt2dur = self.rules.get("segments"), self.rules.get("utt2dur")
        counted = self.rules.get("utt2num_samples")
        fs = self.options.fs or self.recordings.common_fs()
        if isinstance(segments, SegmentsRule):
            summary.duration_s = segments.total_s
        elif isinstance(utt2dur, NumberRule):
            summary.duration_s = utt2dur.total
        elif self.recordings.total_s is not None:
            summary.duration_s = self.recordings.total_s
        elif isinstance(counted, NumberRule):
            summary.num_samples = int(counted.total)
            summary.duration_s = counted.total / fs if fs else None
        return summary
