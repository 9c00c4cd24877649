#!/usr/bin/env python3
"""Make data directories of two artificial languages from the utterances of mini_ar.

A language is a list of words. An utterance with words of one list only belongs to that
language. An utterance with words of both lists is code-switched: it belongs to the
language of most of its words, or of its first word if both have equally many.
"""

import argparse
import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from hamzaban.data.write import DirWriter

SETS = {
    "train": 602, "train_qaa": 269, "train_qab": 333,
    "valid": 54, "valid_qaa": 24, "valid_qab": 30,
    "test_qaa": 68, "test_qab": 82, "test_switched": 56,
}  # fmt: skip


def read_words(folder: Path) -> dict[str, str]:
    """Return the language of each word, read from <folder>/<language>.txt."""
    languages = {}
    for path in sorted(folder.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                languages[line] = path.stem
    return languages


def list_sets(name: str, words: list[str]) -> Iterator[str]:
    """Yield the sets of an utterance; `words` are the languages of its words."""
    if len(set(words)) > 1:
        if name == "test":
            yield "test_switched"
        return
    if name != "test":
        yield name
    yield f"{name}_{words[0]}"


def write_utt(
    writer: DirWriter, row: Mapping[str, str], lang: str, corpus: Path
) -> None:
    """Write the utterance of one row of utterances.tsv."""
    utt_id, recording = row["utt_id"], f"{row['spk_id']}-{row['set']}"
    audio = corpus / "audio" / f"{row['recording']}.opus"
    writer.open("wav.scp", same_ok=True).write(recording, str(audio))
    span = f"{recording} {row['start_s']} {row['end_s']}"
    writer.open("segments").write(utt_id, span)
    writer.open("utt2spk").write(utt_id, row["spk_id"])
    writer.open("utt2lang").write(utt_id, lang)
    writer.open("text").write(utt_id, row["text"])


def main() -> None:
    """Read the command line and write the directories."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path, help="downloads/mini_ar")
    parser.add_argument("words", type=Path, help="folder with a list per language")
    parser.add_argument("data", type=Path, help="folder to write the sets into")
    args = parser.parse_args()
    languages = read_words(args.words)
    table = args.corpus / "utterances.tsv"
    num_utts: Counter[str] = Counter()
    writers: dict[str, DirWriter] = {}
    with ExitStack() as stack, open(table, encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            words = [languages[word] for word in row["text"].split()]
            lang = max(words, key=words.count) if words else ""  # on a tie, the first
            for name in list_sets(row["set"], words) if words else ():
                if name not in writers:
                    writers[name] = stack.enter_context(DirWriter(args.data / name))
                write_utt(writers[name], row, lang, args.corpus)
                num_utts[name] += 1
        if num_utts != SETS:
            raise SystemExit(
                f"{table}: found {dict(num_utts)} utterances, expected {SETS}; "
                "restore the file with `git checkout`"
            )


if __name__ == "__main__":
    main()
