"""What people stumbled over when they met the commands for the first time."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from gateways import MODEL, SandboxServer, client_for, gateway_server, settings_for
from liftgate.cli.admin.command import admin
from liftgate.cli.main import cli as program
from liftgate.deployments import Account, Deployment
from liftgate.settings import AuthSettings
from terminal import Cli
from waiting import until

NAME = "Vorlesung über Öl und Übung, erster Teil, mit allen Folien.txt"


@pytest.fixture(scope="module")
def changes(sandbox: SandboxServer) -> dict[str, Any]:
    """A gateway without a config: every model of Gemini by its own name."""
    account = Account(name="a", api_keys=("key-a",), api_base=sandbox.url)
    return {"deployments": (Deployment("every", "*", "*", account, "key-a"),)}


@pytest.fixture(scope="module")
def keyless(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """Commands without a key at a gateway that asks for none."""
    home = tmp_path_factory.mktemp("keyless")
    with gateway_server(settings_for(sandbox, home / "data", auth=AuthSettings())) as base:
        yield Cli(home / "home", base)


@pytest.fixture
def cli(url: str, tmp_path: Path) -> Cli:
    return Cli(tmp_path, url, "sk-ann")


def shown(data: bytes) -> str:
    """What a terminal was sent, without its control codes."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode())


def options_of(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Option]]:
    """Of a command and all below it."""
    for option in command.params:
        if isinstance(option, click.Option):
            yield f"{name} {option.opts[-1]}", option
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from options_of(found, f"{name} {below}")


def test_what_is_no_number_and_no_day_is_told_in_words() -> None:
    numbers = 0
    for name, option in options_of(program):
        try:
            option.type.convert("abc", option, None)
        except click.BadParameter as error:
            assert not re.search(r"range|float|integer|%", error.message.partition("<=")[0]), (name, error.message)
            numbers += "is not a valid" in error.message
        assert "RANGE" not in option.make_metavar(click.Context(click.Command("x"))), name
    assert numbers > 8


def homeless(cli: Cli, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of a user without a home or a name, as `docker run --user 54321` makes one."""
    program = "import runpy, sys; sys.modules['pwd'] = None; runpy.run_module('liftgate', run_name='__main__')"
    environ = {name: value for name, value in cli.environ.items() if name != "HOME"}
    words = [sys.executable, "-c", program, *arguments]
    return subprocess.run(words, cwd=cli.home, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_a_user_without_a_home_can_ask_and_upload(cli: Cli) -> None:
    (cli.home / "note.txt").write_text("The ferry leaves at nine.")
    for arguments in (("chat", "When?"), ("chat", "When?", "--file", "note.txt"), ("files", "upload", "note.txt")):
        done = homeless(cli, *arguments)
        assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    done = homeless(cli, "chat", "--continue", "And then?")
    assert done.returncode == 2 and "cannot be written, so no answer is remembered" in done.stderr
    assert sorted(path.name for path in cli.home.iterdir()) == ["note.txt"]


@pytest.mark.parametrize("arguments", [(), ("admin", "owners"), ("admin", "keys", "list")], ids=" ".join)
def test_a_user_without_a_home_is_told_to_say_where_the_data_are(arguments: tuple[str, ...], cli: Cli) -> None:
    cli.environ["GEMINI_API_KEY"] = "AIza-of-the-test-0123456789"
    done = homeless(cli, *arguments)
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    assert "this user has no home directory, so say where the data are" in done.stderr


def test_a_user_without_a_home_can_try_the_sandbox(cli: Cli) -> None:
    """It goes on to listen, at a port that is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = homeless(cli, "--sandbox", "--port", str(taken.getsockname()[1]))
    assert done.stderr.startswith("liftgate: Cannot listen on 127.0.0.1 port"), done.stderr


LONG = "a" * 300
"""No file can have such a name: looking for one fails, as it does below a directory that may not be entered."""


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("--sandbox", "--data-dir", f"/tmp/{LONG}"), "--data-dir /tmp/{} cannot be made: File name too long."),
        (("--sandbox", "--database-url", f"sqlite:////tmp/{LONG}"), "The catalogue /tmp/{} cannot be made: "),
        (("admin", "owners", "--data-dir", f"/tmp/{LONG}"), "The catalogue /tmp/{}/catalog.db cannot be read: "),
        (("admin", "check", "--database-url", f"sqlite:////tmp/{LONG}"), "The catalogue /tmp/{} cannot be read: "),
        (("admin", "restore", f"/tmp/{LONG}"), "/tmp/{} cannot be read: File name too long."),
        (("chat", "What?", "--file", LONG), "--file: '"),
        (("--config", f"/tmp/{LONG}"), "/tmp/{}: cannot be read: File name too long."),
    ],
    ids=lambda each: each[-2] if isinstance(each, tuple) else "",
)
def test_a_place_that_cannot_be_looked_at_is_told_with_what_names_it(
    typed: tuple[str, ...], told: str, cli: Cli
) -> None:
    shown = cli.run(*typed, code=2).stderr.decode()
    assert told.replace("{}", LONG) in shown and "Traceback" not in shown


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--since", "yesterday"), "'yesterday' is not a day such as 2026-11-28."),
        (("--until", "1.12.2026"), "'1.12.2026' is not a day such as 2026-11-28."),
        (("--since", "2026-02-30"), "'2026-02-30' is not a day such as 2026-11-28."),
        (
            ("--since", "2026-11-28", "--until", "2026-11-27"),
            "--until: 2026-11-27 is a day before --since, 2026-11-28.",
        ),
    ],
)
def test_days_of_spend_are_read_or_refused(given: tuple[str, ...], told: str, cli: Cli) -> None:
    found = cli.run("admin", "spend", *given, code=2)
    assert told in found.stderr.decode(), found.stderr


@pytest.mark.parametrize("columns", [20, 29, 40, 60, 80, 100, 140])
def test_ids_are_never_cut(columns: int, cli: Cli, url: str) -> None:
    with client_for(url) as client:
        file = client.files.create(file=(NAME, b"text"), purpose="user_data")
    code, out = cli.in_terminal("files", "ls", columns=columns)
    assert code == 0
    text = shown(out)
    assert any(line.split()[0] == file.id for line in text.splitlines() if line.strip()), text
    if columns >= 40:
        assert all(len(line.rstrip()) <= columns for line in text.splitlines()), text
    heads = text.splitlines()[0].split()
    assert heads == [head for head in ("id", "filename", "bytes", "purpose", "created", "status") if head in heads]
    # What matters least goes first.
    assert "purpose" not in heads or "created" in heads
    assert ("purpose" in heads) == (columns >= 100)
    assert ("…" in text) == (columns < 140)


def test_names_are_whole_where_there_is_room(cli: Cli) -> None:
    assert NAME in shown(cli.in_terminal("files", "ls", columns=200)[1])
    assert NAME in cli.out("files", "ls")


def test_model_that_google_does_not_have_is_refused_before_anything_is_stored(cli: Cli) -> None:
    (cli.home / "film.txt").write_bytes(b"a text")
    before = len(json.loads(cli.out("files", "ls", "--json"))["data"])
    done = cli.run("files", "upload", "film.txt", "--model", "gpt-4o", "--wait", code=1)
    assert b"gpt-4o" in done.stderr and b"on its way" not in done.stderr
    assert len(json.loads(cli.out("files", "ls", "--json"))["data"]) == before
    assert b"file-" in cli.run("files", "upload", "film.txt", "--model", MODEL, "--wait").stdout


@pytest.mark.parametrize("wanted", ["5-2", "1-0", "999999999999-1", "1" * 30 + "-"])
def test_range_that_names_no_byte_is_wrong_usage(wanted: str, cli: Cli) -> None:
    done = cli.run("files", "cat", "file-" + "a" * 24, "--range", wanted, code=2)
    assert b"--range" in done.stderr and done.stdout == b""


def test_sandbox_on_a_taken_port_says_so_and_nothing_else(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = cli.run("sandbox", "--port", port, code=2)
    assert done.stdout == b""
    says = done.stderr.decode().strip()
    assert says.endswith(
        f"port {port}: Address already in use. Another program has that port: end it, or choose another port."
    )


@pytest.mark.parametrize(
    ("code", "reason", "said"),
    [
        (400, "API_KEY_INVALID", "Google rejects the API key that Liftgate holds"),
        (403, "SERVICE_DISABLED", "Google rejects the API key that Liftgate holds"),
        (403, "", "the answer of the drill"),
        (404, "", "the answer of the drill"),
    ],
)
def test_what_the_operator_must_mend_is_not_put_to_the_user(
    code: int, reason: str, said: str, sandbox: SandboxServer, keyless: Cli
) -> None:
    """Its 401 asks for no key, and an upload that waits for Google ends with what Google said."""
    cli = keyless
    (cli.home / "film.mp4").write_bytes(f"bytes of {code} {reason}".encode())
    status = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}[code]
    info = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}]
    error = {"code": code, "status": status, "message": "the answer of the drill", "details": info * bool(reason)}
    order = {"kind": "status", "code": code, "body": {"error": error}, "times": None}
    for asked in ("upload.start", "stream"):
        sandbox.control("faults", order | {"operation": asked})
    try:
        done = cli.run("files", "upload", "film.mp4", "--model", MODEL, "--wait", code=1)
        assert "is stored" in (told := done.stderr.decode()) and said in told, told
        listed = json.loads(cli.out("files", "ls", "--json"))["data"]
        shown = listed[0]
        assert shown["status"] == "processed" and "will carry it" in shown["status_details"]
        told = cli.run("chat", "hello", "--model", MODEL, code=1).stderr.decode()
        assert "--api-key" not in told and "LIFTGATE_API_KEY" not in told, told
    finally:
        sandbox.control("faults", method="DELETE")


def test_https_to_a_gateway_that_speaks_http(cli: Cli, url: str) -> None:
    done = cli.run("files", "ls", "--base-url", url.replace("http://", "https://"), code=3)
    assert f"does not speak https; try {url}" in done.stderr.decode()


def test_locale_of_ascii_without_utf_8_mode(cli: Cli) -> None:
    cli.environ |= {"LC_ALL": "C", "PYTHONUTF8": "0"}
    (cli.home / "Übung heißt Öl.txt").write_bytes(b"text")
    done = cli.run("files", "upload", "Übung heißt Öl.txt", "--json")
    assert json.loads(done.stdout)["filename"] == "Übung heißt Öl.txt"
    told = cli.run("chat", "Was heißt Übung?", "--model", MODEL, "--system", "Sei höflich.").stdout.decode()
    assert "Was heißt Übung?" in told


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["serve"], "The gateway needs no command 'serve'"),
        (["run"], "liftgate --config"),
        (["gateway"], "liftgate --config"),
        (["help"], "liftgate --help"),
        (["caht", "hello"], "Did you mean 'chat'?"),
        (["flies", "ls"], "Did you mean 'files'?"),
        (["nonsense"], "No such command 'nonsense'."),
        (["upload", "x"], "liftgate files upload"),
        (["ls"], "liftgate files ls"),
        (["version"], "liftgate --version"),
        (["sweep"], "liftgate admin sweep"),
        (["--master-key", "sk-x"], "--master-key is no option: set LIFTGATE_MASTER_KEY"),
        (["--sandbox", "--keys", "x"], "--keys is no option: set LIFTGATE_MASTER_KEY"),
        (["admin", "keys", "create"], "liftgate admin keys generate"),
        (["admin", "keys", "revoke", "x"], "liftgate admin keys delete"),
        (["admin", "keys", "ls"], "liftgate admin keys list"),
        (["admin", "keys", "rotate", "x"], "liftgate admin keys regenerate"),
        (["files", "delete", "x"], "liftgate files rm"),
        (["files", "download", "x"], "liftgate files cat"),
        (["files", "list"], "liftgate files ls"),
        (["files", "uplaod", "x"], "Did you mean 'upload'?"),
        (["--file", "x"], "an option of `liftgate chat`"),
        (["config.yaml"], "liftgate --config config.yaml"),
        (["conf/litellm.yml"], "liftgate --config conf/litellm.yml"),
        (["--spend", "--metrics", "--port", "x"], "--port: expected a whole number"),
        (["--no-unpriced-within-budget", "--port", "x"], "--port: expected a whole number"),
        (["--spend", "true"], "--spend or --no-spend, without 'true'"),
        (["--access-log", "False"], "has no value"),
    ],
)
def test_what_is_typed_by_habit_is_answered_with_what_to_type(typed: list[str], said: str, cli: Cli) -> None:
    assert said in cli.run(*typed, code=2).stderr.decode()


def test_a_command_of_admin_is_found_without_that_word(cli: Cli) -> None:
    for name in admin.commands:
        assert f"liftgate admin {name}" in cli.run(name, code=2).stderr.decode()


def test_failed_upload_says_once_that_it_tries_again(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (cli.home / "film.mp4").write_bytes(bytes(100))
    done = cli.run("files", "upload", "film.mp4", "--base-url", f"http://127.0.0.1:{port}", code=3)
    assert done.stderr.count(b"trying again") <= 1


def test_standard_input_cannot_be_uploaded_and_the_reason_is_given(cli: Cli) -> None:
    assert b"standard input cannot be uploaded" in cli.run("files", "upload", "-", stdin=b"x", code=2).stderr


def test_error_in_the_command_line_names_the_file(cli: Cli) -> None:
    (cli.home / "cat.gif").write_bytes(b"GIF89a\x01\x00\x01\x00\x00\x00\x00;")
    done = cli.run("files", "upload", "cat.gif", "--model", MODEL, code=1)
    assert b"cat.gif" in done.stderr and b"image/gif" in done.stderr and b"PNG" in done.stderr
    [file_id] = cli.out("files", "upload", "cat.gif").split()[:1]
    done = cli.run("chat", "What is it?", "--file", file_id, "--model", MODEL, code=1)
    assert file_id.encode() in done.stderr and b"image/gif" in done.stderr


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_numbers_of_a_bar_are_whole(columns: int, cli: Cli) -> None:
    (cli.home / NAME).write_bytes(bytes(296_755))
    text = shown(cli.in_terminal("files", "upload", NAME, columns=columns)[1])
    assert "289.8 KiB of 289.8 KiB" in text


@pytest.mark.parametrize("command", [("--version",), ("--help",), ("files", "ls", "--json")], ids=" ".join)
def test_an_output_that_takes_nothing_more_is_no_traceback(command: tuple[str, ...], cli: Cli) -> None:
    with open("/dev/full", "wb") as full:
        words = [sys.executable, "-m", "liftgate", *command]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, env=cli.environ, timeout=60)
    assert (done.returncode, done.stderr) == (1, b"liftgate: No space left on device.\n")


def closed_in_turn() -> Iterator[Any]:
    """Each closed stream with a command that goes well or one that does not, in turn; with both in the full run."""
    for at, closed in enumerate((">&-", "2>&-", "<&-", ">&- 2>&- <&-")):
        for of_words, (words, code) in enumerate((("--version", 0), ("nonsense", 2))):
            yield pytest.param(closed, words, code, marks=[pytest.mark.full] if (at + of_words) % 2 else [])


@pytest.mark.parametrize(("closed", "words", "code"), list(closed_in_turn()))
def test_a_stream_that_the_caller_closed_is_no_failure(closed: str, words: str, code: int) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"$0" -m liftgate {words} {closed}', sys.executable], capture_output=True, timeout=60
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (code, False), done.stderr.decode()


@pytest.mark.parametrize("command", [("check",), ("backup", "there"), ("keys", "list")])
def test_a_command_that_is_interrupted_before_its_work_says_so(command: tuple[str, ...], cli: Cli) -> None:
    """While it reads its config, which comes from a pipe."""
    pipe = cli.home / "config.yaml"
    os.mkfifo(pipe)
    # It ends within Python's own opening of a file.
    del cli.environ["PYTHONWARNINGS"]
    # Opened once the other end is. A signal between that and the read would wait for the read's end.
    with cli.started("admin", *command, "--config", pipe) as process, pipe.open("wb"):
        until(lambda: Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "S")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said.strip()) == (130, b"liftgate: interrupted")
