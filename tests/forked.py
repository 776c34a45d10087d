"""`liftgate` as a process that is forked from one which has imported it, in a tenth of a fresh interpreter's time.

It is a process like any other: its own pid, environment, directory, streams, signals and exit code; only the imports
are there already. Tests of the start itself, of memory and of what is imported start an interpreter instead. A program
of the tests that imports Liftgate is forked in the same way (`piped`).
"""

from __future__ import annotations

import atexit
import builtins
import functools
import gc
import importlib
import json
import os
import runpy
import select
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import BufferedReader, FileIO, TextIOWrapper
from pathlib import Path
from typing import IO, Any, NoReturn, cast

HERE = sys.platform == "linux" and hasattr(os, "pidfd_open")
IMPORTED = (
    *("liftgate.cli.main", "liftgate.cli.serve.command", "liftgate.cli.serve.sandbox", "liftgate.cli.files.command"),
    *("liftgate.cli.chat.command", "liftgate.cli.admin.command", "liftgate.server.run", "liftgate.server.app"),
    *("liftgate.server.listening", "liftgate.gateway", "liftgate.catalog.schema_check", "uvloop", "psycopg", "obstore"),
    # What commands import when they need it, and no process without need.
    *(
        "liftgate.settings.config_file",
        "liftgate.catalog.sqlite",
        "liftgate.catalog.postgres",
        "liftgate.blobs.objects",
    ),
    *("liftgate.cli.admin.data", "liftgate.cli.admin.findings", "liftgate.files.check", "liftgate.files.backup"),
    *("liftgate.files.restore", "liftgate.cli.files.sending", "liftgate.cli.files.tables", "rich.progress"),
    *("liftgate.sdk.remote.gateway_client", "liftgate.cli.serve.embedded"),
)
LARGEST = 1 << 16
"""Of a request: arguments and an environment."""


class Liftgate(subprocess.Popen[bytes]):
    """`python -m liftgate …`, without pipes. `poll`, `wait`, `send_signal`, `returncode`, `pid` are Popen's."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        stdin: int | IO[Any] = subprocess.DEVNULL,
        stdout: IO[Any],
        stderr: IO[Any],
        env: Mapping[str, str],
        cwd: Path | None = None,
        program: Path | None = None,
    ) -> None:
        """`program`: a file of Python that runs in place of `liftgate`."""
        self._child_created = False  # nothing for Popen to reap
        self._communication_started, self._input, self.text_mode = False, None, False
        self.args = [str(program or "liftgate"), *arguments]
        self.stdin = self.stdout = self.stderr = None
        self.returncode: Any = None
        self._report, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {"argv": [*arguments], "env": dict(env), "cwd": str(cwd or Path.cwd())}
        asked = json.dumps(request | {"program": program and str(program)}).encode()
        with theirs, open(os.devnull, "rb") as nothing:
            streams = [nothing if isinstance(stdin, int) else stdin, stdout, stderr]
            fds = [*(stream.fileno() for stream in streams), theirs.fileno()]
            socket.send_fds(_parent(), [asked], fds)
        self.pid = int(self._report.recv(32))

    def poll(self) -> Any:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        if self._ended(timeout) is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired(self.args, timeout)
        code: int = self.returncode
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            # It may have ended while its parent has not reported that yet.
            with suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def _ended(self, seconds: float | None) -> Any:
        if self.returncode is None and select.select([self._report], [], [], seconds)[0]:
            self.returncode = os.waitstatus_to_exitcode(int(self._report.recv(32)))
            self._report.close()
        return self.returncode


def run(
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    input: bytes = b"",
    cwd: Path | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[bytes]:
    """Runs to its end. Raises TimeoutExpired, as `subprocess.run` does."""
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        stdin.write(input)
        stdin.seek(0)
        process = started(arguments, stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
            process.wait()
        stdout.seek(0)
        stderr.seek(0)
        return subprocess.CompletedProcess(process.args, code, stdout.read(), stderr.read())


def run_text(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs to its end, with nothing on its standard input."""
    done = run(arguments, env=env, cwd=cwd)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def started(
    arguments: Sequence[str],
    *,
    stdin: int | IO[Any] = subprocess.DEVNULL,
    stdout: IO[Any],
    stderr: IO[Any],
    env: Mapping[str, str],
    cwd: Path | None = None,
    fresh: bool = not HERE,
) -> subprocess.Popen[bytes]:
    """`liftgate` with these arguments. `fresh`: by an interpreter of its own."""
    if fresh:
        command = [sys.executable, "-m", "liftgate", *arguments]
        return subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd)
    return Liftgate(arguments, stdin=stdin, stdout=stdout, stderr=stderr, env=env, cwd=cwd)


def piped(program: Path, *arguments: str) -> subprocess.Popen[str]:
    """`python -W error program …`, with a pipe for its standard output, in text."""
    if not HERE:
        return subprocess.Popen([sys.executable, "-W", "error", program, *arguments], stdout=subprocess.PIPE, text=True)
    env = {**os.environ, "PYTHONWARNINGS": "error"}
    reading, output = _pipe()
    with output:
        process = Liftgate(arguments, stdout=output, stderr=sys.__stderr__ or output, env=env, program=program)
    forked = cast("subprocess.Popen[str]", process)
    forked.stdout, process.text_mode = TextIOWrapper(reading, encoding="utf-8"), True
    return forked


def started_with_pipes(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path | None = None
) -> subprocess.Popen[bytes]:
    """`liftgate` with these arguments, with pipes for its standard output and its standard error."""
    (out, its_out), (err, its_err) = _pipe(), _pipe()
    with its_out, its_err:
        process = started(arguments, stdout=its_out, stderr=its_err, env=env, cwd=cwd)
    process.stdout, process.stderr = out, err
    return process


def _pipe() -> tuple[BufferedReader, FileIO]:
    """What is written into the second is read from the first."""
    reading, writing = os.pipe()
    return BufferedReader(FileIO(reading)), FileIO(writing, "w")


@functools.cache
def _parent() -> socket.socket:
    """A connection to the process that is forked, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    env = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "SSL_CERT_FILE") if name in os.environ}
    env["LC_ALL"] = "C.UTF-8"
    with theirs:
        fd = theirs.fileno()
        command = [sys.executable, __file__, str(fd)]
        process = subprocess.Popen(command, env=env, pass_fds=[fd], stdin=subprocess.DEVNULL, start_new_session=True)

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _serve(control: socket.socket) -> dict[str, Any] | None:
    """Forks a process for each request and reports its end. In the process that was forked: its request."""
    children: dict[int, tuple[int, socket.socket]] = {}
    waiting = select.poll()
    waiting.register(control, select.POLLIN)
    while True:
        for fd, _ in waiting.poll():
            if fd != control.fileno():
                waiting.unregister(fd)
                pid, report = children.pop(fd)
                _, status = os.waitpid(pid, 0)
                os.close(fd)
                with report:
                    _say(report, status)
                continue
            asked, fds, _, _ = socket.recv_fds(control, LARGEST, 4)
            if not asked:
                return None
            report = socket.socket(fileno=fds.pop())
            pid = os.fork()
            if pid == 0:
                control.close()
                report.close()
                for pidfd, (_, other) in children.items():
                    os.close(pidfd)
                    other.close()
                for at, stream in enumerate(fds):
                    os.dup2(stream, at)
            for stream in fds:
                os.close(stream)
            if pid == 0:
                found: dict[str, Any] = json.loads(asked)
                return found
            pidfd = os.pidfd_open(pid)
            children[pidfd] = (pid, report)
            waiting.register(pidfd, select.POLLIN)
            _say(report, pid)


def _say(report: socket.socket, number: int) -> None:
    with suppress(OSError):  # the test is over and waits no more
        report.send(str(number).encode())


def _become(asked: Mapping[str, Any]) -> None:
    """What an interpreter does at its start with its environment, arguments and streams."""
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    sys.argv = [asked["program"] or "liftgate", *asked["argv"]]
    sys.path[0] = asked["cwd"]
    at_once = bool(os.environ.get("PYTHONUNBUFFERED")) or sys.stdout.isatty()
    cast(TextIOWrapper, sys.stdout).reconfigure(line_buffering=at_once)
    for each in filter(None, os.environ.get("PYTHONWARNINGS", "").split(",")):
        action, _, category = each.partition("::")
        warnings.simplefilter(cast(Any, action), getattr(builtins, category or "Warning"))


def _main() -> NoReturn:
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in IMPORTED:
        importlib.import_module(name)
    command_line = sys.modules["liftgate.cli.main"]
    check = sys.modules["liftgate.catalog.schema_check"]
    check.schema_faults(lambda sql: [], check.SQLITE)  # learns the schema, which every gateway looks for
    # Compiles the patterns that settings are read with.
    sys.modules["liftgate.settings"].load_settings(None, {}, {"GEMINI_API_KEY": "Environment-1", "HOME": "/"})
    gc.collect()
    gc.freeze()
    asked = _serve(control)
    if asked is not None:
        _become(asked)
        if asked["program"] is None:
            command_line.main()
            sys.exit()
        sys.path[0] = str(Path(asked["program"]).parent)
        try:
            runpy.run_path(asked["program"], run_name="__main__")
            sys.exit()
        except SystemExit as ended:
            command_line.end_at_once(ended)
            raise
    sys.exit()


if __name__ == "__main__":
    _main()
