"""No work of any route grows faster than what is sent to it: paths, queries, headers and bodies of every form, doubled.

Driven by the table of routes: a new one without its bodies fails here.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from growth import FEW, MOST, MOST_TIME, seconds, steps
from hostile_gemini import hostile_gemini
from liftgate.gateway import Gateway
from liftgate.large_bodies import STEP
from liftgate.server.app import App, build_app
from liftgate.server.routes import KEY_ROUTES, OWNER_ROUTES, SPEND_ROUTES, TABLES
from liftgate.settings import load_settings
from manager_bodies import KEYS, OWNERS, a_list, a_text, an_object, everything_of, growing, not_sent

TIMES = 200
JSON = "application/json"
Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Sent:
    """`pieces`: the body as the socket would give it."""

    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    pieces: tuple[bytes, ...] = ()
    kind: str = JSON


Grown = Callable[[int], Sent]


def as_json(**fields: Any) -> Sent:
    return Sent(pieces=(json.dumps(fields).encode(),))


def cut(body: bytes, kind: str, size: int = 64, **headers: str) -> Sent:
    """In many small pieces."""
    named = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items())
    return Sent(pieces=tuple(body[at : at + size] for at in range(0, len(body), size)), kind=kind, headers=named)


def raw(written: Mapping[str, Callable[[int], bytes]]) -> dict[str, Grown]:
    """Bodies as they are written there."""

    def sent(write: Callable[[int], bytes]) -> Grown:
        return lambda n: Sent(pieces=(write(n),))

    return {name: sent(write) for name, write in written.items()}


def upload(**more: Any) -> Sent:
    return as_json(**{"filename": "x", "purpose": "user_data", "bytes": 1, "mime_type": "text/plain", **more})


def completed(**more: Any) -> Sent:
    return as_json(**{"part_ids": ["part_a"], **more})


def message(messages: list[dict[str, Any]], **more: Any) -> Sent:
    return as_json(**{"model": "m", "max_tokens": 10, "messages": messages, **more})


ANY_JSON: dict[str, Grown] = {
    "fields": lambda n: as_json(**{f"field_{at}": 1 for at in range(n)}),
    "a field's name": lambda n: as_json(**{"n" * n: 1}),
    "a name of underscores": lambda n: as_json(**{"_" * n: 1}),
    "nested arrays": lambda n: Sent(pieces=(b'{"a":' + b"[" * n + b"]" * n + b"}",)),
    "nested objects": lambda n: Sent(pieces=(b'{"a":' * n + b"1" + b"}" * n,)),
    "what is no JSON": lambda n: Sent(pieces=(b"[" * n,)),
    "pieces": lambda n: cut(json.dumps({"messages": "x" * 64 * n}).encode(), JSON),
}
CHAT: dict[str, Grown] = {
    **ANY_JSON,
    "messages": lambda n: as_json(model="m", messages=[{"role": "user", "content": "x"}] * n, nope=1),
    "an answer's text": lambda n: as_json(model="garbage", messages=[{"role": "user", "content": "x" * n}]),
    "a model's name": lambda n: as_json(model="m" * n, messages=[{"role": "user", "content": "x"}]),
    "a file's name": lambda n: as_json(
        model="m", messages=[{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-" + "a" * n}}]}]
    ),
    "tool call ids": lambda n: as_json(
        model="m",
        nope=1,
        messages=[
            {"role": "user", "content": "x"},
            {"role": "assistant", "tool_calls": [{"id": f"c{at}", "type": "function"} for at in range(n)]},
        ],
    ),
}
RESPONSES: dict[str, Grown] = {
    **ANY_JSON,
    "items": lambda n: as_json(model="m", input=[{"role": "user", "content": "x"}] * n, store=False, nope=1),
    "references": lambda n: as_json(
        model="m", input=[{"type": "item_reference", "id": f"msg_{at}"} for at in range(n)]
    ),
    "an id": lambda n: as_json(model="m", input="x", previous_response_id="r" * n),
    "an answer's text": lambda n: as_json(model="garbage", input="x" * n, store=False),
    "parts": lambda n: as_json(
        model="m", store=False, nope=1, input=[{"role": "user", "content": [{"type": "input_text", "text": "x"}] * n}]
    ),
}
MESSAGES: dict[str, Grown] = {
    **ANY_JSON,
    "messages": lambda n: message([{"role": "user", "content": "x"}] * n, nope=1),
    "turns": lambda n: message([{"role": role, "content": "x"} for _ in range(n) for role in ("user", "assistant")]),
    "blocks": lambda n: message([{"role": "user", "content": [{"type": "text", "text": "x"}] * n}]),
    "an answer's text": lambda n: message([{"role": "user", "content": "x" * n}], model="garbage"),
    "a model's name": lambda n: message([{"role": "user", "content": "x"}], model="m" * n),
    "a file's name": lambda n: message(
        [{"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": "f" * n}}]}]
    ),
    "calls": lambda n: message(
        [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": f"c{at}", "name": "f"} for at in range(n)]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": f"c{at}"} for at in range(n)]},
        ]
    ),
    "signatures": lambda n: message(
        [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "x" * n}] * 4},
        ]
    ),
    "blocks within blocks": lambda n: message(
        [
            {
                "role": "user",
                "content": [
                    {
                        "type": "document",
                        "source": {"type": "content", "content": [{"type": "text", "text": "x"}] * n},
                    }
                ],
            }
        ]
    ),
}
CONVERSATION: dict[str, Grown] = {
    **ANY_JSON,
    "items": lambda n: as_json(items=[{"role": "user", "content": "x"}] * n),
    "an item's text": lambda n: as_json(items=[{"role": "user", "content": "x" * n}, {"type": "none"}]),
    "an item's parts": lambda n: as_json(
        items=[{"role": "user", "content": [{"type": "input_text", "text": "x"}] * n}, {"type": "none"}]
    ),
}
NATIVE: dict[str, Grown] = {
    **ANY_JSON,
    "contents": lambda n: as_json(model="m", contents=[{"parts": [{"text": "x"}]}] * n),
    "a name among many members": lambda n: as_json(model="m", contents=[{"parts": [{"text": "x", "k": "v"}]}] * n),
    "names of files": lambda n: as_json(contents=[{"parts": [{"fileData": {"fileUri": "gs://a/b"}}]}] * n),
    "escapes": lambda n: Sent(pieces=(b'{"model":"m","a":"' + b"\\u0041" * n + b'"}',)),
}
MULTIPART = "multipart/form-data; boundary=b"


def part(name: str, value: bytes, more: str = "") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


def form(field: str) -> dict[str, Grown]:
    end = b"--b--\r\n"
    file = '; filename="a"'
    return {
        "a field's text": lambda n: cut(part("purpose", b"x" * 16 * n) + end, MULTIPART),
        "a field of empty lines": lambda n: cut(part("purpose", b"\r\n\r\n" * n) + end, MULTIPART, 4096),
        "a file": lambda n: cut(part(field, b"x" * 64 * n, file) + end, MULTIPART),
        "a file of almost boundaries": lambda n: cut(part(field, b"\r\n--" * 16 * n, file) + end, MULTIPART),
        "a preamble": lambda n: cut(b"\r\n" * n + part("purpose", b"x") + end, MULTIPART, 16),
        "an epilogue": lambda n: cut(part("purpose", b"x") + end + b"x" * 16 * n, MULTIPART),
        "a file's name": lambda n: cut(part(field, b"x", f'; filename="{"n" * n}"') + end, MULTIPART),
        "the boundary's header": lambda n: Sent(kind="multipart/form-data; " + "; a" * n, pieces=(b"",)),
    }


RELATED = "multipart/related; boundary=b"
START = ((b"x-goog-upload-protocol", b"resumable"), (b"x-goog-upload-command", b"start"))
NATIVE_UPLOAD: dict[str, Grown] = {
    "single quotes": lambda n: Sent(headers=START, pieces=(b"'" + b"\\'" * n,)),
    "closed single quotes": lambda n: Sent(headers=START, pieces=(b"{" + b"'a':1," * n + b"}",)),
    "unknown names": lambda n: Sent(headers=START, pieces=(json.dumps({f"n{at}": 1 for at in range(n)}).encode(),)),
    "metadata in pieces": lambda n: cut(
        b"--b\r\n\r\n" + b"x" * 64 * n + b"\r\n--b\r\n\r\nx\r\n--b--", RELATED, x_goog_upload_protocol="multipart"
    ),
    "media of almost boundaries": lambda n: cut(
        b"--b\r\n\r\n{}\r\n--b\r\n\r\n" + b"\r\n--" * 16 * n + b"\r\n--b--", RELATED, x_goog_upload_protocol="multipart"
    ),
    "commands": lambda n: Sent(
        headers=((b"x-goog-upload-protocol", b"resumable"), (b"x-goog-upload-command", b"a," * n)), pieces=(b"",)
    ),
}
NONE: dict[str, Grown] = {}
BODIES: dict[tuple[str, str], dict[str, Grown]] = {
    ("POST", "/chat/completions"): CHAT,
    ("POST", "/chat/completions/input_tokens"): CHAT,
    ("POST", "/spend/calculate"): {
        **CHAT,
        "an answer's model": lambda n: as_json(completion_response={"model": "m" * n, "usage": {}}),
        "an answer's choices": lambda n: as_json(completion_response={"model": "m", "usage": {}, "choices": [{}] * n}),
    },
    ("POST", "/responses"): RESPONSES,
    ("POST", "/responses/input_tokens"): RESPONSES,
    ("POST", "/responses/compact"): RESPONSES,
    ("POST", "/responses/{response_id}/cancel"): NONE,
    ("POST", "/conversations"): CONVERSATION,
    ("POST", "/conversations/{conversation_id}"): ANY_JSON,
    ("POST", "/conversations/{conversation_id}/items"): CONVERSATION,
    ("POST", "/files"): {**form("file"), **NATIVE_UPLOAD},
    ("POST", "/messages"): MESSAGES,
    ("POST", "/messages/count_tokens"): MESSAGES,
    ("POST", "/uploads"): {
        **ANY_JSON,
        "a file's name": lambda n: upload(filename="n" * n),
        "directories": lambda n: upload(filename="a/" * n + "\\x" * n),
        "a type": lambda n: upload(mime_type="text/plain" + ";a=b" * n),
        "a purpose": lambda n: upload(purpose="p" * n),
        "a life": lambda n: upload(expires_after={f"n{at}": 1 for at in range(n)}),
        "bytes": lambda n: Sent(
            pieces=(b'{"filename":"x","purpose":"user_data","mime_type":"","bytes":1%b}' % (b"0" * n),)
        ),
    },
    ("POST", "/uploads/{upload_id}/parts"): form("data"),
    ("POST", "/uploads/{upload_id}/complete"): {
        **ANY_JSON,
        "part ids": lambda n: as_json(part_ids=[f"part_{at}" for at in range(n)]),
        "a part's id": lambda n: as_json(part_ids=["p" * n]),
        "models": lambda n: completed(target_model_names=[f"m{at}" for at in range(n)]),
        "models with commas": lambda n: completed(target_model_names="m," * n),
        "a checksum": lambda n: completed(md5="a" * n),
    },
    ("POST", "/uploads/{upload_id}/cancel"): NONE,
    ("POST", "/models/{model:path}:{method}"): NATIVE,
    ("POST", "/session"): {**ANY_JSON, "a key": lambda n: as_json(key="k" * n)},
    ("POST", "/engines/{model:path}/chat/completions"): ANY_JSON,
    ("POST", "/openai/deployments/{model:path}/chat/completions"): ANY_JSON,
    **{
        ("POST", path): {**ANY_JSON, **raw(everything_of(body))}
        for path, body in (("/key/generate", KEYS), ("/user/new", OWNERS))
    },
    **{
        ("POST", path): raw(growing(key=a_text, models=a_list, metadata=an_object, more=a_text))
        for path in ("/key/update", "/key/service-account/generate", "/key/{key}/regenerate")
    },
    **{
        ("POST", path): raw(growing(user_id=a_text, team_id=a_text, model_rpm_limit=an_object, metadata=an_object))
        for path in ("/user/update", "/team/new", "/team/update")
    },
    ("POST", "/key/regenerate"): raw(growing(key=a_text, new_key=a_text, grace_period=a_text, models=a_list)),
    ("POST", "/key/bulk_update"): raw(growing(keys=a_list, more=a_text)),
    ("POST", "/key/delete"): raw(growing(keys=a_list, key_aliases=a_list, more=a_text)),
    ("POST", "/v2/key/info"): raw(growing(keys=a_list, key_aliases=a_list, more=a_text)),
    **{("POST", f"/key/{what}"): raw(growing(key=a_text, more=an_object)) for what in ("block", "unblock")},
    ("POST", "/key/{key}/reset_spend"): raw(growing(reset_to=a_text, more=an_object)),
    **{
        ("POST", f"/{noun}/delete"): raw(growing(**{f"{noun}_ids": a_list, "more": an_object}))
        for noun in ("user", "team")
    },
}
"""What a route's body may hold, by its method and path. Azure's and the old engines' lead to chat's handler, whose own
row has all that a chat may hold; what reads a key's or an owner's fields has the whole walk at one route."""
BODILESS = {
    ("POST", "/responses/{response_id}/cancel"),
    ("POST", "/uploads/{upload_id}/cancel"),
}
QUERIES = {
    **dict.fromkeys(("page", "page_size", "size", "limit"), b"1"),
    **dict.fromkeys(("by", "team_ids", "exclude_team_ids", "group_by", "ids[]"), b"model,"),
    **dict.fromkeys(("start_date", "end_date", "start", "end", "created"), b"2026-11-28"),
    **dict.fromkeys(("key", "api_key", "key_hash", "key_id"), b"sk-"),
    **dict.fromkeys(("user_id", "team_id", "internal_user_id", "owner", "key_alias", "model", "request_id"), b"m"),
    **dict.fromkeys(("search", "type", "purpose", "status", "sort", "sort_by", "sort_order", "order", "after"), b"m%"),
    **dict.fromkeys(("return_full_object", "summarize", "include[]", "pageToken", "pageSize", "filter", "alt"), b"a"),
}
"""What routes that are looked at take, and what is repeated in it."""

AROUND: dict[str, Grown] = {
    "pairs of the query": lambda n: Sent(query=b"&".join(b"a%d=1" % at for at in range(n))),
    "a value of the query": lambda n: Sent(query=b"after=" + b"%61" * n),
    "equal keys of the query": lambda n: Sent(query=b"key=1&" * n),
    "ampersands": lambda n: Sent(query=b"&" * n),
    "headers": lambda n: Sent(headers=tuple((b"x-%d" % at, b"1") for at in range(n))),
    "a header": lambda n: Sent(headers=((b"authorization", b"Bearer " + b"x" * n),)),
    "a range": lambda n: Sent(headers=((b"range", b"bytes=" + b"0-1," * n),)),
    "tags": lambda n: Sent(headers=((b"if-none-match", b'"a",' * n),)),
    "a host": lambda n: Sent(headers=((b"host", b"a." * n),)),
    "a cookie": lambda n: Sent(headers=((b"cookie", b"a=1;" * n),)),
}
ROUTES = sorted(
    {
        (method, prefixes[0], route.path)
        for table in TABLES
        for routes, prefixes in table.groups
        for route in routes
        for method in route.handlers
    }
)


def at(path: str, text: str) -> str:
    """The path with a text for each of its names."""
    while "{" in path:
        before, _, rest = path.partition("{")
        name, _, after = rest.partition("}")
        path = before + ("generateContent" if name == "method" else text) + after
    return path


MASTER = "sk-master-0123456789"
MANAGED = tuple({f"/{route.path.split('/')[1]}/" for route in (*KEY_ROUTES, *OWNER_ROUTES, *SPEND_ROUTES)})
"""How the paths begin that only a manager's key opens."""


@dataclass(frozen=True)
class Served:
    """`governed`: the same gateway with keys, to which its master comes; the other one has none."""

    keyless: App
    governed: App
    loop: asyncio.AbstractEventLoop


async def opened(stack: AsyncExitStack, folder: Path, upstream: str, more: str) -> App:
    folder.mkdir()
    config = folder / "config.yaml"
    config.write_text(
        'model_list: [{model_name: "*", litellm_params: {model: "gemini/*", api_key: key-0123456789}}]\n'
        f"litellm_settings: {{num_retries: 0}}\nrouter_settings: {{cooldown_time: 0, allowed_fails: 100000}}\n{more}"
    )
    settings, _ = load_settings(config, {"data_dir": str(folder / "data")}, {"GEMINI_API_BASE": upstream, "HOME": "/"})
    return build_app(await stack.enter_async_context(Gateway(settings)))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("growth")
    governed = f"general_settings: {{master_key: {MASTER}}}\nliftgate_settings: {{spend: true}}\n"
    with hostile_gemini() as upstream, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        keyless = runner.run(opened(stack, folder / "keyless", upstream, ""))
        yield Served(keyless, runner.run(opened(stack, folder / "governed", upstream, governed)), runner.get_loop())
        runner.run(stack.aclose())


def asking(served: Served, method: str, path: str, sent: Sent) -> Callable[[], None]:
    app, loop = served.keyless, served.loop
    named = {name for name, _ in sent.headers}
    headers: Headers = [*sent.headers]
    if path.startswith(MANAGED):
        app = served.governed
        if b"authorization" not in named:
            headers.append((b"authorization", f"Bearer {MASTER}".encode()))
    if b"host" not in named:
        headers.append((b"host", b"127.0.0.1"))
    if sent.pieces:
        headers += [(b"content-type", sent.kind.encode()), (b"content-length", b"%d" % sum(map(len, sent.pieces)))]

    def work() -> None:
        pieces = list(reversed(sent.pieces or (b"",)))

        async def receive() -> dict[str, Any]:
            if not pieces:
                await asyncio.sleep(3600)
            piece = pieces.pop()
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def send(message: Any) -> None:
            return

        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": sent.query,
            "headers": headers,
            "client": ("127.0.0.1", 1),
            "scheme": "http",
            "http_version": "1.1",
        }
        loop.run_until_complete(app(scope, receive, send))

    return work


def compare(work: Callable[[int], Callable[[], None]]) -> None:
    """A gateway's own jobs run in the same loop: what seems too much is counted again."""
    for last in (False, True):
        once, twice = (steps(work(times)) for times in (TIMES, 2 * TIMES))
        if twice <= MOST * once + FEW:
            return
        assert not last, f"{twice / once:.2f} × the steps for 2 × the input"


def check(served: Served, method: str, path: str, grown: Grown) -> None:
    asking(served, method, path, grown(1))()  # what is made once
    compare(lambda times: asking(served, method, path, grown(times)))


def test_every_route_with_a_body_has_its_cases() -> None:
    posts = {(method, path) for method, _, path in ROUTES if method in ("POST", "PUT", "PATCH")}
    assert posts == set(BODIES)
    assert {route for route, cases in BODIES.items() if not cases} == BODILESS


def test_every_field_of_keys_and_owners_is_sent() -> None:
    assert not_sent() == set()


@pytest.mark.parametrize(("method", "prefix", "path"), ROUTES)
def test_what_stands_around_a_body_made_larger(served: Served, method: str, prefix: str, path: str) -> None:
    for grown in AROUND.values():
        check(served, method, prefix + at(path, "a"), grown)


LOOKED_AT = [route for route in ROUTES if route[0] == "GET" and not route[2].startswith("/models")]


@pytest.mark.parametrize(("method", "prefix", "path"), LOOKED_AT)
def test_a_parameter_made_larger(served: Served, method: str, prefix: str, path: str) -> None:
    for name, text in QUERIES.items():

        def work(times: int, name: str = name, text: bytes = text) -> Callable[[], None]:
            return asking(served, method, prefix + at(path, "a"), Sent(query=name.encode() + b"=" + text * times))

        compare(work)


@pytest.mark.parametrize(("method", "prefix", "path"), [route for route in ROUTES if "{" in route[2]])
def test_a_name_in_a_path_made_larger(served: Served, method: str, prefix: str, path: str) -> None:
    for text in ("a", ":", "a:", "/", "%", "..", "_"):

        def work(times: int, text: str = text) -> Callable[[], None]:
            return asking(served, method, prefix + at(path, "a" + text * times), Sent(pieces=(b"{}",)))

        compare(work)


@pytest.mark.parametrize(
    ("method", "prefix", "path", "case"),
    [(*route, case) for route in ROUTES for case in BODIES.get((route[0], route[2]), {})],
)
def test_a_body_made_larger(served: Served, method: str, prefix: str, path: str, case: str) -> None:
    check(served, method, prefix + at(path, "a"), BODIES[method, path][case])


ANTHROPICS = ((b"anthropic-version", b"2023-06-01"),)


@pytest.mark.parametrize("case", form("file"))
def test_a_form_of_anthropics_made_larger(served: Served, case: str) -> None:
    def grown(times: int) -> Sent:
        sent = form("file")[case](times)
        return replace(sent, headers=(*sent.headers, *ANTHROPICS))

    check(served, "POST", "/v1/files", grown)


@pytest.mark.parametrize("path", ["/v1/files", "/v1/models"])
@pytest.mark.parametrize("name", ["ids[]", "lifecycle[]", "page", "after_id", "nope"])
def test_a_query_of_anthropics_made_larger(served: Served, path: str, name: str) -> None:
    for text in (f"{name}=a&", f"{name}=%61", f"{name}&"):
        whole = text.encode()

        def grown(times: int, whole: bytes = whole) -> Sent:
            return Sent(query=whole * times, headers=ANTHROPICS)

        check(served, "GET", path, grown)


LONGEST = 60_000
"""Bytes: as much as a head may have."""


@pytest.mark.parametrize(("method", "prefix", "path"), [route for route in ROUTES if "{" in route[2]])
def test_the_longest_path_is_read_at_once(served: Served, method: str, prefix: str, path: str) -> None:
    """Colons with a slash behind them took a second."""
    for text in (":" * LONGEST + "/", "a" * LONGEST, ":a" * (LONGEST // 2) + "/a", "/:" * (LONGEST // 2)):
        work = asking(served, method, prefix + at(path, "a" + text), Sent())
        # A try that others delayed is made again.
        assert any(seconds(work, tries=1) < 0.25 for _ in range(2))


@pytest.mark.full
@pytest.mark.parametrize(
    ("method", "prefix", "path", "case"),
    [(*route, case) for route in ROUTES for case in BODIES.get((route[0], route[2]), {})],
)
def test_a_body_takes_time_as_it_is_long(served: Served, method: str, prefix: str, path: str, case: str) -> None:
    """A body larger than `STEP` is read in steps, which costs more for each byte: both sizes are on one side of it."""
    grown, path = BODIES[method, path][case], prefix + at(path, "a")

    def in_steps(size: int) -> bool:
        return sum(map(len, grown(size).pieces)) > STEP

    size = 2_000
    while (once := seconds(asking(served, method, path, grown(size)))) < 0.03 and size < 50_000:
        size *= 2
    while in_steps(2 * size) and not in_steps(size):
        size *= 2
        once = seconds(asking(served, method, path, grown(size)))
    assert seconds(asking(served, method, path, grown(2 * size))) < MOST_TIME * once + 0.02
