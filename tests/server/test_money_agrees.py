"""What a call cost is one number wherever it is told, and the one that the published prices come to, at every door.

Its header, the usage of its answer or stream, its line in the log, its key's row and spend, the budget, the metrics.
"""

from __future__ import annotations

import json
import socket
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from evidence import evidence, needs_recordings
from gateways import SandboxServer, sandbox_server
from processes import GatewayProcess, gateway_processes, write_config
from raw_http import Answer, call, connect, head
from running import eventually
from test_recorded_prices import dollars_per_million

MASTER = {"Authorization": "Bearer sk-master"}
FLASH = "gemini-2.5-flash"
NONE: dict[str, float] = {}
OWN = {"input_cost_per_token": 1e-6, "output_cost_per_token": 4e-6, "cache_read_input_token_cost": 0.0}
ENTRIES: dict[str, tuple[str, str, dict[str, float]]] = {
    FLASH: (FLASH, "litellm_params", NONE),
    "pro": ("gemini-2.5-pro", "litellm_params", NONE),
    "lite": ("gemini-3.1-flash-lite", "litellm_params", NONE),
    "pictures": ("gemini-2.5-flash-image", "litellm_params", NONE),
    "speech": ("gemini-2.5-flash-preview-tts", "litellm_params", NONE),
    "film": ("gemini-omni-1.2-flash", "litellm_params", NONE),
    "own": (FLASH, "model_info", OWN),
    "free": (FLASH, "litellm_params", {"input_cost_per_token": 0, "output_cost_per_token": 0}),
    "custom_llm/name": (FLASH, "litellm_params", {"input_cost_per_token": 2e-6}),
    "ended": ("gemini-2.0-flash", "litellm_params", NONE),
}
"""Public name → the model at Google, and what the config says of its prices, and where."""


def modal(**counts: int) -> list[dict[str, Any]]:
    return [{"modality": name, "tokenCount": count} for name, count in counts.items()]


@dataclass(frozen=True)
class Case:
    """`nanos`: where the config says what it costs; else the published table does. `answered`: the model that did,
    where that is another one. `doors`: those that give what it gives. `native`: of a request at Gemini's own."""

    name: str
    usage: dict[str, Any]
    tier: str = "standard"
    nanos: int | None = None
    parts: tuple[dict[str, Any], ...] = ({"text": "two"},)
    answered: str = ""
    candidates: int = 1
    doors: tuple[str, ...] = ("chat", "responses", "messages", "gemini")
    native: dict[str, Any] = field(default_factory=dict)


PLAIN = {"promptTokenCount": 1001, "candidatesTokenCount": 33, "thoughtsTokenCount": 7}
CACHED = {
    "promptTokenCount": 5000,
    "promptTokensDetails": modal(TEXT=1000, AUDIO=4000),
    "cachedContentTokenCount": 3500,
    "cacheTokensDetails": modal(TEXT=500, AUDIO=3000),
    "candidatesTokenCount": 10,
}
MEDIA = {
    "promptTokenCount": 4000,
    "promptTokensDetails": modal(TEXT=100, AUDIO=1900, VIDEO=1000, IMAGE=600, DOCUMENT=400),
    "candidatesTokenCount": 12,
}
LONG = {"promptTokenCount": 200_001, "cachedContentTokenCount": 150_000, "candidatesTokenCount": 100}
CASES = (
    Case(FLASH, PLAIN),
    Case(FLASH, CACHED),
    # An implicit cache's tokens come without their kinds.
    Case(FLASH, {"promptTokenCount": 3000, "cachedContentTokenCount": 2048, "candidatesTokenCount": 1}),
    Case(FLASH, MEDIA),
    Case(FLASH, {**PLAIN, "toolUsePromptTokenCount": 900, "toolUsePromptTokensDetails": modal(TEXT=900)}),
    Case(FLASH, CACHED, tier="flex"),
    Case(FLASH, MEDIA, tier="priority"),
    Case(FLASH, {"promptTokenCount": 10, "candidatesTokenCount": 400}, candidates=2, doors=("chat", "gemini")),
    Case("pro", {**LONG, "promptTokenCount": 200_000}),
    Case("pro", LONG),
    Case("pro", LONG, tier="priority"),
    Case("pro", LONG, tier="flex"),
    Case("lite", CACHED),
    # Google has put another model in place of the one that was asked.
    Case(FLASH, PLAIN, answered="gemini-3.5-flash-lite"),
    Case(
        "pictures",
        {
            "promptTokenCount": 20,
            "candidatesTokenCount": 1300,
            "candidatesTokensDetails": modal(TEXT=10, IMAGE=1290),
        },
        doors=("chat", "responses", "gemini"),
    ),
    Case(
        "speech",
        {"promptTokenCount": 9, "candidatesTokenCount": 250, "candidatesTokensDetails": modal(AUDIO=250)},
        parts=({"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": "AAAA"}},),
        doors=("chat", "gemini"),
        native={"generationConfig": {"responseModalities": ["AUDIO"]}},
    ),
    Case("film", {**MEDIA, "candidatesTokenCount": 5000, "candidatesTokensDetails": modal(TEXT=8, VIDEO=4992)}),
    Case("own", {**PLAIN, "cachedContentTokenCount": 500}, nanos=501 * 1000 + 40 * 4000),
    Case("free", CACHED, nanos=0),
    # What it does not name changes by the factor of what it names; output is the list's.
    Case("custom_llm/name", {"promptTokenCount": 100, "candidatesTokenCount": 10}, nanos=100 * 2000 + 10 * 2500),
)
DATA = "AAAA" * 100_000
LARGE = (
    Case(
        "pictures",
        {"promptTokenCount": 20, "candidatesTokenCount": 1290, "candidatesTokensDetails": modal(IMAGE=1290)},
        parts=({"inlineData": {"mimeType": "image/png", "data": DATA}},),
        doors=("chat", "responses", "gemini"),
    ),
    Case(
        "speech",
        {"promptTokenCount": 9, "candidatesTokenCount": 250, "candidatesTokensDetails": modal(AUDIO=250)},
        parts=({"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": DATA}},),
        doors=("chat", "gemini"),
        native={"generationConfig": {"responseModalities": ["AUDIO"]}},
    ),
    Case(FLASH, PLAIN, parts=({"text": "two " * 100_000},)),
)
"""Of several hundred kB, which no call reads in one go."""
DOORS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "gemini": "/v1beta/models/{}:generateContent",
}
OTHERS = ("responses", "messages", "gemini")
STREAMED = "/v1beta/models/{}:streamGenerateContent?alt=sse"


@dataclass
class Rig:
    gateway: GatewayProcess
    sandbox: SandboxServer
    spent: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lines: dict[str, dict[str, Any]] = field(default_factory=dict)
    read_to: int = 0

    def ask(self, method: str, path: str, body: object = None) -> Any:
        sent = None if body is None else json.dumps(body).encode()
        answer = call(self.gateway.url, method, path, sent, {**MASTER, "Content-Type": "application/json"})
        assert answer.status == 200, answer.body
        return answer.json()

    def key(self, **fields: object) -> tuple[str, str]:
        """A new key with a budget, and its id."""
        made = self.ask("POST", "/key/generate", {"max_budget": 1000, **fields})
        return made["key"], made["id"]

    def line(self, request_id: str) -> dict[str, Any]:
        """The call's line in the log, once it is written."""
        assert eventually(lambda: request_id in self._read_on(), seconds=30)
        return self.lines[request_id]

    def _read_on(self) -> dict[str, dict[str, Any]]:
        with self.gateway.log.open("rb") as log:
            log.seek(self.read_to)
            whole, end, _ = log.read().rpartition(b"\n")
        self.read_to += len(whole + end)
        for each in whole.splitlines():
            if b'"access"' in each:
                line = json.loads(each)
                self.lines[line["request_id"]] = line
        return self.lines

    def check(self, key: tuple[str, str], model: str, nanos: int | None) -> None:
        """Rows, spend and budget of a key that made one call."""
        total = self.ask("GET", f"/liftgate/usage?key_id={key[1]}")["total"]
        info = self.ask("GET", f"/key/info?key={key[0]}")["info"]
        logs = self.ask("GET", f"/spend/logs?api_key={key[1]}")
        told = (total["cost"], info["spend"], info["budgets"][0]["spend"], logs[0]["spend"], logs[0]["models"][model])
        assert [round(each * 1e9) for each in told] == [nanos or 0] * 5
        assert (total["requests"], total["unpriced"]) == (1, int(nanos is None))
        self.spent[model] += nanos or 0


@pytest.fixture
def rig(shared: Rig) -> Rig:
    shared.sandbox.control("scripts", method="DELETE")
    return shared


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    place: Path = tmp_path_factory.mktemp("money")
    with sandbox_server() as sandbox:
        config = write_config(place / "c.yaml", sandbox.url, access_log=True, json_logs=True, spend=True, metrics=True)
        document = yaml.safe_load(config.read_text())
        [entry] = document["model_list"]
        document["model_list"] = []
        for name, (model, section, prices) in ENTRIES.items():
            params = {**entry["litellm_params"], "model": f"gemini/{model}"}
            made: dict[str, Any] = {"model_name": name, "litellm_params": params, "model_info": {}}
            made[section] = {**made[section], **prices}
            document["model_list"].append(made)
        document["router_settings"] = {"num_retries": 1, "fallbacks": [{"lite": ["own"]}], "allowed_fails": 10**6}
        config.write_text(yaml.safe_dump(document))
        with gateway_processes(config, place / "data") as [gateway]:
            found = Rig(gateway, sandbox)
            yield found
            check_metrics(found)


def check_metrics(rig: Rig) -> None:
    """The sum of each model over all keys, at the end of all."""
    text = call(rig.gateway.url, "GET", "/metrics", None, MASTER).body.decode()
    found: dict[str, float] = defaultdict(float)
    for line in text.splitlines():
        if line.startswith("liftgate_spend_usd_total{"):
            labels, _, value = line.rpartition(" ")
            found[labels.partition('model="')[2].partition('"')[0]] += float(value)
    spent = {model: nanos for model, nanos in rig.spent.items() if nanos}
    assert {model: round(dollars * 1e9) for model, dollars in found.items() if dollars} == spent


def reply(case: Case) -> dict[str, Any]:
    whole = [
        {"content": {"role": "model", "parts": [*case.parts]}, "finishReason": "STOP", "index": index}
        for index in range(case.candidates)
    ]
    model = case.answered or ENTRIES[case.name][0]
    return {"candidates": whole, "usageMetadata": {**case.usage, "serviceTier": case.tier}, "modelVersion": model}


def asked(rig: Rig, door: str, model: str, key: str, *, stream: bool, **more: object) -> Answer:
    path, headers, body = request(door, model, key, stream=stream)
    return call(rig.gateway.url, "POST", path, json.dumps({**body, **more}).encode(), headers)


def request(door: str, model: str, key: str, *, stream: bool) -> tuple[str, dict[str, str], dict[str, Any]]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    if door == "gemini":
        path = (STREAMED if stream else DOORS[door]).format(model)
        return path, {**headers, "x-goog-api-key": key}, {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    chat = {"model": model, "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    if door == "responses":
        return DOORS[door], headers, {"model": model, "input": "hi", "stream": stream, "store": False}
    if door == "messages":
        return DOORS[door], headers, {**chat, "max_tokens": 100}
    return DOORS[door], headers, {**chat, "stream_options": {"include_usage": True}} if stream else chat


def costs_in(body: bytes) -> list[int | None]:
    """Of every `usage` in an answer, or in a stream's events, that has tokens."""
    found: list[int | None] = []

    def look(value: Any) -> None:
        if isinstance(value, dict):
            usage = value.get("usage")
            if isinstance(usage, dict) and (usage.get("output_tokens") or usage.get("completion_tokens")):
                cost = usage.get("cost")
                found.append(None if cost is None else round(cost * 1e9))
            for each in value.values():
                look(each)
        elif isinstance(value, list):
            for each in value:
                look(each)

    text = body.decode()
    events = [line[6:] for line in text.splitlines() if line.startswith("data: {")]
    for each in events or [text]:
        look(json.loads(each))
    return found


@cache
def table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(evidence("gemini-prices.json").read_text())
    return found


def published(case: Case) -> int:
    """Nano-dollars by the published table."""
    price = table()[case.answered or ENTRIES[case.name][0]]["price"]
    if case.tier != "standard":
        price = {"standard": price[case.tier], "over_200k": price.get(f"{case.tier}_over_200k", {})}
    return round(dollars_per_million(price, case.usage) * 1000)


@needs_recordings
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(
    ("door", "step"),
    [("chat", 1), *((door, 4) for door in OTHERS), *(pytest.param(door, 1, marks=pytest.mark.full) for door in OTHERS)],
)
def test_a_cost_is_one_number_wherever_it_is_told(rig: Rig, door: str, step: int, stream: bool) -> None:
    for case in CASES[::step]:
        if door in case.doors and not (case.candidates > 1 and stream):
            check_told(rig, door, case, stream=stream)


@needs_recordings
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("door", DOORS)
def test_a_large_answer_costs_what_google_reports(rig: Rig, door: str, stream: bool) -> None:
    for case in LARGE:
        if door in case.doors:
            check_told(rig, door, case, stream=stream)


def check_told(rig: Rig, door: str, case: Case, *, stream: bool) -> None:
    rig.sandbox.control("scripts", {"chunks": [reply(case)]} if stream else {"response": reply(case)})
    key = rig.key()
    more = {"n": case.candidates} if case.candidates > 1 and door == "chat" else {}
    answer = asked(rig, door, case.name, key[0], stream=stream, **more, **(case.native if door == "gemini" else {}))
    assert answer.status == 200, (case, answer.body)
    nanos = published(case) if case.nanos is None else case.nanos
    if not stream:
        assert answer.headers["x-liftgate-response-cost"] == f"{nanos / 1e9:.9f}", case
        assert answer.headers["x-litellm-response-cost"] == f"{nanos / 1e9:.9f}"
    if door != "gemini":
        assert {*costs_in(answer.body)} - ({None} if stream else set()) == {nanos}, case
    line = rig.line(answer.headers["x-request-id"])
    assert (round(line["cost_usd"] * 1e9), line["model"]) == (nanos, case.name), case
    rig.check(key, case.name, nanos)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("door", DOORS)
def test_a_model_without_a_price_has_no_cost_anywhere(rig: Rig, door: str, stream: bool) -> None:
    case = Case("ended", PLAIN)
    rig.sandbox.control("scripts", {"chunks": [reply(case)]} if stream else {"response": reply(case)})
    key = rig.key()
    answer = asked(rig, door, case.name, key[0], stream=stream)
    assert answer.status == 200 and "x-liftgate-response-cost" not in answer.headers
    assert set(costs_in(answer.body)) <= {None}
    assert rig.line(answer.headers["x-request-id"]).get("cost_usd") is None
    rig.check(key, case.name, None)


@needs_recordings
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("door", DOORS)
def test_what_answers_in_the_place_of_another_is_paid_at_its_own_price(rig: Rig, door: str, stream: bool) -> None:
    """`lite` fails twice, for which Google charges nothing; `own` has prices of its own."""
    failed = {"status": 503, "body": {"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}, "times": 2}
    rig.sandbox.control("scripts", failed)
    case = Case("own", PLAIN)
    rig.sandbox.control("scripts", {"chunks": [reply(case)]} if stream else {"response": reply(case)})
    key = rig.key()
    answer = asked(rig, door, "lite", key[0], stream=stream)
    assert answer.status == 200, answer.body
    nanos = 1001 * 1000 + 40 * 4000
    line = rig.line(answer.headers["x-request-id"])
    assert (round(line["cost_usd"] * 1e9), line["model"], line["fallback"]) == (nanos, "lite", True)
    rig.check(key, "own", nanos)
    # A try that fails and one that answers: what Google reported is paid, once.
    rig.sandbox.control("scripts", {**failed, "times": 1})
    case = Case(FLASH, PLAIN)
    rig.sandbox.control("scripts", {"chunks": [reply(case)]} if stream else {"response": reply(case)})
    key = rig.key()
    answer = asked(rig, door, FLASH, key[0], stream=stream)
    assert answer.status == 200 and rig.line(answer.headers["x-request-id"])["attempts"] == 2
    rig.check(key, FLASH, published(case))


@pytest.mark.parametrize("when", ["before", "middle", "end"])
@pytest.mark.parametrize("door", DOORS)
def test_a_client_that_leaves_pays_what_google_was_asked_and_gave(rig: Rig, door: str, when: str) -> None:
    """Before a byte the prompt, as Google counts it; in the middle what was streamed too; at its end what was told."""
    case = Case(FLASH, PLAIN)
    text = {"candidates": [{"content": {"role": "model", "parts": [{"text": "twelve chars"}]}, "index": 0}]}
    chunks, delays = {
        "before": ([reply(case)], [60.0]),
        "middle": ([text, reply(case)], [0.0, 60.0]),
        "end": ([text, reply(case), text], [0.0, 0.0, 60.0]),
    }[when]
    rig.sandbox.control("scripts", {"chunks": chunks, "delays": delays})
    key = rig.key()
    path, headers, body = request(door, FLASH, key[0], stream=True)
    data = json.dumps(body).encode()
    before = rig.sandbox.stats()["operations"].get("stream", 0)
    with connect(rig.gateway.url) as connection:
        connection.sendall(head("POST", path, {**headers, "Content-Length": str(len(data))}) + data)
        assert eventually(lambda: rig.sandbox.stats()["operations"].get("stream", 0) > before)
        seen = b""
        wanted = {"before": b"", "middle": b"twelve chars", "end": b"two"}[when]
        while wanted not in seen:
            seen += connection.recv(65536)
    prompt = counted(rig)
    nanos = {"before": prompt * 300, "middle": prompt * 300 + 3 * 2500, "end": 1001 * 300 + 40 * 2500}[when]
    assert eventually(lambda: bool(rig.ask("GET", f"/liftgate/usage?key_id={key[1]}")["total"]["requests"]), seconds=30)
    rig.check(key, FLASH, nanos)


def counted(rig: Rig) -> int:
    """The tokens of the question as Google counts them."""
    path, headers, body = request("gemini", FLASH, "sk-master", stream=False)
    answer = call(
        rig.gateway.url, "POST", path.replace("generateContent", "countTokens"), json.dumps(body).encode(), headers
    )
    assert answer.status == 200 and "x-liftgate-response-cost" not in answer.headers
    return int(answer.json()["totalTokens"])


@needs_recordings
@pytest.mark.parametrize("case", LARGE, ids=lambda case: case.name)
def test_who_leaves_behind_a_large_event_pays_what_it_reported(rig: Rig, case: Case) -> None:
    rig.sandbox.control("scripts", {"chunks": [reply(case), reply(case)], "delays": [0.0, 60.0]})
    key = rig.key()
    path, headers, body = request("gemini", case.name, key[0], stream=True)
    data = json.dumps({**body, **case.native}).encode()
    with connect(rig.gateway.url) as connection:
        connection.sendall(head("POST", path, {**headers, "Content-Length": str(len(data))}) + data)
        seen = b""
        while b"usageMetadata" not in seen:
            seen = seen[-20:] + connection.recv(65536)
    assert eventually(lambda: bool(rig.ask("GET", f"/liftgate/usage?key_id={key[1]}")["total"]["requests"]), seconds=30)
    rig.check(key, case.name, published(case))


@contextmanager
def half_a_stream(rig: Rig, key: str, chunks: list[dict[str, Any]]) -> Iterator[socket.socket]:
    """A chat of which the first words are there; the rest comes once the block is left."""
    rig.sandbox.control("scripts", {"chunks": chunks, "delays": [0.0, 3.0]})
    path, headers, body = request("chat", FLASH, key, stream=True)
    data = json.dumps(body).encode()
    with connect(rig.gateway.url) as connection:
        connection.sendall(head("POST", path, {**headers, "Content-Length": str(len(data))}) + data)
        seen = b""
        while b"twelve chars" not in seen:
            seen += connection.recv(65536)
        yield connection
        while b"[DONE]" not in seen:
            piece = connection.recv(65536)
            assert piece, seen
            seen += piece
    assert costs_in(seen.partition(b"\r\n\r\n")[2]) == [1001 * 300 + 40 * 2500]


def test_what_becomes_of_a_key_in_the_middle_of_a_stream_changes_no_sum(rig: Rig) -> None:
    """Each of six streams goes on to its end, and is paid by the key that began it."""
    fates: list[tuple[str, dict[str, Any]]] = [
        ("/key/block", {}),
        ("/key/regenerate", {"new_key": "sk-another-secret-of-it"}),
        ("/key/update", {"max_budget": 1e-9}),
        ("/key/update", {"budget_duration": "1d"}),
        ("/key/update", {"models": ["pro"], "duration": "1s"}),
        ("/key/delete", {}),
    ]
    keys = [rig.key() for _ in fates]
    text = {"candidates": [{"content": {"role": "model", "parts": [{"text": "twelve chars"}]}, "index": 0}]}
    with ExitStack() as streams:
        for key in keys:
            streams.enter_context(half_a_stream(rig, key[0], [text, reply(Case(FLASH, PLAIN))]))
        for key, (path, body) in zip(keys, fates, strict=True):
            rig.ask("POST", path, {"keys": [key[0]]} if path == "/key/delete" else {"key": key[0], **body})
    for key, (path, body) in zip(keys, fates, strict=True):
        check_paid(rig, key, path, body)


def check_paid(rig: Rig, key: tuple[str, str], path: str, body: dict[str, Any]) -> None:
    nanos = 1001 * 300 + 40 * 2500
    rig.spent[FLASH] += nanos
    counted = f"/liftgate/usage?key_id={key[1]}"
    assert eventually(lambda: bool(rig.ask("GET", counted)["total"]["requests"]), seconds=30)
    total = rig.ask("GET", counted)["total"]
    assert (total["requests"], round(total["cost"] * 1e9)) == (1, nanos)
    if path != "/key/delete":
        info = rig.ask("GET", f"/key/info?key={body.get('new_key', key[0])}")["info"]
        # Another window is another budget, and begins with nothing spent.
        spent = 0 if "budget_duration" in body else nanos
        assert round(info["spend"] * 1e9) == spent


def test_an_alias_of_a_key_costs_what_its_model_does(rig: Rig) -> None:
    case = Case("own", PLAIN)
    for door in DOORS:
        key = rig.key(aliases={"gpt-4": "own"})
        rig.sandbox.control("scripts", {"response": reply(case)})
        answer = asked(rig, door, "gpt-4", key[0], stream=False)
        assert answer.status == 200, answer.body
        rig.check(key, "own", 1001 * 1000 + 40 * 4000)


def test_a_response_in_the_background_is_paid_once_by_who_asked_for_it(rig: Rig) -> None:
    """However often it is looked at, and by whom of its owner."""
    key, other = rig.key(user_id="two"), rig.key(user_id="two")
    rig.sandbox.control("scripts", {"response": reply(Case(FLASH, PLAIN))})

    def as_caller(method: str, path: str, key: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        return call(rig.gateway.url, method, path, sent, headers).json()

    made = as_caller("POST", "/v1/responses", key[0], {"model": FLASH, "input": "hi", "background": True})
    path = f"/v1/responses/{made['id']}"
    assert eventually(lambda: as_caller("GET", path, other[0])["status"] == "completed", seconds=30)
    nanos = 1001 * 300 + 40 * 2500
    for who in (key, other, other):
        assert round(as_caller("GET", path, who[0])["usage"]["cost"] * 1e9) == nanos
    rig.check(key, FLASH, nanos)
    assert rig.ask("GET", f"/liftgate/usage?key_id={other[1]}")["total"]["cost"] == 0
    # Summing a history up is a call of its own, paid as one.
    rig.sandbox.control("scripts", {"response": reply(Case(FLASH, PLAIN))})
    third = rig.key()
    assert as_caller("POST", "/v1/responses/compact", third[0], {"model": FLASH, "input": "hi"})["object"]
    rig.check(third, FLASH, nanos)


@pytest.mark.parametrize(
    "path",
    ["/v1/chat/completions/input_tokens", "/v1/responses/input_tokens", "/v1/messages/count_tokens"],
)
def test_to_count_is_free(rig: Rig, path: str) -> None:
    key = rig.key()
    asked = {"input": "hi"} if "responses" in path else {"messages": [{"role": "user", "content": "hi"}]}
    body = {"model": FLASH, **asked}
    answer = call(rig.gateway.url, "POST", path, json.dumps(body).encode(), {"Authorization": f"Bearer {key[0]}"})
    assert answer.status == 200 and "x-liftgate-response-cost" not in answer.headers, answer.body
    assert rig.ask("GET", f"/liftgate/usage?key_id={key[1]}")["total"]["requests"] == 0
    assert rig.ask("GET", f"/key/info?key={key[0]}")["info"]["spend"] == 0
