"""Google's answers → our errors: every recorded error, the documented ones, and forms nobody wishes for."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import RECORDINGS, needs_recordings
from liftgate import errors
from liftgate.errors import LiftgateError
from liftgate.gemini.status import error_of, event_error, lost_file

TYPE = "type.googleapis.com/google.rpc."
GONE = "You do not have permission to access the File k4t1ywl66fz2 or it may not exist."
NOT_ACTIVE = "The File k4t1ywl66fz2 is not in an ACTIVE state and usage is not allowed."
UNREGISTERED = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
    "form of API consumer identity to call this API."
)


def status_body(code: int, message: str, status: str, *details: dict[str, Any]) -> bytes:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = list(details)
    return json.dumps({"error": error}).encode()


def retry_info(delay: object) -> dict[str, Any]:
    return {"@type": TYPE + "RetryInfo", "retryDelay": delay}


def error_info(reason: str) -> dict[str, Any]:
    return {"@type": TYPE + "ErrorInfo", "reason": reason, "domain": "googleapis.com"}


STORAGE = {
    "@type": TYPE + "QuotaFailure",
    "violations": [
        {
            "quotaMetric": "generativelanguage.googleapis.com/file_storage_bytes",
            "quotaId": "FileStorageBytesPerProject",
            "quotaValue": "21474836480",
        }
    ],
}

# HTTP status, google status, sentence, details, the request named a file → class, OpenAI code
DOCUMENTED: list[tuple[int, str, str, list[dict[str, Any]], bool, type[LiftgateError], str | None]] = [
    (400, "INVALID_ARGUMENT", "Request contains an invalid argument.", [], True, errors.InvalidRequest, None),
    (400, "INVALID_ARGUMENT", "x", [error_info("SOME_REASON")], False, errors.InvalidRequest, "SOME_REASON"),
    (400, "FAILED_PRECONDITION", NOT_ACTIVE, [], True, errors.UpstreamFileLost, "upstream_file_lost"),
    (400, "FAILED_PRECONDITION", NOT_ACTIVE, [], False, errors.InvalidRequest, None),
    (400, "FAILED_PRECONDITION", "User location is not supported.", [], True, errors.InvalidRequest, None),
    (400, "INVALID_ARGUMENT", "API key expired.", [error_info("API_KEY_INVALID")], True,
     errors.UpstreamKeyRejected, "upstream_api_key_invalid"),
    (401, "UNAUTHENTICATED", "No.", [], False, errors.UpstreamKeyRejected, "upstream_api_key_invalid"),
    (403, "PERMISSION_DENIED", UNREGISTERED, [], True, errors.UpstreamKeyRejected, "upstream_api_key_invalid"),
    (403, "PERMISSION_DENIED", "Disabled.", [error_info("SERVICE_DISABLED")], True,
     errors.UpstreamKeyRejected, "upstream_api_key_invalid"),
    (403, "PERMISSION_DENIED", GONE, [], True, errors.UpstreamFileLost, "upstream_file_lost"),
    (403, "PERMISSION_DENIED", "The caller does not have permission", [], True,
     errors.UpstreamFileLost, "upstream_file_lost"),
    (403, "PERMISSION_DENIED", "CachedContent not found (or permission denied)", [], False,
     errors.PermissionDenied, None),
    (404, "NOT_FOUND", GONE, [], True, errors.UpstreamFileLost, "upstream_file_lost"),
    (404, "NOT_FOUND", "models/x is not found for API version v1beta.", [], True,
     errors.NotFound, "model_not_found"),
    (409, "ALREADY_EXISTS", "files/x already exists.", [], False, errors.Conflict, None),
    (413, "INVALID_ARGUMENT", "Too large.", [], False, errors.TooLarge, "file_too_large"),
    (429, "RESOURCE_EXHAUSTED", "Quota.", [], False, errors.UpstreamRateLimited, "rate_limit_exceeded"),
    (429, "RESOURCE_EXHAUSTED", "Quota.", [STORAGE], False, errors.UpstreamStorageFull, "upstream_storage_full"),
    (499, "CANCELLED", "Cancelled.", [], False, errors.UpstreamDisconnected, "upstream_disconnected"),
    (500, "INTERNAL", "An internal error has occurred.", [], True, errors.UpstreamUnavailable, "upstream_unavailable"),
    (503, "UNAVAILABLE", "The model is overloaded. Please try again later.", [], False,
     errors.UpstreamUnavailable, "upstream_unavailable"),
    (504, "DEADLINE_EXCEEDED", "Deadline.", [], False, errors.UpstreamTimeout, "upstream_timeout"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "google", "sentence", "details", "names_file", "kind", "code"), DOCUMENTED)
def test_error_of_documented_answer_has_its_class(
    status: int,
    google: str,
    sentence: str,
    details: list[dict[str, Any]],
    names_file: bool,
    kind: type[LiftgateError],
    code: str | None,
) -> None:
    error = error_of(status, {}, status_body(status, sentence, google, *details), names_file=names_file)
    assert type(error) is kind
    assert error.code == code
    assert error.upstream is not None
    assert (error.upstream.status, error.upstream.google_status) == (status, google)
    if kind not in (errors.UpstreamKeyRejected, errors.UpstreamFileLost, errors.UpstreamStorageFull):
        assert error.message == sentence


# Recording → class, what its message must be; the sentence in the recording is the expectation.
RECORDED = {
    "error_400--generateContent": errors.UpstreamKeyRejected,
    "error_404--batchEmbedContents": errors.NotFound,
    "error_404--countTokens": errors.NotFound,
    "error_404--generateContent": errors.NotFound,
    "error_404--streamGenerateContent": errors.NotFound,
    "error_429--generateContent": errors.UpstreamRateLimited,
}


@needs_recordings
def test_error_of_every_recorded_error_has_its_class() -> None:
    files = sorted(RECORDINGS.glob("error_*.json"))
    assert files
    for path in files:
        response = json.loads(path.read_text())["response"]
        body = response["body"]
        if "__segments__" in body:
            (body,) = body["__segments__"]
        for raw in (json.dumps(body).encode(), b"data: " + json.dumps(body).encode() + b"\r\n\r\n"):
            error = error_of(response["status"], response["headers"], raw, names_file=False)
            assert type(error) is RECORDED["--".join(path.name.split("--")[:2])], path.name
            assert body["error"]["message"] in error.message
            assert error.http_status == response["status"] or type(error) is errors.UpstreamKeyRejected
            assert error.retryable is (type(error) is not errors.NotFound)
            if response["status"] == 429:
                assert error.retry_after == 48.0


@pytest.mark.parametrize("status", [*(s.value for s in HTTPStatus), 99, 444, 520, 599, 600])
@pytest.mark.parametrize(
    "body", [b"", b"{}", b"plain words", b"<html>502</html>", status_body(400, "Says 400.", "INVALID_ARGUMENT")]
)
@pytest.mark.parametrize("names_file", [True, False])
def test_error_of_any_status_and_body_is_typed_and_says_something(status: int, body: bytes, names_file: bool) -> None:
    error = error_of(status, {}, body, names_file=names_file)
    assert isinstance(error, errors.RequestError | errors.UpstreamError)
    assert error.message
    assert "<html" not in error.message
    assert error.http_status >= 400
    if 500 <= status <= 599:
        assert error.retryable
        assert error.http_status == status


@given(st.integers(0, 999), st.binary(max_size=200), st.booleans())
def test_error_of_survives_any_bytes(status: int, body: bytes, names_file: bool) -> None:
    assert error_of(status, {}, body, names_file=names_file).message


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    )
)
def test_error_of_survives_any_json_where_details_belong(value: object) -> None:
    for error in (value, {"details": value}, {"code": value, "message": value, "status": value}):
        assert error_of(429, {}, json.dumps({"error": error}).encode(), names_file=True).message
    for detail in ("QuotaFailure", "RetryInfo", "ErrorInfo"):
        fields = {"violations": value, "retryDelay": value, "reason": value}
        body = status_body(429, "x", "Y", {"@type": TYPE + detail, **fields})
        assert error_of(429, {}, body, names_file=True).message


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        ("48s", 48.0),
        ("48.939935699s", 48.939935699),
        ("0s", 0.0),
        ({"seconds": "7", "nanos": 500_000_000}, 7.5),
        ("315576000000s", None),
        ("-3s", None),
        ("nans", None),
        ("infs", None),
        ("soon", None),
        (48, None),
        (None, None),
    ],
)
def test_error_of_retry_info_becomes_seconds_or_nothing(delay: object, seconds: float | None) -> None:
    body = status_body(429, "x", "RESOURCE_EXHAUSTED", retry_info(delay))
    assert error_of(429, {}, body, names_file=False).retry_after == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "Wed, 19 Aug 2026 14:35:31 GMT", "date": "Wed, 19 Aug 2026 14:35:11 GMT"}, 20.0),
        ({"retry-after": "Wed, 19 Aug 2026 14:35:01 GMT", "date": "Wed, 19 Aug 2026 14:35:11 GMT"}, None),
        ({"retry-after": "Wed, 19 Aug 2026 14:35:31 GMT"}, None),
        ({"retry-after": "tomorrow", "date": "Wed, 19 Aug 2026 14:35:11 GMT"}, None),
        ({"retry-after": "99999999"}, None),
    ],
)
def test_error_of_retry_after_header_becomes_seconds_or_nothing(headers: dict[str, str], seconds: float | None) -> None:
    assert error_of(503, headers, b"busy", names_file=False).retry_after == seconds


def test_error_of_retry_info_comes_before_the_header() -> None:
    body = status_body(429, "x", "RESOURCE_EXHAUSTED", retry_info("3s"))
    assert error_of(429, {"retry-after": "60"}, body, names_file=False).retry_after == 3.0


def test_error_of_rejected_key_says_whose_key_it_is() -> None:
    body = status_body(400, "API key not valid.", "INVALID_ARGUMENT", error_info("API_KEY_INVALID"))
    message = error_of(400, {}, body, names_file=False, account="team-a").message
    assert "the API key that Liftgate holds" in message
    assert "'team-a'" in message
    assert "not the key of your request" in message


@pytest.mark.parametrize("sentence", [GONE, NOT_ACTIVE, GONE.replace("File k", "File files/k")])
def test_lost_file_is_named_as_google_named_it(sentence: str) -> None:
    error = error_of(403, {}, status_body(403, sentence, "PERMISSION_DENIED"), names_file=True)
    assert type(error) is errors.UpstreamFileLost
    assert lost_file(error) == "files/k4t1ywl66fz2"


def test_lost_file_is_unknown_where_google_names_none() -> None:
    body = status_body(403, "The caller does not have permission", "PERMISSION_DENIED")
    assert lost_file(error_of(403, {}, body, names_file=True)) is None


def test_error_of_array_form_is_read() -> None:
    body = b"[" + status_body(503, "Overloaded.", "UNAVAILABLE") + b"]"
    assert error_of(503, {}, body, names_file=False).message == "Overloaded."


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 418])
def test_error_of_plain_text_is_not_the_requests_fault_and_is_shown(status: int) -> None:
    """Gemini says everything in JSON; a line of text is a proxy's or a firewall's, or an upload server's."""
    error = error_of(status, {}, b"Upload has already been terminated.\n", names_file=True)
    assert type(error) is errors.UpstreamProtocolError and error.http_status == 502
    assert f"{status} " in error.message and "(Upload has already been terminated.)" in error.message


def test_error_of_page_for_a_missing_path_asks_about_api_base() -> None:
    error = error_of(404, {}, b"<!DOCTYPE html><title>Error 404</title>", names_file=False)
    assert type(error) is errors.UpstreamProtocolError
    assert "api_base" in error.message


def test_event_error_takes_the_status_from_the_event() -> None:
    error = event_error(status_body(503, "Overloaded.", "UNAVAILABLE"), names_file=False)
    assert type(error) is errors.UpstreamUnavailable
    assert error.http_status == 503


@pytest.mark.parametrize(
    "event",
    [
        b'{"candidates": [{"content": {"parts": [{"text": "\\"error\\": {\\"code\\": 500}"}]}}]}',
        b'{"candidates":[],"error":"no object"}',
        b"{}",
    ],
)
def test_event_error_is_none_for_an_answer(event: bytes) -> None:
    assert event_error(event, names_file=False) is None
