"""Fault → allowed outcomes: what a client may see when Gemini fails, written before the tests that hold it.

A row orders faults of the sandbox (`liftgate.sandbox.control`) and asks one question about one file. `allowed` is
what the client may get within `within` seconds: `answer`, or an HTTP status with OpenAI's error code. `finalized` is
how many Files may have come to be at Gemini by then, from fewest to most; all but one are removed again. When the
faults are over, the next question must be answered: what failed is never what is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from liftgate.sandbox.settings import Unverified

MIB = 1 << 20
ANSWER = "answer"
Order = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """`file`: what is at Gemini before the faults come: `new` nothing, `live` a replica made a moment ago, `old` one
    of an hour ago. `advance`: seconds by which Google's clock jumps after that. `instead`: by a switch and its value,
    what Google's behaviour under it makes of the row: what the client may get, and how many Files."""

    name: str
    faults: tuple[Order, ...]
    file: Literal["new", "live", "old"] = "new"
    allowed: frozenset[str] = frozenset({ANSWER})
    finalized: tuple[int, int] = (1, 1)
    advance: float = 0.0
    within: float = 20.0
    instead: Mapping[tuple[str, Any], tuple[frozenset[str], tuple[int, int]]] = field(default_factory=dict)
    transient: bool = True
    """Over after one hit, so that it may be mixed with others."""
    retries: int = 2
    """The router's, which only make what never ends last longer."""


def _status(name: str, operation: str, code: int, **more: Any) -> Row:
    return Row(name, ({"kind": "status", "operation": operation, "code": code, **more},))


def _cut(name: str, operation: str, **more: Any) -> Row:
    return Row(name, ({"kind": "cut", "operation": operation, **more},))


def _lost(name: str, operation: str, **more: Any) -> Row:
    return Row(name, ({"kind": "lose_answer", "operation": operation},), **more)


def _always(order: Order) -> tuple[Order, ...]:
    return ({**order, "times": None},)


NO_HASH = {("sha256_present", False): (frozenset({ANSWER}), (1, 1))}
"""A hash that is not there is not wrong."""
NO_STATE = {("state_present", False): (frozenset({ANSWER}), (2, 2))}
"""A copy without a state is used at once; Google refuses it as not ready, so another one is made."""

UPLOADING: tuple[Row, ...] = (
    _status("start: 429", "upload.start", 429),
    _status("start: 429 with RetryInfo", "upload.start", 429, retry_delay="1s"),
    _status("start: 429 with Retry-After", "upload.start", 429, retry_after="1"),
    _status("start: 500", "upload.start", 500),
    _status("start: 503", "upload.start", 503),
    _lost("start: answer lost", "upload.start"),
    _status("chunk: 429", "upload.chunk", 429),
    _status("chunk: 429 with RetryInfo", "upload.chunk", 429, retry_delay="1s"),
    _status("chunk: 500", "upload.chunk", 500),
    _status("chunk: 503", "upload.chunk", 503),
    _status("chunk: 503 after it was taken", "upload.chunk", 503, processed=True),
    _cut("chunk: reset before", "upload.chunk"),
    _cut("chunk: reset during", "upload.chunk", after_bytes=3 * MIB + 7),
    _cut("chunk: closed during", "upload.chunk", after_bytes=5 * MIB, how="close"),
    _cut("chunk: reset three times", "upload.chunk", after_bytes=MIB, times=3),
    _lost("chunk: reset after", "upload.chunk"),
    _status("finalize: 500", "upload.finalize", 500),
    _status("finalize: 503", "upload.finalize", 503),
    _status("finalize: 503 after it was done", "upload.finalize", 503, processed=True),
    _cut("finalize: reset before", "upload.finalize"),
    _cut("finalize: reset during", "upload.finalize", after_bytes=MIB),
    _cut("finalize: answer cut short", "upload.finalize", where="response", after_bytes=20),
    _lost("finalize: answer lost", "upload.finalize"),
    Row(
        "finalize: answer lost, then query refused",
        (
            {"kind": "lose_answer", "operation": "upload.finalize"},
            {"kind": "status", "operation": "upload.query", "code": 503, "times": 2},
        ),
    ),
    Row(
        "session terminated at a chunk",
        ({"kind": "terminated", "operation": "upload.chunk"},),
    ),
    Row(
        "session terminated at its end",
        ({"kind": "terminated", "operation": "upload.finalize"},),
    ),
    Row("slow start", ({"kind": "slow", "operation": "upload.start", "seconds": 0.5},)),
    Row("slow chunk", ({"kind": "slow", "operation": "upload.chunk", "bytes_per_second": 16 * MIB},)),
    Row("stall in a chunk", ({"kind": "stall", "operation": "upload.chunk", "after_bytes": MIB, "seconds": 1},)),
    Row("hash missing", ({"kind": "no_hash", "operation": "upload.finalize"},)),
    Row(
        "wrong hash once",
        ({"kind": "wrong_hash", "operation": "upload.finalize"},),
        finalized=(2, 2),
        instead=NO_HASH,
    ),
)
"""What befalls a page-in and leaves the client with nothing but an answer."""

USING: tuple[Row, ...] = (
    Row("generate: 403 on a file of a moment ago", ({"kind": "forbidden_file", "operation": "generate"},), file="live"),
    Row(
        "generate: 403 on a live replica",
        ({"kind": "forbidden_file", "operation": "generate"},),
        file="old",
        finalized=(2, 2),
    ),
    Row("generate: 429", ({"kind": "status", "operation": "generate", "code": 429},), file="live"),
    Row("generate: 500", ({"kind": "status", "operation": "generate", "code": 500},), file="live"),
    Row("generate: 503", ({"kind": "status", "operation": "generate", "code": 503},), file="live"),
    Row("generate: reset", ({"kind": "cut", "operation": "generate"},), file="live"),
    Row("generate: answer lost", ({"kind": "lose_answer", "operation": "generate"},), file="live"),
    Row(
        "early expiry",
        ({"kind": "early_expiry", "operation": "upload.finalize", "seconds": 1800},),
        file="old",
        finalized=(2, 2),
    ),
    Row("48 hours", (), file="live", advance=48 * 3600 + 60, finalized=(2, 2)),
    Row("Google's clock jumps three days ahead", (), file="old", advance=72 * 3600.0, finalized=(2, 2)),
    Row("Google's clock jumps three days back", (), file="live", advance=-72 * 3600.0),
    Row("Google's clock jumps ten hours back", (), file="new", advance=-36_000.0),
)
"""What befalls a file that is at Gemini, likewise."""

TOLD: tuple[Row, ...] = (
    Row(
        "start: 429 for an hour",
        _always({"kind": "status", "operation": "upload.start", "code": 429, "retry_delay": "3600s"}),
        allowed=frozenset({"429 rate_limit_exceeded"}),
        finalized=(0, 0),
        within=5,
        transient=False,
    ),
    Row(
        "start: 503 for ever",
        _always({"kind": "status", "operation": "upload.start", "code": 503}),
        allowed=frozenset({"503 upstream_unavailable"}),
        finalized=(0, 0),
        transient=False,
        retries=0,
    ),
    Row(
        "start: 400",
        _always({"kind": "status", "operation": "upload.start", "code": 400}),
        allowed=frozenset({"400 None"}),
        finalized=(0, 0),
        within=5,
        transient=False,
    ),
    Row(
        "start: key rejected",
        _always({"kind": "status", "operation": "upload.start", "code": 401}),
        allowed=frozenset({"401 upstream_api_key_invalid"}),
        finalized=(0, 0),
        within=5,
        transient=False,
    ),
    Row(
        "wrong hash for ever",
        _always({"kind": "wrong_hash", "operation": "upload.finalize"}),
        allowed=frozenset({"502 upstream_protocol_error"}),
        finalized=(4, 4),
        within=30,
        instead=NO_HASH,
        transient=False,
    ),
    Row(
        "processing for ever",
        ({"kind": "stuck_processing", "operation": "upload.finalize"},),
        allowed=frozenset({"503 file_not_ready"}),
        within=30,
        instead=NO_STATE,
        transient=False,
    ),
    Row(
        "processing failed",
        ({"kind": "failed_processing", "operation": "upload.finalize", "message": "The video has no frames."},),
        allowed=frozenset({"400 file_processing_failed"}),
        within=10,
        transient=False,
    ),
    Row(
        "generate: 403 for ever",
        _always({"kind": "forbidden_file", "operation": "generate"}),
        file="old",
        allowed=frozenset({"502 upstream_file_lost"}),
        finalized=(2, 2),
        within=40,
        transient=False,
        retries=0,
    ),
)
"""What the client is told of."""

ROWS = (*UPLOADING, *USING, *TOLD)

MIXABLE: tuple[Order, ...] = (
    *(order for row in (*UPLOADING, *USING) if row.transient for order in row.faults),
    {"kind": "status", "operation": "files.get", "code": 503},
    {"kind": "status", "operation": "files.delete", "code": 503},
    {"kind": "status", "operation": "upload.cancel", "code": 500},
    {"kind": "status", "operation": "upload.query", "code": 500},
    {"kind": "cut", "operation": "files.delete"},
    {"kind": "lose_answer", "operation": "files.delete"},
    {"kind": "lose_answer", "operation": "upload.query"},
    {"kind": "stuck_processing", "operation": "upload.finalize"},
    {"kind": "failed_processing", "operation": "upload.finalize"},
)
"""Faults that end by themselves, or with a little help: in any mixture."""

HARMLESS: tuple[Order, ...] = tuple(
    order for row in UPLOADING if row.finalized == (1, 1) for order in row.faults if order["kind"] != "terminated"
)
"""Those after which a second upload of the same replica would be a mistake. A session that Gemini ends by itself, under
a finalize whose answer is lost too, leaves nobody who knows."""

MIXED = frozenset(
    {
        ANSWER,
        "400 file_processing_failed",
        "429 rate_limit_exceeded",
        "500 upstream_unavailable",
        "502 upstream_disconnected",
        "502 upstream_protocol_error",
        "503 file_not_ready",
        "503 upstream_storage_full",
        "503 upstream_unavailable",
    }
)
"""What a chat may be told while many faults come at once. Every other call is answered: Gemini has no part in it."""

NO_CONCERN = frozenset(
    {
        "download_of_uploaded",
        "empty_file",
        "file_name_header",
        "list_empty",
        "list_order",
        "schema_additional_properties",
        "unknown_total",
    }
)
"""Switches about requests that no replica needs."""

MOST_DENIALS = 2
"""The largest tested value of the one switch that is a number: uses of a new file that answer 403."""


def switch_values() -> list[tuple[str, Any]]:
    """Every value, but the default, of every switch that replicas may meet."""
    found: list[tuple[str, Any]] = []
    for switch in fields(Unverified):
        if switch.name not in NO_CONCERN:
            others = switch.metadata["values"][1:] or range(1, MOST_DENIALS + 1)
            found += [(switch.name, value) for value in others]
    return found


def expected(row: Row, switches: Mapping[str, Any]) -> tuple[frozenset[str], tuple[int, int]]:
    """What the client may get, and how many Files may come to be, under these switches."""
    for (name, value), outcome in row.instead.items():
        if switches.get(name, ...) == value:
            return outcome
    return row.allowed, row.finalized
