"""Write the data directory of a set of utterances, which come in any order."""

import itertools
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from hamzaban.data.files import sorted_pairs
from hamzaban.data.write import DirWriter
from hamzaban.ingest.segments import fit_segments
from hamzaban.ingest.utterances import Tally, Utterance, clean_id

SORTED_AT_ONCE = 100_000  # largest number of utterances held in memory
REPEATED = "repeats an earlier row"


class Written(NamedTuple):
    """What was written: utterances, their speakers, and hours (0: unknown)."""

    num_utts: int
    speakers: frozenset[str]
    hours: float

    def __str__(self) -> str:
        """Describe it for the log."""
        length = f", {self.hours:.2f} h" if self.hours else ""
        return f"{self.num_utts} utterances, {len(self.speakers)} speakers{length}"


def write_set(
    data_dir: Path,
    utterances: Iterable[Utterance],
    tally: Tally,
    publish: ExitStack,
    *,
    remedy: str = "remove one",
) -> Written:
    """Write a data directory; utterances may come in any order and number.

    Of utterances that are equal in all but their place, the first is written. A
    segment ends with its recording at the latest (see `fit_segments`). The files take
    their names when `publish` closes, and are removed if it closes with an error, so
    that several sets appear together or not at all.

    Args:
        data_dir: Where to write.
        utterances: Its utterances.
        tally: Counts segments and repeated rows that are left out.
        publish: Exit stack; when it closes, the directory is completed or removed.
        remedy: What the user can do about two utterances of the same id.

    Raises:
        ValueError: There is no utterance, or two that differ have the same id.
    """
    ordered = _each_once(_sort(utterances), tally, f"{data_dir}", remedy)
    speakers: set[str] = set()
    num_utts, total_s, all_timed = 0, 0.0, True
    out = publish.enter_context(DirWriter(data_dir))
    for utt in fit_segments(ordered, tally):
        spk_id = clean_id(utt.spk_id) or utt.utt_id
        speakers.add(spk_id)
        _write(out, utt, spk_id)
        num_utts += 1
        duration_s = utt.duration_s or utt.end_s - utt.begin_s
        total_s, all_timed = total_s + duration_s, all_timed and duration_s > 0
    _require_some(num_utts, data_dir, tally)
    out.finish()
    done = Written(num_utts, frozenset(speakers), total_s / 3600 if all_timed else 0.0)
    logging.info("%s: %s", data_dir, done)
    return done


def _require_some(num_utts: int, data_dir: Path, tally: Tally) -> None:
    if num_utts == 0:
        left_out = (*tally.excluded.items(), *tally.faults.items())
        counts = "; ".join(f"{why}: {count}" for why, count in left_out) or "none read"
        raise ValueError(
            f"{data_dir}: no utterance is left to write ({counts}), expected at least "
            f"one; correct the corpus{tally.remedy()}"
        )


def _write(out: DirWriter, utt: Utterance, spk_id: str) -> None:
    utt_id = utt.utt_id
    out.open("utt2spk").write(utt_id, spk_id)
    if utt.text is not None:
        out.open("text").write(utt_id, utt.text)
    if utt.lang:
        out.open("utt2lang").write(utt_id, utt.lang)
    if utt.rec_id:
        rec_id = clean_id(utt.rec_id)
        out.open("wav.scp", same_ok=True).write(rec_id, utt.audio)
        span = f"{rec_id} {utt.begin_s:.3f} {utt.end_s:.3f}"
        out.open("segments").write(utt_id, span)
        return
    out.open("wav.scp").write(utt_id, utt.audio)


def _sort(utterances: Iterable[Utterance]) -> Iterator[Utterance]:
    """Sort by utt_id, on disk where they are many."""
    pairs = ((utt.utt_id, _pack(utt)) for utt in utterances)
    for _, packed in sorted_pairs(pairs, SORTED_AT_ONCE):
        yield _unpack(packed)


def _each_once(
    utterances: Iterator[Utterance], tally: Tally, place: str, remedy: str
) -> Iterator[Utterance]:
    """Yield sorted utterances; leave out repeats, and refuse others of the same id.

    A repeat is the same in all but its place; the first one is kept.
    """
    differing: list[Utterance] = []
    num_differing = 0
    for _, same_id in itertools.groupby(utterances, lambda utt: utt.utt_id):
        found: dict[Utterance, Utterance] = {}
        for utt in sorted(same_id, key=_order_of_place):
            first = found.setdefault(utt._replace(place=""), utt)
            if first is not utt:
                tally.add_fault(REPEATED, f"{_origin(utt)}, as at {_origin(first)}")
        num_differing += len(found) - 1
        if len(found) > 1:
            differing = differing or list(found.values())
        if not differing:
            yield from found.values()
    if not differing:
        return
    one, two = differing[:2]
    more = f" ({num_differing} such rows)" if num_differing > 1 else ""
    raise ValueError(
        f"{place}: utt_id {one.utt_id} occurs twice with different contents, of "
        f"{_origin(one)} and of {_origin(two)}{more}, expected each once; {remedy}"
    )


def _order_of_place(utt: Utterance) -> tuple[int, str]:
    return len(utt.place), utt.place  # line 9 is before line 10


def _origin(utt: Utterance) -> str:
    """Return the audio of an utterance, and the file and line that names it."""
    return (
        f"{utt.audio} ({utt.place})" if utt.place not in ("", utt.audio) else utt.audio
    )


def _pack(utt: Utterance) -> str:
    return json.dumps(utt)  # in one line, whatever the transcript holds


def _unpack(packed: str) -> Utterance:
    return Utterance(*json.loads(packed))
