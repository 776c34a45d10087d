"""A gateway that is asked over HTTP: where it is, one request, and what went wrong as an error of Liftgate's tree."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp

from liftgate.errors import InvalidRequest, LiftgateError, UpstreamKeyRejected
from liftgate.http.network import EnvironmentProxies, network_reason
from liftgate.json_types import JsonObject, loaded
from liftgate.sdk.remote.gateway_errors import (
    GONE_BEHIND_A_PROXY,
    GatewayRefused,
    GatewayUnreachable,
    read_refusal,
    refusal,
    words_of,
)

DEFAULT_URL = "http://127.0.0.1:4000"
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 120.0
"""How long the gateway may be silent, unless a caller knows better."""

UNAUTHORIZED = 401
FILE = ("id", "filename", "bytes", "purpose", "created_at", "status")
"""What every File object has."""

Body = bytes | AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Address:
    """`url`: without `/v1` and without a slash at the end. `url_name`, `key_hint`: how its user gives the two."""

    url: str
    api_key: str = field(repr=False)
    url_name: str = "base_url"
    key_hint: str = "pass api_key=…"

    @property
    def local(self) -> bool:
        host = urlsplit(self.url).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


class GatewayClient:
    """`async with GatewayClient(address) as gateway:`. Every failure is a LiftgateError: GatewayUnreachable, or what
    the gateway answered; ConfigError for a proxy of the environment that is none. `headers` go with every request."""

    def __init__(self, address: Address, headers: Mapping[str, str] | None = None) -> None:
        self.address = address
        self._headers = dict(headers or {})
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        if not self.address.local:
            # Here, where the variable can be named: aiohttp would take the gateway's address for the wrong one.
            EnvironmentProxies()
        headers = {"User-Agent": f"liftgate/{version('liftgate')}", "Accept-Encoding": "identity", **self._headers}
        if self.address.api_key:
            headers["Authorization"] = f"Bearer {self.address.api_key}"
        self._session = aiohttp.ClientSession(
            headers=headers,
            # A proxy of the environment is for other machines than this one.
            trust_env=not self.address.local,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            read_bufsize=2**18,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        *,
        about: str = "",
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        silence: float = ANSWER_SECONDS,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to `/v1` + `path`, its body still to be read. `about`: what an error names. `silence`: seconds."""
        assert self._session is not None, "the session is not open"
        try:
            async with self._session.request(
                method,
                self.address.url + "/v1" + path,
                headers=headers,
                data=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence),
            ) as answer:
                if not 200 <= answer.status < 300:
                    raise self._refusal(answer.status, answer.headers, await answer.read(), about)
                yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self.unreachable(error, about) from error

    async def ask(
        self,
        method: str,
        path: str,
        document: object = None,
        *,
        has: Sequence[str] = (),
        about: str = "",
        silence: float = ANSWER_SECONDS,
    ) -> JsonObject:
        """JSON there and back. `has`: fields without which it is no gateway's answer."""
        body = None if document is None else encoded(document)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        async with self.open(method, path, about=about, headers=headers, body=body, silence=silence) as answer:
            return self.decoded(await answer.read(), has)

    def decoded(self, body: bytes, has: Sequence[str] = ()) -> JsonObject:
        """Raises GatewayRefused for what is no JSON object, or has not all of these fields."""
        try:
            found = loaded(body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise GatewayRefused(f"{self.address.url} did not answer with JSON; is it a Liftgate gateway?")
        return self.with_fields(found, has)

    async def ask_list(self, path: str, of_each: Sequence[str]) -> JsonObject:
        """A list object of OpenAI's API; `of_each`: fields that each of its `data` has."""
        found = await self.ask("GET", path, has=("data",))
        for each in found["data"] if isinstance(found["data"], list) else (None,):
            self.with_fields(each, of_each)
        return found

    def with_fields(self, found: object, has: Sequence[str]) -> JsonObject:
        """What it is given. Raises GatewayRefused unless it is an object that has all of these fields."""
        fields = found if isinstance(found, dict) else {}
        if missing := next((name for name in has if name not in fields), None):
            raise GatewayRefused(
                f"{self.address.url} does not answer as a Liftgate gateway does: its answer has no {missing!r}."
            )
        return fields

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes, about: str) -> LiftgateError:
        """OpenAI's error body in words; what is no gateway's answer is called so."""
        subject = f"{about}: " if about else ""
        parsed = read_refusal(body)
        if parsed is None:
            error = GatewayRefused(subject + self._not_a_gateway(status, headers, words_of(body)))
            error.answered = status
            return error
        message, param, code = parsed
        if status == UNAUTHORIZED and not self.address.api_key and code != UpstreamKeyRejected.default_code:
            message = f"{self.address.url} asks for a key: {self.address.key_hint}."
        # OpenAI's sentence names the id of an unknown file itself.
        subject = "" if about in message else subject
        return refusal(status, subject + message, param=param, code=code, retry_after=_retry_after(headers))

    def _not_a_gateway(self, status: int, headers: Mapping[str, str], message: str) -> str:
        url = self.address.url
        if location := headers.get("Location"):
            return f"{url}: the answer was HTTP {status}; {self.address.url_name} should perhaps be that of {location}"
        shown = f" ({message})" if message else ""
        if status in GONE_BEHIND_A_PROXY:
            return f"{url}: a proxy answered HTTP {status}, since the gateway behind it did not{shown}"
        return f"{url} does not answer as a Liftgate gateway does: HTTP {status}{shown}"

    def unreachable(self, error: Exception, about: str = "") -> GatewayUnreachable:
        subject = f"{about}: " if about else ""
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return GatewayUnreachable(
                f"{subject}{self.address.url}: its certificate is not accepted ({error.certificate_error})."
            )
        if isinstance(error, aiohttp.ClientConnectorSSLError):
            plain_url = self.address.url.replace("https://", "http://", 1)
            return GatewayUnreachable(f"{subject}{self.address.url} does not speak https; try {plain_url}.")
        by_proxy = f"{subject}{self.address.url} cannot be reached: the proxy that {self._proxy()}"
        if isinstance(error, aiohttp.ClientProxyConnectionError):
            reason = network_reason(error.os_error) or str(error.os_error)
            return GatewayUnreachable(f"{by_proxy} names cannot ({reason}).")
        if isinstance(error, aiohttp.ClientHttpProxyError):
            refusal = f"HTTP {error.status}{f' ({error.message})' if error.message else ''}"
            return GatewayUnreachable(f"{by_proxy} names answered {refusal}.")
        if isinstance(error, aiohttp.ClientConnectorError):
            reason = network_reason(error.os_error) or str(error.os_error)
            return GatewayUnreachable(
                f"{subject}{self.address.url} cannot be reached ({reason}). Is the gateway running?"
            )
        if isinstance(error, aiohttp.InvalidURL):
            return GatewayUnreachable(f"{subject}{self.address.url_name}: {self.address.url!r} is not an address.")
        reason = "it did not answer in time" if isinstance(error, TimeoutError) else "the connection broke"
        return GatewayUnreachable(f"{subject}{self.address.url}: {reason}.")

    def _proxy(self) -> str:
        """The variable that names the proxy for this address; Python prefers the small letters."""
        small = f"{urlsplit(self.address.url).scheme}_proxy"
        return small if os.environ.get(small) else small.upper()


def encoded(document: object) -> bytes:
    """JSON. Raises InvalidRequest."""
    try:
        return json.dumps(document, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise InvalidRequest(f"The request is no JSON: {error}.") from None


def read_address(
    base_url: str, api_key: str, *, url_name: str = "base_url", key_name: str = "api_key", key_hint: str = ""
) -> Address:
    """`base_url` with or without `/v1`. Raises InvalidRequest."""
    url = base_url.strip().rstrip("/")
    url = url.removesuffix("/v1").rstrip("/")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise InvalidRequest(
            f"{url_name}: expected an address such as {DEFAULT_URL}, got {base_url!r}.", param=url_name
        )
    if re.search(r"/v1(?:beta)?(?:/|$)", parts.path):
        root = url[: url.index("/v1", len(parts.scheme) + 3)]
        raise InvalidRequest(
            f"{url_name}: expected an address that ends with /v1 at most, such as {root}.", param=url_name
        )
    if not api_key.isprintable() or not api_key.isascii():
        raise InvalidRequest(f"{key_name}: the key holds characters that no header can carry.", param=key_name)
    return Address(url, api_key.strip(), url_name, key_hint or f"pass {key_name}=…")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return float(headers["Retry-After"])
    except (LookupError, ValueError):
        return None
