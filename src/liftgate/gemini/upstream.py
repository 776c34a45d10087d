"""What the client remembers of Google's side, so that a call need not find it out again: where the calls of a
deployment go, and how far the clock of an account is from ours.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from urllib.parse import quote

from liftgate.clock import Clock
from liftgate.deployments import Account, Deployment
from liftgate.http.transport import Head, Transport
from liftgate.names import model_path

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
    """What every call of one deployment has in common, made once: a URL and headers cost as much as sending. `heads`:
    those that were made, by method."""

    def __init__(self, deployment: Deployment, transport: Transport) -> None:
        self.deployment = deployment
        self.account = deployment.account.name
        self.whose = deployment.where or whose(deployment.account)
        self._stem = address(deployment.account, quote(model_path(deployment.model), safe="/"))
        self._transport = transport
        self.heads: dict[str, Head] = {}

    def head(self, method: str) -> Head:
        """Of a POST of JSON to `method` (`generateContent`, …)."""
        head = self.heads.get(method)
        if head is None:
            headers = dict(self.deployment.headers)
            headers |= {KEY_HEADER: self.deployment.api_key, "Content-Type": "application/json"}
            head = self.heads[method] = self._transport.head("POST", f"{self._stem}:{method}", headers)
        return head


class UpstreamTime:
    """How far Google's clock is from ours, by account name, learnt from the `Date` of its answers.

    The expiration of a file is on Google's clock (docs/architecture.md, "Copies"). The last answer counts: `Date` has
    whole seconds, so the skew is right to about a second plus the answer's way, which the margin before an expiration
    covers, and a clock that jumps is followed at once, which an average would not do. `skews`: seconds that it is ahead
    of ours. `last_dates`: the `Date` that came last.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.skews: dict[str, float] = {}
        self.last_dates: dict[str, str] = {}

    def learn(self, account: str, date: str | None) -> None:
        """Takes the `Date` header of an answer that has just come; one that cannot be read teaches nothing."""
        if date is None or self.last_dates.get(account) == date:
            # The same second again: nothing new, and reading a date costs more than the rest of a call's bookkeeping.
            return
        self.last_dates[account] = date
        try:
            moment = parsedate_to_datetime(date).timestamp()
        except (ValueError, OverflowError):
            return
        # Somewhere within the second that it names.
        self.skews[account] = moment + 0.5 - self._clock.now()
