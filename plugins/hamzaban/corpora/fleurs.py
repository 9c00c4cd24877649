"""FLEURS: 102 languages, about 10 h of training speech each (google/fleurs).

The published sets share no sentences. The corpus does not name speakers.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from hamzaban.cli import str2bool
from hamzaban.ingest.archive import extract_files
from hamzaban.ingest.lines import open_utf8
from hamzaban.ingest.sets import check_count, write_sets
from hamzaban.ingest.tables import describe_misfit
from hamzaban.ingest.utterances import Tally, Utterance, clean_text

FS = 16000  # Hz
PARTS = {"train": "train", "valid": "dev", "test": "test"}
FIELDS = ("id", "file", "raw", "plain", "characters", "samples", "gender")
TEXT_FIELDS = {"raw": 2, "plain": 3}
# Published numbers of clips, as far as they are known.
COUNTS = {("ar_eg", "train"): 2104, ("ar_eg", "test"): 428, ("fa_ir", "test"): 871}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this corpus."""
    add = parser.add_argument
    add("--lang", required=True, help="language, such as fa or fa_ir")
    add("--suffix", default="", help="suffix of the names of the sets, such as _fa")
    add(
        "--transcript",
        default="raw",
        choices=TEXT_FIELDS,
        help="raw: with punctuation; plain: lower case without it",
    )
    add(
        "--unpack_dir",
        type=Path,
        default="downloads",
        help="folder to unpack tarballs of audio in",
    )
    add(
        "--parts",
        nargs="+",
        default=list(PARTS),
        choices=list(PARTS),
        help="sets to write (default: all)",
    )
    add(
        "--check_counts", type=str2bool, default=True, help="check the published counts"
    )


def prepare(args: argparse.Namespace) -> None:
    """Write train, valid and test, or those that --parts names.

    Raises:
        FileNotFoundError: The language or a table is not there.
        ValueError: A row has another form, or rows are missing.
    """
    folder = find_folder(args.source, args.lang)
    readers = {}
    for name in args.parts:
        part = PARTS[name]
        audio = find_audio(folder, part, args.unpack_dir)
        if args.check_counts:
            found = sum(1 for _ in read_rows(folder / f"{part}.tsv"))
            expected = COUNTS.get((folder.name, part))
            check_count(folder / f"{part}.tsv", found, expected, "clips")

        def read(
            tally: Tally, table: Path = folder / f"{part}.tsv", audio: Path = audio
        ) -> Iterator[Utterance]:
            field = TEXT_FIELDS[args.transcript]
            for number, fields in enumerate(read_rows(table), 1):
                tally.num_read += 1
                yield Utterance(
                    name=f"{folder.name}-{Path(fields[1]).stem}",
                    spk_id="",
                    audio=str(audio / fields[1]),
                    text=clean_text(fields[field]),
                    lang=folder.name.split("_")[0],
                    duration_s=read_length(fields[5], f"{table}:{number}"),
                    place=f"{table}:{number}",
                )

        readers[f"{name}{args.suffix}"] = read
    write_sets(args.output, readers, folder, args.max_drop)


def find_folder(source: Path, lang: str) -> Path:
    """Return the folder of a language, in or below `source`.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: There are several.
    """
    if (source / "train.tsv").is_file():
        return source
    found = sorted(source.glob(f"{lang}/train.tsv"))
    for form in (f"{lang}_*/train.tsv", f"data/{lang}/train.tsv"):
        found = found or sorted(source.glob(form))
    found = found or sorted(source.glob(f"data/{lang}_*/train.tsv"))
    if not found:
        raise FileNotFoundError(
            f"{source}: nothing of FLEURS for '{lang}', expected {lang}_*/train.tsv "
            "with dev.tsv, test.tsv and audio/; get the folder of the language from "
            "https://huggingface.co/datasets/google/fleurs"
        )
    if len(found) > 1:
        names = ", ".join(path.parent.name for path in found)
        raise ValueError(f"{source}: '{lang}' may be {names}; give one of them")
    return found[0].parent


def find_audio(folder: Path, part: str, unpack_dir: Path) -> Path:
    """Return the folder of a set's audio; unpack its tarball if there is none.

    Raises:
        FileNotFoundError: There is neither.
    """
    for place in (folder / "audio" / part, folder / part):
        if place.is_dir():
            return place
    archive = folder / "audio" / f"{part}.tar.gz"
    if not archive.is_file():
        raise FileNotFoundError(
            f"{folder / 'audio' / part}: no such folder, nor {archive.name}; fetch it "
            "from where the tables are"
        )
    target = unpack_dir / "fleurs" / folder.name / part

    def target_of(member: PurePosixPath) -> Path | None:
        return target / member.name if member.suffix == ".wav" else None

    for _ in extract_files(archive, target_of):
        pass
    return target


def read_rows(table: Path) -> Iterator[list[str]]:
    """Read the rows of a table, which has no line of names.

    Raises:
        ValueError: A row does not have seven fields.
    """
    with open_utf8(table) as lines:
        for number, line in enumerate(lines, 1):
            fields = line.rstrip("\r\n").split("\t")
            if fault := describe_misfit(fields, FIELDS):
                raise ValueError(f"{table}:{number}: {fault}; fetch the table again")
            yield fields


def read_length(samples: str, place: str) -> float:
    """Return the seconds of a number of samples.

    Raises:
        ValueError: It is no number.
    """
    if not samples.strip().isdecimal():
        raise ValueError(
            f"{place}: column 'samples' is '{samples}', expected a number; fetch the "
            "table again"
        )
    return int(samples) / FS
