"""What the sandbox's models answer: facts of each kind of media, forms of output, tools, streams."""

import base64
import hashlib
import io
import json
from random import Random  # noqa: TID251 - seeded, for reproducible data
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

import media_samples as samples
from liftgate.sandbox.media.timed_media import Timing, timing
from sandbox_wire import Wire, events_of, file_part, text_of

FLASH, THIRD = "gemini-2.5-flash", "gemini-3.5-flash"
TTS, DRAWING = "gemini-2.5-flash-preview-tts", "gemini-2.5-flash-image"
MEDIA: dict[str, tuple[str, bytes, list[str]]] = {
    "wav": ("audio/wav", samples.wav(1.5, 22050, 2), ["1.500 s", "22050 Hz", "2 channels"]),
    "mp3": ("audio/mpeg", samples.mp3(100), ["44100 Hz", "1 channel"]),
    "flac": ("audio/flac", samples.flac(3, 44100, 2), ["3.000 s", "44100 Hz", "2 channels"]),
    "ogg": ("audio/ogg", samples.ogg_vorbis(4, 48000, 1), ["4.000 s", "48000 Hz", "1 channel"]),
    "png": ("image/png", samples.png(31, 17), ["31x17 pixels"]),
    "jpeg": ("image/jpeg", samples.jpeg(320, 200), ["320x200 pixels"]),
    "webp": ("image/webp", samples.webp(300, 100), ["300x100 pixels"]),
    "pdf": ("application/pdf", samples.pdf(3), ["3 pages"]),
    "mp4": ("video/mp4", samples.mp4(12), ["12.000 s"]),
    "text": ("text/plain", "Grüße aus dem Text".encode(), ["Grüße aus dem Text"]),
    "no media at all": ("audio/wav", b"not a wav", ["9 bytes"]),
    # Begins like a frame of MP3 and has none.
    "aac": ("audio/aac", b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(300), ["307 bytes"]),
    "a frame of no version": ("audio/mpeg", b"\xff\xea\x90\x64" + bytes(300), ["304 bytes"]),
    "a rate beyond measure": (
        "audio/aiff",
        b"FORM\0\0\0\x40AIFFCOMM\0\0\0\x12" + b"\0\1\0\0\0\1\0\x10\x7f\xff" + b"\xff" * 8,
        ["38 bytes"],
    ),
}


@pytest.mark.parametrize(
    "magic", [b"RIFF", b"fLaC", b"OggS", b"\0\0\0\x20ftyp", b"ID3", b"FORM", b"\xff\xfb", b"\xff\xf1"]
)
def test_a_duration_is_found_or_not_and_never_fails(magic: bytes) -> None:
    """Whatever stands behind a magic; bytes from a seed."""
    random = Random(3)
    for size in (0, 1, 8, 40, 200, 5000):
        for _ in range(60):
            found = timing(io.BytesIO(magic + random.randbytes(size)))
            assert found is None or isinstance(found, Timing)


@pytest.mark.parametrize("name", MEDIA)
@pytest.mark.parametrize("way", ["inline", "uploaded"])
def test_the_answer_tells_the_facts_of_the_bytes(sandbox: Wire, name: str, way: str) -> None:
    mime_type, content, facts = MEDIA[name]
    part: dict[str, Any] = {"inlineData": {"mimeType": mime_type, "data": base64.b64encode(content).decode()}}
    if way == "uploaded":
        file = sandbox.upload(content, mime_type)
        sandbox.control("POST", f"files/{file['name'][6:]}", state="ACTIVE")
        part = file_part(file)
    answer = sandbox.ask(FLASH, "What is it?", part)
    assert answer.status == 200, answer.body
    text = text_of(answer.json())
    for fact in [mime_type, f"{len(content)} bytes", hashlib.sha256(content).hexdigest(), "What is it?", *facts]:
        assert fact in text


def test_a_gif_is_refused_as_google_refuses_it(sandbox: Wire) -> None:
    data = base64.b64encode(samples.gif(9, 5)).decode()
    answer = sandbox.ask(FLASH, "What is it?", {"inlineData": {"mimeType": "image/gif", "data": data}})
    assert answer.status == 400 and "image/gif" in answer.json()["error"]["message"]


def test_every_file_of_every_turn_is_named_in_order(sandbox: Wire) -> None:
    first, second = sandbox.upload(b"one"), sandbox.upload(b"two")
    contents = [
        {"role": "user", "parts": [file_part(first), {"text": "Keep this"}]},
        {"role": "model", "parts": [{"text": "Kept"}]},
        {"role": "user", "parts": [{"text": "And now?"}, file_part(second)]},
    ]
    body = {"contents": contents, "systemInstruction": {"parts": [{"text": "Be brief"}]}}
    text = text_of(sandbox.call("POST", f"/v1beta/models/{FLASH}:generateContent", body).json())
    assert text.index(hashlib.sha256(b"one").hexdigest()) < text.index(hashlib.sha256(b"two").hexdigest())
    assert "received 2 files" in text and "Be brief" in text and "Prompt: And now?" in text


def test_files_inside_a_function_response_are_read(sandbox: Wire) -> None:
    file = sandbox.upload(b"from the tool")
    part = {"file_data": {"file_uri": file["uri"], "mime_type": "text/plain"}}
    contents = [
        {"role": "user", "parts": [{"text": "go"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"r": "é"}, "parts": [part]}}]},
    ]
    body = {"contents": contents}
    text = text_of(sandbox.call("POST", f"/v1beta/models/{FLASH}:generateContent", body).json())
    assert "from the tool" in text and 'Function f answered: {"r": "é"}' in text


def config(**fields: Any) -> dict[str, Any]:
    return {"generationConfig": fields}


def test_max_output_tokens_cuts_the_text(sandbox: Wire) -> None:
    answer = sandbox.ask(FLASH, "hello", **config(maxOutputTokens=5)).json()
    assert answer["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert answer["usageMetadata"]["candidatesTokenCount"] == 5
    assert text_of(answer) == text_of(sandbox.ask(FLASH, "hello").json())[:20]


def test_thinking_may_use_up_all_tokens(sandbox: Wire) -> None:
    thinking = {"thinkingBudget": 100}
    answer = sandbox.ask(FLASH, "hello", **config(maxOutputTokens=5, thinkingConfig=thinking)).json()
    assert answer["candidates"][0]["content"] == {"role": "model"}
    assert answer["candidates"][0]["finishReason"] == "MAX_TOKENS"
    assert answer["usageMetadata"]["thoughtsTokenCount"] == 5


def test_stop_sequence_ends_the_text_before_itself(sandbox: Wire) -> None:
    answer = sandbox.ask(FLASH, "one STOPHERE two", **config(stopSequences=["STOPHERE"])).json()
    assert text_of(answer).endswith("Prompt: one ")
    assert answer["candidates"][0]["finishReason"] == "STOP"


def test_candidates_are_as_many_as_asked_for(sandbox: Wire) -> None:
    answer = sandbox.ask(FLASH, "hello", **config(candidateCount=3)).json()
    assert [candidate["index"] for candidate in answer["candidates"]] == [0, 1, 2]
    texts = [candidate["content"]["parts"][0]["text"] for candidate in answer["candidates"]]
    assert len(set(texts)) == 3
    assert answer["usageMetadata"]["candidatesTokenCount"] == sum(-(-len(text) // 4) for text in texts)


def test_thoughts_are_parts_of_their_own(sandbox: Wire) -> None:
    answer = sandbox.ask(FLASH, "hello", **config(thinkingConfig={"includeThoughts": True})).json()
    parts = answer["candidates"][0]["content"]["parts"]
    assert [part.get("thought") for part in parts] == [True, None]
    assert answer["usageMetadata"]["thoughtsTokenCount"] > 0


SCHEMAS: dict[str, dict[str, Any]] = {
    "object": {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 3}, "s": {"type": "string", "maxLength": 4}},
        "required": ["n", "s"],
        "additionalProperties": False,
    },
    "references": {
        "$defs": {"item": {"type": "object", "properties": {"kind": {"const": "x"}}, "required": ["kind"]}},
        "type": "array",
        "items": {"$ref": "#/$defs/item"},
        "minItems": 2,
    },
    "alternatives": {"anyOf": [{"type": "null"}, {"type": "number"}]},
    "types": {"type": ["integer", "null"], "maximum": -5},
    "recursion": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "child": {"$ref": "#"}},
        "required": ["name"],
    },
    "texts": {
        "type": "object",
        "properties": {
            "day": {"type": "string", "format": "date"},
            "code": {"type": "string", "pattern": "^[A-Z]{2}$"},
            "long": {"type": "string", "minLength": 500},
            "colour": {"enum": ["red", "green"]},
        },
        "required": ["day", "code", "long", "colour"],
    },
    "decimal": {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_json_output_is_valid_under_its_schema(sandbox: Wire, name: str) -> None:
    form = config(responseMimeType="application/json", responseJsonSchema=SCHEMAS[name])
    answer = sandbox.ask(FLASH, "hello", **form)
    Draft202012Validator(SCHEMAS[name]).validate(json.loads(text_of(answer.json())))


def test_openapi_schema_is_followed_and_carries_the_answer(sandbox: Wire) -> None:
    file = sandbox.upload(b"content")
    schema = {
        "type": "OBJECT",
        "properties": {"b": {"type": "STRING"}, "a": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "2"}},
        "propertyOrdering": ["b", "a"],
        "required": ["a", "b"],
    }
    form = config(responseMimeType="application/json", responseSchema=schema)
    value = json.loads(text_of(sandbox.ask(FLASH, "x", file_part(file), **form).json()))
    assert list(value) == ["b", "a"] and value["a"] == [0, 0]
    assert hashlib.sha256(b"content").hexdigest() in value["b"]


def test_json_without_schema_lists_the_files(sandbox: Wire) -> None:
    file = sandbox.upload(b"content")
    answer = sandbox.ask(FLASH, "x", file_part(file), **config(responseMimeType="application/json"))
    assert json.loads(text_of(answer.json())) == {
        "prompt": "x",
        "files": [{"mimeType": "text/plain", "sizeBytes": 7, "sha256": hashlib.sha256(b"content").hexdigest()}],
    }


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "string", "pattern": "^very special$"}, "no text found for the pattern"),
        ({"type": "object", "properties": 5}, ""),
        ({"type": "string", "pattern": "("}, ""),
        ({"type": "array", "minItems": "many"}, ""),
    ],
)
def test_a_schema_that_cannot_be_met_is_refused(sandbox: Wire, schema: dict[str, Any], why: str) -> None:
    form = config(responseMimeType="application/json", responseJsonSchema=schema)
    refused = sandbox.ask(FLASH, "hello", **form)
    assert (refused.status, refused.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "finds no value for this schema: " + why in refused.json()["error"]["message"]


def test_speech_is_pcm_of_24_khz(sandbox: Wire) -> None:
    speech = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}
    answer = sandbox.ask(TTS, "Say hello", **config(responseModalities=["AUDIO"], speechConfig=speech)).json()
    data = answer["candidates"][0]["content"]["parts"][0]["inlineData"]
    assert data["mimeType"] == "audio/L16;codec=pcm;rate=24000"
    pcm = base64.b64decode(data["data"])
    assert len(pcm) >= 24_000 * 2 * 0.3 and any(pcm)
    assert answer["usageMetadata"]["candidatesTokensDetails"][0]["modality"] == "AUDIO"


def test_a_picture_is_a_real_png(sandbox: Wire) -> None:
    answer = sandbox.ask(DRAWING, "Draw", **config(responseModalities=["TEXT", "IMAGE"])).json()
    text, data = answer["candidates"][0]["content"]["parts"]
    assert "Prompt: Draw" in text["text"]
    image = Image.open(io.BytesIO(base64.b64decode(data["inlineData"]["data"])))
    assert (image.format, image.size) == ("PNG", (64, 64))
    image.load()


def test_logprobs_spell_the_text(sandbox: Wire) -> None:
    answer = sandbox.ask("gemini-2.0-flash", "hello", **config(responseLogprobs=True, logprobs=3)).json()
    candidate = answer["candidates"][0]
    chosen = candidate["logprobsResult"]["chosenCandidates"]
    assert "".join(item["token"] for item in chosen) == text_of(answer)
    total = candidate["logprobsResult"]["logProbabilitySum"]
    assert total == pytest.approx(sum(item["logProbability"] for item in chosen))
    assert candidate["avgLogprobs"] == pytest.approx(total / len(chosen))
    for step, item in zip(candidate["logprobsResult"]["topCandidates"], chosen, strict=True):
        assert len(step["candidates"]) == 3 and step["candidates"][0] == item


FUNCTIONS: dict[str, Any] = {
    "tools": [
        {
            "functionDeclarations": [
                {"name": "weather", "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}}},
                {"name": "clock"},
            ]
        }
    ]
}


def test_the_prompt_says_which_functions_are_called(sandbox: Wire) -> None:
    prompt = 'call weather({"city": "Zürich (CH)"}) then call clock() and call unknown({})'
    answer = sandbox.ask(FLASH, prompt, **FUNCTIONS).json()
    assert [part["functionCall"] for part in answer["candidates"][0]["content"]["parts"]] == [
        {"name": "weather", "args": {"city": "Zürich (CH)"}},
        {"name": "clock", "args": {}},
    ]
    assert answer["candidates"][0]["finishReason"] == "STOP"


def test_modes_force_and_forbid_calls(sandbox: Wire) -> None:
    forced = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["clock"]}}
    answer = sandbox.ask(FLASH, "hello", **FUNCTIONS, toolConfig=forced).json()
    assert answer["candidates"][0]["content"]["parts"] == [{"functionCall": {"name": "clock", "args": {}}}]
    forbidden = {"functionCallingConfig": {"mode": "NONE"}}
    answer = sandbox.ask(FLASH, "call clock()", **FUNCTIONS, toolConfig=forbidden).json()
    assert "Prompt: call clock()" in text_of(answer)


def called(wire: Wire) -> dict[str, Any]:
    """The model's content with two parallel calls of a gemini-3 model."""
    answer = wire.ask(THIRD, 'call weather({"city": "a"}) call weather({"city": "b"})', **FUNCTIONS).json()
    content: dict[str, Any] = answer["candidates"][0]["content"]
    assert answer["candidates"][0]["finishMessage"] == "Model generated function call(s)."
    return content


def follow_up(wire: Wire, content: dict[str, Any], *more: dict[str, Any]) -> Any:
    results = [
        {"functionResponse": {"name": "weather", "response": {"n": index}}} for index in range(len(content["parts"]))
    ]
    contents = [{"role": "user", "parts": [{"text": "go"}]}, content, {"role": "user", "parts": results}, *more]
    return wire.call("POST", f"/v1beta/models/{THIRD}:generateContent", {"contents": contents} | FUNCTIONS)


def test_signatures_come_on_the_first_call_and_must_come_back(sandbox: Wire) -> None:
    content = called(sandbox)
    assert ["thoughtSignature" in part for part in content["parts"]] == [True, False]
    assert all(part["functionCall"]["id"] for part in content["parts"])
    assert follow_up(sandbox, content).status == 200
    signature = content["parts"][0].pop("thoughtSignature")
    missing = follow_up(sandbox, content)
    assert (missing.status, missing.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert missing.message.startswith("Function call is missing a thought_signature in functionCall parts.")
    content["parts"][0]["functionCall"]["args"] = {"city": "other"}
    content["parts"][0]["thoughtSignature"] = signature
    assert follow_up(sandbox, content).message == "Thought signature is not valid."


@pytest.mark.parametrize("word", ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"])
@pytest.mark.parametrize("encoded", [True, False])
def test_documented_skip_values_are_taken(sandbox: Wire, word: str, encoded: bool) -> None:
    content = called(sandbox)
    content["parts"][0]["thoughtSignature"] = base64.b64encode(word.encode()).decode() if encoded else word
    assert follow_up(sandbox, content).status == 200


def test_signatures_of_earlier_turns_are_not_demanded(sandbox: Wire) -> None:
    content = called(sandbox)
    del content["parts"][0]["thoughtSignature"]
    done = {"role": "model", "parts": [{"text": "done"}]}
    assert follow_up(sandbox, content, done, {"role": "user", "parts": [{"text": "next"}]}).status == 200


def test_grounding_offsets_are_bytes(sandbox: Wire) -> None:
    answer = sandbox.ask(FLASH, "Wie spät?", tools=[{"googleSearch": {}}]).json()
    text = text_of(answer)
    metadata = answer["candidates"][0]["groundingMetadata"]
    segment = metadata["groundingSupports"][0]["segment"]
    assert text.encode()[segment["startIndex"] : segment["endIndex"]].decode() == segment["text"]
    assert text.index(segment["text"]) != segment["startIndex"]
    assert metadata["webSearchQueries"] == ["Wie spät?"]
    assert len(metadata["groundingChunks"]) == 2
    assert answer["usageMetadata"]["candidatesTokenCount"] == -(-len(text) // 4)


def test_code_execution_gives_code_and_result(sandbox: Wire) -> None:
    parts = sandbox.ask(FLASH, "12345", tools=[{"codeExecution": {}}]).json()["candidates"][0]["content"]["parts"]
    assert parts[0]["executableCode"] == {"language": "PYTHON", "code": "print(len('12345'))\n"}
    assert parts[1]["codeExecutionResult"] == {"outcome": "OUTCOME_OK", "output": "5\n"}
    assert "12345" in parts[2]["text"]


def test_url_context_names_the_urls(sandbox: Wire) -> None:
    answer = sandbox.ask(FLASH, "Read https://example.com/a", tools=[{"urlContext": {}}]).json()
    assert answer["candidates"][0]["urlContextMetadata"]["urlMetadata"] == [
        {"retrievedUrl": "https://example.com/a", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"}
    ]


@pytest.mark.parametrize("model", [FLASH, THIRD])
def test_a_stream_adds_up_to_the_unstreamed_answer(sandbox: Wire, model: str) -> None:
    request = config(thinkingConfig={"includeThoughts": True}) | {"tools": [{"googleSearch": {}}]}
    plain = sandbox.ask(model, "Tell me – in words – more", **request).json()
    events = events_of(sandbox.ask(model, "Tell me – in words – more", stream=True, **request))
    assert "".join(text_of(event) for event in events) == text_of(plain)
    last = events[-1]
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert last["usageMetadata"] == plain["usageMetadata"]
    assert last["candidates"][0]["groundingMetadata"] == plain["candidates"][0]["groundingMetadata"]
    counts = [event["usageMetadata"].get("candidatesTokenCount", 0) for event in events]
    assert counts == sorted(counts)
    if model == THIRD:
        # As recorded: the signature of a text comes alone, on an empty last delta.
        delta = last["candidates"][0]["content"]["parts"]
        assert delta == [
            {"text": "", "thoughtSignature": plain["candidates"][0]["content"]["parts"][-1]["thoughtSignature"]}
        ]


def test_function_calls_of_a_stream_come_whole(sandbox: Wire) -> None:
    events = events_of(sandbox.ask(FLASH, 'call weather({"city": "a"}) call clock()', stream=True, **FUNCTIONS))
    calls = [part["functionCall"] for event in events for part in event["candidates"][0]["content"]["parts"]]
    assert calls == [{"name": "weather", "args": {"city": "a"}}, {"name": "clock", "args": {}}]


def test_the_sandbox_hears_where_it_has_ears(make_sandbox: Any) -> None:
    wire = make_sandbox(listen=lambda path: f"{path.stat().st_size} bytes of speech")
    content = samples.wav(0.1, 8000, 1)
    file = wire.upload(content, "audio/wav")
    assert f"Heard: '{len(content)} bytes of speech'" in text_of(
        wire.ask(FLASH, "What is said?", file_part(file)).json()
    )
