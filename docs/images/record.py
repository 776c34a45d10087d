"""Draws the screens of docs/cli.md: runs the commands in a real terminal (tmux) against `liftgate --sandbox`.

What the terminal then showed is written as SVG beside this file. By hand, when the commands change: `.venv/bin/python
docs/images/record.py` (needs tmux; half a minute; nothing leaves this machine).
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from liftgate.sandbox.server import EXAMPLE_KEY

HERE = Path(__file__).resolve().parent
COLUMNS, ROWS = 104, 30
SECONDS = 60.0
PROMPT = "$ "


class Screen:
    """A terminal with a shell in it."""

    def __init__(self, directory: Path, environ: dict[str, str]) -> None:
        self._server = ["tmux", "-L", f"liftgate-{os.getpid()}", "-f", "/dev/null"]
        size = ["-x", str(COLUMNS), "-y", str(ROWS)]
        start = [*self._server, "new-session", "-d", *size, "-s", "screen", "-c", str(directory), "bash --norc"]
        subprocess.run(start, check=True, env=environ)
        self.type(f"PS1='{PROMPT}'; clear")
        self.wait_for(re.escape(PROMPT.strip()) + r"\s*\Z")

    def type(self, text: str, *, enter: bool = True) -> None:
        subprocess.run([*self._server, "send-keys", "-t", "screen", "-l", text], check=True)
        if enter:
            self.press("Enter")

    def press(self, key: str) -> None:
        subprocess.run([*self._server, "send-keys", "-t", "screen", key], check=True)

    def run(self, command: str) -> None:
        """Types it and waits for the next prompt."""
        before = self.text().count(PROMPT.strip() + " ") + 1
        self.type(command)
        deadline = time.monotonic() + SECONDS
        while not self._at_prompt(before):
            if time.monotonic() > deadline:
                raise SystemExit(f"{command!r} did not end:\n{self.text()}")
            time.sleep(0.05)

    def _at_prompt(self, before: int) -> bool:
        text = self.text().rstrip()
        return text.splitlines()[-1:] == [PROMPT.strip()] and text.count("\n" + PROMPT.strip()) >= before

    def wait_for(self, pattern: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not re.search(pattern, self.text().rstrip()):
            if time.monotonic() > deadline:
                raise SystemExit(f"{pattern!r} was not shown:\n{self.text()}")
            time.sleep(0.02)

    def text(self, *options: str) -> str:
        command = [*self._server, "capture-pane", "-p", "-t", "screen", *options]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def draw(self, name: str, title: str, *, prompt: bool = False) -> None:
        """Writes NAME.svg, without the prompt that waits at the end unless it is wanted, and clears the screen."""
        lines = self.text("-e").rstrip().splitlines()
        if not prompt and Text.from_ansi(lines[-1]).plain.strip() == PROMPT.strip():
            lines.pop()
        console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
        for line in lines:
            console.print(Text.from_ansi(line), no_wrap=True, soft_wrap=True, highlight=False)
        # Rich's own template loads a font from elsewhere.
        template = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
        svg = console.export_svg(title=title, code_format=template, unique_id=f"liftgate-{name}")
        (HERE / f"{name}.svg").write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")

    def clear(self) -> None:
        self.press("C-l")
        self.wait_for(r"\A\s*" + re.escape(PROMPT.strip()) + r"\s*\Z")

    def close(self) -> None:
        subprocess.run([*self._server, "kill-server"], check=False)


@contextmanager
def gateway(directory: Path, environ: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The addresses of a gateway and of the sandbox behind it."""
    log = directory / "gateway.log"
    command = [sys.executable, "-m", "liftgate", "--sandbox", "--port", "0", "--data-dir", str(directory / "data")]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environ, cwd=directory)
    try:
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(r"(?s)on (http://\S+).*here: (http://\S+)", log.read_text())):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(log.read_text())
            time.sleep(0.05)
        yield found[1], found[2]
    finally:
        process.terminate()
        process.wait(30)


def record(screen: Screen) -> None:
    upload = "liftgate files upload film.mp4 interview.wav --model gemini-2.5-flash --wait"
    screen.type(upload)
    screen.wait_for(r"film\.mp4.* (1[5-9]|[2-9]\d)\d\.\d MiB of")
    screen.draw("upload", "an upload")
    screen.press("C-c")
    screen.wait_for(r"interrupted;.*\n\$\Z")
    screen.type(upload)
    screen.wait_for(r"(?s)interrupted;.*film\.mp4.* (4[5-9]|[5-9]\d)\d\.\d MiB of")
    screen.draw("resume", "interrupted, and gone on with")
    screen.wait_for(r"(?s)interrupted;.*processed.*\n\$\Z")
    screen.clear()
    screen.run("liftgate files ls")
    screen.run('liftgate chat "What is said in this recording?" --file recording.wav --model gemini-2.5-flash')
    screen.draw("chat", "files and a question")
    screen.clear()
    screen.run("export LIFTGATE_DATA_DIR=data")
    for command in ("owners", "check --full", "erase local --yes", "owners"):
        screen.run(f"liftgate admin {command}")
    screen.draw("admin", "looking after the data")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="liftgate-screens-") as name:
        directory = Path(name)
        kept = {key: os.environ[key] for key in ("PYTHONPATH",) if key in os.environ}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environ = {**kept, "PATH": path, "HOME": name, "LC_ALL": "C.UTF-8"}
        for file, size in (("film.mp4", 900_000_000), ("interview.wav", 150_000_000)):
            with (directory / file).open("wb") as made:
                made.truncate(size)
        shutil.copy(HERE.parents[1] / "examples" / "recording.wav", directory)
        with gateway(directory, environ) as (url, google):
            keys = {"GEMINI_API_KEY": EXAMPLE_KEY, "GEMINI_API_BASE": google}
            screen = Screen(directory, {**environ, **keys, "LIFTGATE_BASE_URL": url})
            try:
                record(screen)
            finally:
                screen.close()


if __name__ == "__main__":
    main()
