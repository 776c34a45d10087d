"""For every mapped field of the request a wire example: what a client sends, and the Gemini body by the contracts.

`FIELDS` of an example are rows of `field_table.REQUEST`. The rest of the body is as in `BODY` unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from liftgate.ask.media import ResolvedFile

HI = [{"role": "user", "content": "Hi"}]
SAID = [{"role": "user", "parts": [{"text": "Hi"}]}]
URI = "https://generativelanguage.googleapis.com/v1beta/files/abc"
PNG = "iVBORw0KGgoAAAANSUhEUg=="
JPEG = "/9j/4AAQSkZJRgABAQAAAQABAAA="
MP3 = "SUQzBAAAAAAAAA=="
NO_SIGNATURE = "AAAAAAECAwQFBgcI"
WAV = "UklGRiQAAABXQVZFZm10IA=="
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}}
DECLARED = {"name": "f", "description": "d", "parametersJsonSchema": SCHEMA}
OTHER = {"type": "function", "function": {"name": "g"}}


@dataclass(frozen=True)
class Example:
    """`request` is added to a minimal one; `body` is what must come out beside the contents."""

    fields: str
    request: dict[str, Any]
    body: dict[str, Any] = field(default_factory=dict)
    contents: list[dict[str, Any]] = field(default_factory=lambda: SAID)
    model: str = "gemini-2.5-flash"
    files: dict[str, ResolvedFile] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)


def _sampling(name: str, value: Any, target: str, expected: Any = None, model: str = "gemini-2.5-flash") -> Example:
    out = {"generationConfig": {target: value if expected is None else expected}}
    return Example(name, {name: value}, out, model=model)


def _calling(fields: str, choice: Any, config: dict[str, Any], declared: list[Any] | None = None) -> Example:
    tools = declared if declared is not None else [DECLARED, {"name": "g"}]
    body: dict[str, Any] = {"tools": [{"functionDeclarations": tools}]}
    if config:
        body["toolConfig"] = {"functionCallingConfig": config}
    return Example(f"tools tool_choice {fields}", {"tools": [TOOL, OTHER], "tool_choice": choice}, body)


def _user(fields: str, part: dict[str, Any], expected: dict[str, Any], **more: Any) -> Example:
    messages = [{"role": "user", "content": [{"type": "text", "text": "See"}, part]}]
    contents = [{"role": "user", "parts": [{"text": "See"}, expected]}]
    names = "messages messages[].role messages[].content messages[].content[].type messages[].content[].text "
    return Example(names + fields, {"messages": messages}, contents=contents, **more)


def _history(fields: str, turns: list[Any], contents: list[Any], **more: Any) -> Example:
    return Example(f"messages {fields}", {"messages": [*HI, *turns]}, contents=[*SAID, *contents], **more)


def _google_tool(name: str, tool: dict[str, Any], target: str, value: Any, **config: Any) -> Example:
    body: dict[str, Any] = {"tools": [{target: value}]}
    if config:
        body["toolConfig"] = config
    return Example(f"tools tools[].{name} tools[].type", {"tools": [tool]}, body)


_FILE = "messages[].content[].file messages[].content[].file."
_IMAGE = "messages[].content[].image_url messages[].content[].image_url."
_CALLS = "messages[].tool_calls messages[].tool_calls[].id messages[].tool_calls[].type messages[].tool_call_id"
_PART = "messages[1].content[0]"

PARAMETERS = [
    _sampling("temperature", 0.5, "temperature"),
    _sampling("top_p", 0.25, "topP"),
    _sampling("top_k", 40, "topK"),
    _sampling("max_tokens", 5, "maxOutputTokens"),
    _sampling("max_completion_tokens", 6, "maxOutputTokens"),
    _sampling("n", 2, "candidateCount"),
    _sampling("seed", 7, "seed"),
    _sampling("seed", 2**31 + 7, "seed", 7),
    _sampling("stop", "END", "stopSequences", ["END"]),
    _sampling("stop", ["A", "B"], "stopSequences"),
    _sampling("frequency_penalty", 0.5, "frequencyPenalty", model="gemini-2.0-flash"),
    _sampling("presence_penalty", -0.5, "presencePenalty", model="gemini-2.0-flash"),
    Example("frequency_penalty presence_penalty", {"frequency_penalty": 0, "presence_penalty": 0}),
    Example(
        "logprobs top_logprobs",
        {"logprobs": True, "top_logprobs": 3},
        {"generationConfig": {"responseLogprobs": True, "logprobs": 3}},
    ),
    Example("response_format response_format.type", {"response_format": {"type": "text"}}),
    Example(
        "response_format response_format.type",
        {"response_format": {"type": "json_object"}},
        {"generationConfig": {"responseMimeType": "application/json"}},
    ),
    Example(
        "response_format response_format.json_schema response_format.json_schema.schema"
        " response_format.json_schema.description response_format.json_schema.strict",
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "n", "description": "What it is.", "strict": True, "schema": SCHEMA},
            }
        },
        {
            "generationConfig": {
                "responseMimeType": "application/json",
                "responseJsonSchema": {**SCHEMA, "description": "What it is."},
            }
        },
    ),
    Example(
        "response_format",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}},
        {
            "generationConfig": {
                "responseMimeType": "application/json",
                "responseSchema": {
                    "type": "OBJECT",
                    "properties": {"a": {"type": "STRING"}},
                    "propertyOrdering": ["a"],
                    "required": ["a"],
                },
            }
        },
        model="gemini-1.5-flash",
    ),
    Example(
        "google.tools",
        {"google": {"tools": [{"google_search": {}}]}},
        {"tools": [{"googleSearch": {}}]},
    ),
    Example(
        "response_format.response_schema response_format.enforce_validation",
        {"response_format": {"type": "json_object", "response_schema": SCHEMA, "enforce_validation": True}},
        {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}},
    ),
    Example(
        "reasoning_effort",
        {"reasoning_effort": "disable"},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}},
    ),
    Example(
        "reasoning_effort",
        {"reasoning_effort": "none"},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}},
    ),
    Example(
        "reasoning_effort",
        {"reasoning_effort": "medium"},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 8192, "includeThoughts": True}}},
    ),
    Example(
        "reasoning_effort",
        {"reasoning_effort": "low"},
        {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}}},
        model="gemini-3-flash-preview",
    ),
    Example(
        "thinking",
        {"thinking": {"type": "enabled", "budget_tokens": 512}},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 512, "includeThoughts": True}}},
    ),
    Example(
        "thinking", {"thinking": {"type": "disabled"}}, {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}}
    ),
    Example(
        "modalities",
        {"modalities": ["text", "image"]},
        {"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}},
        model="gemini-2.5-flash-image",
    ),
    Example(
        "modalities audio audio.voice audio.format",
        {"modalities": ["text", "audio"], "audio": {"voice": "Puck", "format": "wav"}},
        {
            "generationConfig": {
                "responseModalities": ["AUDIO"],
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}}},
            }
        },
        model="gemini-2.5-flash-preview-tts",
    ),
    Example(
        "audio audio.voice.id audio.format",
        {"audio": {"voice": {"id": "alloy"}, "format": "pcm16"}},
        {
            "generationConfig": {
                "responseModalities": ["AUDIO"],
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
            }
        },
        model="gemini-2.5-pro-preview-tts",
    ),
    Example("web_search_options", {"web_search_options": {}}, {"tools": [{"googleSearch": {}}]}),
    Example("service_tier", {"service_tier": "auto"}),
    Example("service_tier", {"service_tier": "default"}, {"serviceTier": "standard"}),
    Example("service_tier", {"service_tier": "fast"}, {"serviceTier": "priority"}),
    Example("parallel_tool_calls", {"parallel_tool_calls": True}),
    Example(
        "model stream stream_options stream_options.include_usage",
        {"stream": True, "stream_options": {"include_usage": True}},
    ),
    Example(
        "safety_settings",
        {"safety_settings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
        {"safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]},
    ),
    Example("cached_content", {"cached_content": "cachedContents/x"}, {"cachedContent": "cachedContents/x"}),
    Example(
        "tool_config",
        {"tool_config": {"includeServerSideToolInvocations": True}},
        {"toolConfig": {"includeServerSideToolInvocations": True}},
    ),
    Example("labels", {"labels": {"team": "a"}}, {"labels": {"team": "a"}}),
    Example(
        "generation_config temperature",
        {"temperature": 1, "generation_config": {"image_config": {"aspectRatio": "1:1"}, "topK": 3}},
        {"generationConfig": {"temperature": 1, "imageConfig": {"aspectRatio": "1:1"}, "topK": 3}},
    ),
    Example(
        "generation_config",
        {"mediaResolution": "MEDIA_RESOLUTION_LOW"},
        {"generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_LOW"}},
    ),
    Example(
        "extra_body",
        {"extra_body": {"temperature": 0.1, "topK": 2}},
        {"generationConfig": {"temperature": 0.1, "topK": 2}},
    ),
    Example(
        "extra_body google",
        {
            "extra_body": {
                "google": {"thinking_config": {"include_thoughts": True}, "cached_content": "cachedContents/y"}
            }
        },
        {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}, "cachedContent": "cachedContents/y"},
    ),
    Example("drop_params", {"drop_params": True, "logit_bias": {"50256": -100}}),
    Example("additional_drop_params", {"additional_drop_params": ["seed", "stop"], "seed": 4, "stop": "x"}),
    Example("custom_llm_provider", {"custom_llm_provider": "gemini"}),
    Example("timeout", {"timeout": 30}),
]

TOOLS = [
    Example(
        "tools tools[].type tools[].function tools[].function.name tools[].function.description"
        " tools[].function.parameters",
        {"tools": [TOOL]},
        {"tools": [{"functionDeclarations": [DECLARED]}]},
    ),
    Example(
        "tools[].function.strict",
        {"tools": [{"type": "function", "function": {"name": "f", "strict": True, "parameters": SCHEMA}}]},
        {
            "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}},
        },
    ),
    Example(
        "tools[].custom tools[].custom.name tools[].custom.description tools[].custom.format"
        " tools[].custom.format.type tool_choice tool_choice.type tool_choice.custom tool_choice.custom.name",
        {
            "tools": [
                {"type": "custom", "custom": {"name": "sql", "description": "Runs.", "format": {"type": "text"}}}
            ],
            "tool_choice": {"type": "custom", "custom": {"name": "sql"}},
        },
        {
            "tools": [
                {
                    "functionDeclarations": [
                        {
                            "name": "sql",
                            "description": "Runs.",
                            "parametersJsonSchema": {
                                "type": "object",
                                "properties": {
                                    "input": {"type": "string", "description": "The tool's input, as free text."}
                                },
                                "required": ["input"],
                            },
                        }
                    ]
                }
            ],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["sql"]}},
        },
    ),
    _calling("tool_choice.type", "none", {"mode": "NONE"}),
    _calling("tool_choice.type", "auto", {}),
    _calling("tool_choice.type", "required", {"mode": "ANY"}),
    _calling(
        "tool_choice.type tool_choice.function tool_choice.function.name",
        {"type": "function", "function": {"name": "g"}},
        {"mode": "ANY", "allowedFunctionNames": ["g"]},
    ),
    _calling(
        "tool_choice.allowed_tools tool_choice.allowed_tools.mode tool_choice.allowed_tools.tools",
        {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
        },
        {"mode": "ANY", "allowedFunctionNames": ["f"]},
    ),
    _calling(
        "tool_choice.allowed_tools tool_choice.allowed_tools.mode",
        {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "name": "g"}]}},
        {},
        declared=[{"name": "g"}],
    ),
    Example(
        "functions functions[].name functions[].description functions[].parameters function_call function_call.name",
        {"functions": [{"name": "f", "description": "d", "parameters": SCHEMA}], "function_call": {"name": "f"}},
        {
            "tools": [{"functionDeclarations": [DECLARED]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        },
    ),
    _google_tool("googleSearch", {"type": "web_search"}, "googleSearch", {}),
    _google_tool("googleSearch", {"google_search": {}}, "googleSearch", {}),
    _google_tool("urlContext", {"type": "url_context"}, "urlContext", {}),
    _google_tool("codeExecution", {"codeExecution": {}}, "codeExecution", {}),
    _google_tool(
        "googleMaps",
        {"googleMaps": {"latitude": 52.5, "longitude": 13.4, "enableWidget": True}},
        "googleMaps",
        {"enableWidget": True},
        retrievalConfig={"latLng": {"latitude": 52.5, "longitude": 13.4}},
    ),
    _google_tool(
        "fileSearch",
        {"type": "file_search", "fileSearchStoreNames": ["fileSearchStores/a"]},
        "fileSearch",
        {"fileSearchStoreNames": ["fileSearchStores/a"]},
    ),
    _google_tool(
        "computerUse",
        {"computer_use": {"environment": "ENVIRONMENT_BROWSER"}},
        "computerUse",
        {"environment": "ENVIRONMENT_BROWSER"},
    ),
    _google_tool("mcpServers", {"mcpServers": [{"name": "m"}]}, "mcpServers", [{"name": "m"}]),
    _google_tool("googleSearchRetrieval", {"googleSearchRetrieval": {}}, "googleSearchRetrieval", {}),
    _google_tool(
        "functionDeclarations",
        {"functionDeclarations": [{"name": "h", "behavior": "BLOCKING"}]},
        "functionDeclarations",
        [{"name": "h", "behavior": "BLOCKING"}],
    ),
]

PARTS = [
    _user(
        _IMAGE + "url",
        {"type": "image_url", "image_url": {"url": f"data:image/jpg;base64,{NO_SIGNATURE}"}},
        {"inlineData": {"mimeType": "image/jpeg", "data": NO_SIGNATURE}},
    ),
    _user(
        _IMAGE + "url",
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{JPEG}"}},
        {"inlineData": {"mimeType": "image/jpeg", "data": JPEG}},
    ),
    _user(
        _IMAGE + "detail",
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}},
        {"inlineData": {"mimeType": "image/png", "data": PNG}, "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"}},
        model="gemini-3-flash-preview",
    ),
    _user(
        _IMAGE + "detail",
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "high"}},
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        body={"generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_HIGH"}},
    ),
    _user(
        _IMAGE + "format",
        {"type": "image_url", "image_url": {"url": f"data:;base64,{PNG}", "format": "image/webp"}},
        {"inlineData": {"mimeType": "image/webp", "data": PNG}},
    ),
    _user(
        _IMAGE + "url",
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        files={"messages[0].content[1].image_url.url": ResolvedFile(mime_type="image/png", data=PNG)},
    ),
    _user(
        "messages[].content[].video_url",
        {"type": "video_url", "video_url": {"url": "https://www.youtube.com/watch?v=x"}},
        {"fileData": {"fileUri": "https://www.youtube.com/watch?v=x"}},
    ),
    _user(
        "messages[].content[].audio_url",
        {"type": "audio_url", "audio_url": {"url": f"data:audio/x-wav;base64,{WAV}"}},
        {"inlineData": {"mimeType": "audio/wav", "data": WAV}},
    ),
    _user(
        "messages[].content[].input_audio messages[].content[].input_audio.data"
        " messages[].content[].input_audio.format",
        {"type": "input_audio", "input_audio": {"data": NO_SIGNATURE, "format": "mp3"}},
        {"inlineData": {"mimeType": "audio/mpeg", "data": NO_SIGNATURE}},
    ),
    _user(
        "messages[].content[].input_audio messages[].content[].input_audio.format",
        {"type": "input_audio", "input_audio": {"data": MP3, "format": "wav"}},
        {"inlineData": {"mimeType": "audio/mpeg", "data": MP3}},
    ),
    _user(
        "messages[].content[].input_audio",
        {"type": "input_audio", "input_audio": {"data": WAV}},
        {"inlineData": {"mimeType": "audio/wav", "data": WAV}},
    ),
    _user(
        _FILE + "file_id",
        {"type": "file", "file": {"file_id": "file-abc"}},
        {"fileData": {"mimeType": "audio/wav", "fileUri": URI}},
        files={"messages[0].content[1].file.file_id": ResolvedFile(mime_type="audio/wav", uri=URI)},
    ),
    _user(
        _FILE + "file_data",
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PNG}", "filename": "a.png"}},
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
    ),
    _user(
        _FILE + "filename",
        {"type": "file", "file": {"file_data": NO_SIGNATURE, "filename": "a.pdf"}},
        {"inlineData": {"mimeType": "application/pdf", "data": NO_SIGNATURE}},
    ),
    _user(
        _FILE + "filename",
        {"type": "file", "file": {"file_data": PNG, "filename": "a.pdf"}},
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
    ),
    _user(
        _FILE + "format",
        {"type": "file", "file": {"file_data": PNG, "filename": "a.pdf", "format": "audio/x-wav"}},
        {"inlineData": {"mimeType": "audio/wav", "data": PNG}},
    ),
    _user(
        _FILE + "file_url",
        {"type": "file", "file": {"file_url": "gs://bucket/a.mp4", "format": "video/mp4"}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://bucket/a.mp4"}},
    ),
    _user(
        _FILE + "detail",
        {"type": "file", "file": {"file_data": PNG, "format": "image/png", "detail": "medium"}},
        {"inlineData": {"mimeType": "image/png", "data": PNG}, "mediaResolution": {"level": "MEDIA_RESOLUTION_MEDIUM"}},
        model="gemini-3.5-flash",
    ),
    _user(
        _FILE + "video_metadata",
        {
            "type": "file",
            "file": {"file_id": "file-abc", "video_metadata": {"fps": 2, "start_offset": "1.5s", "end_offset": 9}},
        },
        {
            "fileData": {"mimeType": "video/mp4", "fileUri": URI},
            "videoMetadata": {"fps": 2, "startOffset": "1.5s", "endOffset": "9s"},
        },
        files={"messages[0].content[1].file.file_id": ResolvedFile(mime_type="video/mp4", uri=URI)},
    ),
]


def _call(signature: str | None = None) -> dict[str, Any]:
    call: dict[str, Any] = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":"b"}'}}
    return call if signature is None else {**call, "extra_content": {"google": {"thought_signature": signature}}}


def _model(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


_RESULT = {"role": "tool", "tool_call_id": "call_1", "content": '{"t": 21}'}
_RESPONSE = {"functionResponse": {"id": "call_1", "name": "f", "response": {"t": 21}}}
_CALLED = {"functionCall": {"id": "call_1", "name": "f", "args": {"a": "b"}}}
_FUNCTION = (
    "messages[].tool_calls[].function messages[].tool_calls[].function.name messages[].tool_calls[].function.arguments "
)

HISTORY = [
    Example(
        "messages[].role messages[].content",
        {"messages": [{"role": "system", "content": "S"}, {"role": "developer", "content": "D"}, *HI]},
        {"systemInstruction": {"parts": [{"text": "S"}, {"text": "D"}]}},
    ),
    _history("messages[].role", [{"role": "assistant", "content": "Yo"}], [_model({"text": "Yo"})]),
    _history(
        "messages[].refusal messages[].content[].refusal",
        [
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
            {"role": "assistant", "content": None, "refusal": "Never."},
        ],
        [_model({"text": "No."}), _model({"text": "Never."})],
    ),
    _history(
        "messages[].audio messages[].audio.data",
        [{"role": "assistant", "content": None, "audio": {"id": "audio_1", "data": WAV}}],
        [_model({"inlineData": {"mimeType": "audio/wav", "data": WAV}})],
    ),
    _history(
        "messages[].images messages[].extra_content",
        [
            {
                "role": "assistant",
                "content": "Here",
                "images": [
                    {
                        "type": "image_url",
                        "image_url": {"url": f"data:image/png;base64,{PNG}"},
                        "extra_content": {"google": {"thought_signature": "c2ln"}},
                    }
                ],
            }
        ],
        [_model({"text": "Here"}, {"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": "c2ln"})],
    ),
    _history(
        "messages[].reasoning_content messages[].extra_content",
        [
            {
                "role": "assistant",
                "content": "So",
                "reasoning_content": "Hm",
                "extra_content": {"google": {"thought_signature": "c2ln"}},
            }
        ],
        [_model({"text": "Hm", "thought": True}, {"text": "So", "thoughtSignature": "c2ln"})],
    ),
    _history(
        f"{_CALLS} {_FUNCTION}",
        [{"role": "assistant", "content": None, "tool_calls": [_call()]}, _RESULT],
        [_model({**_CALLED, "thoughtSignature": "a2VwdA=="}), {"role": "user", "parts": [_RESPONSE]}],
        signatures={"call_1": "a2VwdA=="},
        model="gemini-3-flash-preview",
    ),
    _history(
        f"{_CALLS} messages[].tool_calls[].extra_content",
        [{"role": "assistant", "tool_calls": [_call("c2ln")]}, _RESULT],
        [_model({**_CALLED, "thoughtSignature": "c2ln"}), {"role": "user", "parts": [_RESPONSE]}],
        signatures={"call_1": "a2VwdA=="},
    ),
    _history(
        f"{_CALLS} messages[].tool_calls[].custom messages[].tool_calls[].custom.name"
        " messages[].tool_calls[].custom.input",
        [
            {
                "role": "assistant",
                "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "s", "input": "go"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "plain words"},
        ],
        [
            _model({"functionCall": {"id": "c", "name": "s", "args": {"input": "go"}}}),
            {
                "role": "user",
                "parts": [{"functionResponse": {"id": "c", "name": "s", "response": {"output": "plain words"}}}],
            },
        ],
    ),
    _history(
        "messages[].function_call messages[].function_call.name messages[].function_call.arguments",
        [
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}},
            {"role": "function", "name": "f", "content": "[1,2]"},
        ],
        [
            _model({"functionCall": {"name": "f", "args": {}}}),
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": [1, 2]}}}]},
        ],
    ),
]

EXAMPLES = [*PARAMETERS, *TOOLS, *PARTS, *HISTORY]
