"""What the demo does and says, step by step. A step's code is a text that is shown and then run."""

from __future__ import annotations

import json
import os
import sys
import time
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from liftgate.cli.demo.servers import DemoServers

CONNECT = """\
from openai import OpenAI

client = OpenAI(base_url={base_url}, api_key="sk-1234")
"""
UPLOAD = """\
with open({recording}, "rb") as recording:
    file = client.files.create(file=recording, purpose="user_data")
print(file.id, file.status, file.bytes, "bytes")
"""
ASK = """\
stream = client.chat.completions.create(
    model={model},
    messages=[{{"role": "user", "content": [
        {{"type": "text", "text": "What is in this recording?"}},
        {{"type": "file", "file": {{"file_id": file.id}}}},
    ]}}],
    stream=True,
)
for chunk in stream:
    print(chunk.choices[0].delta.content or "", end="", flush=True)
"""
BYTES_BACK = """\
content = client.files.content(file.id).read()
with open({recording}, "rb") as recording:
    print(len(content), "bytes, the same:", content == recording.read())
"""
NARROWEST = 100


@dataclass(frozen=True, slots=True)
class Stage:
    recording: Path
    gateway: str
    model: str


class Steps:
    """Each method is a step. Failures of the client's code are ClickExceptions that name the step."""

    def __init__(self, stage: Stage) -> None:
        console = Console(highlight=False)
        self._gateway = stage.gateway
        self._console = console if console.is_terminal else Console(highlight=False, width=NARROWEST)
        path = os.path.relpath(stage.recording)
        self._recording = str(stage.recording) if path.startswith("..") else path
        values = {"base_url": stage.gateway + "/v1", "recording": self._recording, "model": stage.model}
        self._values = {name: json.dumps(value) for name, value in values.items()}
        self._names: dict[str, Any] = {"print": self._print}
        self._printed: list[str] = []
        self._number = 0

    def introduce(self, servers: DemoServers) -> None:
        with wave.open(self._recording, "rb") as recording:
            seconds = recording.getnframes() / recording.getframerate()
        self._console.print(Text("Liftgate: a file is kept for good, its copy at Gemini is a cache entry.", "bold"))
        self._console.print(f"The recording: {self._recording}, {seconds:.1f} s of speech.")
        if servers.sandbox is None:
            self._console.print("GEMINI_API_KEY is set: Google is asked, and no time is made to pass.")
        self._console.print("Started on this machine:")
        for command in servers.commands:
            self._console.print(Text(f"  $ {command}", "dim"), soft_wrap=True)

    def connect(self) -> None:
        self._run("Connect the official OpenAI client", CONNECT)

    def upload(self) -> None:
        self._run("Upload the recording", UPLOAD)

    def ask(self, title: str) -> str:
        """The answer. Raises ClickException for an empty one."""
        answer = self._run(title, ASK).strip()
        if not answer:
            raise click.ClickException(f"{title}: the answer is empty")
        return answer

    def bytes_back(self) -> None:
        if "same: True" not in self._run("Take the bytes back (Gemini itself does not give them)", BYTES_BACK):
            raise click.ClickException("the bytes are not those that were uploaded")

    def let_time_pass(self, servers: DemoServers, seconds: int) -> None:
        with self._step("Let 48 hours pass on the sandbox's clock: Google removes the file"):
            self._shown(f"curl -X POST {servers.sandbox}/sandbox/clock -d '{{\"advance\": {seconds}}}'", "bash")
            now = servers.control("clock", {"advance": seconds})
            left = [file["name"] for file in servers.control("files")["files"]]
            self._print(f"It is {now['date']} there; files at Gemini: {', '.join(left) or 'none'}")

    def account_for(self, before: Mapping[str, int], after: Mapping[str, int], same: bool) -> None:
        """Raises ClickException where the sandbox did not see what is claimed: one upload before, one more after."""
        uploads = [stats.get("upload.finalize", 0) for stats in (before, after)]
        table = Table("What Gemini saw", "before", "after 48 hours", box=None, padding=(0, 3, 0, 0))
        table.add_row("uploads of the recording, by Liftgate", str(uploads[0]), f"{uploads[1] - uploads[0]} more")
        asked = [stats.get("stream", 0) for stats in (before, after)]
        table.add_row("questions, the refused one included", str(asked[0]), f"{asked[1] - asked[0]} more")
        self._console.rule(Text("What happened", "bold"), align="left")
        self._console.print(table)
        self._console.print(
            "The client uploaded once. Google had forgotten the file; Liftgate carried it there again inside the "
            f"second question, and the answer is {'the same' if same else 'another one'}."
        )
        if uploads != [1, 2]:
            raise click.ClickException(f"expected one upload before and one after, the sandbox counted {uploads}")

    def offer_page(self) -> None:
        """The same in a browser: whoever sits at a terminal ends the demo when they have looked."""
        self._console.print()
        self._console.rule(Text("Look at it", "bold"), align="left")
        if self._console.is_terminal and sys.stdin.isatty():
            self._console.print(f"The page, with this recording in it: {self._gateway}/ui")
            click.pause("Press any key to end the demo.")
        else:
            self._console.print(
                "In a terminal the demo would show its page now. For one that stays: liftgate --sandbox"
            )
            self._console.print("and then http://127.0.0.1:4000/ui")

    def close(self) -> None:
        if "client" in self._names:
            self._names["client"].close()

    # ── showing and running ────────────────────────────────────────────────────────────────────────────────────────

    def _run(self, title: str, template: str) -> str:
        """What the code printed."""
        code = template.format(**self._values)
        self._printed.clear()
        with self._step(title):
            self._shown(code, "python")
            try:
                exec(compile(code, f"<{title}>", "exec"), self._names)
            except Exception as error:
                raise click.ClickException(f"{title}: {type(error).__name__}: {error}") from error
            if self._printed and not self._printed[-1].endswith("\n"):
                self._console.print()
        return "".join(self._printed)

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self._number += 1
        self._console.print()
        self._console.rule(Text(f"{self._number}. {title}", "bold"), align="left")
        started = time.monotonic()
        yield
        self._console.print(Text(f"{time.monotonic() - started:.2f} s", "dim"))

    def _shown(self, code: str, language: str) -> None:
        syntax = Syntax(code.rstrip(), language, theme="ansi_dark", background_color="default", word_wrap=True)
        self._console.print(Padding(syntax, (0, 0, 1, 2)))

    def _print(self, *values: object, end: str = "\n", flush: bool = False) -> None:
        """`print` for the code of the steps: on the demo's console, and remembered."""
        text = " ".join(map(str, values)) + end
        self._printed.append(text)
        self._console.print(Text(text, "green"), end="", soft_wrap=True)
