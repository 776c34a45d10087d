"""What every error is: the facts that it carries, and what it lets go of once it was answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Self

from liftgate.json_types import JsonObject

LONGEST_NAME = 200
LONGEST_MESSAGE = 4000
"""Characters that an error may repeat of a name, and that its sentence may have: a caller chooses both."""


def shortened(text: str, most: int = LONGEST_NAME) -> str:
    """As an error may quote it: never a whole payload."""
    return text if len(text) <= most else text[: most - 1] + "…"


@dataclass(frozen=True, slots=True)
class UpstreamFacts:
    """What Google answered: HTTP status, `error.status`, `error.message`, and the `details` list as it came."""

    status: int
    google_status: str = ""
    message: str = ""
    details: tuple[JsonObject, ...] = field(default=(), repr=False)


def let_go(error: BaseException) -> None:
    """Drops the tracebacks of an error that was answered, and of what led to it.

    Where a frame of a traceback holds the error too, in a local or on an object, both would keep all that the frames
    hold, a request's body among it, until a collector comes by.
    """
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            each.__traceback__ = None
            waiting += (each.__cause__, each.__context__, *getattr(each, "exceptions", ()))


class LiftgateError(Exception):
    """Any failure that a caller gets.

    `status`: HTTP status. `param`: the path of the field at fault. `code`: a word for programs. `retryable`: the same
    request may succeed later or elsewhere. `retry_after`: seconds, when known. `message`: a plain sentence, which an
    API may replace by its own.
    """

    status: ClassVar[int] = 500
    default_code: ClassVar[str | None] = None
    retryable: ClassVar[bool] = False
    worth_repeating: ClassVar[bool] = False
    """Whether the caller may try again where we do not."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        upstream: UpstreamFacts | None = None,
    ) -> None:
        self.message = shortened(message, LONGEST_MESSAGE)
        super().__init__(self.message)
        self.param = None if param is None else shortened(param)
        self.code = code if code is not None else self.default_code
        self.retry_after = retry_after
        self.upstream = upstream

    def again(self) -> Self:
        """The same, to be raised where this one is kept: what is raised refers to the frames that it passes, and what
        those keep must not refer to it."""
        twin = type(self).__new__(type(self), *self.args)
        twin.__dict__.update(self.__dict__)
        return twin

    @property
    def http_status(self) -> int:
        """The status to answer with; `UpstreamUnavailable` keeps Google's own."""
        return self.status

    @property
    def status_code(self) -> int:
        """`http_status` by the name that OpenAI's and LiteLLM's exceptions have for it."""
        return self.http_status


class ConfigError(Exception):
    """The configuration cannot be used; the message names the file, the key and what is expected."""
