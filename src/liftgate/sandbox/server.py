"""Runs the sandbox on a socket with uvicorn: the command `liftgate sandbox` and anybody who wants it as a process.

`run` blocks until SIGINT or SIGTERM. `uvicorn_config` says how the app wants to be served: its answers carry their own
Date and Server, and a stalled exchange must not hold up a shutdown.
"""

import sys
from typing import Any

import uvicorn

from liftgate.sandbox.app import Sandbox, create_app
from liftgate.sandbox.settings import SandboxSettings

EXAMPLE_KEY = "sandbox-key"


def uvicorn_config(app: Sandbox, **more: Any) -> uvicorn.Config:
    """The uvicorn settings that the sandbox needs, with the caller's `more` on top."""
    settings: dict[str, Any] = {
        "http": "httptools",
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "log_level": "warning",
        "server_header": False,
        "date_header": False,
        "timeout_keep_alive": 75,
        "timeout_graceful_shutdown": 1,
        "backlog": 2048,
    }
    return uvicorn.Config(app, **(settings | more))


def run(host: str, port: int, settings: SandboxSettings | None = None) -> None:
    """Serve on `host`:`port` until a signal ends it."""
    uvicorn.Server(uvicorn_config(create_app(settings), host=host, port=port)).run()


def banner(host: str, port: int, settings: SandboxSettings) -> str:
    """What a person needs to know to use it."""
    base = f"http://{host}:{port}"
    keys = ", ".join(f"{key} (project {name})" for key, name in settings.projects.items())
    any_key = "any key is valid and is a project of its own; keys that begin with 'invalid' are not"
    return "\n".join(
        [
            f"Gemini API sandbox on {base}",
            f"  keys    {keys + '; ' if keys else ''}{any_key if settings.open_keys else 'no other key is valid'}",
            f"  models  {', '.join(settings.models)}"
            + (", and any other name of a family of Google's" if settings.any_model else ""),
            f"  control {base}/sandbox/clock, /faults, /scripts, /unverified, /stats, /files, /bodies, /reset",
            "",
            f"  export GEMINI_API_BASE={base} GEMINI_API_KEY={next(iter(settings.projects), EXAMPLE_KEY)}",
            f"  curl -X POST {base}/sandbox/clock -d '{{\"advance\": 172800}}'   # 48 hours pass",
            "",
        ]
    )


def main(host: str = "127.0.0.1", port: int = 8790, settings: SandboxSettings | None = None) -> None:
    """Print the banner, then `run`."""
    settings = settings or SandboxSettings()
    sys.stdout.write(banner(host, port, settings) + "\n")
    sys.stdout.flush()
    run(host, port, settings)
