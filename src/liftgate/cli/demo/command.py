"""`liftgate demo`: the main job end to end, with the official OpenAI client, on this machine.

Two real servers on free loopback ports (the sandbox and the gateway), one recording, one question asked twice with 48
hours between. The client code that is shown is the code that runs. With GEMINI_API_KEY set, Google takes the place of
the sandbox, and no time is made to pass.
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from liftgate.cli.demo.servers import DemoServers
from liftgate.cli.demo.steps import Stage, Steps

RECORDING = "recording.wav"
DAYS_LATER = 48 * 3600 + 60


@click.command()
@click.option("--model", default="gemini-flash-latest", show_default=True, help="The model to ask.")
def demo(model: str) -> None:
    """Show the main job end to end: upload a recording, ask about it, let 48 hours pass, ask again.

    Needs the extra `demo` (the official OpenAI client). Nothing leaves this machine, unless GEMINI_API_KEY is set: then
    Google is asked.
    """
    if importlib.util.find_spec("openai") is None:
        raise click.ClickException("the demo needs the official OpenAI client: pip install openai")
    recording = find_recording()
    google = bool(os.environ.get("GEMINI_API_KEY"))
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="liftgate-demo-")))
        servers = stack.enter_context(DemoServers(directory, google=google))
        steps = Steps(Stage(recording, servers.gateway, model))
        stack.callback(steps.close)
        steps.introduce(servers)
        steps.connect()
        steps.upload()
        first = steps.ask("Ask about it")
        if google:
            steps.bytes_back()
            steps.offer_page()
            return
        before = servers.stats()
        steps.let_time_pass(servers, DAYS_LATER)
        second = steps.ask("Ask again: the same id, the same code")
        steps.bytes_back()
        steps.account_for(before, servers.stats(), first == second)
        steps.offer_page()


def find_recording() -> Path:
    """The recording of the checkout, or the copy inside an installed wheel."""
    here = Path(__file__).resolve()
    for path in (here.parents[4] / "examples" / RECORDING, here.with_name(RECORDING)):
        if path.is_file():
            return path
    raise click.ClickException(f"the recording is missing: expected {here.with_name(RECORDING)}")
