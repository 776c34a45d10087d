"""Our own address as the client of a request sees it: where it is to send the chunks of an upload.

`public_base_url` where it is set; else what a trusted proxy says that it was asked for; else the Host of the request.
Only the connection's own peer can be a trusted proxy: what a header says about peers proves nothing.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from liftgate.server.request import Request

FORWARDED = b"x-forwarded-for"
KNOWN_ADDRESSES = 4096
LONGEST_ADDRESS = 64
MOST_PROXIES = 32
"""That are followed back to the client, one behind another."""

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")


def origin_of(request: Request) -> str:
    """`scheme://host[:port]`, with the path of `public_base_url` where it has one; no slash at its end."""
    settings = request.gateway.settings.server
    if settings.public_base_url:
        return settings.public_base_url.rstrip("/")
    scheme, host = request.scheme, request.header(b"host")
    if is_trusted(request.peer, settings.trusted_proxies):
        # Of several proxies the first one wrote what the client asked for.
        scheme = _first(request.header(b"x-forwarded-proto")).lower() or scheme
        host = _first(request.header(b"x-forwarded-host")) or host
    if scheme not in ("http", "https"):
        scheme = "http"
    if not _HOST.fullmatch(host):
        ours = settings.host
        host = f"[{ours}]:{settings.port}" if ":" in ours and not ours.startswith("[") else f"{ours}:{settings.port}"
    return f"{scheme}://{host}"


def client_of(request: Request) -> str:
    """The address that asks: the connection's peer, and behind trusted proxies the last one that none of them is."""
    trusted = request.gateway.settings.server.trusted_proxies
    return client_behind(request.peer, request.headers.get(FORWARDED), trusted)


def client_behind(peer: str, forwarded: bytes | None, trusted: tuple[str, ...]) -> str:
    """The same, of the parts that say it. `forwarded`: the value of the header FORWARDED."""
    address = whole_address(peer) or peer
    if forwarded is None:
        return address
    for said in reversed(forwarded.decode("latin-1").rsplit(",", MOST_PROXIES)):
        if not is_trusted(address, trusted) or not (before := whole_address(said.strip())):
            break
        address = before
    return address


def address_prefix(address: str) -> str:
    """Its network's: of IPv4 the first 24 bits, of IPv6 48, the others are 0. Empty where it is no address."""
    return _prefix(address) if len(address) <= LONGEST_ADDRESS else ""


def whole_address(text: str) -> str:
    """The address alone: proxies write ports and zones too. Empty where it is none."""
    return _plain(text) if len(text) <= LONGEST_ADDRESS else ""


@lru_cache(KNOWN_ADDRESSES)
def _plain(text: str) -> str:
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    # A socket for both kinds has the addresses of IPv4 in this form.
    return str((address.version == 6 and address.ipv4_mapped) or address)


@lru_cache(KNOWN_ADDRESSES)
def _prefix(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    bits = 24
    if address.version == 6:
        # The 32 bits behind the first 16 of 6to4 are an address of IPv4.
        bits = 48 if address.sixtofour is None else 40
    return str(ipaddress.ip_network((address, bits), strict=False).network_address)


@lru_cache(KNOWN_ADDRESSES)
def is_trusted(peer: str, trusted: tuple[str, ...]) -> bool:
    """Whether `peer` is one of these addresses, in one of these networks (`10.0.0.0/8`), or `*` is among them."""
    if "*" in trusted:
        return True
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network, strict=False) for network in trusted)


def _first(values: str) -> str:
    return values.split(",", 1)[0].strip()
