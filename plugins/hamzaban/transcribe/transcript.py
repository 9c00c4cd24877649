"""The transcript of a recording: words with times, grouped by pauses."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class TimedWord:
    """A word of a recording.

    Attributes:
        text: The word; of an aligned text, as the user wrote it.
        start_s: Its start, in seconds from the start of the recording.
        end_s: Its end.
        confidence: Geometric mean of its tokens' highest posteriors, 0..1.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """Speech between two pauses.

    Attributes:
        start_s: Start of the speech, in seconds from the start of the recording.
        end_s: Its end.
        words: Its words, at least one.
        language: Language whose head was used; "" for a model of one language.
    """

    start_s: float
    end_s: float
    words: tuple[TimedWord, ...]
    language: str = ""

    @property
    def text(self) -> str:
        """Return the words, separated by spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        """Return the mean confidence of the words, 0..1."""
        return sum(word.confidence for word in self.words) / len(self.words)


@dataclasses.dataclass(frozen=True)
class Transcript:
    """The transcript of one recording.

    Attributes:
        source: The recording: a path, or another name if it is not a file.
        segments: Its speech, in order.
        duration_s: Duration of the audio that could be decoded.
        speech_s: Duration of the speech in it.
        faults: What is wrong with the recording; the transcript lacks these places.
    """

    source: str
    segments: tuple[Segment, ...]
    duration_s: float
    speech_s: float
    faults: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return the text, one line per segment."""
        return "\n".join(segment.text for segment in self.segments)

    @property
    def words(self) -> list[TimedWord]:
        """Return all words, in order."""
        return list(self.each_word())

    def each_word(self) -> Iterator[TimedWord]:
        """Yield all words, in order."""
        for segment in self.segments:
            yield from segment.words


def to_json(transcript: Transcript) -> dict[str, Any]:
    """Return a transcript as values for JSON; times in seconds to the millisecond."""
    return {
        "source": transcript.source,
        "duration_s": round(transcript.duration_s, 3),
        "speech_s": round(transcript.speech_s, 3),
        "faults": list(transcript.faults),
        "text": transcript.text,
        "segments": [segment_to_json(segment) for segment in transcript.segments],
    }


def word_to_json(word: TimedWord) -> dict[str, Any]:
    """Return a word as values for JSON."""
    return {
        "text": word.text,
        "start_s": round(word.start_s, 3),
        "end_s": round(word.end_s, 3),
        "confidence": round(word.confidence, 4),
    }


def segment_to_json(segment: Segment) -> dict[str, Any]:
    """Return a segment as values for JSON."""
    words = [word_to_json(word) for word in segment.words]
    values: dict[str, Any] = {
        "start_s": round(segment.start_s, 3),
        "end_s": round(segment.end_s, 3),
        "text": segment.text,
        "confidence": round(segment.confidence, 4),
        "words": words,
    }
    return values | ({"language": segment.language} if segment.language else {})
