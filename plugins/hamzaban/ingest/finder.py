"""Find the audio that a table names."""

import logging
import os
from pathlib import Path

from hamzaban.data.meant import MeantFinder
from hamzaban.data.walk import is_hidden
from hamzaban.ingest.folders import AUDIO
from hamzaban.ingest.sources import Source

USUAL = ("", "audio", "clips", "wavs", "wav", "data")
MAX_FOLDERS = 30  # most folders beside the table that are searched, of any name
SUFFIXES = ("", *AUDIO)


class AudioFinder:
    """Finds the audio that a table names, beside the table or in a folder there."""

    def __init__(self, source: Source, audio_dir: Path | None) -> None:
        """List the places to look in.

        Args:
            source: The corpus.
            audio_dir: The only place to look, if given.
        """
        roots = source.folders()
        usual = [root / name for root in [*roots, Path()] for name in USUAL]
        other = [folder for root in roots for folder in _list_folders(root)]
        places = roots if source.kaldi else [*usual, *other]
        places = [audio_dir] if audio_dir else places
        self._is_scp = bool(source.kaldi)
        self._split_folders = tuple(f"{name}/" for name in source.split_folders())
        self._places = list(dict.fromkeys(places))
        self._ways = [(place, suffix) for place in self._places for suffix in SUFFIXES]
        self._has_found = False
        self._meant = MeantFinder(AUDIO)
        self._paths: dict[str, str] = {}  # file that is meant -> path in the table
        self._num_meant, self._first_meant = 0, ""

    def find(self, audio: str) -> str | None:
        """Return the path of an audio file; None if it is not found.

        Commands and places in archives, which a wav.scp may hold, stay as they are. A
        path that is spelled differently from its file (see `data.meant`) is counted.

        Raises:
            ValueError: It may mean several files, or one that another path means.
        """
        if not audio:
            return None
        if self._is_scp and (entry := self._find_entry(audio)):
            self._has_found = True
            return entry
        found = self._find_beside(audio)
        if found is None and audio.startswith(self._split_folders):
            # A table in train/ may name paths that start above train/.
            found = self._find_beside(audio.partition("/")[2])
        return found or self._find_meant(audio)

    def _find_beside(self, audio: str) -> str | None:
        for number, (folder, suffix) in enumerate(self._ways):
            path = f"{folder / audio}{suffix}"
            if os.path.isfile(path):
                if number:  # look here first for the next file
                    self._ways.insert(0, self._ways.pop(number))
                self._has_found = True
                return path
        return None

    def _find_meant(self, audio: str) -> str | None:
        found = self._meant.find(audio, self._places)
        if not found:
            return None
        if found[1:]:
            raise ValueError(
                f"{audio}: no such file, and it may mean {' or '.join(found[:3])}; "
                "correct the path, or rename one of the files"
            )
        other = self._paths.setdefault(found[0], audio)
        if other != audio:
            raise ValueError(
                f"{audio}: no such file, and {found[0]} may be meant by it or by "
                f"{other}; give --audio_dir FOLDER from which both paths start"
            )
        self._has_found = True
        self._num_meant += 1
        self._first_meant = self._first_meant or f"{found[0]} for {audio}"
        return found[0]

    def log_meant(self, place: str) -> None:
        """Log, once for a set, how many paths differ in spelling from their files."""
        if self._num_meant:
            logging.warning(
                "%s: %d paths of audio differ from the files in slashes, case or "
                "Unicode form; these files are read: %s%s",
                place,
                self._num_meant,
                self._first_meant,
                " and so on" if self._num_meant > 1 else "",
            )
        self._num_meant, self._first_meant = 0, ""

    def _find_entry(self, audio: str) -> str | None:
        from hamzaban.audio.source import source_file

        file = source_file(audio)
        if file is None:
            return audio
        if str(file) == str(Path(audio)):
            return None
        found = (folder / file for folder in self._places)
        found = (path for path in found if path.is_file())
        offset = audio.rpartition(":")[2]
        return next((f"{path}:{offset}" for path in found), None)

    def find_other(self, audio: str) -> str:
        """Return "; FILE is there" for a file of another suffix, else ""."""
        stem = os.path.splitext(audio)[0]
        found = self._meant.find(stem, self._places) if stem != audio else []
        return f"; {found[0]} is there" if found else ""

    def require_any(self, table: str, audio: str) -> None:
        """Check that a file was found if any was looked for.

        Args:
            table: The table, for the message.
            audio: An audio file that it names; "" if it names none.

        Raises:
            ValueError: No file was found. The message names the places searched.
        """
        if self._has_found or not audio:
            return
        places = ", ".join(str(place) for place in self._places if place.is_dir())
        other = self.find_other(audio)
        raise ValueError(
            f"{table}: none of its audio files is there, such as {audio}{other}; "
            f"looked in {places}; give --audio_dir FOLDER (in a recipe "
            "--local_data_opts '--audio_dir FOLDER'), or the right column by "
            "--audio_column"
        )


def _list_folders(root: Path) -> list[Path]:
    folders = (path for path in root.iterdir() if path.is_dir())
    return sorted(path for path in folders if not is_hidden(path.name))[:MAX_FOLDERS]
