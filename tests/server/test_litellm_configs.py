"""Who comes from LiteLLM: operators' configs start, and each chat is answered or refused with its reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateways import SandboxServer, gateway_server, sandbox_server
from liftgate.errors import ConfigError
from liftgate.settings import Settings, load_settings
from litellm_configs import LIVE, RETIRED, Config, configs, switch_off
from raw_http import Answer, call

ASKED = 14
"""Names of each config that are asked, as in the examination."""
NAMES = [f"C{number}" for number in range(1, 39)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with sandbox_server() as server:
        switch_off(server)
        yield server


@pytest.fixture
def all_configs(sandbox: SandboxServer) -> dict[str, Config]:
    return {config.name: config for config in configs(sandbox.url)}


def load(config: Config, directory: Path) -> tuple[Settings, list[str]]:
    for name, document in {**config.included, "config.yaml": config.document}.items():
        (directory / name).write_text(yaml.safe_dump(document, sort_keys=False))
    flags = {"data_dir": str(directory / "data")}
    return load_settings(directory / "config.yaml", flags, {"HOME": str(directory), **config.environ})


def chat(base: str, model: str, key: str) -> Answer:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    return call(base, "POST", "/v1/chat/completions", json.dumps(body).encode(), {"Authorization": f"Bearer {key}"})


def test_the_table_is_that_of_the_examination(all_configs: dict[str, Config]) -> None:
    entries: list[dict[str, Any]] = []
    for config in all_configs.values():
        entries += config.document["model_list"] or config.included["models.yaml"]["model_list"]
    of_gemini = [each for each in entries if each["litellm_params"]["model"].startswith("gemini/")]
    assert (len(all_configs), len(entries), len(of_gemini)) == (38, 687, 118)
    retired = [each for each in of_gemini if each["litellm_params"]["model"].removeprefix("gemini/") in RETIRED]
    assert len(retired) == 20


def test_thirty_five_start_as_they_are_and_the_rest_name_what_stops_them(
    all_configs: dict[str, Config], tmp_path: Path
) -> None:
    started = []
    for name, config in all_configs.items():
        directory = tmp_path / name
        directory.mkdir()
        try:
            load(config, directory)
        except ConfigError as error:
            assert config.stops
            assert all(place in str(error) for place in config.stops), str(error)
            lines = str(error).splitlines()
            assert len(lines) == len(config.stops)
            # The file, the line, the setting, and what to do.
            assert all(
                re.match(rf"\s*{re.escape(str(directory))}/config\.yaml, line \d+: \w+\.\w+", each) for each in lines
            )
            assert all("Remove it" in each or "as in `" in each for each in lines), lines
        else:
            assert not config.stops
            started.append(name)
    assert len(started) == 35


@pytest.mark.parametrize("name", NAMES)
def test_a_config_starts_and_each_chat_is_answered_or_refused_with_its_reason(
    name: str, all_configs: dict[str, Config], tmp_path: Path
) -> None:
    """All of them, when what the sentences name is taken out; 36 were asked for."""
    config = all_configs[name]
    config.mend()
    settings, warnings = load(config, tmp_path)
    assert len(warnings) <= 14, warnings
    models = config.document["model_list"] or config.included["models.yaml"]["model_list"]
    others = sum(not each["litellm_params"]["model"].startswith("gemini/") for each in models)
    if others:
        assert "left out" in warnings[0] and f"{others} entr" in warnings[0]
    assert "geheim" not in " ".join(warnings)
    key = config.environ.get("LITELLM_MASTER_KEY", "any")
    answered_for = {other: entry for entry in settings.router.fallbacks for other in entry}
    with gateway_server(settings) as base:
        for entry in models[:ASKED]:
            public, model = entry["model_name"], entry["litellm_params"]["model"]
            answer = chat(base, public, key)
            provider, _, upstream = model.partition("/")
            if provider == "gemini" and (upstream in LIVE or public in answered_for):
                assert answer.status == 200, answer.body
            elif provider == "gemini":
                assert answer.status == 404 and f"models/{upstream} is not found" in answer.error()["message"]
            else:
                said = answer.error()
                assert (answer.status, said["code"]) == (404, "model_not_found")
                assert "another provider's" in said["message"]
        if "LITELLM_MASTER_KEY" in config.environ:
            assert chat(base, public, "sk-wrong").status == 401
        upstream_of = {each["model_name"]: each["litellm_params"]["model"] for each in models}
        for alias, public in settings.names.aliases.items():
            provider, _, upstream = upstream_of[public].partition("/")
            answers = provider == "gemini" and (upstream in LIVE or public in answered_for)
            assert chat(base, alias, key).status == (200 if answers else 404), alias
