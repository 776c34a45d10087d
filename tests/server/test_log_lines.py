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
from liftgate.cli.serve.log_lines import LogLines, escaped
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
