"""Runs the gateway: settings from everywhere, a socket, one process or several, and a banner when it is ready."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from liftgate.blobs.places import make_place
from liftgate.cli.command_line import keep_to_owner
from liftgate.cli.serve.banner import banner
from liftgate.cli.serve.log_lines import log_to_stderr
from liftgate.deployments import Deployment
from liftgate.settings import Settings, load_settings
from liftgate.settings.given import default_data_dir


def serve(
    config: Path | None, flags: Mapping[str, object], warnings: Sequence[str] = (), *, sandbox: bool = False
) -> int:
    """Blocks until a signal; the exit code. `warnings`: about the flags. Raises ConfigError."""
    keep_to_owner()
    with ExitStack() as stack:
        environ = dict(os.environ)
        notes = []
        if sandbox:
            from liftgate.cli.serve.embedded import EXAMPLE_KEY, embedded_sandbox

            # A user without a home has no default place for data either, and needs none here.
            known = environ.get("HOME") or os.path.expanduser("~")
            environ["HOME"] = "/" if known == "~" else known
            environ["GEMINI_API_BASE"] = stack.enter_context(embedded_sandbox())
            environ["GEMINI_API_KEY"] = environ.get("GEMINI_API_KEY") or EXAMPLE_KEY
            notes.append(f"the sandbox is Gemini here: {environ['GEMINI_API_BASE']}")
        settings, more = load_settings(config, flags, environ, refused=_refused_default)
        if sandbox and settings.storage.data_dir == default_data_dir(environ):
            settings = _temporary(settings, stack)
            notes.append("its files are temporary; --data-dir keeps them")
        make_place(settings.storage.data_dir, "--data-dir" if flags.get("data_dir") is not None else "data_dir")
        log_to_stderr(settings)
        return _run(settings, notes, [*warnings, *more])


def _refused_default(deployment: Deployment, drop_params: bool) -> tuple[str, str] | None:
    # What reads a request is imported where an entry has defaults.
    from liftgate.engine.entry_defaults import refused_default

    return refused_default(deployment, drop_params)


def _run(settings: Settings, notes: list[str], warnings: list[str]) -> int:
    # The server is imported last: what is wrong with the settings has been reported by now.
    from liftgate.server.listening import claimed, listening_socket, reserved_port
    from liftgate.server.run import run
    from liftgate.server.stop_signals import ignore_requests

    ignore_requests()
    server = settings.server
    several = server.num_workers > 1
    listener = (reserved_port if several else listening_socket)(server.host, server.port)
    settings = replace(settings, server=replace(server, port=listener.getsockname()[1]))

    def started() -> None:
        sys.stdout.write(banner(settings, notes, warnings, color=sys.stdout.isatty()))
        sys.stdout.flush()

    if not several:
        run(settings, listener, started=started)
        return 0
    from liftgate.cli.serve.workers import supervise

    with listener, claimed(listener):
        return supervise(settings, started=started)


def _temporary(settings: Settings, stack: ExitStack) -> Settings:
    directory = Path(tempfile.mkdtemp(prefix="liftgate-sandbox-"))
    stack.callback(shutil.rmtree, directory, ignore_errors=True)
    return replace(settings, storage=replace(settings.storage, data_dir=directory))
