"""The log of a running gateway: one record is one line whatever a caller writes into it, and none holds a key."""

from __future__ import annotations

import json
import logging
import re
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from gateways import SandboxServer, sandbox_server
from liftgate.cli.serve.log_lines import JsonLines, LogLines, escaped
from liftgate.redaction import Redactor
from processes import gateway_processes, write_config
from raw_http import call, exchange

FORGED = "2026-01-01 00:00:00,000 INFO GET /forged 200"
BREAKS = [
    "\r\n",
    "\n",
    "\r",
    "\u2028",
    "\u2029",
    "\x85",
    "\x0b",
    "\x0c",
    "\x1c",
    "\x1b[2K\x1b[1G",
    "\x9b2K",
    "\x00",
    "\u202e",
    "\b",
]

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?:DEBUG|INFO|WARNING|ERROR) \S|  \| |Liftgate |  \S+ +|$")


def test_no_caller_can_begin_a_line_of_the_log(tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "c.yaml", sandbox.url, access_log=True)
        with gateway_processes(config, tmp_path / "data") as (gateway,):
            _provoke(gateway.url, sandbox)
            gateway.stop()
            log = gateway.log.read_bytes().decode()
    assert log.count("forged") >= len(BREAKS)
    for line in log.split("\n"):
        assert line.isprintable(), line
        assert LINE.match(line), line
        assert not line.startswith(FORGED)
    for secret in ("sk-ann", "sk-master", "key-a "):
        assert secret not in log


def _provoke(url: str, sandbox: SandboxServer) -> None:
    """Every place a caller can write to, with every kind of break: path, method, model, filename, header, key."""
    key = {"Authorization": "Bearer sk-ann"}
    for each in BREAKS:
        evil = f"x{each}{FORGED}"
        call(url, "GET", "/" + quote(evil), headers=key)
        call(url, "GET", "/v1/files/" + quote(evil), headers=key)
        chat = {"model": evil, "messages": [{"role": "user", "content": "a"}]}
        call(url, "POST", "/v1/chat/completions", json.dumps(chat).encode(), key)
        chat = {"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": "a"}], "temperature": evil}
        call(url, "POST", "/v1/chat/completions", json.dumps(chat).encode(), key)
        target = f"/v1beta/models/{quote(evil, safe='')}:generateContent"
        call(url, "POST", target, b"{}", {"x-goog-api-key": "sk-ann"})
        call(url, "GET", "/v1/files", headers={"Authorization": f"Bearer {quote(evil)}"})
    call(url, "GET", "/v1/files/sk-ann/sk-master", headers=key)
    host = urlsplit(url).netloc
    exchange(url, [f"GET /\u2028{FORGED} HTTP/1.1\r\nHost: {host}\r\nX-A: \x1b[2K\r\n\r\n".encode()])
    # What Google says is written into the log where it failed.
    said = {"error": {"code": 500, "status": "INTERNAL", "message": f"broken\n{FORGED} sk-ann"}}
    sandbox.control("faults", {"kind": "status", "operation": "generate", "code": 500, "body": said, "times": None})
    chat = {"model": "gemini-2.5-flash", "messages": [{"role": "user", "content": "a"}]}
    call(url, "POST", "/v1/chat/completions", json.dumps(chat).encode(), key)


@pytest.mark.parametrize("broken", BREAKS)
def test_a_record_is_one_line(broken: str) -> None:
    lines = LogLines(["sk-secret-key"])
    record = logging.LogRecord("liftgate", logging.INFO, "", 1, "%s of sk-secret-key", (f"a{broken}b",), None)
    told = lines.format(record)
    assert told.isprintable() and "sk-secret-key" not in told
    assert escaped(f"a{broken}b").isprintable()


def test_a_traceback_keeps_its_lines_behind_a_bar() -> None:
    try:
        raise ValueError(f"bad\n{FORGED}\x1b[2K sk-secret-key")
    except ValueError:
        record = logging.LogRecord("liftgate", logging.ERROR, "", 1, "failed", (), sys.exc_info())
    first, *more = LogLines(["sk-secret-key"]).format(record).split("\n")
    assert first.endswith("ERROR failed") and len(more) >= 4
    assert all(line.startswith("  | ") and line.isprintable() and "sk-secret-key" not in line for line in more)


def test_a_key_of_googles_is_blotted_out_whoever_it_is_of() -> None:
    key = "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw"
    record = logging.LogRecord("liftgate", logging.INFO, "", 1, f"/v1/{key}/x", (), None)
    assert key not in LogLines().format(record)


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("GET https://b.s3.x/k?X-Amz-Credential=AKIA%2Fus&X-Amz-Signature=0a1b&x=1", ["AKIA", "0a1b"]),
        ("https://st.blob.x/c/b?sv=2024&sig=aB%2Bc%3D&se=2026", ["aB%2Bc"]),
        ("https://storage.x/b/k?GoogleAccessId=a&Signature=zz9&Expires=1", ["zz9"]),
        ("https://g/upload?upload_id=AB-c&upload_protocol=resumable", ["AB-c"]),
        ("could not connect to postgresql://user:s3cr3t@host:5432/db", ["s3cr3t"]),
        ("connection to postgresql://:p%40w@host/db failed", ["p%40w"]),
        ("host=x user=y password=hunter22 dbname=z", ["hunter22"]),
        ("postgresql://h/db?user=u&password=pw1", ["pw1"]),
        ("Cookie: liftgate=abc; other=def", ["abc", "def"]),
        ("set-cookie: __Host-liftgate=z9; Path=/", ["z9"]),
        ("{'cookie': 'liftgate=abc', 'x': 1}", ["abc"]),
        ("(b'authorization', b'Basic dXNlcjpw')", ["dXNlcjpw"]),
        ('{"Proxy-Authorization": "Digest dXNl"}', ["dXNl"]),
        ("x-goog-api-key: 1234", ["1234"]),
        (
            '{"error": {"api_key": "abc1", "accessToken":"def2", "client_secret" : "ghi3", "x": 1}}',
            ["abc1", "def2", "ghi3"],
        ),
        ("{'password': 'abc1', b'refresh_token': b'def2'}", ["abc1", "def2"]),
    ],
)
def test_what_stands_where_a_secret_does_is_blotted_out(text: str, secrets: list[str]) -> None:
    """Whatever it looks like, in both forms of the log, and what else the line says stays."""
    record = logging.LogRecord("liftgate", logging.INFO, "", 1, text + " end", (), None)
    for line in (LogLines().format(record), json.loads(JsonLines(Redactor()).format(record))["message"]):
        assert [secret for secret in secrets if secret in line] == [] and "***" in line


@pytest.mark.parametrize(
    "key",
    ["sk-team-a-key-01", "sk-My.own:secret!9", "sk-0123456789abcdefgh.i!j", "sk-a+b/c=d%2Fe~f", "sk-ask/regenerated"],
)
@pytest.mark.parametrize(
    "text", ["POST /key/{}/regenerate 404", "/v1/models/{}?x=1", '{{"model": "{}"}}', "no {}, here", "k={}&y", "a:{};b"]
)
def test_every_key_that_can_be_made_at_run_time_is_blotted_out(key: str, text: str) -> None:
    cleaned = Redactor().clean(text.format(key))
    assert cleaned == text.format("***")


def test_a_key_in_the_place_of_a_model_is_not_logged(tmp_path: Path) -> None:
    """It was given in the wrong place: it is as good as any other."""
    key = "sk-My.own:secret!9"
    master = {"Authorization": "Bearer sk-master"}
    body = json.dumps({"model": key, "messages": [{"role": "user", "content": "x"}]}).encode()
    for form in (True, False):
        config = write_config(tmp_path / "c.yaml", "http://127.0.0.1:9", access_log=True, json_logs=form)
        with gateway_processes(config, tmp_path / str(form)) as (gateway,):
            assert call(gateway.url, "POST", "/v1/chat/completions", body, master).status == 404
            assert call(gateway.url, "POST", f"/key/{key}/regenerate", b"{}", master).status == 404
            gateway.stop()
            log = gateway.log.read_text()
        assert log.count(" 404 ") + log.count('"status":404') == 2 and key not in log


@pytest.mark.parametrize(
    "text",
    [
        "audit: key_made key=key_abc by=master",
        "max_tokens=100, total token count=5",
        "a cookie, which ends; authorization is refused: it is over",
        "the key sk-...abcd of a risk-assessment; task-of-today; sk-learn 1.2",
        "no such page_token=abc; write to a@b.c: x@y; https://host/p@x:y",
        "file-abc123 is at https://generativelanguage.googleapis.com/v1beta/files/abc-123",
    ],
)
def test_what_only_speaks_of_secrets_is_left_as_it_is(text: str) -> None:
    record = logging.LogRecord("liftgate", logging.INFO, "", 1, text, (), None)
    assert LogLines().format(record).endswith(text)
