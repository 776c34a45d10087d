"""The log as JSON: a line for each call with what is known of it, and no secret in any line."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import pytest

from gateways import MODEL, sandbox_server
from liftgate.engine.access_lines import Form
from liftgate.engine.access_log import SOON, JsonAccessLog, JsonLineHandler
from liftgate.engine.call_record import CallRecord
from liftgate.engine.meter import Kinds
from liftgate.engine.pricing import Paid
from liftgate.prices import TextCounts, TokenCounts
from liftgate.redaction import Redactor
from liftgate.server.metering import trace_of
from processes import gateway_processes, write_config
from raw_http import call
from running import eventually, form_request
from test_cost import NANOS, USAGE, ended
from test_meter import about_file, hello

ANN = {"Authorization": "Bearer sk-ann"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_each_call_is_one_line_with_what_is_known_of_it(tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "c.yaml", sandbox.url, access_log=True, json_logs=True, debug=True)
        with gateway_processes(config, tmp_path / "data") as [gateway]:
            sandbox.control("scripts", {"response": ended(USAGE, responseId="resp-7")})
            traced = {**ANN, "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
            body = json.dumps({**hello(), "user": "someone\n\u2028\x85\u202e"}).encode()
            first = call(gateway.url, "POST", "/v1/chat/completions", body, traced)
            made = call(
                gateway.url, *form_request({"purpose": "user_data"}, b"text", name="secret-name.txt", headers=ANN)
            )
            file_id = made.json()["id"]
            asked = json.dumps(about_file(file_id)).encode()
            second = call(gateway.url, "POST", "/v1/chat/completions?key=sk-ann", asked, ANN)
            refused = call(gateway.url, "GET", "/v1/files", b"", {"Authorization": "Bearer sk-wrong-0123456789abcdef"})
            assert (first.status, second.status, refused.status) == (200, 200, 401)
            ids = [answer.headers["x-request-id"] for answer in (first, made, second, refused)]

            def lines() -> list[dict[str, Any]]:
                text = gateway.log.read_text()
                return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

            def access() -> dict[str, dict[str, Any]]:
                return {line["request_id"]: line for line in lines() if line["event"] == "access"}

            assert eventually(lambda: set(ids) <= set(access()))
            found = access()
            gateway.stop()
        log = gateway.log.read_text()
    chat = found[ids[0]]
    assert {"ts", "level", "worker", "total", "own", "upstream", "upstream_first"} <= set(chat)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", chat["ts"])
    assert (chat["method"], chat["route"], chat["status"], chat["outcome"]) == (
        "POST",
        "/v1/chat/completions",
        200,
        "ok",
    )
    assert (chat["key"], chat["owner"], chat["user"], chat["trace_id"]) == (
        "ann",
        "ann",
        "someone\n\u2028\x85\u202e",
        TRACE,
    )
    assert (chat["model"], chat["upstream_model"], chat["attempts"], chat["fallback"]) == (MODEL, MODEL, 1, False)
    assert (chat["stream"], chat["finish"], chat["upstream_id"]) == (False, "STOP", "resp-7")
    assert (chat["in"], chat["cached"], chat["out"], chat["reasoning"]) == (112, 60, 5, 3)
    assert (chat["by_modality"], chat["cost_usd"]) == ({"TEXT": 12, "AUDIO": 100}, NANOS / 1e9)
    assert chat["bytes_in"] == len(body)
    about = found[ids[2]]
    assert (about["files"], about["replica"], about["paged_in_bytes"]) == ([file_id], "paged_in", 4)
    assert "trace_id" not in about
    denied = found[ids[3]]
    assert (denied["status"], denied["error"], denied["level"]) == (401, "AuthenticationFailed", "warning")
    assert "model" not in denied and "in" not in denied
    assert sum(line["event"] == "log" and line.get("request_id") == ids[2] for line in lines()) >= 1
    written = [line for line in log.splitlines() if line.startswith("{")]
    assert all(line.isprintable() and line.isascii() for line in written)
    for secret in ("sk-ann", "sk-master", "sk-wrong-0123456789abcdef", "secret-name", '"key-a"'):
        assert not any(secret in line for line in written), secret


def whole_call(**other: object) -> CallRecord:
    """An answer of a model as most are, but for `other`."""
    known: dict[str, object] = {
        "request_id": "req_a",
        "began_at": 1_795_824_000.25,
        "key": "ann",
        "owner": "team",
        "dialect": "openai",
        "method": "POST",
        "route": "/v1/chat/completions",
        "operation": "chat",
        "model": "flash",
        "deployment": "d",
        "public_model": "flash",
        "upstream_model": "g",
        "account": "a",
        "tries": 1,
        "bytes_in": 7,
        "bytes_out": 8,
        "usage": USAGE,
        "response_id": "resp-7",
        "finish": "STOP",
        "cost": 1234,
        "tokens": TokenCounts({"TEXT": 3}, {}, {"TEXT": 4}, 5),
        "status": 200,
        "first_event": 0.001239,
        "upstream": 0.25,
        "total": 0.5,
        "files": 0.125,
        "started": 1.0,
    }
    return CallRecord(**{**known, **other})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        *(
            {name: 'x%s\u2028"\\%'}
            for name, of in CallRecord.__annotations__.items()
            if of in ("str", "Owner") and name != "request_id"
        ),
        *({name: 17} for name, of in CallRecord.__annotations__.items() if of == "int"),
        *({name: 3.14159} for name, of in CallRecord.__annotations__.items() if of == "float"),
        *({name: {"file-b", "file-a"}} for name in ("copies_hit", "paged_in")),
        *({"outcome": outcome} for outcome in ("refused", "failed", "left")),
        {"tokens": TokenCounts()},
        *({"tokens": TextCounts(*tokens)} for tokens in ((3, 4, 5), (0, 0, 0))),
        {"tokens": TextCounts(3, 4, 0), "cost": None, "user": "x%s\u2028", "response_id": 'y"%\\ä'},
        {"tokens": TokenCounts({"TEXT": 9, "ÄÖ%": 1}, {"TEXT": 2}, {}, 0)},
        *({"usage": usage} for usage in (None, {"promptTokenCount": 1})),
        *({"cost": cost} for cost in (None, 0, 5, 10**15)),
        {"failures": [("e", "UpstreamUnavailable")]},
        {"earlier": [Paid("d", "g", USAGE)]},
        {"usage": None, "reckoned": USAGE},
        {"reckoned": USAGE},
        {"streamed": True},
        {"finish": 1},
    ],
    ids=" ".join,  # the same in every worker of pytest, which a set is not
)
@pytest.mark.parametrize(
    "form", [Form(), Form(client_ip=True, user_secret="s" * 16, otel=True)], ids=["as it is", "in another form"]
)
def test_a_line_says_what_its_own_call_was_whatever_came_before(
    form: Form, other: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    kinds = Kinds([JsonAccessLog(form)])
    calls = [whole_call(), whole_call(**other), whole_call(), whole_call(**{**other, "bytes_in": 9})]
    for some in (*([each] for each in calls), calls):
        caplog.clear()
        with caplog.at_level("INFO", "liftgate.access"):
            kinds.notify(some)
        lines = [record.getMessage() for record in caplog.records]
        assert all(line.isascii() and "\n" not in line for line in lines)
        # Those of one kind stand together.
        said = sorted(json.dumps(json.loads(line), sort_keys=True) for line in lines)
        assert said == sorted(json.dumps(form.fields(each), sort_keys=True) for each in some)


@pytest.mark.parametrize("name", ["model", "user", "response_id", "finish", "key", "public_model"])
@pytest.mark.parametrize("usage", [USAGE, None], ids=["whole", "without usage"])
def test_no_line_holds_a_secret_wherever_a_caller_or_google_says_one(name: str, usage: object) -> None:
    written: list[str] = []
    handler = JsonLineHandler(written.append, Redactor(["known-secret"]).clean)
    log = logging.getLogger("liftgate.access")
    log.addHandler(handler)
    log.setLevel("INFO")
    try:
        for secret in ("known-secret", "sk-0123456789abcdefXYZ", "AIza" + "Sy0123456789abcdefghijklmnopqrstuvw"):
            for _ in range(2):
                JsonAccessLog().ended(whole_call(**{name: f"a {secret} b", "usage": usage}))
    finally:
        log.removeHandler(handler)
        log.setLevel("NOTSET")
    lines = "\n".join(written).splitlines()
    assert len(lines) == 6 and all(("a *** b" in line) == (name != "public_model") for line in lines)
    assert not any(secret in line for line in lines for secret in ("known-secret", "sk-0", "AIza"))


LAST_LINE = """
import asyncio, logging
from liftgate.cli.main import end_at_once
from liftgate.engine.access_log import JsonLineHandler

handler = JsonLineHandler(lambda line: print(line, flush=True), str)

async def main():
    handler.take(["the last call"])

asyncio.run(main())
end_at_once(SystemExit(3))
"""


def test_a_line_that_waits_when_the_process_ends_is_written() -> None:
    done = subprocess.run([sys.executable, "-c", LAST_LINE], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (3, b"the last call\n", b"")


def test_lines_of_a_moment_are_written_together_and_as_many_as_a_pipe_takes_whole() -> None:
    written: list[str] = []
    handler = JsonLineHandler(written.append, str)
    lines = [f"{number:03} " + "x" * (number % 3 * 700) for number in range(40)]

    async def main() -> None:
        for line in lines:
            handler.take([line])
        assert len(written) < len(lines) / 2
        handler.take(["y" * 9000])
        # The same timer, set later: it comes after the handler's.
        due = asyncio.Event()
        asyncio.get_running_loop().call_later(SOON, due.set)
        await due.wait()
        assert "\n".join(written).split("\n") == [*lines, "y" * 9000]
        handler.take(["the last one, which the end of the loop leaves"])

    asyncio.run(main())
    handler.take(["and one without a loop"])
    assert "\n".join(written).split("\n") == [
        *lines,
        "y" * 9000,
        "the last one, which the end of the loop leaves",
        "and one without a loop",
    ]
    assert all(len(text.encode()) < 4096 or text == "y" * 9000 for text in written)


@pytest.mark.parametrize("version", ["01", "cc"])
def test_a_later_version_of_a_traceparent_may_have_more_fields(version: str) -> None:
    for more in ("", "-", "-what-comes-then"):
        found = trace_of(f"{version}-{TRACE}-00f067aa0ba902b7-01{more}".encode())
        assert found == (TRACE, "00f067aa0ba902b7", True)


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "00-0-0-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f" ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{TRACE}-00f067aa0ba902b7-01-more",
        f"00-{TRACE}-00f067aa0ba902b7-01-",
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
        f"00-{TRACE}-00f067aa0ba902b7-1",
        f"00-{TRACE}-00f067aa0ba902b7-01, 00-{TRACE}-00f067aa0ba902b7-01",
        f"01-{TRACE}-00f067aa0ba902b7-01.more",
        "x" * 200,
    ],
)
def test_a_traceparent_that_is_none_names_no_trace(traceparent: str) -> None:
    assert trace_of(traceparent.encode()) == ("", "", False)


@pytest.mark.parametrize(
    "secret",
    ["AIza" + "Sy0123456789abcdefghijklmnopqrstuvw", "sk-0123456789abcdefXYZ", "known-secret", "Bearer abc.def-0123"],
)
def test_what_is_or_looks_like_a_secret_is_hidden_wherever_it_stands(secret: str) -> None:
    redactor = Redactor(["known-secret", "tiny", "sk-short", "my-AIza"])
    for text in (secret, f"x {secret} y", json.dumps({"a": [secret]}), f"/v1/files?key={secret}&b=1"):
        cleaned = redactor.clean(text)
        assert secret not in cleaned and "***" in cleaned
    assert redactor.clean("the keys sk-short and my-AIza, not sk-other") == "the keys *** and ***, not sk-other"
    assert redactor.clean("a tiny task of the risk-free kind") == "a tiny task of the risk-free kind"


def test_what_looks_like_a_capability_is_hidden_in_messages_and_our_own_ids_are_not() -> None:
    redactor = Redactor([])
    for capability in (token_urlsafe(64) + "aB0", "sk-" + token_urlsafe(32) + "aB0", f"a-sk-B0{'c' * 40}"):
        assert redactor.clean_message(f"Unsupported file URI: {capability}.") == "Unsupported file URI: ***."
    digest, path = "a1" * 32, "/data/Of/A-rather-long/path-with-Capitals/and-4-digits/in-each-of-its/Words-1"
    for ours in (f"file-{'a1' * 12}", digest, f"blob-{'z9' * 30}", path):
        assert redactor.clean_message(f"{ours} is there") == f"{ours} is there"
