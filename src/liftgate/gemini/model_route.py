"""Where the calls of one deployment go: heads of requests, made once. The client keeps one for each."""

from __future__ import annotations

from urllib.parse import quote

from liftgate.http.transport import Head, Transport
from liftgate.names import model_path
from liftgate.records import Account, Deployment

VERSION = "v1beta"
KEY_HEADER = "x-goog-api-key"


def address(account: Account, path: str, *, upload: bool = False) -> str:
    """Of a call below the account's `api_base`: the version comes first, where the base is a root. `upload`: of the
    upload protocol, whose paths begin with that word."""
    parts = (account.api_base.rstrip("/"), "upload" if upload else "", VERSION if account.versioned else "", path)
    return "/".join(filter(None, parts))


def whose(account: Account) -> str:
    """The place of an account's key in the config, or the account's name."""
    return account.where or account.name


class ModelRoute:
    """What every call of one deployment has in common, made once: a URL and headers cost as much as sending."""

    def __init__(self, deployment: Deployment, transport: Transport) -> None:
        self.deployment = deployment
        self.account = deployment.account.name
        self.whose = deployment.where or whose(deployment.account)
        self._stem = address(deployment.account, quote(model_path(deployment.model), safe="/"))
        self._transport = transport
        self._heads: dict[str, Head] = {}

    def head(self, method: str) -> Head:
        """Of a POST of JSON to `method` (`generateContent`, …)."""
        head = self._heads.get(method)
        if head is None:
            headers = dict(self.deployment.headers)
            headers |= {KEY_HEADER: self.deployment.api_key, "Content-Type": "application/json"}
            head = self._heads[method] = self._transport.head("POST", f"{self._stem}:{method}", headers)
        return head
