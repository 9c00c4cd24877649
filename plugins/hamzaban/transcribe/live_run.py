"""Transcribe the samples that a pipe brings, and print words as they are known."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from typing import IO, TextIO

from hamzaban.transcribe.acoustics import ModelRequest
from hamzaban.transcribe.live import Heard, Listener, heard_to_json
from hamzaban.transcribe.live_options import LiveOptions
from hamzaban.transcribe.loading import SearchRequest, load_transcriber
from hamzaban.transcribe.pcm import PcmReader
from hamzaban.transcribe.pcm_format import PcmFormat
from hamzaban.transcribe.transcribe_options import TranscribeOptions

TEXT, JSON = "txt", "json"
FORMATS = (TEXT, JSON)
READ_BYTES = 65_536
REMEDY = "pipe raw samples in, such as: arecord -q -t raw -f S16_LE -r 16000 | ..."
_ERASE, _DIM, _PLAIN = "\r\x1b[K", "\x1b[2m", "\x1b[0m"


@dataclasses.dataclass(frozen=True)
class LiveRequest:
    """What a live run does.

    Attributes:
        model: The model.
        search: The search.
        pcm: What the bytes of standard input mean.
        live: How much the model hears at a time.
        options: Where speech begins and ends.
        form: One of FORMATS.
    """

    model: ModelRequest
    search: SearchRequest
    pcm: PcmFormat
    live: LiveOptions
    options: TranscribeOptions
    form: str = TEXT


def transcribe_live(request: LiveRequest, source: IO[bytes], target: TextIO) -> None:
    """Transcribe a stream until it ends or the user interrupts it.

    Args:
        request: What to do.
        source: The samples.
        target: Where words are printed; on a terminal, words that may still change
            follow the final ones.

    Raises:
        ValueError: The source is a terminal or a WAV file, or the model cannot be used.
    """
    if source.isatty():
        raise ValueError(f"standard input is a terminal; {REMEDY}")
    model = load_transcriber(request.model, request.search, request.options)
    listener, reader = Listener(model, request.live), PcmReader(request.pcm)
    show = _find_printer(request.form, target)
    logging.info("listening")
    busy_s = 0.0
    try:
        for data in _each_piece(source):
            began = time.monotonic()
            for heard in listener.feed(reader.feed(data)):
                show(heard)
            busy_s += time.monotonic() - began
    except KeyboardInterrupt:
        logging.info("interrupted; the words so far are complete")
    for steps in (listener.feed(reader.finish()), listener.finish()):
        for heard in steps:
            show(heard)
    found = listener.transcript("")
    logging.info(
        "live: %.1f s of audio, %.1f s of speech, %d words%s",
        found.duration_s,
        found.speech_s,
        len(found.words),
        f", real-time factor {busy_s / found.duration_s:.3f}"
        if found.duration_s
        else "",
    )


def _each_piece(source: IO[bytes]) -> Iterator[bytes]:
    """Yield bytes as they come.

    Raises:
        ValueError: They begin as a WAV file does.
    """
    head = b""
    while data := os.read(source.fileno(), READ_BYTES):
        if len(head) < 4:
            head = (head + data)[:4]
            if head == b"RIFF":
                raise ValueError(
                    "standard input begins with the header of a WAV file, expected "
                    "raw samples; leave out --live, or convert it: ffmpeg -i FILE -f "
                    "s16le -ar 16000 -ac 1 -"
                )
        yield data


class _TextPrinter:
    """Prints a line for each stretch of speech."""

    def __init__(self, target: TextIO) -> None:
        self._target, self._line = target, ""
        self._is_terminal = target.isatty()

    def __call__(self, heard: Heard) -> None:
        new = " ".join(word.text for word in heard.final)
        if new and self._line:
            new = f" {new}"
        self._line += new
        shown = new
        if self._is_terminal:
            partial = "".join(f" {word.text}" for word in heard.partial)
            shown = f"{_ERASE}{self._line}{_DIM}{partial}{_PLAIN}"
        if heard.is_end and self._line:
            shown, self._line = f"{shown}\n", ""
        self._target.write(shown)
        self._target.flush()


class _JsonPrinter:
    """Prints a line of JSON for each step."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    def __call__(self, heard: Heard) -> None:
        self._target.write(json.dumps(heard_to_json(heard), ensure_ascii=False) + "\n")
        self._target.flush()


def _find_printer(form: str, target: TextIO) -> Callable[[Heard], None]:
    return _JsonPrinter(target) if form == JSON else _TextPrinter(target)
