"""What changes keys and owners is whole or not at all, and says which, though the catalogue goes away in its middle."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateways import gateway_server, sandbox_server, settings_for
from key_calls import MASTER, Refused, ask, make
from liftgate.keys.keyring import token_of
from liftgate.settings import StorageSettings
from postgres_cluster import PostgresCluster
from postgres_line import PostgresLine
from raw_http import Answer, call

PAGE = {"Sec-Fetch-Site": "same-origin"}
KEY = "sk-key-that-is-changed"
NEW = "sk-key-that-is-new-here"
"""Of each change: its path, its body, and a text that its transaction alone has."""
CHANGES: dict[str, tuple[str, dict[str, Any], str]] = {
    "generate": ("/key/generate", {"key": NEW, "key_alias": "marked"}, "marked"),
    "service account": ("/key/service-account/generate", {"key": NEW, "team_id": "t", "key_alias": "marked"}, "marked"),
    "update": ("/key/update", {"key": KEY, "key_alias": "marked"}, "marked"),
    "bulk update": ("/key/bulk_update", {"keys": [{"key": KEY, "key_alias": "marked"}]}, "marked"),
    "block": ("/key/block", {"key": KEY}, token_of(KEY)),
    "unblock": ("/key/unblock", {"key": KEY}, token_of(KEY)),
    "regenerate": ("/key/regenerate", {"key": KEY, "new_key": NEW, "grace_period": "1h"}, token_of(NEW)),
    "reset of spend": (f"/key/{KEY}/reset_spend", {"reset_to": 0}, token_of(KEY)),
    "delete": ("/key/delete", {"keys": [KEY]}, token_of(KEY)),
    "user with a key": ("/user/new", {"user_id": "marked", "max_budget": 1, "key_alias": "theirs"}, "marked"),
    "user": ("/user/new", {"user_id": "marked", "max_budget": 1, "auto_create_key": False}, "marked"),
    "user's update": ("/user/update", {"user_id": "leaver", "user_alias": "marked"}, "marked"),
    "user's end": ("/user/delete", {"user_ids": ["leaver"]}, "leaver"),
    "team": ("/team/new", {"team_id": "marked", "max_budget": 1}, "marked"),
}


@contextmanager
def on_a_line(postgres_url: str, place: Path) -> Iterator[tuple[str, PostgresLine]]:
    with PostgresLine.before(postgres_url) as line, sandbox_server() as sandbox:
        storage = StorageSettings(data_dir=place, database_url=line.url(postgres_url))
        with gateway_server(replace(settings_for(sandbox, place), storage=storage)) as url:
            yield url, line


def known(url: str) -> dict[str, Any]:
    """All keys and owners, as far as they change; waits until the catalogue is back."""
    end = time.monotonic() + 60
    while True:
        try:
            keys = ask(url, "GET", "/key/list?size=100&return_full_object=true")["keys"]
            owners = ask(url, "GET", "/user/list?page_size=100")["users"]
        except Refused as refused:
            assert refused.status == 503 and time.monotonic() < end
            time.sleep(0.05)
        else:
            return {each["id"]: {**each, "updated_at": None} for each in (*keys, *owners)}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_whole_or_not_at_all(what: str, line_to: tuple[str, PostgresLine]) -> None:
    """Cut before its commit it is 503 and changes nothing; cut behind it, its answer is all that it always is."""
    url, line = line_to
    prepare(url, blocked=what == "unblock")
    path, body, marker = CHANGES[what]
    before = known(url)
    line.cut(marker, "before")
    with pytest.raises(Refused) as caught:
        until_cut(line, url, path, body)
    assert caught.value.status == 503 and int(caught.value.headers["retry-after"]) >= 1
    line.mend()
    assert known(url) == before
    line.cut(marker, "behind")
    answer = until_cut(line, url, path, body)
    line.mend()
    after = known(url)
    assert after != before or what == "reset of spend"
    if path.startswith("/key/") and "id" in answer:
        assert {name: answer[name] for name in ("id", "token", "spend", "budgets")} == {
            name: after[answer["id"]][name] for name in ("id", "token", "spend", "budgets")
        }
    if what in ("generate", "service account", "regenerate", "user with a key"):
        # The secret that is shown once is there, and good.
        assert ask(url, "GET", "/v1/models", key=answer["key"])["data"]


def until_cut(line: PostgresLine, url: str, path: str, body: dict[str, Any]) -> Any:
    """The answer of the call that was cut; one that did not come as far, on a busy machine, is asked again."""
    end = time.monotonic() + 60
    while True:
        try:
            return ask(url, "POST", path, body)
        except Refused as refused:
            if line.was_cut.is_set():
                raise
            assert refused.status == 503 and time.monotonic() < end
            time.sleep(0.05)


def prepare(url: str, *, blocked: bool) -> None:
    """One key and one owner that is there, and none that is new."""
    end = time.monotonic() + 60
    while True:
        try:
            if owners := [each["user_id"] for each in ask(url, "GET", "/user/list")["users"]]:
                ask(url, "POST", "/user/delete", {"user_ids": owners})
            if keys := ask(url, "GET", "/key/list?size=100")["keys"]:
                ask(url, "POST", "/key/delete", {"keys": keys})
            make(url, key=KEY, max_budget=5, blocked=blocked)
            ask(url, "POST", "/user/new", {"user_id": "leaver", "max_budget": 1, "auto_create_key": False})
            return
        except Refused as refused:
            assert refused.status == 503 and time.monotonic() < end
            time.sleep(0.05)


@pytest.fixture(scope="module")
def shared(
    postgres_cluster: PostgresCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, PostgresLine]]:
    database = postgres_cluster.create_database(schema=True)
    with on_a_line(database, tmp_path_factory.mktemp("line")) as both:
        yield both
    postgres_cluster.drop_database(database)


@pytest.fixture
def line_to(shared: tuple[str, PostgresLine]) -> Iterator[tuple[str, PostgresLine]]:
    yield shared
    shared[1].mend()


def test_of_many_changes_those_that_were_made_are_told(line_to: tuple[str, PostgresLine]) -> None:
    url, line = line_to
    prepare(url, blocked=False)
    others = [make(url)["key"] for _ in range(2)]
    line.cut("marked", "behind")
    changes = [{"key": KEY, "key_alias": "marked"}, *({"key": each, "tags": ["late"]} for each in others)]
    told = until_cut(line, url, "/key/bulk_update", {"keys": changes})
    assert [each["key"] for each in told["successful_updates"]] == [KEY]
    assert [each["key"] for each in told["failed_updates"]] == others
    assert all("catalogue" in each["failed_reason"] for each in told["failed_updates"])
    line.mend()
    assert not any("late" in each.get("tags", ()) for each in known(url).values())


def test_a_sign_in_takes_the_place_of_the_one_before(
    line_to: tuple[str, PostgresLine],
) -> None:
    url, line = line_to
    known(url)

    def sign_in(cookie: str = "") -> Answer:
        body = b'{"key": "%s"}' % MASTER.encode()
        return call(url, "POST", "/liftgate/session", body, {**PAGE, "X-Liftgate-Page": "1", "Cookie": cookie})

    def is_in(cookie: str) -> bool:
        return bool(call(url, "GET", "/liftgate/session", headers={**PAGE, "Cookie": cookie}).json()["signed_in"])

    first = sign_in().headers["set-cookie"].partition(";")[0]
    line.cut("master", "before")
    assert sign_in(first).status == 503 and line.was_cut.is_set()
    line.mend()
    known(url)
    assert is_in(first)
    line.cut("master", "behind")
    second = sign_in(first)
    assert second.status == 200 and line.was_cut.is_set()
    line.mend()
    known(url)
    assert is_in(second.headers["set-cookie"].partition(";")[0]) and not is_in(first)
