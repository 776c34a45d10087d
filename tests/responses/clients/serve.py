"""A gateway in front of a sandbox for the programs beside this one: prints its URL, and serves until its input ends."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from gateways import deployments, gateway_server, sandbox_server, settings_for
from liftgate.sandbox.settings import SandboxSettings

MODELS = ("gemini-3-flash-preview", "gpt-4o", "gpt-5")
"""Behind the first are names that clients look up in tables of their own."""

with sandbox_server(SandboxSettings(video_processing=0.1)) as sandbox, tempfile.TemporaryDirectory() as place:
    served = []
    for name in MODELS:
        (one,) = deployments(sandbox.url, (f"key-{name}",), model=MODELS[0])
        served.append(type(one)(one.id, name, one.model, one.account, one.api_key))
    with gateway_server(settings_for(sandbox, Path(place), deployments=tuple(served))) as url:
        print(url, flush=True)
        sys.stdin.read()
