"""The installed program as processes: several gateways on one catalogue, killed at will."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

import forked

START_SECONDS = 30.0


class GatewayProcess:
    """`liftgate --config …` on a free port. `url` is known once `wait_ready()` has returned.

    `fresh`: by an interpreter of its own, where memory or the start itself is looked at.
    """

    def __init__(self, config: Path, data_dir: Path, *arguments: str, fresh: bool = not forked.HERE) -> None:
        self.log = data_dir / f"gateway-{time.monotonic_ns()}.log"
        self.url = ""
        data_dir.mkdir(parents=True, exist_ok=True)
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("LIFTGATE_", "LITELLM_", "GEMINI_", "GOOGLE_"))
        }
        with self.log.open("wb") as log:
            self.process = forked.started(
                ["--config", str(config), "--port", "0", "--data-dir", str(data_dir), *arguments],
                stdout=log,
                stderr=log,
                env={**environ, "PYTHONUNBUFFERED": "1"},
                fresh=fresh,
            )

    def wait_ready(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = re.search(r"http://127\.0\.0\.1:(\d+)", self.log.read_text(errors="replace"))
            if found:
                self.url = found.group(0)
                return self.url
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"the gateway did not start:\n{self.log.read_text(errors='replace')}")

    def kill(self) -> None:
        """As a power cut would: SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds: float = 20.0) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"the gateway did not stop:\n{self.log.read_text(errors='replace')}") from None
        return self.process.returncode


def sweep_now(config: Path, data_dir: Path) -> None:
    """`liftgate admin sweep` without any grace, as an operator would."""
    arguments = ["admin", "sweep", "--grace", "0", "--all", "--yes"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("LIFTGATE_", "LITELLM_"))}
    done = forked.run([*arguments, "--config", str(config), "--data-dir", str(data_dir)], env=environ)
    assert done.returncode == 0, done.stderr.decode(errors="replace")


def write_config(
    path: Path, api_base: str, *, keys: Sequence[str] = ("key-a",), model: str = "gemini-2.5-flash", **ours: object
) -> Path:
    """A config.yaml with one deployment of `model` per key; `ours` are `liftgate_settings`."""
    document = {
        "model_list": [
            {
                "model_name": model,
                "litellm_params": {"model": f"gemini/{model}", "api_key": key, "api_base": api_base},
            }
            for key in keys
        ],
        "general_settings": {"master_key": "sk-master"},
        "liftgate_settings": {
            "keys": [{"name": "ann", "key": "sk-ann"}, {"name": "bob", "key": "sk-bob"}],
            "purge_seconds": 0.5,
            "sweep_seconds": 1,
            "renew_seconds": 1,
            **ours,
        },
    }
    path.write_text(yaml.safe_dump(document))
    return path


@contextmanager
def gateway_processes(config: Path, data_dir: Path, count: int = 1, *arguments: str) -> Iterator[list[GatewayProcess]]:
    """`count` gateways that share `data_dir`, each on a port of its own."""
    gateways = [GatewayProcess(config, data_dir, *arguments) for _ in range(count)]
    try:
        for gateway in gateways:
            gateway.wait_ready()
        yield gateways
    finally:
        for gateway in gateways:
            if gateway.process.poll() is None:
                gateway.kill()
