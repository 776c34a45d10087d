"""docs/routes.md against the gateway's routes, and what a path that is not served is answered with."""

import re
from collections.abc import Callable
from pathlib import Path

import openai
import pytest

from gateways import client_for
from liftgate.errors import MethodNotAllowed, RouteNotFound
from liftgate.server import routes
from liftgate.server.litellm_unserved import LITELLM_UNSERVED
from liftgate.server.routing import RouteTable
from liftgate.server.unserved import ANTHROPIC_UNSERVED, OPENAI_UNSERVED
from raw_http import call

PAGE, _, ANTHROPICS = (Path(__file__).parents[2] / "docs" / "routes.md").read_text().partition("## Anthropic's")
ROW = re.compile(r"^\| `(\w+) (/\S+)` \| (yes|no) \|", re.MULTILINE)
ROWS = ROW.findall(PAGE)
SERVED = {f"{method} {path}" for method, path, served in ROWS if served == "yes"}
UNSERVED = [(method, path) for method, path, served in ROWS if served == "no"]
NOT_OF_ANTHROPICS = [(method, path) for method, path, served in ROW.findall(ANTHROPICS) if served == "no"]
OURS = ("/model/info", "/model_group/info", "/engines/")
"""LiteLLM's, on docs/from-litellm.md."""


def test_every_route_of_openais_is_on_the_page() -> None:
    there = {
        f"{method} /v1{route.path.replace(':path', '')}"
        for route in routes.OPENAI_ROUTES
        for method in route.handlers
        if method != "HEAD" and not route.path.startswith(OURS)
    }
    assert there == SERVED


def test_the_page_and_the_table_name_the_same() -> None:
    names = {path.removeprefix("/v1/").partition("/")[0] for _, path in UNSERVED} - {"models", "chat"}
    assert names <= OPENAI_UNSERVED.keys()
    known = {name.partition("/")[0] for name in OPENAI_UNSERVED}
    assert known - names <= {"chat", "fine-tunes", "projects"}


def test_every_route_of_anthropics_is_on_the_page() -> None:
    there = {
        f"{method} /v1{route.path.replace(':path', '')}"
        for route in routes.ANTHROPIC_ROUTES
        for method in route.handlers
    }
    assert there == {f"{method} {path}" for method, path, served in ROW.findall(ANTHROPICS) if served == "yes"}
    names = {path.removeprefix("/v1/") for _, path in NOT_OF_ANTHROPICS}
    assert {name if name in ANTHROPIC_UNSERVED else name.partition("/")[0] for name in names} == set(ANTHROPIC_UNSERVED)


@pytest.mark.parametrize(("method", "path"), NOT_OF_ANTHROPICS)
def test_what_is_not_served_is_refused_in_anthropics_form(url: str, method: str, path: str) -> None:
    headers = {"x-api-key": "sk-ann", "anthropic-version": "2023-06-01"}
    answer = call(url, method, path, b"{}" if method == "POST" else b"", headers)
    error = answer.json()["error"]
    assert (answer.status, answer.json()["type"], error["type"]) == (404, "error", "not_found_error")
    assert "is not served here" in error["message"]


@pytest.mark.parametrize(("method", "path"), UNSERVED)
def test_what_the_page_calls_unserved_is_refused(method: str, path: str) -> None:
    table = RouteTable(routes.TABLES[-1].groups)
    with pytest.raises((RouteNotFound, MethodNotAllowed)) as raised:
        table.find(method, re.sub(r"\{\w+\}", "x", path))
    if isinstance(raised.value, RouteNotFound):
        assert "is not served here" in raised.value.message


LITELLMS = re.compile(r"^\| `/(\S+)` \| (.*) \|$", re.MULTILINE).findall(
    (Path(__file__).parents[2] / "docs" / "from-litellm.md").read_text().partition("are a 404 that says so")[2]
)


def test_what_of_litellms_is_not_served_is_on_its_page_with_what_to_use() -> None:
    assert dict(LITELLMS) == dict(LITELLM_UNSERVED)


@pytest.mark.parametrize(("name", "instead"), LITELLMS)
def test_a_route_of_litellms_that_is_not_served_says_what_to_use(name: str, instead: str) -> None:
    table = RouteTable(routes.TABLES[-1].groups)
    for path in (f"/{name}", f"/{name}/x"):
        with pytest.raises((RouteNotFound, MethodNotAllowed)) as raised:
            table.find("POST", path)
        if isinstance(raised.value, RouteNotFound) and path == f"/{name}":
            assert f"/{name} of LiteLLM's is not served here" in raised.value.message
            assert instead in raised.value.message
    assert all(
        f"/{word}" in {route.path for group, _ in routes.TABLES[-1].groups for route in group}
        for word in re.findall(r"(?<=/)(?:key|user|team|global)/[\w/{}]+", instead)
    ), instead


def test_the_official_client_is_told_what_is_not_served(url: str) -> None:
    client = client_for(url)
    calls: dict[str, Callable[[], object]] = {
        "/evals": lambda: client.evals.list(),
        "/embeddings": lambda: client.embeddings.create(model="m", input="Hi"),
        "/moderations": lambda: client.moderations.create(input="Hi"),
        "/batches": lambda: client.batches.list(),
        "/vector_stores": lambda: client.vector_stores.create(),
    }
    for name, made in calls.items():
        with pytest.raises(openai.NotFoundError) as raised:
            made()
        # Google's API has batches at the same path.
        whose = "" if name == "/batches" else " of OpenAI's API"
        assert f": {name}{whose} is not served here" in raised.value.message, name


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/v1beta/cachedContents", "/cachedContents"),
        ("/v1beta/fileSearchStores/x", "/fileSearchStores"),
        ("/v1beta/models/gemini-2.5-flash:batchGenerateContent", "batchGenerateContent"),
        ("/upload/v1beta/fileSearchStores/x:uploadToFileSearchStore", "/fileSearchStores"),
        ("/v1alpha/corpora", "/corpora"),
        ("/v1/corpora", "/corpora"),
        ("/v1/generatedFiles/x", "/generatedFiles"),
        ("/v1beta/batches/x", "/batches"),
        ("/v1alpha/auth_tokens", "/auth_tokens"),
        ("/v1/auth_tokens", "/auth_tokens"),
    ],
)
def test_a_client_of_googles_is_told_too(url: str, path: str, named: str) -> None:
    answer = call(url, "POST", path, b"{}", {"x-goog-api-key": "sk-ann"})
    error = answer.json()["error"]
    assert (answer.status, error["status"]) == (404, "NOT_FOUND")
    assert error["message"] == f"Invalid URL (POST {path}): {named} of the Gemini API is not served here."


@pytest.mark.parametrize("path", ["/v1/batches", "/v1/batches/x", "/v1/batches/x:cancel"])
def test_what_two_apis_have_at_one_path_is_called_neithers(url: str, path: str) -> None:
    answer = call(url, "POST", path, b"{}", {"x-goog-api-key": "sk-ann"})
    assert (answer.status, answer.json()["error"]["status"]) == (404, "NOT_FOUND")
    assert answer.json()["error"]["message"] == f"Invalid URL (POST {path}): /batches is not served here."


@pytest.mark.parametrize("version", ["v1beta", "v1alpha"])
def test_a_client_of_the_live_api_is_told_that_it_is_not_served(url: str, version: str) -> None:
    service = f"google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent"
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    answer = call(url, "GET", f"/ws/{service}?key=sk-ann", b"", upgrade)
    assert answer.status == 404
    assert "the Live API of Gemini is not served here." in answer.json()["error"]["message"]


@pytest.mark.parametrize("headers", [{"x-goog-api-key": "sk-ann"}, {"Authorization": "Bearer sk-ann"}])
@pytest.mark.parametrize("version", ["v1alpha", "v1beta1", "v1beta2", "v1beta3"])
def test_another_version_of_googles_names_the_one_that_is_served(
    url: str, version: str, headers: dict[str, str]
) -> None:
    """In Google's form: its clients read no other. `/v1alpha/files` was answered with OpenAI's address."""
    for path, meant in (
        ("models/gemini-2.5-flash:generateContent", "/v1beta/models/…"),
        ("models", "/v1beta/models"),
        ("files", "/v1beta/files"),
        ("files/x", "/v1beta/files/…"),
        ("projects/p/locations/l/publishers/google/models/x:generateContent", "/v1beta"),
    ):
        answer = call(url, "POST", f"/{version}/{path}", b"{}", headers)
        error = answer.json()["error"]
        assert (answer.status, error["code"], error["status"]) == (404, 404, "NOT_FOUND")
        said = f"Invalid URL (POST /{version}/{path}): {version} of the Gemini API is not served here; {meant} is."
        assert error["message"] == said
    message = call(url, "POST", f"/upload/{version}/files", b"{}", headers).json()["error"]["message"]
    assert message.endswith(f"{version} of the Gemini API is not served here; /upload/v1beta/files is.")


@pytest.mark.parametrize(
    ("method", "path", "accepted"),
    [
        ("PUT", "/v1beta/files", "GET or HEAD"),
        ("GET", "/upload/v1beta/files", "POST"),
        ("PUT", "/upload/v1beta/files", "POST"),
        ("PATCH", "/v1beta/files/x", "GET or HEAD or DELETE"),
        ("GET", "/v1beta/models/gemini-2.5-flash:generateContent", "POST"),
        ("DELETE", "/v1beta/models", "GET or HEAD"),
        ("POST", "/v1beta/files/x:download", "GET or HEAD"),
    ],
)
def test_another_method_is_told_which_there_are_in_googles_form(
    url: str, method: str, path: str, accepted: str
) -> None:
    """Google has one answer for all that it does not serve; it advised the address of another API."""
    answer = call(url, method, path, b"", {"x-goog-api-key": "sk-ann"})
    said = f"Invalid URL ({method} {path}): Only {accepted} requests are accepted."
    assert answer.json()["error"] == {"code": 404, "message": said, "status": "NOT_FOUND"}


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/files/v1/files", "/v1/files"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/chat/completions", "/v1/chat/completions"),
        ("/v1/chat/completions/files/file-x", "/v1/files/…"),
        ("/v1/responses/chat/completions", "/v1/chat/completions"),
        ("/v1beta/openai/chat/completions", "/v1/chat/completions"),
        ("/v1beta/v1beta/models/x:generateContent", "/v1beta/models/…"),
        ("/openai/v1/responses", "/v1/responses"),
        ("/api/messages", "/v1/messages"),
        ("/v2/models", "/v1/models"),
    ],
)
def test_a_base_url_that_holds_too_much_is_answered_with_the_address_that_was_meant(
    url: str, path: str, meant: str
) -> None:
    answer = call(url, "POST", path, b"{}", {"Authorization": "Bearer sk-ann"})
    message = answer.json()["error"]["message"]
    assert answer.status == 404
    assert message == (
        f"Invalid URL (POST {path}): Did you mean {meant}? The client's base URL seems to hold more than it should."
    )


@pytest.mark.parametrize(("path", "meant"), [("chat/completion", "chat/completions"), ("model", "models")])
def test_a_misspelt_route_is_answered_with_its_neighbour(url: str, path: str, meant: str) -> None:
    answer = call(url, "POST", f"/v1/{path}", b"{}", {"Authorization": "Bearer sk-ann"})
    assert answer.error()["message"] == f"Invalid URL (POST /v1/{path}): Did you mean /v1/{meant}?"


def test_a_path_with_two_versions_says_so(url: str) -> None:
    answer = call(url, "GET", "/v1/nothing/v1/none", b"", {"Authorization": "Bearer sk-ann"})
    assert (answer.status, answer.error()["type"]) == (404, "invalid_request_error")
    assert "The version stands twice" in answer.error()["message"]
    # Google's second address of a download has one.
    answer = call(url, "GET", "/download/v1beta/files/x:download?alt=media", b"", {"x-goog-api-key": "sk-ann"})
    assert (answer.status, answer.json()["error"]["status"]) == (404, "NOT_FOUND")
    assert "GET /v1beta/files/{name}:download" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/respons", "/v1/", "/v2/files", "/v1beta/respons", "/v1/models2"])
def test_what_neither_api_has_is_only_a_wrong_address(url: str, path: str) -> None:
    answer = call(url, "POST", path, b"{}", {"Authorization": "Bearer sk-ann"})
    assert answer.status == 404 and "not served here" not in answer.body.decode()
