"""A gateway in front of a sandbox, with a model that demands signatures and one that cannot be prefilled beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateways import SandboxServer, deployments, gateway_server, sandbox_server, settings_for
from liftgate.sandbox.settings import SandboxSettings
from liftgate.settings.sections import JobSettings, LimitSettings, ModelNames, RouterSettings
from messages_rig import MODELS


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxServer]:
    with sandbox_server(SandboxSettings(video_processing=1.0)) as server:
        yield server


@pytest.fixture(scope="session")
def gateway(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    served = [
        replace(each, id=f"{model}-{each.id}") for model in MODELS for each in deployments(sandbox.url, model=model)
    ]
    settings = settings_for(
        sandbox,
        tmp_path_factory.mktemp("data"),
        deployments=tuple(served),
        names=ModelNames(aliases={"claude-haiku-4-5": MODELS[0]}),
        jobs=JobSettings(stream_commit_seconds=0.1, stream_ping_seconds=0.1),
        limits=LimitSettings(max_body_bytes=4 << 20),
        router=RouterSettings(num_retries=0, cooldown_time=0),
    )
    with gateway_server(settings, allow_errors=True) as url:
        yield url


@pytest.fixture(autouse=True)
def no_scripts_left(sandbox: SandboxServer) -> Iterator[None]:
    yield
    sandbox.control("scripts", method="DELETE")
