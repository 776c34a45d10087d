"""A gateway in front of a sandbox for the programs of the rooms beside this file. As a program it prints its URL
and the sandbox's, and serves until its input ends.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from gateways import SandboxServer, deployments, gateway_server, sandbox_server, settings_for
from liftgate.sandbox.settings import SandboxSettings

MODELS = ("gemini-3-flash-preview", "gpt-4o", "gpt-5")
"""Behind the first are names that clients look up in tables of their own."""


@contextmanager
def serving() -> Iterator[tuple[str, SandboxServer]]:
    """The gateway's URL, and the sandbox."""
    with sandbox_server(SandboxSettings(video_processing=0.1)) as sandbox, tempfile.TemporaryDirectory() as place:
        (one,) = deployments(sandbox.url, model=MODELS[0])
        served = tuple(replace(one, id=f"deployment-{name}", model_name=name) for name in MODELS)
        with gateway_server(settings_for(sandbox, Path(place), deployments=served)) as url:
            yield url, sandbox


if __name__ == "__main__":
    with serving() as (served_at, sandbox_behind):
        print(served_at, sandbox_behind.url, sep="\n", flush=True)
        sys.stdin.read()
