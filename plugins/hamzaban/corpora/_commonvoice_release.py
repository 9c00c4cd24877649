"""Find and open a release of Common Voice, in a folder or a tarball."""

import argparse
import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from hamzaban.config import load_mapping
from hamzaban.data.walk import is_hidden
from hamzaban.ingest.archive import extract_files, first_file
from hamzaban.ingest.hashed import Durations, HashedSet, hash_name
from hamzaban.ingest.lines import open_utf8

TABLES = ("train", "dev", "test", "validated", "other")
NEEDED = ("train", "dev", "test", "validated")
DURATIONS = ("clip_durations.tsv", "times.txt")  # 16.1 and later; 14.0 and 15.0
MIN_SHARE = 0.99  # least share of the published rows that a table must have
WHERE = (
    "Common Voice is given out by the Mozilla Data Collective, "
    "https://mozilladatacollective.com, free of charge after signing in"
)
_GIVEN_OUT = (
    "common-voice-scripted-speech-*.tar.gz"  # the name does not give the language
)
_DURATION = re.compile(r"(.+\.\w+)[\t ,;]+(\d+)\s*")
_RELEASE = re.compile(r"cv-corpus-(\d+(?:\.\d+)?)(-delta)?-\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Release:
    """One language of one release.

    Attributes:
        folder: The folder of the tables and of clips/.
        version: The release, such as "25.0"; "" if no name gives it.
        archive: The tarball that holds the clips; None if all is unpacked.
    """

    folder: Path
    version: str = ""
    archive: Path | None = None

    def __str__(self) -> str:
        """Return the path of the release, for messages."""
        return str(self.archive or self.folder)

    def table(self, part: str) -> Path:
        """Return the path of a table, such as `validated`."""
        return self.folder / f"{part}.tsv"

    def clip(self, name: str) -> Path:
        """Return the path of a clip; early releases have names without suffix."""
        file = PurePosixPath(name).name
        return self.folder / "clips" / (file if "." in file else f"{file}.mp3")

    def durations(self) -> Durations | None:
        """Return the published durations by file name; None if there are none."""
        found = [self.folder / name for name in DURATIONS]
        found = [path for path in found if path.is_file()]
        return Durations(_read_durations(found[0])) if found else None

    def extract_clips(self, names: Iterable[str]) -> None:
        """Extract clips if the release is a tarball."""
        if self.archive is None:
            return
        wanted = HashedSet(hash_name(self.clip(name).name) for name in names)

        def target_of(member: PurePosixPath) -> Path | None:
            is_clip = member.parent.name == "clips" and member.name in wanted
            return self.folder / "clips" / member.name if is_clip else None

        logging.info("%s: looking for %d clips", self.archive, len(wanted))
        count = sum(1 for _ in extract_files(self.archive, target_of))
        logging.info("%s: %d clips are in %s", self.archive, count, self.folder)


def open_release(args: argparse.Namespace) -> Release:
    """Open the release and language that the options name; unpack its tables.

    Raises:
        FileNotFoundError: There is no release.
        ValueError: There are several, or it is a delta release.
    """
    place = find_place(args.source, args.lang, args.release)
    found = _find_release(place)
    if found and found[2]:
        raise ValueError(
            f"{place}: a delta release has no dev.tsv and test.tsv; take the full "
            f"release; {WHERE}"
        )
    version = found[1] if found else args.release
    if place.is_dir():
        release = Release(place, version)
    else:
        folder = args.unpack_dir / (found[0] if found else "cv-corpus") / args.lang
        release = Release(folder, version, place)
        unpack_tables(release, args.lang)
    for part in NEEDED:
        if not release.table(part).is_file():
            raise FileNotFoundError(
                f"{release.table(part)}: no such file; expected a full release of "
                f"'{args.lang}' with {', '.join(f'{part}.tsv' for part in NEEDED)}"
            )
    return release


def find_place(source: Path, lang: str, version: str) -> Path:
    """Return the folder of a language, or its tarball, in or below `source`.

    Raises:
        FileNotFoundError: There is neither.
        ValueError: There are several.
    """
    if not source.exists():
        raise FileNotFoundError(
            f"{source}: no such file or folder, expected a release of Common Voice or "
            f"the tarball of its language '{lang}'; {WHERE}"
        )
    if source.is_file() or (source / "validated.tsv").is_file():
        return source
    version += ".0" if version and "." not in version else ""
    name = f"cv-corpus-{version}-*" if version else "cv-corpus-*"
    patterns = (
        f"{lang}/validated.tsv",
        f"{name}/{lang}/validated.tsv",
        f"*{name}-{lang}.tar.gz",
    )
    matches = (path for form in patterns for path in sorted(source.glob(form)))
    found = [path for path in matches if not is_hidden(path.name)]
    places = [path.parent if path.suffix == ".tsv" else path for path in found]
    places += [
        path
        for path in sorted(source.glob(_GIVEN_OUT))
        if _peek_language(path) == lang and version in ("", _version_of(path))
    ]
    places = [path for path in places if "-delta-" not in str(path)] or places
    versions = {_version_of(path) for path in places}
    if not places:
        raise FileNotFoundError(
            f"{source}: nothing of Common Voice {version} for '{lang}', expected "
            f"{lang}/validated.tsv, cv-corpus-*-{lang}.tar.gz or {_GIVEN_OUT}; {WHERE}"
        )
    if len(versions) > 1:
        known = ", ".join(sorted(versions))
        raise ValueError(f"{source}: holds releases {known}; choose one by --release")
    return places[0]


def _find_release(path: Path) -> re.Match[str] | None:
    """Return the release's name, from its path or else the tarball, or None."""
    found = _RELEASE.search(str(path.absolute()))
    if found is None and path.is_file():
        found = _RELEASE.search(str(first_file(path)))
    return found


def _version_of(path: Path) -> str:
    found = _find_release(path)
    return found[1] if found else "unknown"


def _peek_language(archive: Path) -> str:
    parts = first_file(archive).parts  # cv-corpus-27.0-2026-09-11/fa/README.md
    return parts[1] if len(parts) > 1 else ""


def unpack_tables(release: Release, lang: str) -> None:
    """Extract the tables of the tarball unless that has been done.

    Raises:
        ValueError: The tarball holds another language.
    """
    assert release.archive is not None
    names = {*(f"{part}.tsv" for part in TABLES), *DURATIONS}
    done = release.folder / ".tables"  # reading as far as the tables takes minutes
    stat = release.archive.stat()
    stamp = f"{stat.st_size} {stat.st_mtime_ns}"
    if done.is_file() and done.read_text(encoding="utf-8") == stamp:
        return
    languages: set[str] = set()

    def target_of(member: PurePosixPath) -> Path | None:
        if member.name not in names or member.parent.name == "clips":
            return None
        languages.add(member.parent.name)
        return release.folder / member.name

    logging.info("%s: looking for the tables", release.archive)
    for _ in extract_files(release.archive, target_of):
        pass
    if languages - {lang}:
        raise ValueError(
            f"{release.archive}: holds {', '.join(sorted(languages))}, expected "
            f"'{lang}'; give another --lang or the tarball of '{lang}'"
        )
    done.write_text(stamp, encoding="utf-8")


def check_counts(release: Release, lang: str) -> None:
    """Compare the lengths of the tables with the published ones.

    Raises:
        ValueError: A table lacks rows.
    """
    path = Path(__file__).with_name("commonvoice_counts.yaml")
    known = load_mapping(path)
    counts = known.get(lang, {}).get(release.version)
    if counts is None:
        logging.info("%s: no published number of clips is known", release)
        return
    for part, expected in zip(NEEDED, counts, strict=True):
        with open_utf8(release.table(part)) as lines:
            found = sum(1 for _ in lines) - 1
        if found < MIN_SHARE * expected:
            raise ValueError(
                f"{release.table(part)}: {found} clips, expected {expected} in release "
                f"{release.version}; it is cut short: fetch it again, or give "
                "--check_counts false if it is a part on purpose"
            )
        if found != expected:
            logging.info(
                "%s: %d clips, %d stated", release.table(part), found, expected
            )


def _read_durations(path: Path) -> Iterator[tuple[str, float]]:
    """Yield file names and seconds; skip lines without a number, such as the first."""
    with open_utf8(path) as lines:
        for line in lines:
            if found := _DURATION.fullmatch(line):
                yield PurePosixPath(found[1]).name, int(found[2]) / 1000
