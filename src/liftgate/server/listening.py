"""The sockets that gateways listen on: one of a process alone, or of several that share a port."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from liftgate.errors import ConfigError

WAYS_OUT = {
    errno.EADDRINUSE: " Another program has that port: end it, or choose another port.",
    errno.EADDRNOTAVAIL: " This machine has no such address.",
    errno.EACCES: " The system keeps ports below 1024 for the administrator: choose one above.",
}
"""What to do about an address that cannot be had, by the system's error."""


def listening_socket(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Bound, not yet listening. `shared`: other sockets may have the same port (SO_REUSEPORT). Raises ConfigError."""
    return _bound(host, port, [socket.SO_REUSEADDR, *([_reuse_port()] if shared else [])])


def reserved_port(host: str, port: int) -> socket.socket:
    """Bound and never to listen: keeps a port for processes that come and go, each with a `shared` socket of its own.

    The port must be free: without looking first, another gateway with shared sockets would be joined, and each would
    get some of the other's requests. Raises ConfigError.
    """
    _bound(host, port, [socket.SO_REUSEADDR]).close()
    shared = _reuse_port()
    try:
        # Without SO_REUSEADDR it also stops those who look before our processes listen …
        return _bound(host, port, [shared])
    except ConfigError:
        # … which connections that end just now do not allow.
        return _bound(host, port, [socket.SO_REUSEADDR, shared])


@contextmanager
def claimed(reserved: socket.socket) -> Iterator[None]:
    """While it runs, no other gateway has the port by `reserved_port`, one that looked in the same moment included:
    of the name that both take here the second is refused. Linux frees it with the process, and has no other names that
    belong to a network like ports do; other systems have to do without. Raises ConfigError.
    """
    if sys.platform != "linux":
        yield
        return
    host, port = reserved.getsockname()[:2]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as claim:
        try:
            claim.bind(f"\0liftgate on {host} port {port}")
        except OSError as error:
            raise cannot_listen(host, port, error) from None
        yield


def cannot_listen(host: str, port: int, error: OSError) -> ConfigError:
    # uvloop's own errors have the name of it and no more.
    reason = error.strerror or errno.errorcode.get(error.errno or 0) or str(error)
    return ConfigError(f"Cannot listen on {host} port {port}: {reason}.{WAYS_OUT.get(error.errno or 0, '')}")


def _reuse_port() -> int:
    if not hasattr(socket, "SO_REUSEPORT"):
        raise ConfigError("num_workers: this system cannot share a port between processes.")
    return socket.SO_REUSEPORT


def _bound(host: str, port: int, options: list[int]) -> socket.socket:
    name = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"host {host}: {error.strerror or error}.") from None
    except UnicodeError:
        raise ConfigError(f"host {host[:80]}: is no name of a host.") from None
    try:
        for option in options:
            listener.setsockopt(socket.SOL_SOCKET, option, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise cannot_listen(host, port, error) from None
    return listener
