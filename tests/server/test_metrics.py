"""`/metrics`, read by Prometheus' own parsers: the numbers are those of the calls that were made, whatever process made
them and however it ended.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from gateways import MODEL, SandboxServer, gateway_server, sandbox_server, settings_for
from liftgate.engine.meter import CallRecord, Kinds
from liftgate.metrics.calls import MOST_FREE_MODELS, MOST_KEYS, CallCounts
from liftgate.metrics.cells import Labels, Reader, Slot
from liftgate.metrics.families import FAMILIES, OF_CATALOGUE, TOKENS_TOTAL
from liftgate.metrics.listener import PATIENCE, listen
from liftgate.metrics.text import MOST_SERIES, written
from liftgate.prices import TextCounts, TokenCounts
from liftgate.settings import CountingSettings, RouterSettings
from processes import gateway_processes, write_config
from raw_http import call, connect, head, read_answer
from running import eventually, form_request
from test_last_answers import small_client
from test_meter import about_file, hello, reply

ANN, BOB, MASTER = ({"Authorization": f"Bearer sk-{name}"} for name in ("ann", "bob", "master"))
USAGE = {
    "promptTokenCount": 112,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 12}, {"modality": "AUDIO", "tokenCount": 100}],
    "cachedContentTokenCount": 60,
    "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 60}],
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 3,
}
NANOS = 12 * 300 + 40 * 1000 + 60 * 100 + 8 * 2500
LABELS = {label for family in FAMILIES.values() for label in family.labels}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str, parse: Callable[[str], Any] = prometheus) -> Samples:
    found: Samples = {}
    for family in parse(text):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return found


def of(found: Samples, name: str, **labels: str) -> float:
    """The sum of the series that have these labels."""
    return sum(
        value for (each, given), value in found.items() if each == name and labels.items() <= dict(given).items()
    )


def scrape(url: str, who: dict[str, str] = MASTER, **headers: str) -> Samples:
    answer = call(url, "GET", "/metrics", b"", {**who, **headers})
    assert answer.status == 200, answer.body
    return samples(answer.body.decode())


def chat(url: str, who: dict[str, str] = ANN, **more: Any) -> int:
    return call(url, "POST", "/v1/chat/completions", json.dumps({**hello(), **more}).encode(), who).status


class Rig:
    def __init__(self, url: str, sandbox: SandboxServer) -> None:
        self.url = url
        self.sandbox = sandbox

    def answers(self, **script: Any) -> None:
        self.sandbox.control("scripts", script)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with sandbox_server() as sandbox:
        settings = settings_for(
            sandbox,
            tmp_path,
            router=RouterSettings(num_retries=1, allowed_fails=10**6),
            counting=CountingSettings(spend=True, metrics=True),
        )
        with gateway_server(settings) as url:
            yield Rig(url, sandbox)


def test_calls_are_counted_as_what_they_were(rig: Rig) -> None:
    rig.answers(response={**reply("two", finish="STOP"), "usageMetadata": USAGE})
    assert chat(rig.url) == 200
    rig.answers(status=500, body={"error": {"code": 500, "message": "no", "status": "INTERNAL"}})
    rig.answers(response={**reply("two", finish="STOP"), "usageMetadata": USAGE})
    assert chat(rig.url) == 200
    rig.answers(status=400, body={"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}})
    assert chat(rig.url, BOB) == 400
    assert chat(rig.url, {"Authorization": "Bearer sk-wrong"}) == 401
    assert eventually(
        lambda: (
            of(scrape(rig.url), "http_server_request_duration_seconds_count", http_route="/v1/chat/completions") == 4
        )
    )
    found = scrape(rig.url)
    route = {"http_route": "/v1/chat/completions", "http_request_method": "POST"}
    for status, count in (("200", 2), ("400", 1), ("401", 1)):
        assert (
            of(found, "http_server_request_duration_seconds_count", http_response_status_code=status, **route) == count
        )
    asked = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "gcp.gemini", "gen_ai_request_model": MODEL}
    assert of(found, "gen_ai_client_operation_duration_seconds_count", **asked) == 3
    assert of(found, "gen_ai_client_operation_duration_seconds_count", error_type="", **asked) == 2
    assert of(found, "gen_ai_client_token_usage_sum", gen_ai_token_type="input", **asked) == 224
    assert of(found, "gen_ai_client_token_usage_sum", gen_ai_token_type="output", **asked) == 16
    tokens = {("input", "text", ""): 24, ("input", "audio", ""): 80, ("input", "audio", "read"): 120}
    tokens |= {("output", "text", ""): 10, ("reasoning", "text", ""): 6}
    for (kind, modality, cache), count in tokens.items():
        assert of(found, "liftgate_tokens_total", model=MODEL, type=kind, modality=modality, cache=cache) == count
    assert of(found, "liftgate_tokens_total") == sum(tokens.values())
    for outcome, count in (("ok", 2), ("retried", 1), ("failed", 1)):
        assert of(found, "liftgate_upstream_attempts_total", deployment="deployment-key-a", outcome=outcome) == count
    assert of(found, "liftgate_spend_usd_total", key="ann", model=MODEL) == pytest.approx(2 * NANOS / 1e9)
    assert of(found, "liftgate_refusals_total", key="bob") == 1
    assert of(found, "liftgate_refusals_total", key="", error="AuthenticationFailed") == 1
    assert of(found, "liftgate_overhead_seconds_count", operation="chat") == 3
    assert of(found, "http_server_active_requests") == 1, "the scrape itself"
    assert of(found, "liftgate_catalog_up") == of(found, "liftgate_deployment_available") == 1


def test_what_is_refused_before_google_is_asked_is_no_try_of_googles(rig: Rig) -> None:
    """By limits, or by what a model cannot do: no deployment failed, and nobody waited for Google."""
    made = call(rig.url, "POST", "/key/generate", b'{"max_budget": 0, "key_alias": "poor"}', MASTER).json()
    poor = {"Authorization": f"Bearer {made['key']}"}
    native = b'{"contents": [{"parts": [{"text": "hi"}]}]}'
    assert chat(rig.url, poor) == chat(rig.url, poor, stream=True) == 429
    assert call(rig.url, "POST", f"/v1beta/models/{MODEL}:generateContent", native, poor).status == 429
    assert chat(rig.url, max_tokens=-1) == 400
    assert eventually(lambda: of(scrape(rig.url), "liftgate_refusals_total") == 4)
    found = scrape(rig.url)
    assert of(found, "liftgate_refusals_total", key="poor", error="BudgetReached", kind="usd") == 3
    assert of(found, "liftgate_upstream_attempts_total") == 0
    assert of(found, "gen_ai_client_operation_duration_seconds_count") == 0
    assert sum(rig.sandbox.stats()["operations"].values()) == 0


def test_files_and_copies_are_counted(rig: Rig) -> None:
    content = b"some text"
    made = call(rig.url, *form_request({"purpose": "user_data"}, content, name="a.txt", headers=ANN))
    for _ in range(2):
        assert chat(rig.url, messages=about_file(made.json()["id"])["messages"]) == 200
    assert eventually(lambda: of(scrape(rig.url), "liftgate_replica_lookups_total", result="hit") == 1)
    found = scrape(rig.url)
    account = {"account": "account-key-a"}
    assert of(found, "liftgate_replica_lookups_total", result="miss", **account) == 1
    assert of(found, "liftgate_page_in_bytes_total", **account) == len(content)
    assert of(found, "liftgate_file_wait_seconds_count", outcome="ok") == 2
    assert of(found, "liftgate_uploads_total", door="openai", outcome="ok") == 1
    assert of(found, "liftgate_upload_bytes_total", door="openai") > len(content)
    assert of(found, "liftgate_account_quota_bytes", **account) == 20 * 2**30

    def looked_up() -> bool:
        now = scrape(rig.url)
        return (of(now, "liftgate_replicas", state="active", **account), of(now, "liftgate_files", owner="ann")) == (
            1,
            1,
        )

    assert eventually(looked_up)
    found = scrape(rig.url)
    assert (
        of(found, "liftgate_replica_bytes", **account)
        == of(found, "liftgate_stored_bytes", owner="ann")
        == len(content)
    )


def test_both_forms_are_what_prometheus_reads_and_every_sample_is_of_the_page(rig: Rig) -> None:
    assert chat(rig.url, stream=True) == 200
    # The first word of the loop's lag comes after a while.
    assert eventually(lambda: of(scrape(rig.url), "liftgate_loop_lag_seconds_count") > 0)
    plain = call(rig.url, "GET", "/metrics", b"", MASTER)
    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    accept = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
    open_form = call(rig.url, "GET", "/metrics", b"", {**MASTER, **accept})
    assert open_form.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert open_form.body.endswith(b"# EOF\n")
    names = {name for name, _ in samples(plain.body.decode())}
    assert names == {name for name, _ in samples(open_form.body.decode(), openmetrics)}
    known = {name + ending for name in FAMILIES for ending in ("", "_total", "_bucket", "_sum", "_count")}
    assert names <= known
    head = call(rig.url, "HEAD", "/metrics", b"", MASTER)
    assert head.status == 200 and head.body == b""


def test_numbers_are_for_who_looks_after_the_gateway(rig: Rig) -> None:
    made = {}
    for kind in ("read_only", "management", "default"):
        body = json.dumps({"key_type": kind}).encode()
        made[kind] = call(rig.url, "POST", "/key/generate", body, MASTER).json()["key"]
    statuses = {
        kind: call(rig.url, "GET", "/metrics", b"", {"Authorization": f"Bearer {key}"}).status
        for kind, key in made.items()
    }
    assert statuses == {"read_only": 200, "management": 200, "default": 403}
    assert call(rig.url, "GET", "/metrics", b"", ANN).status == 403
    assert call(rig.url, "GET", "/metrics", b"", {}).status == 401


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def test_port_of_its_own_needs_no_key_and_has_nothing_else(tmp_path: Path) -> None:
    port = free_port()
    with sandbox_server() as sandbox:
        counting = CountingSettings(metrics=True, metrics_port=port)
        with gateway_server(settings_for(sandbox, tmp_path, counting=counting)) as url:
            assert chat(url) == 200
            own = f"http://127.0.0.1:{port}"
            assert eventually(lambda: of(scrape(own, {}), "http_server_request_duration_seconds_count") >= 1)
            assert call(own, "GET", "/v1/files", b"", MASTER).status == 404
            refused = call(own, "POST", "/metrics", b"", {})
            assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")
            for path in ("/metrics", "/v1/files"):
                with connect(own) as line:
                    line.sendall(head("HEAD", path))
                    assert line.makefile("rb").read().endswith(b"\r\n\r\n")
            with connect(own) as line:
                line.sendall(head("POST", "/metrics", {"Content-Length": "30000"}))
                assert line.recv(1, socket.MSG_PEEK) == b"H"
                for _ in range(30):
                    line.sendall(bytes(1000))
                    time.sleep(0.01)
                assert read_answer(line, "POST").status == 405
            with socket.create_connection(("127.0.0.1", port)) as rude:
                rude.sendall(b"GET /metrics HTTP/1.1\r\n" + b"a: b\r\n" * 9999)
                assert eventually(lambda: chat(url) == 200)


@pytest.mark.full
def test_who_takes_nothing_of_the_sums_keeps_no_connection() -> None:
    """The last bytes of an answer, too few to wait for them, are not waited for without end."""

    async def sums(accept: str) -> tuple[bytes, bytes]:
        return b"text/plain", bytes(8_000_000)

    async def ask() -> None:
        port = free_port()
        async with await listen("127.0.0.1", port, sums):
            with small_client(f"http://127.0.0.1:{port}") as client:
                client.sendall(head("GET", "/metrics"))
                await asyncio.sleep(PATIENCE + 1)
                received = 0
                while piece := await asyncio.to_thread(client.recv, 1 << 20):
                    received += len(piece)
        assert received < 8_000_000

    asyncio.run(ask())


def test_a_gateway_that_counts_nothing_says_how_it_would(tmp_path: Path) -> None:
    with sandbox_server() as sandbox, gateway_server(settings_for(sandbox, tmp_path)) as url:
        answer = call(url, "GET", "/metrics", b"", MASTER)
    assert answer.status == 400 and "metrics: true" in answer.json()["error"]["message"]


@pytest.mark.parametrize("chats", [40, pytest.param(10_000, marks=pytest.mark.full)])
def test_sums_are_exact_over_processes_that_are_killed(chats: int, tmp_path: Path) -> None:
    """Whoever is asked tells the sum of all; a process that follows goes on where the one before stopped."""
    done = 0
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "config.yaml", sandbox.url, metrics=True)
        for _ in range(2):
            with gateway_processes(config, tmp_path / "data", 2) as gateways:
                for number in range(chats // 4):
                    for gateway in gateways:
                        assert chat(gateway.url) == 200
                        done += 1
                        if number % 100 == 7:
                            wanted = done
                            counted = [
                                lambda url=each.url: of(scrape(url), "liftgate_overhead_seconds_count") == wanted  # noqa: B023
                                for each in gateways
                            ]
                            assert all(map(eventually, counted))
                found = scrape(gateways[0].url)
                assert len({labels for name, labels in found if name == "process_start_time_seconds"}) == 2
                assert eventually(lambda: of(scrape(gateways[1].url), "liftgate_overhead_seconds_count") == done)  # noqa: B023
                for gateway in gateways:
                    gateway.kill()
        with gateway_processes(config, tmp_path / "data") as [gateway]:
            found = scrape(gateway.url)
            assert of(found, "liftgate_overhead_seconds_count") == done
            assert of(found, "liftgate_worker_starts_total") == 5
            assert len({labels for name, labels in found if name == "process_start_time_seconds"}) == 1


def record(number: int, **fields: Any) -> CallRecord:
    made = CallRecord(f"req_{number}", 0.0, dialect="openai", method="POST", operation="chat", status=200, tries=1)
    made.route, made.public_model, made.deployment = "/v1/chat/completions", "gemini/*", "0:gemini/*"
    made.upstream_model = "flash"
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def test_what_callers_choose_makes_no_series(tmp_path: Path) -> None:
    """A thousand keys, five hundred models that a wildcard lets in, any agents: and so again after each restart."""
    for start in range(3):
        slot = Slot(tmp_path)
        counts = Kinds([CallCounts(slot)])
        for number in range(1000):
            of_start = f"{start}-{number}"
            free = f"gemini-free-{start}-{number % 500}"
            answered = {
                "usage": {"a": 1},
                "tokens": TokenCounts({"TEXT": 4}, output={"TEXT": 2}),
                "upstream_model": free,
            }
            counts.notify(
                (record(number, key=f"key-{of_start}", owner=f"owner-{of_start}", cost=5, model=free, **answered),)
            )
            counts.notify((record(number, key=f"key-{of_start}", model=free, cost=None, **answered),))
            counts.notify(
                (
                    record(
                        number, model=free, key=f"key-{of_start}", status=404, error="ModelNotFound", outcome="refused"
                    ),
                )
            )
            counts.notify(
                (
                    record(
                        number,
                        method=f"M{number}",
                        path=f"/x/{number}",
                        route="",
                        operation="",
                        client_ip=f"::{number}",
                    ),
                )
            )
        slot.close()
    sums = Reader(tmp_path).sums()
    series = [line for line in written(sums, openmetrics=False).splitlines() if not line.startswith("#")]
    assert len(series) < 5000, len(series)
    spent = {labels: cells[0] for (name, labels), cells in sums.items() if name == "liftgate_spend_usd"}
    keys = {key for key, _ in spent}
    models = {model for _, model in spent}
    assert len(keys) == MOST_KEYS + 1 and len(models) == MOST_FREE_MODELS + 1
    assert sum(spent.values()) == pytest.approx(3 * 1000 * 5e-9)
    unpriced = {labels[0] for (name, labels), _ in sums.items() if name == "liftgate_spend_unpriced"}
    assert unpriced == models


def test_models_of_our_table_have_numbers_of_their_own_behind_a_wildcard(tmp_path: Path) -> None:
    slot = Slot(tmp_path)
    counts = CallCounts(slot)
    for number in range(MOST_FREE_MODELS + 5):
        counts.ended(record(number, usage={"a": 1}, cost=1, upstream_model=f"gemini-free-{number}"))
    counts.ended(record(1, usage={"a": 1}, cost=7, upstream_model="gemini-2.5-flash"))
    spent = {labels[1]: cells[0] for (name, labels), cells in Reader(tmp_path).sums().items() if "spend_usd" in name}
    assert spent["gemini-2.5-flash"] == pytest.approx(7e-9) and spent["other"] == pytest.approx(5e-9)
    slot.close()


def test_a_call_is_counted_as_itself_whatever_others_of_its_kind_were(tmp_path: Path) -> None:
    said = {"usage": {"a": 1}, "tokens": TokenCounts({"TEXT": 4, "AUDIO": 9}, {"TEXT": 1}, {"TEXT": 2}, 3), "cost": 5}
    others: list[dict[str, Any]] = [
        {},
        {"cost": None},
        {"cost": 0},
        {"usage": None, "tokens": TokenCounts(), "cost": 0},
        {"usage": None, "reckoned": {"a": 1}},
        {"tokens": TokenCounts({"VIDEO": 7}, {}, {"IMAGE": 3})},
        {"failures": [("e", "UpstreamUnavailable")], "tries": 2},
        {"copies_hit": {"file-a"}, "paged_in": {"file-b"}, "files": 2.0},
        {"chunks": 5, "first_event": 0.25},
        {"total": 3.0, "own": 0.5, "upstream": 2.5, "bytes_in": 9},
        {"sampled": True, "trace_id": "0af7651916cd43dd8448eb211c80319c"},
        *({"tokens": TextCounts(*tokens)} for tokens in ((4, 2, 0), (0, 0, 0), (70, 5, 3), (5, 0, 0))),
        {"tokens": TextCounts(4, 2, 0), "cost": None},
        {"tokens": TextCounts(4, 2, 0), "total": 3.0, "own": 0.5, "upstream": 2.5, "chunks": 3, "first_event": 0.5},
    ]
    kinds: list[dict[str, Any]] = [
        {"public_model": "flash"},
        {"upstream_model": "gemini-free"},
        {"streamed": True},
        {"outcome": "refused", "error": "RateReached", "limit": "requests"},
        {"operation": "", "route": "/v1/files", "tries": 0},
        {"method": ""},
        {"public_model": "flash", "outcome": "left"},
    ]
    every = [
        record(number, **{**said, **kind, **other})
        for number, (kind, other) in enumerate(product(kinds, [*others, *reversed(others)]))
    ]
    alone, together = Slot(tmp_path / "alone"), Slot(tmp_path / "together")
    at_once = Kinds([CallCounts(together)])
    for made in every:
        CallCounts(alone).ended(made)
    half = len(every) // 2
    for made in every[:half]:
        at_once.notify((made,))
    at_once.notify(every[half:])
    sums, found = Reader(tmp_path / "alone").sums(), Reader(tmp_path / "together").sums()
    assert len(sums) > 40 and found.keys() == sums.keys()
    for series, cells in sums.items():
        assert found[series] == pytest.approx(cells), series
    alone.close()
    together.close()


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "text/plain"),
        ("*/*", "text/plain"),
        ("text/plain", "text/plain"),
        ("application/openmetrics-text", "application/openmetrics-text"),
        ("Application/OpenMetrics-Text; Version=1.0.0", "application/openmetrics-text"),
        ("application/openmetrics-text;q=0, text/plain;q=0.1", "text/plain"),
        ("application/openmetrics-text;q=0.2,text/plain;version=0.0.4;q=0.9", "text/plain"),
        ("application/openmetrics-text;q=x,text/plain;q=y", "text/plain"),
        ("text/html,application/json", "text/plain"),
        (
            "application/openmetrics-text;version=1.0.0;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
            "text/plain;version=0.0.4;q=0.4,*/*;q=0.1",
            "application/openmetrics-text",
        ),
    ],
)
def test_a_scraper_gets_the_form_that_it_prefers(accept: str, form: str, rig_of_forms: str) -> None:
    headers = {**MASTER, **({"Accept": accept} if accept else {})}
    answer = call(rig_of_forms, "GET", "/metrics", b"", headers)
    assert answer.headers["content-type"].startswith(form)


@pytest.fixture(scope="module")
def rig_of_forms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with sandbox_server() as sandbox:
        counting = CountingSettings(metrics=True, traces_endpoint="http://127.0.0.1:9/v1/traces")
        with gateway_server(settings_for(sandbox, tmp_path_factory.mktemp("forms"), counting=counting)) as url:
            yield url


def test_exemplars_lead_from_a_bucket_to_a_trace_in_openmetrics_only(rig_of_forms: str) -> None:
    trace = "00f67aa0ba9020b74bf92f3577b34da6"
    traced = {**ANN, "traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    assert chat(rig_of_forms, traced) == 200
    assert chat(rig_of_forms, {**ANN, "traceparent": f"00-{trace[::-1]}-00f067aa0ba902b7-00"}) == 200

    def found() -> dict[str, Any]:
        accept = {"Accept": "application/openmetrics-text"}
        parse: Callable[[str], Any] = openmetrics
        text = call(rig_of_forms, "GET", "/metrics", b"", {**MASTER, **accept}).body.decode()
        return {
            sample.name: (sample, sample.exemplar)
            for family in parse(text)
            for sample in family.samples
            if sample.exemplar is not None
        }

    names = {"http_server_request_duration_seconds_bucket", "gen_ai_client_operation_duration_seconds_bucket"}
    assert eventually(lambda: found().keys() == names)
    for sample, exemplar in found().values():
        assert exemplar.labels == {"trace_id": trace} and float(exemplar.timestamp) > 0
        assert exemplar.value <= float(sample.labels["le"]) and sample.value >= 1
    assert "trace_id" not in call(rig_of_forms, "GET", "/metrics", b"", MASTER).body.decode()


def test_slot_goes_on_after_a_line_that_was_cut_and_after_another_version(tmp_path: Path) -> None:
    slot = Slot(tmp_path)
    counts = CallCounts(slot)
    counts.ended(record(1, usage={"a": 1}, tokens=TokenCounts({"TEXT": 4})))
    slot.close()
    with (tmp_path / "0.names").open("ab") as names:
        names.write(b'["liftgate_of_another_version",["a"],3]\n["liftgate_tok')
    slot = Slot(tmp_path)
    counts = CallCounts(slot)
    counts.ended(record(2, usage={"a": 1}, tokens=TokenCounts({"TEXT": 4, "VIDEO": 2})))
    sums = Reader(tmp_path).sums()
    assert sums[TOKENS_TOTAL.name, ("flash", "input", "text", "")] == [8.0]
    assert sums[TOKENS_TOTAL.name, ("flash", "input", "video", "")] == [2.0]
    slot.close()


def test_texts_of_labels_are_escaped_and_more_than_can_be_read_is_left_out() -> None:
    odd = 'a"b\\c\nd'
    values: dict[tuple[str, Labels], list[float]] = {("liftgate_files", (odd,)): [3.0]}
    for form, parse in ((False, prometheus), (True, openmetrics)):
        assert samples(written(values, openmetrics=form), parse) == {
            ("liftgate_files", frozenset({("owner", odd)})): 3.0
        }
    many: dict[tuple[str, Labels], list[float]] = {
        ("liftgate_files", (str(number),)): [1.0] for number in range(MOST_SERIES + 1)
    }
    text = written({**many, ("liftgate_disk_free_bytes", ()): [5.0]}, openmetrics=False)
    assert "liftgate_files is left out" in text and len(samples(text)) <= 1


def expressions_of_deploy() -> list[str]:
    """Of the dashboard and of the alerts."""
    deploy = Path(__file__).parents[2] / "deploy"
    board = json.loads((deploy / "grafana-dashboard.json").read_text())
    rules = yaml.safe_load((deploy / "alerts.yaml").read_text())["groups"][0]["rules"]
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(rules) >= 8 and len(expressions) > 30
    return expressions + [rule["expr"] for rule in rules]


def test_dashboard_and_alerts_name_what_there_is() -> None:
    expressions = expressions_of_deploy()
    known: dict[str, set[str]] = {}
    for family in FAMILIES.values():
        endings = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}[family.kind]
        for ending in endings:
            known[family.name + ending] = {*family.labels, *({"le"} if ending == "_bucket" else set())}
    for expression in expressions:
        names = re.findall(r"\b(?:liftgate|http|gen_ai|process)_\w+\b(?=\s*[\[{/)<>=]|$)", expression)
        named = [name for name in names if name in known]
        assert named and set(names) <= set(known) | LABELS, expression
        labels = {each for name in named for each in known[name]}
        for group in re.findall(r"by \(([^)]*)\)", expression):
            assert {each.strip() for each in group.split(",")} <= labels, expression
        for label in re.findall(r"[{,]\s*(\w+)=", expression):
            assert label in labels, expression


def test_what_machines_of_one_catalogue_all_tell_is_never_added_up() -> None:
    """Two of them would double it, list it twice, and send each alert twice."""
    told = "|".join(family.name for family in OF_CATALOGUE)
    expressions = expressions_of_deploy()
    shared = [each for each in expressions if re.search(rf"\b(?:{told})\b", each)]
    assert len(shared) > 10
    for expression in shared:
        rest = re.sub(rf"\b(?:max|min) by \([^)]*\) \((?:{told}|[ /()>0])+\)", "", expression)
        assert not re.search(rf"\b(?:{told})\b", rest), expression


def test_page_lists_every_metric_with_its_labels() -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", page, re.MULTILINE))
    ending = {"counter": "_total", "gauge": "", "histogram": ""}
    wanted = {
        each.name + ending[each.kind]: ", ".join(f"`{label}`" for label in each.labels) or "–"
        for each in FAMILIES.values()
    }
    assert rows == wanted
