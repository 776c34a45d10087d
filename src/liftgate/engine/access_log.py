"""The access log, a listener of `meter`: one line for every request, as text or as JSON.

Never a query, which may hold a key, a header, a body, or the name of a file.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec

from liftgate.engine.access_lines import Form, as_json, said_by_others
from liftgate.engine.meter import CallRecord, Calls, Meter, OnEnd
from liftgate.settings.sections import ServerSettings

log = logging.getLogger("liftgate.access")

Write = Callable[[str], None]
SOON = 0.01
"""Seconds for which a line waits for others, at most."""
TOGETHER = 4096
"""Bytes that are written together at most: a pipe takes so many whole, and lines of several processes never mix."""

MOST = 512
"""Texts of one or some lines that wait, at most."""


def access_log_of(server: ServerSettings) -> tuple[Meter, ...]:
    """The listener for these settings; none where they ask for no lines of calls."""
    if not (server.access_log or server.debug):
        return ()
    has_client = server.log_client_ip != "none"
    if not server.json_logs:
        return (AccessLog(client_ip=has_client),)
    otel = server.log_names == "otel"
    return (JsonAccessLog(Form(client_ip=has_client, user_secret=server.log_user_secret, otel=otel)),)


class AccessLog:
    """`client_ip`: a line begins with the client's address, as other servers' do; with - where none is known."""

    def __init__(self, *, client_ip: bool = False) -> None:
        self._client_ip = client_ip

    def ended(self, call: CallRecord) -> None:
        """Status 0: the client left before there was an answer. A call of the SDK has no line: there was no request."""
        if not call.method:
            return
        # `ascii` keeps control characters of a hostile path out of the log, wherever it is written. A space would look
        # like the end of the path.
        path = ascii(call.path)[1:-1].replace(" ", "\\x20")
        log.info(
            "%s%s %s %d %.1fms %dB %s %s",
            f"{call.client_ip or '-'} " if self._client_ip else "",
            call.method,
            path,
            call.status,
            call.total * 1000,
            call.bytes_out,
            call.owner or "-",
            call.request_id,
        )


class JsonAccessLog:
    """A JSON object for each call, the SDK's too. docs/debugging.md has its fields; what is not known is left out."""

    def __init__(self, form: Form | None = None) -> None:
        self._form = form or Form()

    def ended(self, call: CallRecord) -> None:
        self.of_kind(call)(Calls((call,)))

    def of_kind(self, call: CallRecord) -> OnEnd:
        # Whole answers of one kind differ in a few values: the rest of their lines is written once.
        form = self._form
        is_whole = call.is_plain and bool(call.deployment and call.operation)
        head: msgspec.Raw | None = None
        cleaned_by: JsonLineHandler | None = None

        def write(calls: Calls) -> None:
            nonlocal head, cleaned_by
            if not log.isEnabledFor(logging.INFO):
                return
            handler = _handler()
            if is_whole:
                head = head or form.head_of(calls.all[0])
                if (lines := form.lines_of(head, calls)) is not None:
                    if handler is None:
                        for line in lines.split("\n"):
                            log.info("%s", line)
                    elif cleaned_by is handler:
                        handler.take((lines,), outside=said_by_others(calls))
                    else:
                        handler.take((lines,))
                        cleaned_by = handler if handler.is_clean(bytes(head).decode()) else None
                    return
            written = [as_json(form.fields(call)) for call in calls.all]
            if handler is not None:
                handler.take(written)
                return
            for line in written:
                log.info("%s", line)

        return write


def _handler() -> JsonLineHandler | None:
    for each in log.handlers:
        if type(each) is JsonLineHandler:
            return each
    return None


class JsonLineHandler(logging.Handler):
    """The handler of the logger `liftgate.access`. It is given finished lines instead of log records, in ASCII, so that
    no character in a line can end it or reverse the text. Lines of one moment are written together; `logging.shutdown`
    writes those that still wait. `write` gets lines without the last line's end; `clean` hides secrets."""

    def __init__(self, write: Write, clean: Callable[[str], str]) -> None:
        super().__init__()
        self._write = write
        self._clean = clean
        self._waiting: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def is_clean(self, text: str) -> bool:
        """Whether nothing of it is to be hidden."""
        return self._clean(text) == text

    def take(self, lines: Sequence[str], outside: str | None = None) -> None:
        """To be written within `SOON` seconds; at once where no event loop runs. `outside`: all that came from outside
        in lines that are known to be clean else; without it secrets are looked for in the whole."""
        if outside is None or not self.is_clean(outside):
            lines = (self._clean("\n".join(lines)),)
        self._waiting += lines
        if len(self._waiting) > MOST:
            self.flush()
        if self._loop is None or self._loop.is_closed():
            try:
                self._loop = asyncio.get_running_loop()
            except RuntimeError:
                self.flush()
                return
            self._loop.call_later(SOON, self._is_due)

    def _is_due(self) -> None:
        self._loop = None
        self.flush()

    def flush(self) -> None:
        lines, self._waiting = self._waiting, []
        if not lines:
            return
        text, begins = "\n".join(lines), 0
        while len(text) - begins >= TOGETHER:
            end = text.rfind("\n", begins, begins + TOGETHER)
            if end < 0 and (end := text.find("\n", begins)) < 0:
                break
            self._write(text[begins:end])
            begins = end + 1
        self._write(text[begins:] if begins else text)

    def emit(self, record: logging.LogRecord) -> None:
        self.flush()
        self._write(self._clean(record.getMessage()))
