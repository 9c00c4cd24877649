#!/usr/bin/env python3
"""Mix the corpora of a language into one train, one valid and one test set.

Each corpus keeps its own split. Training utterances whose sentence occurs in any valid
or test set are removed. Ids begin with the name of the corpus.
"""

import argparse
import importlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from hamzaban.cli import describe_error
from hamzaban.config import load_mapping
from hamzaban.data.combine import combine_dirs
from hamzaban.data.files import read_scp
from hamzaban.data.ops import Rename, copy_dir, distribute
from hamzaban.data.select import select_utts
from hamzaban.fileio import atomic_text
from hamzaban.ingest.leaks import leave_out_shared, make_index
from hamzaban.ingest.utterances import Tally
from hamzaban.launch.notes import note_inputs
from hamzaban.lm.leaks import Index

SETS = ("train", "valid", "test")
MAX_DROP = "0.05"  # largest share of unusable audio in a corpus, as in the audio stage


def read_mix(path: Path) -> dict[str, dict]:
    """Return the corpora of a mix whose paths are set in db.sh."""
    note_inputs(path)
    corpora = load_mapping(path)["corpora"]
    found = {}
    for name, values in corpora.items():
        source = os.environ.get(values["source"], "")
        if not source:
            logging.warning(
                "%s is left out: db.sh: %s is empty", name, values["source"]
            )
        elif not Path(source).exists():
            raise FileNotFoundError(
                f"db.sh: {values['source']} is {source}: no such file or folder"
            )
        else:
            found[name] = {**values, "path": source}
    if not found:
        names = ", ".join(values["source"] for values in corpora.values())
        raise ValueError(f"db.sh: all corpora are empty; name one of {names}")
    return found


def run_verb(verb: str, *words: object) -> None:
    """Run a verb of hamzaban in this process."""
    module = importlib.import_module(f"hamzaban.bin.{verb}")
    if module.main([str(word) for word in words]):
        raise ValueError(f"{verb} {' '.join(map(str, words))}: failed, see above")


def prepare(name: str, values: dict, parts: Path, args: argparse.Namespace) -> Path:
    """Make the sets of a corpus, its name in the ids, one file per utterance."""
    raw = parts / f"{name}.read"
    words = [values["path"], "--output", raw, *values.get("options", [])]
    if "reader" in values:
        run_verb("prepare_corpus", values["reader"], *words, "--nj", args.nj)
    else:
        unpack = ["--unpack_dir", Path("downloads") / name]
        run_verb("import_data", *words, "--lang", args.lang, *unpack)
    for part in SETS:
        source = raw / part
        if not (source / "utt2spk").is_file():
            logging.info("%s has no %s set", name, part)
            continue
        if (source / "segments").is_file():  # the mix has no segments
            cut = parts / f"{name}.cut" / part
            limits = ["--min_duration_s", 0, "--max_duration_s", "inf"]
            run_verb(
                "format_audio", "--fs", 16000, "--nj", args.nj, "--max_drop", MAX_DROP,
                *limits, source, cut,
            )  # fmt: skip
            source = cut
        prefix = f"{name}-"
        copy_dir(source, parts / name / part, Rename(prefix, "", prefix, ""))
    return parts / name


def read_texts(folders: list[Path]) -> Iterator[str]:
    """Yield the transcripts of data directories."""
    for folder in folders:
        for _, text in read_scp(folder / "text"):
            yield text


def leave_out(source: Path, target: Path, index: Index, lang: str) -> None:
    """Copy a training set without the utterances whose sentence is in `index`."""
    tally = Tally(str(source))

    def rows() -> Iterator[tuple[str, str]]:
        for row in read_scp(source / "text"):
            tally.num_read += 1
            yield row

    kept = leave_out_shared(rows(), lambda row: row[1], index, lang, tally)
    listed = target.with_name(f"{target.name}.list")
    with atomic_text(listed) as stream:
        stream.writelines(f"{utt_id}\n" for utt_id, _ in kept)
    tally.check(1.0)
    distribute(source, select_utts(source, listed), {0: target})


def mix(args: argparse.Namespace) -> None:
    """Make the three sets."""
    suffix = args.suffix or f"_{args.lang}"
    parts = args.output / "parts" / suffix.strip("_")
    corpora = read_mix(args.mix or Path("conf/mix") / f"{args.lang}.yaml")
    folders = {name: prepare(name, corpora[name], parts, args) for name in corpora}

    def list_sets(part: str) -> list[Path]:
        every = [folders[name] / part for name in folders]
        return [folder for folder in every if (folder / "utt2spk").is_file()]

    held_out = list_sets("valid") + list_sets("test")
    index = make_index(read_texts(held_out), args.lang)
    trains = []
    for source in list_sets("train"):
        trains.append(source.with_name("train_apart"))
        leave_out(source, trains[-1], index, args.lang)
    sets = {"train": trains, "valid": list_sets("valid"), "test": list_sets("test")}
    for part, sources in sets.items():
        target = args.output / f"{part}{suffix}"
        if not sources:
            raise ValueError(f"{target}: no corpus has a {part} set; name another one")
        count = combine_dirs(sources, target, leave_out=["utt2dur", "utt2num_samples"])
        logging.info("%s: %d utterances of %d corpora", target, count, len(sources))
    for name, values in corpora.items():
        hours = " + ".join(f"{hour:g}" for hour in values.get("hours", []))
        logging.info("%s: the paper had %s h of it (train + valid)", name, hours or "?")


def main() -> int:
    """Run the program; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lang", required=True)
    parser.add_argument(
        "--mix", type=Path, help="list of the corpora; default: conf/mix/<lang>.yaml"
    )
    parser.add_argument(
        "--suffix", default="", help="end of the names of the sets; default: _<lang>"
    )
    parser.add_argument("--output", type=Path, default=Path("data"))
    parser.add_argument("--nj", type=int, default=1)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        mix(parser.parse_args())
    except (ValueError, OSError) as error:
        parser.exit(1, f"mix_data.py: {describe_error(error)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
