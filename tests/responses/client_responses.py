"""The official client's Responses against a gateway, unstored: `python client_responses.py URL`. Prints JSON.

Run under the client's 2.x and 3.x: plain, its stream helper, tools over three turns with its own items sent back,
parsed output streamed and not, a file by id and by data, tokens counted, and its error classes.
"""

import base64
import json
import sys
from typing import Any

import openai
from pydantic import BaseModel

MODEL = "gemini-2.5-flash"
STEPS = 3
TOOL: Any = {
    "type": "function",
    "name": "look",
    "description": "Looks.",
    "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]},
    "strict": False,
}


class Count(BaseModel):
    n: int


def loop(client: openai.OpenAI, *, stream: bool) -> list[str]:
    """Three turns with a call, each answered and sent back as the client holds it. The kinds of the last input."""
    items: list[Any] = [{"role": "user", "content": "Look around."}]
    for step in range(STEPS):
        given: Any = {"model": MODEL, "input": items, "tools": [TOOL], "tool_choice": "required", "store": False}
        if stream:
            with client.responses.stream(**given) as events:
                seen = [event.type for event in events]
                response: Any = events.get_final_response()
            assert "response.function_call_arguments.delta" in seen, seen
        else:
            response = client.responses.create(**given)
        items += [item.model_dump(exclude_none=True) for item in response.output]
        for item in response.output:
            if item.type == "function_call":
                assert item.call_id.startswith("call_") and json.loads(item.arguments)
                items.append({"type": "function_call_output", "call_id": item.call_id, "output": f"step {step}"})
    last = client.responses.create(model=MODEL, input=items, tools=[TOOL], tool_choice="none", store=False)
    assert last.output_text
    return [item.get("type", "message") for item in items]


def main(url: str) -> None:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="sk-ann", max_retries=0)
    told: dict[str, Any] = {"version": openai.__version__}
    plain = client.responses.create(model=MODEL, input="Hello", instructions="Be brief.", store=False)
    told["plain"] = [plain.status, bool(plain.output_text), plain.usage is not None and plain.usage.total_tokens > 0]
    with client.responses.stream(model=MODEL, input="Hello", store=False) as events:
        pieces = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        told["stream"] = events.get_final_response().output_text == pieces != ""
    raw = list(client.responses.create(model=MODEL, input="Hello", store=False, stream=True))
    told["raw"] = [raw[0].type, raw[-1].type]
    told["loop"] = [loop(client, stream=False), loop(client, stream=True)]
    parsed = client.responses.parse(model=MODEL, input="Count", text_format=Count, store=False)
    told["parsed"] = isinstance(parsed.output_parsed, Count)
    with client.responses.stream(model=MODEL, input="Count", text_format=Count, store=False) as events:
        told["parsed in a stream"] = isinstance(events.get_final_response().output_parsed, Count)
    file = client.files.create(file=("a.txt", b"hello from a file"), purpose="user_data")
    data = "data:text/plain;base64," + base64.b64encode(b"inline").decode()
    content: Any = [
        {"type": "input_file", "file_id": file.id},
        {"type": "input_file", "file_data": data, "filename": "b.txt"},
        {"type": "input_text", "text": "What is in these files?"},
    ]
    answer = client.responses.create(model=MODEL, input=[{"role": "user", "content": content}], store=False)
    told["files"] = "2 files" in answer.output_text
    counted = client.responses.input_tokens.count(model=MODEL, input="Hello")
    told["counted"] = counted.input_tokens > 0
    try:
        client.responses.create(model=MODEL, input="x", store=False, previous_response_id="resp_none")
    except openai.BadRequestError as error:
        told["refused"] = [error.code, error.param]
    print(json.dumps(told))


main(sys.argv[1])
