"""Whether a model is there, asked before a file is sent for it."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from liftgate.cli.failures import Refused, Unreachable
from liftgate.cli.remote import Remote


async def check_models(remote: Remote, models: Iterable[str], about: str) -> None:
    """Raises Refused for a model that is not there. A gateway may serve every name, so Google is asked, by counting a
    word; where that cannot be answered now, the upload is not held up."""
    for model in models:
        await remote.ask("GET", f"/models/{quote(model, safe='')}", about=about)
        word = {"model": model, "messages": [{"role": "user", "content": "?"}]}
        try:
            await remote.ask("POST", "/chat/completions/input_tokens", word, about=about)
        except Refused as refused:
            if refused.status == 404:
                raise
        except Unreachable:
            continue
