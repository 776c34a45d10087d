"""One owner asks for more than there is, and another is served beside."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from drill import Site, eventually
from gateways import MODEL
from postgres_line import PostgresLine
from raw_http import Answer, call, connect, head

CHAT = "/v1/chat/completions"
SECONDS = 1.5
"""What each of ann's calls of the database takes."""
ASKED = 60
"""More than the database's connections can answer before a call of it is given up."""


def ask(url: str, method: str, path: str, owner: str, body: object = None) -> Answer:
    asked = None if body is None else json.dumps(body).encode()
    return call(url, method, path, asked, {"Authorization": f"Bearer sk-{owner}"})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_owner_whose_calls_take_long_keeps_nobody_else_from_the_catalogue(
    tmp_path: Path, postgres_url: str, method: str
) -> None:
    """Reads and writes."""
    with PostgresLine.before(postgres_url) as line:
        site = replace(Site(tmp_path / "site", postgres_url), database_url=line.url(postgres_url))
        with site.gateway() as gateway, ThreadPoolExecutor(ASKED) as many:
            made = ask(gateway.url, "POST", "/v1/conversations", "ann", {}).json()["id"]
            body = None if method == "GET" else {"metadata": {"a": "b"}}
            line.slow([made], SECONDS)
            begun = threading.Barrier(ASKED + 1)

            def go_on() -> int:
                begun.wait()
                return ask(gateway.url, method, f"/v1/conversations/{made}", "ann", body).status

            hers = [many.submit(go_on) for _ in range(ASKED)]
            begun.wait()
            his = [ask(gateway.url, "POST", "/v1/conversations", "bob", {}) for _ in range(3)]
            his += [ask(gateway.url, "GET", path, "bob") for path in ("/v1/files", f"/v1/conversations/{made}")]
            assert not all(each.done() for each in hers)
            assert [answer.status for answer in his] == [200, 200, 200, 200, 404]
            assert {each.result() for each in hers} == {200, 503}
            line.slow([], 0)
            assert ask(gateway.url, "GET", f"/v1/conversations/{made}", "ann").status == 200


def test_bodies_of_one_owner_leave_room_for_anothers(tmp_path: Path) -> None:
    """As many as she may hold are on their way, and their last bytes do not come."""
    text = json.dumps({"model": MODEL, "messages": "x" * 900_000}).encode()
    site = Site(tmp_path / "site")

    def post(owner: str) -> Answer:
        return call(gateway.url, "POST", CHAT, text, {"Authorization": f"Bearer sk-{owner}"})

    with site.gateway(max_body_bytes="1MiB", decoded_bytes_limit="3MiB") as gateway, ExitStack() as slow:
        for _ in range(2):
            line = slow.enter_context(connect(gateway.url))
            named = {"Authorization": "Bearer sk-ann", "Content-Length": str(len(text))}
            line.sendall(head("POST", CHAT, named) + text[:-1])
        assert eventually(lambda: post("ann").status == 503)
        refused = post("ann")
        assert "of one owner" in refused.error()["message"] and int(refused.headers["retry-after"]) >= 1
        for _ in range(3):
            # Read, and refused for what is wrong in it.
            assert post("bob").status == 400
        slow.close()
        assert eventually(lambda: post("ann").status == 400)
