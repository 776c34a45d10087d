"""Which source files run code in one chat with a live file, unstreamed: by profiling the event loop of a real gateway.

.venv/bin/python scripts/measures/files_of_a_chat.py [--names]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "server")]

import liftgate  # noqa: E402
from liftgate.gateway import Gateway  # noqa: E402
from liftgate.log_context import working_for  # noqa: E402
from liftgate.sandbox.app import SandboxSettings, create_app  # noqa: E402
from liftgate.server.app import build_app  # noqa: E402
from liftgate.server.http_protocol import limited_protocol  # noqa: E402
from liftgate.server.unseen import Front  # noqa: E402
from liftgate.settings import load_settings  # noqa: E402
from raw_http import call  # noqa: E402
from running import MODEL, form_request  # noqa: E402
from serving import serve  # noqa: E402

SOURCE = Path(liftgate.__file__).parent
ROUNDS = 5
"""Something of the gateway's own may run in one of them: a file counts that runs in all."""


class Profiled:
    """The application; it knows the loop that it runs on."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.loop: asyncio.AbstractEventLoop | None = None
        self.files: set[Path] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.loop = asyncio.get_running_loop()
        await self._app(scope, receive, send)

    def profile(self, on: bool) -> None:
        assert self.loop is not None
        self.loop.call_soon_threadsafe(sys.setprofile, self._note if on else None)

    def _note(self, frame: FrameType, event: str, argument: object) -> None:
        whom = working_for.get()
        # A job's steps have the job's name, those of a connection have none.
        if event == "call" and (not whom or whom.startswith("req_")):
            path = frame.f_code.co_filename
            if path.startswith(str(SOURCE)):
                self.files.add(Path(path))


def files_of_a_chat() -> list[set[Path]]:
    with tempfile.TemporaryDirectory() as directory, serve(create_app(SandboxSettings())) as sandbox:
        environ: Mapping[str, str] = {"GEMINI_API_BASE": sandbox, "GEMINI_API_KEY": "key-a", "HOME": "/"}
        settings, _ = load_settings(None, {"data_dir": directory}, environ)
        limits, server = settings.limits, settings.server
        protocol = limited_protocol(
            max_head=limits.max_header_bytes, head_timeout=server.read_timeout, front=Front(server.cors_origins)
        )
        app = Profiled(build_app(Gateway(settings)))
        with serve(app, http=protocol) as url:
            file_id = call(url, *form_request({"purpose": "user_data"}, b"some text")).json()["id"]
            content = [{"type": "text", "text": "?"}, {"type": "file", "file": {"file_id": file_id}}]
            body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": content}]}).encode()
            found = []
            for number in range(ROUNDS + 2):
                app.files = set()
                # The first two page the file in and fill what is remembered.
                if number >= 2:
                    app.profile(True)
                answer = call(url, "POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
                time.sleep(0.05)
                if number >= 2:
                    app.profile(False)
                    found.append(app.files)
                assert answer.status == 200, answer.body
            return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--names", action="store_true", help="name them")
    given = arguments.parse_args()
    files = sorted(set.intersection(*files_of_a_chat()))
    lines = sum(len(path.read_text("utf-8").splitlines()) for path in files)
    print(f"files that run code in one chat with a live file: {len(files)} ({lines:,} lines)")
    if given.names:
        print(*(f"  {path.relative_to(SOURCE)}" for path in files), sep="\n")


if __name__ == "__main__":
    main()
