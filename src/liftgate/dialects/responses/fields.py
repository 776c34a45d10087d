"""What becomes of every field, item, part, tool and `include`: mapped, refused by name, or ignored for a stated reason.

The readers act on the rows of REQUEST, ITEMS and TOOLS that are refused or ignored (a refused one raises its very
note), and docs/responses.md is printed from all of them. A test walks OpenAI's schema and fails for what has no row.
"""

from __future__ import annotations

from liftgate.dialects.fates import Fate, Row, rows

REQUEST: tuple[Row, ...] = (
    *rows(
        "mapped",
        ("model", "the deployments of that public name"),
        ("input", "contents; system and developer messages: systemInstruction, behind `instructions`"),
        ("instructions", "systemInstruction"),
        ("stream", "streamGenerateContent"),
        ("stream_options", "include_obfuscation is taken; no padding is sent. Other keys are refused"),
        ("temperature", "generationConfig.temperature, 0 to 2"),
        ("top_p", "generationConfig.topP"),
        ("presence_penalty", "generationConfig.presencePenalty (Open Responses')"),
        ("frequency_penalty", "generationConfig.frequencyPenalty (Open Responses')"),
        ("max_output_tokens", "generationConfig.maxOutputTokens; also below 16"),
        ("top_logprobs", "generationConfig.logprobs, with responseLogprobs, where the model gives them"),
        ("text", "its format; see below"),
        ("text.format", "text; json_object and json_schema: responseMimeType and responseJsonSchema"),
        ("tools", "see the table of tools; the answer repeats those that OpenAI's types know"),
        (
            "tool_choice",
            "toolConfig.functionCallingConfig; one of Google's tools only where it is the only tool; none: no tool of "
            "Google's either",
        ),
        ("parallel_tool_calls", "false: of several calls in an answer the first"),
        ("reasoning", "generationConfig.thinkingConfig; without it no reasoning items are sent"),
        ("reasoning.effort", "thinkingLevel, or thinkingBudget for 2.5"),
        ("reasoning.summary", "thinkingConfig.includeThoughts: reasoning items with the summary"),
        ("reasoning.generate_summary", "as reasoning.summary"),
        ("include", "see the table of includes"),
        ("service_tier", "serviceTier: default is standard, fast is priority; scale and ultrafast are refused"),
        ("drop_params", "what this model cannot do is left out instead of refused (LiteLLM's)"),
        ("additional_drop_params", "these are left out; names or dotted paths (LiteLLM's)"),
        ("google", "Gemini's own fields, as in Google's OpenAI layer for chats; also without it"),
        ("timeout", "seconds, within the gateway's own (LiteLLM's)"),
        ("metadata", "repeated in the answer; up to 16 texts"),
        ("user", "repeated in the answer"),
        ("safety_identifier", "repeated in the answer; at most 128 characters"),
        ("prompt_cache_key", "repeated in the answer; Gemini caches equal beginnings by itself"),
        ("store", "false: nothing is kept"),
        ("previous_response_id", "the items of that response and of those before it, in front of the input"),
        ("conversation", "its items in front of the input"),
        ("background", "true: answered at once with `queued`, made by any process, asked for by its id; only stored"),
        (
            "truncation",
            "auto: where Gemini finds too many tokens, the first whole turns are left out, as few as must be by its "
            "count; the instructions and the last turn stay",
        ),
    ),
    *rows(
        "refused",
        ("background_options", "Gemini has no cheaper time; a completion window of `soonest` is accepted"),
        ("access_programs", "OpenAI's programs have no counterpart at Gemini; `standard` is accepted"),
        ("image", "images are not compressed here: say `detail` in each part; `auto` and `disabled` are accepted"),
        ("max_tool_calls", "Gemini has no limit for the tools that it runs itself; accepted where there are none"),
        ("prompt", "no templates are kept here"),
        ("moderation", "no moderation model stands behind Liftgate; see safety_settings"),
        (
            "context_management",
            "compact a history with POST /v1/responses/compact, or see truncation; an empty list is accepted",
        ),
    ),
    *rows(
        "ignored",
        ("client_metadata", "what a coding tool says of itself; the answer does not depend on it"),
        ("prompt_cache_retention", "a hint for OpenAI's cache; Gemini caches equal beginnings by itself"),
        ("prompt_cache_options", "a hint for OpenAI's cache; Gemini caches equal beginnings by itself"),
        ("cache_control", "a hint for Anthropic's cache, here and in tools, items and parts"),
        ("cache_control_injection_points", "LiteLLM's, where to put cache_control"),
        ("text.verbosity", "Gemini has no such setting; say it in words"),
        ("reasoning.mode", "Gemini has no such setting"),
        ("reasoning.context", "what earlier turns thought is sent back by signature wherever it is known"),
    ),
)

ITEMS: tuple[Row, ...] = (
    *rows(
        "mapped",
        ("message", "user: contents; assistant: the model's turn; system, developer: systemInstruction"),
        (
            "reasoning",
            "the thought signatures in `encrypted_content`; one that cannot be opened is dropped with a warning, and "
            "summaries go to no model",
        ),
        ("function_call", "functionCall, with the thought signature that was sealed, or is kept for its id"),
        ("function_call_output", "functionResponse; files among its parts inside it, or behind it in a user content"),
        ("custom_tool_call", "functionCall of one text"),
        ("custom_tool_call_output", "functionResponse"),
        (
            "item_reference",
            "the item that is kept under this id; 404 where none is. One that the request goes on from is read once",
        ),
        ("code_interpreter_call", "Gemini's own parts where they were sealed; else code and logs, as text"),
        ("image_generation_call", "inlineData of the model's turn"),
        ("mcp_call", "as text of the model's turn"),
        ("compaction", "the summary that it seals, as a turn of the user's and one of the model's"),
    ),
    *rows(
        "refused",
        ("compaction_trigger", "compact a history with POST /v1/responses/compact"),
        ("mcp_approval_request", "Gemini runs MCP tools by itself, without a step of approval"),
        ("mcp_approval_response", "Gemini runs MCP tools by itself, without a step of approval"),
        ("computer_call", "computer use is not translated"),
        ("computer_call_output", "computer use is not translated"),
        ("local_shell_call", "declare a function instead"),
        ("local_shell_call_output", "declare a function instead"),
        ("shell_call", "declare a function instead"),
        ("shell_call_output", "declare a function instead"),
        ("apply_patch_call", "declare a function instead"),
        ("apply_patch_call_output", "declare a function instead"),
        ("tool_search_call", "Gemini gets all tools at once"),
        ("tool_search_output", "Gemini gets all tools at once"),
        ("additional_tools", "Gemini gets all tools at once, in `tools`"),
        ("configuration_update", "an answer has one configuration, that of the request"),
        ("program", "Gemini runs no programs that call tools"),
        ("program_output", "Gemini runs no programs that call tools"),
    ),
    *rows(
        "ignored",
        ("web_search_call", "what was found stands in the answer's text; Gemini's own parts where they were sealed"),
        ("file_search_call", "what was found stands in the answer's text; a warning in the log"),
        ("mcp_list_tools", "Gemini asks the server itself; a warning in the log"),
    ),
)

PARTS: tuple[Row, ...] = rows(
    "mapped",
    ("input_text", "parts[].text"),
    ("input_image", "inlineData or fileData of `image_url` (https, data, YouTube, gs) or `file_id`; `detail`"),
    ("input_file", "`file_id` (any type that Gemini takes, video and audio too), `file_data`, `file_url`, `filename`"),
    ("input_video", "`video_url` or `file_id` (Open Responses'); also `video_metadata`"),
    ("input_audio", "inlineData (not in OpenAI's schema)"),
    ("output_text", "parts[].text of the model's turn"),
    ("refusal", "parts[].text of the model's turn"),
)

TOOLS: tuple[Row, ...] = (
    *rows(
        "mapped",
        (
            "function",
            "functionDeclarations; `strict`: calling mode VALIDATED; `output_schema`: responseJsonSchema; `async` and "
            "`defer_loading` are refused where they are true",
        ),
        ("custom", "a function of one string, shown as a custom call again; a grammar is refused"),
        ("namespace", "its functions as `namespace__name`, shown with both names again"),
        (
            "web_search",
            "googleSearch; domains are refused; `external_web_access: false` leaves it out with a warning, "
            "`user_location` and `search_context_size` have no effect",
        ),
        ("web_search_2025_08_26", "as web_search"),
        ("web_search_preview", "as web_search"),
        ("web_search_preview_2025_03_11", "as web_search"),
        ("code_interpreter", "codeExecution; `container.file_ids` as fileData in front of the input"),
        ("file_search", "fileSearch, `vector_store_ids` as stores; filters and ranking are refused"),
        ("image_generation", "image output, where the model gives it"),
        (
            "mcp",
            "mcpServers; only with `require_approval: never`. `authorization` and what `headers` say are not repeated "
            "and not stored: one in the background has them until it ends",
        ),
    ),
    *rows(
        "refused",
        ("computer", "computer use is not translated"),
        ("computer_use", "computer use is not translated"),
        ("computer_use_preview", "computer use is not translated"),
        ("local_shell", "declare a function instead"),
        ("shell", "declare a function instead"),
        ("apply_patch", "declare a function instead"),
        ("tool_search", "Gemini gets all tools at once"),
        ("programmatic_tool_calling", "Gemini runs no programs that call tools"),
    ),
)

INCLUDES: tuple[Row, ...] = (
    *rows(
        "mapped",
        ("message.output_text.logprobs", "responseLogprobs, where the model gives them"),
        ("web_search_call.action.sources", "the addresses that Google Search found"),
        ("code_interpreter_call.outputs", "what the code printed, and its images"),
        ("file_search_call.results", "the passages that were found"),
        ("reasoning.encrypted_content", "reasoning items that carry the thought signatures, under the owner's seal"),
        (
            "message.input_image.image_url",
            "where input items are listed: images that came as data, as they came; no effect on an answer",
        ),
    ),
    *rows(
        "ignored",
        ("web_search_call.results", "Gemini gives sources and no results"),
        ("computer_call_output.output.image_url", "input is not part of an answer"),
    ),
)


def _reasons(table: tuple[Row, ...], fate: Fate) -> dict[str, str]:
    return {row.field: row.note for row in table if row.fate == fate}


REFUSED = _reasons(REQUEST, "refused")
IGNORED = _reasons(REQUEST, "ignored")
REFUSED_ITEMS = _reasons(ITEMS, "refused")
REFUSED_TOOLS = _reasons(TOOLS, "refused")
INCLUDED = tuple(row.field for row in INCLUDES)

MOVED = {
    "messages": "input",
    "response_format": "text.format",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
    "functions": "tools",
    "function_call": "tool_choice",
}
"""Chat's parameters that have another place here."""
