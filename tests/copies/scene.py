"""A gateway before its sandbox, and one client that asks about files: what the tests of faults have in common."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random  # noqa: TID251 - seeded, for reproducible data
from typing import Any

import openai

from gateways import MODEL, SandboxServer, client_for, gateway_server, sandbox_server, settings_for
from liftgate.sandbox.app import SandboxSettings
from liftgate.sandbox.settings import Unverified
from liftgate.settings import JobSettings, RouterSettings, Settings
from moved_clock import BriskClock
from waiting import eventually as eventually

QUICK = JobSettings(
    lease_seconds=5,
    lease_renew_seconds=1,
    lease_poll_seconds=0.2,
    failed_seconds=0.5,
    purge_seconds=0.6,
    renew_seconds=2,
    use_write_seconds=0.6,
    sweep_seconds=4,
)
"""Short periods, so that background work shows within a test. It is most of what a gateway that waits does."""


@functools.lru_cache(maxsize=4)
def audio(size: int, seed: int) -> bytes:
    """Bytes that are an MP3 to whoever looks at their name; different for each seed."""
    return Random(seed).randbytes(size)


@functools.lru_cache(maxsize=8)
def sha256(data: bytes) -> str:
    """In hexadecimal, of what is asked about again and again."""
    return hashlib.sha256(data).hexdigest()


def outcome(call: Callable[[], object]) -> str:
    """`answer`, or the status and OpenAI's code of what the client was told."""
    try:
        call()
    except openai.APIStatusError as error:
        assert error.body is None or set(error.body) == {"message", "type", "param", "code"}, error.body  # type: ignore[call-overload]
        return f"{error.status_code} {error.code}"
    return "answer"


@dataclass
class Scene:
    sandbox: SandboxServer
    url: str
    client: openai.OpenAI

    def create(self, data: bytes, filename: str = "speech.mp3", **more: Any) -> str:
        return self.client.files.create(file=(filename, data), purpose="user_data", **more).id

    def ask(self, file_id: str, data: bytes, *, timeout: float | None = None) -> None:
        """A chat about the file; its answer must show that Gemini had exactly these bytes."""
        reply = self.client.chat.completions.create(
            model=MODEL,
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is it?"},
                        {"type": "file", "file": {"file_id": file_id}},
                    ],
                }
            ],
            extra_body={} if timeout is None else {"timeout": timeout},
        )
        text = reply.choices[0].message.content or ""
        assert sha256(data) in text, text

    def content(self, file_id: str) -> bytes:
        return self.client.files.content(file_id).read()

    def order(self, **fault: Any) -> None:
        self.sandbox.control("faults", fault)

    def clear_faults(self) -> None:
        self.sandbox.control("faults", method="DELETE")

    def advance(self, seconds: float) -> None:
        self.sandbox.control("clock", {"advance": seconds})

    @property
    def finalized(self) -> int:
        count: int = self.sandbox.stats()["finalized"]
        return count

    def operations(self, name: str) -> int:
        count: int = self.sandbox.stats()["operations"].get(name, 0)
        return count

    def at_gemini(self) -> list[dict[str, Any]]:
        files: list[dict[str, Any]] = self.sandbox.control("files")["files"]
        return files


def quick_settings(sandbox: SandboxServer, data_dir: Path, **changes: Any) -> Settings:
    defaults: dict[str, Any] = {"jobs": QUICK, "router": RouterSettings(timeout=45, cooldown_time=0.2)}
    return settings_for(sandbox, data_dir, **{**defaults, **changes})


@contextmanager
def scene(
    data_dir: Path,
    *,
    switches: Mapping[str, Any] | None = None,
    sandbox_settings: SandboxSettings | None = None,
    allow_errors: bool = False,
    brisk: bool = True,
    **changes: Any,
) -> Iterator[Scene]:
    """`switches`: of the sandbox, other than its defaults; `changes`: of the gateway's settings. `allow_errors`: the
    app may break an answer off. `brisk`: nobody looks at how long the gateway pauses, or how often its jobs run."""
    chosen = replace(sandbox_settings or SandboxSettings(), unverified=Unverified().changed(switches or {}))
    with (
        sandbox_server(chosen) as sandbox,
        gateway_server(
            quick_settings(sandbox, data_dir, **changes),
            allow_errors=allow_errors,
            clock=BriskClock() if brisk else None,
        ) as url,
        client_for(url) as client,
    ):
        yield Scene(sandbox, url, client)
