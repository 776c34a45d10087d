"""Traces, as a collector on a socket gets them: spans of sampled calls, under the caller's span where it has one."""

from __future__ import annotations

import json
import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, gateway_server, sandbox_server, settings_for
from liftgate.clock import SystemClock
from liftgate.engine.traces import open_traces
from liftgate.errors import ConfigError
from liftgate.settings import CountingSettings, RouterSettings
from moved_clock import BriskClock
from processes import gateway_processes, write_config
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
        self.answer = b"{}"
        self.answers = threading.Event()
        self.answers.set()

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
            collector.answers.wait(20)
            self.send_response(collector.status)
            self.send_header("Content-Length", str(len(collector.answer)))
            self.end_headers()
            self.wfile.write(collector.answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
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
def rigged(tmp_path: Path, ratio: float, traces_names: str = "gen_ai") -> Iterator[Rig]:
    with collecting() as (collector, endpoint), sandbox_server() as sandbox:
        settings = settings_for(
            sandbox,
            tmp_path,
            router=RouterSettings(num_retries=1, allowed_fails=10**6),
            counting=CountingSettings(
                traces_endpoint=endpoint,
                traces_ratio=ratio,
                traces_names=traces_names,
                traces_headers=("Authorization=Basic abc", "x-a=b"),
            ),
        )
        with gateway_server(settings, clock=BriskClock()) as url:
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
        assert eventually(lambda: len(rig.collector.spans()) >= 3)
        server, failed, client = rig.collector.spans()
        [(path, headers, body)] = rig.collector.requests
    assert path == "/v1/traces" and (headers["Authorization"], headers["x-a"]) == ("Basic abc", "b")
    assert (server["traceId"], server["parentSpanId"], server["kind"]) == (TRACE, PARENT, SERVER)
    assert (client["traceId"], client["parentSpanId"], client["kind"]) == (TRACE, server["spanId"], CLIENT)
    assert (server["name"], client["name"]) == ("POST /v1/chat/completions", f"chat {MODEL}")
    moments = [
        int(span[f"{end}TimeUnixNano"])
        for span, end in (
            (server, "start"),
            (failed, "start"),
            (failed, "end"),
            (client, "start"),
            (client, "end"),
            (server, "end"),
        )
    ]
    assert moments == sorted(moments) and moments[1] < moments[2] < moments[4]
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
    assert (failed["name"], failed["kind"], failed["parentSpanId"]) == (client["name"], CLIENT, server["spanId"])
    assert attributes(failed)["error.type"] == failed["status"]["message"] == "UpstreamUnavailable"
    assert "gen_ai.usage.input_tokens" not in attributes(failed)
    assert [attributes(span)["liftgate.attempt"] for span in (failed, client)] == [1, 2]
    assert said["server.address"] == "127.0.0.1" and said["server.port"] == int(rig.sandbox.url.rpartition(":")[2])
    assert "status" not in server and "status" not in client
    text = json.dumps(body)
    for content in ("hello there", "two", "sk-ann"):
        assert content not in text


def test_spans_metrics_and_log_lines_name_an_operation_alike(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    contents = {"contents": [{"parts": [{"text": "Hi"}]}]}
    native = f"/v1beta/models/{MODEL}"
    asked = {
        "/v1/chat/completions": ("chat", hello()),
        f"{native}:generateContent": ("generate_content", contents),
        f"{native}:streamGenerateContent": ("generate_content", contents),
        f"{native}:countTokens": ("count_tokens", contents),
        "/v1/chat/completions/input_tokens": ("count_tokens", hello()),
        f"{native}:embedContent": ("embeddings", {"content": contents["contents"][0]}),
        f"{native}:batchEmbedContents": (
            "embeddings",
            {"requests": [{"model": f"models/{MODEL}", "content": contents["contents"][0]}]},
        ),
    }
    with collecting() as (collector, endpoint), sandbox_server() as sandbox:
        ours = {
            "traces_endpoint": endpoint,
            "traces_ratio": 1.0,
            "metrics": True,
            "json_logs": True,
            "access_log": True,
        }
        config = write_config(tmp_path / "c.yaml", sandbox.url, model=MODEL, **ours)  # type: ignore[arg-type]
        with gateway_processes(config, tmp_path / "data") as [gateway]:
            for path, (_, body) in asked.items():
                call(gateway.url, "POST", path, json.dumps(body).encode(), {**ANN, "Content-Type": "application/json"})
            counted = r'gen_ai_client_operation_duration_seconds_count\{.*gen_ai_operation_name="(\w+)"'
            metrics = call(gateway.url, "GET", "/metrics", b"", {"Authorization": "Bearer sk-master"}).body.decode()
            assert eventually(lambda: len([each for each in collector.spans() if each["kind"] == SERVER]) >= len(asked))
            gateway.stop()
        spans = [attributes(each) for each in collector.spans() if each["kind"] == CLIENT]
        lines = [json.loads(line) for line in gateway.log.read_text().splitlines() if line.startswith("{")]
    names = {name for name, _ in asked.values()}
    assert {each["gen_ai.operation.name"] for each in spans} == names
    assert set(re.findall(counted, metrics)) == names
    logged = sorted(line["operation"] for line in lines if line.get("operation"))
    assert logged == sorted(name for name, _ in asked.values())


def test_names_are_openinferences_too_where_that_is_asked_for(tmp_path: Path) -> None:
    with rigged(tmp_path, 1.0, traces_names="openinference") as rig:
        rig.sandbox.control("scripts", {"response": ended(USAGE, responseId="resp-7")})
        assert rig.chat() == 200
    server, client = rig.collector.spans()
    assert attributes(server)["openinference.span.kind"] == "CHAIN"
    said = attributes(client)
    assert (said["openinference.span.kind"], said["llm.provider"], said["llm.model_name"]) == ("LLM", "google", MODEL)
    assert [said[f"llm.token_count.{name}"] for name in ("prompt", "completion", "total")] == [112, 8, 120]
    assert said["llm.token_count.prompt_details.cache_read"] == 60
    assert said["llm.token_count.completion_details.reasoning"] == 3
    assert said["gen_ai.usage.input_tokens"] == 112


def test_names_that_are_none_are_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="traces_names: expected gen_ai or openinference"):
        open_traces(CountingSettings(traces_endpoint="http://c/v1/traces", traces_names="otel"), SystemClock())


def test_files_that_were_waited_for_are_a_span(tmp_path: Path) -> None:
    with rigged(tmp_path, 1.0) as rig:
        made = call(rig.url, *form_request({"purpose": "user_data"}, b"text", name="a.txt", headers=ANN)).json()
        assert rig.chat(body=about_file(made["id"])) == 200
        assert eventually(lambda: any(span["name"].startswith("chat ") for span in rig.collector.spans()))
        spans = rig.collector.spans()
    chat = next(span for span in spans if span["name"] == "POST /v1/chat/completions")
    waited = next(span for span in spans if span["name"] == "liftgate.files")
    client = next(span for span in spans if span["name"].startswith("chat "))
    assert waited["parentSpanId"] == client["parentSpanId"] == chat["spanId"] and "parentSpanId" not in chat
    assert len({span["traceId"] for span in (chat, waited, client)}) == 1
    assert attributes(waited)["liftgate.file.ids"] == [made["id"]]
    assert int(waited["endTimeUnixNano"]) <= int(client["startTimeUnixNano"])
    page_in = next(span for span in spans if span["name"] == "liftgate.page_in")
    chunk = next(span for span in spans if span["name"] == "liftgate.page_in.chunk")
    assert (page_in["kind"], page_in["parentSpanId"]) == (INTERNAL, chat["spanId"])
    assert (chunk["kind"], chunk["parentSpanId"]) == (CLIENT, page_in["spanId"])
    carried = attributes(page_in)
    assert (carried["liftgate.file.id"], carried["liftgate.file.bytes"]) == (made["id"], 4)
    assert (carried["liftgate.account"], carried["liftgate.reason"]) == ("account-key-a", "chat")
    assert (attributes(chunk)["liftgate.offset"], attributes(chunk)["liftgate.bytes"]) == (0, 4)


def test_what_is_refused_before_google_is_asked_has_no_span_of_google(tmp_path: Path) -> None:
    with rigged(tmp_path, 1.0) as rig:
        assert rig.chat(body={**hello(), "max_tokens": -1}) == 400
        assert rig.chat() == 200
        assert eventually(lambda: len(rig.collector.spans()) >= 3)
        refused, server, client = rig.collector.spans()
    assert (refused["name"], attributes(refused)["http.response.status_code"]) == ("POST /v1/chat/completions", 400)
    assert client["parentSpanId"] == server["spanId"] != refused["spanId"]


def test_a_failure_is_the_spans_status(tmp_path: Path) -> None:
    with rigged(tmp_path, 1.0) as rig:
        rig.sandbox.control("scripts", {"status": 500, "body": {"error": {"code": 500}}, "times": None})
        assert rig.chat() >= 500
        assert eventually(lambda: len(rig.collector.spans()) >= 3)
        server, first, client = rig.collector.spans()
    assert server["status"]["code"] == first["status"]["code"] == client["status"]["code"] == 2
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


def test_what_a_collector_could_not_take_is_sent_again(tmp_path: Path) -> None:
    with rigged(tmp_path, 1.0) as rig:
        rig.collector.status = 503
        assert rig.chat() == 200
        assert eventually(lambda: len(rig.collector.requests) == 1)
        refused = {span["spanId"] for span in rig.collector.spans()}
        rig.collector.requests.clear()
        rig.collector.status = 200
        assert rig.chat() == 200
    sent = [span["spanId"] for span in rig.collector.spans()]
    assert refused < set(sent) and len(sent) == len(set(sent)) == 4


@pytest.mark.parametrize("status", [400, 413, 302])
def test_what_a_collector_will_never_take_is_not_sent_again(
    status: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with rigged(tmp_path, 1.0) as rig:
        rig.collector.status = status
        assert rig.chat() == 200
        assert eventually(lambda: len(rig.collector.requests) == 1)
    assert len(rig.collector.requests) == 1
    assert f"the collector refused 2 spans: {status}" in caplog.text


def test_what_is_on_its_way_when_the_gateway_ends_is_sent_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with rigged(tmp_path, 1.0) as rig:
        rig.collector.answers.clear()
        rig.collector.status = 400
        assert rig.chat() == 200
        assert eventually(lambda: len(rig.collector.requests) == 1)
        # Whenever it answers, before the jobs are stopped or after.
        threading.Timer(0.3, rig.collector.answers.set).start()
    assert len(rig.collector.requests) == 1 and "the collector refused 2 spans: 400" in caplog.text


def test_what_a_collector_took_in_part_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with rigged(tmp_path, 1.0) as rig:
        rig.collector.answer = b'{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too\\nold"}}'
        assert rig.chat() == 200
    assert "refused 1 of 2 spans: 'too\\nold'" in caplog.text and len(rig.collector.requests) == 1


def test_a_collector_that_is_away_costs_its_spans_only(tmp_path: Path) -> None:
    with sandbox_server() as sandbox:
        counting = CountingSettings(traces_endpoint="http://127.0.0.1:9/v1/traces", traces_ratio=1.0)
        with gateway_server(settings_for(sandbox, tmp_path / "away", counting=counting)) as url:
            for _ in range(3):
                assert call(url, "POST", "/v1/chat/completions", json.dumps(hello()).encode(), ANN).status == 200


def test_a_request_that_waits_for_anothers_page_in_links_to_it(tmp_path: Path) -> None:
    """In one process."""
    with rigged(tmp_path, 1.0) as rig:
        slow = rig.sandbox.control("faults", {"kind": "slow", "operation": "upload.finalize", "seconds": 1.0})
        made = call(rig.url, *form_request({"purpose": "user_data"}, b"text", name="a.txt", headers=ANN)).json()
        first = threading.Thread(target=rig.chat, kwargs={"body": about_file(made["id"])})
        first.start()
        assert eventually(lambda: hits(rig.sandbox, slow["id"]) == 1)
        assert rig.chat(body=about_file(made["id"])) == 200
        first.join()
        assert eventually(lambda: sum(span["name"] == "liftgate.page_in.wait" for span in rig.collector.spans()) == 1)
        spans = rig.collector.spans()
    [page_in] = [span for span in spans if span["name"] == "liftgate.page_in"]
    [waited] = [span for span in spans if span["name"] == "liftgate.page_in.wait"]
    assert waited["links"] == [{"traceId": page_in["traceId"], "spanId": page_in["spanId"]}]
    assert waited["traceId"] != page_in["traceId"]


def hits(sandbox: SandboxServer, fault: int) -> int:
    found: int = next(each["hits"] for each in sandbox.control("faults")["faults"] if each["id"] == fault)
    return found


def test_a_page_in_that_another_process_carries_is_linked(tmp_path: Path) -> None:
    with collecting() as (collector, endpoint), sandbox_server() as sandbox:
        config = write_config(
            tmp_path / "c.yaml", sandbox.url, traces_endpoint=endpoint, traces_ratio=1.0, lease_poll_seconds=0.1
        )
        with gateway_processes(config, tmp_path / "data", 2) as gateways:
            one, two = (Rig(gateway.url, sandbox, collector) for gateway in gateways)
            slow = sandbox.control("faults", {"kind": "slow", "operation": "upload.finalize", "seconds": 1.5})
            made = call(one.url, *form_request({"purpose": "user_data"}, b"text", name="a.txt", headers=ANN)).json()
            first = threading.Thread(target=one.chat, kwargs={"body": about_file(made["id"])})
            first.start()
            assert eventually(lambda: hits(sandbox, slow["id"]) == 1)
            assert two.chat(body=about_file(made["id"])) == 200
            first.join()

            def page_ins() -> list[dict[str, Any]]:
                return [span for span in collector.spans() if span["name"] == "liftgate.page_in"]

            assert eventually(lambda: len(page_ins()) == 2)
    [carried] = [span for span in page_ins() if "links" not in span]
    [waited] = [span for span in page_ins() if "links" in span]
    assert waited["links"] == [{"traceId": carried["traceId"], "spanId": carried["spanId"]}]
    children = [span["parentSpanId"] for span in collector.spans() if span["name"] == "liftgate.page_in.chunk"]
    assert children == [carried["spanId"]], "the bytes went once"


def test_a_lost_file_makes_two_spans_of_one_try(tmp_path: Path) -> None:
    with rigged(tmp_path, 1.0) as rig:
        made = call(rig.url, *form_request({"purpose": "user_data"}, b"text", name="a.txt", headers=ANN)).json()
        assert rig.chat(body=about_file(made["id"])) == 200
        rig.sandbox.control("files", method="DELETE")
        rig.collector.requests.clear()
        assert rig.chat(body=about_file(made["id"])) == 200
    chats = [span for span in rig.collector.spans() if span["name"].startswith("chat ")][-2:]
    assert [attributes(span).get("error.type") for span in chats] == ["_OTHER", None]
    [again] = [span for span in rig.collector.spans() if span["name"] == "liftgate.page_in"][-1:]
    assert attributes(again)["liftgate.reason"] == "repair"


def test_the_callers_state_goes_with_the_spans_and_nothing_of_a_trace_to_google(tmp_path: Path) -> None:
    heard: list[dict[str, str]] = []

    class Google(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            heard.append({name.lower(): value for name, value in self.headers.items()})
            body = json.dumps(ended(USAGE)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Google)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        with collecting() as (collector, endpoint):
            google = SandboxServer(f"http://127.0.0.1:{server.server_address[1]}")
            counting = CountingSettings(traces_endpoint=endpoint)
            with gateway_server(settings_for(google, tmp_path, counting=counting)) as url:
                for state in ("vendor=a,other=b", "x" * 600):
                    headers = {**ANN, "traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": state}
                    body = json.dumps(hello()).encode()
                    assert call(url, "POST", "/v1/chat/completions", body, headers).status == 200
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert [span.get("traceState") for span in collector.spans()] == ["vendor=a,other=b"] * 2 + [None] * 2
    assert len(heard) == 2 and not any({"traceparent", "tracestate", "baggage"} & each.keys() for each in heard)


def test_what_is_sent_is_otlp_by_opentelemetrys_own_types(tmp_path: Path) -> None:
    """The published protobuf types refuse unknown fields, wrong types and enums; OTLP's JSON has ids in hex."""
    otlp: Any = import_module("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    proto: Any = import_module("opentelemetry.proto.trace.v1.trace_pb2")
    json_format: Any = import_module("google.protobuf.json_format")
    with rigged(tmp_path, 1.0) as rig:
        made = call(rig.url, *form_request({"purpose": "user_data"}, b"text", name="a.txt", headers=ANN)).json()
        rig.sandbox.control("scripts", {"status": 500, "body": {"error": {"code": 500}}})
        threads = [threading.Thread(target=rig.chat, kwargs={"body": about_file(made["id"])}) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert rig.chat(f"00-{TRACE}-{PARENT}-01") == 200

    def with_bytes(value: Any) -> Any:
        if isinstance(value, list):
            return [with_bytes(each) for each in value]
        if not isinstance(value, dict):
            return value
        ids = {"traceId", "spanId", "parentSpanId"}
        return {
            name: b64encode(bytes.fromhex(each)).decode() if name in ids else with_bytes(each)
            for name, each in value.items()
        }

    spans = []
    for _, headers, body in rig.collector.requests:
        assert headers["Content-Type"] == "application/json"
        read = json_format.ParseDict(with_bytes(body), otlp.ExportTraceServiceRequest())
        [resource] = read.resource_spans
        assert {each.key for each in resource.resource.attributes} >= {"service.name", "service.version"}
        spans += resource.scope_spans[0].spans
    kinds = {proto.Span.SPAN_KIND_SERVER, proto.Span.SPAN_KIND_CLIENT, proto.Span.SPAN_KIND_INTERNAL}
    assert {span.kind for span in spans} == kinds and len({span.span_id for span in spans}) == len(spans) > 10
    by_id = {span.span_id: span for span in spans}
    for span in spans:
        assert len(span.trace_id) == 16 and len(span.span_id) == 8 and span.name
        assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
        assert len({each.key for each in span.attributes}) == len(span.attributes)
        if span.kind != proto.Span.SPAN_KIND_SERVER:
            assert by_id[span.parent_span_id].trace_id == span.trace_id
    statuses = {span.status.code for span in spans}
    assert statuses == {proto.Status.STATUS_CODE_UNSET, proto.Status.STATUS_CODE_ERROR}
