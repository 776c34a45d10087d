"""The gateway that the commands talk to: where it is, one request, and what went wrong as a Failure.

The commands' side of HTTP and nothing else; it knows no command. `--base-url` and `--api-key` are declared here.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from liftgate import __version__
from liftgate.cli.failures import Refused, Unreachable

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 120.0
"""How long the gateway may be silent, unless a caller knows better."""

SHOWN_BODY = 300

UNAUTHORIZED = 401
GONE_BEHIND_A_PROXY = (502, 503, 504)

Body = bytes | AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Address:
    """`url`: without `/v1` and without a slash at the end."""

    url: str
    api_key: str

    @property
    def local(self) -> bool:
        host = urlsplit(self.url).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


class Remote:
    """`async with Remote(address) as remote:`. Every failure is Refused or Unreachable."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"User-Agent": f"liftgate/{__version__}", "Accept-Encoding": "identity"}
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
            raise self._unreachable(error, about) from error

    async def ask(
        self, method: str, path: str, document: object = None, *, about: str = "", silence: float = ANSWER_SECONDS
    ) -> dict[str, Any]:
        """JSON there and back."""
        body = None if document is None else json.dumps(document).encode()
        headers = {"Content-Type": "application/json"} if body is not None else {}
        async with self.open(method, path, about=about, headers=headers, body=body, silence=silence) as answer:
            return self.decoded(await answer.read())

    def decoded(self, body: bytes) -> dict[str, Any]:
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Refused(200, f"{self.address.url} did not answer with JSON; is it a Liftgate gateway?")
        return found

    def _refusal(self, status: int, headers: Mapping[str, str], body: bytes, about: str) -> Refused:
        """OpenAI's error body in words; what is no gateway's answer is called so."""
        param = code = ""
        try:
            error = json.loads(body)["error"]
            message = str(error["message"])
            ours = "type" in error
            param, code = str(error.get("param") or ""), str(error.get("code") or "")
        except (ValueError, LookupError, TypeError, AttributeError):
            message, ours = body[:SHOWN_BODY].decode("utf-8", "replace").strip(), False
        if not ours:
            message = self._not_a_gateway(status, headers, message)
        elif status == UNAUTHORIZED and not self.address.api_key:
            message = f"{self.address.url} asks for a key: give --api-key, or set LIFTGATE_API_KEY."
        # OpenAI's sentence names the id of an unknown file itself.
        subject = f"{about}: " if about and about not in message else ""
        return Refused(status, subject + message, param=param, code=code, retry_after=_retry_after(headers))

    def _not_a_gateway(self, status: int, headers: Mapping[str, str], message: str) -> str:
        url = self.address.url
        if location := headers.get("Location"):
            return f"{url}: the answer was HTTP {status}; --base-url should perhaps be that of {location}"
        shown = f" ({message})" if message else ""
        if status in GONE_BEHIND_A_PROXY:
            return f"{url}: a proxy answered HTTP {status}, since the gateway behind it did not{shown}"
        return f"{url} does not answer as a Liftgate gateway does: HTTP {status}{shown}"

    def _unreachable(self, error: Exception, about: str) -> Unreachable:
        subject = f"{about}: " if about else ""
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return Unreachable(
                f"{subject}{self.address.url}: its certificate is not accepted ({error.certificate_error})."
            )
        if isinstance(error, aiohttp.ClientConnectorSSLError):
            plain_url = self.address.url.replace("https://", "http://", 1)
            return Unreachable(f"{subject}{self.address.url} does not speak https; try {plain_url}.")
        if isinstance(error, aiohttp.ClientConnectorError):
            known = error.os_error.errno
            reason = os.strerror(known) if known and known > 0 else error.os_error.strerror or str(error.os_error)
            return Unreachable(f"{subject}{self.address.url} cannot be reached ({reason}). Is the gateway running?")
        if isinstance(error, aiohttp.InvalidURL):
            return Unreachable(f"{subject}--base-url: {self.address.url!r} is not an address.")
        reason = "it did not answer in time" if isinstance(error, TimeoutError) else "the connection broke"
        return Unreachable(f"{subject}{self.address.url}: {reason}.")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        return float(headers["Retry-After"])
    except (LookupError, ValueError):
        return None


def error_of_event(event: Mapping[str, Any]) -> Refused | None:
    """The failure that a stream carries in place of a chunk."""
    error = event.get("error")
    if not isinstance(error, dict):
        return None
    return Refused(
        200, str(error.get("message") or "the stream ended with an error"), code=str(error.get("code") or "")
    )
