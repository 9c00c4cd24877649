"""The table and the plot of the results of mining."""

from pathlib import Path

from hamzaban.fileio import atomic_path, atomic_text
from hamzaban.mine.output import Tally

_SOURCES = {
    "mined": "mined",
    "damaged": "damaged; the rest was mined",
    "truncated": "truncated; the rest was mined",
    "copies": "of these, copies in another encoding",
    "one_channel": "of these, channels of opposite phase; one was taken",
    "same_file": "identical to another file, not mined again",
    "no_audio": "without audio",
    "unreadable": "not media, or of an unknown encoding",
    "empty": "empty",
    "line_break": "with a line break in their names; rename them",
    "missing": "missing",
    "crashed": "crashed the process that decoded them",
    "no_seek": "cannot be read",
    "no_channel": "without the requested channel",
}
_OF_THESE = ("copies", "one_channel")  # these files count in another row as well
_REASONS = {
    "no_speech": "no speech",
    "duplicate": "heard before (duplicate)",
    "too_short": "speech too short for a chunk",
    "sparse": "too little speech in any chunk",
    "quiet": "too quiet",
    "clipped": "clipped",
    "language": "another language",
}


def write_report(out_dir: Path, tally: Tally) -> str:
    """Write `mining.md` and `images/mining.png`; return the table."""
    table = format_table(tally)
    with atomic_text(out_dir / "mining.md") as stream:
        stream.write(f"# Mining\n\n{table}\n\n![Mining](images/mining.png)\n")
    with atomic_path(out_dir / "images" / "mining.png") as path:
        draw(path, tally)
    return table


def format_table(tally: Tally) -> str:
    """Return Markdown tables of hours read, kept and dropped, and of files."""
    rows = [("", "hours", "share", "chunks"), ("---", "---:", "---:", "---:")]
    read_s = max(tally.read_s, 1e-9)

    def add(name: str, time_s: float, count: int | str) -> None:
        share = f"{100 * time_s / read_s:.1f} %"
        rows.append((name, f"{time_s / 3600:.3f}", share, str(count)))

    add("read", tally.read_s, "")
    add("kept", tally.kept_s, len(tally.lengths_s))
    for reason, name in _REASONS.items():
        count = tally.num_dropped[reason]
        if tally.dropped_s[reason] > 0:
            add(f"dropped: {name}", tally.dropped_s[reason], count or "")
    if tally.same_file_s:
        hours = f"{tally.same_file_s / 3600:.3f}"
        rows.append(("not read: same files", hours, "", ""))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines += ["", "| files | |", "|---|---:|"]
    counted_twice = sum(tally.sources[state] for state in _OF_THESE)
    total = sum(tally.sources.values()) - counted_twice
    lines.append(f"| all | {total} |")
    for state, name in _SOURCES.items():
        if tally.sources[state]:
            lines.append(f"| {name} | {tally.sources[state]} |")
    lengths = sorted(tally.lengths_s)
    marks = [lengths[round(q * (len(lengths) - 1))] for q in (0, 0.1, 0.5, 0.9, 1)]
    text = ", ".join(f"{mark:.1f}" for mark in marks)
    return "\n".join(
        [*lines, "", f"Lengths (minimum, 10 %, median, 90 %, maximum): {text} s"]
    )


def draw(path: Path, tally: Tally) -> None:
    """Draw the hours by result and the lengths of the chunks as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    names, hours = ["read", "kept"], [tally.read_s / 3600, tally.kept_s / 3600]
    for reason, name in _REASONS.items():
        if tally.dropped_s[reason] > 0:
            names.append(name)
            hours.append(tally.dropped_s[reason] / 3600)
    colours = ["#888888", "#2a7f62", *["#c0563b"] * (len(names) - 2)]
    bars = left.barh(names[::-1], hours[::-1], color=colours[::-1])
    left.bar_label(bars, fmt="%.2f", padding=3)
    left.margins(x=0.15)
    left.set_xlabel("hours")
    bins = range(int(max(tally.lengths_s)) + 2)  # of 1 s
    right.hist(tally.lengths_s, bins=bins, color="#2a7f62")
    right.set_xlabel("length of chunks kept, s")
    right.set_ylabel("chunks")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    FigureCanvasAgg(figure).print_png(str(path))
