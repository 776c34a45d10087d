"""LiteLLM's `/spend/calculate`: what the prompt of a chat will cost, or what a chat's answer did."""

from __future__ import annotations

from liftgate.dialects.chat.dialect import CHAT
from liftgate.engine.pricing import Paid
from liftgate.errors import InvalidRequest, MissingParameter, shortened
from liftgate.json_types import JsonMapping, JsonObject
from liftgate.large_bodies import LARGE
from liftgate.prices import TokenCounts, counts_of_openai
from liftgate.server.handlers.generate import PATIENCE
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response
from liftgate.whole_numbers import LARGEST, as_whole

USAGE = "completion_response.usage"
DETAILS = ("prompt_tokens_details", "completion_tokens_details")
OF_CHAT = {
    "input_tokens": "prompt_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens": "completion_tokens",
    "output_tokens_details": "completion_tokens_details",
}
DEARER_OR_CHEAPER = ("flex", "priority")
"""Tiers that have prices of their own."""


async def calculate(request: Request) -> Response:
    """By `model` and `messages`, before it is asked: Google counts the prompt, files included. By
    `completion_response`, afterwards: from the tokens that it names, on the day on which it was made."""
    request.query("key")
    body = await request.json_object()
    answer = body.pop("completion_response", None)
    if body.get("messages") is not None:
        return await _of_prompt(request, body)
    if answer is None:
        raise MissingParameter("messages" if body.get("model") else "completion_response")
    if not isinstance(answer, dict):
        raise InvalidRequest("'completion_response' is an object.", param="completion_response", code="invalid_type")
    return _of_answer(request, {"model": body.get("model"), **answer})


async def _of_prompt(request: Request, body: JsonObject) -> Response:
    gateway = request.gateway
    with request.while_connected(PATIENCE):
        counted = await gateway.generate.count(CHAT, request.owner, body, large=request.held >= LARGE)
        paid = Paid(counted.deployment, counted.model, tier=_tier(body))
        return _cost(request, body["model"], paid, TokenCounts(counted.prompt), gateway.clock.now())


def _of_answer(request: Request, answer: JsonMapping) -> Response:
    model, usage = answer["model"], answer.get("usage")
    if not isinstance(model, str):
        raise MissingParameter("model")
    if not isinstance(usage, dict):
        raise MissingParameter("completion_response.usage")
    deployment = request.gateway.models.deployment(model)
    paid = Paid(deployment.id, deployment.model, tier=_tier(answer))
    now, made = request.gateway.clock.now(), answer.get("created")
    at = made if type(made) is int and 0 < made < now else now
    return _cost(request, model, paid, counts_of_openai(_counts(usage)), at)


def _counts(usage: JsonMapping) -> JsonObject:
    """A chat's usage; of a Response's and a Message's, too, which name it otherwise. Raises InvalidRequest for what is
    no count: a part is never taken for the whole."""
    is_chats = "prompt_tokens" in usage or "input_tokens" not in usage
    named = usage if is_chats else {OF_CHAT.get(name, name): value for name, value in usage.items()}
    found = _wholes(named, USAGE)
    for name in DETAILS:
        details = named.get(name) or {}
        if not isinstance(details, dict):
            raise InvalidRequest(f"'{name}' is an object.", param=f"{USAGE}.{name}")
        found[name] = _wholes(details, f"{USAGE}.{name}")
    if "prompt_tokens" not in found:
        raise MissingParameter(f"{USAGE}.prompt_tokens")
    if not is_chats and (read := found.get("cache_read_input_tokens")):
        # A Message's stand beside its input.
        found["prompt_tokens"] += read
        found[DETAILS[0]]["cached_tokens"] = read
    return found


def _wholes(counts: JsonMapping, where: str) -> JsonObject:
    found = {name: as_whole(value) for name, value in counts.items() if name.endswith("_tokens") and value is not None}
    for name, value in found.items():
        if type(value) is not int or not 0 <= value <= LARGEST:
            param = f"{where}.{shortened(name)}"
            raise InvalidRequest(f"'{param}' is a whole number of tokens.", param=param, code="invalid_type")
    return found


def _tier(fields: JsonMapping) -> str:
    tier = fields.get("service_tier")
    return tier if isinstance(tier, str) and tier in DEARER_OR_CHEAPER else "standard"


def _cost(request: Request, model: str, paid: Paid, tokens: TokenCounts, at: float) -> Response:
    nanos = request.gateway.pricing.cost(paid, tokens, at)
    if nanos is None:
        raise InvalidRequest(
            f"The model '{model}' has no price here. `input_cost_per_token` and its like, in its entry of model_list, "
            "give it one.",
            param="model",
            code="no_price",
        )
    return json_response({"cost": nanos / 1e9})
