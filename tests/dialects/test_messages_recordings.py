"""Every recorded answer as a Message: valid by the client's types, whole, and the same streamed, however it was cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from evidence import needs_recordings
from liftgate.dialects.messages.question import MessagesQuestion
from liftgate.errors import LiftgateError
from messages_rig import check_message, without_ids
from messages_translated import SEAL, asked, built_of, read, streamed, whole
from mutating import Dice
from translate_exchanges import Exchange, exchanges


def question_of(exchange: Exchange) -> MessagesQuestion:
    declared = exchange.request.get("tools") or []
    listed = declared if isinstance(declared, list) else [declared]
    named = {each["name"] for tool in listed for each in tool.get("functionDeclarations") or ()}
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in sorted(named)]
    return read(asked(tools=tools, thinking={"type": "adaptive"}))


def recut(replies: list[Any], dice: Dice) -> Iterator[Any]:
    """The same answer with each part in an object of its own, texts in pieces, and the rest at the end."""
    for reply in replies:
        others = {name: value for name, value in reply.items() if name not in ("candidates", "usageMetadata")}
        for candidate in reply.get("candidates") or ():
            content = candidate.get("content") or {}
            for part in content.get("parts") or ():
                for piece in pieces_of(part, dice):
                    whole = {**content, "parts": [piece]}
                    yield {**others, "candidates": [{"index": candidate.get("index", 0), "content": whole}]}
            rest = {name: value for name, value in candidate.items() if name != "content"}
            yield {**others, "candidates": [rest]}
        if "usageMetadata" in reply:
            yield {"usageMetadata": reply["usageMetadata"]}
        if not reply.get("candidates"):
            yield reply


def pieces_of(part: dict[str, Any], dice: Dice) -> list[dict[str, Any]]:
    text = part.get("text")
    if not isinstance(text, str) or len(text) < 2 or "thoughtSignature" in part:
        return [part]
    cut = 1 + dice.below(len(text) - 1)
    return [{**part, "text": text[:cut]}, {**part, "text": text[cut:]}]


@needs_recordings
@pytest.mark.parametrize("seed", ["a", *(pytest.param(f"{n}", marks=pytest.mark.full) for n in range(20))])
def test_recorded_answers_are_valid_and_equal_streamed_and_whole(seed: str) -> None:
    dice = Dice(seed)
    checked = failed = 0
    for exchange in exchanges():
        question = question_of(exchange)
        try:
            found = whole(question, exchange.replies)
        except LiftgateError:
            failed += 1
            continue
        check_message(found)
        plain = without_ids(found)
        assert without_ids(built_of(streamed(question, exchange.replies))) == plain, exchange.name
        cut = without_ids(built_of(streamed(question, recut(exchange.replies, dice))))
        if not grounded(exchange):  # what is cited is told by the parts' numbers, which another cut changes
            assert cut == plain, exchange.name
        nothing_is_lost(exchange, found)
        checked += 1
    assert (checked > 450, failed < 40) == (True, True), (checked, failed)


def grounded(exchange: Exchange) -> bool:
    return "groundingMetadata" in json.dumps(exchange.replies)


def nothing_is_lost(exchange: Exchange, found: dict[str, Any]) -> None:
    parts = [
        part
        for each in exchange.replies
        for candidate in each.get("candidates") or ()
        if candidate.get("index", 0) == 0
        for part in (candidate.get("content") or {}).get("parts") or ()
    ]
    blocks = found["content"]

    def of(kind: str) -> list[dict[str, Any]]:
        return [block for block in blocks if block["type"] == kind]

    texts = "".join(part["text"] for part in parts if "text" in part and not part.get("thought"))
    images = sum("inlineData" in part and not part.get("thought") for part in parts)
    said = [block["text"] for block in of("text") if not block["text"].startswith("[An image of ")]
    assert "".join(said) == texts and len(of("text")) - len(said) <= images, exchange.name
    thoughts = "".join(part["text"] for part in parts if part.get("thought") and "text" in part)
    assert "".join(block["thinking"] for block in of("thinking")) == thoughts, exchange.name
    calls = [part for part in parts if "functionCall" in part]
    used = of("tool_use")
    assert [(each["name"], each["input"]) for each in used] == [
        (part["functionCall"]["name"], part["functionCall"].get("args") or {}) for part in calls
    ], exchange.name
    ran = [part["executableCode"]["code"] for part in parts if "executableCode" in part]
    assert [block["input"]["code"] for block in of("server_tool_use") if block["name"] == "code_execution"] == ran
    signed = {part["thoughtSignature"] for part in calls if "thoughtSignature" in part}
    sealed = b"".join(SEAL.open(block["signature"]) or b"" for block in of("thinking"))
    assert all(each.encode() in sealed or len(each) > 64 * 1024 for each in signed), exchange.name
    searched = [part for part in parts if "toolCall" in part or "toolResponse" in part]
    carried = of("web_search_tool_result")
    assert not searched or SEAL.open(carried[0]["content"][0]["encrypted_content"]), exchange.name


def test_a_signature_comes_back_by_its_block_alone() -> None:
    """No row is known: another gateway's database, or 30 days later."""
    signature = "c2lnbmVk"
    call = {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": signature}
    reply = {"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]}
    tool = {"name": "look", "input_schema": {"type": "object"}}
    request = asked(tools=[tool], thinking={"type": "adaptive"})
    for found in (whole(read(request), [reply]), built_of(streamed(read(request), [reply]))):
        result = {"type": "tool_result", "tool_use_id": found["content"][1]["id"], "content": "x"}
        history = [
            *request["messages"],
            {"role": "assistant", "content": found["content"]},
            {"role": "user", "content": [result]},
        ]
        parts = read({**request, "messages": history}).body["contents"][1]["parts"]
        assert parts[-1]["thoughtSignature"] == signature
        other = read({**request, "messages": history}, "gemini-4-argon").body["contents"][1]["parts"]
        assert other[-1]["thoughtSignature"] == "skip_thought_signature_validator"


def test_a_large_signature_is_known_by_its_row_alone() -> None:
    call = {"functionCall": {"name": "look", "args": {}}, "thoughtSignature": "A" * 100_000}
    reply = {"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]}
    tool = {"name": "look", "input_schema": {"type": "object"}}
    found = whole(read(asked(tools=[tool], thinking={"type": "adaptive"})), [reply])
    assert [block["type"] for block in found["content"]] == ["tool_use"]


@pytest.mark.parametrize("model", ["gemini-2.5-flash-image", "gemini-2.5-flash-preview-tts", "gemini-3-pro-image"])
def test_models_whose_answers_have_no_block_are_refused(model: str) -> None:
    with pytest.raises(LiftgateError) as caught:
        read(asked(), model)
    assert caught.value.param == "model"


def test_an_unknown_model_is_asked() -> None:
    assert read(asked(), "gemini-9-quark").body["contents"]
