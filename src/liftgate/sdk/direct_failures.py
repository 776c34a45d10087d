"""What Gemini's refusals mean to somebody who holds the key themselves, and has no gateway between."""

from __future__ import annotations

from liftgate.errors import (
    AuthenticationFailed,
    FileNotFound,
    LiftgateError,
    UpstreamFacts,
    UpstreamFileLost,
    UpstreamKeyRejected,
    UpstreamStorageFull,
)
from liftgate.gemini.status import lost_file
from liftgate.names import begins_like_an_id


class FileOutOfReach(FileNotFound):
    """Google answers alike for a file that expired, was deleted, or belongs to another project; so the words name
    all.
    """

    def __init__(self, file_id: str, upstream: UpstreamFacts | None = None, *, param: str = "file_id") -> None:
        super().__init__(file_id, param=param)
        self.message = (
            f"This key's project cannot see the file {file_id!r}, or it expired (Google keeps files for 48 h) or was "
            "deleted. Upload it again with this key; a gateway, or Liftgate(data_dir=…), keeps files for good."
        )
        if begins_like_an_id(file_id):
            self.message += " An id that begins with 'file-' is a gateway's: it works there only."
        self.args = (self.message,)
        self.code = "file_not_found"
        self.upstream = upstream


def for_caller(error: LiftgateError, file_id: str | None = None) -> LiftgateError:
    """`file_id`: the file that the call is about, as the caller wrote it; else the one that Google's words name."""
    reason = error.upstream.message if error.upstream else ""
    if isinstance(error, UpstreamKeyRejected):
        words = f"Google does not accept this API key: {reason}" if reason else "Google does not accept this API key."
        return AuthenticationFailed(words, param="api_key", upstream=error.upstream)
    if isinstance(error, UpstreamFileLost):
        return FileOutOfReach(file_id or lost_file(error) or "it was given", error.upstream)
    if isinstance(error, UpstreamStorageFull):
        return UpstreamStorageFull(
            "The 20 GB that this key's project may keep as files at Google are used: delete some (file_list, "
            "file_delete), or wait until they expire.",
            upstream=error.upstream,
        )
    return error
