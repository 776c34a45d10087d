"""What a backup has beside files is there again on the other database, and on the first one after that: stored
responses, conversations, keys with what they spent, usage. Sign-ins and what ran are not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gateways import MODEL, gateway_server, sandbox_server
from liftgate.settings import load_settings
from postgres_cluster import PostgresCluster
from processes import write_config
from raw_http import Answer, call
from running import eventually
from terminal import Cli

ANN = {"Authorization": "Bearer sk-ann"}
MASTER = {"Authorization": "Bearer sk-master"}
PAGE = {"Sec-Fetch-Site": "same-origin", "X-Liftgate-Page": "1", "Content-Type": "application/json"}
CHAT = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE = f"data:image/png;base64,{PNG}"
SEEN = [{"role": "user", "content": [{"type": "input_image", "image_url": IMAGE}, {"type": "input_text", "text": "?"}]}]


@dataclass(frozen=True)
class Place:
    cli: Cli
    config: Path
    data: Path
    database_url: str = ""

    @property
    def flags(self) -> dict[str, str]:
        return {"database_url": self.database_url} if self.database_url else {}

    def admin(self, *arguments: object) -> None:
        more = ["--database-url", self.database_url] if self.database_url else []
        self.cli.run("admin", *arguments, "--config", self.config, "--data-dir", self.data, *more)

    @contextmanager
    def gateway(self) -> Iterator[str]:
        settings, _ = load_settings(self.config, {"data_dir": str(self.data), **self.flags}, {})
        with gateway_server(settings) as url:
            yield url


def ask(url: str, method: str, door: str, body: object = None, key: dict[str, str] = ANN) -> Answer:
    return call(url, method, door, None if body is None else json.dumps(body).encode(), key)


def there(url: str, known: dict[str, str]) -> dict[str, Any]:
    """What clients and operators see."""
    seen: dict[str, Any] = {
        door: ask(url, "GET", door).json()
        for door in (
            f"/v1/responses/{known['first']}",
            f"/v1/responses/{known['second']}/input_items?limit=100",
            f"/v1/responses/{known['behind']}",
            f"/v1/conversations/{known['talk']}",
            f"/v1/conversations/{known['talk']}/items?limit=100",
        )
    }
    for name in ("good", "blocked"):
        info = ask(url, "GET", f"/key/info?key={known[name]}", None, MASTER).json()["info"]
        seen[name] = {field: info[field] for field in ("spend", "blocked", "key_alias", "max_budget", "user_id")}
    seen["usage"] = ask(url, "GET", "/liftgate/usage", None, MASTER).json()
    return seen


@pytest.mark.full
def test_what_stands_beside_files_goes_from_each_database_to_the_other(
    tmp_path: Path, postgres_cluster: PostgresCluster
) -> None:
    database_url = postgres_cluster.create_database()
    with sandbox_server() as sandbox:
        quiet: dict[str, object] = {"sweep_seconds": 600, "purge_seconds": 600, "spend": True}
        config = write_config(tmp_path / "config.yaml", sandbox.url, **quiet)  # type: ignore[arg-type]
        cli = Cli(tmp_path / "home")
        places = [
            Place(cli, config, tmp_path / "first"),
            Place(cli, config, tmp_path / "second", database_url),
            Place(cli, config, tmp_path / "third"),
        ]
        known: dict[str, str] = {}
        with places[0].gateway() as url:
            asked = {"model": MODEL, "input": SEEN, "instructions": "Be brief. " * 500}
            known["first"] = ask(url, "POST", "/v1/responses", asked).json()["id"]
            more = {**asked, "input": "more", "previous_response_id": known["first"]}
            known["second"] = ask(url, "POST", "/v1/responses", more).json()["id"]
            known["talk"] = ask(url, "POST", "/v1/conversations", {"items": SEEN, "metadata": {"a": "b"}}).json()["id"]
            assert ask(url, "POST", "/v1/responses", {**asked, "conversation": known["talk"]}).status == 200
            behind = ask(url, "POST", "/v1/responses", {**asked, "background": True}).json()["id"]
            while ask(url, "GET", f"/v1/responses/{behind}").json()["status"] in ("queued", "in_progress"):
                pass
            known["behind"] = behind
            for name in ("good", "blocked"):
                made = {"key_alias": name, "user_id": "team", "max_budget": 5, "rpm_limit": 1000}
                known[name] = ask(url, "POST", "/key/generate", made, MASTER).json()["key"]
                key = {"Authorization": f"Bearer {known[name]}"}
                assert ask(url, "POST", "/v1/chat/completions", CHAT, key).status == 200
            assert ask(url, "POST", "/key/block", {"key": known["blocked"]}, MASTER).status == 200
            signed = call(url, "POST", "/liftgate/session", b'{"key": "sk-ann"}', PAGE)
            cookie = {"Cookie": signed.headers["set-cookie"].partition(";")[0], "Sec-Fetch-Site": "same-origin"}
            assert call(url, "GET", "/v1/files", None, cookie).status == 200
            assert eventually(lambda: all(there(url, known)[name]["spend"] > 0 for name in ("good", "blocked")))
            before = there(url, known)
            assert before["blocked"]["blocked"] is True and len(before["usage"]["data"]) > 1
        for number, (place, target) in enumerate(pairwise(places)):
            place.admin("backup", tmp_path / f"backup{number}")
            target.admin("restore", tmp_path / f"backup{number}")
            with target.gateway() as url:
                assert there(url, known) == before
                goes_on = {"model": MODEL, "input": "and?", "store": False}
                assert ask(url, "POST", "/v1/responses", goes_on).status == 200
                assert (
                    ask(url, "POST", "/v1/responses", {**goes_on, "previous_response_id": known["behind"]}).status
                    == 200
                )
                key = {"Authorization": f"Bearer {known['blocked']}"}
                assert ask(url, "POST", "/v1/chat/completions", CHAT, key).status in (401, 403)
                assert call(url, "GET", "/v1/files", None, cookie).status == 401
                key = {"Authorization": f"Bearer {known['good']}"}
                assert ask(url, "GET", "/v1/models", None, key).status == 200
                before["usage"] = there(url, known)["usage"]
    postgres_cluster.drop_database(database_url)
