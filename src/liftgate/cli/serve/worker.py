"""One of several processes on a port: `python -m liftgate.cli.serve.worker`. `workers` starts it.

Reads the settings from standard input, says `ready` on standard output, and stops when standard input ends.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading

from liftgate.cli.main import end_at_once, fail
from liftgate.cli.serve.log_lines import log_to_stderr
from liftgate.cli.serve.workers import CONFIG_ERROR, READY
from liftgate.errors import ConfigError, LiftgateError
from liftgate.server.listening import listening_socket
from liftgate.server.run import run
from liftgate.settings import Settings


def main() -> None:
    settings = pickle.load(sys.stdin.buffer)
    assert isinstance(settings, Settings)
    log_to_stderr(settings)
    try:
        listener = listening_socket(settings.server.host, settings.server.port, shared=True)
        run(settings, listener, started=_started)
    except ConfigError as error:
        fail(str(error), CONFIG_ERROR)
    except LiftgateError as error:
        fail(error.message, 1)


def _started() -> None:
    # `workers` starts it with the signal blocked.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()


def _stop_with_parent() -> None:
    # Not through the buffered file: its lock, held by this thread, would break the interpreter's shutdown.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    try:
        main()
        sys.exit()
    except SystemExit as ended:
        end_at_once(ended)
        raise
