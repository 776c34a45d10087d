"""What calls are counted as: a listener of the meter."""

from __future__ import annotations

from itertools import zip_longest

import msgspec

from liftgate.engine.meter import CallRecord
from liftgate.engine.spend import model_of
from liftgate.metrics import families
from liftgate.metrics.cells import UNREAD_CELL, Labels, Slot
from liftgate.metrics.families import OTHER, Family
from liftgate.rates import model_entry

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
MOST_KEYS = 100
"""Keys that have numbers of their own; the others share theirs."""
MOST_FREE_MODELS = 20
"""Names behind a wildcard that have numbers of their own without standing in our table of models."""
PROVIDER = "gcp.gemini"
DOORS = {
    "/v1/files": "openai",
    "/files": "openai",
    "/v1/uploads/{upload_id}/parts": "parts",
    "/uploads/{upload_id}/parts": "parts",
    "/upload/v1beta/files": "native",
    "/upload/v1/files": "native",
}
"""Routes that take files in → how that is called."""


class _Places(msgspec.Struct, frozen=True):
    """The first cells of what every call of one kind is counted as: found once, not for each call."""

    overhead: int
    calls: int
    first: int
    further: int
    sent: int
    made: int
    ok: int


class CallCounts:
    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._cells = slot.cells
        self._observe_at = slot.observe_at
        self._keys = {*slot.values_of(families.SPEND, "key"), *slot.values_of(families.REFUSALS, "key")} - {OTHER}
        named = slot.values_of(families.TOKENS_TOTAL, "model") | slot.values_of(families.UNPRICED, "model")
        self._free_models = {name for name in named - {OTHER} if model_entry(name) is None}
        self._known: dict[tuple[str, ...], int] = {}
        self._requests: dict[tuple[str, str, int], int] = {}
        self._places: dict[tuple[str, str, str, str], _Places] = {}

    def ended(self, call: CallRecord) -> None:
        if call.method:
            self._request(call)
        if call.operation:
            self._call(call)
        if call.outcome == "refused":
            self._add(families.REFUSALS, (self._key(call), call.error or OTHER, call.limit))

    def _request(self, call: CallRecord) -> None:
        method = call.method if call.method in METHODS else "_OTHER"
        key = (method, call.route, call.status)
        at = self._requests.get(key)
        if at is None:
            at = self._requests[key] = self._slot.at(families.HTTP, (method, call.route or OTHER, str(call.status)))
        self._observe_at(at, families.HTTP_SECONDS, call.total)
        if call.sampled:
            self._exemplar(families.HTTP, (method, call.route or OTHER, str(call.status)), call, call.total)
        if call.route in DOORS and method in ("POST", "PUT"):
            door = DOORS[call.route]
            self._add(families.UPLOADS, (door, call.outcome))
            self._add(families.UPLOAD_BYTES, (door,), call.bytes_in)
            self._observe_at(self._slot.at(families.UPLOAD_SECONDS, (door,)), families.FILE_SECONDS, call.total)

    def _call(self, call: CallRecord) -> None:
        key = (call.operation, call.public_model, call.error, call.deployment)
        places = self._places.get(key)
        if places is None:
            places = self._places[key] = self._find_places(call)
        self._observe_at(places.overhead, families.OWN_SECONDS, call.own)
        if call.tries:
            self._observe_at(places.calls, families.CALL_SECONDS, call.upstream)
            if call.sampled:
                asked = call.operation, PROVIDER, call.public_model, call.error
                self._exemplar(families.CALLS, asked, call, call.upstream)
            if call.streamed and call.first_event:
                self._observe_at(places.first, families.CALL_SECONDS, call.first_event)
                if (more := call.chunks - 1) > 0:
                    mean = max(0.0, call.upstream - call.first_event) / more
                    self._observe_at(places.further, families.QUICK_SECONDS, mean, more)
            if call.failures:
                self._attempts(call)
            else:
                self._cells[places.ok] += 1.0
        if call.copies_hit or call.paged_in:
            self._files(call)
        named = call.public_model if "*" not in call.public_model else self._model(call)
        if call.cost is None:
            self._add(families.UNPRICED, (named,))
        elif call.cost:
            self._add(families.SPEND, (self._key(call), named), call.cost / 1e9)
        if call.usage is not None or call.earlier or call.estimated:
            self._tokens(call, places, named)

    def _find_places(self, call: CallRecord) -> _Places:
        asked: Labels = (call.operation, PROVIDER, call.public_model)
        at = self._slot.at
        reached = bool(call.tries)
        return _Places(
            at(families.OVERHEAD, (call.operation,)),
            at(families.CALLS, (*asked, call.error)) if reached else UNREAD_CELL,
            at(families.FIRST, asked) if reached else UNREAD_CELL,
            at(families.PER_CHUNK, asked) if reached else UNREAD_CELL,
            at(families.TOKEN_USAGE, (*asked, "input")) if reached else UNREAD_CELL,
            at(families.TOKEN_USAGE, (*asked, "output")) if reached else UNREAD_CELL,
            at(families.ATTEMPTS, (call.deployment, "ok")) if reached else UNREAD_CELL,
        )

    def _attempts(self, call: CallRecord) -> None:
        answered = call.tries > len(call.failures)
        tried = [deployment for deployment, _ in call.failures]
        followed = [*tried[1:], *([call.deployment] if answered else [])]
        for deployment, following in zip_longest(tried, followed):
            after = "retried" if following == deployment else "fell_back"
            self._add(families.ATTEMPTS, (deployment, "failed" if following is None else after))
        if answered:
            self._add(families.ATTEMPTS, (call.deployment, "ok"))

    def _files(self, call: CallRecord) -> None:
        if hits := len(call.copies_hit - call.paged_in):
            self._add(families.LOOKUPS, (call.account, "hit"), hits)
        self._observe_at(self._slot.at(families.FILE_WAIT, (call.outcome,)), families.FILE_SECONDS, call.files)

    def _tokens(self, call: CallRecord, places: _Places, model: str) -> None:
        tokens = call.tokens
        sent = made = 0
        for kind, count in tokens.prompt.items():
            sent += count
            cached = min(count, tokens.cached.get(kind, 0)) if tokens.cached else 0
            if count > cached:
                self._add_tokens(model, "input", kind, "", count - cached)
            if cached:
                self._add_tokens(model, "input", kind, "read", cached)
        for kind, count in tokens.output.items():
            made += count
            self._add_tokens(model, "output", kind, "", count)
        if tokens.thoughts:
            self._add_tokens(model, "reasoning", "TEXT", "", tokens.thoughts)
        self._observe_at(places.sent, families.TOKENS, sent)
        self._observe_at(places.made, families.TOKENS, made + tokens.thoughts)

    def _add_tokens(self, model: str, of: str, kind: str, cache: str, count: int) -> None:
        key = (model, of, kind, cache)
        at = self._known.get(key)
        if at is None:
            at = self._known[key] = self._slot.at(families.TOKENS_TOTAL, (model, of, kind.lower(), cache))
        self._cells[at] += count

    def _exemplar(self, family: Family, labels: Labels, call: CallRecord, value: float) -> None:
        trace = int(call.trace_id, 16)
        words = [float(trace >> shift & 0xFFFFFFFF) for shift in (96, 64, 32, 0)]
        at = self._slot.at(families.EXEMPLARS[family.name], labels)
        for place, number in enumerate((*words, value, call.began_at + call.total)):
            self._cells[at + place] = number

    def _model(self, call: CallRecord) -> str:
        """Behind a wildcard, whose callers choose the names."""
        name = model_of(call)
        if name == call.public_model or name in self._free_models or model_entry(name) is not None:
            return name
        if len(self._free_models) >= MOST_FREE_MODELS:
            return OTHER
        self._free_models.add(name)
        return name

    def _key(self, call: CallRecord) -> str:
        """By its name, for the first `MOST_KEYS`."""
        name = call.key
        if name not in self._keys:
            if len(self._keys) >= MOST_KEYS:
                return OTHER
            self._keys.add(name)
        return name

    def _add(self, family: Family, labels: Labels, by: float = 1.0) -> None:
        key = (family.name, *labels)
        at = self._known.get(key)
        if at is None:
            at = self._known[key] = self._slot.at(family, labels)
        self._cells[at] += by
