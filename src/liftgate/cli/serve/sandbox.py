"""`liftgate sandbox`: the emulator of the Gemini API as a process of its own."""

from __future__ import annotations

import click

from liftgate.cli.options import WholeNumber
from liftgate.errors import ConfigError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", type=WholeNumber(0, 65535), metavar="N", default=8790, show_default=True, help="0 takes a free port."
)
@click.option(
    "--project", "projects", metavar="KEY=PROJECT", multiple=True, help="A key and the project that it is of."
)
@click.option("--closed", is_flag=True, help="Refuse every key that no --project names.")
@click.option(
    "--model", "models", metavar="NAME", multiple=True, help="A model to serve and to list, whatever its name."
)
@click.option("--only-models", is_flag=True, help="Refuse every model that the list does not name.")
def sandbox(
    host: str, port: int, projects: tuple[str, ...], closed: bool, models: tuple[str, ...], only_models: bool
) -> None:
    """Run an emulator of the Gemini API, to try and to test against.

    It keeps files as Google does (48 hours, projects, quotas), answers from the bytes it was given, has a clock that
    can be moved and faults that can be ordered. Nothing leaves this machine.
    """
    from liftgate.sandbox.server import main
    from liftgate.sandbox.settings import DEFAULT_MODELS, SandboxSettings
    from liftgate.server.listening import listening_socket

    keys = {}
    for entry in projects:
        key, separator, name = entry.partition("=")
        if not (key and separator and name):
            raise ConfigError(f"--project {entry}: expected KEY=PROJECT.")
        keys[key] = name
    listed = tuple(dict.fromkeys((*models, *(() if only_models and models else DEFAULT_MODELS))))
    settings = SandboxSettings(projects=keys, open_keys=not closed, models=listed, any_model=not only_models)
    # Before the banner, which says that it runs.
    with listening_socket(host, port) as listener:
        port = listener.getsockname()[1]
    main(host, port, settings)
