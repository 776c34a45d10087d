"""What the sandbox has counted: the witness of tests that say how often something was sent to Google.

Nothing here decides anything. `snapshot` is the body of `GET /sandbox/stats`.
"""

import hashlib
from collections import Counter, OrderedDict, defaultdict, deque

from liftgate.sandbox.wire.json_types import JsonObject

RING = 100
SESSIONS_KEPT = 10_000
DEEPEST = 100
LONG_VALUE = 1024


class Stats:
    """Counters since the start or the last reset."""

    def __init__(self) -> None:
        self.operations: Counter[str] = Counter()
        self.by_project: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.by_key: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.statuses: Counter[str] = Counter()
        self.session_bytes: OrderedDict[str, int] = OrderedDict()
        self.bytes_received = 0
        self.finalized: Counter[str] = Counter()
        self.bodies: deque[JsonObject] = deque(maxlen=RING)
        self.in_flight = 0
        self.most_in_flight = 0
        self.abandoned = 0
        """Exchanges that the client left before they ended."""

    def count(self, operation: str, key: str, project: str) -> None:
        self.operations[operation] += 1
        if project:
            self.by_project[project][operation] += 1
        if key:
            self.by_key[key][operation] += 1

    def uploaded(self, session: str, count: int) -> None:
        """Bytes of upload bodies that were read for a session, kept or not."""
        self.bytes_received += count
        self.session_bytes[session] = self.session_bytes.get(session, 0) + count
        while len(self.session_bytes) > SESSIONS_KEPT:
            self.session_bytes.popitem(last=False)

    def body(self, operation: str, model: str, key: str, project: str, body: object) -> None:
        """Remember a generate body as it was sent, with long strings replaced by their length and SHA-256."""
        self.bodies.append(
            {"operation": operation, "model": model, "key": key, "project": project, "body": _shortened(body)}
        )

    def snapshot(self) -> JsonObject:
        return {
            "operations": dict(self.operations),
            "by_project": {name: dict(counts) for name, counts in self.by_project.items()},
            "by_key": {name: dict(counts) for name, counts in self.by_key.items()},
            "statuses": dict(self.statuses),
            "bytes_received": self.bytes_received,
            "bytes_by_session": dict(self.session_bytes),
            "finalized_by_sha256": dict(self.finalized),
            "finalized": self.finalized.total(),
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "abandoned": self.abandoned,
        }


def _shortened(value: object, depth: int = 0) -> object:
    if isinstance(value, str) and len(value) > LONG_VALUE:
        return f"<{len(value)} characters, sha256 {hashlib.sha256(value.encode()).hexdigest()}>"
    if isinstance(value, dict | list) and depth >= DEEPEST:
        return "<deeper>"
    if isinstance(value, dict):
        return {name: _shortened(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item, depth + 1) for item in value]
    return value
