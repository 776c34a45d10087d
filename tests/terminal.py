"""The `liftgate` command as people and scripts run it: a process with pipes, or one in a terminal (a pty)."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

import forked

SECONDS = 150.0


class Cli:
    """Commands of one person: a home of their own, a gateway's address and a key in the environment."""

    def __init__(self, home: Path, url: str = "", key: str = "") -> None:
        home.mkdir(parents=True, exist_ok=True)
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH") if name in os.environ}
        self.home = home
        self.environ = {**kept, "HOME": str(home), "PYTHONWARNINGS": "error::ResourceWarning", "LC_ALL": "C.UTF-8"}
        if url:
            self.environ["LIFTGATE_BASE_URL"] = url
        if key:
            self.environ["LIFTGATE_API_KEY"] = key

    def run(self, *arguments: object, stdin: bytes = b"", code: int | None = 0) -> subprocess.CompletedProcess[bytes]:
        """Runs to its end and expects this exit code (None: any). No traceback may be shown, ever."""
        words = [str(argument) for argument in arguments]
        done = forked.run(words, input=stdin, env=self.environ, cwd=self.home, timeout=SECONDS)
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        assert code is None or done.returncode == code, (done.returncode, done.stdout, done.stderr.decode())
        return done

    def out(self, *arguments: object, stdin: bytes = b"") -> str:
        """Standard output of a run that ends well."""
        return self.run(*arguments, stdin=stdin).stdout.decode()

    @contextmanager
    def started(self, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
        with forked.started_with_pipes([*map(str, arguments)], env=self.environ, cwd=self.home) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def in_terminal(
        self, *arguments: object, interrupt_at: bytes | None = None, columns: int = 100
    ) -> tuple[int, bytes]:
        """In a terminal of so many columns: (exit code, all that it was sent). Ctrl-C is typed once this was shown."""
        ours, theirs = pty.openpty()
        os.set_blocking(ours, False)
        env = {**self.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "30"}
        with FileIO(theirs, "r+") as tty:
            process = forked.started([*map(str, arguments)], stdin=tty, stdout=tty, stderr=tty, env=env, cwd=self.home)
        shown = b""
        deadline = time.monotonic() + SECONDS
        try:
            while time.monotonic() < deadline:
                readable, _, _ = select.select([ours], [], [], 0.5)
                try:
                    piece = os.read(ours, 65536) if readable else b""
                except OSError:
                    break
                if readable and not piece:
                    break
                shown += piece
                if interrupt_at is not None and interrupt_at in shown:
                    process.send_signal(signal.SIGINT)
                    interrupt_at = None
            return process.wait(10), shown
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            os.close(ours)
