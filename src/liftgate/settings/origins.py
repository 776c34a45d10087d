"""Which origins of web pages are allowed: exact ones, those with a wildcard in one place, or all."""

from __future__ import annotations

import re
from collections.abc import Sequence

_ENTRY = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])"
    r"(?P<port>:(?:\*|\d{1,5}))?"
)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Origins:
    """`*` allows every origin, `null` too. `https://*.example.com` allows every name below example.com and not itself,
    `http://localhost:*` every port, `moz-extension://*` every host. Raises ValueError for what is none of these.

    An origin has no path. Browsers write it in lower case and without the port that goes without saying.
    """

    def __init__(self, entries: Sequence[str]) -> None:
        self.all = "*" in entries
        self._exact: set[str] = set()
        self._patterns: list[re.Pattern[str]] = []
        for entry in entries:
            if entry != "*":
                self._add(entry)

    def __contains__(self, origin: str) -> bool:
        return self.all or origin in self._exact or any(pattern.fullmatch(origin) for pattern in self._patterns)

    def _add(self, entry: str) -> None:
        if entry == "null":
            self._exact.add(entry)
            return
        found = _ENTRY.fullmatch(entry.lower())
        if found is None:
            raise ValueError(entry)
        scheme, host, port = found["scheme"], found["host"], found["port"] or ""
        if port == _DEFAULT_PORTS.get(scheme):
            port = ""
        if "*" not in host and port != ":*":
            self._exact.add(f"{scheme}://{host}{port}")
            return
        if host == "*" and scheme in _DEFAULT_PORTS:
            # Every page of the web, in a spelling that looks like less.
            raise ValueError(entry)
        host = re.escape(host).replace(r"\*\.", r"(?:[a-z0-9_-]+\.)+").replace(r"\*", r"[a-z0-9_.-]+")
        port = r"(?::\d{1,5})?" if port == ":*" else re.escape(port)
        self._patterns.append(re.compile(re.escape(f"{scheme}://") + host + port))
