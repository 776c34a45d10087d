"""One HTTP request as a call that is metered: what goes over the wire, and the one end of its record.

Used only where somebody listens (`engine.meter`); the engine fills in the rest.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from time import monotonic

from liftgate.engine.meter import CallRecord, Meters, current
from liftgate.errors import InternalError
from liftgate.server.asgi import Message, Receive, Send
from liftgate.server.request import Request

COST_HEADERS = (b"x-liftgate-response-cost", b"x-litellm-response-cost")
"""US dollars; of a stream its usage says them."""


LONGEST_STATE = 512
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?\Z")


def trace_of(traceparent: bytes) -> tuple[str, str, bool]:
    """W3C's header: the trace's id, the caller's span, whether the trace is sampled. Empty where it is none."""
    found = _TRACEPARENT.match(traceparent.strip())
    if found is None or traceparent.startswith(b"ff"):
        return "", "", False
    return found[1].decode(), found[2].decode(), bool(int(found[3], 16) & 1)


def state_of(request: Request) -> str:
    """W3C's `tracestate`, which goes with the spans; what is too long for it is left out, as it says."""
    state = request.header(b"tracestate").strip()
    return state if len(state) <= LONGEST_STATE and state.isprintable() else ""


def metered_receive(receive: Receive, call: CallRecord) -> Receive:
    """An ASGI `receive` that notes the bytes of the body that came, and how long they took."""

    async def receive_noted() -> Message:
        began = monotonic()
        message = await receive()
        if message["type"] == "http.request":
            call.bytes_in += len(message.get("body", b""))
            call.client += monotonic() - began
        return message

    return receive_noted


def metered_send(send: Send, call: CallRecord, *, tells_cost: bool) -> Send:
    """An ASGI `send` that puts the cost into the head of an answer, where it is known by then, and notes the status,
    the bytes of the body that went out, and how long the client took them."""

    async def send_noted(message: Message) -> None:
        if message["type"] == "http.response.start":
            call.status = message["status"]
            if call.ticket is not None:
                message["headers"] += call.ticket.headers()
            if tells_cost and call.usage is not None and not call.streamed and (cost := call.price()) is not None:
                dollars = b"%d.%09d" % divmod(cost, 1_000_000_000)
                message["headers"] += [(name, dollars) for name in COST_HEADERS]
        else:
            call.bytes_out += len(message.get("body", b""))
        began = monotonic()
        await send(message)
        call.client += monotonic() - began

    return send_noted


async def answer_metered(
    request: Request, send: Send, meters: Meters, call: CallRecord, answer: Callable[[Request, Send], Awaitable[None]]
) -> None:
    """As `answer`, with one record at its end, however it ends."""
    current.set(call)
    call.method = request.method
    call.peer = request.peer
    if (traceparent := request.headers.get(b"traceparent")) is not None:
        call.trace_id, call.parent_span, call.sampled = trace_of(traceparent)
    if meters.tracer is not None:
        meters.tracer.begin(call, state_of(request) if call.sampled else "")
    try:
        await answer(request, metered_send(send, call, tells_cost=meters.tell_cost))
    except BaseException:
        if not call.error:
            call.told(InternalError())
        raise
    finally:
        # The owner may be known from what the path names, and the path may be served by its plain spelling.
        call.owner = request.owner
        call.path = request.path
        call.bytes_in += request.came_at_once
        meters.end(call, left=request.left)
