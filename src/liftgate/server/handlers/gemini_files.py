"""`/v1beta/files`: Gemini's list, get, delete and download (docs/protocol/gemini.md, "Get, list, delete, download").

They are the same Files as OpenAI's: `files/x` is `file-x`, or a name that the owner chose. A File that is not there, or
not this owner's, is 403 in Google's sentence, which does not tell the two apart. A File here can be downloaded.
"""

from __future__ import annotations

from collections.abc import Collection

from liftgate.dialects.gemini.files import gemini_file
from liftgate.engine.pass_through import NUMBERS
from liftgate.errors import FileNotFound, InvalidRequest, shortened
from liftgate.json_types import JsonObject
from liftgate.names import gemini_resource, is_file_id
from liftgate.records import FileRecord
from liftgate.server.auditing import by_of
from liftgate.server.conditions import check_change, etag_of, may_change
from liftgate.server.handlers.content import content_of
from liftgate.server.page_tokens import token_of, words_of
from liftgate.server.request import Request
from liftgate.server.responses import Response, google_json
from liftgate.whole_numbers import whole_number

_COMMON = ("key", "alt", "prettyPrint", "$alt", "$prettyPrint", "quotaUser")
"""Parameters that every method of Google's has; all but the two `alt`, which are one, change nothing."""

DEFAULT_PAGE = 10
LARGEST_PAGE = 100


async def list_files(request: Request) -> Response:
    """Newest first. `pageSize` above 100 is 100, as Google does."""
    query = common(request, "pageSize", "pageToken", "page_size", "page_token")
    try:
        page = await request.gateway.files.list(
            request.owner,
            after=_after(query.get("pageToken") or query.get("page_token")),
            limit=page_size(query.get("pageSize") or query.get("page_size"), DEFAULT_PAGE, LARGEST_PAGE),
        )
    except FileNotFound:
        raise bad_token() from None
    body: JsonObject = {}
    if page.files:
        body["files"] = [gemini_file(file) for file in page.files]
    if page.has_more:
        body["nextPageToken"] = token_of(page.files[-1].id.encode())
    return google_json(body)


async def get_file(request: Request) -> Response:
    common(request)
    return google_json(gemini_file(await _named(request)))


async def delete_file(request: Request) -> Response:
    """`{}`, Google's Empty."""
    common(request)
    file = await _named(request)
    if not may_change(request):
        check_change(request, etag_of(file))
    try:
        await request.gateway.files.delete(request.owner, file.id, by_of(request))
    except FileNotFound:
        raise FileNotFound(request.params["name"]) from None
    return google_json({})


async def download_file(request: Request) -> Response:
    """The bytes at once, where Google redirects first; whole or a range."""
    if common(request, alts=("media", "json")).get("alt") != "media":
        raise InvalidRequest("A download needs the parameter alt=media.", param="alt")
    return await content_of(request, (await _named(request)).id)


def common(request: Request, *more: str, alts: Collection[str] = ("json",)) -> dict[str, str]:
    """The query, in which `alt` is one of `alts` where it was given, in either spelling. Raises InvalidRequest: what
    would change the answer is not passed over."""
    query = request.query(*_COMMON, *more)
    for name in ("alt", "$alt"):
        form = query.get(name, "json")
        plain = form.removesuffix(NUMBERS) if name == "$alt" else form
        if plain not in alts:
            raise InvalidRequest(f"Invalid value for the parameter '{name}': '{shortened(form)}'.", param=name)
        if name in query:
            query.setdefault("alt", plain)
    return query


def page_size(text: str | None, default: int, largest: int) -> int:
    """Raises InvalidRequest for what is no number from zero; zero is the default."""
    if text is None:
        return default
    number = whole_number(text)
    if number is None:
        raise InvalidRequest(f"Invalid value at 'page_size' (TYPE_INT32), \"{text[:40]}\"", param="pageSize")
    return min(number, largest) or default


async def _named(request: Request) -> FileRecord:
    name = request.params["name"]
    spelling = name if is_file_id(name) else gemini_resource(name)
    file = await request.gateway.files.named(request.owner, spelling)
    if file is None:
        raise FileNotFound(name)
    return file


def _after(token: str | None) -> str | None:
    if token is None:
        return None
    try:
        return words_of(token).decode()
    except ValueError:
        raise bad_token() from None


def bad_token() -> InvalidRequest:
    return InvalidRequest("Invalid value at 'page_token': it is not a token of this list.", param="pageToken")
