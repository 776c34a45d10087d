"""For whom code runs: a request's id, or the name of a job. Every line of the log names it. And whose request it is.

Whoever begins a piece of work sets `working_for`; tasks and threads that it starts inherit the value, so a page-in
carries the id of the request that began it, however many requests wait for it. Only who writes a log line reads it.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar

working_for: ContextVar[str] = ContextVar("working_for", default="")
"""`req_…` or `job …`; empty for the process itself."""
working_as: ContextVar[str] = ContextVar("working_as", default="")
"""The owner, so that what there is not enough of for all at once is shared; empty before it is known, and for jobs."""


class RequestIds(logging.Filter):
    """Gives each record `request_id`, for a format of your own: `%(request_id)s`. Add it to a handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = working_for.get() or "-"
        return True
