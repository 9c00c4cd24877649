"""Write an alignment: a data directory, tables to read, JSON for programs."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hamzaban.align.run import Alignment
from hamzaban.align.segments import Aligned
from hamzaban.data.write import DirWriter
from hamzaban.fileio import atomic_text
from hamzaban.ingest.importing import check_utterance
from hamzaban.ingest.naming import Naming

PAD_S = 0.1  # part of a pause that a segment includes, at most half of the pause
MIN_DURATION_S = 0.1
COLUMNS = ("utt_id", "start_s", "end_s", "score", "place", "text")
Row = Sequence[object]
Dropped = tuple[Aligned, str]  # a sentence and the reason


@dataclass(frozen=True)
class Segment:
    """A sentence that is kept, with the times of its segment in seconds."""

    utt_id: str
    start_s: float
    end_s: float
    found: Aligned


def check_media(media: Path) -> None:
    """Check that a data directory can name a recording.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: Its name has a line break or the like, or it is empty.
    """
    if not media.is_file():
        raise FileNotFoundError(f"{media}: no such file, expected a recording")
    if reason := check_utterance("-", str(media.absolute())):
        raise ValueError(f"{str(media)!r}: {reason}; rename or replace the file")


def write_alignment(found: Alignment, output_dir: Path, min_score: float) -> int:
    """Write all files of an alignment, those of the data directory last.

    Args:
        found: The alignment.
        output_dir: Folder to write to.
        min_score: Lowest score of a sentence that is kept, 0..1.

    Returns:
        The number of sentences kept.

    Raises:
        ValueError: None is kept.
    """
    segments, dropped = choose_segments(found, min_score)
    columns = ("place", "score", "reason", "text")
    write_table(output_dir / "dropped.tsv", columns, map(_describe_dropped, dropped))
    extras = ((_s(e.start_s), _s(e.end_s), e.text) for e in found.extras)
    write_table(output_dir / "extra.tsv", ("start_s", "end_s", "heard"), extras)
    with atomic_text(output_dir / "alignment.json") as stream:
        json.dump(_to_json(found, segments, dropped), stream, ensure_ascii=False)
        stream.write("\n")
    _log(found, segments, dropped)
    if not segments:
        raise ValueError(
            f"{found.media}: none of {len(found.sentences)} sentences has a score of "
            f"{min_score} or more ({output_dir}/dropped.tsv); is it the right text? "
            "Otherwise lower --min_score, or align with another model"
        )
    write_table(output_dir / "segments.tsv", COLUMNS, map(_describe, segments))
    _write_data_dir(found.media, output_dir, segments)
    return len(segments)


def choose_segments(
    found: Alignment, min_score: float
) -> tuple[list[Segment], list[Dropped]]:
    """Return the sentences that are kept, and the others, each with the reason."""
    rec_id = _name(found.media)
    kept, dropped = [], []
    for sentence, (start_s, end_s) in _pad(found):
        reason = sentence.reason
        if not reason and sentence.score < min_score:
            reason = f"score below {min_score}"
        elif not reason and end_s - start_s < MIN_DURATION_S:
            reason = f"shorter than {MIN_DURATION_S} s"
        if reason:
            dropped.append((sentence, reason))
            continue
        times = f"{round(100 * start_s):07d}-{round(100 * end_s):07d}"
        kept.append(Segment(f"{rec_id}-{times}", start_s, end_s, sentence))
    return kept, dropped


def write_table(path: Path, columns: Row, rows: Iterable[Row]) -> None:
    """Write a table with tabs between its columns."""
    with atomic_text(path) as stream:
        for row in (columns, *rows):
            stream.write("\t".join(map(str, row)) + "\n")


def _pad(found: Alignment) -> Iterable[tuple[Aligned, tuple[float, float]]]:
    """Yield sentences with their times, PAD_S wider but not beyond half a pause."""
    said = [(s.start_s, s.end_s) for s in found.sentences if not s.reason]
    said = sorted([*said, *((e.start_s, e.end_s) for e in found.extras)])
    place = {times: i for i, times in enumerate(said)}
    for sentence in found.sentences:
        times = sentence.start_s, sentence.end_s
        if sentence.reason:
            yield sentence, times
            continue
        i = place[times]
        before = said[i - 1][1] if i else -times[0]
        is_last = i + 1 == len(said)
        after = 2 * found.duration_s - times[1] if is_last else said[i + 1][0]
        start_s = times[0] - min(PAD_S, max(0.0, (times[0] - before) / 2))
        end_s = times[1] + min(PAD_S, max(0.0, (after - times[1]) / 2))
        yield sentence, (max(0.0, start_s), min(found.duration_s, end_s))


def _write_data_dir(media: Path, output_dir: Path, segments: Sequence[Segment]) -> None:
    rec_id = _name(media)
    with DirWriter(output_dir) as out:
        out.open("wav.scp").write(rec_id, str(media.absolute()))
        for s in segments:
            out.open("segments").write(
                s.utt_id, f"{rec_id} {s.start_s:.3f} {s.end_s:.3f}"
            )
            out.open("text").write(s.utt_id, _flat(s.found.sentence.text))
            out.open("utt2spk").write(s.utt_id, rec_id)


def _describe(s: Segment) -> Row:
    times = _s(s.found.start_s), _s(s.found.end_s)
    sentence = s.found.sentence
    score = f"{s.found.score:.4f}"
    return s.utt_id, *times, score, sentence.place, _flat(sentence.text)


def _describe_dropped(item: Dropped) -> Row:
    found, reason = item
    score = "" if found.reason else f"{found.score:.4f}"
    return found.sentence.place, score, reason, _flat(found.sentence.text)


def _to_json(
    found: Alignment,
    segments: Sequence[Segment],
    dropped: Sequence[Dropped],
) -> dict[str, Any]:
    names = {id(s.found): s.utt_id for s in segments}
    reasons = {id(sentence): reason for sentence, reason in dropped}
    sentences = []
    for s in found.sentences:
        row: dict[str, Any] = {"text": s.sentence.text, "place": s.sentence.place}
        if not s.reason:
            times = {"start_s": round(s.start_s, 3), "end_s": round(s.end_s, 3)}
            row |= times | {"score": round(s.score, 4)}
        if id(s) in names:
            row["utt_id"] = names[id(s)]
        else:
            row["dropped"] = reasons[id(s)]
        row["words"] = [
            {
                "text": word.text,
                "start_s": round(word.start_s, 3),
                "end_s": round(word.end_s, 3),
                "confidence": round(word.confidence, 4),
            }
            for word in s.words
        ]
        sentences.append(row)
    extra = [
        {"start_s": round(e.start_s, 3), "end_s": round(e.end_s, 3), "heard": e.text}
        for e in found.extras
    ]
    return {
        "media": str(found.media),
        "duration_s": round(found.duration_s, 3),
        "sentences": sentences,
        "extra": extra,
    }


def _log(
    found: Alignment,
    segments: Sequence[Segment],
    dropped: Sequence[Dropped],
) -> None:
    kept_s = sum(s.found.end_s - s.found.start_s for s in segments)
    extra_s = sum(e.end_s - e.start_s for e in found.extras)
    logging.info(
        "%s: %d of %d sentences kept, %.1f of %.1f s; speech that the text lacks: %d "
        "places, %.1f s",
        found.media,
        len(segments),
        len(found.sentences),
        kept_s,
        found.duration_s,
        len(found.extras),
        extra_s,
    )
    for reason, count in sorted(Counter(reason for _, reason in dropped).items()):
        logging.info("dropped: %d %s", count, reason)


def _name(media: Path) -> str:
    path = str(media.absolute())
    return "-".join(Naming([path]).name(path).split())


def _flat(text: str) -> str:
    return " ".join(text.split())


def _s(seconds: float) -> str:
    return f"{seconds:.3f}"
