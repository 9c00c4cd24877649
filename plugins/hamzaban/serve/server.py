"""Run the service until a signal ends it."""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
from collections.abc import Sequence

from hamzaban.extras import is_installed, name_install
from hamzaban.serve.serve_options import ServeOptions

PACKAGES = ("starlette", "uvicorn", "websockets", "python_multipart")
MAX_PORT = 65535
GRACE_S = 10  # until work is stopped after SIGTERM
KEEP_ALIVE_S = 5


def check_packages() -> None:
    """Check that what the service needs is installed.

    Raises:
        ValueError: A package is missing.
    """
    missing = [name for name in PACKAGES if not is_installed(name)]
    if missing:
        raise ValueError(
            f"the package {missing[0]} is not installed, which the service needs; "
            f"{name_install('serve')} installs it"
        )


def open_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address.

    Raises:
        ValueError: The address cannot be used.
    """
    if not 0 <= port <= MAX_PORT:
        raise ValueError(f"--port {port} found, expected 0..{MAX_PORT}")
    try:
        [(family, _, _, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        return socket.create_server(address[:2], family=family)
    except (OSError, UnicodeError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ValueError(
            f"--host {host} --port {port}: {reason}; give another address or port"
        ) from None


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def warn_if_reachable(host: str) -> None:
    """Warn of an address that other machines reach."""
    if not is_loopback(host):
        logging.warning(
            "%s: anyone who reaches this address can use the service, which has no "
            "passwords and no encryption; put a proxy with both in front of it",
            host,
        )


def run(
    app: object, listener: socket.socket, options: ServeOptions, names: Sequence[str]
) -> None:
    """Serve an ASGI application until SIGTERM or SIGINT.

    Requests in work are completed for up to GRACE_S, then stopped.

    Args:
        app: The application.
        listener: Socket that listens.
        options: The limits.
        names: Names of the address, for the log.
    """
    import uvicorn

    from hamzaban.serve.live_socket import MAX_MESSAGE
    from hamzaban.serve.timed_protocol import TimedProtocol

    TimedProtocol.max_head_s = options.max_head_s
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=TimedProtocol,
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE,
        ws_per_message_deflate=False,  # a short message must not become a long one
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=options.max_connections,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # ours are logged
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    logging.info(
        "serving http://%s:%d%s", shown, port, f" ({', '.join(names)})" if names else ""
    )
    warn_if_reachable(host)
    # uvicorn raises the signal again when it has ended, for the handler of before
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listener])
    logging.info("the service has ended")
