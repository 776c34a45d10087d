"""Which signals end a gateway, with its drain, and which mean nothing to it."""

from __future__ import annotations

import signal


def stop_signals() -> list[signal.Signals]:
    """SIGINT, SIGTERM, SIGQUIT (which stops nginx and what is run as nginx is) and SIGHUP, unless that is ignored
    (`nohup`)."""
    found = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGQUIT"):
        found.append(signal.SIGQUIT)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        found.append(signal.SIGHUP)
    return found


def ignore_requests() -> None:
    """Ignores SIGUSR1 and SIGUSR2, here and in processes that are started: what rotates logs sends them to servers,
    and by default they end a process at once."""
    for name in ("SIGUSR1", "SIGUSR2"):
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, signal.SIG_IGN)


def ignore_further() -> None:
    """For a process that ends: the same signal once more would end it at once, with what it still has to write.
    SIGINT keeps its meaning, for who no longer wants to wait."""
    for number in stop_signals():
        if number != signal.SIGINT:
            signal.signal(number, signal.SIG_IGN)
