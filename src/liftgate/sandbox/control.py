"""The routes that only the sandbox has, under `/sandbox/`: how tests steer it and ask what it saw. All JSON, no key.

clock      GET /sandbox/clock → {"now": seconds since 1970, "date": HTTP date}
           POST /sandbox/clock {"advance": seconds} or {"set": seconds since 1970} or {"reset": true} → the same
faults     POST /sandbox/faults {…} → the order with its id; GET → {"faults": […]} with their hits;
           DELETE /sandbox/faults (all; whoever stalls goes on). Fields of an order:
             kind        what happens, see below
             operation   upload.start .chunk .finalize .query .cancel .multipart, files.get .list .delete .download,
                         generate, stream, countTokens, models, embed; or a pattern such as "upload.*" ("*")
                         A request with "upload, finalize" is upload.finalize.
             key, project, model   only requests of these
             skip        that many matching requests pass first (0)
             times       how many are hit (1); null: all
           kinds:
             status      answers `code` (503) with `body` (JSON, or text; default Google's), `headers`, `retry_delay`
                         ("7s", as RetryInfo), `retry_after`, `upload_status` (X-Goog-Upload-Status, default absent);
                         "processed": true does the work first
             cut         "where": "request": the connection ends after `after_bytes` of the request's body were read;
                         "response": after that many of the answer's body. "how": "reset" (TCP RST) or "close"
             lose_answer the request is processed in full, then the connection ends (`how`)
             slow        waits `seconds` before processing; or passes `bytes_per_second` of the body of `where`
             stall       stops reading after `after_bytes` for `seconds` (default: until faults are deleted)
             stuck_processing, failed_processing (`message`; `seconds` of PROCESSING first),
             early_expiry (`seconds` on the sandbox's clock), wrong_hash, no_hash
                         spoil the File of an upload.finalize or upload.multipart
             forbidden_file  a use of a live file (`file`: its id, default any) is 403; operations files.get, generate,
                         stream, countTokens, files.download
             terminated  the upload session is dead: 400 "Upload has already been terminated."
             stream_error    after `after_events` events of a stream an error (`code`, `body`) ends it
scripts    POST /sandbox/scripts {…}: queue a reply for generate calls: one of `response` (a GenerateContentResponse),
           `chunks` (list of them) with `delays` (seconds before each), `raw` or `raw_base64` (bytes of an event
           stream), `body` with `status` (an error); also `model`, `key`, `headers`, `delay`, `times`,
           `end` ("complete", "reset", "close"). GET → {"queued": n}; DELETE forgets them. Requests are checked first.
unverified GET → {"values": {…}, "table": [{name, default, values, says}]}; POST {name: value, …} changes some
stats      GET → counts per operation, project and key; statuses; bytes received per session; finalized uploads per
           SHA-256; requests in flight
files      GET → {"files": [{id, project, name, mimeType, size, sha256, state, displayName}]} of all projects
           POST {"key": …, "mimeType": …, "data": base64} makes a generated file → its File
           DELETE /sandbox/files/ID loses a file out of the blue; POST /sandbox/files/ID {"expires_in": seconds}
           POST /sandbox/files/ID {"state": "ACTIVE" | "PROCESSING" | "FAILED"} moves it
sessions   GET → {"sessions": [{id, project, state, received, total, mimeType}]}, the open ones
bodies     GET → {"bodies": [{operation, model, key, project, body}]}: the last 100 generate bodies, long strings
           replaced by their length and SHA-256
reset      POST: everything as at the start
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import asdict

import msgspec

from liftgate.sandbox.clock import NANOSECONDS
from liftgate.sandbox.faults import Fault
from liftgate.sandbox.files.stored_files import StoredFile, new_file_id
from liftgate.sandbox.scripts import Script
from liftgate.sandbox.state import SandboxState
from liftgate.sandbox.wire.http import JSON_TYPE, Exchange, Reply, json_bytes
from liftgate.sandbox.wire.json_types import JsonObject

BODY_LIMIT = 64 << 20
Handler = Callable[[SandboxState, JsonObject, str], JsonObject]


async def handle(state: SandboxState, exchange: Exchange) -> Reply:
    """Any request under /sandbox/; what is wrong with it is a 400 with `error`."""
    raw = await exchange.body(BODY_LIMIT)
    noun, _, name = exchange.path.removeprefix("/sandbox/").partition("/")
    handler = HANDLERS.get((exchange.method, noun))
    if handler is None:
        return _json(404, {"error": f"no {exchange.method} /sandbox/{noun}; see liftgate.sandbox.control"})
    try:
        order = msgspec.json.decode(raw) if raw else {}
        if not isinstance(order, dict):
            raise ValueError("the body must be a JSON object")
        return _json(200, handler(state, order, name))
    except (ValueError, TypeError, LookupError) as error:
        return _json(400, {"error": str(error)})


def _json(status: int, value: JsonObject) -> Reply:
    return Reply(status, [("content-type", JSON_TYPE)], json_bytes(value), sized=True)


def _clock(state: SandboxState, order: JsonObject, _: str) -> JsonObject:
    if "advance" in order:
        state.clock.advance(float(order["advance"]))
    if "set" in order:
        state.clock.set(float(order["set"]))
    if order.get("reset"):
        state.clock.reset()
    return {"now": state.clock.now(), "date": state.clock.http_date()}


def _add_fault(state: SandboxState, order: JsonObject, _: str) -> JsonObject:
    return asdict(state.faults.add(Fault.ordered(order)))


def _list_faults(state: SandboxState, order: JsonObject, _: str) -> JsonObject:
    return {"faults": [asdict(fault) for fault in state.faults.orders]}


def _clear_faults(state: SandboxState, order: JsonObject, _: str) -> JsonObject:
    state.faults.clear()
    return {}


def _add_script(state: SandboxState, order: JsonObject, _: str) -> JsonObject:
    state.scripts.add(Script.ordered(order))
    return {"queued": len(state.scripts.queue)}


def _list_scripts(state: SandboxState, order: JsonObject, _: str) -> JsonObject:
    return {"queued": len(state.scripts.queue)}


def _clear_scripts(state: SandboxState, order: JsonObject, _: str) -> JsonObject:
    state.scripts.clear()
    return {}


def _switches(state: SandboxState, order: JsonObject, _: str) -> JsonObject:
    state.switches = state.switches.changed(order)
    return {"values": asdict(state.switches), "table": state.switches.table()}


def _stats(state: SandboxState, order: JsonObject, _: str) -> JsonObject:
    return state.stats.snapshot()


def _described(file: StoredFile) -> JsonObject:
    return {
        "id": file.id,
        "project": file.project,
        "name": f"files/{file.id}",
        "mimeType": file.mime_type,
        "size": file.size,
        "sha256": file.sha256,
        "state": file.state,
        "displayName": file.display_name,
    }


def _list_files(state: SandboxState, order: JsonObject, _: str) -> JsonObject:
    return {"files": [_described(file) for file in state.files.everything()]}


def _found(state: SandboxState, name: str) -> StoredFile:
    state.files.expire()
    if name not in state.files.by_id:
        raise LookupError(f"no file {name!r}")
    return state.files.by_id[name]


def _change_file(state: SandboxState, order: JsonObject, name: str) -> JsonObject:
    if not name:
        return _make_file(state, order)
    file = _found(state, name)
    if "expires_in" in order:
        shown = file.shown_expires_ns or file.expires_ns
        state.files.remove_later(file, state.clock.now_ns() + int(float(order["expires_in"]) * NANOSECONDS))
        file.shown_expires_ns = shown
    if "state" in order:
        file.ready_at = None if order["state"] == "PROCESSING" else 0.0
        file.error = {"code": 13, "message": "The file could not be processed."} if order["state"] == "FAILED" else None
    return _described(file)


def _make_file(state: SandboxState, order: JsonObject) -> JsonObject:
    content = base64.b64decode(order["data"], validate=True)
    file_id = order.get("id") or new_file_id()
    path = state.directory / f"file-{file_id}"
    path.write_bytes(content)
    now = state.clock.now_ns()
    file = StoredFile(
        id=file_id,
        project=state.project_of(str(order["key"])),
        mime_type=str(order["mimeType"]),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        path=path,
        created_ns=now,
        expires_ns=now + int(state.settings.file_lifetime * NANOSECONDS),
        source="GENERATED",
    )
    return state.files.add(file).resource(state.settings.public_base, state.switches)


def _lose_file(state: SandboxState, order: JsonObject, name: str) -> JsonObject:
    files = [_found(state, name)] if name else list(state.files.everything())
    for file in files:
        state.files.remove(file)
    return {"lost": len(files)}


def _list_sessions(state: SandboxState, order: JsonObject, _: str) -> JsonObject:
    return {"sessions": [session.described() for session in state.sessions.values() if session.state == "active"]}


def _bodies(state: SandboxState, order: JsonObject, _: str) -> JsonObject:
    return {"bodies": list(state.stats.bodies)}


def _reset(state: SandboxState, order: JsonObject, _: str) -> JsonObject:
    state.reset()
    return {}


HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", "clock"): _clock,
    ("POST", "clock"): _clock,
    ("POST", "faults"): _add_fault,
    ("GET", "faults"): _list_faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "scripts"): _add_script,
    ("GET", "scripts"): _list_scripts,
    ("DELETE", "scripts"): _clear_scripts,
    ("GET", "unverified"): _switches,
    ("POST", "unverified"): _switches,
    ("GET", "stats"): _stats,
    ("GET", "files"): _list_files,
    ("POST", "files"): _change_file,
    ("DELETE", "files"): _lose_file,
    ("GET", "sessions"): _list_sessions,
    ("GET", "bodies"): _bodies,
    ("POST", "reset"): _reset,
}
