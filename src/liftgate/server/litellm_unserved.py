"""What LiteLLM's proxy has and this gateway does not: the 404 for such a path says what to use in its place.

docs/from-litellm.md has the same table; a test holds it to this one.
"""

from __future__ import annotations

from collections.abc import Mapping

_OWNER = "a team is one owner: give its keys its `team_id` (/key/generate, /key/update)"
_BUDGET = "write the budget into the key or its owner (/key/update, /user/update, /team/update)"
_CONFIG = "the config file says it; it is read at the start"
_MODELS = "model_list of the config has the models; /model/info shows them"
_METRICS = "/metrics counts it (`metrics: true`)"
_DAYS = "GET /user/daily/activity and /liftgate/usage have it by day, owner, model and key"
_NO_ROWS = "usage is summed, and each request is a line of the access log (`access_log`, `json_logs`)"
_PAGE = "the page is at /ui"

LITELLM_UNSERVED: Mapping[str, str] = {
    "key/health": "GET /key/info shows a key",
    **dict.fromkeys(
        ("team/block", "team/unblock"), "/key/block blocks a key, and a `max_budget` of 0 (/team/update) stops them all"
    ),
    **dict.fromkeys(
        ("team/member_add", "team/member_delete", "team/member_update", "team/bulk_member_add", "team/available"),
        _OWNER,
    ),
    "team/model": "`models` of each key says what it may ask (/key/update)",
    **dict.fromkeys(("team/permissions_list", "team/permissions_update"), "`key_type` says what a key may"),
    "team/key/bulk_update": "POST /key/bulk_update is",
    "v2/team/list": "GET /team/list is",
    **dict.fromkeys(
        ("user/block", "user/unblock"), "/key/block blocks a key, and a `max_budget` of 0 (/user/update) stops them all"
    ),
    "user/available_roles": "`key_type` says what a key may",
    "user/bulk_update": "POST /user/update changes one owner",
    "user/get_users": "GET /user/list is",
    "user/available_users": "GET /user/list is",
    "user/daily/activity/aggregated": "GET /user/daily/activity is",
    "budget": _BUDGET,
    **dict.fromkeys(("customer", "end_user"), "a key or an owner stands for each customer (/key/generate, /user/new)"),
    **dict.fromkeys(("organization", "project"), "owners have none above them; a key may name a user and a team"),
    "tag": "`tags` of a key are kept and shown",
    **dict.fromkeys(("model/new", "model/update", "model/delete"), _MODELS),
    "model/metrics": _METRICS,
    "v2/model/info": "GET /v1/model/info is",
    "model_group/make_public": _MODELS,
    "public/model_hub": _MODELS,
    "spend/tags": _DAYS,
    "spend/logs/v2": _NO_ROWS,
    "spend/logs/ui": _NO_ROWS,
    "spend/logs/session": _NO_ROWS,
    "provider/budgets": "GET /global/spend shows the gateway's own budget",
    **dict.fromkeys(("global/spend/logs", "global/spend/provider", "global/spend/end_users"), _DAYS),
    **dict.fromkeys(("global/spend/tags", "global/spend/all_tag_names", "global/all_end_users"), _DAYS),
    "global/spend/reset": "POST /key/{key}/reset_spend is, of one key",
    "global/spend/refresh": "sums are there within seconds",
    "global/predict": "what is spent in a window, and its end, are in /key/info, /user/info and /global/spend",
    "key/daily/activity": _DAYS,
    "management": "a key or an owner stands for each customer (/key/generate, /user/new)",
    **dict.fromkeys(("global/activity/exceptions", "global/activity/cache_hits"), _METRICS),
    **dict.fromkeys(("health/services", "health/history", "health/latest", "health/test_connection"), "GET /health is"),
    **dict.fromkeys(("config", "get/config", "router/settings", "settings", "credentials"), _CONFIG),
    **dict.fromkeys(("callbacks", "active/callbacks"), "`metrics`, `traces_endpoint` and `json_logs` tell of calls"),
    "cache": "answers are not cached",
    **dict.fromkeys(("guardrails", "apply_guardrail", "policies"), "Liftgate has no guardrails"),
    **dict.fromkeys(("mcp", "mcp-rest", "v1/mcp", "agents", "a2a"), "tools are the client's"),
    "audit": "audit events are lines of the log",
    **dict.fromkeys(("sso", "login", "onboarding", "invitation"), _PAGE),
    "utils/token_counter": "POST /v1/chat/completions/input_tokens is",
    "utils/supported_openai_params": "GET /model/info says what a model can do",
    "utils/transform_request": "",
    **dict.fromkeys(("rerank", "v1/rerank", "v2/rerank", "ocr", "search", "rag"), ""),
    "gemini": "/v1beta/… is, with the same keys, by Google's own clients",
    **dict.fromkeys(("vertex_ai", "openai_passthrough", "anthropic"), "it is a gateway of Gemini's"),
}
"""What a path begins with → what does the like of it here."""


def litellm_reason(path: str) -> str:
    """Empty for a path that LiteLLM does not have either. The longest beginning counts."""
    pieces = path.strip("/").split("/", 4)
    for length in range(min(4, len(pieces)), 0, -1):
        name = "/".join(pieces[:length])
        if name in LITELLM_UNSERVED:
            instead = LITELLM_UNSERVED[name]
            return f"/{name} of LiteLLM's is not served here{f'; {instead}' if instead else ''}."
    return ""
