"""A real Prometheus server, of Debian's package, scrapes two processes: what it takes, which rules it loads, whether
each expression of the dashboard gives data.
"""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateways import SandboxServer, sandbox_server
from javascript import missing
from processes import gateway_processes, write_config
from raw_http import call
from running import eventually, form_request
from test_meter import about_file, hello, reply

pytestmark = pytest.mark.full

DEPLOY = Path(__file__).parents[2] / "deploy"
MASTER = {"Authorization": "Bearer sk-master"}
ANN = {"Authorization": "Bearer sk-ann"}
QUOTA = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaMetric": "x", "quotaId": "RequestsPerDay"}],
}
NOTHING_FAILED = {"liftgate_job_seconds"}
"""What a dashboard shows only where something is broken here."""


MAY_BE_EMPTY = {"cache"}
"""Labels: to Prometheus an empty one is none."""


def program(name: str) -> str:
    return shutil.which(name) or missing(f"{name} is not installed (Debian's package prometheus)")


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Prometheus:
    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}/api/v1/"

    def ask(self, path: str, **query: str) -> Any:
        address = f"{self._base}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            told = json.load(answer)
        assert told["status"] == "success", told
        return told["data"]

    def is_up(self) -> bool:
        try:
            self.ask("targets")
        except OSError:
            return False
        return True

    def health(self) -> dict[str, str]:
        return {each["labels"]["job"]: each["health"] for each in self.ask("targets")["activeTargets"]}

    def result(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("query", query=expression)["result"]
        return found


@contextmanager
def prometheus_server(directory: Path, targets: dict[str, dict[str, Any]]) -> Iterator[Prometheus]:
    directory.mkdir()
    rules = directory / "alerts.yaml"
    shutil.copy(DEPLOY / "alerts.yaml", rules)
    config = directory / "prometheus.yml"
    scrapes = [
        {"job_name": job, "scrape_interval": "250ms", "scrape_timeout": "250ms", **how} for job, how in targets.items()
    ]
    config.write_text(
        yaml.safe_dump(
            {"global": {"evaluation_interval": "500ms"}, "rule_files": [str(rules)], "scrape_configs": scrapes}
        )
    )
    port = free_port()
    command = [program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={directory / 'tsdb'}"]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{port}", "--enable-feature=exemplar-storage"],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        server = Prometheus(port)
        assert eventually(server.is_up, seconds=60), (directory / "log").read_text()
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def test_rules_are_rules_and_both_forms_pass_promtools_lint(tmp_path: Path) -> None:
    checked = subprocess.run(
        [program("promtool"), "check", "rules", str(DEPLOY / "alerts.yaml")], capture_output=True, text=True
    )
    rules = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"][0]["rules"]
    assert checked.returncode == 0 and f"{len(rules)} rules found" in checked.stdout, checked.stderr
    with sandbox_server() as sandbox:
        config = write_config(tmp_path / "c.yaml", sandbox.url, metrics=True, spend=True)
        with gateway_processes(config, tmp_path / "data") as [gateway]:
            call(gateway.url, "POST", "/v1/chat/completions", json.dumps({**hello(), "stream": True}).encode(), ANN)
            text = call(gateway.url, "GET", "/metrics", b"", MASTER).body
    linted = subprocess.run([program("promtool"), "check", "metrics"], input=text, capture_output=True)
    assert linted.returncode == 0, linted.stderr.decode()


def everything_happens(url: str, sandbox: SandboxServer) -> None:
    """So that each panel has something to show."""

    def chat(body: dict[str, Any], who: dict[str, str] = ANN) -> int:
        return call(url, "POST", "/v1/chat/completions", json.dumps(body).encode(), who).status

    usage: dict[str, Any] = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    sandbox.control("scripts", {"response": {**reply("yes", finish="STOP"), "usageMetadata": usage}, "times": 3})
    trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    assert [chat(hello(), {**ANN, **trace}), chat(hello()), chat({**hello(), "stream": True})] == [200] * 3
    sandbox.control("scripts", method="DELETE")
    file = call(url, *form_request({"purpose": "user_data"}, b"some text", headers=ANN)).json()["id"]
    assert [chat(about_file(file)), chat(about_file(file))] == [200, 200]
    sandbox.control("files", method="DELETE")
    assert chat(about_file(file)) == 200
    assert call(url, "GET", f"/v1/files/{file}/content", b"", ANN).status == 200
    call(url, "POST", "/team/new", json.dumps({"team_id": "ann", "max_budget": 1.0}).encode(), MASTER)
    made = call(url, "POST", "/key/generate", json.dumps({"max_budget": 1.0}).encode(), MASTER)
    assert chat(hello(), {"Authorization": f"Bearer {made.json()['key']}"}) == 200
    assert chat({**hello(), "model": "gemini-nothing"}) == 404
    unpriced = {**hello(), "model": "unpriced"}
    sandbox.control("scripts", {"response": {**reply("yes", finish="STOP"), "usageMetadata": usage}})
    assert chat(unpriced) == 200
    error = {"code": 429, "message": "no more", "status": "RESOURCE_EXHAUSTED", "details": [QUOTA]}
    sandbox.control("scripts", {"status": 429, "body": {"error": error}, "times": 5})
    assert chat(hello()) == 429
    sandbox.control("scripts", method="DELETE")


def test_prometheus_scrapes_loads_the_rules_and_fills_the_dashboard(tmp_path: Path) -> None:
    key = tmp_path / "liftgate.key"
    key.write_text("sk-master")
    port = free_port()
    with sandbox_server() as sandbox:
        config = write_config(
            tmp_path / "c.yaml",
            sandbox.url,
            metrics=True,
            spend=True,
            metrics_port=port,
            usage_write_seconds=0.2,
            max_budget=1000,
            traces_endpoint="http://127.0.0.1:9/v1/traces",
            traces_ratio=0.0,
        )
        document = yaml.safe_load(config.read_text())
        [entry] = document["model_list"]
        params = {**entry["litellm_params"], "model": "gemini/gemini-9-flash"}
        document["model_list"].append({"model_name": "unpriced", "litellm_params": params})
        document["router_settings"] = {"num_retries": 1}
        config.write_text(yaml.safe_dump(document))
        # Both processes listen on the port of its own; each has a door of its own beside.
        with gateway_processes(config, tmp_path / "data", 2) as gateways:
            places = [gateway.url.removeprefix("http://") for gateway in gateways]
            by_key = {"authorization": {"credentials_file": str(key)}}
            targets: dict[str, dict[str, Any]] = {
                "by key": {**by_key, "static_configs": [{"targets": places[:1]}]},
                "wrong key": {
                    "authorization": {"credentials": "sk-wrong"},
                    "static_configs": [{"targets": places[:1]}],
                },
                "own port": {"static_configs": [{"targets": [f"127.0.0.1:{port}"]}]},
            }
            with prometheus_server(tmp_path / "prometheus", targets) as prometheus:
                wanted = {"by key": "up", "wrong key": "down", "own port": "up"}
                assert eventually(lambda: prometheus.health() == wanted, seconds=30), prometheus.ask("targets")
                for gateway in gateways:
                    everything_happens(gateway.url, sandbox)
                [group] = prometheus.ask("rules")["groups"]
                rules = yaml.safe_load((DEPLOY / "alerts.yaml").read_text())["groups"][0]["rules"]
                assert {rule["name"] for rule in group["rules"]} == {rule["alert"] for rule in rules}
                assert eventually(lambda: rule_health(prometheus) == {"ok"}, seconds=30), rule_health(prometheus)
                board = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
                for panel in board["panels"]:
                    for target in panel["targets"]:
                        expression = target["expr"]
                        if any(name in expression for name in NOTHING_FAILED):
                            assert prometheus.result(expression) == []
                            continue
                        assert eventually(lambda: prometheus.result(expression) != [], seconds=20), expression  # noqa: B023
                        shown = {label for series in prometheus.result(expression) for label in series["metric"]}
                        legend = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
                        assert legend - MAY_BE_EMPTY <= shown, (panel["title"], legend, shown)
                # Whichever process is asked, the sums are those of both.
                counted = 'sum by (job) (http_server_request_duration_seconds_count{http_route="/v1/chat/completions"})'
                assert eventually(
                    lambda: len({each["value"][1] for each in prometheus.result(counted)}) == 1, seconds=20
                )
                found = prometheus.ask(
                    "query_exemplars",
                    query="http_server_request_duration_seconds_bucket",
                    start="0",
                    end="99999999999",
                )
                traces = {each["labels"]["trace_id"] for series in found for each in series["exemplars"]}
                assert traces == {"4bf92f3577b34da6a3ce929d0e0e4736"}
                # A process dies in the middle of being scraped: no sum falls.
                before = {each["metric"]["job"]: float(each["value"][1]) for each in prometheus.result(counted)}
                gateways[1].kill()
                assert eventually(lambda: up(prometheus) >= {"by key"}, seconds=20)
                falls = f"sum(resets({counted.split('(', 2)[2].removesuffix(')')}[5m]))"
                assert [each["value"][1] for each in prometheus.result(falls)] == ["0"], before


def rule_health(prometheus: Prometheus) -> set[str]:
    [group] = prometheus.ask("rules")["groups"]
    return {rule["health"] for rule in group["rules"]}


def up(prometheus: Prometheus) -> set[str]:
    return {job for job, health in prometheus.health().items() if health == "up"}
