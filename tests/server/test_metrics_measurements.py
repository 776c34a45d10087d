"""What happens beside calls, counted: copies and why they are made, leases, deletes, the catalogue and the store, jobs,
quotas of Google's, budgets. One gateway for all; each case looks at what became more.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from gateways import MODEL, SandboxServer, deployments, gateway_server, sandbox_server, settings_for
from liftgate.measurements import Name
from liftgate.metrics.recorder import FAMILIES
from liftgate.sandbox.app import SandboxSettings
from liftgate.settings import CountingSettings, JobSettings, LimitSettings, RouterSettings
from moved_clock import BriskClock
from raw_http import call
from running import eventually, form_request
from test_meter import about_file, hello, reply
from test_metrics import ANN, MASTER, Samples, of, scrape

ONE, TWO = "account-key-a", "account-key-b"
OTHER_MODEL = "gemini-2.5-pro"
QUOTA = "GenerateRequestsPerMinutePerProjectPerModel"
HOURS = 3600


class Rig:
    """`more` than at the last `mark`."""

    def __init__(self, url: str, sandbox: SandboxServer) -> None:
        self.url, self.sandbox = url, sandbox
        self.before: Samples = {}

    def mark(self) -> None:
        self.before = scrape(self.url)

    def more(self, name: str, **labels: str) -> float:
        return of(scrape(self.url), name, **labels) - of(self.before, name, **labels)

    def upload(self, content: bytes, name: str = "a.txt", **fields: str) -> str:
        made = call(self.url, *form_request({"purpose": "user_data", **fields}, content, name=name, headers=ANN))
        assert made.status == 200, made.body
        found: str = made.json()["id"]
        return found

    def chat(self, body: dict[str, Any], who: dict[str, str] = ANN) -> int:
        return call(self.url, "POST", "/v1/chat/completions", json.dumps(body).encode(), who).status

    def about(self, file: str) -> int:
        return self.chat(about_file(file))

    def key(self, **fields: Any) -> dict[str, str]:
        made = call(self.url, "POST", "/key/generate", json.dumps(fields).encode(), MASTER)
        assert made.status == 200, made.body
        return {"Authorization": f"Bearer {made.json()['key']}"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with sandbox_server(SandboxSettings(quota_bytes=4_000_000)) as sandbox:
        settings = settings_for(
            sandbox,
            tmp_path_factory.mktemp("house"),
            deployments=(*deployments(sandbox.url), *deployments(sandbox.url, ("key-b",), OTHER_MODEL)),
            router=RouterSettings(num_retries=1, cooldown_time=0.01, fallbacks=({MODEL: (OTHER_MODEL,)},)),
            counting=CountingSettings(spend=True, metrics=True, usage_write_seconds=0.2),
            limits=LimitSettings(inline_limit=1000, owner_max_bytes=20_000_000),
            jobs=JobSettings(
                purge_seconds=0.2, sweep_seconds=0.3, renew_seconds=1, use_write_seconds=0.1, evict_idle_seconds=0.0
            ),
        )
        with gateway_server(settings, allow_errors=True, clock=BriskClock()) as url:
            yield Rig(url, sandbox)


@pytest.fixture
def rig(house: Rig) -> Rig:
    house.sandbox.control("faults", method="DELETE")
    house.sandbox.control("scripts", method="DELETE")
    house.mark()
    return house


def test_every_name_has_its_family() -> None:
    assert set(get_args(Name)) == set(FAMILIES)


def test_a_copy_is_made_once_and_again_when_google_lost_it(rig: Rig) -> None:
    content = b"the first of its kind"
    file = rig.upload(content)
    assert [rig.about(file), rig.about(file)] == [200, 200]
    assert eventually(lambda: rig.more("liftgate_replica_lookups_total", result="hit", account=ONE) == 1)
    assert rig.more("liftgate_replica_lookups_total", result="miss", account=ONE) == 1
    assert rig.more("liftgate_page_ins_total", account=ONE, reason="chat", outcome="done") == 1
    assert rig.more("liftgate_page_in_bytes_total", account=ONE) == len(content)
    for phase in ("lease", "send", "active"):
        assert rig.more("liftgate_page_in_seconds_count", phase=phase) == 1, phase
    rig.sandbox.control("files", method="DELETE")
    assert rig.about(file) == 200
    assert eventually(lambda: rig.more("liftgate_replica_lookups_total", result="lost", account=ONE) == 1)
    assert rig.more("liftgate_page_ins_total", account=ONE, reason="repair", outcome="done") == 1
    assert rig.more("liftgate_evictions_total", account=ONE, reason="lost") == 1
    assert call(rig.url, "DELETE", f"/v1/files/{file}", b"", ANN).status == 200
    assert eventually(lambda: rig.more("liftgate_deletions_total", account=ONE, outcome="done") >= 1)
    assert eventually(lambda: of(scrape(rig.url), "liftgate_leases_held", kind="replica") == 0)


def test_a_copy_whose_time_is_nearly_over_is_found_expired(rig: Rig) -> None:
    file = rig.upload(b"for two days")
    assert rig.about(file) == 200
    rig.sandbox.control("clock", {"advance": 48 * HOURS - 60})
    try:
        # Google's clock is learnt from its next answer.
        assert rig.chat(hello()) == 200
        assert rig.about(file) == 200
        assert rig.more("liftgate_replica_lookups_total", result="expired", account=ONE) == 1
        assert rig.more("liftgate_page_ins_total", account=ONE, reason="chat", outcome="done") == 2
    finally:
        rig.sandbox.control("clock", {"reset": True})
        rig.chat(hello())


def test_what_was_asked_for_at_an_upload_is_counted_as_that_and_is_no_lookup(rig: Rig) -> None:
    rig.upload(b"taken there at once", target_model_names=MODEL)
    assert eventually(lambda: rig.more("liftgate_page_ins_total", account=ONE, reason="asked", outcome="done") == 1)
    assert rig.more("liftgate_replica_lookups_total") == 0


def test_what_google_cannot_use_is_a_failed_page_in_and_then_refused(rig: Rig) -> None:
    rig.sandbox.control("faults", {"kind": "failed_processing", "operation": "upload.finalize"})
    file = rig.upload(b"spoilt")
    assert [rig.about(file), rig.about(file)] == [400, 400]
    assert eventually(lambda: rig.more("liftgate_replica_lookups_total", result="refused", account=ONE) == 1)
    assert rig.more("liftgate_page_ins_total", account=ONE, reason="chat", outcome="failed") == 1


def test_room_in_a_full_project_is_made_by_evicting(rig: Rig) -> None:
    files = [rig.upload(bytes([65 + number]) * 1_500_000) for number in range(3)]
    assert [rig.about(file) for file in files] == [200, 200, 200]
    assert rig.more("liftgate_evictions_total", account=ONE, reason="quota") >= 1
    assert rig.more("liftgate_upstream_refusals_total", account=ONE) >= 1


def test_a_quota_of_googles_cools_the_deployment_and_the_next_model_answers(rig: Rig) -> None:
    violation = {"quotaMetric": "generativelanguage.googleapis.com/x", "quotaId": QUOTA}
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}]
    error = {"code": 429, "message": "no more", "status": "RESOURCE_EXHAUSTED", "details": details}
    rig.sandbox.control("scripts", {"status": 429, "body": {"error": error}, "model": MODEL, "times": 3})
    assert rig.chat(hello()) == 200
    first = {"deployment": "deployment-key-a"}
    assert eventually(lambda: rig.more("liftgate_upstream_attempts_total", **first, outcome="fell_back") == 1)
    assert rig.more("liftgate_upstream_attempts_total", **first, outcome="retried") == 1
    assert rig.more("liftgate_upstream_attempts_total", deployment="deployment-key-b", outcome="ok") == 1
    assert rig.more("liftgate_upstream_refusals_total", account=ONE, quota_id=QUOTA) == 2
    assert rig.more("liftgate_cooldowns_total", **first, reason="UpstreamRateLimited") >= 1


def test_what_a_call_brings_itself_comes_in_by_doors_of_its_own(rig: Rig) -> None:
    data = base64.b64encode(b"x" * 2000).decode()
    part = {"type": "file", "file": {"filename": "a.txt", "file_data": f"data:text/plain;base64,{data}"}}
    assert rig.chat({"model": MODEL, "messages": [{"role": "user", "content": [part]}]}) == 200
    inline = {"door": "inline"}
    assert rig.more("liftgate_uploads_total", **inline, outcome="ok") == 1
    assert rig.more("liftgate_upload_bytes_total", **inline) == 2000
    assert rig.more("liftgate_upload_seconds_count", **inline) == 1


def test_pieces_of_a_stream_are_counted_by_their_mean(rig: Rig) -> None:
    for path, body in (
        ("/v1/chat/completions", {**hello(), "stream": True}),
        (f"/v1beta/models/{MODEL}:streamGenerateContent?alt=sse", {"contents": [{"parts": [{"text": "x"}]}]}),
    ):
        rig.mark()
        chunks = [reply("one"), reply("two"), reply("three", finish="STOP")]
        rig.sandbox.control("scripts", {"chunks": chunks})
        assert call(rig.url, "POST", path, json.dumps(body).encode(), ANN).status == 200
        counted = "gen_ai_client_operation_time_per_output_chunk_seconds_count"
        assert eventually(lambda: rig.more(counted) == 2), path  # noqa: B023


def test_the_catalogue_the_store_and_the_jobs_say_how_long_they_take(rig: Rig) -> None:
    file = rig.upload(b"here and there")
    assert call(rig.url, "GET", f"/v1/files/{file}/content", b"", ANN).body == b"here and there"
    assert rig.more("liftgate_blob_seconds_count", op="store", outcome="ok") == 1
    assert rig.more("liftgate_blob_seconds_count", op="read", outcome="ok") == 1
    assert rig.more("liftgate_catalog_seconds_count", kind="write", outcome="ok") >= 1
    assert rig.more("liftgate_catalog_seconds_count", kind="read", outcome="ok") >= 1
    alias = f"twice-{file}"
    rig.key(key_alias=alias)
    twice = call(rig.url, "POST", "/key/generate", json.dumps({"key_alias": alias}).encode(), MASTER)
    assert twice.status == 409 and rig.more("liftgate_catalog_seconds_count", outcome="refused") == 1
    for job in ("tick", "uses", "purge", "renew", "sweep", "spend"):
        assert eventually(lambda: of(scrape(rig.url), "liftgate_job_seconds_count", job=job, outcome="ok") >= 1), job  # noqa: B023
    assert rig.chat(hello()) == 200
    assert of(scrape(rig.url), "liftgate_upstream_connections") >= 1


def test_refusals_say_which_limit_it_was(rig: Rig) -> None:
    poor = rig.key(key_alias="poor", max_budget=0.0000001)
    assert rig.chat(hello(), poor) == 429
    quick = rig.key(key_alias="quick", rpm_limit=1)
    assert [rig.chat(hello(), quick), rig.chat(hello(), quick)] == [200, 429]
    few = rig.key(key_alias="few", tpm_limit=1)
    rig.chat(hello(), few)
    assert rig.chat(hello(), few) == 429
    bound = rig.key(key_alias="bound", models=["gemini-2.0-flash"])
    assert rig.chat(hello(), bound) == 403
    reader = rig.key(key_alias="reader", key_type="read_only")
    assert rig.chat(hello(), reader) == 403
    large = call(rig.url, *form_request({"purpose": "user_data"}, b"z" * 21_000_000, name="z.txt", headers=ANN))
    assert large.status == 413
    wanted = {
        ("poor", "BudgetReached"): "usd",
        ("quick", "RateReached"): "requests",
        ("few", "RateReached"): "tokens",
        ("bound", "PermissionDenied"): "model",
        ("reader", "PermissionDenied"): "route",
        ("ann", "TooLarge"): "bytes",
    }
    for (key, error), kind in wanted.items():
        labels = {"key": key, "error": error, "kind": kind}
        assert eventually(lambda: rig.more("liftgate_refusals_total", **labels) == 1), labels  # noqa: B023


def test_budgets_are_told_with_what_is_left_and_when_they_begin_anew(rig: Rig) -> None:
    alias = "team"
    key = rig.key(
        key_alias=alias,
        max_budget=2.0,
        budget_duration="1d",
        soft_budget=0.0000001,
        budget_limits=[{"budget_duration": "1mo", "max_budget": 50}],
        metadata={"x": '"max_budget":1'},
    )
    usage = {"promptTokenCount": 1000, "candidatesTokenCount": 10, "totalTokenCount": 1010}
    rig.sandbox.control("scripts", {"response": {**reply("yes", finish="STOP"), "usageMetadata": usage}})
    assert rig.chat(hello(), key) == 200
    # gemini-2.5-flash: $0.30 and $2.50 for a million tokens.
    spent = 1000 * 0.30e-6 + 10 * 2.50e-6

    def left() -> float:
        return of(scrape(rig.url), "liftgate_budget_left_usd", key=alias, window="1d")

    assert eventually(lambda: left() == pytest.approx(2.0 - spent, abs=1e-9), seconds=15), left()
    found = scrape(rig.url)
    assert of(found, "liftgate_budget_usd", key=alias, window="1d") == 2.0
    assert of(found, "liftgate_budget_usd", key=alias, window="1mo") == 50.0
    assert of(found, "liftgate_budget_left_usd", key=alias, window="1mo") == pytest.approx(50.0 - spent, abs=1e-9)
    day = of(found, "liftgate_budget_reset_timestamp_seconds", key=alias, window="1d")
    assert day % 86_400 == 0 and day <= of(found, "liftgate_budget_reset_timestamp_seconds", key=alias, window="1mo")
    assert of(found, "liftgate_soft_budget_left_usd", key=alias) == pytest.approx(1e-7 - spent, abs=1e-9)
    assert of(found, "liftgate_leased_usd") >= 0.0


def test_what_has_begun_and_not_ended_is_told(rig: Rig) -> None:
    body = {"filename": "a.txt", "purpose": "user_data", "bytes": 10, "mime_type": "text/plain"}
    assert call(rig.url, "POST", "/v1/uploads", json.dumps(body).encode(), ANN).status == 200
    start = {
        **ANN,
        "X-Goog-Upload-Protocol": "resumable",
        "X-Goog-Upload-Command": "start",
        "X-Goog-Upload-Header-Content-Length": "10",
        "X-Goog-Upload-Header-Content-Type": "text/plain",
    }
    assert call(rig.url, "POST", "/upload/v1beta/files", b"{}", start).status == 200
    for kind in ("parts", "native"):
        assert eventually(lambda: of(scrape(rig.url), "liftgate_uploads_open", kind=kind) == 1), kind  # noqa: B023
    found = scrape(rig.url)
    assert {dict(labels)["state"] for name, labels in found if name == "liftgate_background_responses"} == {
        "queued",
        "in_progress",
    }
    accounts = {dict(labels)["account"] for name, labels in found if name == "liftgate_doomed_oldest_seconds"}
    assert accounts == {ONE, TWO}
    [(_, build)] = [series for series in found if series[0] == "liftgate_build_info"]
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", dict(build)["version"])


@pytest.mark.full
def test_a_catalogue_with_many_budgets_tells_those_that_are_nearest_to_their_end(tmp_path: Path) -> None:
    """Of keys that were never used nothing is spent: the one that is goes first."""
    from liftgate.metrics.calls import MOST_KEYS

    with sandbox_server() as sandbox:
        settings = settings_for(sandbox, tmp_path, counting=CountingSettings(metrics=True))
        with gateway_server(settings) as url:
            rig = Rig(url, sandbox)
            used = rig.key(key_alias="used", max_budget=1.0)
            for number in range(MOST_KEYS):
                rig.key(key_alias=f"idle-{number}", max_budget=1.0)
            assert rig.chat(hello(), used) == 200

            def shown() -> set[str]:
                return {dict(labels)["key"] for name, labels in scrape(url) if name == "liftgate_budget_usd"}

            assert eventually(lambda: "used" in shown() and len(shown()) == MOST_KEYS, seconds=15)
