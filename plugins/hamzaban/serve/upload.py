"""Receive one file of a form in a temporary file without a name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, TYPE_CHECKING

from hamzaban.serve.errors import ServeError
from hamzaban.serve.serve_options import MB, ServeOptions

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Message, Receive

FIELD = "file"
FORM = "multipart/form-data"


def check_head(request: Request, options: ServeOptions) -> None:
    """Check what a request states before its body is read.

    Raises:
        ServeError: It is no form, or too large.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        found = f"{kind[:80]!r} found" if kind.isprintable() else "another type found"
        raise ServeError(415, f"{found}, expected a form: curl -F {FIELD}=@talk.mp3")
    stated = request.headers.get("content-length", "0")
    if not stated.isdecimal() or int(stated) > options.max_body:
        raise too_large(options)


def too_large(options: ServeOptions) -> ServeError:
    """Return the error for a file that is too large."""
    return ServeError(
        413, f"more than {options.max_upload_mb:g} MB; send a smaller file"
    )


@asynccontextmanager
async def receive_file(
    request: Request, options: ServeOptions
) -> AsyncIterator[IO[bytes]]:
    """Receive the file of a form; remove it at the end.

    Yields:
        An open file with a descriptor. The system removes it even if the process is
        killed, since it has no name.

    Raises:
        ServeError: The body is too large, too slow, or no such form.
    """
    from starlette.exceptions import HTTPException
    from starlette.requests import Request

    limited = Request(request.scope, _count(request.receive, options))
    form = None
    try:
        try:
            async with asyncio.timeout(options.max_upload_s):
                form = await limited.form(max_files=1, max_fields=8)
        except TimeoutError:
            seconds = f"{options.max_upload_s:g} s"
            raise ServeError(408, f"the file did not arrive in {seconds}") from None
        except (HTTPException, KeyError, UnicodeError) as error:
            reason = getattr(error, "detail", "it cannot be read")
            raise ServeError(400, f"bad form: {reason}") from None
        found = form.get(FIELD)
        if found is None or isinstance(found, str):
            raise ServeError(
                400, f"no file in field {FIELD!r}; expected curl -F {FIELD}=@talk.mp3"
            )
        if not found.size:
            raise ServeError(422, "the file is empty")
        if found.size > options.max_upload_mb * MB:
            raise too_large(options)
        found.file.rollover()  # type: ignore[attr-defined]
        yield found.file
    finally:
        if form is not None:
            await form.close()


def _count(receive: Receive, options: ServeOptions) -> Receive:
    """Return a function that receives a body and refuses one that is too large."""
    count = 0

    async def receive_part() -> Message:
        nonlocal count
        message = await receive()
        count += len(message.get("body", b""))
        if count > options.max_body:
            raise too_large(options)
        return message

    return receive_part
