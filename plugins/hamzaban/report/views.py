"""The decoded sets that a report looks at closely, one view each."""

import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hamzaban.data.files import read_scp
from hamzaban.report.page import Detail, compute_direction
from hamzaban.report.parts import Parts
from hamzaban.report.results import Row, find_folder
from hamzaban.report.rows import add_rows, add_sounds, choose_worst, read_decoded
from hamzaban.report.sound import (
    Sound,
    estimate_size,
    measure_sounds,
    play_sounds,
)
from hamzaban.report.vocabulary import add_vocabulary, count_training
from hamzaban.score.analysis import Details, analyse
from hamzaban.score.bootstrap import Plan
from hamzaban.score.breakdown import (
    Group,
    break_down,
    break_down_values,
    require_utterances,
)
from hamzaban.score.sclite import Scored
from hamzaban.score.systems import read_folder
from hamzaban.score.trn import format_trn_ids, read_text, read_trn

TOP = 10  # confusions of each kind
MAX_VIEWS = 8  # decodings of a set, those of lowest WER
NOT_TAGGED = "not tagged"


@dataclass(frozen=True)
class Wishes:
    """What the report should hold.

    Attributes:
        raw_dir: Folder of the data directories that were decoded, by set.
        roots: Folders with the stamps of the stages.
        num_embedded: Recordings of each set to put into the page if all are too large,
            of the utterances with most errors in any decoding; links lead to the
            others.
        word_lists: Files of words by name of the class.
        utt_tags: Kaldi files that group utterances, by name.
        plan: How to draw for intervals.
        sc_stats: NIST's command, to check the MAPSSWE test.
        nj: Threads that read audio.
        pseudo_dirs: Folders of rounds of pseudo-labelling, beside those that lie by
            the first experiment as `pseudo_*`.
        folder: Where the page will be, for links to recordings.
        leaks: Sentences on what training shares with valid and test.
        max_sound_mb: Most MB of the sets whose recordings are all in the page.
    """

    raw_dir: Path = Path("dump/raw")
    roots: Sequence[Path] = (Path("exp"), Path("dump"), Path("data"))
    num_embedded: int = 10
    word_lists: Mapping[str, Path] = field(default_factory=dict)
    utt_tags: Mapping[str, Path] = field(default_factory=dict)
    plan: Plan = field(default_factory=Plan)
    sc_stats: Sequence[str] | None = None
    nj: int = 1
    pseudo_dirs: Sequence[Path] = ()
    folder: Path = Path("exp")
    leaks: Sequence[str] = ()
    max_sound_mb: float = 10.0


@dataclass(frozen=True)
class Recordings:
    """The recordings of a set.

    Attributes:
        key: Key of their parts.
        data_dir: Data directory; None if there are none.
        sounds: By utterance id.
    """

    key: str = ""
    data_dir: Path | None = None
    sounds: Mapping[str, Sound] = field(default_factory=dict)


def choose_views(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the decodings of each set, the one of lowest WER first.

    Sets of tests stand before those of validation, which ESPnet calls `org/...`.
    Of a decoding that was scored normalized and raw, the normalized one is taken.
    """
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        first.setdefault((row.dataset, row.inference), row)
    sets: dict[str, list[Row]] = {}
    for row in sorted(first.values(), key=lambda row: row.dataset.startswith("org/")):
        sets.setdefault(row.dataset, []).append(row)
    return {name: sorted(found, key=_wer)[:MAX_VIEWS] for name, found in sets.items()}


def _describe_held(data_dir: Path, total: int, num_held: int, size: float) -> str:
    """Return which recordings of a set the page holds."""
    about = f"about {max(size / 1e6, 0.1):.1f} MB"
    if num_held == total:
        return f"All {total:,} recordings of {data_dir} are in this report ({about})."
    return (
        f"{num_held:,} of {total:,} recordings of {data_dir} are in this report, those "
        f"with most errors. The others are links to the files. All would take {about}, "
        "more than --max_sound_mb of make-report allows."
    )


def _wer(row: Row) -> float:
    rate = row.rates["wer"].rate
    return float("inf") if rate is None else rate


class Views:
    """The views of an experiment, and what is missing for them.

    Attributes:
        notes: What is missing.
        held: Sentences on the recordings that the page holds, one a set.
    """

    def __init__(
        self, wishes: Wishes, training: Sequence[Path], parts: Parts, notes: list[str]
    ) -> None:
        """Prepare views.

        Args:
            wishes: What the report should hold.
            training: Texts of the training, for words that it lacks.
            parts: Where the data go.
            notes: Gets what is missing.
        """
        self._wishes, self._training, self._parts = wishes, training, parts
        self._counts: dict[str, Mapping[str, int] | None] = {}
        self._last: tuple[Path, Scored] | None = None
        self._room = 1e6 * wishes.max_sound_mb  # bytes left for recordings
        self.notes = notes
        self.held: list[str] = []

    def look(self, sets: Mapping[str, Sequence[Row]]) -> Iterator[Detail]:
        """Yield the views of sets, as `choose_views` returns them, one at a time."""
        number = 0
        for place, (name, rows) in enumerate(sets.items()):
            recordings = self._read_recordings(f"s{place}", name, rows)
            for row in rows:
                yield self._look(f"v{number}", row, recordings)
                number += 1

    def _read_recordings(self, key: str, name: str, rows: Sequence[Row]) -> Recordings:
        data_dir = self._wishes.raw_dir / name
        if not (data_dir / "wav.scp").is_file():
            return self._miss(f"{data_dir} is not there: no audio or durations of it")
        if (data_dir / "segments").is_file():
            return self._miss(
                f"{data_dir}/segments: found, expected one audio file an utterance; "
                "run `hamzaban format-audio`. There is no audio or duration of this set"
            )
        utt2spk = read_text(data_dir / "utt2spk")
        folders = [find_folder(row) for row in rows]
        wanted = {i.lower() for folder in folders for i in read_trn(folder / "ref.trn")}
        found = dict(read_scp(data_dir / "wav.scp"))
        sources = {}
        for utt_id, trn_id in format_trn_ids(utt2spk).items():
            if trn_id.lower() in wanted and utt_id not in found:
                raise ValueError(
                    f"{data_dir}/wav.scp: utterance '{utt_id}' is missing; give the "
                    "data directory of the set that was scored"
                )
            if trn_id.lower() in wanted:
                sources[utt_id] = found[utt_id]
        return self._add_recordings(key, data_dir, sources, folders)

    def _add_recordings(
        self,
        key: str,
        data_dir: Path,
        sources: Mapping[str, str],
        folders: Sequence[Path],
    ) -> Recordings:
        sounds = measure_sounds(sources, self._wishes.nj)
        size = estimate_size(sound.duration_s for sound in sounds.values())
        holds_all = size <= self._room
        self._room -= size if holds_all else 0
        embedded = list(sources) if holds_all else self._list_worst(data_dir, folders)
        folder, nj = self._wishes.folder, self._wishes.nj
        played = play_sounds(sources, folder, embedded, nj)
        add_sounds(self._parts, key, [(sounds[u].peaks, *played[u]) for u in sources])
        self.held.append(_describe_held(data_dir, len(sources), len(embedded), size))
        silent = sum(not address for address, _ in played.values())
        if silent:
            self._note(
                f"{data_dir}: {silent} of {len(sources)} recordings are no files that "
                "a browser plays, such as FLAC or WAV; they are shown without sound"
            )
        return Recordings(key, data_dir, sounds)

    def _list_worst(self, data_dir: Path, folders: Sequence[Path]) -> list[str]:
        """Return the utterances with most errors of each decoding."""
        path = data_dir / "utt2spk"
        utt2spk = read_text(path)
        worst: dict[str, None] = {}
        for folder in folders:
            scored = self._read(folder)
            names = require_utterances(scored, utt2spk, path)
            chosen = choose_worst(scored, self._wishes.num_embedded)
            worst |= dict.fromkeys(names[u] for u in chosen)
        return list(worst)

    def _miss(self, note: str) -> Recordings:
        self._note(note)
        return Recordings()

    def _note(self, note: str) -> None:
        logging.warning("%s", note)
        self.notes.append(note)

    def _look(self, key: str, row: Row, recordings: Recordings) -> Detail:
        folder = find_folder(row)
        scored = self._read(folder)
        names = self._name_utterances(scored, recordings)
        lists = Details(self._wishes.word_lists, top=TOP)
        analysis = analyse(scored, lists, self._wishes.plan)
        groups = self._make_groups(scored, names, recordings)
        sounds = recordings.sounds
        add_rows(
            self._parts,
            key,
            scored,
            names,
            decoded=read_decoded(folder.parent),
            durations_s={name: sounds[name].duration_s for name in names if sounds},
            places={name: place for place, name in enumerate(sounds)},
        )
        return Detail(
            row,
            dataclasses.replace(analysis, groups={**analysis.groups, **groups}),
            compute_direction(scored.refs),
            key,
            recordings.key,
            add_vocabulary(self._parts, key, scored, self._count(row.normalizer)),
        )

    def _name_utterances(self, scored: Scored, recordings: Recordings) -> list[str]:
        if recordings.data_dir is None:
            return [trn_id[1:-1] for trn_id in scored.trn_ids]
        utt2spk = recordings.data_dir / "utt2spk"
        return require_utterances(scored, read_text(utt2spk), utt2spk)

    def _read(self, folder: Path) -> Scored:
        """Read a scored set, or return the last one that was read."""
        if self._last is None or self._last[0] != folder:
            self._last = folder, read_folder(folder)
        return self._last[1]

    def _count(self, normalizer: str) -> Mapping[str, int] | None:
        if normalizer not in self._counts:
            self._counts[normalizer] = count_training(self._training, normalizer)
        return self._counts[normalizer]

    def _make_groups(
        self, scored: Scored, names: Sequence[str], recordings: Recordings
    ) -> dict[str, Sequence[Group]]:
        """Return error rates by duration, level, and tag, where audio is at hand."""
        if recordings.data_dir is None:
            return {}
        plan, sounds = self._wishes.plan, [recordings.sounds[name] for name in names]
        durations = [sound.duration_s for sound in sounds]
        levels = [sound.level_db for sound in sounds]
        groups: dict[str, Sequence[Group]] = {
            "duration": break_down_values(scored, durations, "s", plan),
            "level": break_down_values(scored, levels, "dB", plan),
        }
        for name, path in self._wishes.utt_tags.items():
            tags = read_text(path)
            labels = [tags.get(utt_id, NOT_TAGGED) for utt_id in names]
            groups[name] = break_down(scored, labels, plan)
        return groups
