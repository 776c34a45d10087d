"""A gateway and its sandbox as real servers on loopback, with the official client in front."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openai

import new_catalogue
from liftgate.clock import Clock
from liftgate.deployments import Account, Deployment
from liftgate.engine.meter import Meter
from liftgate.gateway import Gateway
from liftgate.sandbox.app import SandboxSettings, create_app
from liftgate.server.app import build_app
from liftgate.settings import AuthSettings, JobSettings, Settings, StorageSettings
from serving import serve

MODEL = "gemini-2.5-flash"


@dataclass(frozen=True)
class SandboxServer:
    """A sandbox at `url`, with its control routes."""

    url: str

    def control(self, path: str, body: object = None, method: str | None = None) -> Any:
        """A call of /sandbox/…; the JSON of its answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/sandbox/{path}",
            data=data,
            method=method or ("GET" if body is None else "POST"),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.control("stats")
        return found


@contextmanager
def sandbox_server(settings: SandboxSettings | None = None) -> Iterator[SandboxServer]:
    with serve(create_app(settings)) as url:
        yield SandboxServer(url)


def deployments(api_base: str, keys: Sequence[str] = ("key-a",), model: str = MODEL) -> tuple[Deployment, ...]:
    """One deployment of `model` per key, each an account of its own."""
    return tuple(
        Deployment(
            id=f"deployment-{key}",
            model_name=model,
            model=model,
            account=Account(name=f"account-{key}", api_keys=(key,), api_base=api_base),
            api_key=key,
        )
        for key in keys
    )


def settings_for(sandbox: SandboxServer, data_dir: Path, **changes: Any) -> Settings:
    """Periods within which a test can wait for background work, and in which gateways that nobody asks do little: a
    round of it costs as much as a few requests, and many a gateway of the tests is there for minutes."""
    settings = Settings(
        deployments=deployments(sandbox.url),
        auth=AuthSettings(master_key="sk-master", keys={"sk-ann": "ann", "sk-bob": "bob"}),
        storage=StorageSettings(data_dir=data_dir),
        jobs=JobSettings(purge_seconds=3, sweep_seconds=5, renew_seconds=30, use_write_seconds=1),
    )
    return replace(settings, **changes)


@contextmanager
def gateway_server(
    settings: Settings,
    *,
    allow_errors: bool = False,
    listeners: Sequence[Meter] = (),
    clock: Clock | None = None,
    makes_catalogue: bool = False,
) -> Iterator[str]:
    """Its URL. `makes_catalogue`: where there is none, its own start makes it, and is looked at."""
    if not makes_catalogue:
        new_catalogue.lay(settings.storage.catalog_url)
    app = build_app(Gateway(settings, clock=clock, listeners=listeners))
    with serve(app, allow_errors=allow_errors) as url:
        yield url


def client_for(url: str, key: str = "sk-ann") -> openai.OpenAI:
    """Without retries, so that a test sees every answer."""
    return openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0, timeout=60)


def ask(client: openai.OpenAI, file_id: str, *, model: str = MODEL, text: str = "What is in this file?") -> str:
    """The text of a chat about one file."""
    reply = client.chat.completions.create(
        model=model,
        messages=[
            {
                "role": "user",
                "content": [{"type": "text", "text": text}, {"type": "file", "file": {"file_id": file_id}}],
            }
        ],
    )
    return reply.choices[0].message.content or ""
