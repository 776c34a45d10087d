"""aiohttp's exceptions, all of them, and the proxies of the environment."""

from __future__ import annotations

import errno
import ssl

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from yarl import URL

from liftgate.errors import ConfigError, UpstreamDisconnected, UpstreamError, UpstreamProtocolError, UpstreamTimeout
from liftgate.gemini.network import BREAKS, EnvironmentProxies, broken


def descendants(kind: type[BaseException]) -> set[type[BaseException]]:
    return {kind, *(deeper for child in kind.__subclasses__() for deeper in descendants(child))}


def test_broken_decides_every_exception_of_aiohttp_below_its_root() -> None:
    """A new release of aiohttp may bring a class; it must be placed here, not fall through to the root."""
    ours = [kind for kind in descendants(aiohttp.ClientError) if kind.__module__.startswith("aiohttp.")]
    assert len(ours) > 15
    for kind in ours:
        if kind is not aiohttp.ClientError:
            nearest = next(ancestor.__name__ for ancestor in kind.__mro__ if ancestor.__name__ in BREAKS)
            assert nearest not in ("ClientError", "OSError", "TimeoutError"), kind


def connection_key() -> ConnectionKey:
    return ConnectionKey("gemini.example", 443, True, True, None, None, None)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (aiohttp.ServerDisconnectedError(), UpstreamDisconnected),
        (aiohttp.ClientOSError(errno.ECONNRESET, "Connection reset by peer"), UpstreamDisconnected),
        (aiohttp.ClientPayloadError("half"), UpstreamDisconnected),
        (aiohttp.ClientConnectionResetError("closing"), UpstreamDisconnected),
        (
            aiohttp.ClientConnectorDNSError(connection_key(), OSError(-2, "Name or service not known")),
            UpstreamDisconnected,
        ),
        (aiohttp.ConnectionTimeoutError("https://g/upload?upload_id=SECRET"), UpstreamTimeout),
        (aiohttp.SocketTimeoutError("slow"), UpstreamTimeout),
        (TimeoutError(), UpstreamTimeout),
        (ConnectionResetError(), UpstreamDisconnected),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), UpstreamDisconnected),
        (
            aiohttp.ClientConnectorCertificateError(connection_key(), ssl.SSLCertVerificationError("bad")),
            UpstreamProtocolError,
        ),
        (aiohttp.InvalidURL("http://SECRET"), UpstreamProtocolError),
    ],
)
def test_broken_gives_the_class_and_shows_no_url(error: BaseException, kind: type[UpstreamError]) -> None:
    ours = broken(error)
    assert type(ours) is kind
    assert type(error).__name__ in ours.message
    assert "SECRET" not in ours.message


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_environment_proxies_absent_mean_none(environment: pytest.MonkeyPatch) -> None:
    assert EnvironmentProxies().of(URL("https://generativelanguage.googleapis.com/v1beta/x")) is None


def test_environment_proxies_follow_scheme_and_exceptions(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("https_proxy", "http://proxy.example:3128")
    environment.setenv("no_proxy", "localhost,.internal")
    proxies = EnvironmentProxies()
    through = proxies.of(URL("https://generativelanguage.googleapis.com/v1beta/x"))
    assert through is not None
    assert through.url == URL("http://proxy.example:3128")
    assert proxies.of(URL("http://generativelanguage.googleapis.com/")) is None
    assert proxies.of(URL("https://gemini.internal/")) is None
    assert proxies.of(URL("https://localhost:8443/")) is None


def test_environment_proxies_carry_credentials_where_they_belong(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("https_proxy", "http://user:p%40ss@proxy.example:3128")
    environment.setenv("http_proxy", "http://user:p%40ss@proxy.example:3128")
    proxies = EnvironmentProxies()
    credentials = {"Proxy-Authorization": "Basic dXNlcjpwQHNz"}  # printf 'user:p@ss' | base64
    tunnel, plain = proxies.of(URL("https://g.example/")), proxies.of(URL("http://g.example/"))
    assert tunnel is not None
    assert plain is not None
    assert (tunnel.connect_headers, tunnel.headers) == (credentials, None)
    assert (plain.connect_headers, plain.headers) == (None, credentials)
    assert "p@ss" not in str(tunnel.url) + str(plain.url) + repr(tunnel)


def test_environment_proxies_of_another_kind_are_a_config_error(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("https_proxy", "socks5://proxy.example:1080")
    with pytest.raises(ConfigError, match="https_proxy"):
        EnvironmentProxies()
