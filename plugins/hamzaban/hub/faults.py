"""What the client of the hub says, in one line with a remedy."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

from hamzaban.fileio import FULL

_REASON = 160  # most characters shown of the client's message
_TOKEN = "set HF_TOKEN to a token of https://huggingface.co/settings/tokens"


@contextlib.contextmanager
def explained(name: str, repo: str, revision: str = "") -> Iterator[None]:
    """Turn any exception of the client into a ValueError of one line.

    Args:
        name: The model as the user wrote it.
        repo: owner/name.
        revision: Branch, tag or commit, for messages.

    Raises:
        ValueError: The hub did not do what was asked.
    """
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs each request
    try:
        yield
    except Exception as error:  # the client raises many classes, of several packages
        if isinstance(error, OSError) and _is_local(error):
            raise
        raise ValueError(f"{name}: {describe(error, repo, revision)}") from None


def describe(error: Exception, repo: str, revision: str = "") -> str:
    """Return what went wrong and what to do about it.

    Args:
        error: An exception of the client.
        repo: owner/name.
        revision: Branch, tag or commit.
    """
    from huggingface_hub import constants, errors

    chain = _list_causes(error)
    hub = constants.ENDPOINT
    offline = "on a machine that reaches it, and give the folder that it prints"
    if _find(chain, errors.GatedRepoError):
        return (
            f"the owner of {repo} asks to accept terms; accept them at {hub}/{repo}, "
            f"and {_TOKEN}"
        )
    if _find(chain, errors.RevisionNotFoundError):
        return f"{repo} has no revision '{revision}'; correct what follows the @"
    if _find(chain, errors.RemoteEntryNotFoundError):
        return f"{repo} has no such file; look at {hub}/{repo}/tree/main"
    if _find(chain, errors.RepositoryNotFoundError):
        return (
            f"no such path here, and {hub} has no such model, or a private one; "
            f"correct the name, or {_TOKEN}"
        )
    if _find(chain, errors.OfflineModeIsEnabled):
        return (
            f"not in the cache {constants.HF_HUB_CACHE}, and HF_HUB_OFFLINE is set; "
            f"unset it, or call `hamzaban fetch {repo}` {offline}"
        )
    status = _find_status(chain)
    if status in (401, 403):
        return f"{hub} refuses access (HTTP {status}); {_TOKEN} that has the right"
    if status is not None:
        return f"{hub} answers HTTP {status}; try again later ({_shorten(chain[-1])})"
    if _is_connection(chain):
        return (
            f"not in the cache {constants.HF_HUB_CACHE}, and {hub} cannot be reached "
            f"({_shorten(chain[-1])}); connect, or call `hamzaban fetch {repo}` "
            f"{offline}"
        )
    return (
        f"the transfer from or to {hub} failed ({_shorten(error)}); run it again, it "
        "continues where it stopped"
    )


def _is_local(error: OSError) -> bool:
    """Return whether an error is one of this machine's disk."""
    return error.filename is not None or error.errno in FULL


def _list_causes(error: BaseException) -> list[BaseException]:
    """Return an exception and those that led to it."""
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        following = following.__cause__ or following.__context__
    return found


def _find(chain: list[BaseException], kind: type[BaseException]) -> bool:
    return any(isinstance(error, kind) for error in chain)


def _find_status(chain: list[BaseException]) -> int | None:
    """Return the HTTP status of a refusal, if there was one."""
    for error in chain:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(status, int) and status >= 400:
            return status
    return None


def _is_connection(chain: list[BaseException]) -> bool:
    """Return whether no connection was made, whatever library tried."""
    names = {kind.__name__ for error in chain for kind in type(error).__mro__}
    return bool(names & {"ConnectError", "ConnectTimeout", "ProxyError"})


def _shorten(error: BaseException) -> str:
    return " ".join(str(error).split())[:_REASON] or type(error).__name__


def has_token() -> bool:
    """Return whether the environment or a login gives a token."""
    from huggingface_hub import get_token

    return bool(os.environ.get("HF_TOKEN") or get_token())
