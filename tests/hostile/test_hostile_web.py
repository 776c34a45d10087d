"""What lies behind URLs of a request: fetched, or refused by its place in bounded time; nothing inside is reached."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme

from gateways import MODEL, gateway_server, sandbox_server, settings_for
from hostile_web import PNG, REFUSED, SERVED, TOO_LARGE, WORDS, hostile_web, moved
from liftgate.settings import LimitSettings
from raw_http import call
from urls import ADDRESSES_INSIDE, INSIDE, LOOPBACK, NO_SCHEME, NO_URL

MIB = 1 << 20
ANN = {"Authorization": "Bearer sk-ann", "Content-Type": "application/json"}
ALLOWED = "127.0.0.3"
PLACE = "messages[0].content[0]"

Part = Callable[[str], dict[str, Any]]

FIELDS: Mapping[str, Part] = {
    f"{PLACE}.image_url.url": lambda url: {"type": "image_url", "image_url": {"url": url}},
    f"{PLACE}.video_url.url": lambda url: {"type": "video_url", "video_url": {"url": url}},
    f"{PLACE}.audio_url.url": lambda url: {"type": "audio_url", "audio_url": {"url": url}},
    f"{PLACE}.file.file_url": lambda url: {"type": "file", "file": {"file_url": url}},
}
"""Where a URL is fetched from, by the parameter that an error names."""

NO_URLS: Mapping[str, Part] = {
    f"{PLACE}.file.file_data": lambda url: {"type": "file", "file": {"file_data": url}},
    f"{PLACE}.file.file_id": lambda url: {"type": "file", "file": {"file_id": url}},
    f"{PLACE}.input_audio.data": lambda url: {"type": "input_audio", "input_audio": {"data": url, "format": "wav"}},
}
"""Where one may be put by mistake."""


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    with hostile_web(ALLOWED) as server:
        yield f"http://{ALLOWED}:{server.server_address[1]}"


@contextmanager
def gateway(directory: Path, timeout: float) -> Iterator[str]:
    """A gateway that may fetch from one address inside, and from nothing else there."""
    limits = LimitSettings(
        fetch_allowed_hosts=(ALLOWED,), fetch_max_bytes=4 * MIB, fetch_timeout=timeout, inline_limit=MIB
    )
    with sandbox_server() as sandbox, gateway_server(replace(settings_for(sandbox, directory), limits=limits)) as base:
        yield base


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with gateway(tmp_path_factory.mktemp("web"), 5) as base:
        yield base


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """For what answers only when the time is over, or never; a name server that is slow is among it."""
    with gateway(tmp_path_factory.mktemp("hasty"), 0.3) as base:
        yield base


PYTHONS = re.compile(r"[a-z](Error|Exception|Disconnected)\b|Errno")
"""Names of classes and numbers of the system, which say nothing to a stranger."""


def ask(base: str, part: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    parts = urlsplit(base)
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": [part]}]}).encode()
    # What takes longer than this has no end.
    with closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=15)) as connection:
        connection.request("POST", "/v1/chat/completions", body, ANN)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def image(url: str) -> dict[str, Any]:
    return FIELDS[f"{PLACE}.image_url.url"](url)


def refused(status: int, body: dict[str, Any], param: str) -> dict[str, Any]:
    error: dict[str, Any] = body["error"]
    assert status == 400 and error["type"] == "invalid_request_error", (status, error)
    assert error["param"] == param and len(error["message"]) < 1000, error
    assert "secret" not in error["message"]
    assert not PYTHONS.search(error["message"]), error
    return error


# ── servers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", SERVED)
def test_what_servers_do_by_right_is_fetched(url: str, pages: str, name: str) -> None:
    status, body = ask(url, image(f"{pages}/{name}"))
    assert status == 200, body
    assert hashlib.sha256(PNG).hexdigest() in body["choices"][0]["message"]["content"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_servers_do_wrong_is_refused_by_its_place(url: str, hasty: str, pages: str, name: str) -> None:
    for param in list(FIELDS)[:: 3 if callable(REFUSED[name]) else 1]:
        status, body = ask(hasty if callable(REFUSED[name]) else url, FIELDS[param](f"{pages}/{name}"))
        assert refused(status, body, param)["code"] in ("invalid_image_url", "unsupported_file")


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("medium", ["video", "audio"])
def test_words_are_no_film_and_no_recording(url: str, pages: str, name: str, medium: str) -> None:
    """A playlist, or the sentence of a server that has no such file: the model made something up of them."""
    param = f"{PLACE}.{medium}_url.url"
    error = refused(*ask(url, FIELDS[param](f"{pages}/{name}")), param)
    what = "a web page" if "page" in name else "text ("
    assert error["code"] == "invalid_image_url" and f"is {what}" in error["message"], error


@pytest.mark.parametrize("name", [name for name in WORDS if "page" not in name])
def test_words_are_taken_where_they_are_meant(url: str, pages: str, name: str) -> None:
    said: list[dict[str, Any]] = [{"type": "file", "file": {"file_url": f"{pages}/{name}"}}]
    said.append({"type": "video_url", "video_url": {"url": f"{pages}/{name}", "format": "text/plain"}})
    for part in said:
        status, body = ask(url, part)
        assert status == 200, body


@pytest.mark.parametrize("name", TOO_LARGE)
def test_what_has_no_end_is_too_large(url: str, pages: str, name: str) -> None:
    status, body = ask(url, image(f"{pages}/{name}"))
    assert (status, body["error"]["param"]) == (413, f"{PLACE}.image_url.url"), body


def test_a_scheme_has_no_case(url: str, pages: str) -> None:
    for scheme in ("HTTP", "Http", "hTTp"):
        for param, part in FIELDS.items():
            status, body = ask(url, part(pages.replace("http", scheme, 1) + "/good.png"))
            assert status == 200, (scheme, param, body)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        (f"http://{ALLOWED}:1/x.png", "Connection refused"),
        (
            "http://no-such-host.invalid/x.png",
            "Name or service not known|No address|Temporary failure in name resolution",
        ),
        ("https{secured}/good.png", "its certificate is not accepted: unable to get local issuer"),
        ("http{secured}/good.png", "HTTP 400|the connection broke before its answer|its answer is no HTTP"),
    ],
)
def test_a_server_that_cannot_be_reached_is_told_in_words(url: str, address: str, why: str) -> None:
    with hostile_web(ALLOWED) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("elsewhere.example").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        secured = f"://{ALLOWED}:{server.server_address[1]}"
        address = address.format(secured=secured)
        error = refused(*ask(url, image(address)), f"{PLACE}.image_url.url")
    assert error["message"].startswith(f"Error while downloading {address} ("), error
    assert re.search(why, error["message"]), error


# ── spellings ────────────────────────────────────────────────────────────────────────────────────────────────────────


ALL = pytest.param(1, marks=pytest.mark.full, id="all")
"""Every spelling in every place. The reduced set has each spelling in one place, in turn."""


@pytest.mark.parametrize("param", FIELDS)
@pytest.mark.parametrize("step", [pytest.param(len(FIELDS), id="some"), ALL])
def test_every_spelling_of_no_url_is_refused_as_one(hasty: str, param: str, step: int) -> None:
    for spelled in NO_URL[list(FIELDS).index(param) % step :: step]:
        status, body = ask(hasty, FIELDS[param](spelled))
        assert refused(status, body, param)["code"] == "invalid_image_url", ascii(spelled[:80])


@pytest.mark.parametrize("param", [*FIELDS, *NO_URLS])
@pytest.mark.parametrize("step", [pytest.param(len(NO_URLS), id="some"), ALL])
def test_no_text_in_a_urls_place_is_a_defect_of_ours(hasty: str, param: str, step: int) -> None:
    spellings = NO_URL[list(NO_URLS).index(param) % step :: step] if param in NO_URLS else ()
    for spelled in (*NO_SCHEME, *spellings):
        status, body = ask(hasty, {**FIELDS, **NO_URLS}[param](spelled))
        if status != 404:
            refused(status, body, param)
        else:
            # Taken for the id of a File, which is not there.
            assert body["error"]["message"].startswith("No such File object"), body


def test_no_spelling_of_what_is_inside_is_connected_to(url: str) -> None:
    """Counted by servers that listen there, at addresses of this machine."""
    with ExitStack() as listening:
        first = listening.enter_context(hostile_web("127.0.0.2"))
        port = first.server_address[1]
        servers = [first, listening.enter_context(hostile_web("127.0.0.1", port))]
        if socket.has_ipv6:
            servers.append(listening.enter_context(hostile_web("::1", port)))
        for host in (*LOOPBACK, *INSIDE):
            for scheme in ("http", "https"):
                status, body = ask(url, image(f"{scheme}://{host}:{port}/good.png"))
                assert refused(status, body, f"{PLACE}.image_url.url")["code"] == "invalid_image_url", host
        assert [server.connections for server in servers] == [0 for _ in servers]


MOVES = ("301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent")


@pytest.mark.parametrize("step", [pytest.param(len(MOVES), id="some"), ALL])
def test_no_redirect_leads_inside(url: str, step: int) -> None:
    with hostile_web() as other, hostile_web(ALLOWED) as allowed:
        for number, host in enumerate((*LOOPBACK, *INSIDE)):
            location = f"http://{host}:{other.server_address[1]}/good.png".encode().decode("latin-1")
            for status_line in MOVES[number % step :: step]:
                allowed.pages["on"] = moved(location, status_line)
                status, body = ask(url, image(f"http://{ALLOWED}:{allowed.server_address[1]}/on"))
                refused(status, body, f"{PLACE}.image_url.url")
        assert other.connections == 0


PUBLIC = "2620:4f:8000::1"
"""A public address behind which nothing is: AS112's, which throws away what comes (RFC 7534)."""
FORBIDDEN = "The URL does not lead to a public address."


@contextmanager
def names_that_lead_to(monkeypatch: pytest.MonkeyPatch, *answers: Sequence[str]) -> Iterator[list[str]]:
    """The system's resolver, with a name server for `.rebind.test` that gives another of the answers to each question,
    and the last one for ever: the names that were asked for."""
    asked: list[str] = []
    system = socket.getaddrinfo

    def lookup(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        if not str(host).endswith(".rebind.test"):
            return system(host, port, *more, **named)
        asked.append(str(host))
        addresses = answers[min(asked.count(str(host)), len(answers)) - 1]
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        return [(family, 1, 6, "", (address, port)) for family, address in zip(families, addresses, strict=True)]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", lookup)
        yield asked


def doors_of(url: str) -> list[tuple[str, Any]]:
    """Where a picture's address stands, in each dialect."""
    picture = {"type": "image", "source": {"type": "url", "url": url}}
    shown = [{"role": "user", "content": [{"type": "input_image", "image_url": url}]}]
    return [
        ("/v1/chat/completions", {"model": MODEL, "messages": [{"role": "user", "content": [image(url)]}]}),
        ("/v1/responses", {"model": MODEL, "input": shown}),
        ("/v1/messages", {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": [picture]}]}),
    ]


def test_no_name_leads_inside_whatever_it_is_made_to_mean(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, address in enumerate(ADDRESSES_INSIDE):
        with names_that_lead_to(monkeypatch, [address, address]) as asked:
            path, body = doors_of(f"http://a{number}.rebind.test/x.png")[number % 3]
            answer = call(url, "POST", path, json.dumps(body).encode(), ANN)
        assert asked and answer.status == 400 and FORBIDDEN in answer.body.decode(), (address, answer.body)


def test_a_name_that_means_another_address_the_next_time_leads_nowhere_inside(
    url: str, hasty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: what was looked at is what is connected to, and each question and each redirect is looked at."""
    with hostile_web() as inside, hostile_web(ALLOWED) as allowed:
        port = inside.server_address[1]
        for answers in (([PUBLIC], ["127.0.0.1"]), ([PUBLIC, "127.0.0.1"],), (["127.0.0.1", PUBLIC], ["127.0.0.1"])):
            for path, body in doors_of(f"http://flip.rebind.test:{port}/good.png"):
                with names_that_lead_to(monkeypatch, *answers) as asked:
                    for _ in range(2):
                        # Behind the public address nothing answers.
                        assert call(hasty, "POST", path, json.dumps(body).encode(), ANN).status == 400
                assert asked
        allowed.pages["on"] = moved(f"http://flip.rebind.test:{port}/good.png", "302 Found")
        with names_that_lead_to(monkeypatch, ["127.0.0.1"]):
            status, body = ask(url, image(f"http://{ALLOWED}:{allowed.server_address[1]}/on"))
        assert FORBIDDEN in refused(status, body, f"{PLACE}.image_url.url")["message"]
        assert inside.connections == 0
