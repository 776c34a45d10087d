"""`/ui`: the page, whole in the package. It needs no key: it asks for one, and has nothing in it that is anybody's."""

from __future__ import annotations

import asyncio

from liftgate.errors import NotFound
from liftgate.server.asgi import Header
from liftgate.server.page_assets import Asset, assets, index
from liftgate.server.request import Request
from liftgate.server.responses import Response

SAFE: tuple[Header, ...] = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
        b"frame-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""What the page may do: run its own scripts and ask its own origin. No page frames it."""
FRESH: Header = (b"cache-control", b"no-cache")
FOR_GOOD: Header = (b"cache-control", b"public, max-age=31536000, immutable")


async def lead_to_page(request: Request) -> Response:
    """For people who type the gateway's address as it is printed."""
    return _led(b"ui")


async def show_page(request: Request) -> Response:
    slashes = len(request.raw_path) - len(request.raw_path.rstrip(b"/"))
    if slashes:
        # All that the page names is beside it.
        return _led(b"../" * slashes + b"ui")
    return _answer(request, await asyncio.to_thread(index), FRESH)


async def show_asset(request: Request) -> Response:
    found = (await asyncio.to_thread(assets)).get(request.params["name"])
    if found is None:
        raise NotFound("The page has no such file: it was updated. Load it again.")
    return _answer(request, found, FOR_GOOD)


def _led(place: bytes) -> Response:
    """`place`: from where the request is, as a proxy may have a path before ours."""
    return Response(b"", status=302, headers=[(b"location", place), FRESH])


def _answer(request: Request, asset: Asset, caching: Header) -> Response:
    headers: list[Header] = [(b"etag", asset.etag.encode()), caching, (b"vary", b"Accept-Encoding"), *SAFE]
    if asset.etag in request.header(b"if-none-match"):
        return Response(b"", status=304, headers=headers)
    headers.append((b"content-type", asset.media_type.encode()))
    if "gzip" in request.header(b"accept-encoding"):
        return Response(asset.packed, headers=[*headers, (b"content-encoding", b"gzip")])
    return Response(asset.body, headers=headers)
