"""`/liftgate/…` over the wire: what an owner finds, sees of its copies and the accounts, and nothing of another's."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, ask, client_for, deployments, gateway_server, settings_for
from liftgate.server.routes import LIFTGATE_ROUTES
from liftgate.settings import CountingSettings
from raw_http import Answer, call
from running import eventually

PAGE = (Path(__file__).parents[2] / "docs" / "page.md").read_text()


@pytest.fixture(scope="module")
def changes(sandbox: SandboxServer) -> dict[str, Any]:
    return {"deployments": deployments(sandbox.url, ("key-a", "key-b"))}


def get(url: str, path: str, key: str = "sk-ann") -> Answer:
    return call(url, "GET", "/liftgate" + path, None, {"Authorization": f"Bearer {key}"})


def test_every_route_is_on_its_page() -> None:
    there = {f"{method} /liftgate{route.path}" for route in LIFTGATE_ROUTES for method in route.handlers}
    assert there == {f"{method} {path}" for method, path in re.findall(r"^\| `([A-Z]+) (/liftgate\S*)` \|", PAGE, re.M)}


def test_a_file_is_found_and_shown_with_its_copies(url: str) -> None:
    with client_for(url) as ann, client_for(url, "sk-bob") as bob:
        talk = ann.files.create(file=("Talk at Noon.txt", b"what was said at noon"), purpose="user_data")
        bob.files.create(file=("Talk of Bob.txt", b"what Bob said"), purpose="user_data")
        [found] = get(url, "/files?search=talk&limit=5").json()["data"]
        assert (found["id"], found["mime_type"], found["copies"]) == (talk.id, "text/plain", {})
        before = [place["state"] for place in get(url, f"/files/{talk.id}/copies").json()["data"]]
        assert before == ["none", "none"]
        ask(ann, talk.id, model=MODEL)
    places = get(url, f"/files/{talk.id}/copies").json()["data"]
    assert sorted(place["state"] for place in places) == ["active", "none"]
    [there] = [place for place in places if place["state"] == "active"]
    assert there["account"] in ("account-key-a", "account-key-b") and there["bytes"] == 21
    shown = get(url, f"/files/{talk.id}").json()
    assert shown["usage"] is None
    assert shown["copies"] == {"active": 1} and shown["copies_until"] == there["until"]
    assert there["until"] - shown["created_at"] == pytest.approx(48 * 3600, abs=60)


def test_a_file_shows_what_the_requests_with_it_cost(sandbox: SandboxServer, tmp_path: Path) -> None:
    settings = replace(settings_for(sandbox, tmp_path), counting=CountingSettings(spend=True))
    with gateway_server(settings) as url, client_for(url) as ann:
        one, two, unused = (
            ann.files.create(file=(f"{name}.txt", name.encode()), purpose="user_data").id for name in ("1", "2", "3")
        )

        def costs(*parts: dict[str, object]) -> float:
            words = {"type": "text", "text": "What is it?"}
            answer = ann.chat.completions.create(
                model=MODEL,
                messages=[{"role": "user", "content": [words, *parts]}],  # type: ignore[list-item, misc]
            )
            return float(answer.usage.cost)  # type: ignore[union-attr]

        def named(file: str) -> dict[str, object]:
            return {"type": "file", "file": {"file_id": file}}

        costs()
        alone = costs(named(one))
        together = costs(named(one), named(two))
        answer = ann.responses.create(
            model=MODEL, input=[{"role": "user", "content": [{"type": "input_file", "file_id": two}]}]
        )
        response = float(answer.usage.cost)  # type: ignore[union-attr]
        uri = {"fileUri": f"files/{two[5:]}", "mimeType": "text/plain"}
        native = json.dumps({"contents": [{"parts": [{"fileData": uri}]}]}).encode()
        said = call(url, "POST", f"/v1beta/models/{MODEL}:generateContent", native, {"Authorization": "Bearer sk-ann"})
        google = float(said.headers["x-liftgate-response-cost"])
        expected = {one: (2, alone + together), two: (3, together + response + google), unused: (0, 0.0)}
        for file, (requests, cost) in expected.items():
            usage = get(url, f"/files/{file}").json()["usage"]
            assert usage == {"requests": requests, "unpriced": 0, "cost": pytest.approx(cost, abs=1e-12)}
        assert alone > 0 and get(url, f"/files/{one}", "sk-bob").status == 404


def test_an_account_shows_an_owner_its_part_and_master_the_whole(url: str) -> None:
    with client_for(url) as ann, client_for(url, "sk-bob") as bob:
        for client, content in ((ann, b"a" * 1000), (bob, b"b" * 500)):
            ask(client, client.files.create(file=("part.txt", content), purpose="user_data").id)

    def held(key: str) -> int:
        return sum(each["bytes"] for each in get(url, "/accounts", key).json()["data"])

    assert held("sk-bob") == 500
    anns = held("sk-ann")
    assert anns >= 1000 and held("sk-master") == anns + 500
    whole = get(url, "/accounts", "sk-master").json()
    assert {each["limit_bytes"] for each in whole["data"]} == {20 * 2**30}
    assert whole["scope"] == "all owners" and all(each["to_purge"] is not None for each in whole["data"])
    part = get(url, "/accounts", "sk-bob").json()
    assert part["scope"] == "bob" and all(each["to_purge"] is None for each in part["data"])
    assert part["data"][0]["models"] == [MODEL]


def test_a_refused_copy_is_told_to_its_owner_with_googles_reason(url: str, sandbox: SandboxServer) -> None:
    sandbox.control(
        "faults", {"kind": "failed_processing", "operation": "upload.finalize", "message": "The codec is unknown."}
    )
    with client_for(url, "sk-bob") as bob:
        bad = bob.files.create(
            file=("bad.txt", b"of no use"), purpose="user_data", extra_body={"target_model_names": MODEL}
        )
        assert eventually(lambda: bool(get(url, "/accounts", "sk-bob").json()["failed"]))
        [failed] = get(url, "/accounts", "sk-bob").json()["failed"]
        assert (failed["file_id"], failed["filename"], failed["state"]) == (bad.id, "bad.txt", "failed")
        assert "The codec is unknown." in failed["last_error"]
        places = get(url, f"/files/{bad.id}/copies", "sk-bob").json()["data"]
        assert [each["last_error"] for each in places if each["state"] == "failed"] == [failed["last_error"]]
        for key in ("sk-ann", "sk-master"):
            assert get(url, "/accounts", key).json()["failed"] == []


def test_health_tells_of_deployments_and_readiness(url: str) -> None:
    # Files that other tests uploaded may be on their way to Google still.
    assert eventually(lambda: get(url, "/health").json()["page_ins"] == 0)
    told = get(url, "/health").json()
    assert (told["ready"], told["problem"]) == (True, None)
    assert [(each["model_name"], each["state"]) for each in told["deployments"]] == [(MODEL, "up")] * 2


def test_how_much_of_a_copy_google_has_is_told_to_its_owner(url: str, sandbox: SandboxServer) -> None:
    sandbox.control("faults", {"kind": "stall", "operation": "upload.finalize", "after_bytes": 0, "seconds": 120})
    try:
        with client_for(url, "sk-bob") as bob:
            long = bob.files.create(
                file=("long.txt", b"words \n" * 2_500_000),
                purpose="user_data",
                extra_body={"target_model_names": MODEL},
            ).id

        def under_way(route: str, key: str) -> list[tuple[str, int, int | None]]:
            told = get(url, route, key).json()["under_way"]
            return [(each["file_id"], each["bytes"], each["sent_bytes"]) for each in told]

        # Two pieces of 8 MiB of 17,500,000 bytes: the third one waits.
        known = (long, 17_500_000, 2 * 8 * 2**20)
        assert eventually(lambda: under_way("/health", "sk-bob") == [known]), under_way("/health", "sk-bob")
        assert under_way("/accounts", "sk-bob") == [known]
        for key in ("sk-ann", "sk-master"):
            assert under_way("/health", key) == under_way("/accounts", key) == []
        assert get(url, "/health").json()["page_ins"] == 1
    finally:
        sandbox.control("faults", method="DELETE")
    assert eventually(lambda: under_way("/health", "sk-bob") == [])


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("sort=name", "sort"),
        ("order=up", "order"),
        ("status=lost", "status"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("search=" + "x" * 201, "search"),
        ("after=file-none", "after"),
        ("nope=1", "nope"),
    ],
)
def test_a_wrong_parameter_is_named(url: str, query: str, param: str) -> None:
    answer = get(url, f"/files?{query}")
    assert answer.status in (400, 404) and answer.error()["param"] == param


@pytest.mark.parametrize("path", ["/files", "/accounts", "/health", "/files/file-x", "/files/file-x/copies"])
def test_nothing_is_told_without_a_key(url: str, path: str) -> None:
    assert call(url, "GET", "/liftgate" + path).status == 401


def test_a_pdf_is_shown_in_a_frame_where_nothing_of_it_runs(url: str) -> None:
    with client_for(url) as ann:
        pdf = ann.files.create(file=("Ünï.pdf", b"%PDF-1.4\n%\xe2\xe3\n1 0 obj\nendobj\n%%EOF"), purpose="user_data").id
        page = ann.files.create(file=("page.html", b"<script>alert(1)</script>"), purpose="user_data").id
    shown = get(url, f"/files/{pdf}/preview")
    assert shown.status == 200 and shown.headers["content-type"] == "application/pdf"
    assert shown.headers["content-disposition"].startswith("inline; filename=")
    assert shown.headers["content-security-policy"].startswith("sandbox;")
    assert shown.headers["x-content-type-options"] == "nosniff"
    refused = get(url, f"/files/{page}/preview")
    assert refused.status == 400 and f"/v1/files/{page}/content" in refused.error()["message"]
