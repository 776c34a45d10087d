"""The log on standard error: one record is one line, whatever a caller wrote into it, and no line holds a key.

A line names the room of the house that wrote it, and the request or the job that it worked for.

A path, a filename or a model's name comes from outside. A line break in it would begin a line of its own, which looks
like one of ours; an escape sequence would rewrite what a terminal shows. So the last step before the log writes every
character that is not printable as an escape, and blots out the keys that this gateway knows.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from liftgate.log_context import working_for
from liftgate.settings import Settings

FORMAT = "%(asctime)s %(levelname)s %(message)s"
ACCESS = "liftgate.access"
"""Lines of this name have a form of their own, and end in the request's id."""
SHORTEST_SECRET = 6
_GOOGLES = r"AIza[0-9A-Za-z_-]{30,}"
_HIDDEN = "***"


class LogLines(logging.Formatter):
    """`secrets`: what must not be read in a log. A traceback keeps its lines, each behind a bar."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__(FORMAT)
        # The longest first: one key may be the beginning of another.
        known = sorted({secret for secret in secrets if len(secret) >= SHORTEST_SECRET}, key=len, reverse=True)
        self._secrets = re.compile("|".join([*map(re.escape, known), _GOOGLES]))

    def format(self, record: logging.LogRecord) -> str:
        head = f"{self.formatTime(record)} {record.levelname} {_origin(record)}{self._clean(record.getMessage())}"
        more = []
        if record.exc_info:
            more += self.formatException(record.exc_info).splitlines()
        if record.stack_info:
            more += record.stack_info.splitlines()
        return "\n".join([head, *(f"  | {self._clean(line)}" for line in more)])

    def _clean(self, text: str) -> str:
        return escaped(self._secrets.sub(_HIDDEN, text))


def _origin(record: logging.LogRecord) -> str:
    """`copies [req_…] `: the room, and for whom it worked; no more than is known."""
    if record.name == ACCESS:
        return ""
    room, whom = record.name.removeprefix("liftgate").lstrip("."), working_for.get()
    return "".join([f"{room} " if room else "", f"[{whom}] " if whom else ""])


def escaped(text: str) -> str:
    """`text` on one line: characters that are not printable as Python writes them in a string."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def log_to_stderr(settings: Settings) -> None:
    """Our own log from INFO, or in detail, everybody else's from WARNING."""
    handler = logging.StreamHandler()
    handler.setFormatter(LogLines(_secrets(settings)))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("liftgate").setLevel(logging.DEBUG if settings.server.debug else logging.INFO)


def _secrets(settings: Settings) -> Iterable[str]:
    yield from settings.auth.owners()
    for deployment in settings.deployments:
        yield deployment.api_key
    try:
        password = urlsplit(settings.storage.database_url).password
    except ValueError:
        password = None
    if password:
        yield from (password, unquote(password))
