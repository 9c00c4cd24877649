"""Tune the weights and the beam of a search on the emissions of a validation set."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hamzaban.config import write_config
from hamzaban.data.files import read_scp
from hamzaban.decode.search import Decoder, Search, SearchFiles
from hamzaban.decode.search_run import Found, search_emissions
from hamzaban.decode.searches import tunable_options
from hamzaban.decode.store import EmissionStore
from hamzaban.decode.widening import combine, find_beyond, list_beyond
from hamzaban.fileio import atomic_path, atomic_text

if TYPE_CHECKING:
    from hamzaban.text.tokens import Tokenizer

MEASURED = ("wer", "cer", "errors", "words", "utts_per_s")
GREEDY = "greedy"  # search of the row to compare with
MAX_WIDENINGS = 4  # times that a grid may grow beyond its values


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
        search: Name of the search.
    """

    values: dict[str, float]
    errors: int
    words: int
    char_errors: int
    chars: int
    wall_s: float
    num_utts: int
    search: str = ""

    @property
    def wer(self) -> float:
        """Return the word error rate in percent."""
        return 100 * self.errors / max(self.words, 1)

    @property
    def cer(self) -> float:
        """Return the character error rate in percent."""
        return 100 * self.char_errors / max(self.chars, 1)


def tune(
    decoder: Decoder,
    store: EmissionStore,
    refs: Mapping[str, str],
    grid: Mapping[str, Sequence[float]],
    nj: int,
) -> list[Trial]:
    """Try all combinations of the values of a grid, and values beyond it.

    An option of several values whose best one is the lowest or the highest gets a
    further value, a step beyond. This is repeated at most `MAX_WIDENINGS` times.

    Args:
        decoder: Decoder with the values of all other options.
        store: Emissions of the validation set.
        refs: Transcript of each utterance.
        grid: Values to try, by the name of the option.
        nj: Number of processes.

    Returns:
        The trials, in the order of the grid, then those beyond.

    Raises:
        ValueError: An utterance of the store has no reference.
    """
    check_refs(store, refs)
    base, trials = decoder.options, []

    def run(points: Iterable[dict[str, float]]) -> None:
        for point in points:
            changes: dict[str, Any] = point
            decoder.tune(dataclasses.replace(base, **changes))
            start = time.monotonic()
            found = search_emissions(decoder, store, nj)
            trial = _measure(found, refs, point, time.monotonic() - start)
            trials.append(dataclasses.replace(trial, search=base.name))
            logging.info("%s: WER %.2f, CER %.2f", point, trial.wer, trial.cer)

    wide = {name: sorted(set(values)) for name, values in grid.items()}
    run(combine(grid))
    for _ in range(MAX_WIDENINGS):
        new = find_beyond(wide, choose(trials).values)
        if not new:
            return trials
        tried = [trial.values for trial in trials]
        run(p for p in list_beyond(wide, new, choose(trials).values) if p not in tried)
        for name, value in new.items():
            wide[name] = sorted([*wide[name], value])
    for name in find_beyond(wide, choose(trials).values, warns=False):
        logging.warning(
            "the best %s, %g, is still at the end of the values tried; give values "
            "beyond it in `tune` of the YAML",
            name,
            choose(trials).values[name],
        )
    return trials


def check_refs(store: EmissionStore, refs: Mapping[str, str]) -> None:
    """Check that each utterance of a store has a transcript.

    Raises:
        ValueError: One has none.
    """
    missing = [utt_id for utt_id in store if utt_id not in refs]
    if missing:
        raise ValueError(
            f"{store.folder}: {len(missing)} utterances have no reference, the first "
            f"is {missing[0]}; give the transcripts of this set by --ref"
        )


def measure_greedy(
    tokenizer: Tokenizer, store: EmissionStore, refs: Mapping[str, str], nj: int
) -> Trial:
    """Return the errors of greedy decoding, to compare a search with."""
    from hamzaban.decode.searches.greedy import GreedySearch

    check_refs(store, refs)
    decoder = GreedySearch().build(tokenizer, SearchFiles())
    start = time.monotonic()
    found = search_emissions(decoder, store, nj)
    trial = _measure(found, refs, {}, time.monotonic() - start)
    return dataclasses.replace(trial, search=GREEDY)


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
    trials: Sequence[Trial],
    search: Search,
    output_dir: str | Path,
    greedy: Trial | None = None,
) -> None:
    """Write `tune.tsv`, `tune.png` and, last, `weights.yaml` with the best values.

    Args:
        trials: The trials of a search.
        search: The search, with the values of options that were not tuned.
        output_dir: The folder.
        greedy: Errors without the search, for the first row of the table.
    """
    output_dir = Path(output_dir)
    best = choose(trials)
    names = tunable_options()  # the columns are the same for all searches
    base = [getattr(search, name, 0.0) for name in names]
    with atomic_text(output_dir / "tune.tsv") as f:
        f.write("\t".join(["search", *names, *MEASURED]) + "\n")
        if greedy is not None:
            nothing = [float(name == "beam_size") for name in names]
            f.write("\t".join([GREEDY, *_format(nothing, greedy)]) + "\n")
        for trial in trials:
            values = [
                trial.values.get(name, value)
                for name, value in zip(names, base, strict=True)
            ]
            f.write("\t".join([search.name, *_format(values, trial)]) + "\n")
    plot_sweep(trials, output_dir / "tune.png")
    logging.info("best: %s, WER %.2f, CER %.2f", best.values, best.wer, best.cer)
    if greedy is not None:
        _compare(best, greedy)
    comment = f"Made by hamzaban tune-decoder: WER {best.wer:.2f} on valid."
    write_config(best.values, output_dir / "weights.yaml", comment)


def _compare(best: Trial, greedy: Trial) -> None:
    logging.info("greedy: WER %.2f, CER %.2f", greedy.wer, greedy.cer)
    if greedy.errors < best.errors:
        logging.warning(
            "greedy decoding makes fewer errors on valid (WER %.2f) than the best of "
            "the search (%.2f); the language model or the word list does not fit the "
            "speech, or the beam is too small",
            greedy.wer,
            best.wer,
        )


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
