#!/usr/bin/env python3
"""Compare mined speech with the truth.tsv that make_media.py wrote.

An utterance that occurs in several places must be kept once and dropped as a duplicate
elsewhere. The speech in truth.tsv is whole utterances, including the pauses between
their words; chunks may also contain pauses between utterances.
"""

import argparse
import csv
import json
from collections import defaultdict
from pathlib import Path

Span = tuple[float, float]


def read_truth(path: Path) -> list[dict[str, str]]:
    """Return the rows of truth.tsv."""
    with open(path, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t"))


def read_spans(path: Path, reason: str = "") -> dict[str, list[Span]]:
    """Return start and end (s) of each file's chunks that have this `reason`."""
    spans: dict[str, list[Span]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        chunk = json.loads(line)
        if chunk.get("reason", "") == reason:
            span = (chunk["start_s"], chunk["end_s"])
            spans[Path(chunk["source"]).name].append(span)
    return spans


def overlap_s(span: Span, others: list[Span]) -> float:
    """Return how many seconds of a span lie in other spans, which must not overlap."""
    begin, end = span
    return sum(max(min(end, e) - max(begin, b), 0.0) for b, e in others)


class Found:
    """Seconds of true speech that were kept or dropped as duplicates."""

    def __init__(self, media: Path, mined: Path) -> None:
        """Compute how much of each piece was kept and dropped."""
        kept = read_spans(mined / "provenance.jsonl")
        dropped = read_spans(mined / "dropped.jsonl", "duplicate")
        lines = (mined / "sources.jsonl").read_text(encoding="utf-8").splitlines()
        states = {Path(x["source"]).name: x["state"] for x in map(json.loads, lines)}
        self.kept_s = sum(e - b for spans in kept.values() for b, e in spans)
        self.kinds_s: dict[str, float] = defaultdict(float)
        self.kinds_kept_s: dict[str, float] = defaultdict(float)
        self.same_file_s = 0.0
        # For each place of an utterance: its length, seconds kept, seconds dropped.
        self.places: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
        for row in read_truth(media / "truth.tsv"):
            name, span = row["file"], (float(row["start_s"]), float(row["end_s"]))
            length_s = span[1] - span[0]
            if states[name] == "same_file":
                self.same_file_s += length_s
                continue
            found_s = overlap_s(span, kept[name])
            self.kinds_s[row["kind"]] += length_s
            self.kinds_kept_s[row["kind"]] += found_s
            if row["kind"] == "speech":
                again_s = overlap_s(span, dropped[name])
                self.places[row["utt_id"]].append((length_s, found_s, again_s))


def compare(media: Path, mined: Path) -> list[tuple[str, str]]:
    """Return the rows of the table: name and value."""
    found = Found(media, mined)
    once_s = kept_s = more_s = copies_s = left_out_s = wrong_s = 0.0
    for places in found.places.values():
        length_s = max(place[0] for place in places)
        others_s = sum(place[0] for place in places) - length_s
        utt_kept_s = sum(place[1] for place in places)
        utt_dropped_s = sum(place[2] for place in places)
        once_s += length_s
        copies_s += others_s
        kept_s += min(utt_kept_s, length_s)
        more_s += max(utt_kept_s - length_s, 0.0)
        left_out_s += min(utt_dropped_s, others_s)
        wrong_s += max(utt_dropped_s - others_s, 0.0)

    def share(part_s: float, whole_s: float) -> str:
        return f"{100 * part_s / whole_s:.1f} %"

    kinds_s, kinds_kept_s = found.kinds_s, found.kinds_kept_s
    return [
        ("speech, each utterance once", f"{once_s / 60:.2f} min"),
        ("of it kept (recall)", share(kept_s, once_s)),
        ("of it dropped as a duplicate, wrongly", share(wrong_s, once_s)),
        ("kept", f"{found.kept_s / 60:.2f} min"),
        ("of it speech (precision)", share(kinds_kept_s["speech"], found.kept_s)),
        ("of it pauses", share(kinds_kept_s["silence"], found.kept_s)),
        *(
            (
                f"{kind}, {kinds_s[kind] / 60:.2f} min: kept",
                f"{kinds_kept_s[kind]:.1f} s",
            )
            for kind in ("music", "noise")
        ),
        ("speech that comes again", f"{copies_s / 60:.2f} min"),
        ("of it dropped as a duplicate", share(left_out_s, copies_s)),
        ("of it kept again", share(more_s, copies_s)),
        ("the same file: not read", f"{found.same_file_s / 60:.2f} min"),
    ]


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("media", type=Path, help="folder that make_media.py wrote")
    parser.add_argument("mined", type=Path, help="folder that mine-audio wrote")
    args = parser.parse_args()
    rows = compare(args.media, args.mined)
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"| {name:<{width}} | {value:>9} |")


if __name__ == "__main__":
    main()
