#!/usr/bin/env python3
"""Make the Kaldi data directories of mini_ar from downloads/mini_ar."""

import argparse
import csv
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from hamzaban.data.write import DirWriter

SHIPPED = {"train": 807, "valid": 71, "test": 206, "unlabelled": 394}
SEED = {"seed": 2081}  # made by make_corpus.py --sets seed


def write_utt(writer: DirWriter, row: Mapping[str, str], corpus: Path) -> None:
    """Write the utterance of one row of utterances.tsv."""
    utt_id, recording = row["utt_id"], f"{row['spk_id']}-{row['set']}"
    audio = corpus / "audio" / f"{row['recording']}.opus"
    writer.open("wav.scp", same_ok=True).write(recording, str(audio))
    span = f"{recording} {row['start_s']} {row['end_s']}"
    writer.open("segments").write(utt_id, span)
    writer.open("utt2spk").write(utt_id, row["spk_id"])
    if row["text"]:
        writer.open("text").write(utt_id, row["text"])


def main() -> None:
    """Read the command line and write the directories."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="downloads/mini_ar")
    parser.add_argument("data", type=Path, help="folder to write the sets into")
    args = parser.parse_args()
    table = args.corpus / "utterances.tsv"
    num_utts: Counter[str] = Counter()
    writers: dict[str, DirWriter] = {}
    with ExitStack() as stack, open(table, encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            name = row["set"]
            if name not in writers:
                writers[name] = stack.enter_context(DirWriter(args.data / name))
            write_utt(writers[name], row, args.corpus)
            num_utts[name] += 1
        if num_utts not in (SHIPPED, SEED):
            raise SystemExit(
                f"{table}: found {dict(num_utts)} utterances, expected {SHIPPED}; "
                "restore the file with `git checkout`"
            )


if __name__ == "__main__":
    main()
