"""Whether a model is there, asked before a file is sent for it."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from liftgate.cli.remote import Remote


async def check_models(remote: Remote, models: Iterable[str], about: str) -> None:
    """Raises Refused for a model that the gateway does not serve, or that Google does not have."""
    for model in models:
        await remote.ask("GET", f"/models/{quote(model, safe='')}", about=about)
