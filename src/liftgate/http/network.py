"""What the network does to an exchange, as our errors, in one table; and the proxies that the environment names.

The message names no URL: an upload's URL is a capability.
"""

from __future__ import annotations

import base64
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from liftgate.errors import ConfigError, LiftgateError, UpstreamDisconnected, UpstreamProtocolError, UpstreamTimeout

_INSECURE = (UpstreamProtocolError, "No secure connection to Gemini could be made")
_LATE = (UpstreamTimeout, "Gemini did not answer in time")

PORTS = {"http": 80, "https": 443}

Breaks = Mapping[type[BaseException], tuple[type[LiftgateError], str]]
"""By class; the nearest in an exception's ancestry decides."""

CONNECTING: Breaks = {
    ssl.SSLError: _INSECURE,
    TimeoutError: (UpstreamTimeout, "Gemini could not be connected to in time"),
    OSError: (UpstreamDisconnected, "Gemini could not be connected to"),
}
TALKING: Breaks = {
    ssl.SSLError: _INSECURE,
    TimeoutError: _LATE,
    OSError: (UpstreamDisconnected, "The connection to Gemini broke before its answer was complete"),
}


def broken(error: BaseException, table: Breaks = TALKING) -> LiftgateError:
    """The typed error for an OSError, which TimeoutError and SSLError are too."""
    kind, sentence = next(table[ancestor] for ancestor in type(error).__mro__ if ancestor in table)
    system = getattr(error, "strerror", None)
    said = f": {system}" if isinstance(system, str) and system and "://" not in system else ""
    return kind(f"{sentence} ({type(error).__name__}{said}).")


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where an origin is reached through: scheme, host and port. `credentials` for Proxy-Authorization, or empty."""

    address: tuple[str, str, int]
    credentials: str = field(repr=False)


class EnvironmentProxies:
    """HTTP_PROXY, HTTPS_PROXY and NO_PROXY, read once. Raises ConfigError for what is no http or https proxy."""

    def __init__(self) -> None:
        self._proxies = {
            scheme: _proxy(f"{scheme}_proxy", url)
            for scheme, url in urllib.request.getproxies().items()
            if scheme in PORTS
        }

    def of(self, scheme: str, host: str, port: int) -> Proxy | None:
        proxy = self._proxies.get(scheme)
        return None if proxy is None or urllib.request.proxy_bypass(f"{host}:{port}") else proxy


def _proxy(variable: str, url: str) -> Proxy:
    try:
        parts = urlsplit(url)
        standard = PORTS[parts.scheme]
        port, host = parts.port or standard, parts.hostname or ""
    except (ValueError, KeyError):
        host = ""
    if not host:
        raise ConfigError(f"{variable} in the environment must be an http:// or https:// URL.")
    user = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    token = base64.b64encode(user.encode()).decode("ascii")
    return Proxy((parts.scheme, host, port), "" if parts.username is None else f"Basic {token}")
