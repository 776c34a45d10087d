"""What a kind of copy is: the little that the shared work on copies needs to know of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from liftgate.catalog.rows.copies import CopyTable
from liftgate.copies.decide import Verdict
from liftgate.copies.lease import Lease
from liftgate.copies.row import Row
from liftgate.deployments import Account
from liftgate.errors import LiftgateError
from liftgate.records import CopyKey, CopyRecord


class Subject(Protocol):
    """What a copy is made of, as a request needs it."""

    @property
    def label(self) -> str:
        """What the log calls it."""

    @property
    def facts(self) -> str:
        """What else the log says of it."""

    def about(self, error: LiftgateError) -> LiftgateError:
        """The same error, saying what it is about."""

    def gone(self) -> LiftgateError:
        """The error for the owner once the subject is deleted."""

    def refused(self, reason: str) -> LiftgateError:
        """The error for the owner where Google cannot use the subject."""


S = TypeVar("S", bound=Subject)
Why = Literal["chat", "asked", "renew", "repair"]
"""A request needs it; it was asked for at an upload; it is in use and expires; Google lost it, or a process left it."""


class Begun(Protocol):
    """A copy that was begun before a request needed it."""

    async def cancel(self) -> None:
        """Ends what was begun. Without effect once it was taken over."""


@dataclass(frozen=True, slots=True)
class Making(Generic[S]):
    """A copy in the making, for the holder of its lease. `verdict`: what there is to build on. `row` writes what
    another process must know to go on from there. `make_room(bytes)` evicts other copies of the kind at the account.
    `keep`: a copy that is there serves until the new one takes its place."""

    subject: S
    account: Account
    verdict: Verdict
    lease: Lease
    row: Row
    make_room: Callable[[int], Awaitable[None]]
    begun: Begun | None = None
    keep: bool = False


class Kind(Protocol[S]):
    """`table`: the rows of its copies. `prefix`: what the names that Google gives them begin with."""

    @property
    def table(self) -> CopyTable: ...

    @property
    def prefix(self) -> str: ...

    def key(self, subject: S, account: Account) -> CopyKey: ...

    async def find_subject(self, copy: CopyRecord) -> S | None:
        """For work that no request asked for; None where it is not there any more."""

    async def make(self, making: Making[S]) -> CopyRecord:
        """An ACTIVE copy, whose row is written. Raises LeaseLost, and what the upstream did."""

    async def delete(self, account: Account, name: str, upload_url: str) -> None:
        """At Google. `upload_url`: of a session that is cancelled first, or ''."""


AnyKind = Kind[Any]
