"""Where a PostgreSQL server is, and what its errors mean to who asked the catalogue."""

from __future__ import annotations

import psycopg
from psycopg import errors as pg

from liftgate.catalog.connection import SqlRow
from liftgate.catalog.postgres_url import PostgresUrl
from liftgate.catalog.trouble import Trouble, away
from liftgate.errors import ConfigError, LiftgateError, StorageFull, Unavailable
from liftgate.ids import token

AGAIN = (pg.SerializationFailure, pg.DeadlockDetected)
STALE = pg.FeatureNotSupported
"""Among other things: a statement was prepared while a column of it had another type. Only a new connection forgets."""

INCOMPLETE = ("42", "3F")
"""Classes of SQLSTATE: something of the schema is not there any more, or not for this role."""
DAMAGED = (pg.DataCorrupted, pg.IndexCorrupted)
REFUSES = (pg.ReadOnlySqlTransaction, pg.FeatureNotSupported, pg.InternalError_)
"""A server that does not write, a standby (to which writing is a feature that it lacks), or one that fails."""
DAMAGED_SECONDS = 60.0
"""How long calls are refused after the server found damaged data: it may be mended while we run."""


def meaning_of(error: psycopg.Error, trouble: Trouble) -> LiftgateError | None:
    """The error that the caller gets; None for a defect of ours, which is raised as it is."""
    if isinstance(error, pg.DiskFull):
        return StorageFull("No space is left on the disk of the catalogue.")
    if isinstance(error, pg.ProgramLimitExceeded):
        return None
    if isinstance(error, DAMAGED):
        return trouble.damaged(error.diag.message_primary or type(error).__name__, DAMAGED_SECONDS)
    if (error.sqlstate or "")[:2] in INCOMPLETE and not isinstance(error, pg.SyntaxError):
        return trouble.tell(error.diag.message_primary or type(error).__name__)
    if isinstance(error, (*AGAIN, pg.QueryCanceled)):
        return away()
    if isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError, *REFUSES)):
        return trouble.tell(error.diag.message_primary or "the connection was lost")
    return None


_MARK = "SELECT current_setting('liftgate.session', true)"
FORMS = "SET extra_float_digits = 1; SET quote_all_identifiers = off; SET lock_timeout = 0;"
"""What a role or a database may have set otherwise, and answers or waits would depend on: times of all digits, and
names as they are."""


class Reach:
    """Where the server is, how to speak to it, and whether it was there when last tried. Shared by all threads."""

    def __init__(self, url: PostgresUrl, timeout: float, *, newest: bool) -> None:
        self._url = url
        self.trouble = Trouble(f"at {url.where}", newest=newest)
        self.timeout = timeout
        self.away = False
        self._is_own = False
        # The other connection of `check_own`, for whoever connects next: to begin one is dear to the server.
        self._spare: psycopg.Connection[SqlRow] | None = None

    def connect(self) -> psycopg.Connection[SqlRow]:
        """A connection in autocommit of which nothing is set; bounded by its `connect_timeout`."""
        spare, self._spare = self._spare, None
        if spare is not None:
            return spare
        return psycopg.connect(**self._url.parameters, autocommit=True, cursor_factory=psycopg.RawCursor)

    def close(self) -> None:
        """Once nobody connects any more."""
        if self._spare is not None:
            self._spare.close()
            self._spare = None

    def gone(self, error: psycopg.Error) -> Unavailable:
        """There is no connection. Says why to the log, and what to raise."""
        self.away = True
        return self.trouble.tell(self._url.reason(error))

    def check_own(self, raw: psycopg.Connection[SqlRow]) -> None:
        """Once: raises `ConfigError` where a pool lends this connection to others between its transactions. What a
        session has prepared, set or listens to would be another's then.
        """
        if self._is_own:
            return
        mark = token(12)
        other = self.connect()
        try:
            raw.execute("SELECT set_config('liftgate.session', $1, false)", [mark])
            # Within a transaction it holds whatever it was lent.
            other.execute("BEGIN")
            found = [connection.execute(_MARK).fetchone() for connection in (other, raw)]
            other.execute("ROLLBACK")
        except BaseException:
            other.close()
            raise
        self._spare = other
        if found[0] == (mark,) or found[1] != (mark,):
            raise ConfigError(
                f"database_url: at {self._url.where} is a pool that gives each transaction another connection to"
                " PostgreSQL; name PostgreSQL itself, or a pool in session mode."
            )
        self._is_own = True

    def prepare(self, raw: psycopg.Connection[SqlRow]) -> None:
        """The server's own deadlines too, in case this process is gone, frozen or cut off while it holds locks."""
        milliseconds = int(self.timeout * 1000)
        raw.execute(
            "SET search_path = liftgate; SET default_transaction_read_only = on;"
            f" {FORMS} SET statement_timeout = {milliseconds};"
            f" SET idle_in_transaction_session_timeout = {milliseconds * 2};"
            # What is answered is durable, whatever the server's default is; a stricter one is left as it is.
            " SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
