"""The answers of ordered `status` faults: Google's bodies for the usual codes, RetryInfo and headers on demand.

Called by the router before (or, for a fault that is `processed`, after) the work; knows no requests.
"""

import msgspec

from liftgate.sandbox.faults import Fault
from liftgate.sandbox.requests.refusals import STATUS_OF_CODE, TYPE
from liftgate.sandbox.wire.http import JSON_TYPE, TEXT, Reply, api_headers, json_bytes

SENTENCES = {
    400: "Request contains an invalid argument.",
    401: "Request had invalid authentication credentials.",
    403: "The caller does not have permission",
    404: "Requested entity was not found.",
    429: "You exceeded your current quota, please check your plan and billing details. For more information on this "
    "error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.",
    500: "An internal error has occurred. Please retry or report in "
    "https://developers.generativeai.google/guide/troubleshooting",
    503: "The model is overloaded. Please try again later.",
    504: "The request timed out. Please try again.",
}


def default_error(code: int) -> dict[str, object]:
    """The body of google.rpc.Status that Google usually gives with this code."""
    return {
        "error": {
            "code": code,
            "message": SENTENCES.get(code, f"The sandbox was told to answer {code}."),
            "status": STATUS_OF_CODE.get(code, "UNKNOWN"),
        }
    }


def status_reply(fault: Fault, operation: str) -> Reply:
    """The answer that the order describes."""
    extra = list(fault.headers.items())
    if operation in ("generate", "stream"):
        extra.append(("x-gemini-service-tier", "standard"))
    if fault.retry_after is not None:
        extra.append(("retry-after", fault.retry_after))
    if fault.upload_status is not None:
        extra.append(("x-goog-upload-status", fault.upload_status))
    if isinstance(fault.body, str):
        return Reply(fault.code, api_headers(TEXT, *extra), fault.body.encode())
    body = fault.body if fault.body is not None else default_error(fault.code)
    if fault.retry_delay is not None:
        body = msgspec.json.decode(msgspec.json.encode(body))
        info = {"@type": TYPE + "RetryInfo", "retryDelay": fault.retry_delay}
        body["error"].setdefault("details", []).append(info)
    return Reply(fault.code, api_headers(JSON_TYPE, *extra), json_bytes(body))
