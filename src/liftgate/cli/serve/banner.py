"""What the gateway says when it is ready: where it listens, what it serves, who may come in, what to look out for."""

from __future__ import annotations

from collections.abc import Sequence

import click

from liftgate import __version__
from liftgate.settings import Settings
from liftgate.settings.sections import LOCAL, ServerSettings

SHOWN_MODELS = 8


def banner(settings: Settings, notes: Sequence[str], warnings: Sequence[str], *, color: bool) -> str:
    """Lines of text that end with a line break; no secret is among them."""
    server = settings.server
    host = f"[{server.host}]" if ":" in server.host and not server.host.startswith("[") else server.host
    url = f"http://{host}:{server.port}"
    rows = [("models", _models(settings)), ("keys", _keys(settings)), ("data", str(settings.storage.data_dir))]
    rows.append(("page", _page(server, url)))
    if server.num_workers > 1:
        rows.append(("workers", str(server.num_workers)))
    lines = [f"{_style(f'Liftgate {__version__}', color, bold=True)} on {_style(url, color, bold=True, fg='cyan')}"]
    lines += [f"  {_style(f'{name:<8}', color, dim=True)}{value}" for name, value in rows]
    lines += [f"  {_style('note    ', color, dim=True)}{note}" for note in notes]
    lines += [f"  {_style('warning ', color, fg='yellow')}{warning}" for warning in warnings]
    return "\n".join(lines) + "\n"


def _page(server: ServerSettings, url: str) -> str:
    """Where a browser finds the page. What listens everywhere is found on this machine."""
    if server.public_base_url:
        return f"{server.public_base_url.rstrip('/')}/ui"
    return f"{url.replace('://0.0.0.0:', '://127.0.0.1:').replace('://[::]:', '://[::1]:')}/ui"


def _style(text: str, color: bool, *, fg: str | None = None, bold: bool = False, dim: bool = False) -> str:
    return click.style(text, fg=fg, bold=bold or None, dim=dim or None) if color else text


def _models(settings: Settings) -> str:
    names = list(dict.fromkeys(deployment.model_name for deployment in settings.deployments))
    if names == ["*"]:
        return "every model of Gemini, by its own name"
    more = f" and {len(names) - SHOWN_MODELS} more" if len(names) > SHOWN_MODELS else ""
    return ", ".join(names[:SHOWN_MODELS]) + more


def _keys(settings: Settings) -> str:
    secrets = settings.auth.owners()
    if not secrets:
        return f"no key configured: every caller on this machine is the owner '{LOCAL}'"
    owners = ", ".join(sorted(set(secrets.values())))
    return f"{len(secrets)} ({owners})"
