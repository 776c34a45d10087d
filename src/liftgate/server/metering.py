"""One HTTP request as a call that is metered: what goes over the wire, and the one end of its record.

Used only where somebody listens (`engine.meter`); the engine fills in the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

from liftgate.engine.meter import CallRecord, Meters, current, tokens_of
from liftgate.keys.gate import NO_HEADERS
from liftgate.keys.limits import NANO
from liftgate.server.asgi import ANSWERED, Header, Message, Send
from liftgate.server.origin import FORWARDED, address_prefix, client_behind, whole_address
from liftgate.server.request import Request
from liftgate.settings.sections import ServerSettings

COST_HEADER, LITELLMS_COST_HEADER = b"x-liftgate-response-cost", b"x-litellm-response-cost"
"""US dollars; of a stream its usage says them."""


LONGEST_STATE = 512
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?\Z")


Client = Callable[[str, bytes | None], str]
Begin = Callable[[Request, Meters], CallRecord]
_ADDRESSES: Mapping[str, Callable[[str], str] | None] = {"none": None, "prefix": address_prefix, "full": whole_address}


def trace_of(traceparent: bytes) -> tuple[str, str, bool]:
    """W3C's header: the trace's id, the caller's span, whether the trace is sampled. Empty where it is none."""
    found = _TRACEPARENT.match(traceparent.strip())
    if found is None or (found[4] and found[0].startswith(b"00-")):
        # Only later versions may have more fields.
        return "", "", False
    return found[1].decode(), found[2].decode(), bool(int(found[3], 16) & 1)


def state_of(request: Request) -> str:
    """W3C's `tracestate`, which goes with the spans; what is too long for it is left out, as it says."""
    state = request.header(b"tracestate").strip()
    return state if len(state) <= LONGEST_STATE and state.isprintable() else ""


def begin(request: Request, meters: Meters) -> CallRecord:
    """Its record, found as `current` too. `end` it."""
    request.call = call = meters.begin(request.id)
    current.set(call)
    if (traceparent := request.headers.get(b"traceparent")) is not None:
        call.trace_id, call.parent_span, call.sampled = trace_of(traceparent)
    if meters.tracer is not None:
        meters.tracer.begin(call, state_of(request) if call.sampled else "")
    return call


def client_by(server: ServerSettings) -> Client | None:
    """What the access log says of a client's address, of its connection's and of what is behind FORWARDED. None:
    nothing."""
    known, trusted = _ADDRESSES[server.log_client_ip], server.trusted_proxies
    if known is None or not (server.access_log or server.debug):
        return None
    return lambda peer, forwarded: known(client_behind(peer, forwarded, trusted))


def begin_by(server: ServerSettings) -> Begin:
    """As `begin`; where the access log is to have the client's address, it is noted."""
    client = client_by(server)
    if client is None:
        return begin

    def begin_from(request: Request, meters: Meters) -> CallRecord:
        call = begin(request, meters)
        call.client_ip = client(request.peer, request.headers.get(FORWARDED))
        return call

    return begin_from


def begin_answer(call: CallRecord, status: int, meters: Meters) -> Sequence[Header]:
    """An answer goes out with this status. What its head says of limits, and of the cost where it is known by then."""
    call.status = status
    ticket = call.ticket
    usage, headers = call.usage or call.reckoned, NO_HEADERS
    if ticket is not None and ticket.counts_tokens:
        is_known = not call.streamed and (usage is not None or status >= 400)
        headers = ticket.headers(tokens_of(call) if is_known else None)
    if usage is not None and meters.tell_cost and not call.streamed:
        cost = call.cost if usage is call.priced else call.price()
        if cost is not None:
            dollars = b"%d.%09d" % divmod(cost, NANO)
            return *headers, (COST_HEADER, dollars), (LITELLMS_COST_HEADER, dollars)
    return headers


def patient(send: Send, call: CallRecord) -> Send:
    """Of a server that is not ours, and does not say how long the client took the answer."""

    async def send_noted(message: Message) -> None:
        began = monotonic()
        await send(message)
        call.client += monotonic() - began

    return send_noted


def end(request: Request, call: CallRecord, meters: Meters) -> None:
    """Once, whatever became of it."""
    exchange, direct = request.exchange, request.direct
    call.method = request.method
    # The owner may be known from what the path names, and the path may be served by its plain spelling.
    call.owner = request.owner
    call.path = request.path
    if exchange is not None and exchange.waited:
        call.client += exchange.waited
    answered = exchange.scope.get(ANSWERED) if exchange is not None and exchange.disconnected else None
    if answered is not None:
        answered.note(call)
        meters.end(call)
    elif direct is not None and direct.holds:
        meters.end_before(call, direct)
    else:
        meters.end(call, left=request.left)
