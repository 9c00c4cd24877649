"""Make train, valid and test of a user's own corpus."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from hamzaban.ingest.arrow import (
    UNPACKED,
    choose_files,
    list_arrow_files,
    name_folder,
    unpack_arrow,
)
from hamzaban.ingest.columns import Item, TableOptions
from hamzaban.ingest.finder import AudioFinder
from hamzaban.ingest.leaks import leave_out_shared, make_index
from hamzaban.ingest.naming import Naming
from hamzaban.ingest.plan import Plan, can_use, check_speakers, make_plan
from hamzaban.ingest.segments import BEYOND, CUT_SHORT, is_cut_short
from hamzaban.ingest.select import SETS
from hamzaban.ingest.sources import Source, has_table, open_source
from hamzaban.ingest.utterances import Tally, Utterance, clean_id, clean_text
from hamzaban.ingest.write import write_set
from hamzaban.text.marks import read_marks
from hamzaban.text.rules import GENERAL

REMEDIES = {BEYOND: "give --time_unit ms if the times are in milliseconds"}
SAME_IDS = (
    "remove one, or name a column of ids by --utt_id_column (else an id is the end of "
    "the path of the audio without its suffix, with - for /, and the times in a "
    "recording)"
)


# A line break ends a line, white space at the end of one is lost, and | makes the name
# a command; a byte that is not UTF-8 is a lone surrogate in a name.
_NOT_IN_SCP = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029\ud800-\udfff]|[ \t|]$")


@dataclass(frozen=True)
class ImportOptions:
    """How a corpus is read and split.

    Attributes:
        table: How to read the table.
        audio_dir: Folder that paths of audio start from; None: search for it.
        unpack_dir: Folder for the audio of Parquet and Arrow files.
        speaker_folders: Whether each folder in a folder of audio files is a speaker.
        ignore_split: Whether to draw a new split although the corpus has one.
        shares: Shares of valid and test in a new split.
        keep_shared: Whether to keep sentences in train that valid or test has.
        keep_speakers: Whether to keep utterances in train whose speaker is in valid or
            test, and in valid whose speaker is in test.
        seed: Random seed of the split.
        lang: Language for utt2lang; "" to take it from the table.
        suffix: End of the names of the sets.
        max_drop: Highest share of utterances that may be unfit.
        marks: What becomes of sounds in transcripts (see `text.marks.read_marks`).
    """

    table: TableOptions = field(default_factory=lambda: TableOptions({}))
    audio_dir: Path | None = None
    unpack_dir: Path = Path("downloads")
    speaker_folders: bool = False
    ignore_split: bool = False
    shares: tuple[float, float] = (0.1, 0.1)
    keep_shared: bool = False
    keep_speakers: bool = True
    seed: int = 0
    lang: str = ""
    suffix: str = ""
    max_drop: float = 0.05
    marks: str = "drop"


def import_corpus(path: Path, output: Path, options: ImportOptions) -> None:
    """Write train, valid and test of a corpus in any of the known forms.

    A split that the corpus has is kept. If it has no valid or no test set, a share of
    train is drawn for it. A drawn set shares no speaker with train. Where speakers are
    unknown, it shares no recording if recordings have several utterances, and else no
    sentence. The sets appear together: after an error none of them has changed.

    Raises:
        FileNotFoundError: There is nothing that can be read.
        ValueError: A value cannot be read, or too much of the corpus is unfit.
    """
    source, options = _open(path, options)
    corpus = Corpus(source, options)
    finder = AudioFinder(source, options.audio_dir)
    plan = make_plan(
        corpus.read,
        path,
        ignore_split=options.ignore_split,
        shares=options.shares,
        seed=options.seed,
    )
    speakers: dict[str, frozenset[str]] = {}
    with ExitStack() as publish:
        for name in SETS:
            tally = Tally(f"{name} of {path}", remedies=REMEDIES)
            chosen = _choose(corpus, plan, name, tally)
            if not options.keep_speakers:
                chosen = _without_speakers(chosen, corpus, plan, name, tally)
            if name == "train" and not options.keep_shared:
                chosen = _without_shared(chosen, corpus, plan, tally)
            utterances = _make_utterances(chosen, finder, options.lang, tally)
            data_dir = output / f"{name}{options.suffix}"
            done = write_set(data_dir, utterances, tally, publish, remedy=SAME_IDS)
            tally.check(options.max_drop)
            speakers[name] = done.speakers
        check_speakers(speakers, plan)


def _open(path: Path, options: ImportOptions) -> tuple[Source, ImportOptions]:
    """Open a corpus; first write out the audio of Parquet or Arrow files."""
    files = list_arrow_files(path) if path.is_dir() and not has_table(path) else []
    if path.suffix in (".parquet", ".arrow"):
        files = [path]
    if not files:
        return open_source(path), options
    chosen = choose_files(files, options.ignore_split)
    table = unpack_arrow(chosen, options.unpack_dir / name_folder(path))
    given = {**options.table.given, "audio": UNPACKED}
    options = replace(options, table=options.table._replace(given=given))
    return open_source(table), options


class _AudioPaths:
    """The paths of all recordings, which can be read any number of times."""

    def __init__(self, read: Callable[[], Iterator[Item]]) -> None:
        """Store what reads the items."""
        self._read_items = read

    def __iter__(self) -> Iterator[str]:
        """Yield the path of each item that has one."""
        return (item.audio for item in self._read_items() if item.audio)


class Corpus:
    """The items of a source, with ids added where the source has none."""

    def __init__(self, source: Source, options: ImportOptions) -> None:
        """Read the paths of a table, from which recordings get their names."""
        self.options = options
        self._source = source
        self._naming = Naming(() if source.kaldi else _AudioPaths(self._read))

    def _read(self) -> Iterator[Item]:
        options = self.options
        return self._source.read(options.table, options.speaker_folders)

    def read(self) -> Iterator[Item]:
        """Read all items."""
        for item in self._read():
            yield self._complete(item) if item.audio else item

    def _complete(self, item: Item) -> Item:
        """Read the marks of the text and add ids.

        Where speakers are unknown, the segments of a recording have one speaker.
        """
        marked = read_marks(item.text, self.options.marks, item.place)
        text = clean_text(marked.text)
        item = item._replace(text=text, marks=marked.marks)
        if item.utt_id and not item.is_cut:
            return item
        name = self._naming.name(item.audio)
        rec_id = item.rec_id or (name if item.is_cut else "")
        if rec_id:
            name += f"-{round(100 * item.begin_s):07d}-{round(100 * item.end_s):07d}"
        return item._replace(
            utt_id=item.utt_id or name,
            speaker=item.speaker or rec_id,
            rec_id=rec_id,
        )


def _choose(corpus: Corpus, plan: Plan, name: str, tally: Tally) -> Iterator[Item]:
    """Yield the items of a set, and count them."""
    for item in corpus.read():
        if plan.set_of(item) == name:
            tally.num_read += 1
            yield item


def _without_shared(
    chosen: Iterator[Item], corpus: Corpus, plan: Plan, tally: Tally
) -> Iterator[Item]:
    """Leave out of train the items whose text is a sentence of valid or test.

    Raises:
        ValueError: More than half of train would be left out.
    """
    lang = corpus.options.lang or GENERAL
    held = (i for i in corpus.read() if plan.set_of(i) != "train")
    index = make_index((item.text for item in held), lang)
    num_kept = 0
    for item in leave_out_shared(chosen, lambda item: item.text, index, lang, tally):
        num_kept += 1
        yield item
    equal = tally.excluded["sentence of valid or test"]
    near = tally.excluded["nearly a sentence of valid or test"]
    num_all = equal + near + num_kept
    if equal + near > num_kept:
        raise ValueError(
            f"{tally.place}: {equal + near} of {num_all} utterances say a sentence "
            f"of valid or test ({equal}) or nearly one ({near}), expected less than "
            "half; where all read the same sentences give --keep_shared true, and in "
            "conf/leaks.yaml the reason"
        )


def _without_speakers(
    chosen: Iterator[Item], corpus: Corpus, plan: Plan, name: str, tally: Tally
) -> Iterator[Item]:
    """Leave out the items of a set whose speaker is in a set after it in `SETS`."""
    later = SETS[SETS.index(name) + 1 :]
    held = {
        clean_id(item.speaker)
        for item in filter(can_use, corpus.read() if later else ())
        if plan.set_of(item) in later
    }
    for item in chosen:
        if item.speaker and clean_id(item.speaker) in held:
            tally.excluded[f"speaker of {' or '.join(later)}"] += 1
        else:
            yield item


def check_utterance(text: str, audio: str | None) -> str:
    """Return why an utterance cannot be used; "" if it can."""
    if audio is None:
        return "no audio file"
    if os.path.isfile(audio):
        if _NOT_IN_SCP.search(audio):
            return "name of an audio file that wav.scp cannot hold"
        if os.path.getsize(audio) == 0:
            return "audio file of 0 bytes"
        if is_cut_short(audio):
            return CUT_SHORT
    return "" if text else "no transcript"


def _make_utterances(
    items: Iterable[Item], finder: AudioFinder, lang: str, tally: Tally
) -> Iterator[Utterance]:
    last, where = "", ""
    for item in items:
        text, audio = item.text, _find(item, finder)
        last = item.audio or last
        tally.marks.add(item.marks)
        if item.marks and not text:
            tally.excluded["nothing but marks in the transcript"] += 1
            continue
        reason = check_utterance(text, audio)
        if reason or audio is None:
            if not tally.faults[reason]:
                where = _locate(item, finder if audio is None else None)
            tally.add_fault(reason, where)
            continue
        make = partial(Utterance, spk_id=item.speaker, audio=audio, text=text)
        make = partial(make, lang=lang or item.lang, duration_s=item.duration_s)
        make = partial(make, keeps_name=item.keeps_id, place=item.place)
        if not item.rec_id:
            yield make(item.utt_id)
            continue
        span = {"begin_s": item.begin_s, "end_s": item.end_s, "duration_s": 0.0}
        yield make(item.utt_id, rec_id=item.rec_id, **span)
    finder.log_meant(tally.place)
    finder.require_any(tally.place, last)


def _find(item: Item, finder: AudioFinder) -> str | None:
    try:
        return finder.find(item.audio)
    except ValueError as error:
        raise ValueError(f"{item.place}: {error}") from None


def _locate(item: Item, finder: AudioFinder | None) -> str:
    """Return the file and line of an item, and its audio if that is not the place."""
    audio = repr(item.audio) if _NOT_IN_SCP.search(item.audio) else item.audio
    other = finder.find_other(item.audio) if finder and item.audio else ""
    place = repr(item.place) if _NOT_IN_SCP.search(item.place) else item.place
    return place if item.audio in ("", item.place) else f"{place}: {audio}{other}"
