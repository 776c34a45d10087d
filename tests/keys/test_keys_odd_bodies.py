"""Requests in Gemini's own form, in spellings that Google takes as well, from a key with a budget."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Any

import pytest

from gateways import MODEL
from key_calls import make

IN, OUT, VIDEO = 0.30e-6, 2.50e-6, 0.30e-6
"""US dollars a token of gemini-2.5-flash (docs/protocol/gemini.md, "Prices")."""
TEXT = '"contents": [{"parts": [{"text": "x"}]}]'
CLIP = '{"fileUri": "https://www.youtube.com/watch?v=9hE5-98ZeCg"}'
PNG = '{"mimeType": "image/png", "data": "AAAA"}'


def answer(url: str, key: str, body: str, method: str = "generateContent") -> tuple[int, Any]:
    """The status, and the JSON of the answer."""
    headers = {"x-goog-api-key": key, "Content-Type": "application/json"}
    path = f"{url}/v1beta/models/{MODEL}:{method}"
    request = urllib.request.Request(path, data=body.encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answered:
            return answered.status, json.load(answered)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize(
    "body",
    [
        f'{{{TEXT}, "generationConfig": {{"maxOutputTokens": 10, "candidateCount": "4"}}}}',
        f'{{{TEXT}, "generationConfig": {{"maxOutputTokens": 10, "candidateCount": 4.0}}}}',
        f'{{{TEXT}, "generationConfig": {{"maxOutputTokens": "10", "candidateCount": "4"}}}}',
        f'{{{TEXT}, "generationConfig": {{"maxOutputTokens": 10, "candidateCount": null, "candidate_count": 4}}}}',
        f'{{{TEXT}, "generationConfig": {{"maxOutputTokens": 10, "candidate_c\\u006funt": 4}}}}',
        f'{{{TEXT}, "generation_config": {{"maxOutputTokens": 10, "candidateCount": "4"}}}}',
        f'{{{TEXT}, "generationConfig": null, "generation_c\\u006Fnfig": {{"candidate_count": 4.0}}}}',
        f'{{"contents": [{{"parts": [{{"fileD\\u0061ta": {CLIP}}}]}}], "generationConfig": {{"maxOutputTokens": 1}}}}',
        f'{{"contents": [{{"parts": [{{"fileData": null, "file_data": {CLIP}}}]}}]}}',
    ],
)
def test_a_request_is_never_taken_for_cheaper_than_it_is(gateway: str, body: str) -> None:
    status, refused = answer(gateway, make(gateway, max_budget=0)["key"], body)
    assert status == 429, refused
    told = re.search(r"can cost up to \$([\d.]+\d)", refused["error"]["message"])
    assert told is not None, refused
    status, given = answer(gateway, make(gateway)["key"], body)
    assert status == 200, given
    usage = given["usageMetadata"]
    came_to = usage["promptTokenCount"] * IN + usage["candidatesTokenCount"] * OUT
    assert float(told[1]) >= came_to, (usage, refused["error"]["message"])


def test_the_dearest_tier_can_be_asked_for_by_its_number(gateway: str) -> None:
    """An enum of protobuf is a name or a number; priority costs 1.8 times as much."""
    key = make(gateway, max_budget=0)["key"]
    told = []
    for tier in ('"standard"', "3"):
        _, refused = answer(gateway, key, f'{{{TEXT}, "serviceTier": {tier}, "generationConfig": {{"topK": "1"}}}}')
        found = re.search(r"can cost up to \$([\d.]+\d)", refused["error"]["message"])
        assert found is not None, refused
        told.append(float(found[1]))
    assert told[1] == pytest.approx(1.8 * told[0], rel=0.01)


@pytest.mark.parametrize("limits", [{"max_budget": 5}, {"tpm_limit": 10_000_000}])
@pytest.mark.parametrize(
    "body",
    [
        f'{{{TEXT}, "tools": 5}}',
        f'{{{TEXT}, "tools": true}}',
        f'{{{TEXT}, "tools": "x"}}',
        f'{{{TEXT}, "generationConfig": 5, "generation_config": [1]}}',
        f'{{{TEXT}, "generationConfig": {{"maxOutputTokens": 1e300, "candidateCount": true}}}}',
        f'{{{TEXT}, "generationConfig": {{"maxOutputTokens": "much", "mediaResolution": [1]}}}}',
        f'{{{TEXT}, "serviceTier": {{}}, "systemInstruction": 5}}',
        f'{{"contents": [{{"parts": [{{"fileData": {CLIP}, "inlineData": 5}}]}}]}}',
        f'{{"contents": [{{"parts": [{{"inlineData": {PNG}, "inline_data": ["x"]}}]}}]}}',
        f'{{"contents": [{{"parts": [{{"inlineData": {PNG}, "inline_data": "x"}}]}}]}}',
        '{"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": {"a": [1]}}}]}]}',
        '{"contents": [{"parts": [{"fileData": 5, "file_data": {"fileUri": 5}}]}]}',
    ],
)
def test_what_google_refuses_is_refused_by_google_within_limits_too(
    gateway: str, body: str, limits: dict[str, Any]
) -> None:
    key, free = make(gateway, **limits)["key"], make(gateway)["key"]
    for method in ("generateContent", "streamGenerateContent?alt=sse"):
        status, refused = answer(gateway, free, body, method)
        assert (status, refused["error"]["status"]) == (400, "INVALID_ARGUMENT")
        status, refused = answer(gateway, key, body, method)
        assert (status, refused["error"]["status"]) == (400, "INVALID_ARGUMENT"), refused
