"""What a request can come to, before Google is asked: tokens and nano-dollars, as upper bounds.

Text has at most as many tokens as bytes. What files and inline media come to is counted by Google, once for each of
them as it is asked about (its part of the request, with the settings that change its count), and remembered. The output
is what the request allows, or what the model can give.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import msgspec

from liftgate.ask.question import count_body
from liftgate.clock import Clock
from liftgate.days import DAY
from liftgate.deployments import Deployment
from liftgate.engine.part_counts import Blobs, ByModality, PartCounts, read_json
from liftgate.engine.pricing import LONGEST_OUTPUT, Pricing
from liftgate.json_types import JsonObject
from liftgate.large_bodies import LARGE, Body, contains
from liftgate.prices import TEXT
from liftgate.rates import model_entry

LONGEST_INPUT = 2_097_152
ROUNDED = 64
KNOWN = 4096
"""Bounds of texts that are remembered, by their length in so many bytes."""
LIKELY_OUTPUT = 4096
"""Tokens that count against a rate until the answer is there, where a request does not say how many it allows."""
FUNCTIONS = frozenset({"functionDeclarations", "function_declarations"})
SEARCHES = frozenset(
    {
        *("googleSearch", "google_search", "googleSearchRetrieval", "google_search_retrieval"),
        *("googleMaps", "google_maps", "computerUse", "computer_use"),
    }
)
"""Tools of Google's of which little becomes input: their description, and what was looked for."""
SEARCHED = 8192
"""Tokens of input that such a tool brings at most; the most that was recorded is 319."""
OF_TEXT = frozenset({"contents", "systemInstruction", "generationConfig", "safetySettings"})
"""What a request has, as this gateway writes it, that can come to no more than its text."""
NO_CONFIG: JsonObject = {}
_MEDIA = ("inlineData", "inline_data", "fileData", "file_data")
_MEDIA_SIGNS = (b'Data"', b'_data"')
_ESCAPED = b"\\u00"
"""How a letter of a name can be written too: then no name has to look like itself."""
_CACHED = ("cachedContent", "cached_content")
_CONFIGS = ("generationConfig", "generation_config")
_TIERS = ("serviceTier", "service_tier")
MOST_CANDIDATES = 8
"""Google refuses more."""

_encode = msgspec.json.Encoder(order="deterministic").encode
_UNPLAIN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Estimate(msgspec.Struct, frozen=True):
    """`nanos`: None where something has no price. `tokens`: what counts against a rate until the answer is there."""

    nanos: int | None
    tokens: int


class Config(msgspec.Struct, frozen=True):
    """What a request says of its output."""

    output: Positive | None = msgspec.field(name="maxOutputTokens", default=None)
    candidates: Positive = msgspec.field(name="candidateCount", default=1)


AS_ASKED = Config()


class _Plain(msgspec.Struct, frozen=True):
    """A request as this gateway writes it; one that is written in another way is read as a whole."""

    config: Config = msgspec.field(name="generationConfig", default=AS_ASKED)
    config_too: msgspec.Raw | None = msgspec.field(name="generation_config", default=None)
    tools: msgspec.Raw | None = None
    cached: msgspec.Raw | None = msgspec.field(name="cachedContent", default=None)
    cached_too: msgspec.Raw | None = msgspec.field(name="cached_content", default=None)
    tier: str | None = msgspec.field(name="serviceTier", default=None)
    tier_too: msgspec.Raw | None = msgspec.field(name="service_tier", default=None)


class Estimates:
    def __init__(self, counts: PartCounts, clock: Clock, pricing: Pricing) -> None:
        self._counts = counts
        self._clock = clock
        self._pricing = pricing
        self._until = 0.0
        self._known: dict[tuple[object, ...], Estimate] = {}

    async def estimate(self, deployment: Deployment, body: Body, blobs: Blobs) -> Estimate:
        """`body`: of a request for content, as it goes to `deployment`. Raises what Google's count does."""
        return self.known(deployment, body) or await self._of_all(deployment, body, blobs)

    def known(self, deployment: Deployment, body: Body, asked: JsonObject | None = None) -> Estimate | None:
        """Of texts, which need no count; None for what has to be read as a whole. `asked`: what was written as `body`,
        where that is at hand."""
        length = len(body)
        if length >= LARGE:
            return None
        if asked is None:
            if _ESCAPED in body or any(sign in body for sign in _MEDIA_SIGNS):
                return None
        # As it is written here, a name has nothing between itself and its colon: one look for both names is enough.
        elif body.find(b'ata":') >= 0 and any(sign in body for sign in _MEDIA_SIGNS):
            return None
        elif OF_TEXT.issuperset(asked):
            config = asked.get("generationConfig") or NO_CONFIG
            output, candidates = config.get("maxOutputTokens"), config.get("candidateCount", 1)
            if "candidate_count" not in config and (output is None or type(output) is int) and type(candidates) is int:
                return self._of_text(deployment, length, output, candidates, None)
        if b'candidate_count"' in body:
            return None
        try:
            plain = _decode_plain(body)
        except _UNPLAIN:
            return None
        if plain.tools or plain.cached or plain.config_too or plain.cached_too or plain.tier_too:
            return None
        return self._of_text(deployment, len(body), plain.config.output, plain.config.candidates, plain.tier)

    def _of_text(
        self, deployment: Deployment, length: int, output: int | None, candidates: int, tier: str | None
    ) -> Estimate | None:
        """Of texts the kind and the length alone matter: rounded up, few of them are to be computed."""
        size = -(-length // ROUNDED)
        asked = (deployment.id, deployment.model, size, output, candidates, tier)
        if self._clock.now() >= self._until:
            self._known.clear()
            self._until = (self._clock.now() // DAY + 1) * DAY
        if (estimate := self._known.get(asked)) is not None:
            return estimate
        if candidates < 1 or (output is not None and output < 1):
            return None
        if len(self._known) >= KNOWN:
            self._known.clear()
        prompt = {TEXT: size * ROUNDED}
        estimate = self._known[asked] = self._estimate(deployment, Config(output, candidates), tier, prompt)
        return estimate

    async def _of_all(self, deployment: Deployment, body: Body, blobs: Blobs) -> Estimate:
        large = len(body) >= LARGE
        asked, media = await asyncio.to_thread(_look, body) if large else _look(body)
        if not isinstance(asked, dict):
            # Google refuses it.
            return Estimate(0, 0)
        prompt = {TEXT: len(body) - sum(map(_weight, media))}
        if any(asked.get(name) for name in _CACHED):
            counted = await self._counts.count(deployment, count_body(_countable(asked), deployment.model), large=large)
            prompt = dict(counted)
        elif media:
            for counted in await self._counts.count_each(deployment, media, _resolution(asked), blobs, large=large):
                for modality, count in counted.items():
                    prompt[modality] = prompt.get(modality, 0) + count
        brought = _brought_by_tools(asked.get("tools"), deployment.model)
        tier = next((asked[name] for name in _TIERS if _is_dear(asked.get(name))), None)
        return self._estimate(deployment, _config(asked), tier, prompt, brought)

    async def count(self, deployment: Deployment, body: Body) -> ByModality:
        """The tokens of `body` as Google counts them. Raises what the count does."""
        large = len(body) >= LARGE
        asked = await asyncio.to_thread(read_json, body) if large else read_json(body)
        asked = asked if isinstance(asked, dict) else {}
        return await self._counts.count(deployment, count_body(_countable(asked), deployment.model), large=large)

    def _estimate(
        self, deployment: Deployment, config: Config, tier: object, prompt: Mapping[str, int], brought: int = 0
    ) -> Estimate:
        """`brought`: tokens that Google's tools may bring into the prompt."""
        text = prompt.get(TEXT, 0)
        nanos = self._pricing.at_most(
            [deployment],
            {**prompt, TEXT: text + brought} if brought else prompt,
            config.output,
            at=self._clock.now(),
            # Google serves in a cheaper one, or in the standard one, where it is asked for a cheaper one.
            tier="priority" if _is_dear(tier) else "standard",
            candidates=config.candidates,
        )
        # Few texts have a token in less than two bytes, and few tools bring as much as they may; what it came to is
        # counted afterwards.
        tokens = (text + min(brought, SEARCHED)) // 2 + sum(count for kind, count in prompt.items() if kind != TEXT)
        output = 0 if "embedding" in deployment.model else min(config.output or LIKELY_OUTPUT, LONGEST_OUTPUT)
        return Estimate(nanos, tokens + config.candidates * output)


_decode_plain = msgspec.json.Decoder(_Plain).decode


def _look(body: Body) -> tuple[Any, list[JsonObject]]:
    """What is asked, and all parts of it with media, those inside the answers of functions and the system's words
    too."""
    asked = read_json(body)
    signs = (*_MEDIA_SIGNS, _ESCAPED)
    has_media = isinstance(asked, dict) and any(contains(body, sign) for sign in signs)
    return asked, list(_media(asked)) if has_media else []


def _media(asked: JsonObject) -> Iterator[JsonObject]:
    waiting: list[object] = [asked]
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
    found = [part.get(name) for name in ("inlineData", "inline_data")]
    data = [each.get("data") for each in found if isinstance(each, dict)]
    return sum(len(each) for each in data if isinstance(each, str))


def _brought_by_tools(tools: object, model: str) -> int:
    """Tokens of input that Google's own tools bring at most. What others than `SEARCHES` do becomes input, as much as
    the model takes."""
    each = tools if isinstance(tools, list) else [tools]
    used = {name for tool in each if isinstance(tool, dict) for name, value in tool.items() if value is not None}
    used -= FUNCTIONS
    if used - SEARCHES:
        return (model_entry(model) or {}).get("limits", {}).get("input") or LONGEST_INPUT
    return SEARCHED * len(used)


def _is_dear(tier: object) -> bool:
    """Whether Google may serve it in its dearest tier, whose number says it too."""
    return tier.lower().endswith("priority") if isinstance(tier, str) else bool(tier)


def _configs(asked: JsonObject) -> list[JsonObject]:
    return [config for name in _CONFIGS if isinstance(config := asked.get(name), dict)]


def _resolution(asked: JsonObject) -> object:
    found = (config.get("mediaResolution") or config.get("media_resolution") for config in _configs(asked))
    return next(filter(None, found), None)


def _countable(asked: JsonObject) -> JsonObject:
    """Without what a count does not take."""
    return {name: value for name, value in asked.items() if name not in _TIERS}


def _config(asked: JsonObject) -> Config:
    """The most that a request can mean, however it is spelled: what Google cannot read either is refused there."""
    configs = _configs(asked)
    outputs = _wholes(configs, "maxOutputTokens", "max_output_tokens")
    candidates = _wholes(configs, "candidateCount", "candidate_count")
    output = None if None in outputs else max(filter(None, outputs), default=0)
    most = MOST_CANDIDATES if None in candidates else max(filter(None, candidates), default=1)
    return Config(output if output and output > 0 else None, max(1, most))


def _wholes(configs: Sequence[JsonObject], *names: str) -> list[int | None]:
    """None for what is no whole number."""
    return [_whole(value) for config in configs for name in names if (value := config.get(name)) is not None]


def _whole(value: object) -> int | None:
    """As protobuf's JSON has whole numbers: in a text, and with a fraction of 0, too."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value == int(value) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
