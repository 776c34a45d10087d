"""aiohttp's exceptions → our errors, in one table, and the proxies that the environment names.

The message names no URL: an upload's URL is a capability, and a header of a failed request may hold a key.
"""

from __future__ import annotations

import base64
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from liftgate.errors import ConfigError, LiftgateError, UpstreamDisconnected, UpstreamProtocolError, UpstreamTimeout

NETWORK = (aiohttp.ClientError, TimeoutError, OSError)
"""What a call of aiohttp may raise for reasons of the network."""

BREAKS: Mapping[str, tuple[type[LiftgateError], str]] = {
    "ServerTimeoutError": (UpstreamTimeout, "Gemini was silent for too long"),
    "ConnectionTimeoutError": (UpstreamTimeout, "Gemini could not be connected to in time"),
    "TimeoutError": (UpstreamTimeout, "Gemini did not answer in time"),
    "ClientSSLError": (UpstreamProtocolError, "no secure connection to Gemini could be made"),
    "ServerFingerprintMismatch": (UpstreamProtocolError, "no secure connection to Gemini could be made"),
    "ClientConnectorError": (UpstreamDisconnected, "Gemini could not be connected to"),
    "ClientHttpProxyError": (UpstreamDisconnected, "the proxy on the way to Gemini refused the connection"),
    "ClientConnectionError": (UpstreamDisconnected, "the connection to Gemini broke before its answer was complete"),
    "ClientPayloadError": (UpstreamDisconnected, "the connection to Gemini broke before its answer was complete"),
    "UploadAbortedError": (UpstreamDisconnected, "the connection to Gemini broke before the upload was complete"),
    "ClientResponseError": (UpstreamProtocolError, "Gemini's answer is no HTTP that we understand"),
    "InvalidURL": (UpstreamProtocolError, "the URL to call is not valid; is api_base right?"),
    "NonHttpUrlClientError": (UpstreamProtocolError, "the URL to call is not http or https; is api_base right?"),
    "RedirectClientError": (UpstreamProtocolError, "Gemini redirected to where we do not follow"),
    "ClientError": (UpstreamDisconnected, "the exchange with Gemini failed"),
    "OSError": (UpstreamDisconnected, "the connection to Gemini broke before its answer was complete"),
}
"""By class name, as not every release of aiohttp has every class; the nearest in an exception's ancestry decides."""


def broken(error: BaseException) -> LiftgateError:
    """The typed error for one of `NETWORK`."""
    kind, sentence = next(BREAKS[ancestor.__name__] for ancestor in type(error).__mro__ if ancestor.__name__ in BREAKS)
    system = getattr(error, "strerror", None)
    said = f": {system}" if isinstance(system, str) and system and "://" not in system else ""
    return kind(f"{sentence[0].upper()}{sentence[1:]} ({type(error).__name__}{said}).")


@dataclass(frozen=True, slots=True, repr=False)
class Proxy:
    """Where an origin is reached through. `connect_headers` go into CONNECT, `headers` into plain http requests."""

    url: URL
    connect_headers: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None


class EnvironmentProxies:
    """HTTP_PROXY, HTTPS_PROXY and NO_PROXY, read once; the answer for each host is kept.

    aiohttp's own `trust_env` reads the environment and ~/.netrc for each request, in two thread hops: 300 µs of CPU
    where the whole exchange costs 80, and a netrc entry would add an Authorization header beside our key.
    """

    def __init__(self) -> None:
        self._proxies = {scheme: url for scheme, url in urllib.request.getproxies().items() if scheme in _PROXIED}
        for scheme, url in self._proxies.items():
            if URL(url).scheme not in _PROXIED:
                raise ConfigError(f"{scheme}_proxy in the environment must be an http:// or https:// URL.")
        self._of_origin: dict[tuple[str, str, int | None], Proxy | None] = {}

    def of(self, url: URL) -> Proxy | None:
        if not self._proxies:
            return None
        origin = (url.scheme, url.host or "", url.port)
        if origin not in self._of_origin:
            self._of_origin[origin] = self._decide(url)
        return self._of_origin[origin]

    def _decide(self, url: URL) -> Proxy | None:
        through = self._proxies.get(url.scheme)
        if not through or urllib.request.proxy_bypass(f"{url.host}:{url.port}"):
            return None
        proxy = URL(through)
        if proxy.user is None:
            return Proxy(proxy)
        token = base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode("ascii")
        credentials = {"Proxy-Authorization": f"Basic {token}"}
        bare = proxy.with_user(None)
        return Proxy(bare, connect_headers=credentials) if url.scheme == "https" else Proxy(bare, headers=credentials)


_PROXIED = ("http", "https")
