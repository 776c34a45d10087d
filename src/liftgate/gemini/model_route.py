"""Where the calls of one deployment go: URLs and headers, made once. The client keeps one for each."""

from __future__ import annotations

from urllib.parse import quote

from multidict import CIMultiDict, istr
from yarl import URL

from liftgate.records import Account, Deployment

VERSION = "v1beta"
KEY_HEADER = istr("x-goog-api-key")


def root(account: Account) -> str:
    """The account's `api_base` without a slash at its end; the version comes after it."""
    return account.api_base.rstrip("/")


class ModelRoute:
    """What every call of one deployment has in common, made once: URLs and headers cost as much as sending."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.account = deployment.account.name
        model = deployment.model if "/" in deployment.model else f"models/{deployment.model}"
        self._stem = f"{root(deployment.account)}/{VERSION}/{quote(model, safe='/')}"
        self._urls: dict[str, URL] = {}
        fixed = CIMultiDict({KEY_HEADER: deployment.api_key, istr("Content-Type"): "application/json"})
        # A compressed stream could be held back until a block is full.
        self.stream_headers = CIMultiDict({**fixed, istr("Accept-Encoding"): "identity"})
        self.headers = fixed

    def url(self, method: str) -> URL:
        url = self._urls.get(method)
        if url is None:
            url = self._urls[method] = URL(f"{self._stem}:{method}", encoded=True)
        return url
