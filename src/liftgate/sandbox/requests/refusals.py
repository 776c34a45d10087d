"""Google's errors as the sandbox answers them: google.rpc.Status with the sentences that the real service uses.

Not a list of all errors: those that docs/protocol/gemini.md, "Errors" records, and the ones that strict request
checking needs. Raised anywhere below the router; `liftgate.sandbox.app` turns them into an answer.
"""

from liftgate.sandbox.wire.json_types import JsonObject

STATUS_OF_CODE = {
    302: "UNKNOWN",
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    410: "NOT_FOUND",
    416: "OUT_OF_RANGE",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
TYPE = "type.googleapis.com/google.rpc."


class Refusal(Exception):
    """An answer of google.rpc.Status with its HTTP code."""

    def __init__(self, code: int, message: str, status: str = "", details: list[JsonObject] | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or STATUS_OF_CODE.get(code, "UNKNOWN")
        self.details = details

    def body(self) -> JsonObject:
        error: JsonObject = {"code": self.code, "message": self.message, "status": self.status}
        if self.details:
            error["details"] = self.details
        return {"error": error}


class UploadRefusal(Exception):
    """A plain-text answer of the upload server; `upload_status` becomes X-Goog-Upload-Status where it is not empty."""

    def __init__(self, code: int, text: str, upload_status: str = ""):
        super().__init__(text)
        self.code = code
        self.text = text
        self.upload_status = upload_status


def bad_request(violations: list[tuple[str, str]]) -> Refusal:
    """400 for (field, description) pairs of strict checking; `field` may be empty for the top level."""
    return Refusal(
        400,
        "\n".join(description for _, description in violations),
        details=[
            {
                "@type": TYPE + "BadRequest",
                "fieldViolations": [
                    {"field": field, "description": description} if field else {"description": description}
                    for field, description in violations
                ],
            }
        ],
    )


def key_invalid() -> Refusal:
    sentence = "API key not valid. Please pass a valid API key."
    info = {
        "@type": TYPE + "ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    return Refusal(
        400, sentence, details=[info, {"@type": TYPE + "LocalizedMessage", "locale": "en-US", "message": sentence}]
    )


def key_missing() -> Refusal:
    return Refusal(
        403,
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
        "other form of API consumer identity to call this API.",
    )


def file_forbidden(file_id: str, code: int = 403) -> Refusal:
    return Refusal(code, f"You do not have permission to access the File {file_id} or it may not exist.")


def file_not_active(file_id: str) -> Refusal:
    return Refusal(
        400,
        f"The File {file_id} is not in an ACTIVE state and usage is not allowed.",
        status="FAILED_PRECONDITION",
    )


def model_unknown(name: str, version: str, method: str) -> Refusal:
    """As recorded since the summer of 2026, whatever the method; before, ListModels stood without its service."""
    return Refusal(
        404,
        f"models/{name} is not found for API version {version}, or is not supported for {method}. "
        "Call ModelService.ListModels to see the list of available models and their supported methods.",
    )


def storage_full(quota: int) -> Refusal:
    """429 with QuotaFailure and the absurd RetryInfo that users report (python-genai#1172)."""
    metric = "generativelanguage.googleapis.com/file_storage_bytes"
    violation = {
        "quotaMetric": metric,
        "quotaId": "FileStorageBytesPerProject",
        "quotaDimensions": {"location": "global"},
        "quotaValue": str(quota),
    }
    return Refusal(
        429,
        "You exceeded your current quota, please check your plan and billing details. For more information on this "
        "error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.\n"
        f"* Quota exceeded for metric: {metric}, limit: {quota}",
        details=[
            {"@type": TYPE + "QuotaFailure", "violations": [violation]},
            {"@type": TYPE + "RetryInfo", "retryDelay": "315576000000s"},
        ],
    )


def inline_too_big(limit: int) -> Refusal:
    return Refusal(400, f"Request payload size exceeds the limit: {limit} bytes.")


def too_many_tokens(counted: int, allowed: int) -> Refusal:
    return Refusal(400, f"The input token count ({counted}) exceeds the maximum number of tokens allowed ({allowed}).")


def field_wrong(path: str, sentence: str) -> Refusal:
    """A semantic error in the form `* GenerateContentRequest.field: sentence`."""
    return Refusal(400, f"* {path}: {sentence}\n")
