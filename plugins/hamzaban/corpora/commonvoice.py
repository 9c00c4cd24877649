"""Mozilla Common Voice, scripted speech, releases 7 to 27.

valid and test are the published dev and test. train is all that contributors validated,
without the speakers and sentences of valid and test.
"""

import argparse
import functools
import logging
import os
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from hamzaban.cli import finite_float, str2bool
from hamzaban.corpora._commonvoice_release import Release, check_counts, open_release
from hamzaban.data.files import Pair
from hamzaban.data.write import write_scp
from hamzaban.ingest.durations import read_durations
from hamzaban.ingest.hashed import Durations, HashedSet, hash_name
from hamzaban.ingest.leaks import leave_out_shared, make_index
from hamzaban.ingest.select import draw_by_speaker, take_hours
from hamzaban.ingest.sets import drop_marks
from hamzaban.ingest.tables import read_tsv
from hamzaban.ingest.utterances import Tally, Utterance, clean_text
from hamzaban.ingest.write import write_set
from hamzaban.lm.leaks import Index

COLUMNS = ("client_id", "path", "sentence")
SPEAKER_CHARS = 16  # characters (64 bits) kept of the 128 of a client_id
SHORT_CLIP_S = 4.0  # length of a clip assumed for the first number of headers read
HELD_OUT = {"valid": "dev", "test": "test"}


class Clip(NamedTuple):
    """A row of a table: contributor, file name in clips/, sentence, file and line."""

    client_id: str
    path: str
    sentence: str
    place: str = ""


Read = Callable[[Tally], Iterable[Clip]]


class HeldOut(NamedTuple):
    """Speakers and sentences of valid and test."""

    speakers: set[str]
    paths: set[str]
    sentences: Index


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this corpus."""
    add = parser.add_argument
    add("--lang", required=True, help="Common Voice's code, such as fa or zh-CN")
    add("--release", default="", help="release, such as 25.0, if there are several")
    add(
        "--train_from",
        default="validated",
        choices=("validated", "train"),
        help="table to make train from; train is the published set, much smaller",
    )
    add("--suffix", default="", help="suffix of the names of the sets, such as _fa")
    add(
        "--hours",
        type=finite_float,
        help="hours of train, chosen from as many speakers as possible",
    )
    add(
        "--unlabelled",
        type=str2bool,
        default=False,
        help="write unlabelled<suffix>: speech of other.tsv, which nobody validated",
    )
    add(
        "--apart",
        type=str2bool,
        default=False,
        help="write apart<suffix>: the transcripts of train that are not in other.tsv",
    )
    add("--unpack_dir", type=Path, default="downloads", help="folder for a tarball")
    add("--check_counts", type=str2bool, default=True, help="compare with published")


def prepare(args: argparse.Namespace) -> None:
    """Write train, valid, test and, if asked for, unlabelled and apart.

    Raises:
        ValueError: The release is not whole, or too much of it cannot be used.
    """
    release = open_release(args)
    if args.check_counts:
        check_counts(release, args.lang)
    sets = plan_sets(release, args)
    release.extract_clips(
        clip.path for read in sets.values() for clip in read(Tally(""))
    )
    durations = release.durations()
    with ExitStack() as publish:
        for name, read in sets.items():
            tally = Tally(f"{name}{args.suffix} of {release}")
            utterances = make_utterances(read(tally), release, args.lang, tally)
            utterances = drop_marks(utterances, tally)
            if durations is not None:
                utterances = add_durations(utterances, durations)
            if name == "unlabelled":
                utterances = (utt._replace(text=None) for utt in utterances)
            write_set(args.output / f"{name}{args.suffix}", utterances, tally, publish)
            tally.check(args.max_drop)
        if args.apart:
            write_apart(sets["train"], release, args)


def write_apart(read: Read, release: Release, args: argparse.Namespace) -> None:
    """Write the transcripts of train that neither equal nor nearly equal other.tsv's.

    A language model trained on them has not seen the sentences of the unlabelled clips.
    """
    shown = (clip.sentence for clip in read_clips(release.table("other"), Tally("")))
    index = make_index(shown, args.lang)
    tally = Tally(f"apart{args.suffix} of {release}")
    clips = leave_out_shared(
        read(tally), lambda c: c.sentence, index, args.lang, tally, place="other.tsv"
    )

    def read_texts() -> Iterator[Pair]:
        found = make_utterances(clips, release, args.lang, tally)
        for utt in drop_marks(found, tally):
            yield utt.utt_id, utt.text or ""
        tally.check(args.max_drop)  # an error leaves no file behind

    write_scp(args.output / f"apart{args.suffix}", read_texts())


def plan_sets(release: Release, args: argparse.Namespace) -> dict[str, Read]:
    """Return the reader of each set's clips; it may be called any number of times."""
    held_out = read_held_out(release, args.lang)
    sets: dict[str, Read] = {}
    for name, part in HELD_OUT.items():
        sets[name] = functools.partial(read_clips, release.table(part))

    def read_apart(part: str, lang: str | None, tally: Tally) -> Iterator[Clip]:
        clips = read_clips(release.table(part), tally)
        return keep_apart(clips, held_out, lang, tally)

    train = functools.partial(read_apart, args.train_from, args.lang)
    if args.hours is not None:
        chosen = choose_hours(train, release, args)
        whole = train
        train = functools.partial(read_chosen, whole, chosen)
    sets["train"] = train
    if args.unlabelled:
        sets["unlabelled"] = functools.partial(read_apart, "other", None)
    return sets


def read_clips(table: Path, tally: Tally) -> Iterator[Clip]:
    """Read the rows of a table; count rows with too many or too few fields."""
    for number, fields in read_tsv(table, COLUMNS):
        tally.num_read += 1
        if isinstance(fields, str):
            reason = "row with too many or too few fields"
            tally.add_fault(reason, f"{table}:{number}: {fields}")
        else:
            yield Clip(fields[0], fields[1], fields[2], f"{table}:{number}")


def read_held_out(release: Release, lang: str) -> HeldOut:
    """Read the speakers and sentences of dev.tsv and test.tsv."""
    speakers: set[str] = set()
    paths: set[str] = set()
    sentences: list[str] = []
    for part in HELD_OUT.values():
        table, before = release.table(part), len(paths)
        for clip in read_clips(table, Tally("")):
            speakers.add(clip.client_id)
            paths.add(clip.path)
            sentences.append(clip.sentence)
        if len(paths) == before:
            raise ValueError(
                f"{table}: no clips, expected some; the release has no such set for "
                f"'{lang}': take another, or split validated.tsv with import-data"
            )
    return HeldOut(speakers, paths, make_index(sentences, lang))


def keep_apart(
    clips: Iterable[Clip], held_out: HeldOut, lang: str | None, tally: Tally
) -> Iterator[Clip]:
    """Leave out clips of held-out speakers or, given a language, held-out sentences."""

    def others() -> Iterator[Clip]:
        for clip in clips:
            if clip.path in held_out.paths:
                tally.excluded["of valid or test"] += 1
            elif clip.client_id in held_out.speakers:
                tally.excluded["speaker of valid or test"] += 1
            else:
                yield clip

    if lang is None:
        return others()
    index = held_out.sentences
    return leave_out_shared(others(), lambda clip: clip.sentence, index, lang, tally)


def read_chosen(read: Read, chosen: HashedSet, tally: Tally) -> Iterator[Clip]:
    """Read the clips that were chosen, and count the others."""
    for clip in read(tally):
        if clip.path in chosen:
            yield clip
        else:
            tally.excluded["beyond the hours asked for"] += 1


def choose_hours(read: Read, release: Release, args: argparse.Namespace) -> HashedSet:
    """Choose `args.hours` hours of clips, of as many speakers as possible."""
    numbers: dict[str, int] = {}
    speakers, hashes = array("l"), array("Q")
    for clip in read(Tally("")):
        speakers.append(numbers.setdefault(clip.client_id, len(numbers)))
        hashes.append(hash_name(clip.path))
    order = draw_by_speaker(speakers, args.seed)
    durations = release.durations()
    if durations is None:
        drawn = [hashes[place] for place in order]
        durations = time_clips(read, release, args, drawn)
    known = durations  # by file name, which is a path of the tables
    chosen = take_hours(
        order, lambda place: known.get_hashed(hashes[place]), args.hours
    )
    logging.info(
        "%g h of train: %d of %d clips, seed %d",
        args.hours, len(chosen), len(hashes), args.seed,
    )  # fmt: skip
    return HashedSet(hashes[place] for place in chosen)


def time_clips(
    read: Read, release: Release, args: argparse.Namespace, drawn: list[int]
) -> Durations:
    """Read durations of clips in the order in which they were drawn, until enough.

    Args:
        read: Reads the clips to choose from.
        release: The release.
        args: The options; hours and nj are used.
        drawn: Hashes of the paths of clips, in the order in which they were drawn.
    """
    count = min(len(drawn), int(args.hours * 3600 / SHORT_CLIP_S) + 1)
    while True:
        wanted = HashedSet(drawn[:count])
        paths = [clip.path for clip in read(Tally("")) if clip.path in wanted]
        release.extract_clips(paths)
        files = {str(release.clip(path)): path for path in paths}
        timed = [
            (files[file], duration_s)
            for file, duration_s in read_durations(files, args.nj)
        ]
        enough = sum(duration_s for _, duration_s in timed) >= args.hours * 3600
        if enough or count == len(drawn):
            return Durations(timed)
        count = min(len(drawn), 2 * count)


def make_utterances(
    clips: Iterable[Clip], release: Release, lang: str, tally: Tally
) -> Iterator[Utterance]:
    """Yield the utterances of clips; count and skip those without words or audio."""
    language = lang.split("-")[0].lower()
    for clip in clips:
        text, audio = clean_text(clip.sentence), str(release.clip(clip.path))
        fault = check_clip(audio) or ("" if text else "no sentence")
        if fault:
            tally.add_fault(fault, f"{clip.place}: {clip.path}")
            continue
        name = Path(clip.path).stem
        utt = Utterance(name, clip.client_id[:SPEAKER_CHARS], audio, text, language)
        yield utt._replace(place=clip.place)


def check_clip(audio: str) -> str:
    """Return why a file cannot be read; "" if its size shows no fault."""
    try:
        return "" if os.stat(audio).st_size else "audio of 0 bytes"
    except FileNotFoundError:
        return "no audio file"


def add_durations(
    utterances: Iterable[Utterance], durations: Durations
) -> Iterator[Utterance]:
    """Add the published durations to utterances."""
    for utt in utterances:
        yield utt._replace(duration_s=durations.get(Path(utt.audio).name))
