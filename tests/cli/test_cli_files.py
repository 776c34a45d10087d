"""`liftgate files` against a real gateway and the sandbox: what goes up comes down, and goes on after a break."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import random  # noqa: TID251 - fixed seeds are the point
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openai
import pytest

from gateways import MODEL, SandboxServer, client_for, gateway_server, sandbox_server, settings_for
from liftgate.settings import AuthSettings, LimitSettings
from metered_line import metered_line
from terminal import Cli

MIB = 1024 * 1024
PART = 16 * MIB
"""The size of a part, as docs/cli.md has it; a file above it goes in parts."""

PARTS = PART + MIB
"""The size of a file that goes in two parts, with less to send than two whole ones."""

AROUND = 64 * 1024
"""More than the heads and forms around the bytes of an upload."""


@dataclass(frozen=True)
class Bench:
    """`cli`: commands of one owner at the gateway at `url`."""

    cli: Cli
    url: str
    sandbox: SandboxServer
    key: str = "sk-ann"

    def state(self) -> list[Path]:
        return list((self.cli.home / ".local" / "state" / "liftgate" / "uploads").glob("*"))

    def client(self) -> openai.OpenAI:
        return client_for(self.url, self.key)

    def content(self, file_id: str) -> bytes:
        with self.client() as client:
            return client.files.content(file_id).read()


OWNERS = AuthSettings("sk-master", {"sk-ann": "ann", **{f"sk-{number}": f"owner-{number}" for number in range(100)}})
"""More than one for each test."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One for all tests that do not look into its directory."""
    with opened(tmp_path_factory.mktemp("gateway")) as found:
        yield found


@pytest.fixture(scope="module")
def keys() -> Iterator[str]:
    return (key for key in OWNERS.keys if key != "sk-ann")


@pytest.fixture
def bench(gateway: Bench, keys: Iterator[str], tmp_path: Path) -> Bench:
    """An owner who has nothing yet, and a sandbox as new."""
    gateway.sandbox.control("reset", {})
    key = next(keys)
    return replace(gateway, cli=Cli(tmp_path / "home", gateway.url, key), key=key)


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Bench]:
    """A gateway whose directory is `tmp_path / "data"`."""
    with opened(tmp_path) as found:
        yield found


@pytest.fixture(scope="module")
def refusing(gateway: Bench, keys: Iterator[str], tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """One for all the requests that leave nothing behind."""
    key = next(keys)
    found = replace(gateway, cli=Cli(tmp_path_factory.mktemp("refusing"), gateway.url, key), key=key)
    made(found.cli.home / "notes.txt", 10)
    return found


@contextmanager
def opened(directory: Path) -> Iterator[Bench]:
    with sandbox_server() as sandbox:
        limits = LimitSettings(max_file_bytes=100 * MIB)
        with gateway_server(settings_for(sandbox, directory / "data", limits=limits, auth=OWNERS)) as url:
            yield Bench(Cli(directory / "home", url, "sk-ann"), url, sandbox)


def made(path: Path, size: int, seed: int = 1) -> Path:
    path.write_bytes(content_of(size, seed))
    return path


@functools.lru_cache(2)
def content_of(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)


def lines(text: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    ("size", "told"),
    [
        *((1000, "1000 B"), (PART + 12345, "16.0 MiB")),
        pytest.param(2 * PART + 12345, "32.0 MiB", marks=pytest.mark.full),
    ],
)
def test_what_is_uploaded_is_listed_shown_read_and_removed(bench: Bench, size: int, told: str) -> None:
    path = made(bench.cli.home / "my film.mp4", size)
    shown = bench.cli.out("files", "upload", path)
    file_id = shown.split()[0]
    assert shown.split("  ")[1:] == ["my film.mp4", told, "processed\n"]
    assert file_id in bench.cli.out("files", "ls")
    facts = bench.cli.out("files", "get", file_id)
    assert "my film.mp4" in facts and str(size) in facts and "never" in facts
    assert bench.cli.run("files", "cat", file_id).stdout == path.read_bytes()
    assert bench.cli.run("files", "cat", file_id, "--range", "10-19").stdout == path.read_bytes()[10:20]
    assert bench.cli.run("files", "cat", file_id, "--range", "-7").stdout == path.read_bytes()[-7:]
    copy = bench.cli.home / "copy.mp4"
    assert bench.cli.out("files", "cat", file_id, "-o", copy) == ""
    assert copy.read_bytes() == path.read_bytes()
    assert bench.cli.out("files", "rm", file_id) == f"removed {file_id}\n"
    bench.cli.run("files", "get", file_id, code=1)
    assert bench.state() == []
    assert not list(bench.cli.home.glob("*.part"))


def test_a_file_is_known_by_its_address_and_its_name_at_google_too(bench: Bench) -> None:
    with bench.client() as client:
        file_id = client.files.create(file=("a.txt", b"hello"), purpose="user_data").id
    assert f"id        {file_id}" in bench.cli.out("files", "get", f"{bench.url}/v1/files/{file_id}/content")
    assert bench.cli.out("files", "cat", f"files/{file_id[5:]}") == "hello"
    gone = bench.cli.out("files", "rm", f"https://generativelanguage.googleapis.com/v1beta/files/{file_id[5:]}")
    assert gone == f"removed {file_id}\n"


def test_json_is_what_the_api_says(bench: Bench) -> None:
    path = made(bench.cli.home / "notes.txt", 100)
    with bench.client() as client:
        (file,) = lines(bench.cli.run("files", "upload", path, "--json", "--expires-after", 7200).stdout)
        known = client.files.retrieve(file["id"]).to_dict()
        assert file == known
        assert (file["purpose"], file["filename"], file["bytes"]) == ("user_data", "notes.txt", 100)
        assert file["expires_at"] == file["created_at"] + 7200
        assert json.loads(bench.cli.out("files", "get", file["id"], "--json")) == known
        page = json.loads(bench.cli.out("files", "ls", "--json"))
        assert (page["object"], page["data"], page["has_more"]) == ("list", [known], False)
        assert lines(bench.cli.run("files", "rm", "--json", file["id"]).stdout) == [
            {"id": file["id"], "object": "file", "deleted": True}
        ]


def test_a_list_is_narrowed_and_goes_on(bench: Bench) -> None:
    paths = [made(bench.cli.home / f"{index}.txt", 10 + index) for index in range(3)]
    for path in paths:
        bench.cli.out("files", "upload", path, "--purpose", "assistants")
    first = bench.cli.run("files", "ls", "--limit", 2, "--purpose", "assistants")
    assert b"2.txt" in first.stdout and b"0.txt" not in first.stdout
    after = first.stderr.split()[-1].decode()
    assert "0.txt" in bench.cli.out("files", "ls", "--after", after)
    assert bench.cli.run("files", "ls", "--purpose", "vision").stdout == b""


def test_several_files_go_at_once_and_one_that_is_refused_does_not_stop_them(bench: Bench) -> None:
    good = [made(bench.cli.home / f"{index}.bin", 5000 + index, index) for index in range(5)]
    empty = bench.cli.home / "empty.bin"
    empty.touch()
    paths = [*good[:2], empty, *good[2:]]
    done = bench.cli.run("files", "upload", "--json", "--jobs", 3, *paths, code=1)
    assert [file["filename"] for file in lines(done.stdout)] == [path.name for path in good]
    assert b"empty.bin" in done.stderr
    for file, path in zip(lines(done.stdout), good, strict=True):
        assert bench.content(file["id"]) == path.read_bytes()


def test_nothing_but_text_is_written_where_there_is_no_terminal(bench: Bench) -> None:
    path = made(bench.cli.home / "film.mp4", PART + 1)
    uploaded = bench.cli.run("files", "upload", path)
    runs = [
        uploaded,
        bench.cli.run("files", "ls"),
        bench.cli.run("files", "get", uploaded.stdout.split()[0].decode()),
        bench.cli.run("files", "upload", "nowhere", code=2),
    ]
    for run in runs:
        assert not any(byte < 32 and byte != 10 for byte in run.stdout + run.stderr), (run.stdout, run.stderr)


@pytest.mark.parametrize("redirect", ["> /dev/full", "| head -c 1"])
@pytest.mark.parametrize("json_too", ["", "--json"])
def test_lines_that_cannot_be_written_end_an_upload_without_a_traceback(
    bench: Bench, redirect: str, json_too: str
) -> None:
    for number in range(20):
        made(bench.cli.home / f"{number}.bin", 1000 + number)
    command = f"{sys.executable} -m liftgate files upload --jobs 1 {json_too} *.bin {redirect}"
    done = subprocess.run(
        command, shell=True, cwd=bench.cli.home, env=bench.cli.environ, capture_output=True, check=False, timeout=60
    )
    assert b"Traceback" not in done.stderr and b"Group" not in done.stderr, done.stderr
    assert ("full" in redirect) == (b"No space left on device" in done.stderr)


def test_a_terminal_gets_a_bar(bench: Bench) -> None:
    path = made(bench.cli.home / "film.mp4", PARTS)
    code, shown = bench.cli.in_terminal("files", "upload", path)
    assert code == 0
    # The result comes when the bars are done.
    assert b"file-" in shown[shown.rindex(b"\x1b[?25h") :]
    assert "━".encode() in shown and b"of 17.0 MiB" in shown and b"film.mp4" in shown
    # The cursor is hidden while the bar is drawn, and must be there again.
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")


def test_no_color_where_nobody_wants_one(bench: Bench) -> None:
    made(bench.cli.home / "film.mp4", 5000)
    bench.cli.environ["NO_COLOR"] = "1"
    code, shown = bench.cli.in_terminal("files", "upload", bench.cli.home / "film.mp4")
    colors = re.findall(rb"\x1b\[([0-9;]*)m", shown)
    assert code == 0 and not [
        each for each in colors if re.search(rb"(?:^|;)(?:3[0-7]|38|4[0-7]|48|9[0-7])(?:;|$)", each)
    ]


@pytest.mark.parametrize("size", [5000, PART + 5000])
def test_a_model_that_is_named_has_the_file_when_the_command_returns(bench: Bench, size: int) -> None:
    path = made(bench.cli.home / "talk.wav", size)
    (file,) = lines(bench.cli.run("files", "upload", path, "--model", MODEL, "--wait", "--json").stdout)
    assert file["status"] == "processed"
    (there,) = bench.sandbox.control("files")["files"]
    assert (there["state"], there["size"], there["mimeType"]) == ("ACTIVE", size, "audio/wav")
    assert there["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("size", [5000, PART + 5000])
def test_an_unknown_model_is_refused_before_anything_is_stored(bench: Bench, size: int) -> None:
    path = made(bench.cli.home / "talk.wav", size)
    done = bench.cli.run("files", "upload", path, "--model", "gpt-4o", code=1)
    assert b"talk.wav" in done.stderr and b"gpt-4o" in done.stderr
    assert bench.state() == []
    assert json.loads(bench.cli.out("files", "ls", "--json"))["data"] == []


def test_waiting_tells_what_gemini_refused(bench: Bench) -> None:
    path = made(bench.cli.home / "broken.mp4", 5000)
    bench.sandbox.control(
        "faults", {"kind": "failed_processing", "operation": "upload.*", "message": "no video track", "times": None}
    )
    done = bench.cli.run("files", "upload", path, "--model", MODEL, "--wait", code=1)
    assert b"broken.mp4" in done.stderr and b"no video track" in done.stderr
    assert done.stdout == b""


@pytest.mark.parametrize("size", [5000, PART + 5000])
def test_a_file_that_was_stored_and_not_told_is_not_stored_again(bench: Bench, size: int) -> None:
    path = made(bench.cli.home / "talk.wav", size)
    bench.sandbox.control("faults", {"kind": "stuck_processing", "operation": "upload.*"})
    command = ("files", "upload", path, "--model", MODEL, "--wait", "--json")
    code, _ = bench.cli.in_terminal(*command, interrupt_at=b"on its way")
    assert code == 130
    # Told at the terminal is not yet there at Gemini.
    deadline = time.monotonic() + 30
    while not bench.sandbox.control("files")["files"] and time.monotonic() < deadline:
        time.sleep(0.05)
    (there,) = bench.sandbox.control("files")["files"]
    bench.sandbox.control(f"files/{there['id']}", {"state": "ACTIVE"})
    (file,) = lines(bench.cli.run(*command).stdout)
    (listed,) = json.loads(bench.cli.out("files", "ls", "--json"))["data"]
    assert file == listed and file["status"] == "processed"
    # What was told is done with: the same command again means another file.
    (another,) = lines(bench.cli.run(*command).stdout)
    assert another["id"] != file["id"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["ls", "--limit", "0"], 2, "--limit"),
        (["ls", "--base-url", "gateway:4000"], 2, "--base-url"),
        (["ls", "--api-key", "wrong"], 1, "Incorrect API key"),
        (["ls", "--base-url", "http://127.0.0.1:9"], 3, "http://127.0.0.1:9 cannot be reached (Connection refused)"),
        (["upload", "nowhere.mp4"], 2, "nowhere.mp4"),
        (["upload", "."], 2, "directory"),
        (["upload", "notes.txt", "--purpose", "fun"], 2, "user_data"),
        (["upload", "notes.txt", "--base-url", "http://127.0.0.1:9"], 3, "notes.txt: http://127.0.0.1:9"),
        (["upload", "notes.txt", "--api-key", "wrong"], 1, "notes.txt: Incorrect API key"),
        (["get", "file-aaaaaaaaaaaaaaaaaaaaaaaa"], 1, "No such File object: file-aaaaaaaaaaaaaaaaaaaaaaaa"),
        (["get", "../models"], 1, "Invalid URL"),
        (["get", ".."], 2, "is not the id"),
        (["cat", "file-a", "-o", "copy"], 1, "No such File object: file-a"),
        (["cat", "file-a", "--range", "all"], 2, "--range"),
        (["rm", "file-a", "file-b"], 1, "No such File object: file-b"),
        (["rm"], 2, "ID"),
    ],
)
def test_the_exit_code_says_what_kind_of_failure_it_was(
    refusing: Bench, arguments: list[str], code: int, said: str
) -> None:
    done = refusing.cli.run("files", *arguments, code=code)
    assert said in done.stderr.decode() and done.stdout == b""
    assert sorted(path.name for path in refusing.cli.home.iterdir() if path.is_file()) == ["notes.txt"]


def test_the_address_and_the_key_come_from_openais_variables_too(bench: Bench) -> None:
    del bench.cli.environ["LIFTGATE_BASE_URL"], bench.cli.environ["LIFTGATE_API_KEY"]
    bench.cli.environ |= {"OPENAI_BASE_URL": f"{bench.url}/v1", "OPENAI_API_KEY": bench.key}
    assert json.loads(bench.cli.out("files", "ls", "--json"))["data"] == []


def test_a_file_that_is_too_large_is_refused_before_its_bytes_are_sent(bench: Bench) -> None:
    path = bench.cli.home / "huge.mp4"
    with path.open("wb") as file:
        file.truncate(100 * MIB + 1)
    with metered_line(bench.url) as line:
        done = bench.cli.run("files", "upload", path, "--base-url", line.url, code=1)
        assert line.sent < AROUND
    assert b"huge.mp4" in done.stderr and str(100 * MIB).encode() in done.stderr


@pytest.mark.parametrize("parts", [1, pytest.param(2, marks=pytest.mark.full)])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_an_upload_that_was_interrupted_goes_on(bench: Bench, how: signal.Signals, parts: int) -> None:
    """So many parts were told to be there."""
    size = (parts + 1) * PART + 1000
    path = made(bench.cli.home / "film.mp4", size)
    upload = ("files", "upload", path, "--json", "--base-url")
    with metered_line(bench.url, stop_at=parts * PART + PART // 2) as line:
        with bench.cli.started(*upload, line.url) as process:
            assert line.stopped.wait(30)
            process.send_signal(how)
            output, errors = process.communicate(timeout=30)
        assert (process.returncode, output) == (130 if how == signal.SIGINT else -9, b"")
        if how == signal.SIGINT:
            assert b"the same command goes on" in errors
        assert bench.state() and all(bench.key not in left.read_text() for left in bench.state())
        line.go_on()
        done = bench.cli.run(*upload, line.url)
        assert f"film.mp4: going on from {16 * parts}.0 MiB of {16 * parts + 16}.0 MiB" in done.stderr.decode()
        assert line.sent < 1.1 * size + PART
    (file,) = lines(done.stdout)
    assert hashlib.sha256(bench.content(file["id"])).digest() == hashlib.sha256(path.read_bytes()).digest()
    assert bench.state() == []
    assert len(json.loads(bench.cli.out("files", "ls", "--json"))["data"]) == 1


@pytest.mark.parametrize(
    ("size", "cuts"),
    [(PARTS, (5, 7, 9, 12, 14, 18)), pytest.param(2 * PART, (5, 9, 14, 20, 27, 33), marks=pytest.mark.full)],
    ids=["reduced", "full"],
)
def test_a_line_that_breaks_is_gone_round_within_one_run(bench: Bench, size: int, cuts: tuple[int, ...]) -> None:
    path = made(bench.cli.home / "film.mp4", size)
    with metered_line(bench.url, cuts=[cut * MIB for cut in cuts]) as line:
        (file,) = lines(bench.cli.run("files", "upload", path, "--json", "--base-url", line.url).stdout)
        assert line.cuts_left == 0
        # Each break costs what was under way; the parts become smaller, so it costs less and less.
        assert line.sent < size + PART
    assert bench.content(file["id"]) == path.read_bytes()


@pytest.mark.full
def test_fifty_breaks_cost_less_than_a_tenth(bench: Bench) -> None:
    size = 256 * MIB
    path = bench.cli.home / "film.mp4"
    source = random.Random(1)
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(source.randbytes(MIB))
    with (
        gateway_server(settings_for(bench.sandbox, bench.cli.home / "large", auth=OWNERS)) as url,
        metered_line(url, cuts=source.sample(range(1, size), 50)) as line,
    ):
        (file_object,) = lines(bench.cli.run("files", "upload", path, "--json", "--base-url", line.url).stdout)
        assert line.cuts_left == 0
        assert line.sent < 1.1 * size
        with client_for(url, bench.key) as client:
            content = client.files.content(file_object["id"]).read()
    assert hashlib.sha256(content).digest() == hashlib.sha256(path.read_bytes()).digest()


def test_another_gateway_is_not_thought_to_have_the_parts(bench: Bench, tmp_path: Path) -> None:
    path = made(bench.cli.home / "film.mp4", PARTS)
    killed(bench, path, PART + MIB // 2)
    with gateway_server(settings_for(bench.sandbox, tmp_path / "other", auth=OWNERS)) as other:
        done = bench.cli.run("files", "upload", path, "--json", "--base-url", other)
        assert b"going on" not in done.stderr
        (file,) = lines(done.stdout)
        with client_for(other, bench.key) as client:
            assert client.files.content(file["id"]).read() == path.read_bytes()


def killed(bench: Bench, path: Path, at: int) -> None:
    """An upload that ends when so many bytes were sent."""
    with (
        metered_line(bench.url, stop_at=at) as line,
        bench.cli.started("files", "upload", path, "--base-url", line.url) as process,
    ):
        assert line.stopped.wait(30)
        process.kill()


@pytest.mark.parametrize("change", ["the upload was cancelled", "the file changed", "the state is damaged"])
def test_what_cannot_go_on_starts_anew(bench: Bench, change: str) -> None:
    path = made(bench.cli.home / "film.mp4", PARTS)
    upload = ("files", "upload", path, "--json", "--base-url")
    with metered_line(bench.url, stop_at=PART + MIB // 2) as line:
        with bench.cli.started(*upload, line.url) as process:
            assert line.stopped.wait(30)
            process.kill()
        (state,) = [left for left in bench.state() if left.suffix == ".json"]
        line.go_on()
        if change == "the upload was cancelled":
            with bench.client() as client:
                client.uploads.cancel(json.loads(state.read_text())["upload_id"])
        elif change == "the file changed":
            made(path, PARTS, seed=2)
        else:
            state.write_text('{"parts": [[1]]}')
        (file,) = lines(bench.cli.run(*upload, line.url).stdout)
    assert bench.content(file["id"]) == path.read_bytes()


def test_a_file_that_changes_under_way_leaves_nothing_behind(alone: Bench, tmp_path: Path) -> None:
    # Its last part does not begin before the line goes on, however much the sockets hold.
    path = made(alone.cli.home / "film.mp4", 2 * PART + MIB)
    with (
        metered_line(alone.url, stop_at=PART + PART // 2) as line,
        alone.cli.started("files", "upload", path, "--base-url", line.url) as process,
    ):
        assert line.stopped.wait(30)
        with path.open("ab") as file:
            file.write(b"more")
        line.go_on()
        _, said = process.communicate(timeout=60)
        assert process.returncode == 1 and b"film.mp4: changed while it was uploaded" in said
    assert alone.state() == []
    deadline = time.monotonic() + 10
    while (left := [found for found in (tmp_path / "data" / "blobs").rglob("blob-*")]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.05)
    assert left == []


def test_what_can_be_uploaded_is_and_each_other_is_named(bench: Bench) -> None:
    good = made(bench.cli.home / "talk.wav", 1000)
    os.mkfifo(bench.cli.home / "pipe")
    done = bench.cli.run("files", "upload", "nowhere.mp4", good, "pipe", ".", "--json", code=2)
    (file,) = lines(done.stdout)
    assert file["filename"] == "talk.wav"
    said = done.stderr.decode()
    for sentence in ("nowhere.mp4: there is no such file", "pipe: is no regular file", ".: is a directory"):
        assert sentence in said
    assert bench.state() == []


def test_the_same_file_is_not_uploaded_twice_at_once(bench: Bench) -> None:
    path = made(bench.cli.home / "film.mp4", PARTS)
    with (
        metered_line(bench.url, stop_at=PART // 2) as line,
        bench.cli.started("files", "upload", path, "--base-url", line.url) as process,
    ):
        assert line.stopped.wait(30)
        second = bench.cli.run("files", "upload", path, "--base-url", line.url, code=1)
        assert b"film.mp4: another liftgate is uploading this file" in second.stderr
        process.kill()


def test_bytes_that_are_not_those_that_were_stored_are_not_taken(alone: Bench, tmp_path: Path) -> None:
    path = made(alone.cli.home / "film.mp4", 5000)
    file_id = alone.cli.out("files", "upload", path).split()[0]
    (blob,) = [found for found in (tmp_path / "data" / "blobs").rglob("blob-*")]
    blob.write_bytes(b"x" * 5000)
    done = alone.cli.run("files", "cat", file_id, "-o", "copy.mp4", code=1)
    assert b"missing or damaged" in done.stderr and file_id.encode() in done.stderr, "the gateway finds it"
    assert sorted(found.name for found in alone.cli.home.glob("*.mp4*")) == ["film.mp4"]


@pytest.mark.parametrize("output", [(), ("-o", "copy.mp4")])
def test_a_download_goes_on_where_the_line_broke(bench: Bench, output: tuple[str, ...]) -> None:
    path = made(bench.cli.home / "film.mp4", 9 * MIB)
    file_id = bench.cli.out("files", "upload", path).split()[0]
    with metered_line(bench.url, cuts_down=[MIB, 5 * MIB]) as line:
        done = bench.cli.run("files", "cat", file_id, *output, "--base-url", line.url)
        assert line.cuts_left == 0
        # What had come is not asked for again, but for what was lost in the sockets.
        assert line.received < 9 * MIB + 6 * MIB
    copied = (bench.cli.home / "copy.mp4").read_bytes() if output else done.stdout
    assert copied == path.read_bytes()


def test_binary_is_not_written_to_a_terminal(bench: Bench) -> None:
    file_id = bench.cli.out("files", "upload", made(bench.cli.home / "film.mp4", 5000)).split()[0]
    code, shown = bench.cli.in_terminal("files", "cat", file_id)
    assert code == 1 and b"-o FILE" in shown and len(shown) < 200
