"""Google's answer → our error: the one table.

`error_of` looks at the HTTP status, `error.status` and the typed details, never at words (`sentences` says where that
cannot be held). Pure; `client` and `upload_session` call it. The evidence is docs/protocol/gemini.md, "Errors".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from liftgate import errors
from liftgate.errors import LiftgateError, UpstreamFacts, shortened
from liftgate.gemini import sentences
from liftgate.gemini_json import decoded_or_none
from liftgate.json_types import JsonObject
from liftgate.large_bodies import Body

LONGEST_WAIT = 86_400.0
"""Seconds. A delay beyond a day is no advice: an exhausted `file_storage_bytes` quota says 315,576,000,000 s."""
LONGEST_SENTENCE = 2_000

KEY_REASONS = frozenset(
    {
        "API_KEY_INVALID",
        "API_KEY_EXPIRED",
        "API_KEY_SERVICE_BLOCKED",
        "API_KEY_HTTP_REFERRER_BLOCKED",
        "API_KEY_IP_ADDRESS_BLOCKED",
        "API_KEY_ANDROID_APP_BLOCKED",
        "API_KEY_IOS_APP_BLOCKED",
        "ACCESS_TOKEN_EXPIRED",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        "ACCOUNT_STATE_INVALID",
        "BILLING_DISABLED",
        "CONSUMER_INVALID",
        "CONSUMER_SUSPENDED",
        "CREDENTIALS_MISSING",
        "SERVICE_DISABLED",
        "USER_PROJECT_DENIED",
    }
)
"""google.api.ErrorReason values that say: not with this key, whatever the request is."""

CLASSES: Mapping[int, type[LiftgateError]] = {
    400: errors.InvalidRequest,
    401: errors.UpstreamKeyRejected,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    407: errors.UpstreamProtocolError,
    408: errors.UpstreamTimeout,
    409: errors.Conflict,
    413: errors.TooLarge,
    429: errors.UpstreamRateLimited,
    499: errors.UpstreamDisconnected,
    504: errors.UpstreamTimeout,
}
"""HTTP status → class where no detail says more. Other 4xx: InvalidRequest, other 5xx: UpstreamUnavailable."""


def error_of(
    status: int, headers: Mapping[str, str], body: bytes, *, names_file: bool, account: str = ""
) -> LiftgateError:
    """The typed error of an answer that is not a success.

    `names_file`: the request named a file of Google's store, so a refusal may be the file's. `account` is named in the
    sentence about a rejected key: its place in the config, or its name. `headers` must be
    case-insensitive, or in lower case.
    """
    facts = parse(status, body)
    return _build(classify(facts, names_file=names_file), facts, headers, account)


ERROR = b'"error"'
"""An event without it is none."""


def without_key(body: bytes, key: str) -> bytes:
    """What Google says of a refused request, which may repeat the key, as it may be handed on."""
    return body.replace(key.encode(), b"[the key]") if key else body


def event_error(event: Body, *, names_file: bool, account: str = "", key: str = "") -> LiftgateError | None:
    """The typed error inside an event of a stream, or None when the event is an answer."""
    if event.find(ERROR, 0, 64) < 0:
        return None
    facts = parse(0, without_key(bytes(event), key))
    if not facts.status:
        return None
    return _build(classify(facts, names_file=names_file), facts, {}, account)


def lost_file(error: LiftgateError) -> str | None:
    """The resource name (`files/x`) that an UpstreamFileLost is about, or None where Google did not say."""
    return sentences.file_named(error.upstream.message) if error.upstream else None


def parse(status: int, body: bytes) -> UpstreamFacts:
    """google.rpc.Status from a body of any form that was seen: an object, an array of one, an SSE event, text, HTML.

    `status` 0 means that the body itself says it (an error inside a stream). `google_status` is "" where the body is no
    google.rpc.Status, `message` is then its text, or "" for a page.
    """
    error = _status_object(body)
    if error is None:
        return UpstreamFacts(status, "", _plain_text(body))
    code = error.get("code")
    if not status:
        status = code if isinstance(code, int) and 400 <= code <= 599 else 500
    details = error.get("details")
    return UpstreamFacts(
        status,
        shortened(str(error.get("status") or "UNKNOWN")),
        shortened(str(error.get("message") or ""), LONGEST_SENTENCE),
        tuple(item for item in details if isinstance(item, dict)) if isinstance(details, list) else (),
    )


def classify(facts: UpstreamFacts, *, names_file: bool) -> type[LiftgateError]:
    """Which error these facts mean."""
    if reason_of(facts) in KEY_REASONS or (facts.status == 403 and sentences.speaks_of_key(facts.message)):
        return errors.UpstreamKeyRejected
    if facts.status == 429 and _storage_is_full(facts):
        return errors.UpstreamStorageFull
    if names_file and _about_a_file(facts):
        return errors.UpstreamFileLost
    if facts.status in CLASSES and facts.google_status:
        return CLASSES[facts.status]
    if 500 <= facts.status <= 599:
        return CLASSES.get(facts.status, errors.UpstreamUnavailable)
    if facts.status in (408, 413, 429, 499):
        return CLASSES[facts.status]
    if 400 <= facts.status <= 499 and facts.google_status:
        return errors.InvalidRequest
    # A page, a line of text or nothing where JSON belongs, a redirect, a success that should not be here: who stands
    # before Gemini said it, so it is not the request's fault.
    return errors.UpstreamProtocolError


def reason_of(facts: UpstreamFacts) -> str | None:
    """ErrorInfo.reason, Google's own stable code."""
    for detail in _details(facts, "google.rpc.ErrorInfo"):
        reason = detail.get("reason")
        if isinstance(reason, str) and reason:
            return reason
    return None


def quotas_of(facts: UpstreamFacts) -> list[str]:
    """The names of the quotas that are used up, as Google's QuotaFailure has them."""
    return [
        name
        for violation in _violations(facts)
        if isinstance(name := violation.get("quotaId") or violation.get("quotaMetric"), str)
    ]


def retry_after(facts: UpstreamFacts, headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from RetryInfo, else from Retry-After; None when absent, unreadable or longer than a day."""
    seconds: float | None = None
    for detail in _details(facts, "google.rpc.RetryInfo"):
        seconds = _duration(detail.get("retryDelay"))
    if seconds is None:
        seconds = _retry_after_header(headers)
    return seconds if seconds is not None and 0 <= seconds <= LONGEST_WAIT else None


# ── one class each ─────────────────────────────────────────────────────────────────────────────────────────────────


def _build(kind: type[LiftgateError], facts: UpstreamFacts, headers: Mapping[str, str], account: str) -> LiftgateError:
    sentence = _SENTENCES.get(kind, _google_sentence)(facts, account)
    code = reason_of(facts) if issubclass(kind, errors.RequestError) else None
    if kind is errors.InvalidRequest and sentences.speaks_of_length(facts.message):
        code = "context_length_exceeded"
    if kind is errors.NotFound:
        # Files are named to Gemini by copies alone; what a request of a client can name wrongly is a model.
        code = code or "model_not_found"
    return kind(sentence, code=code, retry_after=retry_after(facts, headers), upstream=facts)


def _google_sentence(facts: UpstreamFacts, account: str) -> str:
    return facts.message or f"Gemini answered {_status_line(facts.status)} without saying why."


def _key_sentence(facts: UpstreamFacts, account: str) -> str:
    whose = f": that of {account!r}" if account else ""
    words = f" Google said: {facts.message}" if facts.message else ""
    return (
        f"Google rejects the API key that Liftgate holds{whose}. This is not the key of your request: "
        f"whoever runs this gateway must fix it.{words}"
    )


def _file_sentence(facts: UpstreamFacts, account: str) -> str:
    return f"Gemini does not accept a file that was named to it: {facts.message}"


def _storage_sentence(facts: UpstreamFacts, account: str) -> str:
    whose = f" of account {account!r}" if account else ""
    return f"The Google project{whose} has no room left for files (its file_storage_bytes quota is used up)."


def _protocol_sentence(facts: UpstreamFacts, account: str) -> str:
    words = f" ({facts.message})" if facts.message.isprintable() and facts.message and not facts.google_status else ""
    return (
        f"The upstream answered {_status_line(facts.status)}{words} and not in the form of Gemini's API; "
        "is api_base the root of one?"
    )


_SENTENCES: Mapping[type[LiftgateError], Callable[[UpstreamFacts, str], str]] = {
    errors.UpstreamKeyRejected: _key_sentence,
    errors.UpstreamFileLost: _file_sentence,
    errors.UpstreamStorageFull: _storage_sentence,
    errors.UpstreamProtocolError: _protocol_sentence,
}


# ── structure ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _about_a_file(facts: UpstreamFacts) -> bool:
    if facts.google_status and facts.status == 403:
        # A request that names files and is forbidden: the documented form of 'gone', whatever its words.
        return True
    # A 404 may be the model's, a FAILED_PRECONDITION the location's: only the sentence can tell.
    may_be = facts.status == 404 or (facts.status == 400 and facts.google_status == "FAILED_PRECONDITION")
    return may_be and sentences.file_named(facts.message) is not None


def _storage_is_full(facts: UpstreamFacts) -> bool:
    return any(str(each.get("quotaMetric", "")).endswith("/file_storage_bytes") for each in _violations(facts))


def _violations(facts: UpstreamFacts) -> list[JsonObject]:
    found = (detail.get("violations") for detail in _details(facts, "google.rpc.QuotaFailure"))
    return [each for some in found if isinstance(some, list) for each in some if isinstance(each, dict)]


def _details(facts: UpstreamFacts, name: str) -> list[JsonObject]:
    return [detail for detail in facts.details if str(detail.get("@type", "")).endswith("/" + name)]


def _status_object(body: bytes) -> JsonObject | None:
    text = body.strip()
    if text.startswith(b"data:"):
        text = text.split(b"\n", 1)[0][5:].strip()
    if not text.startswith((b"{", b"[")):
        return None
    value = decoded_or_none(text)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, dict) else None


def _plain_text(body: bytes) -> str:
    text = body[: 4 * LONGEST_SENTENCE].decode("utf-8", "replace").strip()
    return "" if text.startswith(("<", "{", "[")) else shortened(text, LONGEST_SENTENCE)


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _duration(value: object) -> float | None:
    """google.protobuf.Duration in its JSON form ("48s", "48.9s") or as {seconds, nanos}."""
    try:
        if isinstance(value, str) and value.endswith("s"):
            return _finite(float(value[:-1]))
        if isinstance(value, dict):
            return _finite(float(value.get("seconds", 0)) + float(value.get("nanos", 0)) / 1e9)
    except (TypeError, ValueError, OverflowError):
        return None
    return None


def _retry_after_header(headers: Mapping[str, str]) -> float | None:
    """Retry-After in seconds; its date form counts from the answer's own Date, so that no clock of ours has a say."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return _finite(float(value))
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(value) - parsedate_to_datetime(headers["date"])).total_seconds()
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None
