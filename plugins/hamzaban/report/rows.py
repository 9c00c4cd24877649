"""The rows of the explorer: every utterance of a decoded set."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hamzaban.data.files import read_scp
from hamzaban.report.parts import Parts
from hamzaban.report.sound import is_data
from hamzaban.score.notation import unescape_token
from hamzaban.score.sclite import Scored
from hamzaban.score.trn import get_speaker
from hamzaban.text.plausible import MAX_WORD, measure_longest, measure_loops

SHARD = 500  # utterances of a part that is read at once
AUDIO_SHARD = 20  # recordings of a part that is read at once
IN_AUDIO = 1  # stands for the address of a recording that `<key>-audio-<n>` holds


@dataclass(frozen=True)
class TimedWord:
    """A word with its start and end in seconds."""

    word: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Decoded:
    """What a search wrote beside its hypotheses.

    Attributes:
        words: Words with times by utterance id.
        confidence: Mean log-posterior by utterance id.
    """

    words: Mapping[str, Sequence[TimedWord]] = field(default_factory=dict)
    confidence: Mapping[str, float] = field(default_factory=dict)


def read_decoded(folder: Path) -> Decoded:
    """Read the files ctm and confidence of a decoded set, as far as they are there.

    Raises:
        ValueError: A line is malformed.
    """
    words = _read_times(folder / "ctm") if (folder / "ctm").is_file() else {}
    path = folder / "confidence"
    confidence = {}
    for utt_id, value in read_scp(path) if path.is_file() else ():
        try:
            confidence[utt_id] = float(value)
        except ValueError:
            raise ValueError(
                f"{path}: '{value}' of {utt_id} found, expected a log-posterior; "
                "decode the set again"
            ) from None
    return Decoded(words, confidence)


def _read_times(path: Path) -> dict[str, list[TimedWord]]:
    """Read lines `utt_id channel start duration word confidence` of `decode-asr`.

    Words are taken as they are: what sclite takes for alternatives is a word here.
    """
    words: dict[str, list[TimedWord]] = {}
    for number, (utt_id, rest) in enumerate(read_scp(path), 1):
        fields = rest.split(" ")
        try:
            start_s, duration_s, word = float(fields[1]), float(fields[2]), fields[3]
        except (IndexError, ValueError):
            start_s = duration_s = math.nan
        if not (0 <= start_s < math.inf and 0 <= duration_s < math.inf):
            raise ValueError(
                f"{path}:{number}: '{rest}' found, expected channel, start, duration, "
                "word; decode the set again"
            )
        words.setdefault(utt_id, []).append(
            TimedWord(word, start_s, start_s + duration_s)
        )
    return words


def choose_worst(scored: Scored, count: int) -> list[int]:
    """Return the utterances with most errors, the higher rate first among equals."""
    errors = scored.counts[:, 1:].sum(axis=1)
    sizes = np.maximum(1, scored.counts[:, :3].sum(axis=1))
    order = np.lexsort((-errors / sizes, -errors))
    return [int(u) for u in order[:count] if errors[u]]


def add_rows(
    parts: Parts,
    key: str,
    scored: Scored,
    names: Sequence[str],
    *,
    decoded: Decoded,
    durations_s: Mapping[str, float],
    places: Mapping[str, int],
) -> None:
    """Add `<key>-index`, columns of all utterances, and `<key>-text-<n>`, their texts.

    Args:
        parts: Where to add them.
        key: Key of the decoded set.
        scored: Its aligned words.
        names: Name of each utterance, in the order of `scored`.
        decoded: Times and confidences.
        durations_s: Durations by name; without audio empty.
        places: Number of each utterance's recording among those of its set; likewise.
    """
    speakers = list(scored.groups)
    number = {name: n for n, name in enumerate(speakers)}
    corr, sub, dele, ins = scored.counts.T.tolist()
    index: dict[str, Any] = {
        "id": names,
        "speakers": speakers,
        "speaker": [number[get_speaker(trn_id)] for trn_id in scored.trn_ids],
        "sub": sub,
        "del": dele,
        "ins": ins,
        "words": [sum(counts) for counts in zip(corr, sub, dele, strict=True)],
        "chars": [sum(map(len, map(unescape_token, ref))) for ref in scored.refs],
        "s": [round(durations_s[n], 2) for n in names] if durations_s else None,
        "sound": [places[name] for name in names] if places else None,
        "confidence": _list_confidences(names, decoded.confidence),
        "loops": _list_loops(scored.hyps),
        "longest": _list_longest(scored.hyps),
    }
    parts.add(f"{key}-index", index)
    for start in range(0, len(names), SHARD):
        end = min(start + SHARD, len(names))
        texts = [
            _describe(scored, u, decoded.words.get(names[u], ()))
            for u in range(start, end)
        ]
        parts.add(f"{key}-text-{start // SHARD}", texts)


def _list_loops(hyps: Sequence[Sequence[str]]) -> list[float] | None:
    """Return the share of repeated words of each hypothesis; None if none has any."""
    loops = [round(measure_loops(hyp), 3) for hyp in hyps]
    return loops if any(loops) else None


def _list_longest(hyps: Sequence[Sequence[str]]) -> list[int] | None:
    """Return the length of the longest word of each; None if none is too long."""
    longest = [measure_longest(hyp) for hyp in hyps]
    return longest if max(longest, default=0) > MAX_WORD else None


def _list_confidences(
    names: Sequence[str], found: Mapping[str, float]
) -> list[float | None] | None:
    """Return confidences from 0 to 1; None if there are none."""
    if not found:
        return None
    return [
        None if math.isnan(value) else round(math.exp(min(0.0, value)), 3)
        for value in (found.get(name, math.nan) for name in names)
    ]


def _describe(scored: Scored, u: int, timed: Sequence[TimedWord]) -> list[Any]:
    """Return reference, hypothesis, steps, timed words, and their times in 10 ms.

    The hypothesis is 0 where it is the reference, the steps where all are correct, and
    the timed words where they are those of the hypothesis.
    """
    ref, hyp = (" ".join(map(unescape_token, t[u])) for t in (scored.refs, scored.hyps))
    steps = scored.steps[u].decode()
    row: list[Any] = [ref, 0 if hyp == ref else hyp, steps if steps.strip("C") else 0]
    if timed:
        words = " ".join(word.word for word in timed)
        times = [round(100 * t) for w in timed for t in (w.start_s, w.end_s)]
        row += [0 if words == hyp else words, times]
    return row


def add_sounds(parts: Parts, key: str, rows: Sequence[tuple[str, str, int]]) -> None:
    """Add the recordings of a set.

    `<key>-sound-<n>` has for each its outline, its address, and 1 if it is cut. If the
    address is a data URI, it goes to `<key>-audio-<n>`, so that opening an utterance
    reads few others.
    """
    for start in range(0, len(rows), SHARD):
        shown = [
            (peaks, IN_AUDIO if is_data(address) else address, is_cut)
            for peaks, address, is_cut in rows[start : start + SHARD]
        ]
        parts.add(f"{key}-sound-{start // SHARD}", shown)
    for start in range(0, len(rows), AUDIO_SHARD):
        held = [
            address if is_data(address) else ""
            for _, address, _ in rows[start : start + AUDIO_SHARD]
        ]
        if any(held):
            parts.add(f"{key}-audio-{start // AUDIO_SHARD}", held)
