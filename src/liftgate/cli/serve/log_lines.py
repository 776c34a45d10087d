"""The log on standard error: one record is one line, whatever a caller wrote into it, and no line holds a key.

A line names the room of the house that wrote it, and the request or the job that it worked for.

A path, a filename or a model's name comes from outside. A line break in it would begin a line of its own, which looks
like one of ours; an escape sequence would rewrite what a terminal shows. So the last step before the log writes every
character that is not printable as an escape, and blots out the keys that this gateway knows.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from liftgate.audit import FIELD
from liftgate.engine.access_lines import moment
from liftgate.engine.access_log import JsonLineHandler
from liftgate.engine.access_names import REQUEST_ID
from liftgate.log_context import working_for
from liftgate.redaction import Redactor
from liftgate.settings import Settings

FORMAT = "%(asctime)s %(levelname)s %(message)s"
STORE_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN")
"""Variables by which object stores are opened."""
ACCESS = "liftgate.access"
"""Lines of this name have a form of their own, and end in the request's id."""


class LogLines(logging.Formatter):
    """`secrets`: what must not be read in a log. A traceback keeps its lines, each behind a bar."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__(FORMAT)
        self._redactor = Redactor(secrets)

    def format(self, record: logging.LogRecord) -> str:
        head = f"{self.formatTime(record)} {record.levelname} {_origin(record)}{self._clean(record.getMessage())}"
        more = []
        if record.exc_info:
            more += self.formatException(record.exc_info).splitlines()
        if record.stack_info:
            more += record.stack_info.splitlines()
        return "\n".join([head, *(f"  | {self._clean(line)}" for line in more)])

    def _clean(self, text: str) -> str:
        return escaped(self._redactor.clean_message(text))


class JsonLines(logging.Formatter):
    """A record as one JSON object: `ts`, `level`, `event`, `room`, `request_id` or `job`, `message`, `traceback`; of an
    audit event its facts in place of the message. `names`: how lines of calls name what they have (`log_names`)."""

    def __init__(self, redactor: Redactor, names: str = "liftgate") -> None:
        super().__init__()
        self._redactor = redactor
        self._request_id = REQUEST_ID if names == "otel" else "request_id"

    def format(self, record: logging.LogRecord) -> str:
        whom, audit = working_for.get(), getattr(record, FIELD, None)
        fields = {
            "ts": moment(record.created),
            "level": record.levelname.lower(),
            "event": "log" if audit is None else "audit",
            "room": record.name.removeprefix("liftgate").lstrip("."),
            **({} if not whom else {self._request_id if whom.startswith("req_") else "job": whom}),
            **(audit or {"message": record.getMessage()}),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return self._redactor.clean_message(json.dumps(fields))


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
    secrets = [*_secrets(settings)]
    handler = logging.StreamHandler()
    access = logging.getLogger(ACCESS)
    access.handlers.clear()
    if settings.server.json_logs:
        redactor = Redactor(secrets)
        handler.setFormatter(JsonLines(redactor, settings.server.log_names))
        access.addHandler(JsonLineHandler(_write, redactor.clean))
        access.propagate = False
    else:
        handler.setFormatter(LogLines(secrets))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("liftgate").setLevel(logging.DEBUG if settings.server.debug else logging.INFO)


def audit_to_stderr(settings: Settings) -> None:
    """For a command that changes data: its audit events where logs are JSON, and nothing else."""
    if settings.server.json_logs:
        handler = logging.StreamHandler()
        handler.setFormatter(JsonLines(Redactor(_secrets(settings)), settings.server.log_names))
        handler.addFilter(lambda record: hasattr(record, FIELD))
        logging.getLogger("liftgate").handlers = [handler]
        logging.getLogger("liftgate").setLevel(logging.INFO)


def _write(line: str) -> None:
    """As one write, so that lines of several processes never mix."""
    try:
        os.write(sys.stderr.fileno(), line.encode() + b"\n")
    except OSError:
        pass  # The log's reader has gone; the request goes on.


def _secrets(settings: Settings) -> Iterable[str]:
    yield from (*settings.auth.owners(), settings.server.log_user_secret)
    for deployment in settings.deployments:
        yield deployment.api_key
        yield from _secret_values(deployment.headers)
    yield from _secret_values(each.partition("=")[::2] for each in settings.counting.traces_headers)
    yield from filter(None, (os.environ.get(name) for name in STORE_SECRETS))
    try:
        password = urlsplit(settings.storage.database_url).password
    except ValueError:
        password = None
    if password:
        yield from (password, unquote(password))


def _secret_values(headers: Iterable[tuple[str, str]]) -> Iterable[str]:
    """Of headers that a config sets those that are about a key, without the word for its kind."""
    for name, value in headers:
        if any(word in name.lower() for word in ("auth", "key", "token", "secret")):
            yield from value.split()[-1:]
