"""`liftgate`: the argument tree. Without a command it runs the gateway.

Underscores in options are dashes, so that LiteLLM's spellings (`--num_workers`) work. Exit codes: 0 ended as asked, 1
could not go on, 2 wrong usage or configuration; more in `cli/failures.py`, for commands that talk to a gateway. Nothing
of the server is imported before it is needed.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

import click

from liftgate import __version__
from liftgate.cli.command_line import show_utf_8
from liftgate.cli.serve.litellm_flags import litellm_flags, read_litellm_flags
from liftgate.errors import ConfigError, LiftgateError
from liftgate.settings.options import OPTIONS, Option

COMMANDS: Mapping[str, tuple[str, str]] = {
    "files": ("liftgate.cli.files.command:files", "Upload, list, read and remove files at a running gateway."),
    "chat": ("liftgate.cli.chat.command:chat", "Ask a question, about files if there are any."),
    "admin": (
        "liftgate.cli.admin.command:admin",
        "Look after the data: owners, keys, spend, sweep, check, backup, restore …",
    ),
    "demo": ("liftgate.cli.demo.command:demo", "Show the main job end to end, without any key."),
    "sandbox": ("liftgate.cli.serve.sandbox:sandbox", "Run an emulator of the Gemini API."),
}
"""Name → where it is, and what it does in a sentence (so that `--help` imports none of them)."""

NO_COMMANDS = frozenset({"serve", "run", "gateway", "start", "server", "proxy", "up"})
"""What people type for the gateway, by the habits of other programs."""

NEAR_COMMANDS = {
    **dict.fromkeys(("upload", "put", "add"), "liftgate files upload"),
    **dict.fromkeys(("ls", "list"), "liftgate files ls"),
    **dict.fromkeys(("rm", "delete", "remove"), "liftgate files rm"),
    **dict.fromkeys(("get", "show", "retrieve", "info"), "liftgate files get"),
    **dict.fromkeys(("cat", "download", "content"), "liftgate files cat"),
    **dict.fromkeys(("ask", "complete", "completion"), "liftgate chat"),
    **{
        name: f"liftgate admin {name}"
        for name in ("owners", "keys", "spend", "erase", "sweep", "check", "backup", "restore", "adopt")
    },
    "help": "liftgate --help",
    "version": "liftgate --version",
}
"""What other programs, and OpenAI's API, call a command of ours."""

ELSEWHERE = {
    "--file": "`liftgate chat`",
    "--model": "`liftgate chat` and `liftgate files upload`",
    "--base-url": "`liftgate files` and `liftgate chat`",
    "--api-key": "`liftgate files` and `liftgate chat`",
}

HEADINGS = {
    "server": "Listening",
    "storage": "Storage",
    "limits": "Limits",
    "router": "Routing",
    "": "Requests",
}

HELP = """Liftgate lifts heavy files to Gemini: an OpenAI-compatible gateway in front of Google AI Studio.

\b
  liftgate --config config.yaml       run the gateway with a config (LiteLLM's too)
  GEMINI_API_KEY=… liftgate           run it without one: every Gemini model by its own name
  liftgate --sandbox                  run it against a built-in emulator of Gemini, without any key
  liftgate files upload lecture.mp4   put a file into a running gateway; `liftgate chat` asks about it
  liftgate demo                       see what it does

Every setting below is also LIFTGATE_… in the environment and a key of liftgate_settings in the config. More settings,
which are given in the same three ways, are in docs/settings.md: --spend, --metrics, traces, work in the background.
"""


class Commands(click.Group):
    """Loads a command when it is used, and shows the options under headings."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in COMMANDS:
            return super().resolve_command(ctx, args)
        if name in NO_COMMANDS:
            raise click.UsageError(f"The gateway needs no command {name!r}: liftgate --config config.yaml", ctx)
        if name in NEAR_COMMANDS:
            raise click.UsageError(f"There is no command {name!r}: {NEAR_COMMANDS[name]}", ctx)
        if name.lower() in ("true", "false"):
            raise click.UsageError(f"A switch has no value: write --spend or --no-spend, without {name!r}.", ctx)
        if name.endswith((".yaml", ".yml")):
            raise click.UsageError(f"A config is named by --config: liftgate --config {name}", ctx)
        near = get_close_matches(name, COMMANDS, 1)
        raise click.UsageError(f"No such command {name!r}.{f' Did you mean {near[0]!r}?' if near else ''}", ctx)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # While a command is loaded, or reads its config. Click's own end would be 1, as of one that has failed.
            fail("interrupted", 130)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as unknown:
            if unknown.option_name in ("--master-key", "--keys", "--key"):
                # Other users of the machine see what stands on a command line.
                raise click.UsageError(
                    f"{unknown.option_name} is no option: set LIFTGATE_MASTER_KEY, or write keys into the config "
                    "(general_settings.master_key, liftgate_settings.keys).",
                    ctx,
                ) from None
            where = ELSEWHERE.get(unknown.option_name)
            if where is None:
                raise
            raise click.UsageError(f"{unknown.option_name} is an option of {where}, not of the gateway.", ctx) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows: dict[str, list[tuple[str, str]]] = {"Options": [], **{heading: [] for heading in HEADINGS.values()}}
        headings = {option.name: HEADINGS[option.section] for option in OPTIONS if option.section in HEADINGS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                rows[headings.get(parameter.name or "", "Options")].append(record)
        for heading, records in rows.items():
            with formatter.section(heading):
                formatter.write_dl(records)
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in COMMANDS.items()])


def _dashes(name: str) -> str:
    return name.replace("_", "-")


def _setting(option: Option) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A row of the settings as an option; its value is read where all of them are, so that all errors look alike."""
    shown = option.shown()
    says = option.says[0].upper() + option.says[1:] + (f"  [default: {shown}]" if shown else "")
    hidden = option.section not in HEADINGS
    if option.kind == "bool":
        flags = f"{option.flag}/{option.flag.replace('--', '--no-', 1)}"
        return click.option(flags, option.name, default=None, hidden=hidden, help=says)
    metavar = _metavar(option)
    return click.option(
        option.flag, option.name, default=None, hidden=hidden, metavar=metavar, help=says.replace("`", "")
    )


def _metavar(option: Option) -> str:
    kind = option.kind.removesuffix(" | None")
    return "BYTES" if option.size else {"int": "N", "float": "SECONDS", "Path": "DIR"}.get(kind, "TEXT")


def _settings(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(OPTIONS):
        command = _setting(option)(command)
    return command


@click.group(
    cls=Commands,
    invoke_without_command=True,
    help=HELP,
    context_settings={
        "token_normalize_func": _dashes,
        "help_option_names": ["-h", "--help"],
        "max_content_width": 110,
    },
)
@click.version_option(__version__, "-v", "--version", prog_name="liftgate", message="%(prog)s %(version)s")
@click.option("-c", "--config", type=click.Path(path_type=Path), metavar="FILE", help="The config, as LiteLLM has it.")
@click.option("--sandbox", is_flag=True, help="Run an emulator of Gemini too and use it.")
@click.option("--detailed-debug", "debug", flag_value=True, default=None, hidden=True)
@click.option("--keepalive-timeout", "keep_alive", default=None, hidden=True)
@litellm_flags
@_settings
@click.pass_context
def cli(ctx: click.Context, /, config: Path | None, sandbox: bool, **flags: object) -> None:
    if ctx.invoked_subcommand is not None:
        given = [name for name, value in {"config": config, **flags}.items() if value is not None]
        if given or sandbox:
            flag = _dashes((given or ["sandbox"])[0].removeprefix("litellm_"))
            raise click.UsageError(f"--{flag} is an option of the gateway, not of a command.")
        return
    from liftgate.cli.serve.command import serve

    warnings = read_litellm_flags(flags)
    try:
        code = serve(config, flags, warnings, sandbox=sandbox)
    except KeyboardInterrupt:
        # A gateway that serves ends its requests first; this one did not serve yet.
        fail("interrupted before it took requests.", 130)
    ctx.exit(code)


def main() -> None:
    """The console script, which ends the process."""
    try:
        _command()
    except SystemExit as ended:
        end_at_once(ended)
        raise


def end_at_once(ended: SystemExit) -> None:
    """Ends the process as it stands: to take the interpreter apart takes longer than many a command, and who stops a
    gateway waits for it. Returns where a thread still works, or where output is left that cannot be written: then the
    interpreter ends in its own way."""
    threads = [each for each in threading.enumerate() if each is not threading.main_thread()]
    if not isinstance(ended.code, int | None) or any(not each.daemon for each in threads):
        return
    if (logging := sys.modules.get("logging")) is not None:
        # Lines of the access log that wait for others.
        logging.shutdown()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # as where the caller closed it (`>&-`)
                stream.flush()
    except (OSError, ValueError):
        return
    os._exit(ended.code or 0)


def _command() -> None:
    show_utf_8()
    try:
        cli(prog_name="liftgate")
    except ConfigError as error:
        fail(str(error), 2)
    except LiftgateError as error:
        fail(error.message, 1)
    except OSError as error:
        # Such as a full disk behind standard output, which would be written to once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        fail(f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror or error}.", 1)


def fail(message: str, code: int) -> NoReturn:
    """One sentence on standard error, then the end."""
    click.echo(f"liftgate: {message}", err=True)
    sys.exit(code)


if __name__ == "__main__":
    main()
