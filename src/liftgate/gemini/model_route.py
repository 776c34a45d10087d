"""Where the calls of one deployment go: heads of requests, made once. The client keeps one for each."""

from __future__ import annotations

from urllib.parse import quote

from liftgate.gemini.transport import Head, Transport
from liftgate.records import Account, Deployment

VERSION = "v1beta"
KEY_HEADER = "x-goog-api-key"


def root(account: Account) -> str:
    """The account's `api_base` without a slash at its end; the version comes after it."""
    return account.api_base.rstrip("/")


class ModelRoute:
    """What every call of one deployment has in common, made once: a URL and headers cost as much as sending."""

    def __init__(self, deployment: Deployment, transport: Transport) -> None:
        self.deployment = deployment
        self.account = deployment.account.name
        model = deployment.model if "/" in deployment.model else f"models/{deployment.model}"
        self._stem = f"{root(deployment.account)}/{VERSION}/{quote(model, safe='/')}"
        self._transport = transport
        self._heads: dict[str, Head] = {}

    def head(self, method: str) -> Head:
        """Of a POST of JSON to `method` (`generateContent`, …)."""
        head = self._heads.get(method)
        if head is None:
            headers = {KEY_HEADER: self.deployment.api_key, "Content-Type": "application/json"}
            head = self._heads[method] = self._transport.head("POST", f"{self._stem}:{method}", headers)
        return head
