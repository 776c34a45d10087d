"""Our own address as the client of a request sees it: where it is to send the chunks of an upload.

`public_base_url` where it is set; else what a trusted proxy says that it was asked for; else the Host of the request.
Only the connection's own peer can be a trusted proxy: what a header says about peers proves nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from liftgate.server.request import Request

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
    address = request.peer
    for before in reversed(request.header(b"x-forwarded-for").split(",")):
        if not before.strip() or not is_trusted(address, trusted):
            break
        address = before.strip()
    return address


def is_trusted(peer: str, trusted: Sequence[str]) -> bool:
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
