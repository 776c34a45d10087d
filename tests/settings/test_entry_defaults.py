"""Parameters of an entry of `model_list`: one that every chat would be refused for ends the start, and one that a
request cannot have is left out of it, since its client never said it. Names of an entry come from the environment too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateways import SandboxServer, gateway_server
from liftgate import Liftgate
from liftgate.engine.entry_defaults import refused_default
from liftgate.errors import ConfigError
from liftgate.settings import Settings, load_settings
from raw_http import call
from terminal import Cli

FLASH, SPEAKER, NEWER = "gemini-2.5-flash", "gemini-3.8-flash-tts", "gemini-3.8-flash"
ENVIRON = {
    "HOME": "/",
    "GEMINI_API_KEY": "AIza-of-the-tests-0123456789-0123456789",
    "EFFORT": "hgih",
    "ALIAS": "gpt-4o",
    "BASE_MODEL": "gemini/gemini-2.5-pro",
    "ENTRY_ID": "the-id",
}


def config(params: str, *, model: str = FLASH, name: str = "g", more: str = "") -> str:
    return f"model_list:\n- model_name: '{name}'\n  litellm_params:\n    model: gemini/{model}\n    {params}\n{more}"


def load(directory: Path, text: str, **environ: str) -> Settings:
    path = directory / "config.yaml"
    path.write_text(text)
    settings, _ = load_settings(path, {"data_dir": str(directory)}, ENVIRON | environ, refused=refused_default)
    return settings


REFUSED: dict[str, tuple[str, str, str]] = {
    "a word misspelt": ("reasoning_effort: hgih", "reasoning_effort", "'hgih'"),
    "a word misspelt in the environment": ("reasoning_effort: os.environ/EFFORT", "reasoning_effort", "'hgih'"),
    "a number out of range": ("temperature: 9", "temperature", "<= 2"),
    "no tokens": ("max_tokens: 0", "max_tokens", ">= 1"),
    "two limits": ("max_tokens: 5\n    max_completion_tokens: 6", "max_tokens", "differ"),
    "a form as a text": ("response_format: json", "response_format", "an object"),
    "a form of no kind": ("response_format: {type: json}", "response_format.type", "'json'"),
    "a schema without a name": (
        "response_format: {type: json_schema, json_schema: {schema: {}}}",
        "response_format.json_schema.name",
        "Missing",
    ),
    "a number as a stop": ("stop: 5", "stop", "a string"),
    "thinking switched on": ("thinking: true", "thinking", "an object"),
    "thinking without a type": ("thinking: {budget_tokens: 1}", "thinking.type", "Missing"),
    "a modality as a text": ("modalities: text", "modalities", "an array"),
    "a tool without a function": ("tools: [{type: function}]", "tools[0].function", "Missing"),
    "a choice of no kind": ("tool_choice: must", "tool_choice", "'must'"),
    "a tier of no name": ("service_tier: flexx", "service_tier", "'flexx'"),
    "a body as a text": ("extra_body: x", "extra_body", "an object"),
    "an unknown field in a body": ("extra_body: {foo: 1}", "extra_body.foo", "Unknown"),
    "an unknown field of Gemini's": ("generation_config: {topk: 5}", "generation_config.topk", "Unknown"),
    "safety as a text": ("safety_settings: BLOCK_NONE", "safety_settings", "an array"),
    "safety of texts": ("safety_settings: [BLOCK_NONE]", "safety_settings[0]", "an object"),
    "labels as a list": ("labels: [a]", "labels", "an object"),
    "one name to drop": ("additional_drop_params: temperature", "additional_drop_params", "an array"),
    "what the model cannot do": ("frequency_penalty: 0.5", "frequency_penalty", "`drop_params: true` leaves it out"),
    "a voice for a model that does not speak": (
        "audio: {voice: alloy, format: wav}",
        "audio",
        "`drop_params: true` leaves it out",
    ),
}
"""Name → the parameters, the place, and a piece of the sentence."""


@pytest.mark.parametrize("name", REFUSED)
def test_what_every_chat_would_be_refused_for_ends_the_start(tmp_path: Path, name: str) -> None:
    params, place, told = REFUSED[name]
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, config(params))
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}/config.yaml, line ") and said.count("\n") == 0, said
    assert f": model_list[0].litellm_params.{place}: every request" in said and told in said, said


@pytest.mark.parametrize(
    "text",
    [
        config("frequency_penalty: 0.5\n    drop_params: true"),
        config("frequency_penalty: 0.5", more="litellm_settings: {drop_params: true}\n"),
        config("frequency_penalty: 0.5", model="gemini-2.0-flash"),
        # What the star stands for is not known yet.
        config("frequency_penalty: 0.5", model="*", name="*"),
        config("temperature: '0.5'\n    max_tokens: os.environ/MOST"),
        config("tool_choice: {type: function, function: {name: f}}"),
        config("safety_settings: {category: HARM_CATEGORY_HARASSMENT, threshold: BLOCK_NONE}"),
        # An entry of another provider is not read.
        config("", more="- {model_name: o, litellm_params: {model: openai/gpt-4o, temperature: 9}}\n"),
    ],
)
def test_what_some_chat_can_have_starts(tmp_path: Path, text: str) -> None:
    load(tmp_path, text, MOST="100")


def test_all_slips_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, config("temperature: 9", more="- {model_name: h, litellm_params: {model: gemini/x, stop: 5}}\n"))
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()] == [
        "model_list[0].litellm_params.temperature",
        "model_list[1].litellm_params.stop",
    ]


def test_the_program_and_the_sdk_look_too(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(config("reasoning_effort: hgih\n    api_key: AIza-of-the-tests-0123456789"))
    done = Cli(tmp_path / "home").run("--config", path, "--port", 0, "--data-dir", tmp_path / "data", code=2)
    assert b"line 5: model_list[0].litellm_params.reasoning_effort" in done.stderr and done.stdout == b""
    with pytest.raises(ConfigError, match=r"litellm_params\.reasoning_effort"):
        Liftgate(config=path, data_dir=tmp_path / "data").completion("g", [{"role": "user", "content": "Hi"}])


# ── one that this request cannot have ────────────────────────────────────────────────────────────────────────────────


F = [{"type": "function", "function": {"name": "f"}}]
CHOSEN = {"mode": "ANY", "allowedFunctionNames": ["f"]}
LEFT_OUT: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a choice without tools": (config("tool_choice: required"), {}, {}),
    "the older choice without tools": (config("function_call: auto"), {}, {}),
    "a choice of another tool": (
        config("tool_choice: {type: function, function: {name: g}}"),
        {"tools": F},
        {"tools": [{"functionDeclarations": [{"name": "f"}]}]},
    ),
    "a choice of this tool": (
        config("tool_choice: {type: function, function: {name: f}}"),
        {"tools": F},
        {"tools": [{"functionDeclarations": [{"name": "f"}]}], "toolConfig": {"functionCallingConfig": CHOSEN}},
    ),
    "probabilities that nobody asked for": (config("top_logprobs: 3"), {}, {}),
    "probabilities that were asked for": (
        config("top_logprobs: 3"),
        {"logprobs": True},
        {"generationConfig": {"responseLogprobs": True, "logprobs": 3}},
    ),
    "what the model behind a star cannot do": (
        config("frequency_penalty: 0.5\n    max_tokens: 7", model="*", name="*"),
        {"model": FLASH},
        {"generationConfig": {"maxOutputTokens": 7}},
    ),
    "two candidates from a model that gives one": (config("n: 2", model="*", name="*"), {"model": NEWER}, {}),
    "a container where speech is streamed": (
        config("audio: {voice: Kore, format: wav}", model=SPEAKER),
        {"stream": True},
        {
            "generationConfig": {
                "responseModalities": ["AUDIO"],
                "speechConfig": {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}},
            }
        },
    ),
}
"""Name → the file, what a chat says, and what Gemini gets beside the contents."""


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_default_that_a_request_cannot_have_is_left_out(sandbox: SandboxServer, tmp_path: Path, name: str) -> None:
    text, said, expected = LEFT_OUT[name]
    with gateway_server(load(tmp_path, text, GEMINI_API_BASE=sandbox.url)) as url:
        body = {"model": "g", "messages": [{"role": "user", "content": "Hi"}], **said}
        answer = call(url, "POST", "/v1/chat/completions", json.dumps(body).encode())
    assert answer.status == 200, answer.body
    sent = sandbox.control("bodies")["bodies"][-1]["body"]
    assert sent.pop("contents") and sent == expected


def test_what_a_client_says_itself_is_still_refused(sandbox: SandboxServer, tmp_path: Path) -> None:
    with gateway_server(load(tmp_path, config("max_tokens: 7"), GEMINI_API_BASE=sandbox.url)) as url:
        for said in ({"tool_choice": "auto"}, {"top_logprobs": 3}, {"frequency_penalty": 0.5}):
            body = {"model": "g", "messages": [{"role": "user", "content": "Hi"}], **said}
            answer = call(url, "POST", "/v1/chat/completions", json.dumps(body).encode())
            assert answer.status == 400 and answer.json()["error"]["param"] in said


# ── what comes from the environment, and stars ───────────────────────────────────────────────────────────────────────


def test_every_text_of_an_entry_may_come_from_the_environment(tmp_path: Path) -> None:
    text = config(
        "litellm_credential_name: os.environ/ALIAS",
        name="os.environ/ALIAS",
        more="  model_info: {id: os.environ/ENTRY_ID, base_model: os.environ/BASE_MODEL, tier: os.environ/ALIAS}\n"
        "credential_list:\n- {credential_name: os.environ/ALIAS, credential_values: {api_key: google-key-12}}\n",
    )
    (deployment,) = load(tmp_path, text).deployments
    assert (deployment.model_name, deployment.id, deployment.api_key) == ("gpt-4o", "the-id", "google-key-12")
    assert deployment.priced_as == "gemini/gemini-2.5-pro" and deployment.info["tier"] == "gpt-4o"


@pytest.mark.parametrize(
    "text",
    [config("", name="os.environ/NOT_SET"), config("", more="  model_info: {id: os.environ/NOT_SET}\n")],
)
def test_a_variable_that_is_not_set_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"line \d: model_list\[0\]\.model_\w+.*: the environment variable NOT_SET"):
        load(tmp_path, text)


def test_another_providers_variables_are_not_asked_for(tmp_path: Path) -> None:
    others = "".join(
        f"- {{model_name: os.environ/{name}, litellm_params: {{model: openai/gpt-4o}}}}\n" for name in ("NONE", "ALIAS")
    )
    settings = load(tmp_path, config("", more=others))
    assert settings.names.left_out == {"os.environ/NONE": "openai", "gpt-4o": "openai"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (config("", model="*"), "litellm_params.model"),
        (config("", model="gemini-*-flash"), "litellm_params.model"),
        (config("", model="gemini-*-*", name="g-*"), "litellm_params.model"),
        (config("", model="*", name="a-*-b-*"), "model_name"),
        (config("", name="*-*"), "model_name"),
    ],
)
def test_a_star_that_nothing_can_fill_in_ends_the_start(tmp_path: Path, text: str, place: str) -> None:
    with pytest.raises(ConfigError, match=rf"line \d: model_list\[0\]\.{place}: .*`\*`"):
        load(tmp_path, text)
