"""Reading what lies behind a URL that a client named, without becoming its way into our network.

Only http and https, only public addresses: what a name resolves to is checked and that very address is connected to,
so a name that changes its mind between check and use gains nothing. Redirects are followed by hand, each checked anew.
Size and time are bounded. Hosts that the operator allows may be private.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import unquote

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from liftgate.engine.name_lookup import NameLookup, Resolve, system_addresses
from liftgate.engine.shares import Shares
from liftgate.engine.unpacking import ACCEPTED, Packed, is_packed, unpacked
from liftgate.errors import LONGEST_NAME, FileUnusable, InvalidRequest, TooLarge, shortened
from liftgate.http.network import network_reason
from liftgate.names import LONGEST_URL
from liftgate.records import Owner
from liftgate.sizes import exact_size

REDIRECTS = 5
OWN_AT_ONCE, MOST_AT_ONCE, ALL_AT_ONCE = 8, 32, 96
"""Files fetched at the same time: what each owner may at any time, one owner at most, and all before that."""
PIECE = 256 * 1024
CONNECT_SECONDS = 10.0

_asking: ContextVar[Owner] = ContextVar("whom a look-up is for", default="")
"""The connector asks the resolver, and knows no owner."""


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_ISATAP = 0x5EFE
"""Before the last 32 bits (RFC 5214, 6.1), with either value of the bit that says how far the address counts."""
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")
"""RFC 9637; Python's tables are older."""


class _NotPublic(OSError):
    """A name or address that leads inside."""


class _PublicResolver(AbstractResolver):
    """Resolves to public addresses only, on behalf of `_asking`."""

    def __init__(self, allowed: Collection[str], names: NameLookup) -> None:
        self._names = names
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = await self._names.addresses(_asking.get(), host, port, family)
        found = [_result(host, *address) for address in addresses]
        if host in self._allowed:
            return found
        public = [each for each in found if is_public(each["host"])]
        if not public:
            raise _NotPublic(host)
        return public

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """An open answer. `content_type` as the server says, `filename` of its `Content-Disposition`, else the URL's."""

    content_type: str | None
    filename: str | None
    _response: aiohttp.ClientResponse
    _limit: int
    _param: str
    _seen: list[int]

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The bytes that were not read yet. Raises TooLarge, FileUnusable when the connection breaks."""
        arriving: AsyncIterator[bytes] = self._response.content.iter_chunked(PIECE)
        try:
            if is_packed(",".join(self._response.headers.getall("Content-Encoding", ()))):
                arriving = unpacked(arriving)
            async for piece in arriving:
                self._seen[0] += len(piece)
                if self._seen[0] > self._limit:
                    raise TooLarge(
                        f"The file behind '{self._param}' has more than {exact_size(self._limit)}.", param=self._param
                    )
                yield piece
        except Packed as error:
            raise _unfetchable(self._response.url, self._param, str(error)) from None
        except (aiohttp.ClientError, ConnectionError) as error:
            why = "it stopped sending" if isinstance(error, TimeoutError) else "the connection broke before the end"
            raise _unfetchable(self._response.url, self._param, why) from None


class Fetcher:
    """`allowed_hosts`: names that may lead to private addresses. `max_bytes`, `timeout` (seconds): for each file."""

    def __init__(
        self,
        *,
        max_bytes: int,
        timeout: float,
        allowed_hosts: Collection[str] = (),
        resolve: Resolve = system_addresses,
    ) -> None:
        self._max_bytes = max_bytes
        self._timeout = timeout
        self._allowed = frozenset(allowed_hosts)
        self._names = NameLookup(resolve)
        self._session: aiohttp.ClientSession | None = None
        self._shares = Shares(own=OWN_AT_ONCE, most=MOST_AT_ONCE, total=ALL_AT_ONCE)

    @asynccontextmanager
    async def open(self, url: str, *, param: str, owner: Owner = "") -> AsyncIterator[Fetched]:
        """Raises InvalidRequest for a URL that is not to be fetched, FileUnusable for one that cannot be.

        An owner waits for turns of its own, which its `timeout` does not count.
        """
        target = _parsed(url, param)
        _asking.set(owner)
        try:
            async with self._shares.turn(owner), asyncio.timeout(self._timeout):
                response = await self._follow(target, param)
                try:
                    length = response.content_length
                    if length is not None and length > self._max_bytes:
                        raise TooLarge(
                            f"The file behind '{param}' has {exact_size(length)}; at most "
                            f"{exact_size(self._max_bytes)} are fetched.",
                            param=param,
                        )
                    yield Fetched(
                        response.headers.get("Content-Type"), _filename(response), response, self._max_bytes, param, [0]
                    )
                finally:
                    response.close()
        except TimeoutError:
            raise _unfetchable(target, param, f"it took longer than {self._timeout:g} s") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _follow(self, url: URL, param: str) -> aiohttp.ClientResponse:
        for _ in range(REDIRECTS + 1):
            response = await self._get(url, param)
            if response.status in (301, 302, 303, 307, 308) and (location := response.headers.get("Location")):
                response.close()
                url = _redirected(url, location, param)
                continue
            if response.status not in (200, 203):  # 203: a proxy on the way changed something (RFC 9110, 15.3.4)
                response.close()
                raise _unfetchable(url, param, f"HTTP {response.status}")
            return response
        raise _unfetchable(url, param, f"more than {REDIRECTS} redirects")

    async def _get(self, url: URL, param: str) -> aiohttp.ClientResponse:
        host = url.host or ""
        if _is_address(host) and host not in self._allowed and not is_public(host):
            raise _forbidden(param)
        try:
            return await self._http_session().get(url, allow_redirects=False)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error.__cause__, _NotPublic) or isinstance(getattr(error, "os_error", None), _NotPublic):
                raise _forbidden(param) from None
            raise _unfetchable(url, param, _no_answer(error)) from None

    def _http_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=_PublicResolver(self._allowed, self._names), limit=0, use_dns_cache=False
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=self._timeout),
                headers={"User-Agent": "liftgate", "Accept": "*/*", "Accept-Encoding": ACCEPTED},
                auto_decompress=False,
            )
        return self._session


def is_public(address: str) -> bool:
    """Whether an address is one of the open network: not private, loopback, link-local, multicast or reserved."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        if (inside := _address_inside(parsed)) is not None:
            return is_public(str(inside))
        if parsed.is_site_local or parsed in _DOCUMENTATION:
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _address_inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that it stands for, by whichever way between the two: mapped, 6to4, Teredo, NAT64, ISATAP."""
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64 or (int(address) >> 32) & 0xFDFFFFFF == _ISATAP:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _result(hostname: str, family: int, host: str, port: int) -> ResolveResult:
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=hostname, host=host, port=port, family=family, proto=socket.IPPROTO_TCP, flags=flags)


def _is_address(host: str) -> bool:
    # Every spelling that the system's resolver takes for an address without asking anybody: 127.1, 0x7f000001, ::1.
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return re.fullmatch(r"[0-9.]+|0[xX][0-9a-fA-F.xX]+", host) is not None
    return True


def _parsed(text: str, param: str) -> URL:
    url = _read(text) if len(text) <= LONGEST_URL else None
    if url is None:
        raise InvalidRequest(
            f"Invalid '{param}'. Expected a valid URL, of at most {LONGEST_URL} characters.",
            param=param,
            code="invalid_image_url",
        )
    if url.scheme not in ("http", "https") or not url.host or url.user or url.password:
        raise InvalidRequest(
            f"Invalid '{param}'. Expected an http or https URL without a user name.",
            param=param,
            code="invalid_image_url",
        )
    return url


def _read(text: str, base: URL | None = None) -> URL | None:
    """A URL of which every part can be read, or None; relative ones as seen from `base`.

    yarl reads the parts when they are asked for, and then raises whatever its own slips and those of `idna` raise.
    """
    try:
        url = URL(text) if base is None else base.join(URL(text))
        _ = (url.scheme, url.host, url.raw_host, url.port, url.user, url.password, url.name, url.raw_path_qs, str(url))
        _plain(url)
        return url
    except Exception:
        return None


def _plain(url: URL) -> str:
    """Without what may be secret."""
    return str(url.with_query(None).with_fragment(None))


def _redirected(url: URL, location: str, param: str) -> URL:
    target = _read(location, url)
    if target is None:
        raise _unfetchable(url, param, "a redirect to no URL")
    return _parsed(str(target), param)


def _filename(response: aiohttp.ClientResponse) -> str | None:
    """Its name by `Content-Disposition`, else the last part of the path, as far as a file can have it as its name."""
    disposition = response.content_disposition
    named = disposition.filename if disposition is not None else None
    last = (named or "").replace("\\", "/").rsplit("/", 1)[-1] or unquote(response.url.name)
    name = "".join(character for character in last if character.isprintable())
    return name[-LONGEST_NAME:] or None


def _forbidden(param: str) -> InvalidRequest:
    return InvalidRequest(
        f"Invalid '{param}'. The URL does not lead to a public address.", param=param, code="invalid_image_url"
    )


def _no_answer(error: Exception) -> str:
    """Why there is no answer from a web server, for people."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return network_reason(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = network_reason(error.os_error)
        if isinstance(error, aiohttp.ClientConnectorSSLError):
            return f"no secure connection: {reason}" if reason else "no secure connection"
        return reason or "it cannot be connected to"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, aiohttp.ClientResponseError | aiohttp.InvalidURL | ValueError):
        return "its answer is no HTTP"
    return "the connection broke before its answer"


def _unfetchable(url: URL, param: str, why: str) -> FileUnusable:
    return FileUnusable(
        f"Error while downloading {shortened(_plain(url))} ({why}).",
        param=param,
        code="invalid_image_url",
    )
