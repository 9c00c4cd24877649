"""Recordings by which an export is checked, and the trained model's output for them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from hamzaban.data.files import read_scp
from hamzaban.decode.emissions import Utterance, read_speech
from hamzaban.decode.search import SearchFiles
from hamzaban.decode.searches.greedy import GreedySearch
from hamzaban.text.tokens import Tokenizer
from hamzaban.transcribe.acoustics import Acoustics, ModelRequest, load_acoustics

NUM_CLIPS = 10  # clips of the experiment that are compared if none are given
FS = 16000  # Hz

Run = Callable[[np.ndarray], tuple[str, np.ndarray | None]]


@dataclasses.dataclass(frozen=True)
class Clip:
    """A recording and what the trained model makes of it.

    Attributes:
        name: Its utt_id or file.
        speech: Waveform at 16 kHz, shape (samples,).
        text: The text of greedy search.
        log_probs: CTC log-posteriors (natural log), shape (T, V).
    """

    name: str
    speech: np.ndarray
    text: str
    log_probs: np.ndarray


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How an exported model agrees with the trained one.

    Attributes:
        what: What was compared, such as `transformers`.
        num_clips: Clips that were compared.
        other: Names of clips with another text.
        difference: Largest difference of log-posteriors in nats; None if the exported
            form does not give them.
        speed: Seconds of audio for a second of the exported model.
    """

    what: str
    num_clips: int
    other: Sequence[str]
    difference: float | None
    speed: float

    def describe(self) -> str:
        """Return one line for the console and the model card."""
        same = self.num_clips - len(self.other)
        line = f"{self.what}: same text for {same} of {self.num_clips} clips"
        if self.other:
            line += f" (other: {', '.join(self.other[:3])})"
        if self.difference is not None:
            line += f", largest difference of log-posteriors {self.difference:.2g}"
        return f"{line}, {self.speed:.0f} times as fast as speech"


def find_named_file(name: str, exp: Path) -> Path | None:
    """Return a file that a config names relative to the recipe; None if there is none.

    Args:
        name: Path in a config.yaml.
        exp: Folder of the experiment, two levels below the recipe's.
    """
    places = (Path(name), exp.resolve().parent.parent / name)
    return next((path for path in places if path.is_file()), None)


def list_clips(
    values: Mapping[str, Any], exp: Path, files: Sequence[Path]
) -> list[tuple[str, Path]]:
    """Return names and files of the clips to check.

    Args:
        values: The options of train-asr.
        exp: Folder of the experiment.
        files: What the user asks for; nothing: the first utterances of a decoded set,
            else of the valid set.

    Raises:
        FileNotFoundError: A file is missing, or there are no clips.
    """
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(f"--check: {file}: no such file; name a recording")
    if files:
        return [(str(file), file) for file in files]
    named = [row[0] for row in values.get("valid_data_path_and_name_and_type") or ()]
    valid = find_named_file(next(iter(named), ""), exp)
    if valid is not None:
        decoded = sorted({path.parent.name for path in exp.glob("decode*/*/text")})
        scps = [valid.parent.parent / name / "wav.scp" for name in decoded]
        for scp in [*scps, valid]:
            rows = islice(read_scp(scp), NUM_CLIPS) if scp.is_file() else ()
            found = [(utt_id, find_named_file(path, exp)) for utt_id, path in rows]
            clips = [(utt_id, path) for utt_id, path in found if path is not None]
            if clips:
                return clips
    raise FileNotFoundError(
        f"{exp}: the recordings of its test sets are not here, but an export is "
        "checked on some; name recordings with --check, or give --no_check"
    )


def run_clips(
    request: ModelRequest, clips: Sequence[tuple[str, Path]], columns: Sequence[int]
) -> tuple[list[Clip], Acoustics]:
    """Run the trained model on clips; return them, and the model.

    Args:
        request: The model.
        clips: Names and files.
        columns: The columns of its output that are exported.

    Raises:
        ValueError: A recording cannot be read.
    """
    model = load_acoustics(request)
    found = []
    for name, path in clips:
        speech = read_speech(Utterance(name, str(path), 0), FS).numpy()
        ((log_probs, _),) = model.emit([speech])
        text = decode_greedily(model.tokenizer, log_probs)
        found.append(Clip(name, speech, text, log_probs[:, columns]))
    return found, model


def decode_greedily(tokenizer: Tokenizer, log_probs: np.ndarray) -> str:
    """Return the text of greedy search; `log_probs` has shape (T, V)."""
    results = GreedySearch().build(tokenizer, SearchFiles()).decode(log_probs)
    return results[0].text if results else ""


def compare(what: str, clips: Sequence[Clip], run: Run) -> Agreement:
    """Run an exported model on clips and compare.

    Args:
        what: What is compared, for messages.
        clips: From `run_clips`.
        run: Returns text and log-posteriors, shape (T, V), of a waveform; runs of
            spaces do not count.
    """
    other, largest, spent_s = [], None, 0.0
    for clip in clips:
        start = time.perf_counter()
        text, log_probs = run(clip.speech)
        spent_s += time.perf_counter() - start
        if " ".join(text.split()) != clip.text:
            other.append(clip.name)
        if log_probs is not None:
            frames = min(len(log_probs), len(clip.log_probs))
            gap = np.abs(log_probs[:frames] - clip.log_probs[:frames])
            largest = max(largest or 0.0, float(gap.max(initial=0.0)))
    audio_s = sum(len(clip.speech) for clip in clips) / FS
    return Agreement(what, len(clips), other, largest, audio_s / max(spent_s, 1e-9))
