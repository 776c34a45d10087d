"""What a request can come to, before Google is asked: tokens and nano-dollars, as upper bounds.

Text has at most as many tokens as bytes. What files and inline media come to is counted by Google, once for each of
them as it is asked about (its part of the request, with the settings that change its count), and remembered. The output
is what the request allows, or what the model can give.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from liftgate.ask.question import count_body
from liftgate.clock import Clock
from liftgate.engine.pricing import LONGEST_OUTPUT, Pricing
from liftgate.gemini.client import GeminiClient
from liftgate.gemini_json import LARGE
from liftgate.json_types import JsonObject
from liftgate.large_bodies import Body
from liftgate.prices import TEXT, counts_of_gemini
from liftgate.rates import model_entry
from liftgate.records import Deployment

COUNT_SECONDS = 60.0
COUNTED_PARTS = 50_000
"""Parts whose count is remembered."""
LONGEST_INPUT = 2_097_152
LIKELY_OUTPUT = 4096
"""Tokens that count against a rate until the answer is there, where a request does not say how many it allows."""
GOOGLES_TOOLS = frozenset({"urlContext", "url_context", "codeExecution", "code_execution", "fileSearch", "file_search"})
"""Tools whose results become input, as much as the model takes."""
_MEDIA = ("inlineData", "inline_data", "fileData", "file_data")
_MEDIA_SIGNS = (b'Data"', b'_data"')
_CACHED = ("cachedContent", "cached_content")

ByModality = Mapping[str, int]
_encode = msgspec.json.Encoder(order="deterministic").encode


class Estimate(msgspec.Struct, frozen=True):
    """`nanos`: None where something has no price. `tokens`: what counts against a rate until the answer is there."""

    nanos: int | None
    tokens: int


class Estimates:
    def __init__(self, client: GeminiClient, clock: Clock, pricing: Pricing) -> None:
        self._client = client
        self._clock = clock
        self._pricing = pricing
        self._counted: OrderedDict[bytes, ByModality] = OrderedDict()

    async def of(self, deployment: Deployment, body: Body) -> Estimate:
        """`body`: of a request for content, as it goes to `deployment`. Raises what Google's count does."""
        large = len(body) >= LARGE
        asked = await asyncio.to_thread(_read, body) if large else _read(body)
        if not isinstance(asked, dict):
            # Google refuses it.
            return Estimate(0, 0)
        media, prompt = list[JsonObject](), {TEXT: len(body)}
        if any(sign in body for sign in _MEDIA_SIGNS):
            media = await asyncio.to_thread(_parts, asked) if large else _parts(asked)
            prompt[TEXT] -= sum(map(_weight, media))
        if any(asked.get(name) for name in _CACHED):
            prompt = dict(await self._count(deployment, count_body(_countable(asked), deployment.model)))
        elif media:
            for counted in await self._of_parts(deployment, media, _resolution(asked)):
                for modality, count in counted.items():
                    prompt[modality] = prompt.get(modality, 0) + count
        if any(not GOOGLES_TOOLS.isdisjoint(tool) for tool in asked.get("tools") or () if isinstance(tool, dict)):
            limits = (model_entry(deployment.model) or {}).get("limits", {})
            prompt[TEXT] = prompt.get(TEXT, 0) + (limits.get("input") or LONGEST_INPUT)
        return self._estimate(deployment, asked, prompt)

    async def count(self, deployment: Deployment, body: Body) -> ByModality:
        """The tokens of `body` as Google counts them. Raises what the count does."""
        asked = await asyncio.to_thread(_read, body) if len(body) >= LARGE else _read(body)
        asked = asked if isinstance(asked, dict) else {}
        return await self._count(deployment, count_body(_countable(asked), deployment.model))

    def _estimate(self, deployment: Deployment, asked: JsonObject, prompt: Mapping[str, int]) -> Estimate:
        config = asked.get("generationConfig") or asked.get("generation_config")
        config = config if isinstance(config, dict) else {}
        output = _positive(config, "maxOutputTokens", "max_output_tokens")
        candidates = _positive(config, "candidateCount", "candidate_count") or 1
        tier = str(asked.get("serviceTier") or asked.get("service_tier") or "").lower()
        nanos = self._pricing.at_most(
            [deployment],
            prompt,
            output,
            at=self._clock.now(),
            # Google serves in a cheaper one, or in the standard one, where it is asked for a cheaper one.
            tier="priority" if tier.endswith("priority") else "standard",
            candidates=candidates,
        )
        # Few texts have a token in less than two bytes; what it came to is counted afterwards.
        tokens = prompt.get(TEXT, 0) // 2 + sum(count for kind, count in prompt.items() if kind != TEXT)
        return Estimate(nanos, tokens + candidates * min(output or LIKELY_OUTPUT, LONGEST_OUTPUT))

    async def _of_parts(self, deployment: Deployment, media: list[JsonObject], resolution: object) -> list[ByModality]:
        """Each one's tokens, in order; those that are not known are counted at the same time."""
        names = [_name(deployment.model, part, resolution) for part in media]
        unknown = {name: part for name, part in zip(names, media, strict=True) if name not in self._counted}
        if unknown:
            tasks = [
                asyncio.get_running_loop().create_task(self._count_part(deployment, name, part, resolution))
                for name, part in unknown.items()
            ]
            try:
                for task in tasks:
                    await task
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        return [self._counted.get(name, {}) for name in names]

    async def _count_part(self, deployment: Deployment, name: bytes, part: JsonObject, resolution: object) -> None:
        alone: JsonObject = {"contents": [{"role": "user", "parts": [part]}]}
        if resolution is not None:
            alone["generationConfig"] = {"mediaResolution": resolution}
        self._counted[name] = await self._count(deployment, count_body(alone, deployment.model))
        if len(self._counted) > COUNTED_PARTS:
            self._counted.popitem(last=False)

    async def _count(self, deployment: Deployment, body: JsonObject) -> ByModality:
        raw = await self._client.call(deployment, "countTokens", _encode(body), timeout=COUNT_SECONDS)
        told = _read(raw)
        told = told if isinstance(told, dict) else {}
        return counts_of_gemini(
            {"promptTokenCount": told.get("totalTokens"), "promptTokensDetails": told.get("promptTokensDetails") or ()}
        ).prompt


def _read(body: Body) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _parts(asked: JsonObject) -> list[JsonObject]:
    """All parts with media, those inside the answers of functions and the system's words too."""
    return list(_media(asked))


def _media(asked: JsonObject) -> Iterator[JsonObject]:
    waiting: list[Any] = [asked]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            if any(isinstance(value.get(name), dict) for name in _MEDIA):
                yield value
            else:
                waiting += value.values()


def _weight(part: JsonObject) -> int:
    """Bytes of its data, which are no text."""
    return sum(len(str((part.get(name) or {}).get("data") or "")) for name in ("inlineData", "inline_data"))


def _name(model: str, part: JsonObject, resolution: object) -> bytes:
    return hashlib.sha256(_encode([model, part, resolution])).digest()


def _resolution(asked: JsonObject) -> object:
    config = asked.get("generationConfig") or asked.get("generation_config")
    return (config.get("mediaResolution") or config.get("media_resolution")) if isinstance(config, dict) else None


def _countable(asked: JsonObject) -> JsonObject:
    """Without what a count does not take."""
    return {name: value for name, value in asked.items() if name not in ("serviceTier", "service_tier")}


def _positive(config: JsonObject, *names: str) -> int | None:
    value = next((config[name] for name in names if name in config), None)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
