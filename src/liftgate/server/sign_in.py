"""How a browser proves that it signed in: its cookie, and that the request comes from our own page.

A browser sends a cookie whoever made it ask. So it counts only where the browser says that a page of this origin asks
(`Sec-Fetch-Site`, on plain http `Origin`) and, for what changes something, with a header that no other origin may send.
A request with a key of its own is never looked at here.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict, deque
from urllib.parse import unquote, urlsplit

from liftgate.engine.sign_ins import LIFE_SECONDS, SignedIn
from liftgate.errors import AuthenticationFailed, PermissionDenied, RateLimited
from liftgate.records import Owner
from liftgate.server.asgi import Header
from liftgate.server.auth import Authenticator
from liftgate.server.origin import client_of, origin_of
from liftgate.server.request import Request

COOKIE = b"cookie"
PAGE_HEADER = b"x-liftgate-page"
OWNER_HEADER = b"x-liftgate-owner"
FAILURES = 10
WINDOW = 60.0
"""So many wrong keys from one address in so many seconds; then that address waits."""
_ADDRESSES = 4096
_READS = ("GET", "HEAD")
_VALUE = re.compile(r"[A-Za-z0-9_-]{40,64}")
_PORT = re.compile(r":(\d{1,5})$")


class SignInDesk:
    """`auth` judges keys. One for each app."""

    def __init__(self, auth: Authenticator) -> None:
        self.auth = auth
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def check_rate(self, request: Request) -> None:
        """Raises RateLimited for an address that sent too many wrong keys."""
        now = time.monotonic()
        failed = self._failed.get(client_of(request))
        while failed and now - failed[0] > WINDOW:
            failed.popleft()
        if failed and len(failed) >= FAILURES:
            raise RateLimited(
                "Too many wrong keys were tried from your address. Wait a minute, then try again.",
                retry_after=max(1.0, WINDOW - (now - failed[0])),
            )

    def note_failure(self, request: Request) -> None:
        address = client_of(request)
        failed = self._failed.setdefault(address, deque(maxlen=FAILURES))
        failed.append(time.monotonic())
        self._failed.move_to_end(address)
        if len(self._failed) > _ADDRESSES:
            self._failed.popitem(last=False)


def cookie_of(request: Request) -> str:
    """The value of our cookie; empty without one."""
    wanted = _name(request)
    # By hand: what another program of this host wrote into its cookie is no reason to lose ours, as SimpleCookie does.
    for pair in request.headers.get(COOKIE, b"").decode("latin-1").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == wanted and _VALUE.fullmatch(value):
            return value
    return ""


async def signed_in(request: Request, cookie: str) -> SignedIn:
    """Raises PermissionDenied where another page asks, AuthenticationFailed where the sign-in is over."""
    check_origin(request)
    found = await request.gateway.sign_ins.find(cookie)
    if found is None:
        raise sign_in_over()
    return found


def sign_in_over() -> AuthenticationFailed:
    """However it ended: whoever has the cookie alone learns nothing of its key."""
    return AuthenticationFailed("Your sign-in is over. Sign in again with your key.", code="sign_in_over")


def check_origin(request: Request) -> None:
    """Raises PermissionDenied unless a page of this origin asks."""
    site, origin = request.header(b"sec-fetch-site").lower(), request.header(b"origin")
    if site:
        ours = site == "same-origin"
    elif origin:
        ours = origin.lower() == own_origin(request).lower()
    else:
        # On plain http browsers say nothing of a GET; the cookie is SameSite=Strict, and no other origin reads answers.
        ours = request.method in _READS
    if not ours:
        raise PermissionDenied("A sign-in counts for the gateway's own page only. Elsewhere send a key.")
    if request.method not in _READS and request.header(PAGE_HEADER) != "1":
        raise PermissionDenied(f"With a sign-in, a {request.method} needs the header X-Liftgate-Page: 1.")


def check_owner(request: Request, owner: Owner) -> None:
    """Raises AuthenticationFailed where the page that asks is another owner's: the tabs of a browser share its cookie,
    and one that somebody else has signed in from since must not act for them."""
    shown = request.header(OWNER_HEADER)
    if shown and unquote(shown) != owner:
        raise AuthenticationFailed(
            "Somebody else has signed in with this browser meanwhile. Load the page again.", code="sign_in_over"
        )


def own_origin(request: Request) -> str:
    """`scheme://host[:port]`, without a path."""
    parts = urlsplit(origin_of(request))
    return f"{parts.scheme}://{parts.netloc}"


def set_cookie(request: Request, value: str) -> Header:
    """For this browser; an empty value takes the cookie away."""
    life = f"Max-Age={int(LIFE_SECONDS)}" if value else "Max-Age=0"
    secure = "; Secure" if _is_secure(request) else ""
    text = f"{_name(request)}={value}; Path=/; {life}; HttpOnly; SameSite=Strict{secure}"
    return (b"set-cookie", text.encode("latin-1"))


def _name(request: Request) -> str:
    """`__Host-` binds it to this host and https. Cookies know no ports, so that on plain http two gateways on one
    machine would take each other's."""
    if _is_secure(request):
        return "__Host-liftgate"
    port = _PORT.search(own_origin(request))
    return f"liftgate-{port[1] if port else 80}"


def _is_secure(request: Request) -> bool:
    return origin_of(request).startswith("https://")
