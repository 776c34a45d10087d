"""The demo's servers as processes of their own, started with the commands that anybody would type."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from liftgate.json_types import JsonObject

START_SECONDS = 60.0
STOP_SECONDS = 15.0
LOOPBACK = "127.0.0.1"


class DemoServers:
    """Inside `with` they answer. `gateway` and `sandbox` are their addresses; `sandbox` is None where Google is
    asked.
    """

    def __init__(self, directory: Path, *, google: bool) -> None:
        self._directory = directory
        self._processes: list[tuple[subprocess.Popen[bytes], Path]] = []
        self.gateway = f"http://{LOOPBACK}:{_free_port()}"
        self.sandbox = None if google else f"http://{LOOPBACK}:{_free_port()}"
        self.commands: list[str] = []

    def __enter__(self) -> Self:
        try:
            environ = self._environ()
            if self.sandbox is not None:
                self._start(["sandbox", "--port", self.sandbox.rpartition(":")[2]], environ)
                self._wait(self.sandbox + "/sandbox/clock")
                environ |= {"GEMINI_API_BASE": self.sandbox, "GEMINI_API_KEY": "sandbox-key"}
            self._start(["--port", self.gateway.rpartition(":")[2]], environ)
            self._wait(self.gateway + "/health/readiness")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def stats(self) -> dict[str, int]:
        """How often the sandbox was asked for what."""
        operations: dict[str, int] = self.control("stats")["operations"]
        return operations

    def control(self, noun: str, order: JsonObject | None = None) -> JsonObject:
        """The route that only the sandbox has."""
        data = None if order is None else json.dumps(order).encode()
        request = urllib.request.Request(f"{self.sandbox}/sandbox/{noun}", data=data)
        with _direct().open(request, timeout=10) as response:
            reply: JsonObject = json.load(response)
        return reply

    def _environ(self) -> dict[str, str]:
        """The caller's, without settings of another gateway."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("LIFTGATE_", "LITELLM_"))}
        return ours | {"LIFTGATE_DATA_DIR": str(self._directory / "data"), "NO_PROXY": LOOPBACK, "no_proxy": LOOPBACK}

    def _start(self, arguments: list[str], environ: dict[str, str]) -> None:
        log = self._directory / f"server-{len(self._processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "liftgate.cli.main", *arguments],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._processes.append((process, log))
        base = f"GEMINI_API_BASE={environ['GEMINI_API_BASE']} " if "GEMINI_API_BASE" in environ else ""
        self.commands.append(f"{base}liftgate {' '.join(arguments)}")

    def _wait(self, url: str) -> None:
        process, log = self._processes[-1]
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with _direct().open(url, timeout=5):
                    return
            except (urllib.error.URLError, OSError) as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    printed = log.read_text(errors="replace").strip() or error
                    raise click.ClickException(f"'{self.commands[-1]}' did not start:\n{printed}") from None
                time.sleep(0.02)

    def _stop(self) -> None:
        for process, _ in reversed(self._processes):
            process.terminate()
        for process, _ in reversed(self._processes):
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _direct() -> urllib.request.OpenerDirector:
    """Loopback is never reached through a proxy of the environment."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port
