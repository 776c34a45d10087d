"""What a line of the log says of a call, as JSON: its fields, or whole lines of many calls that are alike."""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from itertools import repeat
from operator import add
from typing import cast

import msgspec

from liftgate.engine.access_names import OTEL, OTEL_OF_DIGESTS, renamed
from liftgate.engine.meter import CallRecord, Calls
from liftgate.json_types import JsonMapping, JsonObject

_ENCODER = msgspec.json.Encoder()
_encode, _encode_lines = _ENCODER.encode, _ENCODER.encode_lines
LONGEST = 256
"""Characters that are written of a text of the caller's."""
KNOWN_USERS = 1024
DIGITS = 16
"""Of a user's digest: enough to keep millions apart."""
_WHOLE = 2.0**52
"""Floats of this size are whole: what is added to one, and comes back, is rounded."""


class _ByText(msgspec.Struct, omit_defaults=True, gc=False):
    TEXT: int = 0


class _Varying(msgspec.Struct, omit_defaults=True, gc=False):
    """What a call has for itself that is like another, by the names of `access_fields`. The first field is written as
    it is, and holds all that does not vary."""

    level: msgspec.Raw
    ts: str
    request_id: str
    bytes_in: int
    bytes_out: int
    total: float
    own: float
    upstream_first: float
    upstream: float
    sent: int = msgspec.field(name="in")
    cached: int
    out: int
    reasoning: int
    by_modality: _ByText | dict[str, int]
    cost_usd: float | None
    trace_id: str = ""
    user: str = ""
    upstream_id: str = ""


class _Addressed(_Varying, omit_defaults=True, gc=False):
    client_ip: str = ""


_VARY = frozenset(each.encode_name for each in msgspec.structs.fields(_Varying)[1:])


class Form:
    """What lines say of the caller, and how. `client_ip`: the client's address too. `user_secret`: by which there is a
    digest in place of the user. `otel`: by OpenTelemetry's names."""

    def __init__(self, *, client_ip: bool = False, user_secret: str = "", otel: bool = False) -> None:
        of: type[_Varying] = _Addressed if client_ip else _Varying
        self._names: Mapping[str, str] | None = None
        self._client_ip = client_ip
        if otel:
            self._names = OTEL_OF_DIGESTS if user_secret else OTEL
            of = cast("type[_Varying]", renamed(of, self._names))
        self._varying = of
        # OpenSSL takes as long for a digest as for the rest of the line.
        self._digest = lru_cache(KNOWN_USERS)(partial(_digest, user_secret.encode())) if user_secret else None
        self._differs = client_ip or otel or bool(user_secret)

    def fields(self, call: CallRecord) -> JsonObject:
        """As `access_fields`."""
        fields = access_fields(call)
        if self._client_ip and call.client_ip:
            fields["client_ip"] = call.client_ip
        if self._digest is not None and call.user:
            fields["user"] = self._digest(call.user[:LONGEST])
        return self._named(fields)

    def _amend(self, lines: Sequence[_Varying], calls: Sequence[CallRecord]) -> None:
        if self._client_ip:
            for addressed, call in zip(cast("Sequence[_Addressed]", lines), calls, strict=True):
                addressed.client_ip = call.client_ip
        if (digest := self._digest) is not None:
            for line in lines:
                if user := line.user:
                    line.user = digest(user)
        if self._names is not None:
            for line in lines:
                line.out += line.reasoning

    def _named(self, fields: JsonObject) -> JsonObject:
        names = self._names
        if names is None:
            return fields
        if "finish" in fields:
            fields["finish"] = [str(fields["finish"])]
        if "out" in fields:
            fields["out"] += fields["reasoning"]
        return {names.get(name, name): value for name, value in fields.items()}

    def head_of(self, call: CallRecord) -> msgspec.Raw:
        """The level of calls like this one, and behind it, with their names, all other values that do not vary."""
        fields = self._named({name: value for name, value in access_fields(call).items() if name not in _VARY})
        return msgspec.Raw(json.dumps(fields, separators=(",", ":"))[:-1].removeprefix('{"level":').encode())

    def lines_of(self, head: msgspec.Raw, calls: Calls) -> str | None:
        """None where somebody else's text is not of ASCII alone."""
        of, all_calls = self._varying, calls.all
        lines = _texts(of, head, calls) if all_calls[0].is_text else [_varying(of, head, call) for call in all_calls]
        if self._differs:
            self._amend(lines, all_calls)
        try:
            return _encode_lines(lines)[:-1].decode("ascii")
        except UnicodeDecodeError:
            return None


def _digest(secret: bytes, user: str) -> str:
    return hmac.digest(secret, user.encode("utf-8", "surrogatepass"), "sha256").hex()[:DIGITS]


def _texts(of: type[_Varying], head: msgspec.Raw, calls: Calls) -> list[_Varying]:
    """As `_varying`, of many at once, and most of it in C."""
    upstreams, users = _all_ms(calls.upstreams), calls.users
    return [
        *map(
            of,
            repeat(head),
            _moments(list(map(add, calls.began, calls.totals))),
            calls.ids,
            calls.bytes_in,
            calls.bytes_out,
            _all_ms(calls.totals),
            _all_ms(calls.owns),
            upstreams if calls.first_events == calls.upstreams else _all_ms(calls.first_events),
            upstreams,
            calls.sent,
            repeat(0),
            calls.made,
            calls.thoughts,
            map(_ByText, calls.sent),
            [None if cost is None else cost / 1e9 for cost in calls.costs],
            calls.traces,
            users if not any(users) else [user[:LONGEST] for user in users],
            calls.responses,
        )
    ]


def _varying(of: type[_Varying], head: msgspec.Raw, call: CallRecord) -> _Varying:
    tokens, cost, user = call.tokens, call.cost, call.user
    return of(
        head,
        moment(call.began_at + call.total),
        call.request_id,
        call.bytes_in,
        call.bytes_out,
        _ms(call.total),
        _ms(call.own),
        _ms(call.first_event),
        _ms(call.upstream),
        tokens.prompt_total,
        sum(tokens.cached.values()),
        sum(tokens.output.values()),
        tokens.thoughts,
        dict(tokens.prompt),
        None if cost is None else cost / 1e9,
        call.trace_id,
        user[:LONGEST],
        call.response_id,
    )


def said_by_others(calls: Calls) -> str:
    """What others say in their lines."""
    if calls.all[0].is_text:
        return "\n".join((*calls.responses, *filter(None, calls.users), *filter(None, calls.traces)))
    return "\n".join([f"{call.response_id} {call.user} {call.trace_id}" for call in calls.all])


def as_json(value: JsonMapping) -> str:
    line = _encode(value).decode()
    return line if line.isascii() else json.dumps(value)


def moment(seconds: float) -> str:
    """UTC, to the millisecond."""
    second = int(seconds)
    return _second(second) + _endings()[int((seconds - second) * 1000)]


def _moments(seconds: Sequence[float]) -> list[str]:
    begins, endings = _second(second := int(seconds[0])), _endings()
    if second <= min(seconds) and max(seconds) < second + 1:
        return [begins + endings[int((each - second) * 1000)] for each in seconds]
    return [*map(moment, seconds)]


@cache
def _endings() -> Sequence[str]:
    return [f".{each:03}Z" for each in range(1000)]


@lru_cache(maxsize=8)
def _second(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


def access_fields(call: CallRecord) -> JsonObject:
    """By their names in the log; times are milliseconds, but for `ts`."""
    fields: JsonObject = {
        "ts": moment(call.began_at + call.total),
        "level": "info" if call.outcome == "ok" else "warning",
        "event": "access",
        "request_id": call.request_id,
        "worker": os.getpid(),
        "method": call.method,
        "route": call.route,
        "status": call.status,
        "bytes_in": call.bytes_in,
        "bytes_out": call.bytes_out,
        "outcome": call.outcome,
        "key": call.key,
        "owner": call.owner,
        "total": _ms(call.total),
    }
    for name, value in (("trace_id", call.trace_id), ("error", call.error), ("user", call.user[:LONGEST])):
        if value:
            fields[name] = value
    if call.operation:
        _add_call(fields, call)
    return fields


def _add_call(fields: JsonObject, call: CallRecord) -> None:
    fields |= {
        "dialect": call.dialect,
        "operation": call.operation,
        "model": call.model[:LONGEST],
        "stream": call.streamed,
        "attempts": call.tries,
        "own": _ms(call.own),
    }
    if call.deployment:
        fields |= {
            "upstream_model": call.upstream_model,
            "deployment": call.deployment,
            "account": call.account,
            "fallback": bool(call.failures) and call.failures[0][0] != call.deployment,
            "upstream_first": _ms(call.first_event),
            "upstream": _ms(call.upstream),
        }
    if call.response_id:
        fields["upstream_id"] = call.response_id
    if call.finish:
        fields["finish"] = call.finish
    if call.copies_hit or call.paged_in:
        fields |= {
            "files": sorted({*call.copies_hit, *call.paged_in}),
            "replica": "paged_in" if call.paged_in else "hit",
            "wait_files": _ms(call.files),
            "paged_in_bytes": call.paged_in_bytes,
        }
    if call.usage is not None or call.earlier or call.estimated:
        tokens = call.tokens
        fields |= {
            "in": tokens.prompt_total,
            "cached": sum(tokens.cached.values()),
            "out": sum(tokens.output.values()),
            "reasoning": tokens.thoughts,
            "by_modality": dict(tokens.prompt),
            "cost_usd": None if call.cost is None else call.cost / 1e9,
        }
        if call.estimated:
            fields["estimated"] = True


def _ms(seconds: float) -> float:
    return (seconds * 1e5 + _WHOLE - _WHOLE) / 100


def _all_ms(seconds: Sequence[float]) -> list[float]:
    return [(each * 1e5 + _WHOLE - _WHOLE) / 100 for each in seconds]
