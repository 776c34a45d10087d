"""The end of an upload: the bytes of a session become a File, or are refused.

Called by the resumable and the multipart upload when everything has arrived. Applies the faults that spoil a File.
"""

import time

from liftgate.sandbox.clock import NANOSECONDS
from liftgate.sandbox.faults import FaultPlan
from liftgate.sandbox.files.stored_files import EXPIRY_LEAD_NS, StoredFile, new_file_id
from liftgate.sandbox.files.upload_sessions import UploadSession
from liftgate.sandbox.media import media_types
from liftgate.sandbox.media.timed_media import video_seconds
from liftgate.sandbox.requests.refusals import Refusal, UploadRefusal, storage_full
from liftgate.sandbox.state import SandboxState
from liftgate.sandbox.wire.http import JSON_TYPE, VARY, Reply, json_bytes, upload_reply


async def file_upload(state: SandboxState, session: UploadSession, plan: FaultPlan) -> Reply:
    """Make the File of a session whose bytes are all here, and answer as the finalize does."""
    size = session.spool.size
    if (session.total is not None and size != session.total) or (size == 0 and state.switches.empty_file == "400"):
        session.end("terminated")
        raise UploadRefusal(400, f"Upload ended at {size} bytes; announced were {session.total}.", "final")
    if size > state.files.room(session.project):
        session.end("terminated")
        raise storage_full(state.settings.quota_bytes)
    if session.custom_id and state.files.taken(session.custom_id):
        refusal = Refusal(409, f"{session.custom_id} already exists.")
        session.answer_status = 409 if state.switches.name_collision_status == "409" else 200
        session.answer = json_bytes(refusal.body())
        session.end("final")
        session.spool.discard()
        return final_reply(session)
    file = _filed(state, session, plan)
    state.stats.finalized[file.sha256] += 1
    session.answer = json_bytes({"file": file.resource(state.settings.public_base, state.switches)})
    session.end("final")
    return final_reply(session)


def _filed(state: SandboxState, session: UploadSession, plan: FaultPlan) -> StoredFile:
    file_id = session.custom_id or new_file_id()
    now = state.clock.now_ns()
    file = StoredFile(
        id=file_id,
        project=session.project,
        mime_type=session.mime_type,
        size=session.spool.size,
        sha256=session.spool.sha256(),
        path=session.spool.path.with_name(f"file-{file_id}-{session.id[6:14]}"),
        created_ns=now,
        expires_ns=now + int(state.settings.file_lifetime * NANOSECONDS) - EXPIRY_LEAD_NS,
        display_name=session.display_name,
        forbidden_left=state.switches.forbidden_after_upload,
    )
    session.spool.path.rename(file.path)
    if media_types.bare(file.mime_type).startswith("video/"):
        file.processing = state.settings.video_processing
        file.ready_at = time.monotonic() + file.processing
        file.video_seconds = video_seconds(file.path)
    _apply_faults(file, plan, now)
    return state.files.add(file)


def _apply_faults(file: StoredFile, plan: FaultPlan, now_ns: int) -> None:
    if plan.first("stuck_processing") is not None:
        file.ready_at = None
    failed = plan.first("failed_processing")
    if failed is not None:
        file.processing = file.processing or failed.seconds or 0.0
        file.ready_at = time.monotonic() + file.processing
        file.error = {"code": 13, "message": failed.message}
    early = plan.first("early_expiry")
    if early is not None:
        file.shown_expires_ns, file.expires_ns = file.expires_ns, now_ns + int((early.seconds or 0.0) * NANOSECONDS)
    if plan.first("wrong_hash") is not None:
        file.shown_sha256 = file.sha256[::-1] if file.sha256[::-1] != file.sha256 else "0" * 64
    if plan.first("no_hash") is not None:
        file.shown_sha256 = ""


def final_reply(session: UploadSession) -> Reply:
    return upload_reply(
        session.answer_status,
        session.answer,
        JSON_TYPE,
        VARY,
        ("x-goog-upload-status", "final"),
        ("x-guploader-uploadid", session.id),
    )
