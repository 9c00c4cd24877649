"""Write a comparison of systems as text."""

from collections.abc import Iterator

from hamzaban.score.compare import ALPHA, Comparison, Difference
from hamzaban.score.mapsswe import Mapsswe
from hamzaban.score.signed_tests import NistTests

NO_DIFFERENCE = "no clear difference"


def format_comparison(comparison: Comparison, kind: str) -> Iterator[str]:
    """Yield a table of the systems and a line for each pair.

    Args:
        comparison: Comparison of the systems on one set.
        kind: A name of `KINDS`.
    """
    rows = [("system", "runs", kind.upper(), "95 % interval", "sd of runs")]
    for rate in comparison.rates:
        std = "" if rate.std is None else f"{100 * rate.std:.2f}"
        runs, mean = str(len(rate.runs)), f"{100 * rate.mean:.2f}"
        rows.append((rate.name, runs, mean, format_interval(rate.interval), std))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.rjust(w) for cell, w in zip(row, widths, strict=True)]
        cells[0] = row[0].ljust(widths[0])
        yield "  ".join(cells).rstrip()
    for difference in comparison.differences:
        yield f"{difference.first} - {difference.second}: {describe(difference)}"
        if difference.nist is not None:
            yield f"    {describe_nist(difference.nist)}"


def format_interval(interval: tuple[float, float]) -> str:
    """Return an interval of shares in per cent."""
    return f"{100 * interval[0]:.2f} to {100 * interval[1]:.2f}"


def describe(difference: Difference) -> str:
    """Return a line with a difference, its tests and the conclusion."""
    parts = [
        f"{100 * difference.mean:+.2f} ({format_interval(difference.interval)}, "
        f"bootstrap {format_p(difference.p_bootstrap)})"
    ]
    if difference.mapsswe is not None and difference.p_mapsswe is not None:
        nist = ", as sc_stats finds" if difference.agrees_with_nist else ""
        parts.append(
            f"MAPSSWE {format_p(difference.p_mapsswe)} "
            f"({_describe_segments(difference.mapsswe)}{nist})"
        )
    if difference.p_welch is not None:
        parts.append(f"Welch's t-test of the runs {format_p(difference.p_welch)}")
    return f"{'; '.join(parts)}: {conclude(difference)}"


def describe_nist(tests: NistTests) -> str:
    """Return a line with the other tests of NIST, whose p values are not corrected."""
    sign, ranks, utterances = tests.sign, tests.wilcoxon, tests.mcnemar
    return (
        f"other tests of sc_stats, uncorrected: sign {format_p(sign.p)} (of "
        f"{sign.more + sign.fewer + sign.equal} speakers {sign.more}, {sign.fewer}, "
        f"{sign.equal} equal), Wilcoxon {format_p(ranks.p)} (z {ranks.z:.2f}), McNemar "
        f"{format_p(utterances.p)} (right in one only: {utterances.only_first}, "
        f"{utterances.only_second} utterances)"
    )


def conclude(difference: Difference) -> str:
    """Return which system is better, or that there is no clear difference."""
    if difference.better is None:
        return NO_DIFFERENCE
    return f"{difference.better} is better"


def format_p(p: float) -> str:
    """Return a probability with three decimals, or that it is below the least."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def describe_method(comparison: Comparison) -> str:
    """Return a line that says what was compared and how."""
    note = (
        f"{comparison.num_utterances} utterances, {comparison.num_tokens} reference "
        f"tokens; bootstrap over {comparison.num_units} {comparison.unit}s"
    )
    if comparison.unit == "utterance":
        note += " (not valid for other speakers)"
    if len(comparison.differences) > 1:
        note += f"; p corrected for {len(comparison.differences)} pairs (Holm)"
    return f"{note}; a difference is clear if every p < {ALPHA}"


def _describe_segments(mapsswe: Mapsswe) -> str:
    return f"{mapsswe.num_segments} segments, z {mapsswe.z:.2f}"
