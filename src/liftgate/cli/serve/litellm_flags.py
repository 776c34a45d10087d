"""Flags of LiteLLM's command that images and scripts start it with: they are understood, and not shown in `--help`.

Most choose how LiteLLM runs its server, which has no like here: each is named in a warning. One that guards something
is refused, as such a setting of a config is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from liftgate.errors import ConfigError

Command = Callable[..., None]

SWITCHES = (
    *("run-gunicorn", "run-hypercorn", "run-granian", "use-prisma-db-push", "use-prisma-migrate"),
    *("use-v2-migration-resolver", "enforce-prisma-migration-check", "iam-token-db-auth", "azure-postgresql-auth"),
    *("use-queue", "add-function-to-prompt", "reload"),
)
VALUES = (
    *("telemetry", "num-requests", "max-requests-before-restart", "max-requests-before-restart-jitter", "log-config"),
    *("limit-concurrency", "timeout-worker-healthcheck", "granian-threads", "prometheus-metrics-port"),
)
REFUSED: Mapping[str, str] = {
    "ssl-keyfile-path": "asks for TLS, and Liftgate speaks plain HTTP: put a proxy with TLS in front of it",
    "ssl-certfile-path": "asks for TLS, and Liftgate speaks plain HTTP: put a proxy with TLS in front of it",
    "ciphers": "asks for TLS, and Liftgate speaks plain HTTP: put a proxy with TLS in front of it",
}


def litellm_flags(command: Command) -> Command:
    """The command gets them as `litellm_…`."""
    for name in SWITCHES:
        command = click.option(f"--{name}", _parameter(name), is_flag=True, default=None, hidden=True)(command)
    for name in (*VALUES, *REFUSED):
        command = click.option(f"--{name}", _parameter(name), default=None, hidden=True)(command)
    return command


def read_litellm_flags(flags: dict[str, object]) -> list[str]:
    """Takes them out of `flags`; the warnings about those that were given. Raises ConfigError for one that guards."""
    given = [name for name in (*SWITCHES, *VALUES, *REFUSED) if flags.pop(_parameter(name), None) is not None]
    for name in given:
        if name in REFUSED:
            raise ConfigError(f"--{name} {REFUSED[name]}, so the gateway does not start without it.")
    return [f"--{name} does nothing here." for name in given]


def _parameter(name: str) -> str:
    return "litellm_" + name.replace("-", "_")
