"""`/v1beta/models`: Gemini's methods of a model, streamed and not, and its list of models (docs/protocol/gemini.md,
"Requests", "Streams")."""

from __future__ import annotations

import re

from liftgate.ask.model_facts import facts_for
from liftgate.engine.models import ServedModel
from liftgate.engine.operations import methods_of
from liftgate.engine.pass_through import METHODS, NUMBERS, STREAM, GeminiRequest
from liftgate.errors import ModelNotFound
from liftgate.json_types import JsonObject
from liftgate.names import gemini_model, has_collection
from liftgate.server.bodies import without_mark
from liftgate.server.handlers.gemini_files import bad_token, common, page_size
from liftgate.server.handlers.generate import PATIENCE
from liftgate.server.large_answers import LargeResponse
from liftgate.server.origin import origin_of
from liftgate.server.page_tokens import token_of, words_of
from liftgate.server.request import Request
from liftgate.server.responses import JSON_UTF8, Response, StreamedResponse, google_json
from liftgate.server.unserved import route_not_found
from liftgate.whole_numbers import whole_number

DEFAULT_PAGE = 50
LARGEST_PAGE = 1000
TIER = b"x-gemini-service-tier"
_WORD = re.compile(r"[\w-]{1,64}", re.ASCII)
_VERSION = re.compile(r"-(\d+(?:\.\d+)?)(?:-|$)")


async def call_method(request: Request) -> Response:
    """A client that goes away ends the call at Gemini. Gemini's bytes are passed on as they are."""
    method = request.params["method"]
    if method not in METHODS and method != STREAM:
        raise route_not_found(request.method, request.path)
    query = common(request, alts=("json", "sse") if method == STREAM else ("json",))
    alt = query.get("alt", "json")
    passing = request.gateway.pass_through
    wanted = GeminiRequest(
        owner=request.owner,
        model=request.params["model"],
        body=without_mark(await request.body(request.gateway.settings.limits.max_body_bytes)),
        origin=origin_of(request),
        timeout=_timeout(request.header(b"x-server-timeout")),
    )
    numbers = query.get("$alt", "").endswith(NUMBERS)
    with request.while_connected(PATIENCE):
        if method != STREAM:
            answer = await passing.call(wanted, method, enum_numbers=numbers)
            tier = [(TIER, answer.tier.encode())] if answer.tier and _WORD.fullmatch(answer.tier) else []
            if isinstance(answer.body, bytearray):
                return LargeResponse(answer.body, headers=[JSON_UTF8, *tier])
            return Response(answer.body, headers=[JSON_UTF8, *tier])
        stream = await passing.stream(wanted, events=alt == "sse", enum_numbers=numbers)
    request.let_go()
    content_type = (b"content-type", b"text/event-stream") if alt == "sse" else JSON_UTF8
    headers = [content_type, (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
    return StreamedResponse(aiter(stream), stream.aclose, headers=headers, in_band=stream.in_band)


async def list_models(request: Request) -> Response:
    query = common(request, "pageSize", "pageToken", "page_size", "page_token")
    size = page_size(query.get("pageSize") or query.get("page_size"), DEFAULT_PAGE, LARGEST_PAGE)
    start = _position(query.get("pageToken") or query.get("page_token"))
    with request.while_connected(PATIENCE):
        listed = await request.gateway.models.list()
    body: JsonObject = {"models": [_model(model) for model in listed[start : start + size]]}
    if start + size < len(listed):
        body["nextPageToken"] = token_of(b"%d" % (start + size))
    return google_json(body)


async def get_model(request: Request) -> Response:
    common(request)
    name, models = request.params["model"], request.gateway.models
    # A wildcard takes Google's resource name for the model's; here it stands in the path already.
    if has_collection(name) and not models.is_named(name):
        raise ModelNotFound(name)
    with request.while_connected(PATIENCE):
        return google_json(_model(await models.retrieve(name)))


def _model(model: ServedModel) -> JsonObject:
    """Google's own Model under its public name; where Google was not asked, what the table of models knows of it."""
    if model.google is not None:
        return {**model.google, "name": gemini_model(model.name)}
    upstream = model.upstream.rsplit("/", 1)[-1]
    version = _VERSION.search(upstream)
    facts = facts_for(upstream)
    embeds = "embedding" in upstream
    limits = {} if embeds else {"inputTokenLimit": facts.input_tokens, "outputTokenLimit": facts.output_tokens}
    return {
        "name": gemini_model(model.name),
        "version": version[1] if version else "001",
        "displayName": model.name,
        "description": f"{upstream} through Liftgate",
        **{name: limit for name, limit in limits.items() if limit is not None},
        "supportedGenerationMethods": list(methods_of(upstream)),
        "thinking": not embeds and facts.thinking != "none",
    }


def _position(token: str | None) -> int:
    if token is None:
        return 0
    try:
        position = whole_number(words_of(token).decode("ascii"))
    except ValueError:
        position = None
    if position is None:
        raise bad_token()
    return position


def _timeout(value: str) -> float | None:
    """`X-Server-Timeout`, which the Google SDKs send, in seconds."""
    return float(value) if re.fullmatch(r"\d{1,6}(\.\d{1,6})?", value, re.ASCII) else None
