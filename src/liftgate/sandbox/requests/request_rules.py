"""What a well-formed generate request must also obey: parts, ranges, what a model can do.

Pure checks on a request that `strict_json` has read; each raises the 400 that Google gives. The order of turns is in
`turn_rules`, tools and schemas are in `tool_rules`; files are checked when they are resolved (`prompt`), thought
signatures in `signatures`.
"""

from liftgate.sandbox.requests.json_schema_rules import check_json_schema
from liftgate.sandbox.requests.model_facts import ModelFacts
from liftgate.sandbox.requests.refusals import Refusal, field_wrong
from liftgate.sandbox.requests.tool_rules import ROOT, check_schema, check_tools
from liftgate.sandbox.requests.turn_rules import check_turns
from liftgate.sandbox.wire.json_types import JsonObject

MIME_OUTPUTS = ("text/plain", "application/json", "application/xml", "application/yaml", "text/x.enum")


def check_request(request: JsonObject, model: ModelFacts) -> None:
    """All rules for generate calls; raises `Refusal`."""
    if request.get("cachedContent"):
        _check_cached(request)
    contents = request.get("contents", [])
    if not contents:
        raise field_wrong(f"{ROOT}.contents", "contents is not specified")
    for index, content in enumerate(contents):
        _check_content(content, f"{ROOT}.contents[{index}]")
    check_turns(contents, model)
    check_tools(request, model)
    _check_config(request.get("generationConfig", {}), model)


def _check_cached(request: JsonObject) -> None:
    if any(name in request for name in ("systemInstruction", "tools", "toolConfig")):
        raise Refusal(
            400,
            "CachedContent can not be used with GenerateContent request setting system_instruction, tools or "
            "tool_config.\n\nProposed fix: move those values to CachedContent from GenerateContent request.",
        )
    if not str(request["cachedContent"]).startswith("cachedContents/"):
        raise Refusal(400, "Invalid CachedContent name. Expected 'cachedContents/{id}'.")
    raise Refusal(403, "CachedContent not found (or permission denied)")


def _check_content(content: JsonObject, path: str) -> None:
    if content.get("role", "user") not in ("user", "model", "function", "tool", ""):
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


RANGES = (
    ("temperature", "temperature", 0.0, 2.0, "[0.0, 2.0]"),
    ("topP", "top_p", 0.0, 1.0, "[0.0, 1.0]"),
    ("candidateCount", "candidate_count", 1, 8, "[1, 8]"),
    ("logprobs", "logprobs", 0, 20, "[0, 20]"),
    ("presencePenalty", "presence_penalty", -2.0, 1.9999999, "[-2.0, 2.0)"),
    ("frequencyPenalty", "frequency_penalty", -2.0, 1.9999999, "[-2.0, 2.0)"),
)


def _check_config(config: JsonObject, model: ModelFacts) -> None:
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
    _check_abilities(config, model)
    _check_output_form(config, model, path)
    _check_modalities(config, model)
    _check_thinking(config.get("thinkingConfig", {}), model)


def _check_abilities(config: JsonObject, model: ModelFacts) -> None:
    """Sentences as people report them; a penalty of 0 passes (docs/protocol/openai.md, "LiteLLM")."""
    if config.get("candidateCount", 1) > model.candidates:
        raise Refusal(400, "Multiple candidates is not enabled for this model")
    if not model.penalties and (config.get("presencePenalty") or config.get("frequencyPenalty")):
        raise Refusal(400, f"Penalty is not enabled for models/{model.name}")
    if not model.logprobs and config.get("responseLogprobs"):
        raise Refusal(400, f"Logprobs is not enabled for models/{model.name}")


def _check_output_form(config: JsonObject, model: ModelFacts, path: str) -> None:
    mime_type = config.get("responseMimeType", "text/plain") or "text/plain"
    if mime_type == "application/json" and not model.json_mode:
        raise Refusal(400, f"JSON mode is not enabled for models/{model.name}")
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
    check_schema(config.get("responseSchema", {}), f"{path}.response_schema")
    check_json_schema(config.get("responseJsonSchema"))


def _check_modalities(config: JsonObject, model: ModelFacts) -> None:
    # Absent modalities mean text, which a model of speech does not give (12 of 12 recorded).
    speaks = model.outputs == (("AUDIO",),)
    wanted = tuple(sorted(set(config.get("responseModalities", [])))) or (("TEXT",) if speaks else ())
    if wanted and wanted not in model.outputs:
        accepted = "\n".join(f"* {', '.join(combination)}" for combination in model.outputs)
        raise Refusal(
            400,
            f"The requested combination of response modalities ({', '.join(wanted)}) is not supported by the model. "
            f"models/{model.name} accepts the following combination of response modalities:\n{accepted}\n",
        )


def _check_thinking(config: JsonObject, model: ModelFacts) -> None:
    budget, level = config.get("thinkingBudget"), config.get("thinkingLevel")
    if config and not model.thinks and (budget or level or config.get("includeThoughts")):
        raise Refusal(400, f"Thinking is not enabled for models/{model.name}")
    if budget is not None and level is not None:
        raise Refusal(400, "You can only set only one of thinking budget and thinking level.")
    if level is not None and not model.levels:
        raise Refusal(400, "Thinking level is not supported for this model.")
    if level not in (None, "THINKING_LEVEL_UNSPECIFIED", *model.levels):
        raise Refusal(400, f"Thinking level {level} is not supported for this model.")
    if budget is not None and not model.takes_budget:
        raise Refusal(400, "Thinking budget is not supported for this model.")
    if budget == 0 and model.thinks and not model.can_stop_thinking:
        raise Refusal(400, "Budget 0 is invalid. This model only works in thinking mode.")
    if budget is not None and not -1 <= budget <= 65_536:
        raise Refusal(400, f"The thinking budget {budget} is invalid. Please choose a value between -1 and 65536.")
