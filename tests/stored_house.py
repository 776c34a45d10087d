"""A gateway that stores responses, on either database, and what its owner asks of it over the wire."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import psycopg

from gateways import MODEL, SandboxServer
from liftgate.catalog.sqlite_file import path_of
from openai_schema import check_answer, check_event
from responses_rig import Answer, call, read_events, sent


@dataclass(frozen=True)
class House:
    """A gateway, and what its database is."""

    url: str
    sandbox: SandboxServer
    database: str

    def ask(self, *, stream: bool = False, key: str = "ann", **body: Any) -> dict[str, Any]:
        got = self.call("POST", "/v1/responses", {"model": MODEL, **body, "stream": stream}, key=key)
        assert got.status == 200, got.body
        if stream:
            last = read_events(got.body)[-1]
            assert last["type"] in ("response.completed", "response.incomplete")
            found: dict[str, Any] = last["response"]
        else:
            found = got.json()
        check_answer("POST", "/responses", 200, found)
        return found

    def refusal(self, status: int, **body: Any) -> dict[str, Any]:
        got = self.call("POST", "/v1/responses", {"model": MODEL, **body})
        assert got.status == status, got.body
        found: dict[str, Any] = got.json()["error"]
        return found

    def call(self, method: str, path: str, body: object = None, *, key: str = "ann") -> Answer:
        return call(self.url, method, path, body, {"Authorization": f"Bearer sk-{key}"})

    def items(self, response_id: str, query: str = "order=asc") -> dict[str, Any]:
        got = self.call("GET", f"/v1/responses/{response_id}/input_items?{query}")
        assert got.status == 200, got.body
        check_answer("GET", f"/responses/{response_id}/input_items", 200, got.json())
        found: dict[str, Any] = got.json()
        return found

    def contents(self) -> Any:
        return sent(self.sandbox)["contents"]

    def rows(self, sql: str) -> list[Any]:
        """By a connection of its own: one of Liftgate's would start threads and look at the whole schema first."""
        if self.database.startswith("sqlite:"):
            with closing(sqlite3.connect(path_of(self.database), timeout=60)) as file:
                return file.execute(sql).fetchall()
        with psycopg.connect(self.database, autocommit=True, options="-c search_path=liftgate") as server:
            return server.execute(sql.encode()).fetchall()


def script(house: House, *parts: dict[str, Any], reason: str = "STOP") -> None:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": reason}
    house.sandbox.control("scripts", {"response": {"candidates": [candidate]}})


def script_failure(house: House, *, stream: bool) -> None:
    """An answer that is given up: behind its first words, or each time that it is asked for."""
    said = {"content": {"role": "model", "parts": [{"text": "no"}]}}
    ended = {**said, "finishReason": "OTHER"}
    chunks = {"chunks": [{"candidates": [said]}, {"candidates": [ended]}], "delays": [0, 1]}
    house.sandbox.control("scripts", chunks if stream else {"response": {"candidates": [ended]}, "times": 2})


class Reader:
    """Of a stream, event by event."""

    def __init__(self, house: House, method: str, path: str, body: object = None) -> None:
        address = urlsplit(house.url)
        self._connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
        headers = {"Content-Type": "application/json", "Authorization": "Bearer sk-ann"}
        self._connection.request(method, path, None if body is None else json.dumps(body).encode(), headers)
        self._answer = self._connection.getresponse()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._answer.close()
        self._connection.close()

    def next(self) -> dict[str, Any]:
        while True:
            line = self._answer.readline()
            assert line, "the stream has ended"
            if line.startswith(b"data: "):
                found: dict[str, Any] = json.loads(line[6:])
                check_event(found)
                return found

    def rest(self) -> bytes:
        return self._answer.read().strip()


STREAM = {"model": MODEL, "background": True, "input": "x", "stream": True}
