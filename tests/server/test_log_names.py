"""The log by OpenTelemetry's names: what a line and the spans of its call both say has one name and one value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest

from gateways import MODEL, client_for, sandbox_server
from liftgate.engine.access_names import OTEL
from processes import gateway_processes, write_config
from running import eventually
from test_cost import NANOS, USAGE, ended
from test_traces import attributes, collecting

NOT_OF_SPANS = {"http.request.body.size", "http.response.body.size", "client.address", "process.pid", "user.hash"}
"""Names of the conventions for what no span of ours has."""


def test_a_line_and_the_spans_of_its_call_say_the_same_by_the_same_names(tmp_path: Path) -> None:
    with collecting() as (collector, endpoint), sandbox_server() as sandbox:
        ours = {"traces_endpoint": endpoint, "traces_ratio": 1.0, "log_names": "otel", "json_logs": True, "debug": True}
        more = {"log_client_ip": "full", "log_user_secret": "0123456789abcdef"}
        config = write_config(tmp_path / "c.yaml", sandbox.url, **(ours | more))  # type: ignore[arg-type]
        with gateway_processes(config, tmp_path / "data") as [gateway], client_for(gateway.url) as client:
            file_id = client.files.create(file=("a.txt", b"text"), purpose="user_data").id
            sandbox.control("scripts", {"response": ended(USAGE, responseId="resp-7")})
            say: Any = [{"role": "user", "content": "hello"}]
            client.chat.completions.create(model=MODEL, messages=say, user="ann")
            list(client.chat.completions.create(model=MODEL, messages=say, stream=True))
            part = {"type": "file", "file": {"file_id": file_id}}
            client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": [part]}])  # type: ignore[list-item, misc]
            with pytest.raises(openai.NotFoundError):
                client.chat.completions.create(model="none", messages=say)
            assert eventually(lambda: sum("parentSpanId" not in span for span in collector.spans()) == 5)
            gateway.stop()
        lines = [json.loads(line) for line in gateway.log.read_text().splitlines() if line.startswith("{")]
    of_calls = [line for line in lines if line["event"] == "access"]
    assert len(of_calls) == 5
    of_spans = {name for span in collector.spans() for name in attributes(span)}
    named: set[str] = set()
    for line in of_calls:
        said: dict[str, Any] = {}
        for span in collector.spans():
            said |= attributes(span) if span["traceId"] == line["trace_id"] else {}
        for name in line.keys() & said.keys():
            about = pytest.approx(said[name], abs=0.01) if name == "liftgate.own_ms" else said[name]
            assert line[name] == about, name
        # In a tree of names none is both a value and a branch.
        assert not [(one, other) for one in line for other in line if other.startswith(f"{one}.")]
        named |= {name for name in line if "." in name}
    assert named <= of_spans | NOT_OF_SPANS
    assert named == set(OTEL.values()) - {"user.id"} | {"user.hash"}
    chat = of_calls[1]
    assert (chat["gen_ai.usage.input_tokens"], chat["gen_ai.usage.output_tokens"]) == (112, 8)
    assert (chat["operation.cost"], chat["gen_ai.response.finish_reasons"]) == (NANOS / 1e9, ["STOP"])
    assert (chat["client.address"], chat["gen_ai.response.id"]) == ("127.0.0.1", "resp-7")
    ids = {line["liftgate.request_id"] for line in of_calls}
    others = {line.get("liftgate.request_id") for line in lines if line["event"] == "log"}
    assert ids & others and not any("request_id" in line for line in lines)
