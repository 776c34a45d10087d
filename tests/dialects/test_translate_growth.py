"""No work of the translation grows faster than its input: every example of every field, with each of its texts, lists
and objects doubled, and what only several fields together make large."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from answer_examples import ANSWER_EXAMPLES
from asking import translate_chat
from growth import MOST, MOST_TIME, larger, nested, places, seconds, shape, steps
from liftgate.answer.choice import Head
from liftgate.answer.fold import AnswerFold
from liftgate.ask.model_facts import facts_for
from liftgate.ask.tool_results import arguments_in, response_of
from liftgate.dialects.chat.chunks import ChunkEncoder
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.media import find_media
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.gemini.body import read_body
from liftgate.errors import LiftgateError
from liftgate.large_bodies import STEP
from liftgate.large_json import MOST_VALUES
from wire_examples import EXAMPLES, HI

TIMES = 60
MANY = 200
"""For the full run: what grows slowly with the square shows there too."""
MODELS = ("gemini-1.5-flash", "gemini-2.5-flash", "gemini-3-pro")
Request = dict[str, Any]


def translated(request: Request, model: str = "gemini-2.5-flash", **more: Any) -> None:
    with suppress(LiftgateError):
        found = find_media(request, inline_limit=1 << 20)
        translation = translate_chat(
            request, facts=facts_for(model), **{"files": {}, "signatures": {}, "media": found.read, **more}
        )
        msgspec.json.encode(translation.body)


def answered(chunks: list[Request], question: Request, *, stream: bool) -> None:
    fold = AnswerFold(
        Head("1", "m", 1),
        ChatQuestion({}, stream=stream, **question),
        new_call_id=map("call_{}".format, itertools.count()).__next__,
    )
    encoder = ChunkEncoder()
    encoder.begin(fold.answer)
    with suppress(LiftgateError):
        for chunk in chunks:
            encoder.encode(fold.feed(chunk))
        encoder.encode(fold.end())
        completion(fold.answer)


def check(grown: Callable[[int], Callable[[], object]], times: int) -> None:
    """`grown(n)`: the work for n times the input."""
    once, twice = steps(grown(times)), steps(grown(2 * times))
    assert twice <= MOST * once + 500, f"{twice / once:.2f} × the steps for 2 × the input"


def by_place(found: list[tuple[Request, Any]]) -> dict[str, tuple[Request, tuple[str | int, ...], Any]]:
    """Each place that any example has, once."""
    known: dict[str, tuple[Request, tuple[str | int, ...], Any]] = {}
    for value, more in found:
        for at in places(value):
            known.setdefault(f"{shape(at)} {type(_at(value, at)).__name__}", (value, at, more))
    return known


def _at(value: Any, at: tuple[str | int, ...]) -> Any:
    for step in at:
        value = value[step]
    return value


ASKED = by_place([({"model": each.model, "messages": HI, **each.request}, each) for each in EXAMPLES])
ANSWERED = by_place([(each.reply, each) for each in ANSWER_EXAMPLES])


def grow_a_request(place: str, many: int, deep: int) -> None:
    request, at, example = ASKED[place]
    more = {"files": example.files, "signatures": example.signatures}
    check(lambda times: lambda: translated(larger(request, at, times), example.model, **more), many)
    if place.endswith("dict"):
        check(lambda depth: lambda: translated(nested(request, at, depth), example.model, **more), deep)


def grow_an_answer(place: str, many: int) -> None:
    reply, at, example = ANSWERED[place]
    check(lambda times: lambda: answered([larger(reply, at, times)], example.question, stream=False), many)


def grow_pieces(example: Any, many: int) -> None:
    check(lambda times: lambda: answered([example.reply] * times, example.question, stream=True), many)


@pytest.mark.parametrize("place", ASKED)
def test_a_field_of_a_request_made_larger(place: str) -> None:
    grow_a_request(place, TIMES, TIMES)


@pytest.mark.parametrize("place", ANSWERED)
def test_a_field_of_an_answer_made_larger(place: str) -> None:
    grow_an_answer(place, TIMES)


@pytest.mark.parametrize("example", ANSWER_EXAMPLES, ids=lambda example: example.fields.split()[0])
def test_an_answer_in_twice_as_many_pieces(example: Any) -> None:
    grow_pieces(example, TIMES)


@pytest.mark.full
def test_every_field_made_much_larger() -> None:
    for place in ASKED:
        grow_a_request(place, MANY, 100)
    for place in ANSWERED:
        grow_an_answer(place, MANY)
    for example in ANSWER_EXAMPLES:
        grow_pieces(example, MANY)


# ── what only several fields together make large ───────────────────────────────────────────────────────────────────


def tool_round(count: int, *, name: str = "f{}", google: bool = False) -> Request:
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": name.format(n), "arguments": "{}"}}
        for n in range(count)
    ]
    assistant: Request = {"role": "assistant", "tool_calls": calls}
    if google:
        parts = [{"call_index": n, "executableCode": {"code": "1"}} for n in range(1, count + 1)]
        assistant["extra_content"] = {"google": {"parts": parts}}
    results = [{"role": "tool", "tool_call_id": f"c{n}", "content": "1"} for n in reversed(range(count))]
    return {"messages": [*HI, assistant, *results]}


def results_by_name(count: int) -> Request:
    request = tool_round(count, name="same")
    results = [{"role": "function", "name": "same", "content": "1"} for _ in range(count)]
    return {"messages": [*request["messages"][:2], *results]}


def schema_of(schema: object) -> Request:
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    return {"messages": HI, "response_format": form}


def ref_chain(levels: int) -> Request:
    """Each level names the next one twice."""
    defs: Request = {
        f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]} for n in range(levels)
    }
    return schema_of({"$ref": "#/$defs/d0", "$defs": {**defs, f"d{levels}": {"type": "string"}}})


def refs_to_one(count: int, value: object) -> Request:
    return schema_of(
        {
            "type": "object",
            "properties": {f"p{n}": {"$ref": "#/$defs/one"} for n in range(count)},
            "$defs": {"one": value},
        }
    )


def long_nested_names(length: int) -> Request:
    schema: Request = {"type": "string"}
    for _ in range(30):
        schema = {"type": "object", "properties": {"n" * length: schema}}
    return schema_of(schema)


def drop_paths(count: int, path: str) -> Request:
    tools = [{"type": "function", "function": {"name": f"f{n}"}} for n in range(count)]
    paths = [path.format(n) for n in range(count)]
    return {"messages": HI, "tools": tools, "additional_drop_params": paths, **{f"unknown{n}": 1 for n in range(count)}}


TOGETHER: dict[str, Callable[[int], Request]] = {
    "tool calls and their results": tool_round,
    "tool calls and Google's parts behind each": lambda n: tool_round(n, google=True),
    "results by name, all of one name": results_by_name,
    "additional_drop_params, each of a field": lambda n: drop_paths(n, "unknown{}"),
    "additional_drop_params, each of every tool": lambda n: drop_paths(n, "tools[*].function.strict{}"),
    "a path of many steps": lambda n: {"messages": HI, "additional_drop_params": [".a" * n]},
    "unknown parameters that are dropped": lambda n: {
        "messages": HI,
        "drop_params": True,
        **{f"unknown{i}": 1 for i in range(n)},
    },
    "nested long names of a schema": long_nested_names,
    "many names that one schema has": lambda n: schema_of(
        {"properties": {f"p{i}": {"type": "string"} for i in range(n)}}
    ),
    "references to a schema": lambda n: refs_to_one(n, {"type": "string"}),
    "images of earlier answers": lambda n: {
        "messages": [
            *HI,
            {"role": "assistant", "images": [{"image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}] * n},
        ]
    },
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("case", TOGETHER)
def test_fields_that_are_large_together(case: str, model: str) -> None:
    check(lambda times: lambda: translated(TOGETHER[case](times), model), MANY)


BOMBS = {
    "two at each of 14 levels": lambda: ref_chain(14),
    "two at each of 31 levels": lambda: ref_chain(31),
    "many names of one with many properties": lambda: refs_to_one(
        2000, {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(2000)}}
    ),
    "many names of one with a long text": lambda: refs_to_one(2000, {"type": "string", "description": "x" * 100_000}),
    "many names of one with many values": lambda: refs_to_one(2000, {"enum": [f"v{n}" for n in range(2000)]}),
    "many names of one with a long key": lambda: refs_to_one(2000, {"properties": {"k" * 100_000: {"type": "string"}}}),
    "many names of one with a large default": lambda: refs_to_one(2000, {"type": "string", "default": [[1]] * 2000}),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_references_that_stand_for_much_are_refused(bomb: str) -> None:
    request = BOMBS[bomb]()
    with pytest.raises(LiftgateError) as refused:
        translate_chat(request, facts=facts_for("gemini-1.5-flash"), files={}, signatures={})
    assert refused.value.http_status == 400
    assert refused.value.code == "invalid_json_schema"
    assert (refused.value.param or "").startswith("response_format.json_schema.schema")
    assert steps(lambda: translated(request, "gemini-1.5-flash")) < 3_000_000


def test_a_schema_that_shares_its_parts_is_taken() -> None:
    address = {"type": "object", "properties": {name: {"type": "string"} for name in ("street", "town", "code")}}
    request = refs_to_one(100, address)
    translation = translate_chat(request, facts=facts_for("gemini-1.5-flash"), files={}, signatures={})
    made = translation.body["generationConfig"]["responseSchema"]["properties"]
    assert len(made) == 100
    assert set(made["p99"]["properties"]) == {"street", "town", "code"}


# ── what C does ────────────────────────────────────────────────────────────────────────────────────────────────────

LONG: dict[str, Callable[[int], Callable[[], object]]] = {
    "a name of underscores": lambda n: lambda: translated({"messages": HI, "_" * n: 1}),
    "a name of underscores and letters": lambda n: lambda: translated({"messages": HI, "_a" * n: 1}),
    "a data URL of semicolons": lambda n: (
        lambda: translated(
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:" + ";" * n}}]}
                ]
            }
        )
    ),
    "a native text of escapes": lambda n: lambda: read_body(b'{"model":"a","x":"' + b"\\n" * n + b'"}'),
    "a native text of quotes": lambda n: lambda: read_body(b'{"model":"a","x":"' + b'\\"' * n + b'"}'),
    "native members far inside": lambda n: (
        lambda: read_body(b'{"a":' * 400 + b'{"model":1' + b',"k":{}' * (n // 10) + b"}" + b"}" * 400)
    ),
    "citations of a long text": lambda n: lambda: answered([cited(n // 50)], {}, stream=False),
    "citations of a long text with wrong offsets": lambda n: lambda: answered([cited(n // 50, 7)], {}, stream=False),
    "as many sources as citations": lambda n: lambda: answered([sourced(n // 5)], {}, stream=False),
    "logprobs in many pieces": lambda n: lambda: answered([token()] * (n // 50), {}, stream=True),
    "audio in many pieces": lambda n: lambda: answered([spoken()] * (n // 50), {}, stream=True),
}


def cited(count: int, off: int = 0) -> Request:
    supports = [
        {
            "segment": {"startIndex": 9 * n + off, "endIndex": 9 * n + 8 + off, "text": f"é{n:06d}"},
            "groundingChunkIndices": [0],
        }
        for n in range(count)
    ]
    text = " ".join(f"é{n:06d}" for n in range(count))
    grounding = {"groundingChunks": [{"web": {"uri": "https://a.example"}}], "groundingSupports": supports}
    return {
        "candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP", "groundingMetadata": grounding}]
    }


def sourced(count: int) -> Request:
    reply = cited(count)
    grounding = reply["candidates"][0]["groundingMetadata"]
    grounding["groundingChunks"] = [{"web": {"uri": f"https://a.example/{n}"}} for n in range(count)]
    for n, support in enumerate(grounding["groundingSupports"]):
        support["groundingChunkIndices"] = [n]
    return reply


def token() -> Request:
    logprobs = {"chosenCandidates": [{"token": "a", "logProbability": -1}]}
    return {"candidates": [{"content": {"parts": [{"text": "a"}]}, "logprobsResult": logprobs}]}


def spoken() -> Request:
    return {
        "candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}}]}}]
    }


@pytest.mark.full
@pytest.mark.parametrize("case", LONG)
def test_long_values_take_time_as_they_are_long(case: str) -> None:
    size = 100_000
    while (once := seconds(LONG[case](size))) < 0.05 and size < 20_000_000:
        size *= 2
    assert seconds(LONG[case](2 * size)) < MOST_TIME * once


@pytest.mark.parametrize("case", LONG)
def test_long_values_end_soon(case: str) -> None:
    """What was quadratic or kept 160 bytes for each character would take minutes here, or all memory."""
    assert seconds(LONG[case](200_000), tries=1) < 5


def test_citations_of_any_text_stand_where_their_words_are() -> None:
    for off in (0, 7):
        reply = cited(40, off)
        text = reply["candidates"][0]["content"]["parts"][0]["text"]
        fold = AnswerFold(Head("c", "m", 1), ChatQuestion({}), new_call_id=str)
        fold.feed(reply)
        fold.end()
        found = completion(fold.answer)["choices"][0]["message"]["annotations"]
        said = [text[each["url_citation"]["start_index"] : each["url_citation"]["end_index"]] for each in found]
        assert said == [f"é{n:06d}" for n in range(40)]


# ── JSON inside a text ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wrap", [arguments_in, lambda text: response_of([text])], ids=["arguments", "a result"])
def test_large_json_inside_a_text_is_read_as_a_body_is(wrap: Callable[[str], Request]) -> None:
    """In steps, up to the values that a body may have; beyond these it stays the text that it is."""
    for value in ({"a": "é中😀\\" * 200_000}, {"a": [{"b": "x" * 2_000}] * 500}, {"a": [1.5] * (MOST_VALUES // 4)}):
        text = json.dumps(value, ensure_ascii=False)
        assert len(text) > STEP and wrap(text) == value
    beyond = json.dumps({"a": [1] * MOST_VALUES})
    assert list(wrap(beyond).values()) == [beyond]
    assert list(wrap('{"a":"' + "x" * STEP).values()) == ['{"a":"' + "x" * STEP]
