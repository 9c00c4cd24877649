"""The data of a page: in the page if it is small, in files beside it if it is large."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any, Self

from hamzaban.fileio import temporary_name

# What would end a script element or begin a comment in one, and what old browsers take
# for the end of a line.
_UNSAFE = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def encode_json(value: Any) -> str:
    """Return JSON that may stand in a script element, whatever its strings hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_UNSAFE)


class Parts:
    """The parts of the data, by name; a context manager.

    Files lie in `<stem of the page>_files/<hash of their bytes>`, so that a page never
    reads files of another one. They are scripts, since pages opened from a disk may
    load scripts but not fetch data.

    Attributes:
        inline: JSON by name, for the page itself.
        folder: Folder of the files, relative to the page; empty if there are none.
    """

    def __init__(self, page: Path, max_utterances: int) -> None:
        """Prepare parts of a page.

        Args:
            page: Where the page will be.
            max_utterances: Decoded utterances up to which the page holds all data.
        """
        self.inline: dict[str, str] = {}
        self.folder = ""
        self._place = page.with_name(f"{page.stem}_files")
        self._max = max_utterances
        self._temporary: Path | None = None
        self._hash = hashlib.sha256()

    def __enter__(self) -> Self:
        """Return the parts."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove files that got no place because of an error."""
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    @property
    def has_files(self) -> bool:
        """Return whether parts are files."""
        return self._temporary is not None or self.folder != ""

    def choose_place(self, num_utterances: int) -> None:
        """Choose page or files by the number of decoded utterances to come."""
        if num_utterances > self._max:
            self._place.mkdir(parents=True, exist_ok=True)
            self._temporary = temporary_name(self._place / "new")
            self._temporary.mkdir()

    def add(self, name: str, value: Any) -> None:
        """Add a part that JSON can hold."""
        text = encode_json(value)
        if self._temporary is None:
            self.inline[name] = text
            return
        data = f'hamzabanPart("{name}",{text});\n'.encode()
        self._hash.update(data)
        (self._temporary / f"{name}.js").write_bytes(data)

    def finish(self) -> None:
        """Give the files their place; call it before the page is written."""
        if self._temporary is None:
            return
        name = self._hash.hexdigest()[:12]
        place = self._place / name
        if place.exists():  # the same bytes
            shutil.rmtree(place)
        self._temporary.replace(place)
        self._temporary = None
        self.folder = f"{self._place.name}/{name}"

    def remove_old(self) -> None:
        """Remove files of earlier pages; call it after the page is written."""
        kept = Path(self.folder).name
        for old in self._place.glob("*") if self._place.is_dir() else ():
            if old.name != kept and old.is_dir():
                shutil.rmtree(old)
        if self._place.is_dir() and not kept and not any(self._place.iterdir()):
            self._place.rmdir()
