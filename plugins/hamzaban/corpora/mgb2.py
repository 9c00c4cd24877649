"""MGB-2: 1,200 h of Al Jazeera with lightly supervised transcripts, 2 x 10 h verbatim.

train has the segments whose word match error rate is low enough. valid and test are the
published dev and test without overlapped speech.
"""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from hamzaban.cli import finite_float, str2bool
from hamzaban.data.files import read_scp
from hamzaban.data.walk import is_hidden
from hamzaban.ingest.sets import check_count, write_sets
from hamzaban.ingest.transcripts import from_buckwalter
from hamzaban.ingest.utterances import Tally, Utterance, clean_text
from hamzaban.launch.notes import note_inputs

COUNTS = {"dev": 5002, "test": 5365}  # segments without overlapped speech
PARTS = {"valid": "dev", "test": "test"}
_LATIN = re.compile(r"[A-Za-z]")
_SPEAKER = re.compile(r"speaker(\d+)")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this corpus."""
    add = parser.add_argument
    add(
        "--max_wmer",
        type=finite_float,
        default=80.0,
        help="highest word match error rate of a segment of train",
    )
    add(
        "--check_counts", type=str2bool, default=True, help="check the published counts"
    )


def prepare(args: argparse.Namespace) -> None:
    """Write train, valid and test.

    Raises:
        FileNotFoundError: A part is missing.
        ValueError: A file has another form, or segments are missing.
    """

    def read_train(tally: Tally) -> Iterator[Utterance]:
        folder = args.source / "train" / "xml" / "utf8"
        files = sorted(f for f in folder.glob("*.xml") if not is_hidden(f.name))
        if not files:
            raise FileNotFoundError(
                f"{args.source}/train/xml/utf8: no .xml files; expected MGB-2 as it is "
                "distributed after the form at https://arabicspeech.org/mgb2"
            )
        for file in files:
            yield from read_programme(file, args.source, args.max_wmer, tally)

    readers = {"train": read_train}
    for name, part in PARTS.items():
        folder = args.source / part
        if args.check_counts:
            found = sum(1 for _ in read_scp(folder / "segments.non_overlap_speech"))
            check_count(folder, found, COUNTS[part], "segments")

        def read(tally: Tally, folder: Path = folder) -> Iterator[Utterance]:
            yield from read_verbatim(folder, tally)

        readers[name] = read
    write_sets(args.output, readers, args.source, args.max_drop)


def read_programme(
    file: Path, source: Path, max_wmer: float, tally: Tally
) -> Iterator[Utterance]:
    """Read the segments of a programme; count and skip those that match badly.

    Raises:
        ValueError: The file is no XML, or an attribute is missing.
    """
    audio = str(source / "train" / "wav" / f"{file.stem}.wav")
    note_inputs(file)
    try:
        for _, segment in ElementTree.iterparse(file):
            if segment.tag != "segment":
                continue
            tally.num_read += 1
            if float(segment.attrib["WMER"]) > max_wmer:
                tally.excluded[f"match error rate above {max_wmer:g}"] += 1
            else:
                yield _make_utterance(segment, file.stem, audio)
            segment.clear()
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise ValueError(
            f"{file}: {error}, expected segments with id, starttime, endtime, who and "
            "WMER; fetch the file again"
        ) from error


def _make_utterance(
    segment: ElementTree.Element, programme: str, audio: str
) -> Utterance:
    words = (element.text or "" for element in segment.iter("element"))
    who = _SPEAKER.search(segment.attrib["who"])
    begin_s = float(segment.attrib["starttime"])
    return Utterance(
        name=f"{segment.attrib['id']}-{round(100 * begin_s):07d}",
        spk_id=f"{programme}-{who[1] if who else 0}",
        audio=audio,
        text=clean_text(" ".join(words)),
        lang="ar",
        rec_id=programme,
        begin_s=begin_s,
        end_s=float(segment.attrib["endtime"]),
    )


def read_verbatim(folder: Path, tally: Tally) -> Iterator[Utterance]:
    """Read dev or test: Kaldi files with text in Buckwalter's transliteration."""
    names = ("wav.scp", "text.non_overlap_speech", "segments.non_overlap_speech")
    recordings, texts, segments = (folder / name for name in names)
    note_inputs(recordings, texts, segments)
    wav = dict(read_scp(recordings))
    text = dict(read_scp(texts))
    for utt_id, rest in read_scp(segments):
        tally.num_read += 1
        rec_id, begin_s, end_s = read_span(rest, f"{segments}: {utt_id}")
        words = text.get(utt_id, "")
        if _LATIN.search(words):
            words = from_buckwalter(words)
        audio = wav.get(rec_id, f"wav/{rec_id}.wav")
        yield Utterance(
            name=utt_id,
            spk_id=rec_id,
            audio=str(folder / audio),
            text=clean_text(words),
            lang="ar",
            rec_id=rec_id,
            begin_s=begin_s,
            end_s=end_s,
        )


def read_span(rest: str, place: str) -> tuple[str, float, float]:
    """Return the recording, and where a segment of it begins and ends, in seconds.

    Raises:
        ValueError: The line has another form.
    """
    try:
        rec_id, begin, end = rest.split()[:3]
        return rec_id, float(begin), float(end)
    except ValueError:
        raise ValueError(
            f"{place} is '{rest}', expected a recording, begin and end in seconds; "
            "fetch the file again"
        ) from None
