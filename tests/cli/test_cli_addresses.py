"""What the commands say of an address that is not quite the gateway's, and of a key that is missing."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import liftgate
from gateways import sandbox_server
from terminal import Cli

COMMANDS = [("files", "ls"), ("chat", "Hi"), ("chat", "Hi", "--model", "gemini-2.5-flash"), ("files", "get", "file-x")]


@contextmanager
def answering(status: int, body: bytes, content_type: str) -> Iterator[str]:
    """A server that gives one answer to everything."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_HEAD = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_key_is_asked_for_in_the_commands_words(command: tuple[str, ...], url: str, tmp_path: Path) -> None:
    run = Cli(tmp_path, url, "").run(*command, code=None)
    assert run.returncode == 1
    assert f"{url} asks for a key: give --api-key, or set LIFTGATE_API_KEY." in run.stderr.decode()
    assert "Bearer" not in run.stderr.decode()


@pytest.mark.parametrize("command", COMMANDS)
def test_gemini_itself_is_no_gateway(command: tuple[str, ...], tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        run = Cli(tmp_path, sandbox.url, "").run(*command, code=None)
        assert run.returncode == 1
        assert f"{sandbox.url} does not answer as a Liftgate gateway does: HTTP 4" in run.stderr.decode()


@pytest.mark.parametrize(
    ("status", "body", "content_type", "said"),
    [
        (502, b"<h1>Bad Gateway</h1>", "text/html", "a proxy answered HTTP 502, since the gateway behind it did not"),
        (503, b"", "text/plain", "a proxy answered HTTP 503, since the gateway behind it did not"),
        (504, b"<h1>Time-out</h1>", "text/html", "a proxy answered HTTP 504, since the gateway behind it did not"),
        (404, b"Not Found", "text/plain", "does not answer as a Liftgate gateway does: HTTP 404 (Not Found)"),
        (403, json.dumps({"error": "no"}).encode(), "application/json", "does not answer as a Liftgate gateway does"),
        (
            404,
            json.dumps({"detail": "Not Found"}).encode(),
            "application/json",
            "does not answer as a Liftgate gateway",
        ),
        (500, b"[" * 100_000, "application/json", "does not answer as a Liftgate gateway does: HTTP 500"),
        (200, b'{"data":' * 100_000, "application/json", "did not answer with JSON; is it a Liftgate gateway?"),
    ],
    ids=["502", "503", "504", "404", "403", "404 of JSON", "500 too deep", "200 too deep"],
)
def test_what_is_no_gateways_answer_is_called_so(
    status: int, body: bytes, content_type: str, said: str, tmp_path: Path
) -> None:
    with answering(status, body, content_type) as url:
        run = Cli(tmp_path, url, "sk-ann").run("files", "ls", code=None)
    assert run.returncode == 1
    assert url in run.stderr.decode() and said in run.stderr.decode()


ANSWERS = [
    {"detail": "hello"},
    {"data": 5, "choices": 5, "output": 5, "id": 5},
    {"data": [5], "choices": [], "output": [5], "id": "x"},
]
"""What something else may answer with status 200."""


@pytest.mark.parametrize("body", ANSWERS, ids=str)
def test_another_programs_json_is_no_gateways_answer(body: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    chat = ("chat", "Hi", "--model", "gemini-2.5-flash")
    commands = [*COMMANDS, (*chat, "--no-stream"), ("files", "upload", "notes.txt"), ("files", "ls", "--json")]
    if "id" not in body:
        commands.append(("files", "rm", "file-x"))
    with answering(200, json.dumps(body).encode(), "application/json") as url:
        cli = Cli(tmp_path, url, "sk-ann")
        for command in commands:
            said = cli.run(*command, code=1).stderr.decode()
            known = ("does not answer as a Liftgate gateway does", "what came is no answer", "the answer broke off")
            assert any(each in said for each in known), (command, said)
        client = liftgate.Liftgate(base_url=url, api_key="sk-ann")
        with client, pytest.raises(liftgate.InternalServerError, match="does not answer as a Liftgate gateway does"):
            client.create_file(b"notes", "user_data")


@pytest.mark.parametrize("place", ["notes.txt/x", "nowhere/x", "n" * 300])
def test_a_place_that_cannot_be_written_is_named(place: str, url: str, tmp_path: Path) -> None:
    cli = Cli(tmp_path, url, "sk-ann")
    (tmp_path / "notes.txt").write_text("notes")
    file_id = cli.out("files", "upload", "notes.txt").split()[0]
    assert f"{place}: cannot be written" in cli.run("files", "cat", file_id, "-o", place, code=1).stderr.decode()


@pytest.mark.parametrize("behind", ["/v1/files", "/v1/chat/completions", "/v1beta", "/v1/files/"])
def test_an_address_that_says_too_much_is_refused_with_the_right_one(behind: str, url: str, tmp_path: Path) -> None:
    run = Cli(tmp_path, url, "sk-ann").run("files", "ls", "--base-url", url + behind, code=None)
    assert run.returncode == 2
    assert f"ends with /v1 at most, such as {url}." in run.stderr.decode()


@pytest.mark.parametrize("behind", ["", "/", "/v1", "/v1/"])
def test_an_address_is_taken_with_and_without_its_version(behind: str, url: str, tmp_path: Path) -> None:
    Cli(tmp_path, url, "sk-ann").run("files", "ls", "--base-url", url + behind, code=0)


@pytest.mark.parametrize(
    ("variable", "proxy", "code", "said"),
    [
        ("HTTPS_PROXY", "nonsense", 2, "HTTPS_PROXY in the environment must be an http:// or https:// URL."),
        (
            "https_proxy",
            "socks5://127.0.0.1:9",
            2,
            "https_proxy in the environment must be an http:// or https:// URL.",
        ),
        ("HTTPS_PROXY", "http://127.0.0.1:9", 3, "the proxy that HTTPS_PROXY names cannot (Connection refused)."),
        ("https_proxy", "http://127.0.0.1:9", 3, "the proxy that https_proxy names cannot (Connection refused)."),
        ("HTTPS_PROXY", "{}", 3, "the proxy that HTTPS_PROXY names answered HTTP 407"),
    ],
)
def test_a_proxy_that_fails_is_not_taken_for_the_gateway(
    variable: str, proxy: str, code: int, said: str, tmp_path: Path
) -> None:
    with refusing_proxy() as url:
        for command in COMMANDS:
            cli = Cli(tmp_path, "https://gateway.invalid")
            cli.environ[variable] = proxy.format(url)
            told = cli.run(*command, code=code).stderr.decode()
            assert said in told and "Is the gateway running?" not in told and "base-url" not in told, told


@contextmanager
def refusing_proxy() -> Iterator[str]:
    """One that asks for a name and a password."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_error(407)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("environ", "arguments", "said"),
    [
        ({"LIFTGATE_BASE_URL": "nonsense"}, (), "LIFTGATE_BASE_URL: expected an address"),
        ({"OPENAI_BASE_URL": "ftp://x"}, (), "OPENAI_BASE_URL: expected an address"),
        ({"LIFTGATE_BASE_URL": "", "OPENAI_BASE_URL": "ftp://x"}, (), "OPENAI_BASE_URL: expected an address"),
        ({"LIFTGATE_BASE_URL": "http://x"}, ("--base-url", "y"), "--base-url: expected an address"),
        ({"LIFTGATE_API_KEY": "sk \u00e4"}, (), "LIFTGATE_API_KEY: the key holds characters"),
        ({"OPENAI_API_KEY": "sk \u00e4"}, (), "OPENAI_API_KEY: the key holds characters"),
        ({"OPENAI_API_KEY": "sk-1"}, ("--api-key", "sk \u00e4"), "--api-key: the key holds characters"),
    ],
)
def test_what_is_wrong_is_named_as_it_was_given(
    environ: dict[str, str], arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    cli = Cli(tmp_path)
    cli.environ.update(environ)
    assert f"Error: {said}" in cli.run("files", "ls", *arguments, code=2).stderr.decode()
