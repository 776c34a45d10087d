"""38 configs like those that operators of LiteLLM have: as many entries, of the same providers, with the same settings.

Made from a table: entries, how many of them are Gemini's, what stops or bends each, and how its
chats ended: answered, and of a model that Google no longer has. Names, values and everything else are our own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from gateways import SandboxServer

TABLE = """
C1 7/2 O; C2 5/3 KO; C3 5/3 KO; C4 45/6 O; C5 306/31 OF; C6 8/1 CAKO; C7 31/8 O; C8 9/2 O; C9 3/1 BOD;
C10 13/2 O; C11 2/1 O; C12 11/3 O; C13 34/3 OF; C14 2/1 O; C15 4/2 OD; C16 2/2 P; C17 12/2 OXD;
C18 12/2 BOD; C19 9/3 BOD; C20 16/7 BOD; C21 5/3 O; C22 46/2 OF; C23 3/1 O; C24 6/2 O; C25 7/7 -;
C26 4/1 O; C27 7/1 OF; C28 7/1 OF; C29 13/3 OF; C30 6/1 O; C31 5/3 ICO; C32 1/1 -; C33 9/2 BOD;
C34 7/1 OF; C35 3/1 OF; C36 3/1 OF; C37 15/1 O; C38 4/1 O
"""
"""O other providers, F fallbacks, B budget, D database_url, K no key for Gemini in the file, C own callback, A own
auth, I include, X fallbacks in a form that LiteLLM refuses too, P api_base with a path."""

LIVE = ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3.5-flash", "gemini-2.5-flash-lite")
RETIRED = ("gemini-1.5-flash", "gemini-1.5-pro", "gemini-1.0-pro")

PROVIDERS = (
    *(
        "openai/gpt-4o",
        "openrouter/google/gemini-2.5-pro",
        "groq/llama-3.3-70b",
        "mistral/mistral-large",
        "gpt-4o-mini",
    ),
    *("nvidia_nim/meta/llama3", "ollama/qwen3", "cerebras/llama3.1-8b", "anthropic/claude-sonnet", "azure/gpt-4o"),
    *(
        "github/gpt-4o",
        "vertex_ai/gemini-2.5-pro",
        "ollama_chat/gemma3",
        "bedrock/anthropic.claude",
        "text-embedding-3-small",
    ),
)


def switch_off(sandbox: SandboxServer) -> None:
    """Has Gemini answer as it does for models that it no longer has: the sandbox serves all of a family."""
    for model in RETIRED:
        said = f"models/{model} is not found for API version v1beta, or is not supported for generateContent."
        body = {"error": {"code": 404, "message": said, "status": "NOT_FOUND"}}
        for operation in ("generate", "stream", "countTokens"):
            order = {"kind": "status", "operation": operation, "model": model, "code": 404, "body": body, "times": None}
            sandbox.control("faults", order)


@dataclass
class Config:
    """`document`: the file. `included`: those it includes, by name. `environ`: what its operator sets; nothing of other
    providers is among it. `stops`: places that the refusal must name, until `mend` has taken them out.
    """

    name: str
    document: dict[str, Any]
    included: dict[str, dict[str, Any]] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    stops: list[str] = field(default_factory=list)

    def mend(self) -> None:
        """Does what the sentences ask for: takes out what stops."""
        for place in self.stops:
            section, _, name = place.partition(".")
            self.document[section].pop(name)


def configs(base: str) -> Iterator[Config]:
    """All 38. `base`: Gemini's address."""
    others = cycle(PROVIDERS)
    for number, row in enumerate(TABLE.replace("\n", " ").split(";"), start=1):
        name, counts, marks = row.split()
        entries, of_gemini = (int(count) for count in counts.split("/"))
        yield _config(name, number, entries, of_gemini, marks, others, base)


def _config(
    name: str, number: int, entries: int, of_gemini: int, marks: str, others: Iterator[str], base: str
) -> Config:
    config = Config(name, {}, environ={"GEMINI_API_BASE": base, "LITELLM_SALT_KEY": "salt"})
    models = [_of_gemini(config, number, index, marks, base) for index in range(of_gemini)]
    models += [_of_another(index, next(others)) for index in range(entries - of_gemini)]
    # As in files that people keep: Gemini's stand among the others.
    config.document["model_list"] = models[1::2] + models[0::2]
    _settings(config, number, marks, models)
    return config


def _of_gemini(config: Config, number: int, index: int, marks: str, base: str) -> dict[str, Any]:
    # 20 of the 118 entries of Gemini name a model that Google switched off.
    retired = (number + index) % 6 == 1
    model = RETIRED[index % len(RETIRED)] if retired else LIVE[index % len(LIVE)]
    params: dict[str, Any] = {"model": f"gemini/{model}"}
    if "K" in marks:
        # The file names no key: it is found in the environment.
        config.environ["GEMINI_API_KEY"] = "key-of-the-environment"
    else:
        params["api_key"] = "os.environ/GEMINI_API_KEY"
        config.environ["GEMINI_API_KEY"] = "key-of-gemini"
    if "P" in marks:
        params["api_base"] = f"{base}/v1beta"
    if number % 9 == 0:
        params["max_tokens"] = 256
    if number % 19 == 0:
        params["temperature"] = 0.2
    if number % 6 == 1:
        params |= {"rpm": 60, "tpm": 100000}
    entry: dict[str, Any] = {"model_name": f"g-{model}-{index}", "litellm_params": params}
    if number % 4 == 1:
        entry["model_info"] = {"mode": "chat", "max_tokens": 8192, "supports_vision": True, "input_cost_per_token": 0}
    return entry


def _of_another(index: int, model: str) -> dict[str, Any]:
    provider = model.partition("/")[0].upper()
    return {
        "model_name": f"{model.rpartition('/')[2]}-{index}",
        "litellm_params": {"model": model, "api_key": f"os.environ/{provider}_API_KEY", "max_budget": None, "rpm": 10},
        "model_info": {"team_id": "theirs", "access_groups": ["beta"]},
    }


def _settings(config: Config, number: int, marks: str, models: list[dict[str, Any]]) -> None:
    names = [model["model_name"] for model in models]
    general: dict[str, Any] = {}
    litellm: dict[str, Any] = {"drop_params": True}
    router: dict[str, Any] = {}
    config.document |= {"general_settings": general, "litellm_settings": litellm, "router_settings": router}
    _usual_settings(config, number, names)
    for mark, place, value in (
        ("C", "litellm_settings.callbacks", "my_hooks.handler"),
        ("A", "general_settings.custom_auth", "my_auth.check"),
        ("X", "litellm_settings.fallbacks", [f"{names[0]}: {names[-1]}"]),
    ):
        if mark in marks:
            section, _, name = place.partition(".")
            config.document[section][name] = value
            config.stops.append(place)
    if "B" in marks:
        litellm["max_budget"] = 100
    if "F" in marks:
        litellm["fallbacks"] = [{names[0]: [names[-1], names[1]]}, {names[-1]: [names[0]]}]
    if "D" in marks:
        general["database_url"] = "postgresql://llm:geheim@db:5432/litellm?schema=public&connection_limit=10"
    if "I" in marks:
        config.included["models.yaml"] = {"model_list": config.document["model_list"]}
        config.document |= {"include": ["models.yaml"], "model_list": None}


def _usual_settings(config: Config, number: int, names: list[str]) -> None:
    """Each about as often as it was met: routing_strategy 22 times, master_key 21, set_verbose 20 …"""
    general, litellm, router = (
        config.document[section] for section in ("general_settings", "litellm_settings", "router_settings")
    )
    if number % 2 or number in (6, 12):
        general["master_key"] = "os.environ/LITELLM_MASTER_KEY"
        config.environ["LITELLM_MASTER_KEY"] = "sk-the-master-key-1"
    if number % 5 < 3:
        router["routing_strategy"] = "simple-shuffle" if number % 3 == 0 else "usage-based-routing-v2"
    if number % 2 == 0:
        litellm["set_verbose"] = number % 4 == 0
        general["set_verbose"] = False
    if number % 3 == 0:
        litellm |= {"success_callback": ["langfuse"], "cache": number % 2 == 0, "json_logs": True}
        litellm["cache_params"] = {"type": "redis", "host": "os.environ/REDIS_HOST"}
    if number % 4 == 0:
        litellm["budget_duration"] = "30d"
    if number % 5 == 0:
        router |= {"redis_host": "os.environ/REDIS_HOST", "redis_password": "os.environ/REDIS_PASSWORD"}
    if number % 9 == 4:
        general |= {"store_model_in_db": True, "alerting": ["slack"]}
    if number in (4, 12, 21):
        router["model_group_alias"] = {"gpt-4": names[0]}
        litellm["context_window_fallbacks"] = [{names[0]: names[1:2]}]
