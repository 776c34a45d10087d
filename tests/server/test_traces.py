"""Traces, as a collector on a socket gets them: spans of sampled calls, under the caller's span where it has one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, gateway_server, sandbox_server, settings_for
from liftgate.settings import CountingSettings, RouterSettings
from raw_http import call
from running import eventually, form_request
from test_cost import NANOS, USAGE, ended
from test_meter import about_file, hello

ANN = {"Authorization": "Bearer sk-ann"}
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SERVER, CLIENT, INTERNAL = 2, 3, 1


class Collector:
    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.status = 200

    def spans(self) -> list[dict[str, Any]]:
        return [
            span
            for _, _, body in self.requests
            for resource in body["resourceSpans"]
            for scope in resource["scopeSpans"]
            for span in scope["spans"]
        ]


@contextmanager
def collecting() -> Iterator[tuple[Collector, str]]:
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            collector.requests.append((self.path, dict(self.headers), body))
            self.send_response(collector.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector, f"http://127.0.0.1:{server.server_address[1]}/v1/traces"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Rig:
    def __init__(self, url: str, sandbox: SandboxServer, collector: Collector) -> None:
        self.url, self.sandbox, self.collector = url, sandbox, collector

    def chat(self, traceparent: str = "", body: dict[str, Any] | None = None) -> int:
        headers = {**ANN, **({"traceparent": traceparent} if traceparent else {})}
        return call(self.url, "POST", "/v1/chat/completions", json.dumps(body or hello()).encode(), headers).status


@contextmanager
def rigged(tmp_path: Path, ratio: float) -> Iterator[Rig]:
    with collecting() as (collector, endpoint), sandbox_server() as sandbox:
        settings = settings_for(
            sandbox,
            tmp_path,
            router=RouterSettings(num_retries=1, allowed_fails=10**6),
            counting=CountingSettings(
                traces_endpoint=endpoint, traces_ratio=ratio, traces_headers=("Authorization=Basic abc", "x-a=b")
            ),
        )
        with gateway_server(settings) as url:
            yield Rig(url, sandbox, collector)


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for each in span["attributes"]:
        [(kind, value)] = each["value"].items()
        if kind == "intValue":
            value = int(value)
        if kind == "arrayValue":
            value = [next(iter(one.values())) for one in value["values"]]
        found[each["key"]] = value
    return found


def test_a_sampled_call_is_spans_under_its_callers(tmp_path: Path) -> None:
    with rigged(tmp_path, 0.0) as rig:
        rig.sandbox.control("scripts", {"status": 500, "body": {"error": {"code": 500}}})
        rig.sandbox.control("scripts", {"response": ended(USAGE, responseId="resp-7")})
        assert rig.chat(f"00-{TRACE}-{PARENT}-01") == 200
        assert eventually(lambda: len(rig.collector.spans()) >= 2)
        server, client = rig.collector.spans()
        [(path, headers, body)] = rig.collector.requests
    assert path == "/v1/traces" and (headers["Authorization"], headers["x-a"]) == ("Basic abc", "b")
    assert (server["traceId"], server["parentSpanId"], server["kind"]) == (TRACE, PARENT, SERVER)
    assert (client["traceId"], client["parentSpanId"], client["kind"]) == (TRACE, server["spanId"], CLIENT)
    assert (server["name"], client["name"]) == ("POST /v1/chat/completions", f"chat {MODEL}")
    moments = [
        int(span[f"{end}TimeUnixNano"])
        for span, end in ((server, "start"), (client, "start"), (client, "end"), (server, "end"))
    ]
    assert moments == sorted(moments) and moments[1] < moments[2]
    about = attributes(server)
    assert (about["http.request.method"], about["http.route"]) == ("POST", "/v1/chat/completions")
    assert (about["http.response.status_code"], about["liftgate.owner"]) == (200, "ann")
    said = attributes(client)
    assert (said["gen_ai.operation.name"], said["gen_ai.provider.name"]) == ("chat", "gcp.gemini")
    assert (said["gen_ai.request.model"], said["gen_ai.response.model"]) == (MODEL, MODEL)
    assert (said["gen_ai.response.id"], said["gen_ai.response.finish_reasons"]) == ("resp-7", ["STOP"])
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (112, 8)
    assert (said["gen_ai.usage.cache_read.input_tokens"], said["gen_ai.usage.reasoning.output_tokens"]) == (60, 3)
    assert said["operation.cost"] == NANOS / 1e9
    [failed] = client["events"]
    assert attributes(failed)["error.type"] == "UpstreamUnavailable"
    assert "status" not in server
    text = json.dumps(body)
    for content in ("hello there", "two", "sk-ann"):
        assert content not in text


def test_files_that_were_waited_for_are_a_span(tmp_path: Path) -> None:
    with rigged(tmp_path, 1.0) as rig:
        made = call(rig.url, *form_request({"purpose": "user_data"}, b"text", name="a.txt", headers=ANN)).json()
        assert rig.chat(body=about_file(made["id"])) == 200
        assert eventually(lambda: any(span["kind"] == CLIENT for span in rig.collector.spans()))
        spans = rig.collector.spans()
    chat = next(span for span in spans if span["name"] == "POST /v1/chat/completions")
    waited = next(span for span in spans if span["kind"] == INTERNAL)
    client = next(span for span in spans if span["kind"] == CLIENT)
    assert waited["parentSpanId"] == client["parentSpanId"] == chat["spanId"] and "parentSpanId" not in chat
    assert len({span["traceId"] for span in (chat, waited, client)}) == 1
    assert attributes(waited)["liftgate.file.ids"] == [made["id"]]
    assert int(waited["endTimeUnixNano"]) <= int(client["startTimeUnixNano"])


def test_a_failure_is_the_spans_status(tmp_path: Path) -> None:
    with rigged(tmp_path, 1.0) as rig:
        rig.sandbox.control("scripts", {"status": 500, "body": {"error": {"code": 500}}, "times": None})
        assert rig.chat() >= 500
        assert eventually(lambda: len(rig.collector.spans()) >= 2)
        server, client = rig.collector.spans()
    assert server["status"]["code"] == client["status"]["code"] == 2
    assert attributes(client)["error.type"] == server["status"]["message"]


@pytest.mark.parametrize(
    ("ratio", "traceparent", "spans"),
    [
        (1.0, f"00-{TRACE}-{PARENT}-00", 0),
        (0.0, "", 0),
        (1.0, "", 2),
        (1.0, "nonsense", 2),
        (0.0, f"00-{TRACE}-{PARENT}-03", 2),
    ],
)
def test_the_callers_decision_goes_before_the_ratio(ratio: float, traceparent: str, spans: int, tmp_path: Path) -> None:
    with rigged(tmp_path, ratio) as rig:
        assert rig.chat(traceparent) == 200
        # The gateway sends what it has before it ends.
    assert len(rig.collector.spans()) == spans


def test_a_collector_that_is_away_or_refuses_costs_its_spans_only(tmp_path: Path) -> None:
    with rigged(tmp_path, 1.0) as rig:
        rig.collector.status = 503
        assert rig.chat() == 200
        assert eventually(lambda: len(rig.collector.requests) == 1)
        rig.collector.status = 200
        assert rig.chat() == 200
        assert eventually(lambda: len(rig.collector.requests) == 2)
    with sandbox_server() as sandbox:
        counting = CountingSettings(traces_endpoint="http://127.0.0.1:9/v1/traces", traces_ratio=1.0)
        with gateway_server(settings_for(sandbox, tmp_path / "away", counting=counting)) as url:
            for _ in range(3):
                assert call(url, "POST", "/v1/chat/completions", json.dumps(hello()).encode(), ANN).status == 200
