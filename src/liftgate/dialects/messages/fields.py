"""What becomes of every field, content block and tool of Anthropic's: mapped, refused by name, or ignored for a stated
reason.

The readers act on the rows that are refused or ignored (a refused one raises its very note), and docs/anthropic.md is
printed from all of them. A test walks the types of Anthropic's client and fails for what has no row.
"""

from __future__ import annotations

from liftgate.dialects.fates import Fate, Row, rows

REQUEST: tuple[Row, ...] = (
    *rows(
        "mapped",
        ("model", "the deployments of that public name, or of an alias (`model_group_alias`)"),
        ("messages", "contents; user, assistant and system, of which several may follow one another"),
        ("max_tokens", "generationConfig.maxOutputTokens, at most the model's own limit; 0 is refused"),
        (
            "messages[].clear_at",
            "of a system message; next_user_message: it is left out once a user's message follows it",
        ),
        ("messages[].output_config", "of a system message: its effort, in the turn that is being answered"),
        ("system", "systemInstruction, a text or text blocks; Claude Code's line for Anthropic's billing is left out"),
        ("stream", "streamGenerateContent"),
        ("stop_sequences", "generationConfig.stopSequences, at most 5; the answer's end cannot say which one it was"),
        ("temperature", "generationConfig.temperature, 0 to 2, in both API versions"),
        ("top_p", "generationConfig.topP"),
        ("top_k", "generationConfig.topK"),
        ("thinking", "generationConfig.thinkingConfig; see below"),
        ("thinking.budget_tokens", "thinkingBudget within the model's range; a level where the model takes no budget"),
        ("thinking.display", "omitted: thinking blocks have a signature and no text; else Gemini's summaries"),
        ("output_config", "its effort and format"),
        ("output_config.effort", "thinkingLevel or thinkingBudget; xhigh and max are the model's highest"),
        ("output_config.format", "responseMimeType and responseJsonSchema, the schema as it is"),
        ("output_format", "as output_config.format (an older beta's)"),
        ("tools", "see the table of tools"),
        ("tool_choice", "toolConfig.functionCallingConfig; none: no tool of Google's either"),
        ("tool_choice.disable_parallel_tool_use", "true: the first call of an answer is shown, and others are not"),
        ("service_tier", "auto: nothing; standard_only: serviceTier standard"),
        ("speed", "fast: serviceTier priority; standard: nothing"),
        ("drop_params", "what cannot be honoured is left out instead of refused, and named in the log (LiteLLM's)"),
        ("additional_drop_params", "these are left out; names or dotted paths (LiteLLM's)"),
        ("timeout", "seconds, within the gateway's own (LiteLLM's)"),
    ),
    *rows(
        "refused",
        ("output_config.task_budget", "Gemini has no budget over several requests"),
        ("inference_geo", "where a model runs cannot be promised here; null and 'global' are accepted"),
        ("container", "Google's code runs in a sandbox without a name and without skills; null is accepted"),
        ("mcp_servers", "Gemini runs MCP tools by itself, without steps that a Message could show"),
        ("compaction", "histories are not summarized here"),
        ("thread", "each request holds the whole history here; always refused, in the words that clients go on from"),
        ("fallbacks", "which models stand in for others is the operator's to say"),
        ("fallback_credit_token", "which models stand in for others is the operator's to say"),
    ),
    *rows(
        "ignored",
        ("thinking.block_binding", "a thinking block is bound to its owner and its model here, and to no conversation"),
        ("metadata", "a label of the end user's"),
        ("cache_control", "Gemini caches equal beginnings by itself"),
        ("diagnostics", "asks about Anthropic's cache only"),
        ("context_management", "nothing of the history is cleared: that costs tokens and loses nothing"),
        ("billing_policy", "says who pays at Anthropic"),
    ),
)

BLOCKS: tuple[Row, ...] = (
    *rows(
        "mapped",
        ("text", "parts[].text; an empty one is left out; citations of earlier answers are not sent"),
        ("image", "inlineData or fileData of its source: base64, url or file"),
        ("document", "the same, of any type that Gemini reads, sound and film too; text and content sources: their text"
                     " and parts. Title and context go in front"),
        ("search_result", "its source, title and texts, as text"),
        ("container_upload", "fileData, where the request has a code_execution tool; else refused"),
        (
            "tool_use",
            "functionCall, with the thought signature of its thinking block, else the one kept for its id; an `input` "
            "that is no object is one text",
        ),
        ("tool_result", "functionResponse, in the order of the calls; `is_error` as `error`; files inside it, or behind"
                        " it in a user content"),
        ("tool_reference", "the tool's name, as text of the result that it stands in: Gemini gets all tools at once"),
        ("thinking", "a thought, and signatures for the calls behind it; what another service signed is left out"),
        ("server_tool_use", "code_execution: executableCode. Others go with their results"),
        ("code_execution_tool_result", "codeExecutionResult"),
        ("bash_code_execution_tool_result", "what was printed, as text of the model's turn"),
        ("text_editor_code_execution_tool_result", "as text of the model's turn"),
        ("web_search_tool_result", "ours: Gemini's own parts of the search; others' are left out, with a warning"),
    ),
    *rows(
        "refused",
        ("browser_state", "browser tools are not translated"),
        ("mcp_tool_use", "MCP servers are not asked at this door"),
        ("mcp_tool_listing", "MCP servers are not asked at this door"),
        ("mcp_tool_result", "MCP servers are not asked at this door"),
        ("advisor_tool_result", "Gemini has no advisor"),
        ("compaction", "histories are not summarized here"),
        ("fallback", "which models stand in for others is the operator's to say"),
        ("tool_addition", "Gemini gets all tools at once, in `tools`"),
        ("tool_removal", "Gemini gets all tools at once, in `tools`"),
    ),
    *rows(
        "ignored",
        ("redacted_thinking", "what another service sealed cannot be read here"),
        ("tool_search_tool_result", "Gemini gets all tools at once"),
        ("web_fetch_tool_result", "what was read stands in the answer's text; a warning in the log"),
    ),
)  # fmt: skip

TOOLS: tuple[Row, ...] = (
    *rows(
        "mapped",
        ("custom", "functionDeclarations with parametersJsonSchema; `strict`: calling mode VALIDATED; `input_examples`"
                   " go into the description"),
        ("web_search", "googleSearch, of any date; domains and `user_location` are refused, `max_uses` is ignored"),
        ("web_fetch", "urlContext; domains are refused, limits are ignored"),
        ("code_execution", "codeExecution: Python only"),
        ("bash", "a function with Anthropic's published input, which the client runs"),
        ("text_editor", "the same"),
        ("memory", "the same"),
    ),
    *rows(
        "refused",
        ("computer", "computer use is not translated"),
        ("computer_toolset", "computer use is not translated"),
        ("browser_toolset", "browser tools are not translated"),
        ("tool_search_tool_bm25", "Gemini gets all tools at once"),
        ("tool_search_tool_regex", "Gemini gets all tools at once"),
        ("advisor", "Gemini has no advisor"),
        ("mcp_toolset", "MCP servers are not asked at this door"),
    ),
)  # fmt: skip


def reasons(table: tuple[Row, ...], fate: Fate) -> dict[str, str]:
    return {row.field: row.note for row in table if row.fate == fate}


REFUSED = reasons(REQUEST, "refused")
IGNORED = reasons(REQUEST, "ignored")
REFUSED_BLOCKS = reasons(BLOCKS, "refused")
IGNORED_BLOCKS = reasons(BLOCKS, "ignored")
REFUSED_TOOLS = reasons(TOOLS, "refused")
