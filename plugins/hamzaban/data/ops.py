"""Copy, subset and split Kaldi data directories, in streams."""

import itertools
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from hamzaban.data.files import (
    Pair,
    list_files,
    log_left_out,
    read_scp,
    read_value,
    require_utts,
)
from hamzaban.data.select import Assignment
from hamzaban.data.write import DirWriter, ScpWriter

LOW = re.compile(r"[!-\-]")  # characters up to `-`, which follows the speaker


@dataclass(frozen=True)
class Rename:
    """Prefixes and suffixes that a copy adds to ids; recording ids do not change."""

    utt_prefix: str = ""
    utt_suffix: str = ""
    spk_prefix: str = ""
    spk_suffix: str = ""

    def __post_init__(self) -> None:
        """Check the prefixes and suffixes.

        Raises:
            ValueError: One has white space, which would end the id.
        """
        for name in ("utt_prefix", "utt_suffix", "spk_prefix", "spk_suffix"):
            text = getattr(self, name)
            if text and (text.split() != [text] or not text.isprintable()):
                raise ValueError(
                    f"--{name} is {text!r}, expected no white space or control "
                    "character, since a space ends an id; choose another"
                )

    def utt(self, utt_id: str) -> str:
        """Return the new id of an utterance."""
        return self.utt_prefix + utt_id + self.utt_suffix

    def spk(self, spk_id: str) -> str:
        """Return the new id of a speaker."""
        return self.spk_prefix + spk_id + self.spk_suffix

    def line(self, name: str, kind: str, pair: Pair) -> Pair:
        """Return the new line of a file of the given name and kind (see `kind_of`)."""
        key, rest = pair
        if name == "utt2spk":
            return self.utt(key), self.spk(rest)
        renamed = {"utt": self.utt, "spk": self.spk}.get(kind)
        return (renamed(key) if renamed else key), rest


NO_RENAME = Rename()


@dataclass(frozen=True)
class SpeakerFirst(Rename):
    """New ids that begin with the speaker, so that utterances sort by speaker.

    Attributes:
        utts: The new id of each utterance.
        spks: The new id of each speaker, which differs where one begins with another.
    """

    utts: Mapping[str, str] = field(default_factory=dict)
    spks: Mapping[str, str] = field(default_factory=dict)

    def utt(self, utt_id: str) -> str:
        """Return the new id of an utterance."""
        return super().utt(self.utts.get(utt_id, utt_id))

    def spk(self, spk_id: str) -> str:
        """Return the new id of a speaker."""
        return super().spk(self.spks.get(spk_id, spk_id))


def put_speaker_first(source: str | Path, rename: Rename = NO_RENAME) -> SpeakerFirst:
    """Return ids `<speaker>-<utterance>` for which utt2spk is in Kaldi's two orders.

    Where a speaker's id is the beginning of another's, characters that sort before or
    with `-` become `_` in the ids of speakers.

    Args:
        source: A data directory.
        rename: Prefixes and suffixes to add further.

    Raises:
        ValueError: Two speakers would get the same id.
    """
    pairs = list(read_scp(Path(source) / "utt2spk"))
    spks = {spk: spk for _, spk in pairs}
    by_utterance = sorted(spks, key=lambda spk: f"{spk}-")
    is_mixed = any(b.startswith(f"{a}-") for a, b in itertools.pairwise(by_utterance))
    if is_mixed or by_utterance != sorted(spks):
        spks = {spk: LOW.sub("_", spk) for spk in spks}
    olds: dict[str, str] = {}
    for spk, new in sorted(spks.items()):
        if (other := olds.setdefault(new, spk)) != spk:
            raise ValueError(
                f"{source}/utt2spk: speakers {other} and {spk} would both be {new}, "
                "expected distinct ids; rename one"
            )
    utts = {}
    for utt, spk in pairs:
        new, is_first = spks[spk], utt == spk or utt.startswith(f"{spk}-")
        utts[utt] = new + utt[len(spk) :] if is_first else f"{new}-{utt}"
    return SpeakerFirst(**vars(rename), utts=utts, spks=spks)


def copy_dir(source: str | Path, target: str | Path, rename: Rename = NO_RENAME) -> int:
    """Copy the data files of a directory, sorting each and renaming ids.

    Args:
        source: A data directory; its files may be unsorted.
        target: Its data files are replaced; may be `source`.
        rename: What to add to ids.

    Returns:
        The number of utterances.

    Raises:
        ValueError: An id occurs twice, a line cannot be read, or there is no utterance.
    """
    source, files = Path(source), list_files(source)
    log_left_out(source, files)
    num_utts = 0
    with DirWriter(target) as out:
        for name, kind in files.items():
            if name == "spk2utt":
                continue
            if kind == "value":
                out.write_value(name, read_value(source / name))
                continue
            writer = out.open(name)
            for pair in read_scp(source / name):
                writer.write(*rename.line(name, kind, pair))
                num_utts += name == "utt2spk"
            writer.finish()
        require_utts(num_utts, source)
    return num_utts


def distribute(
    source: str | Path,
    assignment: Assignment,
    targets: Mapping[int, str | Path],
    rename: Rename = NO_RENAME,
) -> dict[int, int]:
    """Write parts of a directory to other directories in one pass over each file.

    Args:
        source: A data directory whose files list the same utterances in the same order.
        assignment: The part of each utterance, in the order of utt2spk.
        targets: Folder of each part; parts without one are left out.
        rename: What to add to ids.

    Returns:
        The number of utterances of each part.

    Raises:
        ValueError: Files of `source` differ in ids, or a part is empty.
    """
    source, files = Path(source), list_files(source)
    log_left_out(source, files)
    with ExitStack() as stack:
        outs = {n: stack.enter_context(DirWriter(targets[n])) for n in targets}
        job = _Distribution(source, assignment, outs, rename)
        for name in sorted(files, key=_after_its_ids):
            if name != "spk2utt":
                job.write(name, files[name])
        for part in targets:
            require_utts(job.counts[part], source)
    return job.counts


def _after_its_ids(name: str) -> int:
    """Return a sort key that puts the files with speakers and recordings first."""
    return {"utt2spk": 0, "segments": 1}.get(name, 2)


class _Distribution:
    """State of one `distribute`: the parts that each speaker and recording is in."""

    def __init__(
        self,
        source: Path,
        assignment: Assignment,
        outs: Mapping[int, DirWriter],
        rename: Rename,
    ) -> None:
        self.source, self.assignment = source, assignment
        self.outs, self.rename = outs, rename
        self.counts = dict.fromkeys(outs, 0)
        self.bits_of: dict[str, dict[str, int]] = {"spk": {}, "reco": {}}

    def write(self, name: str, kind: str) -> None:
        """Write the lines of one file to the parts they belong to."""
        if kind == "value":
            for out in self.outs.values():
                out.write_value(name, read_value(self.source / name))
            return
        writers = {part: out.open(name) for part, out in self.outs.items()}
        if kind == "utt":
            self._write_utts(name, writers)
        else:
            self._write_others(name, kind, writers)
        for writer in writers.values():
            writer.finish()  # closes it: a part holds one file open at a time

    def _write_utts(self, name: str, writers: Mapping[int, ScpWriter]) -> None:
        bits_of = self.bits_of["spk" if name == "utt2spk" else "reco"]
        has_owners = name in ("utt2spk", "segments")
        pairs = self._paired(name)
        for part, pair in zip(self.assignment, pairs, strict=True):
            if part not in writers:
                continue
            writers[part].write(*self.rename.line(name, "utt", pair))
            if has_owners:
                owner = (pair[1].split(None, 1) or [""])[0]
                bits_of[owner] = bits_of.get(owner, 0) | 1 << part
            self.counts[part] += name == "utt2spk"

    def _paired(self, name: str) -> Iterator[Pair]:
        """Yield the lines of a file, checking that it has the utterances of utt2spk."""
        path = self.source / name
        if name == "utt2spk":
            yield from read_scp(path)
            return
        remedy = f"see `hamzaban validate-data {self.source}`"
        pairs, number = read_scp(path), 0
        for number, (utt_id, _) in enumerate(read_scp(self.source / "utt2spk"), 1):
            pair = next(pairs, ("the end of the file", ""))
            if pair[0] != utt_id:
                raise ValueError(
                    f"{path}:{number}: {pair[0]}, expected utt_id {utt_id} as in "
                    f"utt2spk; {remedy}"
                )
            yield pair
        for utt_id, _ in pairs:
            raise ValueError(
                f"{path}:{number + 1}: utt_id {utt_id} is not in utt2spk; {remedy}"
            )

    def _write_others(
        self, name: str, kind: str, writers: Mapping[int, ScpWriter]
    ) -> None:
        bits_of, seen = self.bits_of[kind], set()
        for pair in read_scp(self.source / name):
            bits = bits_of.get(pair[0], 0)
            seen.add(pair[0])
            while bits:
                part = bits.bit_length() - 1
                bits ^= 1 << part
                writers[part].write(*self.rename.line(name, kind, pair))
        if missing := bits_of.keys() - seen:
            raise ValueError(
                f"{self.source / name}: {kind}_id {min(missing)} has no line; see "
                f"`hamzaban validate-data {self.source}`"
            )
