"""Publish the folder of a model on the hub."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hamzaban.hub.faults import explained, has_token
from hamzaban.hub.names import HubName

CARD, CONFIG = "README.md", "config.json"
_SAFE, _PICKLED = ".safetensors", (".bin", ".pt", ".pth")
_WEIGHTS = (_SAFE, *_PICKLED, ".onnx", ".zip")


@dataclasses.dataclass(frozen=True)
class Publication:
    """What is to be published.

    Attributes:
        folder: The folder of the model.
        files: Its files, relative to it, with their sizes in bytes.
        card: The text of the model card.
    """

    folder: Path
    files: dict[str, int]
    card: str

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return sum(self.files.values())


def read_publication(folder: Path) -> Publication:
    """Collect the files of a model, and check that others will be able to load them.

    Hidden files and unfinished ones are left out. No code from a file is run.

    Args:
        folder: The folder of a model: a Hugging Face directory or any other form.

    Raises:
        NotADirectoryError: There is no such folder.
        FileNotFoundError: The model card is missing.
        ValueError: It has no weights, or a damaged file of weights.
    """
    if not folder.is_dir():
        raise NotADirectoryError(
            f"{folder}: no such folder; give the folder of a model, such as a Hugging "
            "Face directory"
        )
    files = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _is_left_out(path.relative_to(folder))
    }
    if CARD not in files:
        raise FileNotFoundError(
            f"{folder / CARD}: missing; write a model card that states data, language, "
            "scores and licence"
        )
    weights = [name for name in files if name.endswith(_WEIGHTS)]
    if not weights:
        raise ValueError(
            f"{folder}: no weights found, expected a file such as model.safetensors; "
            "give the folder of a model"
        )
    _check_weights(folder, weights)
    return Publication(folder, files, (folder / CARD).read_text(encoding="utf-8"))


def _check_weights(folder: Path, names: list[str]) -> None:
    """Open the files of weights as those who fetch them will."""
    from hamzaban.weights.door import read_safetensors, read_weights

    for name in names:
        if name.endswith(_SAFE):
            read_safetensors(folder / name)
        elif name.endswith(_PICKLED):
            read_weights(folder / name)


def describe(publication: Publication, name: HubName) -> str:
    """Return the files with their sizes and the card, as a dry run shows them."""
    width = max(map(len, publication.files))
    lines = [f"{publication.folder} -> {name}"]
    lines += [
        f"  {file:<{width}}  {_format_size(size):>9}"
        for file, size in publication.files.items()
    ]
    lines += [f"  {'total':<{width}}  {_format_size(publication.size):>9}", "", CARD]
    lines += [f"  {line}".rstrip() for line in publication.card.splitlines()]
    return "\n".join(lines)


def require_token(name: HubName) -> None:
    """Check that there is a token.

    Raises:
        ValueError: There is none.
    """
    if not has_token():
        raise ValueError(
            f"{name}: there is no token; set HF_TOKEN to one with the right to write, "
            "from https://huggingface.co/settings/tokens, or call with --dry_run true"
        )


def push(
    publication: Publication, name: HubName, *, private: bool, message: str
) -> str:
    """Create a repository unless it exists, and commit all files to it at once.

    Files that the repository has already are not uploaded again.

    Args:
        publication: The files.
        name: The repository, and the branch as its revision.
        private: Make a new repository private.
        message: Message of the commit.

    Returns:
        The address of the commit.

    Raises:
        ValueError: The hub refuses or cannot be reached.
    """
    from huggingface_hub import HfApi

    api = HfApi()
    with explained(str(name), name.repo, name.revision):
        api.create_repo(name.repo, private=private, exist_ok=True)
        if name.revision:
            api.create_branch(name.repo, branch=name.revision, exist_ok=True)
        commit = api.upload_folder(
            repo_id=name.repo,
            folder_path=publication.folder,
            revision=name.revision or None,
            commit_message=message,
            allow_patterns=[_escape(file) for file in publication.files],
        )
    return str(commit.commit_url)


def _is_left_out(path: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in path.parts)
    return is_hidden or ".tmp" in path.suffixes


def _escape(file: str) -> str:
    """Return a pattern of fnmatch that only this file matches."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in file)


def _format_size(size: int) -> str:
    return f"{size / 1e6:,.2f} MB" if size >= 10_000 else f"{size:,} B"
