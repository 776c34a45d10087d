"""No route is left out: a route that is added must get its doors in `owners_doors`, or a reason here."""

from __future__ import annotations

from collections.abc import Iterator

from liftgate.dialects.chat.media import READERS
from liftgate.engine.pass_through import METHODS, STREAM
from liftgate.errors import MethodNotAllowed, RouteNotFound
from liftgate.server.routes import SPEND_ROUTES, TABLES
from liftgate.server.routing import RouteTable
from owners_doors import (
    ANTHROPIC_FILES,
    CHATS,
    CONVERSATIONS,
    FILES,
    KEYS,
    MESSAGES,
    NATIVE_BODIES,
    NATIVE_CALLS,
    NATIVE_FILES,
    OWNERS,
    REFERENCES,
    RESPONSES,
    SESSIONS,
    STORED,
    UPLOADS,
)
from owners_house import Door

Place = tuple[str, str, str]
"""What is spoken, the path with its prefix, the method."""

SPEND = [route.path for route in SPEND_ROUTES if "GET" in route.handlers]
HEALTH = ("/liveness", "/liveliness", "/readiness")

READ = ("GET", "HEAD")
SPOKEN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("openai", ("/v1", "")),
    ("gemini", ("/v1beta", "/v1")),
    ("anthropic", ("/v1",)),
)
NAMES_NOTHING: set[Place] = {
    *(
        (dialect, f"{prefix}/models{rest}", method)
        for dialect, prefixes in SPOKEN
        for prefix in prefixes
        for rest in ("", "/{model:path}")
        for method in READ
    ),
    *(
        ("openai", f"{prefix}/{what}/info", method)
        for prefix in ("/v1", "")
        for what in ("model", "model_group")
        for method in READ
    ),
    *(("openai", f"/health{what}", method) for what in ("", *HEALTH) for method in READ),
    *(("openai", f"/liftgate/{what}", method) for what in ("accounts", "health", "session") for method in READ),
    *(("openai", path, method) for path in ("/", "/ui", "/ui/{name}") for method in READ),
    # Sums of an owner's: tests/server/test_usage.py names other owners and their keys at each.
    *(("openai", path, method) for path in ("/metrics", "/liftgate/usage", *SPEND) for method in READ),
    *(("openai", "/liftgate/session", method) for method in ("POST", "DELETE")),
    ("anthropic", "/v1/files", "POST"),
    ("openai", "/key/generate", "POST"),
    ("openai", "/key/service-account/generate", "POST"),
    *(
        ("openai", f"{prefix}/{made}", "POST")
        for prefix in ("/v1", "")
        for made in ("files", "uploads", "conversations")
    ),
}
"""Models are everybody's; what is only made names nothing that is there."""


def places() -> Iterator[tuple[Place, RouteTable]]:
    """Each place, and a table that has nothing else, in the order in which they are looked at."""
    for of_api in TABLES:
        for routes, prefixes in of_api.groups:
            for route in routes:
                for prefix in prefixes:
                    table = RouteTable([([route], [prefix])])
                    for method in route.methods:
                        yield (of_api.dialect.name, prefix + route.path, method), table


def place_of(door: Door) -> Place:
    path = door.path.partition("?")[0].replace("{}", "x")
    for place, table in places():
        if place[0] == door.speaks:
            try:
                table.find(door.method, path)
            except (RouteNotFound, MethodNotAllowed):
                continue
            if place[2] == door.method:
                return place
    raise AssertionError(f"{door.method} {door.path} is no route")


def test_every_route_has_its_door() -> None:
    tables = (FILES, NATIVE_FILES, ANTHROPIC_FILES, CHATS, MESSAGES, RESPONSES, STORED, REFERENCES, NATIVE_CALLS)
    others = (UPLOADS, SESSIONS, KEYS, OWNERS, CONVERSATIONS)
    behind = {place_of(door) for table in (*tables, *others) for door in table.values()}
    assert behind.isdisjoint(NAMES_NOTHING)
    assert behind | NAMES_NOTHING == {place for place, _ in places()}


def test_every_native_method_has_its_bodies() -> None:
    assert set(NATIVE_BODIES) == {*METHODS, STREAM}


def test_every_part_of_a_chat_that_names_media_has_its_door() -> None:
    named = {door.body["messages"][0]["content"][1]["type"] for door in CHATS.values() if isinstance(door.body, dict)}
    # What stands in input_audio is data, whatever it spells.
    assert named == set(READERS) - {"input_audio"}
