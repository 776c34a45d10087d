"""The installed program as processes: several gateways on one catalogue, killed at will."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import yaml

import forked

START_SECONDS = 30.0
DEBUG = "TESTS_DEBUG"
"""Set, it has every gateway write its log in detail: `TESTS_DEBUG=1 ./scripts/test`."""
LOOKS_SECRET = re.compile(
    r"AIza[0-9A-Za-z_-]{30,}|sk-[0-9A-Za-z_-]{16,}|(?i:bearer) +(?!\*)[0-9A-Za-z._~+/=-]{8,}|upload_id=(?!\*)[\w-]{8,}"
    # Of signed URLs, of browsers that signed in, of connections.
    r"|(?i:signature|credential|security-token|[?&]sig|password)=(?!\*)[^\s&]{6,}"
    r"|(?:__Host-)?liftgate=(?!\*)[\w-]{30,}|(?i:cookie)\W{1,4}(?!\*)\w+=[\w-]{8,}"
    r"|://[^/\s:@]*:(?!\*)[^/\s@]+@"
)
STARTED: list[GatewayProcess] = []
FOUND: set[str] = set()
"""All of this session, and the secrets that stood in their logs: a log is searched when its process is ended, since a
test's directory goes with it, or at the end of the session."""


def secrets_in(text: str, known: Iterable[str]) -> list[str]:
    """What of `known` stands in what a gateway wrote, and what looks like a secret."""
    return [*LOOKS_SECRET.findall(text), *(secret for secret in known if secret in text)]


def secrets_of(config: Path) -> set[str]:
    """The keys of a config, ours and Google's; shorter ones are words, and are not hidden."""
    if not config.is_file():
        # A pipe would wait for a writer.
        return set()
    try:
        document = yaml.safe_load(config.read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return set()
    found: list[object] = []
    if isinstance(document, dict):
        found.append((document.get("general_settings") or {}).get("master_key"))
        found += [each.get("key") for each in (document.get("liftgate_settings") or {}).get("keys") or []]
        found.append(urlsplit(str((document.get("liftgate_settings") or {}).get("database_url", ""))).password)
        found += [(each.get("litellm_params") or {}).get("api_key") for each in document.get("model_list") or []]
    return {each for each in found if isinstance(each, str) and len(each) >= 6 and "/" not in each}


class GatewayProcess:
    """`liftgate --config …` on a free port. `url` is known once `wait_ready()` has returned.

    `fresh`: by an interpreter of its own, where memory or the start itself is looked at.
    """

    def __init__(self, config: Path, data_dir: Path, *arguments: str, fresh: bool = not forked.HERE) -> None:
        self.log = data_dir / f"gateway-{time.monotonic_ns()}.log"
        self.url = ""
        self.secrets = secrets_of(config)
        STARTED.append(self)
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
                env={
                    **environ,
                    "PYTHONUNBUFFERED": "1",
                    **({"LIFTGATE_DEBUG": "true"} if os.environ.get(DEBUG) else {}),
                },
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
        self.search()

    def stop(self, seconds: float = 45.0) -> int:
        """SIGTERM; the exit code. `seconds`: more than a gateway may take to drain (30 by default)."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"the gateway did not stop:\n{self.log.read_text(errors='replace')}") from None
        self.search()
        return self.process.returncode

    def search(self) -> None:
        """For its own keys and what looks like one, in all that it wrote."""
        if self.log.is_file():
            said = self.log.read_text(errors="replace")
            FOUND.update(f"{self.log}: {secret[:7]}…" for secret in secrets_in(said, self.secrets))


def sweep_now(config: Path, data_dir: Path) -> None:
    """`liftgate admin sweep` without any grace, as an operator would."""
    arguments = ["admin", "sweep", "--grace", "0", "--all", "--yes"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("LIFTGATE_", "LITELLM_"))}
    done = forked.run([*arguments, "--config", str(config), "--data-dir", str(data_dir)], env=environ)
    assert done.returncode == 0, done.stderr.decode(errors="replace")


def admin_spend(config: Path, data_dir: Path, *arguments: str) -> str:
    """What `liftgate admin spend` prints."""
    command = ["admin", "spend", "--config", str(config), "--data-dir", str(data_dir), *arguments]
    done = forked.run(command, env=dict(os.environ))
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()


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
            # Sooner than by default, and seldom enough that a gateway which nobody asks does little.
            "purge_seconds": 1,
            "sweep_seconds": 3,
            "renew_seconds": 5,
            **ours,
        },
    }
    return written(path, yaml.safe_dump(document))


def written(path: Path, config: str) -> Path:
    """A config, whole at once: a gateway that was begun a moment ago may be about to read the one of before."""
    fresh = path.with_name(f".{path.name}.fresh")
    fresh.write_text(config)
    return fresh.replace(path)


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
