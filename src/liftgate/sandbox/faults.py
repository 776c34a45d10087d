"""Faults that tests order: what is matched, how often, and what happens to the exchange.

`Faults` is the book of orders; `FaultPlan` is what was drawn from it for one request, and is asked at each stage of
the exchange. Knows nothing of HTTP or of Gemini: the router applies it. Documented in `liftgate.sandbox.control`.
"""

import asyncio
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase

from liftgate.sandbox.wire.json_types import JsonMapping

OPERATIONS = (
    "upload.start",
    "upload.chunk",
    "upload.finalize",
    "upload.query",
    "upload.cancel",
    "upload.multipart",
    "files.get",
    "files.list",
    "files.delete",
    "files.download",
    "generate",
    "stream",
    "countTokens",
    "models",
    "embed",
)
KINDS = (
    "status",
    "cut",
    "lose_answer",
    "slow",
    "stall",
    "stuck_processing",
    "failed_processing",
    "early_expiry",
    "wrong_hash",
    "no_hash",
    "forbidden_file",
    "terminated",
    "stream_error",
)


@dataclass
class Fault:
    """One order. Which requests: `operation` (a name or a pattern such as `upload.*`), `key`, `project`, `model`;
    the first `skip` matching requests pass, the next `times` (None: all) are hit."""

    kind: str
    operation: str = "*"
    key: str | None = None
    project: str | None = None
    model: str | None = None
    file: str | None = None
    skip: int = 0
    times: int | None = 1
    code: int = 503
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    retry_delay: str | None = None
    retry_after: str | None = None
    upload_status: str | None = None
    processed: bool = False
    where: str = "request"
    after_bytes: int = 0
    after_events: int = 1
    how: str = "reset"
    seconds: float | None = None
    bytes_per_second: float | None = None
    message: str = "The file could not be processed."
    id: int = 0
    hits: int = 0

    @classmethod
    def ordered(cls, order: JsonMapping) -> "Fault":
        """From JSON; ValueError names what is unknown or out of place."""
        allowed = {item.name for item in fields(cls)} - {"id", "hits"}
        for name in order:
            if name not in allowed:
                raise ValueError(f"unknown field {name!r} in a fault; known are {', '.join(sorted(allowed))}")
        if order.get("kind") not in KINDS:
            raise ValueError(f"'kind' must be one of {', '.join(KINDS)}")
        operation = order.get("operation", "*")
        if not any(fnmatchcase(name, operation) for name in OPERATIONS):
            raise ValueError(f"'operation' {operation!r} matches none of {', '.join(OPERATIONS)}")
        if order.get("where", "request") not in ("request", "response"):
            raise ValueError("'where' must be request or response")
        if order.get("how", "reset") not in ("reset", "close"):
            raise ValueError("'how' must be reset or close")
        return cls(**order)

    def matches(self, operation: str, key: str, project: str, model: str) -> bool:
        return (
            fnmatchcase(operation, self.operation)
            and self.key in (None, key)
            and self.project in (None, project)
            and self.model in (None, model)
        )

    @property
    def spent(self) -> bool:
        return self.times is not None and self.times <= 0


@dataclass
class FaultPlan:
    """The faults of one request, by kind; an empty plan is an undisturbed exchange."""

    faults: list[Fault] = field(default_factory=list)
    released: asyncio.Event | None = None
    """Set when the orders are cleared: whoever stalls goes on."""

    def first(self, kind: str) -> Fault | None:
        return next((fault for fault in self.faults if fault.kind == kind), None)

    async def wait(self, seconds: float | None) -> None:
        """Until `seconds` have passed (None: an hour) or the faults are cleared."""
        if self.released is None:
            return
        try:
            async with asyncio.timeout(3600 if seconds is None else seconds):
                await self.released.wait()
        except TimeoutError:
            return

    @property
    def resets(self) -> bool:
        return all(fault.how == "reset" for fault in self.faults)

    async def before_processing(self) -> None:
        slow = self.first("slow")
        if slow is not None and slow.seconds:
            await self.wait(slow.seconds)

    async def before_reading(self, received: int) -> int | None:
        """How many bytes may still be read before a cut (0: cut now, None: no limit)."""
        stall = self.first("stall")
        if stall is not None and received >= stall.after_bytes:
            self.faults.remove(stall)
            await self.wait(stall.seconds)
        cut = self.first("cut")
        if cut is None or cut.where != "request":
            return None
        return max(0, cut.after_bytes - received)

    async def after_reading(self, count: int) -> None:
        await self._pace(count, "request")

    async def before_sending(self, count: int) -> None:
        await self._pace(count, "response")

    async def _pace(self, count: int, where: str) -> None:
        slow = self.first("slow")
        if slow is not None and slow.bytes_per_second and slow.where == where:
            await self.wait(count / slow.bytes_per_second)

    @property
    def answer_room(self) -> int | None:
        """Bytes of the answer's body that may pass: -1 not even its head, None all."""
        if self.first("lose_answer") is not None:
            return -1
        cut = self.first("cut")
        return cut.after_bytes if cut is not None and cut.where == "response" else None


class Faults:
    """The book of orders."""

    def __init__(self) -> None:
        self.orders: list[Fault] = []
        self._next_id = 1
        self._released = asyncio.Event()

    def add(self, fault: Fault) -> Fault:
        fault.id = self._next_id
        self._next_id += 1
        self.orders.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all orders and let every stalled exchange go on."""
        self.orders.clear()
        self._released.set()
        self._released = asyncio.Event()

    def draw(self, operation: str, key: str, project: str, model: str) -> FaultPlan:
        """The faults that hit this request, each counted down once."""
        if not self.orders:
            return FaultPlan()
        drawn = [
            fault
            for fault in self.orders
            if fault.kind != "forbidden_file" and fault.matches(operation, key, project, model) and _hit(fault)
        ]
        return FaultPlan(drawn, self._released)

    def forbids(self, operation: str, project: str, file_id: str) -> bool:
        """Whether this use of a live file is answered as if the file were gone; counts the order down."""
        return any(
            fault.kind == "forbidden_file"
            and fnmatchcase(operation, fault.operation)
            and fault.project in (None, project)
            and fault.file in (None, file_id)
            and _hit(fault)
            for fault in self.orders
        )


def _hit(fault: Fault) -> bool:
    if fault.skip > 0:
        fault.skip -= 1
        return False
    if fault.spent:
        return False
    fault.hits += 1
    fault.times = None if fault.times is None else fault.times - 1
    return True
