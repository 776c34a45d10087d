"""Without a key, this machine alone may ask: not what a web page of somebody else's makes a browser here send.

A browser stands behind loopback's wall. A page whose name was pointed at 127.0.0.1 (DNS rebinding) is same-origin
with the gateway, so the Host is looked at; any page can send requests without reading the answers, so Origin and Sec-
Fetch-Site are; and a proxy on this machine says in X-Forwarded-* or Forwarded that somebody else is asking. Every
route is behind this, the health routes too: a page must not find out what runs here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from liftgate.errors import PermissionDenied
from liftgate.server.request import Request
from liftgate.settings.origins import Origins

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]@/?#\\\s]+)(?::\d{0,5})?")
_FORWARDED = re.compile(r"(?i)(?:^|[;,\s])(for|host)\s*=\s*(\"[^\"]*\"|[^;,\s]*)")
_PROXIED = (
    *(b"x-forwarded-host", b"x-forwarded-for", b"x-real-ip", b"x-original-host", b"x-original-forwarded-for"),
    *(b"x-client-ip", b"x-cluster-client-ip", b"true-client-ip", b"cf-connecting-ip", b"fastly-client-ip"),
)
_PROXYS = frozenset({*_PROXIED, b"forwarded"})
_KNOWN_HOSTS = 64
_LONGEST_SHOWN = 80

_REMEDY = (
    "This gateway has no key, so it answers this machine only. Ask it at http://127.0.0.1, or give it a key "
    "(LIFTGATE_MASTER_KEY or general_settings.master_key)."
)


class LocalOnly:
    """`origins`: `cors_origins`, whose pages may ask all the same."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = Origins(origins)
        self._hosts: set[bytes] = set()

    def check(self, request: Request) -> None:
        """Raises PermissionDenied for what did not come from this machine's own programs and pages."""
        headers = request.headers
        host = headers.get(b"host")
        if host is not None and host not in self._hosts:
            if not _is_local_host(host.decode("latin-1").strip()):
                raise PermissionDenied(f"The host {_shown(host)} is not this machine's own name. {_REMEDY}")
            if len(self._hosts) < _KNOWN_HOSTS:
                self._hosts.add(host)
        origin = headers.get(b"origin")
        if origin is not None:
            if not self._may_ask(origin.decode("latin-1").strip()):
                raise PermissionDenied(
                    f"A page of {_shown(origin)} may not ask here unless cors_origins names it. {_REMEDY}"
                )
        elif headers.get(b"sec-fetch-site", b"").strip().lower() == b"cross-site":
            raise PermissionDenied(f"A page of another site may not ask here. {_REMEDY}")
        if not _PROXYS.isdisjoint(headers) and (stranger := _forwarded_for(headers)):
            raise PermissionDenied(f"A proxy passed this on for {_shown(stranger)}. {_REMEDY}")

    def _may_ask(self, origin: str) -> bool:
        if origin in self._origins:
            return True
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and _is_local_host(parts.netloc)


def _is_local_host(text: str) -> bool:
    """Whether `host[:port]` is a loopback name or address. The unspecified address (`0.0.0.0`), which clients use for
    the address that a server prints, reaches this machine only too, and no name can be pointed at it from outside."""
    found = _HOST.fullmatch(text)
    return found is not None and _is_local(found[1])


def _is_local(host: str) -> bool:
    name = host.strip("[]").lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return address.is_loopback or address.is_unspecified


def _forwarded_for(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The first host or address in a proxy's headers that is not this machine's; None where there is none."""
    for name in _PROXIED:
        for value in headers.get(name, b"").split(b","):
            text = value.decode("latin-1").strip()
            if text and not _is_local_host(text) and not _is_local(text):
                return value.strip()
    for _, value in _FORWARDED.findall(headers.get(b"forwarded", b"").decode("latin-1")):
        stranger: str = value.strip('"')
        if stranger and not _is_local_host(stranger):
            return stranger.encode("latin-1")
    return None


def _shown(value: bytes) -> str:
    return ascii(value[:_LONGEST_SHOWN].decode("latin-1"))
