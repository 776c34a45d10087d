"""Values as libraries and environments give them to the SDK's functions, and LiteLLM's words for what a test wants."""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import openai
import pytest

import liftgate
from liftgate import Liftgate
from sdk_sandbox import MODEL, Sandbox

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


class Text(str):
    """As `markupsafe.Markup`, `numpy.str_` and LangChain's texts are."""

    def __str__(self) -> str:
        return "not this"


class Number(float):
    """As `numpy.float64` is."""


class Whole(int):
    pass


class Word(str, enum.Enum):  # noqa: UP042 - as programs of older Pythons have it
    user = "user"
    low = "low"
    function = "function"


class Count(enum.IntEnum):
    seven = 7


T = Text
SCHEMA = {T("type"): T("object"), T("properties"): {T("a"): {"type": T("number"), "minimum": Number(0.5)}}}
VALUES: dict[str, tuple[dict[str, Any], Callable[[dict[str, Any]], Any], Any]] = {
    "a message's text": (
        {"messages": [{"role": "user", "content": T("Hi")}]},
        lambda body: body["contents"][0]["parts"],
        [{"text": "Hi"}],
    ),
    "a part's text": (
        {"messages": [{"role": "user", "content": [{"type": T("text"), "text": T("Hi")}]}]},
        lambda body: body["contents"][0]["parts"],
        [{"text": "Hi"}],
    ),
    "an instruction": (
        {"messages": [{"role": "system", "content": T("Be")}, *HELLO]},
        lambda body: body["systemInstruction"]["parts"],
        [{"text": "Be"}],
    ),
    "a role, and names of fields": (
        {"messages": [OrderedDict({T("role"): Word.user, T("content"): "Hi"})]},
        lambda body: body["contents"],
        [{"role": "user", "parts": [{"text": "Hi"}]}],
    ),
    "decimals": (
        {"temperature": Number(0.5), "top_p": Fraction(1, 4)},
        lambda body: body["generationConfig"],
        {"temperature": 0.5, "topP": 0.25},
    ),
    "whole numbers": (
        {"max_tokens": Count.seven, "seed": Whole(3)},
        lambda body: body["generationConfig"],
        {"maxOutputTokens": 7, "seed": 3},
    ),
    "stops": ({"stop": (T("a"), "b")}, lambda body: body["generationConfig"], {"stopSequences": ["a", "b"]}),
    "a tool": (
        {"tools": [{"type": Word.function, "function": {"name": T("f"), "parameters": SCHEMA}}]},
        lambda body: body["tools"][0]["functionDeclarations"],
        [
            {
                "name": "f",
                "parametersJsonSchema": {
                    "type": "object",
                    "properties": {"a": {"type": "number", "minimum": 0.5}},
                },
            }
        ],
    ),
    "Gemini's own": (
        {"extra_body": {"generationConfig": {"temperature": Number(0.5)}}},
        lambda body: body["generationConfig"],
        {"temperature": 0.5},
    ),
}
"""Name → arguments, a piece of what Gemini gets, and what that is."""


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("durable", [False, True])
def test_a_value_of_another_class_is_its_own(sandbox: Sandbox, tmp_path: Path, name: str, durable: bool) -> None:
    """They were refused as "a string, but got a string instead", or ended in a TypeError of the JSON library."""
    arguments, piece, expected = VALUES[name]
    if durable and "extra_body" in arguments:
        arguments = arguments["extra_body"]
    with Liftgate(data_dir=tmp_path) if durable else Liftgate() as client:
        assert client.completion(**{"model": T(MODEL), "messages": HELLO, **arguments}).choices
    found = piece(sandbox.last_body())
    assert found == expected and _classes(found) <= {dict, list, str, int, float}


def _classes(value: object) -> set[type]:
    within = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {type(value)}.union(*(_classes(each) for each in within))


@pytest.mark.parametrize("timeout", ["60", "0.5e2", " 60 "])
@pytest.mark.parametrize("name", ["timeout", "request_timeout"])
def test_a_timeout_may_be_a_text(sandbox: Sandbox, name: str, timeout: str) -> None:
    """LiteLLM's signature has it, as variables of the environment are."""
    assert liftgate.completion(MODEL, HELLO, **dict[str, Any]({name: timeout})).choices


@pytest.mark.parametrize("timeout", ["soon", "", "-1", "inf", "nan", "0", "1" * 99])
def test_a_text_that_is_no_time_is_refused(sandbox: Sandbox, timeout: str) -> None:
    with pytest.raises(liftgate.BadRequestError, match="'timeout' is a number of seconds"):
        liftgate.completion(MODEL, HELLO, timeout=timeout)


MOCKS: dict[str, type[Exception]] = {
    "litellm.RateLimitError": openai.RateLimitError,
    "litellm.ContextWindowExceededError": openai.BadRequestError,
    "litellm.InternalServerError": openai.InternalServerError,
    "litellm.Timeout": openai.APITimeoutError,
    "litellm.APIError": openai.APIError,
    "liftgate.AuthenticationError": openai.AuthenticationError,
    "Exception: content_filter_policy": openai.BadRequestError,
}


@pytest.mark.parametrize("text", MOCKS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_mock_by_an_exceptions_name_is_raised(sandbox: Sandbox, text: str, stream: bool) -> None:
    """LiteLLM's tests write it so; the name came back as the answer."""
    with pytest.raises(MOCKS[text]) as caught:
        liftgate.completion(MODEL, HELLO, mock_response=text, stream=stream)
    assert not text.startswith("li") or type(caught.value).__name__ == text.partition(".")[2]
    assert sandbox.count("generate") + sandbox.count("stream") == 0


@pytest.mark.parametrize(
    "text", ["litellm", "litellm.foo", "litellm.OpenAIError", "RateLimitError", "a litellm.Timeout"]
)
def test_any_other_text_is_the_answer(sandbox: Sandbox, text: str) -> None:
    assert liftgate.completion(MODEL, HELLO, mock_response=text).choices[0].message.content == text


@pytest.mark.parametrize("nothing", [None, False, "", [], {}, ()])
def test_an_argument_that_would_matter_and_is_empty_asks_for_nothing(sandbox: Sandbox, nothing: object) -> None:
    for name in ("guardrails", "max_budget", "model_list", "retry_policy"):
        assert liftgate.completion(MODEL, HELLO, **dict[str, Any]({name: nothing})).choices, name


@pytest.mark.parametrize(
    ("name", "value"), [("ssl_verify", False), ("ssl_verify", "/ca.pem"), ("allowed_model_region", "eu")]
)
def test_what_matters_where_it_is_off_is_refused_too(sandbox: Sandbox, name: str, value: object) -> None:
    with pytest.raises(liftgate.UnsupportedParamsError, match=name):
        liftgate.completion(MODEL, HELLO, **dict[str, Any]({name: value}))
    assert liftgate.completion(MODEL, HELLO, **dict[str, Any](ssl_verify=True)).choices


@pytest.mark.parametrize("durable", [False, True])
def test_white_space_around_a_files_id_is_none_of_it(sandbox: Sandbox, tmp_path: Path, durable: bool) -> None:
    with Liftgate(data_dir=tmp_path) if durable else Liftgate() as client:
        file = client.create_file(file=("t.csv", b"a,b"))
        assert client.file_retrieve(f" {file.id}\n").filename == "t.csv"
        assert client.file_delete(f"{file.id}\n").deleted


@pytest.mark.parametrize("chunks", [None, [], ()])
def test_chunks_of_nothing_are_refused(chunks: Any) -> None:
    with pytest.raises(liftgate.BadRequestError, match="'chunks' is empty"):
        liftgate.stream_chunk_builder(chunks)
