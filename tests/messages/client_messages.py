"""Anthropic's Python client, of any generation, against a gateway: `python client_messages.py URL OPENAI_FILE`.
Prints JSON.

Plain, its stream helper, tools over three turns on a model that demands signatures, by hand and by its tool runner,
structured output, thinking, an image, a PDF and a recording by file id, a file of OpenAI's client, tokens counted,
files over pages, models, each error class. What `client.cjs` does with the client for JavaScript.
"""

import base64
import io
import json
import sys
from typing import Any

import anthropic

MODEL, SIGNED, SCRIPTED = "gemini-2.5-flash", "gemini-3-flash-preview", "gemini-3.8-flash"
STEPS = 3
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF"
WAV = (
    b"RIFF\x2c\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00"
    b"data\x08\x00\x00\x00" + b"\x00" * 8
)
LOOK: Any = {
    "name": "look",
    "description": "Looks.",
    "input_schema": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
}
TURN: Any = {"name": "turn", "input_schema": {"type": "object", "properties": {}}}
TWICE = 'call look({"at": "door"}) and call turn()'
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
HELLO: Any = [{"role": "user", "content": "Hello"}]
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def by_id(kind: str, file_id: str) -> Any:
    return {"type": kind, "source": {"type": "file", "file_id": file_id}}


def steps(client: anthropic.Anthropic, **more: Any) -> list[str]:
    """One turn of the user's with three steps, in which the model demands the signature of each of its calls."""
    messages: list[Any] = [{"role": "user", "content": "Look around."}]
    kinds: list[str] = []
    for step in range(STEPS):
        message: Any = client.messages.create(
            model=SIGNED, max_tokens=4000, messages=messages, tools=[LOOK], tool_choice={"type": "any"}, **more
        )
        used = [block for block in message.content if block.type == "tool_use"]
        messages.append({"role": "assistant", "content": message.content})
        results = [{"type": "tool_result", "tool_use_id": each.id, "content": f"step {step}"} for each in used]
        messages.append({"role": "user", "content": results})
        kinds += [block.type for block in message.content]
    return kinds


def loop(client: anthropic.Anthropic, *, stream: bool, **more: Any) -> list[str]:
    """Three turns with two calls each, answered in the wrong order and with words behind. The kinds of all blocks."""
    messages: list[Any] = [{"role": "user", "content": TWICE}]
    kinds: list[str] = []
    for step in range(STEPS):
        given: Any = {"model": SIGNED, "max_tokens": 4000, "messages": messages, "tools": [LOOK, TURN], **more}
        message: Any
        if stream:
            with client.messages.stream(**given) as events:
                for _ in events:
                    pass
                message = events.get_final_message()
        else:
            message = client.messages.create(**given)
        assert message.stop_reason == "tool_use", message
        used = [block for block in message.content if block.type == "tool_use"]
        assert [(each.name, each.input) for each in used] == [("look", {"at": "door"}), ("turn", {})], used
        messages.append({"role": "assistant", "content": message.content})
        results = [{"type": "tool_result", "tool_use_id": each.id, "content": f"step {step}"} for each in used]
        messages.append({"role": "user", "content": [*reversed(results), {"type": "text", "text": TWICE}]})
        kinds += [block.type for block in message.content]
    last: Any = client.messages.create(
        model=SIGNED, max_tokens=4000, messages=messages, tools=[LOOK, TURN], tool_choice={"type": "none"}
    )
    assert last.stop_reason == "end_turn" and text_of(last)
    return kinds


def run_tools(client: anthropic.Anthropic, *, stream: bool) -> list[str]:
    """The client's own runner: it runs what the model calls, two at a time, until nothing is called."""
    ran: list[str] = []

    @anthropic.beta_tool
    def look(at: str) -> str:
        """Looks.

        Args:
            at: where
        """
        ran.append(at)
        return "nothing"

    asked: Any = [{"role": "user", "content": "Look around."}]
    given: Any = {"model": SCRIPTED, "max_tokens": 4000, "tools": [look], "messages": asked, "stream": stream}
    runner: Any = client.beta.messages.tool_runner(**given)
    last = runner.until_done()
    return [last.stop_reason, *ran]


def asked_about(client: anthropic.Anthropic, *blocks: Any) -> list[str]:
    """What the model was given: the types of the files, as the sandbox tells them."""
    content = [*blocks, {"type": "text", "text": "What is in these files?"}]
    answer = client.messages.create(model=MODEL, max_tokens=4000, messages=[{"role": "user", "content": content}])
    lines = [line for line in text_of(answer).splitlines() if line.startswith("File ")]
    return [line.split(": ")[1].split(",")[0] for line in lines]


def files(client: anthropic.Anthropic, theirs: str) -> dict[str, Any]:
    api: Any = client.files if hasattr(client, "files") else client.beta.files
    image = api.upload(file=io.BytesIO(PNG))
    pdf = api.upload(file=("a.pdf", PDF, "application/pdf"))
    sound = api.upload(file=("größe.wav", WAV, "audio/wav"))
    told: dict[str, Any] = {"names": [image.filename.split(".")[1], pdf.filename, sound.filename]}
    told["types"] = [each.mime_type for each in (image, pdf, sound)]
    documents = [by_id("document", each) for each in (pdf.id, sound.id, theirs)]
    told["seen"] = asked_about(client, by_id("image", image.id), *documents)
    inline = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()}
    text = {"type": "text", "media_type": "text/plain", "data": "hello"}
    told["inline"] = asked_about(
        client, {"type": "image", "source": inline}, {"type": "document", "title": "B", "source": text}
    )
    wanted = {image.id, pdf.id, sound.id, theirs}
    told["pages"] = [{each.id for each in listed.list(limit=2)} >= wanted for listed in (api, client.beta.files)]
    told["metadata"] = api.retrieve_metadata(pdf.id).size_bytes == len(PDF)
    told["bytes"] = api.download(sound.id).read() == WAV
    told["deleted"] = api.delete(image.id).type
    told["kept"] = sound.id
    return told


def refusals(client: anthropic.Anthropic, url: str) -> dict[str, Any]:
    """Each error's class, the type in its body, and whether the request's id is known."""
    told: dict[str, Any] = {}

    def note(name: str, who: anthropic.Anthropic = client, **given: Any) -> None:
        try:
            who.messages.create(**{"model": MODEL, "max_tokens": 10, "messages": HELLO, **given})
        except anthropic.APIStatusError as error:
            body: Any = error.body
            told[name] = [type(error).__name__, body["error"]["type"], error.request_id == body["request_id"]]

    note("field", extra_body={"foo": 1})
    note("model", model="claude-none")
    note("file", messages=[{"role": "user", "content": [by_id("document", "file_x")]}])
    note("key", anthropic.Anthropic(base_url=url, api_key="sk-wrong", max_retries=0))
    note("large", messages=[{"role": "user", "content": "x" * 5_000_000}])
    for name in ("denied", "busy", "broken", "overloaded", "late"):
        note(name)
    return told


def main(url: str, theirs: str) -> None:
    client = anthropic.Anthropic(base_url=url, api_key="sk-ann", max_retries=0)
    told: dict[str, Any] = {"version": anthropic.__version__, "errors": refusals(client, url)}
    plain: Any = client.messages.create(model=MODEL, max_tokens=100, system="Be brief.", messages=HELLO)
    assert text_of(plain) and plain._request_id and plain.usage.input_tokens > 0 and plain.usage.output_tokens > 0
    told["plain"] = [plain.type, plain.role, plain.model, plain.stop_reason]
    with client.messages.stream(model=MODEL, max_tokens=100, messages=HELLO) as events:
        pieces = "".join(events.text_stream)
        final: Any = events.get_final_message()
    told["stream"] = [text_of(final) == pieces != "", final.stop_reason, final.usage.output_tokens > 0]
    raw = [event.type for event in client.messages.create(model=MODEL, max_tokens=100, messages=HELLO, stream=True)]
    told["raw"] = [raw[0], raw[-2], raw[-1]]
    beta: Any = client.beta.messages.create(model=MODEL, max_tokens=100, messages=HELLO)
    told["beta"] = beta.stop_reason
    told["steps"] = [steps(client), steps(client, thinking=THINKING)]
    told["loop"] = [loop(client, stream=each) for each in (False, True)]
    told["thinking loop"] = [loop(client, stream=each, thinking=THINKING) for each in (False, True)]
    thought: Any = client.messages.create(model=MODEL, max_tokens=4000, messages=HELLO, thinking=THINKING)
    told["thought"] = [block.type for block in thought.content]
    told["runner"] = [run_tools(client, stream=each) for each in (False, True)]
    form = {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
    parsed = client.messages.create(model=MODEL, max_tokens=4000, messages=HELLO, extra_body=form)
    told["parsed"] = list(json.loads(text_of(parsed)))
    told["files"] = files(client, theirs)
    told["counted"] = client.messages.count_tokens(model=MODEL, messages=HELLO).input_tokens > 0
    told["models"] = [each.id for each in client.models.list(limit=1)]
    told["model"] = client.models.retrieve(SIGNED).display_name
    print(json.dumps(told))


main(*sys.argv[1:])
