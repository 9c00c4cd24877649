"""Error rates by speaker, duration, signal level or labels of a file."""

import logging
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from hamzaban.audio.reader import open_audio
from hamzaban.data.files import read_scp
from hamzaban.score.bootstrap import Plan, estimate_interval
from hamzaban.score.sclite import Scored
from hamzaban.score.trn import format_trn_ids, get_speaker

NUM_BINS = 4
_SILENCE_DB = -120.0


@dataclass(frozen=True)
class Group:
    """A part of the utterances.

    Attributes:
        name: Name in tables.
        num_utterances: Number of utterances.
        num_tokens: Number of reference tokens.
        errors: Number of errors.
        interval: Bootstrap interval, over utterances, of the error rate; None if fewer
            than two have reference tokens.
    """

    name: str
    num_utterances: int
    num_tokens: int
    errors: int
    interval: tuple[float, float] | None

    @property
    def rate(self) -> float | None:
        """Errors by reference tokens; None if there are none."""
        return self.errors / self.num_tokens if self.num_tokens else None


@dataclass(frozen=True)
class Signal:
    """Measurements of a recording.

    Attributes:
        duration_s: Duration in seconds.
        level_db: Root mean square in dB of full scale, not below -120.
    """

    duration_s: float
    level_db: float


def break_down(
    scored: Scored, labels: Sequence[Hashable], plan: Plan, order: Sequence[str] = ()
) -> list[Group]:
    """Return the error rate of each label of utterances.

    Args:
        scored: Aligned tokens of U utterances.
        labels: Label of each utterance.
        plan: Plan of the bootstrap for the intervals.
        order: Labels that come first, in this order; others follow as they appear.
    """
    errors = scored.counts[:, 1:].sum(axis=1)
    sizes = scored.counts[:, :3].sum(axis=1)
    members: dict[Hashable, list[int]] = {label: [] for label in order}
    for u, label in enumerate(labels):
        members.setdefault(label, []).append(u)
    return [
        Group(
            str(label),
            len(chosen),
            int(sizes[chosen].sum()),
            int(errors[chosen].sum()),
            estimate_interval(errors[chosen], sizes[chosen], plan),
        )
        for label, chosen in members.items()
        if chosen
    ]


def break_down_speakers(scored: Scored, plan: Plan) -> list[Group]:
    """Return the error rate of each speaker, the highest first."""
    labels = [get_speaker(trn_id) for trn_id in scored.trn_ids]
    groups = break_down(scored, labels, plan)
    return sorted(groups, key=lambda group: (-(group.rate or 0.0), group.name))


def break_down_values(
    scored: Scored, values: Sequence[float], unit: str, plan: Plan
) -> list[Group]:
    """Return the error rates of `NUM_BINS` bins with about as many utterances each.

    Args:
        scored: Aligned tokens of U utterances.
        values: Number of each utterance, such as its duration.
        unit: Unit of the numbers, for the names of the bins.
        plan: Plan of the bootstrap for the intervals.
    """
    inner = np.quantile(values, np.linspace(0, 1, NUM_BINS + 1)[1:-1])
    edges = np.unique(np.round(inner, 1))
    place = np.searchsorted(edges, values, side="right")
    names = [f"under {edges[0]:.1f} {unit}"]
    names += [f"{a:.1f} to {b:.1f} {unit}" for a, b in pairwise(edges)]
    names.append(f"{edges[-1]:.1f} {unit} and over")
    return break_down(scored, [names[p] for p in place], plan, names)


def match_utterances(scored: Scored, utt2spk: Mapping[str, str]) -> list[str | None]:
    """Return the utterance id of each scored trn id; None where there is none."""
    trn_ids = format_trn_ids(utt2spk)
    known = {
        trn_id if scored.case_sensitive else trn_id.lower(): utt_id
        for utt_id, trn_id in trn_ids.items()
    }
    return [known.get(trn_id) for trn_id in scored.trn_ids]


def require_utterances(
    scored: Scored, utt2spk: Mapping[str, str], place: str | Path
) -> list[str]:
    """Return the utterance id of each scored trn id.

    Raises:
        ValueError: An utterance is not in `utt2spk`.
    """
    found = match_utterances(scored, utt2spk)
    for trn_id, utt_id in zip(scored.trn_ids, found, strict=True):
        if utt_id is None:
            raise ValueError(
                f"{place}: scored utterance {trn_id} is not in utt2spk; give the data "
                "directory of the set that was scored"
            )
    return [utt_id for utt_id in found if utt_id is not None]


def measure_signals(
    data_dir: str | Path, utt_ids: Sequence[str], nj: int = 1
) -> dict[str, Signal]:
    """Return duration and level of recordings of a data directory.

    Args:
        data_dir: Data directory with one file per utterance, such as dump/raw/test.
        utt_ids: Utterances to measure.
        nj: Number of threads.

    Raises:
        ValueError: The directory has segments or lacks an utterance.
    """
    data_dir = Path(data_dir)
    if (data_dir / "segments").is_file():
        raise ValueError(
            f"{data_dir}/segments: found, expected one audio file per utterance; run "
            "`hamzaban format-audio` on the directory first"
        )
    sources = dict(read_scp(data_dir / "wav.scp"))
    missing = [utt_id for utt_id in utt_ids if utt_id not in sources]
    if missing:
        raise ValueError(
            f"{data_dir}/wav.scp: utterance '{missing[0]}' is missing; give the data "
            "directory of the set that was scored"
        )
    logging.info("%s: measuring %d recordings", data_dir, len(utt_ids))
    with ThreadPoolExecutor(nj) as pool:
        signals = pool.map(lambda utt_id: _measure(sources[utt_id]), utt_ids)
        return dict(zip(utt_ids, signals, strict=True))


def _measure(source: str) -> Signal:
    with open_audio(source) as stream:
        squares, count = 0.0, 0
        for block in stream.blocks:  # (samples, channels)
            squares += float(np.square(block, dtype=np.float64).sum())
            count += block.shape[0]
        power = squares / max(1, count * stream.num_channels)
        level_db = 10 * np.log10(power) if power else _SILENCE_DB
        return Signal(count / stream.fs, float(max(_SILENCE_DB, level_db)))
