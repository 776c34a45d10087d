"""What calls are counted as: a listener of the meter."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from itertools import zip_longest
from operator import add

from liftgate.engine.meter import CallRecord, Calls, OnEnd, one_by_one
from liftgate.engine.spend import model_of
from liftgate.metrics import families
from liftgate.metrics.cells import UNREAD_CELL, Labels, Slot
from liftgate.metrics.families import OTHER, Family
from liftgate.prices import Counted
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


Count = Callable[[CallRecord], None]


class _TokenCells(dict[str, int]):
    """Google's name of a modality → the cell of its tokens: `of` a model's input or output, from a `cache` or not."""

    def __init__(self, slot: Slot, model: str, of: str, cache: str = "") -> None:
        super().__init__()
        self._slot = slot
        self._labels = model, of, cache

    def __missing__(self, modality: str) -> int:
        model, of, cache = self._labels
        at = self[modality] = self._slot.at(families.TOKENS_TOTAL, (model, of, modality.lower(), cache))
        return at


class _Tokens:
    """Where the tokens of calls of one model are counted."""

    __slots__ = ("input", "output", "read", "thoughts")

    def __init__(self, slot: Slot, model: str) -> None:
        self.input = _TokenCells(slot, model, "input")
        self.read = _TokenCells(slot, model, "input", "read")
        self.output = _TokenCells(slot, model, "output")
        self.thoughts = _TokenCells(slot, model, "reasoning")


class CallCounts:
    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._cells = slot.cells
        self._keys = {*slot.values_of(families.SPEND, "key"), *slot.values_of(families.REFUSALS, "key")} - {OTHER}
        named = slot.values_of(families.TOKENS_TOTAL, "model") | slot.values_of(families.UNPRICED, "model")
        self._free_models = {name for name in named - {OTHER} if model_entry(name) is None}
        self._tokens: dict[str, _Tokens] = {}

    def ended(self, call: CallRecord) -> None:
        if (on_end := self.of_kind(call)) is not None:
            on_end(Calls((call,)))

    def of_kind(self, call: CallRecord) -> OnEnd | None:
        """Where calls of a kind are counted is looked for once, and not for each of them."""
        if call.is_text and call.method and call.operation and call.tries and call.outcome != "refused":
            return self._texts(call)
        on_end = self._request(call) if call.method else None
        if call.operation:
            on_end = self._call(call, on_end)
        if call.outcome == "refused":
            on_end = self._refusal(call, on_end)
        return None if on_end is None else one_by_one(on_end)

    def _texts(self, call: CallRecord) -> OnEnd:
        """As the others do, of many at once."""
        slot, cells = self._slot, self._cells
        http = slot.at(families.HTTP, (_method(call), call.route or OTHER, str(call.status)))
        own = slot.at(families.OVERHEAD, (call.operation,))
        asked = (call.operation, PROVIDER, call.public_model)
        google = slot.at(families.CALLS, (*asked, call.error))
        ok = slot.at(families.ATTEMPTS, (call.deployment, "ok"))
        first, further = slot.at(families.FIRST, asked), slot.at(families.PER_CHUNK, asked)
        sent, made = (slot.at(families.TOKEN_USAGE, (*asked, kind)) for kind in ("input", "output"))
        streamed, model = call.streamed, self._model(call)
        tokens, key, spent = self._tokens_of(model), self._key(call), -1

        def count(calls: Calls) -> None:
            nonlocal spent
            slot.observe_all(http, families.HTTP_SECONDS, calls.totals)
            slot.observe_all(own, families.OWN_SECONDS, calls.owns)
            slot.observe_all(google, families.CALL_SECONDS, calls.upstreams)
            cells[ok] += len(calls.all)
            if streamed:
                for each in calls.all:
                    self._pieces(each, first, further)
            if nanos := self._nanos(calls, model):
                if spent < 0:
                    spent = slot.at(families.SPEND, (key, model))
                cells[spent] += nanos / 1e9
            outputs = calls.made
            if total := sum(calls.sent):
                cells[tokens.input["TEXT"]] += total
            if total := sum(outputs):
                cells[tokens.output["TEXT"]] += total
            if total := sum(calls.thoughts):
                cells[tokens.thoughts["TEXT"]] += total
                outputs = (*map(add, outputs, calls.thoughts),)
            slot.observe_all(sent, families.TOKENS, calls.sent)
            slot.observe_all(made, families.TOKENS, outputs)

        return count

    def _nanos(self, calls: Calls, model: str) -> int:
        """What they cost; those without a price are counted as such."""
        costs = calls.costs
        if None not in costs:
            return sum(costs)
        self._slot.add(families.UNPRICED, (model,), costs.count(None))
        return sum(filter(None, costs))

    def _request(self, call: CallRecord) -> Count:
        labels = (_method(call), call.route or OTHER, str(call.status))
        door = DOORS.get(call.route) if call.method in ("POST", "PUT") else None
        cells, buckets = self._cells, families.HTTP_SECONDS
        at = self._slot.at(families.HTTP, labels)
        at_sum = at + len(buckets) + 1

        def count(call: CallRecord) -> None:
            total = call.total
            cells[at + bisect_left(buckets, total)] += 1.0
            cells[at_sum] += total
            if call.sampled:
                self._exemplar(families.HTTP, labels, call, total)
            if door is not None:
                self._upload(door, call)

        return count

    def _upload(self, door: str, call: CallRecord) -> None:
        self._slot.add(families.UPLOADS, (door, call.outcome), 1.0)
        self._slot.add(families.UPLOAD_BYTES, (door,), call.bytes_in)
        self._slot.observe(families.UPLOAD_SECONDS, (door,), call.total)

    def _refusal(self, call: CallRecord, on_end: Count | None) -> Count:
        at = self._slot.at(families.REFUSALS, (self._key(call), call.error or OTHER, call.limit))

        def count(call: CallRecord) -> None:
            if on_end is not None:
                on_end(call)
            self._cells[at] += 1.0

        return count

    def _call(self, call: CallRecord, request: Count | None) -> Count:
        model, asked = call.public_model, (call.operation, PROVIDER, call.public_model)
        tokens = None if "*" in model else self._tokens_of(model)
        reached = self._reached(call) if call.tries else None
        cells, buckets, slot = self._cells, families.OWN_SECONDS, self._slot
        at = slot.at(families.OVERHEAD, (call.operation,))
        at_sum = at + len(buckets) + 1
        sent = slot.at(families.TOKEN_USAGE, (*asked, "input")) if reached else UNREAD_CELL
        made = slot.at(families.TOKEN_USAGE, (*asked, "output")) if reached else UNREAD_CELL
        is_plain = call.is_plain
        spent = -1

        def count(call: CallRecord) -> None:
            nonlocal spent
            if request is not None:
                request(call)
            own = call.own
            cells[at + bisect_left(buckets, own)] += 1.0
            cells[at_sum] += own
            if reached is not None and (call.upstream or not call.error):
                reached(call)
            if not is_plain and (call.copies_hit or call.paged_in):
                self._files(call)
            named = model if tokens is not None else self._model(call)
            cost = call.cost
            if cost is None:
                slot.add(families.UNPRICED, (named,), 1.0)
            elif cost:
                if spent < 0 or tokens is None:
                    spent = slot.at(families.SPEND, (self._key(call), named))
                cells[spent] += cost / 1e9
            if is_plain or call.usage is not None or call.earlier or call.reckoned is not None:
                self._count_tokens(call.tokens, tokens or self._tokens_of(named), sent, made)

        return count

    def _reached(self, call: CallRecord) -> Count:
        """Of a call for which Google was asked. One may have been tried and refused before that: by limits, or by what
        the model cannot do."""
        asked, streamed, is_plain = (call.operation, PROVIDER, call.public_model), call.streamed, call.is_plain
        cells, buckets, slot = self._cells, families.CALL_SECONDS, self._slot
        labels = (*asked, call.error)
        at = slot.at(families.CALLS, labels)
        at_sum = at + len(buckets) + 1
        first = slot.at(families.FIRST, asked)
        further = slot.at(families.PER_CHUNK, asked)
        ok = slot.at(families.ATTEMPTS, (call.deployment, "ok"))

        def count(call: CallRecord) -> None:
            upstream = call.upstream
            cells[at + bisect_left(buckets, upstream)] += 1.0
            cells[at_sum] += upstream
            if is_plain:
                cells[ok] += 1.0
            else:
                self._irregular(call, labels, ok)
            if streamed:
                self._pieces(call, first, further)

        return count

    def _pieces(self, call: CallRecord, first: int, further: int) -> None:
        """Of a stream: when its first one came, and the others."""
        if call.first_event:
            self._slot.observe_at(first, families.CALL_SECONDS, call.first_event)
            if (more := call.chunks - 1) > 0:
                mean = max(0.0, call.upstream - call.first_event) / more
                self._slot.observe_at(further, families.QUICK_SECONDS, mean, more)

    def _irregular(self, call: CallRecord, labels: Labels, ok: int) -> None:
        if call.sampled:
            self._exemplar(families.CALLS, labels, call, call.upstream)
        if call.failures:
            self._attempts(call)
        else:
            self._cells[ok] += 1.0

    def _count_tokens(self, tokens: Counted, of_model: _Tokens, sent_at: int, made_at: int) -> None:
        cells, cached, buckets = self._cells, tokens.cached, families.TOKENS
        sent = made = 0
        for modality, count in tokens.prompt.items():
            sent += count
            if cached and (read := min(count, cached.get(modality, 0))):
                cells[of_model.read[modality]] += read
                count -= read
            if count:
                cells[of_model.input[modality]] += count
        for modality, count in tokens.output.items():
            made += count
            cells[of_model.output[modality]] += count
        if thoughts := tokens.thoughts:
            made += thoughts
            cells[of_model.thoughts["TEXT"]] += thoughts
        cells[sent_at + bisect_left(buckets, sent)] += 1.0
        cells[sent_at + len(buckets) + 1] += sent
        cells[made_at + bisect_left(buckets, made)] += 1.0
        cells[made_at + len(buckets) + 1] += made

    def _tokens_of(self, model: str) -> _Tokens:
        found = self._tokens.get(model)
        if found is None:
            found = self._tokens[model] = _Tokens(self._slot, model)
        return found

    def _attempts(self, call: CallRecord) -> None:
        answered = call.tries > len(call.failures)
        tried = [deployment for deployment, _ in call.failures]
        followed = [*tried[1:], *([call.deployment] if answered else [])]
        for deployment, following in zip_longest(tried, followed):
            after = "retried" if following == deployment else "fell_back"
            self._slot.add(families.ATTEMPTS, (deployment, "failed" if following is None else after), 1.0)
        if answered:
            self._slot.add(families.ATTEMPTS, (call.deployment, "ok"), 1.0)

    def _files(self, call: CallRecord) -> None:
        if hits := len(call.copies_hit - call.paged_in):
            self._slot.add(families.LOOKUPS, (call.account, "hit"), hits)
        self._slot.observe(families.FILE_WAIT, (call.outcome,), call.files)

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


def _method(call: CallRecord) -> str:
    return call.method if call.method in METHODS else "_OTHER"
