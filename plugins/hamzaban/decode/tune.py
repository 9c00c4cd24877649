"""Choose weights and beam by the errors on a validation set, from its emissions."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hamzaban.config import write_config
from hamzaban.data.files import read_scp
from hamzaban.decode.search import Decoder, Search
from hamzaban.decode.search_run import Found, search_emissions
from hamzaban.decode.searches import tunable_options
from hamzaban.decode.store import EmissionStore
from hamzaban.fileio import atomic_path, atomic_text

MEASURED = ("wer", "cer", "errors", "words", "utts_per_s")


@dataclasses.dataclass(frozen=True)
class Trial:
    """The errors with one combination of values.

    Attributes:
        values: Values that were tried, by the name of the option.
        errors: Wrong words (substitutions, deletions, insertions).
        words: Words of the references.
        char_errors: Wrong characters, spaces left out.
        chars: Characters of the references, spaces left out.
        wall_s: Time of the search in seconds.
        num_utts: Number of utterances searched.
    """

    values: dict[str, float]
    errors: int
    words: int
    char_errors: int
    chars: int
    wall_s: float
    num_utts: int

    @property
    def wer(self) -> float:
        """Word error rate, in percent."""
        return 100 * self.errors / max(self.words, 1)

    @property
    def cer(self) -> float:
        """Character error rate, in percent."""
        return 100 * self.char_errors / max(self.chars, 1)


def tune(
    decoder: Decoder,
    store: EmissionStore,
    refs: Mapping[str, str],
    grid: Mapping[str, Sequence[float]],
    nj: int,
) -> list[Trial]:
    """Try all combinations of the values of a grid.

    Args:
        decoder: Decoder with the values of all other options.
        store: Emissions of the validation set.
        refs: Transcript of each utterance.
        grid: Values to try, by the name of the option.
        nj: Number of processes.

    Returns:
        The trials, in the order of the grid.

    Raises:
        ValueError: An utterance of the store has no reference.
    """
    missing = [utt_id for utt_id in store if utt_id not in refs]
    if missing:
        raise ValueError(
            f"{store.folder}: {len(missing)} utterances have no reference, the first "
            f"is {missing[0]}; give the transcripts of this set by --ref"
        )
    base, trials = decoder.options, []
    for values in itertools.product(*grid.values()):
        point = dict(zip(grid, values, strict=True))
        changes: dict[str, Any] = point
        decoder.tune(dataclasses.replace(base, **changes))
        start = time.monotonic()
        found = search_emissions(decoder, store, nj)
        trial = _measure(found, refs, point, time.monotonic() - start)
        trials.append(trial)
        logging.info("%s: WER %.2f, CER %.2f", point, trial.wer, trial.cer)
    return trials


def choose(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the fewest word errors, then the fewest character errors.

    Equal trials are ordered by the size of the beam, then by how near 0 the weights
    are.
    """
    return min(
        trials,
        key=lambda trial: (
            trial.errors,
            trial.char_errors,
            trial.values.get("beam_size", 0),
            sum(abs(v) for k, v in trial.values.items() if k != "beam_size"),
        ),
    )


def write_sweep(
    trials: Sequence[Trial], search: Search, output_dir: str | Path
) -> None:
    """Write `tune.tsv`, `tune.png` and, last, `weights.yaml` with the best values."""
    output_dir = Path(output_dir)
    best = choose(trials)
    names = tunable_options()  # the columns are the same for all searches
    base = [getattr(search, name, 0.0) for name in names]
    with atomic_text(output_dir / "tune.tsv") as f:
        f.write("\t".join([*names, *MEASURED]) + "\n")
        for trial in trials:
            values = [
                trial.values.get(name, value)
                for name, value in zip(names, base, strict=True)
            ]
            f.write("\t".join(_format(values, trial)) + "\n")
    plot_sweep(trials, output_dir / "tune.png")
    logging.info("best: %s, WER %.2f, CER %.2f", best.values, best.wer, best.cer)
    comment = f"Made by hamzaban tune-decoder: WER {best.wer:.2f} on valid."
    write_config(best.values, output_dir / "weights.yaml", comment)


def read_refs(path: str | Path) -> dict[str, str]:
    """Read a Kaldi `text`."""
    return dict(read_scp(path))


def plot_sweep(trials: Sequence[Trial], path: str | Path) -> None:
    """Draw WER over the LM weight: a line for each word score, a panel for each
    beam."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    beams = sorted({trial.values.get("beam_size", 0) for trial in trials})
    figure = Figure(figsize=(1.2 + 4.2 * len(beams), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    best = choose(trials)
    for i, beam in enumerate(beams):
        axes = figure.add_subplot(1, len(beams), i + 1)
        rows = [t for t in trials if t.values.get("beam_size", 0) == beam]
        for score in sorted({t.values.get("word_score", 0.0) for t in rows}):
            line = [t for t in rows if t.values.get("word_score", 0.0) == score]
            line.sort(key=lambda t: t.values.get("lm_weight", 0.0))
            x = [t.values.get("lm_weight", 0.0) for t in line]
            axes.plot(x, [t.wer for t in line], "o-", ms=3, label=f"{score:g}")
        if best in rows:
            x_best = best.values.get("lm_weight", 0.0)
            axes.plot([x_best], [best.wer], "k*", ms=12, label=f"best {best.wer:.2f} %")
        axes.set_xlabel("LM weight")
        axes.set_ylabel("WER on valid, %")
        axes.set_title(f"beam {beam:g}" if beam else "")
        axes.grid(alpha=0.3)
        axes.legend(title="word score", fontsize="small")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def _measure(
    found: Found, refs: Mapping[str, str], values: dict[str, float], wall_s: float
) -> Trial:
    from rapidfuzz.distance import Levenshtein

    errors = words = char_errors = chars = 0
    for utt_id, results in found.items():
        ref = refs[utt_id].split()
        hyp = results[0].text.split() if results else []
        errors += Levenshtein.distance(ref, hyp)
        words += len(ref)
        char_errors += Levenshtein.distance("".join(ref), "".join(hyp))
        chars += sum(map(len, ref))
    return Trial(values, errors, words, char_errors, chars, wall_s, len(found))


def _format(values: Sequence[float], trial: Trial) -> list[str]:
    speed = trial.num_utts / max(trial.wall_s, 1e-9)
    rates = [f"{trial.wer:.2f}", f"{trial.cer:.2f}"]
    counts = [str(trial.errors), str(trial.words)]
    return [f"{value:g}" for value in values] + rates + counts + [f"{speed:.1f}"]
