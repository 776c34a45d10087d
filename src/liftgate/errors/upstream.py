"""What Gemini did, where the request is not at fault."""

from __future__ import annotations

from liftgate.errors.error import LiftgateError


class UpstreamError(LiftgateError):
    """Gemini failed and the request is not at fault; another try or another deployment may do."""

    status = 502
    retryable = True


class UpstreamKeyRejected(UpstreamError):
    """Google does not accept the key of this deployment. Not retried there; another deployment may do."""

    status = 401
    default_code = "upstream_api_key_invalid"


class UpstreamRateLimited(UpstreamError):
    status = 429
    default_code = "rate_limit_exceeded"


class UpstreamUnavailable(UpstreamError):
    """500, 503 and their like: Google's own status is kept."""

    status = 503
    default_code = "upstream_unavailable"

    @property
    def http_status(self) -> int:
        return self.upstream.status if self.upstream and self.upstream.status >= 500 else self.status


class UpstreamTimeout(UpstreamError):
    status = 504
    default_code = "upstream_timeout"


class UpstreamDisconnected(UpstreamError):
    default_code = "upstream_disconnected"


class UpstreamAnswerBroken(UpstreamError):
    """Gemini gave its answer up for a reason that lies in no content, such as a call that it could not form.

    It was asked once more already where nothing had gone out yet; the status tells a client that it may try again.
    """

    default_code = "upstream_answer_broken"
    retryable = False


class UpstreamProtocolError(UpstreamError):
    """An answer that is not of the contract: no JSON, no upload URL, a wrong hash."""

    default_code = "upstream_protocol_error"
    retryable = False


class UpstreamFileLost(UpstreamError):
    """Gemini does not know a file that was named to it (403, 404) or will not use it (400, not ACTIVE)."""

    default_code = "upstream_file_lost"


class UpstreamStorageFull(UpstreamError):
    """The Google project's `file_storage_bytes` are used up."""

    status = 503
    default_code = "upstream_storage_full"
