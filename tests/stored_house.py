"""A gateway that stores responses, on either database, and what its owner asks of it over the wire."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from gateways import MODEL, SandboxServer
from liftgate.catalog.database import open_database
from liftgate.clock import SystemClock
from openai_schema import check_answer
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
        async def read() -> list[Any]:
            database = await open_database(self.database, clock=SystemClock())
            try:
                return await database.read(lambda conn: conn.execute(sql))
            finally:
                await database.close()

        return asyncio.run(read())


def script(house: House, *parts: dict[str, Any], reason: str = "STOP") -> None:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": reason}
    house.sandbox.control("scripts", {"response": {"candidates": [candidate]}})
