"""Names of models on the hub: owner/name, owner/name/FILE, each with @revision."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

_NAME = re.compile(
    r"(?P<repo>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})"
    r"(?:/(?P<file>[^@]+))?(?:@(?P<revision>[\w./-]+))?",
    re.ASCII,
)
_FILES = (".pt", ".pth", ".zip")  # forms of models that consist of one file
EXPECTED = "a name on the hub: owner/name, owner/name@revision, owner/name/FILE"


@dataclasses.dataclass(frozen=True)
class HubName:
    """A model on the hub.

    Attributes:
        repo: owner/name.
        revision: Branch, tag or commit; "" for the main branch.
        file: The file that is the model; "" if the whole repository is.
    """

    repo: str
    revision: str = ""
    file: str = ""

    def __str__(self) -> str:
        """Return the name as users write it."""
        file = f"/{self.file}" if self.file else ""
        revision = f"@{self.revision}" if self.revision else ""
        return f"{self.repo}{file}{revision}"


def parse_name(text: str) -> HubName | None:
    """Read the name of a model on the hub.

    A path below a folder that exists here is none, so that a mistake in the name of a
    local file is not looked up on the hub.

    Args:
        text: What a user gave as a model.

    Returns:
        The name; None if the text is a path.

    Examples:
        >>> parse_name("facebook/wav2vec2-xls-r-300m@main")
        HubName(repo='facebook/wav2vec2-xls-r-300m', revision='main', file='')
        >>> parse_name("owner/name/xlsr.pt@v1")
        HubName(repo='owner/name', revision='v1', file='xlsr.pt')
        >>> parse_name("/data/wav2vec2.pt") is None
        True
    """
    found = _NAME.fullmatch(text)
    if found is None or text.endswith("/"):
        return None
    repo, file = found["repo"], found["file"] or ""
    has_file_name = not file and Path(repo).suffix in _FILES  # folder/model.pt
    parts = file.split("/") if file else []
    is_odd = any(part in ("", ".", "..") for part in parts)
    if has_file_name or is_odd or (file and Path(file).suffix not in _FILES):
        return None
    if Path(repo).parent.exists():
        return None
    return HubName(repo, found["revision"] or "", file)


def read_repository(text: str) -> HubName:
    """Read owner/name or owner/name@branch.

    Raises:
        ValueError: The text has another form.
    """
    found = _NAME.fullmatch(text)
    if found is None or found["file"]:
        raise ValueError(
            f"{text}: found as a name, expected owner/name or owner/name@branch"
        )
    return HubName(found["repo"], found["revision"] or "")
