"""What is held for a request is at least what it came to: every recorded one of texts, at a budget of nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from evidence import evidence, needs_recordings
from gateways import SandboxServer, deployments, gateway_server, settings_for
from key_calls import make
from raw_http import call
from test_recorded_prices import dollars_per_million, usages

MEDIA = re.compile(r'"(inline_?|file_?)data"', re.IGNORECASE)
METHODS = ("generateContent", "streamGenerateContent")


@pytest.fixture(scope="module")
def everything(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gateway that serves each model by its own name."""
    [one] = deployments(sandbox.url)
    settings = settings_for(sandbox, tmp_path_factory.mktemp("recorded"))
    with gateway_server(replace(settings, deployments=(replace(one, model_name="*", model="*"),))) as url:
        yield url


def recorded() -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    """(file, model, request, usage) of what needs no count: text, and tools."""
    for path in sorted(evidence("recordings").glob("*.json")):
        recording = json.loads(path.read_text())
        model, _, method = recording["request"]["path"].partition("/models/")[2].partition("?")[0].partition(":")
        body, found = recording["request"].get("body"), [*usages(recording.get("response"))]
        if method in METHODS and isinstance(body, dict) and found and not MEDIA.search(json.dumps(body)):
            yield path.name, model, body, found[-1][1]


@needs_recordings
def test_no_recorded_request_came_to_more_than_is_held_for_it(everything: str) -> None:
    published = json.loads(evidence("gemini-prices.json").read_text())
    key = make(everything, max_budget=0)["key"]
    compared, with_tools, dearer = 0, 0, []
    for name, model, body, usage in recorded():
        price = published.get(model, {}).get("price")
        if price is None or any(body.get(each) for each in ("cachedContent", "cached_content")):
            continue
        # As many tokens of output as it had, so that the room of no more than those hides nothing.
        made = usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
        config = body.get("generationConfig") or body.get("generation_config") or {}
        asked = {name: value for name, value in body.items() if name != "generation_config"}
        asked["generationConfig"] = {**config, "maxOutputTokens": max(1, made)}
        written = json.dumps(asked, separators=(",", ":"), ensure_ascii=False).encode()
        answer = call(everything, "POST", f"/v1beta/models/{model}:generateContent", written, {"x-goog-api-key": key})
        error = answer.json()["error"]
        if answer.status == 400 and "not supported here" in error["message"]:
            continue
        told = re.search(r"can cost up to \$([\d,.]+\d)", error["message"])
        assert told is not None, (name, error)
        compared += 1
        with_tools += bool(body.get("tools"))
        # What came from a cache might not have.
        uncached = {name: value for name, value in usage.items() if not name.startswith("cache")}
        came_to = float(dollars_per_million(price, uncached)) / 1e6
        if float(told[1].replace(",", "")) < came_to:
            dearer.append((name, told[1], came_to))
    assert not dearer
    assert compared > 250 and with_tools > 100
