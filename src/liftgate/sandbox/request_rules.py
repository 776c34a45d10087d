"""What a well-formed generate request must also obey: ranges, roles, order of turns, what a model can do.

Pure checks on a request that `strict_json` has read; each raises the 400 that Google gives. Files are checked when
they are resolved (`prompt`), thought signatures in `signatures`.
"""

import re
from collections.abc import Iterator
from typing import Any

from liftgate.sandbox.model_facts import ModelFacts
from liftgate.sandbox.refusals import Refusal, field_wrong

ROOT = "GenerateContentRequest"
FUNCTION_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_:.-]{0,127}")
MIME_OUTPUTS = ("text/plain", "application/json", "application/xml", "application/yaml", "text/x.enum")


def check_request(request: dict[str, Any], model: ModelFacts) -> None:
    """All rules for generate calls; raises `Refusal`."""
    if request.get("cachedContent"):
        _check_cached(request)
    contents = request.get("contents", [])
    if not contents:
        raise field_wrong(f"{ROOT}.contents", "contents is not specified")
    for index, content in enumerate(contents):
        _check_content(content, f"{ROOT}.contents[{index}]")
    _check_turns(contents)
    _check_tools(request)
    _check_config(request.get("generationConfig", {}), model)


def _check_cached(request: dict[str, Any]) -> None:
    if any(name in request for name in ("systemInstruction", "tools", "toolConfig")):
        raise Refusal(
            400,
            "CachedContent can not be used with GenerateContent request setting system_instruction, tools or "
            "tool_config.\n\nProposed fix: move those values to CachedContent from GenerateContent request.",
        )
    if not str(request["cachedContent"]).startswith("cachedContents/"):
        raise Refusal(400, "Invalid CachedContent name. Expected 'cachedContents/{id}'.")
    raise Refusal(403, "CachedContent not found (or permission denied)")


def _check_content(content: dict[str, Any], path: str) -> None:
    if content.get("role", "user") not in ("user", "model", "function", ""):
        raise Refusal(400, "Please use a valid role: user, model.")
    parts = content.get("parts", [])
    if not parts:
        raise field_wrong(f"{path}.parts", "contents.parts must not be empty.")
    for index, part in enumerate(parts):
        place = f"{path}.parts[{index}]"
        # A signature alone, or media facts alone, were accepted in recordings.
        if not part:
            raise field_wrong(f"{place}.data", "required oneof field 'data' must have one initialized field")
        for kind in ("functionResponse", "functionCall"):
            if kind in part and not part[kind].get("name"):
                proto = "function_response" if kind == "functionResponse" else "function_call"
                raise field_wrong(f"{place}.{proto}.name", "Name cannot be empty.")
        if "fileData" in part and not part["fileData"].get("fileUri"):
            raise field_wrong(f"{place}.file_data.file_uri", "file_uri is required.")
        if "inlineData" in part and not part["inlineData"].get("mimeType"):
            raise field_wrong(f"{place}.inline_data.mime_type", "mime_type is required.")
        fps = part.get("videoMetadata", {}).get("fps")
        if fps is not None and not 0 < fps <= 24:
            raise field_wrong(f"{place}.video_metadata.fps", "fps must be in the range (0.0, 24.0].")


def _check_turns(contents: list[dict[str, Any]]) -> None:
    """A turn of function calls is answered by as many responses; adjacent contents of one side are one turn."""
    calls = responses = 0
    for index, content in enumerate(contents):
        by_model = content.get("role") == "model"
        if index == 0 or by_model != (contents[index - 1].get("role") == "model"):
            if by_model:
                calls = 0
            responses = 0
        kind = "functionCall" if by_model else "functionResponse"
        count = sum(kind in part for part in content["parts"])
        calls += count if by_model else 0
        responses += 0 if by_model else count
        following = contents[index + 1].get("role") == "model" if index + 1 < len(contents) else True
        if by_model or not responses or not following:
            continue
        if not calls:
            raise Refusal(
                400, "Please ensure that function response turn comes immediately after a function call turn."
            )
        if calls != responses:
            raise Refusal(
                400,
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn.",
            )


def _check_tools(request: dict[str, Any]) -> None:
    names: set[str] = set()
    for tool_index, tool in enumerate(request.get("tools", [])):
        for index, declaration in enumerate(tool.get("functionDeclarations", [])):
            path = f"{ROOT}.tools[{tool_index}].function_declarations[{index}]"
            name = declaration.get("name", "")
            if not FUNCTION_NAME.fullmatch(name):
                raise field_wrong(
                    f"{path}.name",
                    "[Invalid function name. Must start with a letter or an underscore. Must be alphanumeric "
                    "(a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum "
                    "length of 128.",
                )
            if name in names:
                raise Refusal(400, f"Duplicate function declaration found: {name}")
            names.add(name)
            _check_schema(declaration.get("parameters", {}), f"{path}.parameters")
    config = request.get("toolConfig", {}).get("functionCallingConfig", {})
    allowed = config.get("allowedFunctionNames", [])
    if allowed and config.get("mode") not in ("ANY", "VALIDATED"):
        raise Refusal(
            400,
            "Function calling config is set with allowed_function_names but function calling mode is not ANY or "
            "VALIDATED.",
        )
    unknown = [name for name in allowed if name not in names]
    if unknown:
        raise Refusal(400, f"allowed_function_names contains a name that is not declared: {unknown[0]}")


def _check_schema(schema: dict[str, Any], path: str) -> None:
    for place, node in _schemas(schema, path):
        if node.get("type") == "ARRAY" and "items" not in node:
            raise field_wrong(f"{place}.items", "missing field.")
        for index, name in enumerate(node.get("required", [])):
            if name not in node.get("properties", {}):
                raise field_wrong(f"{place}.required[{index}]", "property is not defined")


def _schemas(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _schemas(inner, f"{path}.properties[{name}]")
    if "items" in schema:
        yield from _schemas(schema["items"], f"{path}.items")
    for index, inner in enumerate(schema.get("anyOf", [])):
        yield from _schemas(inner, f"{path}.any_of[{index}]")


RANGES = (
    ("temperature", "temperature", 0.0, 2.0, "[0.0, 2.0]"),
    ("topP", "top_p", 0.0, 1.0, "[0.0, 1.0]"),
    ("candidateCount", "candidate_count", 1, 8, "[1, 8]"),
    ("logprobs", "logprobs", 0, 20, "[0, 20]"),
    ("presencePenalty", "presence_penalty", -2.0, 1.9999999, "[-2.0, 2.0)"),
    ("frequencyPenalty", "frequency_penalty", -2.0, 1.9999999, "[-2.0, 2.0)"),
)


def _check_config(config: dict[str, Any], model: ModelFacts) -> None:
    path = f"{ROOT}.generation_config"
    for name, proto, low, high, shown in RANGES:
        if name in config and not low <= config[name] <= high:
            raise field_wrong(f"{path}.{proto}", f"{proto} must be in the range {shown}.")
    if config.get("maxOutputTokens", 1) < 1:
        raise field_wrong(f"{path}.max_output_tokens", "max_output_tokens must be positive.")
    if config.get("topK", 1) < 1:
        raise field_wrong(f"{path}.top_k", "top_k must be positive.")
    if len(config.get("stopSequences", [])) > 5:
        raise field_wrong(f"{path}.stop_sequences", "at most 5 stop sequences are allowed.")
    if "logprobs" in config and not config.get("responseLogprobs"):
        raise field_wrong(f"{path}.logprobs", "logprobs can only be set when response_logprobs is true.")
    _check_output_form(config, path)
    _check_modalities(config, model)
    _check_thinking(config.get("thinkingConfig", {}), model)


def _check_output_form(config: dict[str, Any], path: str) -> None:
    mime_type = config.get("responseMimeType", "text/plain") or "text/plain"
    if mime_type not in MIME_OUTPUTS:
        raise field_wrong(
            f"{path}.response_mime_type",
            f"allowed mimetypes are `text/plain`, `application/json`, `application/xml`, `application/yaml` and "
            f"`text/x.enum`; got {mime_type}.",
        )
    schemas = [name for name in ("responseSchema", "responseJsonSchema", "_responseJsonSchema") if name in config]
    if schemas and mime_type == "text/plain":
        raise Refusal(
            400, "Function calling with a response mime type: 'text/plain' is unsupported with response schema"
        )
    if "responseSchema" in config and len(schemas) > 1:
        raise field_wrong(f"{path}.response_json_schema", "response_schema must be omitted.")
    _check_schema(config.get("responseSchema", {}), f"{path}.response_schema")


def _check_modalities(config: dict[str, Any], model: ModelFacts) -> None:
    wanted = tuple(sorted(set(config.get("responseModalities", []))))
    if wanted and wanted not in model.outputs:
        accepted = "\n".join(f"* {', '.join(combination)}" for combination in model.outputs)
        raise Refusal(
            400,
            f"The requested combination of response modalities ({', '.join(wanted)}) is not supported by the model. "
            f"models/{model.name} accepts the following combination of response modalities:\n{accepted}\n",
        )


def _check_thinking(config: dict[str, Any], model: ModelFacts) -> None:
    budget, level = config.get("thinkingBudget"), config.get("thinkingLevel")
    if config and not model.thinks and (budget or level or config.get("includeThoughts")):
        raise Refusal(400, f"Thinking is not enabled for models/{model.name}")
    if budget is not None and level is not None:
        raise Refusal(400, "You can only set only one of thinking budget and thinking level.")
    if level is not None and not model.thinking_levels:
        raise Refusal(400, "Thinking level is not supported for this model.")
    if budget == 0 and model.thinks and not model.can_stop_thinking:
        raise Refusal(400, "Budget 0 is invalid. This model only works in thinking mode.")
    if budget is not None and not -1 <= budget <= 65_536:
        raise Refusal(400, f"The thinking budget {budget} is invalid. Please choose a value between -1 and 65536.")
