"""Write a transcript in several formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from hamzaban.transcribe.cues import CueOptions, isolate, make_cues
from hamzaban.transcribe.transcript import Transcript, to_json

KALDI = "kaldi"  # a data directory of all files, see kaldi.py
MIN_INTERVAL_S = 0.001  # of a TextGrid, which has no intervals of length 0
Interval = tuple[float, float, str]


def format_transcript(
    transcript: Transcript, form: str, options: CueOptions
) -> Iterator[str]:
    """Yield the text of a file in one of FORMATS, in pieces."""
    return FORMATS[form](transcript, options)


def check_formats(names: Sequence[str]) -> tuple[str, ...]:
    """Check the names of formats and return each once.

    Raises:
        ValueError: One is unknown, or there is none.
    """
    known = (*FORMATS, KALDI)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        found = unknown[0] if unknown else ""
        raise ValueError(f"--format '{found}' found; known: {', '.join(known)}")
    return tuple(dict.fromkeys(names))


def _txt(transcript: Transcript, _: CueOptions) -> Iterator[str]:
    for segment in transcript.segments:
        yield f"{segment.text}\n"


def _srt(transcript: Transcript, options: CueOptions) -> Iterator[str]:
    for number, cue in enumerate(make_cues(transcript.each_word(), options), 1):
        times = f"{_clock(cue.start_s, ',')} --> {_clock(cue.end_s, ',')}"
        lines = "\n".join(map(isolate, cue.lines))
        yield f"{number}\n{times}\n{lines}\n\n"


def _vtt(transcript: Transcript, options: CueOptions) -> Iterator[str]:
    yield "WEBVTT\n\n"
    for cue in make_cues(transcript.each_word(), options):
        lines = "\n".join(_escape(isolate(line)) for line in cue.lines)
        yield f"{_clock(cue.start_s, '.')} --> {_clock(cue.end_s, '.')}\n{lines}\n\n"


def _ctm(transcript: Transcript, _: CueOptions) -> Iterator[str]:
    name = "_".join(Path(transcript.source).stem.split()) or "audio"
    for word in transcript.each_word():
        times = f"{word.start_s:.2f} {word.end_s - word.start_s:.2f}"
        yield f"{name} 1 {times} {word.text} {word.confidence:.4f}\n"


def _json(transcript: Transcript, _: CueOptions) -> Iterator[str]:
    yield json.dumps(to_json(transcript), ensure_ascii=False, indent=1) + "\n"


def _tsv(transcript: Transcript, _: CueOptions) -> Iterator[str]:
    yield "start\tend\ttext\n"
    for segment in transcript.segments:
        start_ms, end_ms = round(1000 * segment.start_s), round(1000 * segment.end_s)
        yield f"{start_ms}\t{end_ms}\t{segment.text}\n"


def _textgrid(transcript: Transcript, _: CueOptions) -> Iterator[str]:
    segments = [(s.start_s, s.end_s, s.text) for s in transcript.segments]
    words = [(w.start_s, w.end_s, w.text) for w in transcript.each_word()]
    ends = [end for _, end, _ in (*segments, *words)]
    last_s = max([transcript.duration_s, *ends])
    spoken = list(_tile(words, last_s))
    last_s = spoken[-1][1]
    tiers = {"segments": list(_tile(segments, last_s)), "words": spoken}
    yield 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
    yield f"xmin = 0\nxmax = {last_s:.3f}\ntiers? <exists>\nsize = {len(tiers)}\n"
    yield "item []:\n"
    for number, (name, rows) in enumerate(tiers.items(), 1):
        yield f'    item [{number}]:\n        class = "IntervalTier"\n'
        yield f'        name = "{name}"\n'
        yield f"        xmin = 0\n        xmax = {last_s:.3f}\n"
        yield f"        intervals: size = {len(rows)}\n"
        for index, (start_s, end_s, text) in enumerate(rows, 1):
            quoted = text.replace('"', '""')
            yield f"        intervals [{index}]:\n            xmin = {start_s:.3f}\n"
            yield f'            xmax = {end_s:.3f}\n            text = "{quoted}"\n'


def _tile(rows: Iterable[Interval], last_s: float) -> Iterator[Interval]:
    """Yield intervals with the empty ones between them, from 0 to the end."""
    at_s = 0.0
    for start, end, text in rows:
        start_s = max(round(start, 3), at_s)
        end_s = max(round(end, 3), start_s + MIN_INTERVAL_S)
        if start_s > at_s:
            yield at_s, start_s, ""
        yield start_s, end_s, text
        at_s = round(end_s, 3)
    last_s = round(last_s, 3)
    if last_s > at_s or not at_s:
        yield at_s, max(last_s, MIN_INTERVAL_S), ""


def _clock(time_s: float, point: str) -> str:
    """Return a time as 01:02:03,004."""
    seconds, ms = divmod(round(1000 * time_s), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{ms:03}"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


FORMATS: dict[str, Callable[[Transcript, CueOptions], Iterator[str]]] = {
    "txt": _txt,
    "srt": _srt,
    "vtt": _vtt,
    "ctm": _ctm,
    "json": _json,
    "tsv": _tsv,
    "TextGrid": _textgrid,
}
