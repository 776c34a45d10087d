"""Who may come in: keys in every place they are looked for, owners apart from each other, refusals before the body."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator

import openai
import pytest

from openai_schema import check
from raw_http import connect, head, read_answer
from running import Running, form_request, running_gateway

MASTER = "sk-master-0123456789"
RED, BLUE = "sk-red-0123456789abcdef", "sk-blue-0123456789abcdef"


@pytest.fixture(scope="module")
def locked(sandbox_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway with a master key and two owners."""
    directory = tmp_path_factory.mktemp("locked")
    keys = f"[{{name: red, key: {RED}}}, {{name: blue, key: {BLUE}}}]"
    environ = {"LIFTGATE_MASTER_KEY": MASTER}
    with running_gateway(sandbox_url, directory, environ=environ, ours=f"{{keys: {keys}}}") as running:
        yield running


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {RED}"},
        {"Authorization": f"bearer   {RED} "},
        {"api-key": RED},
        {"x-api-key": RED},
    ],
)
def test_a_key_is_found_wherever_clients_put_it(locked: Running, headers: dict[str, str]) -> None:
    assert locked.call("GET", "/v1/files", headers=headers).status == 200


def test_a_key_that_is_spelled_at_length_leaves_nothing_in_memory(locked: Running) -> None:
    def call(spaces: int) -> None:
        assert locked.call("GET", "/v1/files", headers={"Authorization": f"Bearer{' ' * spaces}{RED}"}).status == 200

    call(1)
    tracemalloc.start()
    try:
        call(30_000)
        before, _ = tracemalloc.get_traced_memory()
        for more in range(1, 201):
            call(30_000 + more)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 3_000_000


@pytest.mark.parametrize("headers", [{"x-goog-api-key": RED}, {"Authorization": "Bearer ", "x-goog-api-key": RED}])
def test_googles_header_is_a_key_where_only_openai_has_the_path(locked: Running, headers: dict[str, str]) -> None:
    answer = locked.post("/v1/chat/completions", {}, headers)
    assert (answer.status, answer.error()["message"]) == (400, "you must provide a model parameter")


def test_the_query_is_a_key_too(locked: Running) -> None:
    assert locked.call("POST", f"/v1/chat/completions?key={RED}", b"{}").status == 400
    assert locked.call("GET", f"/files?key={RED}").status == 200


@pytest.mark.parametrize("key", ["sk-red-0123456789abcdeg", RED[:-1], RED + "x", RED.upper(), "x", "ключ", "x" * 5000])
def test_a_wrong_key_is_401_in_openais_words_and_masked(locked: Running, key: str) -> None:
    answer = locked.call("GET", "/v1/files", headers={"Authorization": f"Bearer {key}"})
    assert answer.status == 401
    error = answer.error()
    assert error["message"].startswith("Incorrect API key provided: ")
    assert len(key) < 4 or key not in error["message"]
    assert (error["type"], error["code"], error["param"]) == ("invalid_request_error", "invalid_api_key", None)
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    check("ErrorResponse", answer.json())


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {RED}"}, {"api-key": ""}]
)
def test_no_key_is_401_and_says_how_to_send_one(locked: Running, headers: dict[str, str]) -> None:
    answer = locked.call("GET", "/v1/models", headers=headers)
    assert answer.status == 401
    error = answer.error()
    assert error["message"].startswith("You didn't provide an API key.")
    assert (error["type"], error["code"]) == ("invalid_request_error", None)


def test_the_official_client_sees_an_authentication_error(locked: Running) -> None:
    with locked.client("sk-invalid-key-0123") as client, pytest.raises(openai.AuthenticationError) as caught:
        client.models.list()
    assert caught.value.code == "invalid_api_key"
    assert "sk-inval***0123" in caught.value.message


def test_a_foreign_file_is_just_not_there(locked: Running) -> None:
    with locked.client(RED) as red, locked.client(BLUE) as blue, locked.client(MASTER) as master:
        made = red.files.create(file=b"red's own", purpose="user_data")
        mine = blue.files.create(file=b"red's own", purpose="user_data")
        for other in (blue, master):
            for call in (other.files.retrieve, other.files.content, other.files.delete):
                with pytest.raises(openai.NotFoundError, match=f"No such File object: {made.id}"):
                    call(made.id)
            assert made.id not in [file.id for file in other.files.list()]
        blue.files.delete(mine.id)
        assert red.files.content(made.id).content == b"red's own"
        red.files.delete(made.id)


def test_health_needs_no_key(locked: Running) -> None:
    for path in ("/health/liveness", "/health/liveliness", "/health/readiness"):
        assert locked.call("GET", path).status == 200


def test_a_wrong_key_is_answered_before_the_body_has_come(locked: Running) -> None:
    """LiteLLM reads the whole body first (docs/protocol/openai.md, "LiteLLM")."""
    method, target, body, headers = form_request({"purpose": "user_data"}, b"x" * 1000)
    with connect(locked.base) as connection:
        started = time.monotonic()
        sent = {**headers, "Content-Length": str(10**9), "Authorization": "Bearer wrong-key-entirely"}
        connection.sendall(head(method, target, sent) + body)
        answer = read_answer(connection, "POST")
        assert time.monotonic() - started < 3.0
    assert answer.status == 401
    assert answer.headers["connection"] == "close"


def test_a_client_that_sends_first_and_reads_then_gets_its_refusal(locked: Running) -> None:
    with locked.client("wrong-key-entirely") as client, pytest.raises(openai.AuthenticationError):
        client.files.create(file=b"x" * 8_000_000, purpose="user_data")


def test_without_keys_everybody_is_one_owner(gateway: Running) -> None:
    made = gateway.upload(b"for all")
    for headers in ({}, {"Authorization": "Bearer sk-1234"}, {"api-key": "other"}):
        assert gateway.call("GET", f"/v1/files/{made['id']}", headers=headers).status == 200


def test_owners_have_limits_of_their_own(make_gateway: Callable[..., Running]) -> None:
    running = make_gateway(
        ours=f"{{keys: [{{name: red, key: {RED}, max_file_bytes: 10}}, {{name: blue, key: {BLUE}}}]}}"
    )
    red, blue = ({"Authorization": f"Bearer {key}"} for key in (RED, BLUE))
    assert running.call(*form_request({"purpose": "user_data"}, b"x" * 10, headers=red)).status == 200
    answer = running.call(*form_request({"purpose": "user_data"}, b"x" * 11, headers=red))
    assert (answer.status, answer.error()["code"]) == (413, "file_too_large")
    assert running.call(*form_request({"purpose": "user_data"}, b"x" * 11, headers=blue)).status == 200


@pytest.mark.parametrize(
    "path", ["/v1beta/models", "/v1beta/cachedContents", "/v1/files", "/v1/models/m:predict", "/upload/v1/corpora"]
)
def test_who_speaks_gemini_is_refused_in_its_own_words(locked: Running, path: str) -> None:
    """What Gemini has and we do not serve; an answer of OpenAI's would be misread (docs/architecture.md,
    "Decisions")."""
    answer = locked.call("POST", path, b"{}", {"x-goog-api-key": RED})
    assert answer.status == 404
    message = answer.json()["error"]["message"]
    assert answer.json() == {"error": {"code": 404, "message": message, "status": "NOT_FOUND"}}
    known = path.endswith(("cachedContents", "predict", "corpora"))
    assert message.startswith(f"Invalid URL (POST {path})")
    assert message.endswith(" of the Gemini API is not served here.") == known
