"""Which models there are, and what Google refuses of them: names, speech, pictures, the tier of an answer."""

from collections.abc import Callable
from typing import Any

import pytest

from sandbox_wire import Wire

HELLO = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}

RECORDED = (
    *("gemini-2.0-flash-001", "gemini-flash-latest", "gemini-3.1-flash-lite", "gemini-2.5-pro-preview-06-05"),
    *("gemma-3-27b-it", "gemini-3-flash-preview", "gemini-2.0-flash-thinking-exp-01-21"),
    *("gemini-exp-1206", "gemini-2.5-flash-lite-preview-09-2025", "gemini-3.1-pro-preview-customtools"),
    *("gemini-3.8-flash", "gemini-4-argon", "gemini-robotics-er-1.5-preview", "learnlm-2.0-flash-experimental"),
)
"""Names that Google has served."""

NONE = (
    "gemini-1.5-flash",
    "gemini-1.0-pro",
    "gemini-none",
    "gemini-nosuch",
    "gpt-4o",
    "gemini-2.5-flash-nosuch",
    "nonexistent-model",
    "gemini",
    "gemma",
    "flash",
)


def generate(wire: Wire, model: str, method: str = "generateContent", body: Any = None) -> Any:
    return wire.call("POST", f"/v1beta/models/{model}:{method}", HELLO if body is None else body)


@pytest.mark.parametrize("model", RECORDED)
def test_any_name_of_a_known_family_is_served(sandbox: Wire, model: str) -> None:
    for method in ("generateContent", "streamGenerateContent", "countTokens"):
        assert generate(sandbox, model, method).status == 200
    assert sandbox.call("GET", f"/v1beta/models/{model}").json()["name"] == f"models/{model}"


@pytest.mark.parametrize("model", ["embedding-001", "text-embedding-004", "gemini-embedding-2-preview"])
def test_any_embedding_is_served(sandbox: Wire, model: str) -> None:
    body = {"content": {"parts": [{"text": "hi"}]}}
    assert generate(sandbox, model, "embedContent", body).status == 200
    assert generate(sandbox, model).status == 404


@pytest.mark.parametrize("model", NONE)
@pytest.mark.parametrize("method", ["generateContent", "streamGenerateContent", "countTokens", "embedContent"])
def test_no_other_name_is(sandbox: Wire, model: str, method: str) -> None:
    """In one sentence for every method (33 + 13 recorded of 2025-08 to 2026-01 have the older one)."""
    answer = generate(sandbox, model, method, {"content": {"parts": [{"text": "hi"}]}} if "embed" in method else HELLO)
    said = "generateContent" if method == "streamGenerateContent" else method
    assert answer.status == 404
    assert answer.message == (
        f"models/{model} is not found for API version v1beta, or is not supported for {said}. "
        "Call ModelService.ListModels to see the list of available models and their supported methods."
    )


def test_the_list_can_be_said_and_closed(make_sandbox: Callable[..., Wire]) -> None:
    wire = make_sandbox(models=("our-tuned-model", "gemini-flash-latest"), any_model=False)
    listed = wire.call("GET", "/v1beta/models").json()["models"]
    assert [model["name"] for model in listed] == ["models/our-tuned-model", "models/gemini-flash-latest"]
    assert generate(wire, "our-tuned-model").status == 200
    assert generate(wire, "gemini-2.5-flash").status == 404


@pytest.mark.parametrize(
    "model", ["gemini-2.5-flash-preview-tts", "gemini-2.5-pro-preview-tts", "gemini-3.8-flash-tts"]
)
def test_a_model_of_speech_gives_no_text(sandbox: Wire, model: str) -> None:
    """12 of 12 recorded: absent modalities mean text."""
    configs: tuple[dict[str, Any], ...] = ({}, {"responseModalities": []}, {"responseModalities": ["TEXT"]})
    for config in configs:
        answer = generate(sandbox, model, body={**HELLO, "generationConfig": config})
        assert (answer.status, answer.message) == (
            400,
            "The requested combination of response modalities (TEXT) is not supported by the model. "
            f"models/{model} accepts the following combination of response modalities:\n* AUDIO\n",
        )
    spoken = generate(sandbox, model, body={**HELLO, "generationConfig": {"responseModalities": ["AUDIO"]}})
    assert spoken.status == 200


@pytest.mark.parametrize("model", ["gemini-2.5-flash-image", "gemini-3.1-flash-image"])
def test_a_model_of_pictures_has_no_json_mode(sandbox: Wire, model: str) -> None:
    config = {"responseMimeType": "application/json"}
    answer = generate(sandbox, model, body={**HELLO, "generationConfig": config})
    assert (answer.status, answer.message) == (400, f"JSON mode is not enabled for models/{model}")
    assert generate(sandbox, model).status == 200


@pytest.mark.parametrize("role", ["tool", "function", "user"])
def test_a_result_has_any_of_three_roles(sandbox: Wire, role: str) -> None:
    """`tool`: one recording of 2025-12, whose answer is a normal stream."""
    contents = [
        {"role": "user", "parts": [{"text": "x"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f"}}]},
        {"role": role, "parts": [{"function_response": {"name": "f", "response": {"r": 1}}}]},
    ]
    body = {"contents": contents, "tools": [{"functionDeclarations": [{"name": "f"}]}]}
    assert generate(sandbox, "gemini-2.5-flash", body=body).status == 200
    assert (
        generate(sandbox, "gemini-2.5-flash", body={"contents": [{"role": "robot", "parts": [{"text": "x"}]}]}).status
        == 400
    )


def test_the_tier_stands_on_unstreamed_answers_only(sandbox: Wire) -> None:
    """143 of 143 and 0 of 69 recorded since May 2026."""
    header = "x-gemini-service-tier"
    assert generate(sandbox, "gemini-2.5-flash").headers[header] == "standard"
    for method in ("streamGenerateContent", "streamGenerateContent?alt=sse"):
        assert header not in generate(sandbox, "gemini-2.5-flash", method).headers


def test_events_are_asked_for_in_either_spelling(sandbox: Wire) -> None:
    for query in ("alt=sse", "$alt=sse", "$alt=sse;enum-encoding=int"):
        answer = generate(sandbox, "gemini-2.5-flash", f"streamGenerateContent?{query}")
        assert answer.headers["content-type"] == "text/event-stream", query
    for query in ("$alt=json;enum-encoding=int", ""):
        answer = generate(sandbox, "gemini-2.5-flash", f"streamGenerateContent?{query}")
        assert answer.headers["content-type"].startswith("application/json"), query
