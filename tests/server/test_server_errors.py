"""What goes wrong, as a client sees it: status, OpenAI's four keys, the headers that steer its retries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from liftgate import errors
from liftgate.dialects.gemini.errors import GEMINI
from liftgate.errors import LiftgateError, UpstreamFacts
from liftgate.server.errors import error_response
from openai_schema import check
from raw_http import exchange, head
from running import MODEL, Running, form_request

HELLO = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize(
    ("body", "status", "message", "param", "code"),
    [
        (b"", 400, "We could not parse the JSON body", None, None),
        (b"{", 400, "We could not parse the JSON body", None, None),
        (b"[]", 400, "We could not parse the JSON body", None, None),
        (b'"x"', 400, "We could not parse the JSON body", None, None),
        (b"\xff\xfe{}", 400, "We could not parse the JSON body", None, None),
        (b'{"a":' * 100_000, 400, "We could not parse the JSON body", None, None),
        (b"{}", 400, "you must provide a model parameter", None, None),
        (b'{"model":5}', 400, "you must provide a model parameter", None, None),
        (b'{"model":"nope","messages":[]}', 404, "The model `nope` does not exist", None, "model_not_found"),
        (
            b'{"model":"%s","messages":[],"stream":"yes"}' % MODEL.encode(),
            400,
            "Invalid type",
            "stream",
            "invalid_type",
        ),
        (b'{"model":"%s"}' % MODEL.encode(), 400, "Missing required", "messages", "missing_required_parameter"),
    ],
)
def test_a_body_that_is_no_request_is_refused(
    gateway: Running, body: bytes, status: int, message: str, param: str | None, code: str | None
) -> None:
    answer = gateway.call("POST", "/v1/chat/completions", body)
    error = answer.error()
    assert (answer.status, error["param"], error["code"]) == (status, param, code)
    assert message in error["message"]
    assert error["type"] == "invalid_request_error"
    check("ErrorResponse", answer.json())


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("PUT", "/v1/files", "GET, HEAD, POST"),
        ("POST", "/v1/files/file-x", "GET, HEAD, DELETE"),
        ("DELETE", "/v1/models", "GET, HEAD"),
        ("OPTIONS", "/health/liveness", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405_with_those_that_are_right(
    gateway: Running, method: str, path: str, allowed: str
) -> None:
    answer = gateway.call(method, path)
    assert (answer.status, answer.error()["code"]) == (405, "method_not_supported")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    "path", ["/v1", "/v1/", "/v2/files", "/v1/files/a/b/c", "/v1/files/a/b/c//", "/v1/%00", "//v2/files"]
)
def test_an_unknown_path_is_404(gateway: Running, path: str) -> None:
    answer = gateway.call("GET", path)
    assert answer.status == 404
    assert answer.error()["message"].startswith("Invalid URL (GET /")


def test_a_model_is_found_by_any_name_it_can_have(gateway: Running) -> None:
    with gateway.client() as client:
        assert [model.id for model in client.models.list()] == [MODEL]
        assert client.models.retrieve(MODEL).id == MODEL
        with pytest.raises(openai.NotFoundError) as caught:
            client.models.retrieve("models/gemini-9")
    assert caught.value.code == "model_not_found"
    assert "`models/gemini-9`" in caught.value.message


def test_a_body_above_the_limit_is_413_with_both_numbers(make_gateway: Callable[..., Running]) -> None:
    running = make_gateway(max_body_bytes=1000, max_file_bytes=100)
    answer = running.post("/v1/chat/completions", {"model": "x" * 1000})
    assert answer.status == 413
    assert "1000" in answer.error()["message"]
    chunked = head("POST", "/v1/chat/completions", {"Transfer-Encoding": "chunked"})
    chunked += b"%x\r\n" % 2000 + b"x" * 2000 + b"\r\n0\r\n\r\n"
    assert exchange(running.base, [chunked], "POST").status == 413
    answer = running.call(*form_request({"purpose": "user_data"}, b"x" * 101))
    assert (answer.status, answer.error()["param"]) == (413, "file")
    with running.client() as client, pytest.raises(openai.APIStatusError) as caught:
        client.files.create(file=b"x" * 4_000_000, purpose="user_data")
    assert caught.value.status_code == 413
    assert running.litter() == []


@pytest.mark.parametrize(
    ("fault", "status", "kind", "retry_after"),
    [
        ({"code": 429, "retry_delay": "7s"}, 429, openai.RateLimitError, "7"),
        ({"code": 503}, 503, openai.InternalServerError, None),
        ({"code": 500}, 500, openai.InternalServerError, None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_gemini_does_wrong_keeps_its_status(
    make_gateway: Callable[..., Running],
    fault: dict[str, Any],
    status: int,
    kind: type[openai.APIStatusError],
    retry_after: str | None,
    stream: bool,
) -> None:
    running = make_gateway()
    running.order("faults", kind="status", operation="*", times=1, **fault)
    with running.client() as client, pytest.raises(kind) as caught:
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "hello"}], stream=stream)
    assert caught.value.status_code == status
    assert caught.value.response.headers.get("retry-after") == retry_after
    assert isinstance(caught.value.body, dict) and set(caught.value.body) == {"message", "type", "param", "code"}


def test_a_key_that_google_rejects_is_not_the_callers_fault(make_gateway: Callable[..., Running]) -> None:
    running = make_gateway(api_key="invalid-key-of-ours")
    answer = running.post("/v1/chat/completions", HELLO)
    assert (answer.status, answer.error()["code"]) == (401, "upstream_api_key_invalid")
    assert answer.error()["type"] == "authentication_error"
    assert "invalid-key-of-ours" not in answer.body.decode()


# ── how an error is written, for each of the tree ──────────────────────────────────────────────────────────────────


def every_error() -> list[LiftgateError]:
    return [
        errors.InvalidRequest("m", param="p"),
        errors.MissingParameter("p"),
        errors.UnsupportedParameter("m"),
        errors.FileUnusable("m"),
        errors.AuthenticationFailed("m"),
        errors.PermissionDenied("m"),
        errors.FileNotFound("file-x"),
        errors.UploadNotFound("upload_x"),
        errors.ModelNotFound("x"),
        errors.RouteNotFound("GET", "/x"),
        errors.MethodNotAllowed(("GET",), errors.RouteNotFound("PUT", "/x")),
        errors.RequestTimeout("m"),
        errors.Conflict("m"),
        errors.TooLarge("m"),
        errors.RangeNotSatisfiable(5),
        errors.RateLimited("m", retry_after=0.2),
        errors.InternalError(),
        errors.Unavailable("m", retry_after=1.5),
        errors.FileNotReady("m"),
        errors.StorageFull("m"),
        errors.UpstreamKeyRejected("m"),
        errors.UpstreamRateLimited("m"),
        errors.UpstreamUnavailable("m", upstream=UpstreamFacts(500)),
        errors.UpstreamTimeout("m"),
        errors.UpstreamDisconnected("m"),
        errors.UpstreamProtocolError("m"),
        errors.UpstreamStorageFull("m"),
    ]


GOOGLES = {
    "FileUnusable": (400, "FAILED_PRECONDITION"),
    "AuthenticationFailed": (401, "UNAUTHENTICATED"),
    "PermissionDenied": (403, "PERMISSION_DENIED"),
    "FileNotFound": (403, "PERMISSION_DENIED"),
    "UploadNotFound": (404, "NOT_FOUND"),
    "ModelNotFound": (404, "NOT_FOUND"),
    "RouteNotFound": (404, "NOT_FOUND"),
    "MethodNotAllowed": (404, "NOT_FOUND"),
    "RequestTimeout": (408, "DEADLINE_EXCEEDED"),
    "Conflict": (409, "ALREADY_EXISTS"),
    "TooLarge": (413, "INVALID_ARGUMENT"),
    "RangeNotSatisfiable": (416, "OUT_OF_RANGE"),
    "RateLimited": (429, "RESOURCE_EXHAUSTED"),
    "InternalError": (500, "INTERNAL"),
    "Unavailable": (503, "UNAVAILABLE"),
    "FileNotReady": (503, "UNAVAILABLE"),
    "StorageFull": (507, "RESOURCE_EXHAUSTED"),
    "UpstreamKeyRejected": (401, "UNAUTHENTICATED"),
    "UpstreamRateLimited": (429, "RESOURCE_EXHAUSTED"),
    "UpstreamUnavailable": (500, "UNAVAILABLE"),
    "UpstreamTimeout": (504, "DEADLINE_EXCEEDED"),
    "UpstreamDisconnected": (502, "UNAVAILABLE"),
    "UpstreamProtocolError": (502, "UNAVAILABLE"),
    "UpstreamStorageFull": (503, "RESOURCE_EXHAUSTED"),
}
"""HTTP status and name (docs/protocol/gemini.md, "Errors") of those that are not 400 INVALID_ARGUMENT."""


@pytest.mark.parametrize("error", every_error(), ids=lambda error: type(error).__name__)
def test_every_error_has_both_forms_and_steers_retries(error: LiftgateError) -> None:
    response = error_response(error)
    headers = dict(response.headers)
    status = error.http_status
    assert 400 <= status < 600 and response.status == status
    repeated_by_clients = status in (408, 409, 429) or status >= 500
    assert (headers.get(b"x-should-retry") == b"false") == (repeated_by_clients and not error.retryable)
    if error.retry_after is not None:
        assert int(headers[b"retry-after"]) >= max(1, error.retry_after)
    assert (b"www-authenticate" in headers) == (status == 401)
    googles, name = GOOGLES.get(type(error).__name__, (400, "INVALID_ARGUMENT"))
    written = GEMINI.error(error)
    body = written.body["error"]
    assert (written.status, body["code"], body["status"]) == (googles, googles, name)
    assert dict(error_response(error, GEMINI).headers).get(b"allow") is None


def test_retry_after_is_whole_seconds_rounded_up() -> None:
    for seconds, written in ((0.0, b"1"), (0.2, b"1"), (1.0, b"1"), (1.01, b"2"), (59.9, b"60")):
        headers = dict(error_response(errors.Unavailable("m", retry_after=seconds)).headers)
        assert headers[b"retry-after"] == written


def test_a_range_outside_the_file_tells_its_size() -> None:
    assert (b"content-range", b"bytes */5") in error_response(errors.RangeNotSatisfiable(5)).headers
