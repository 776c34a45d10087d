"""`/liftgate/session`: a browser signs in with a key, asks who it is, and signs out."""

from __future__ import annotations

import logging

from liftgate.audit import By, note
from liftgate.engine.sign_ins import IDLE_SECONDS, SignedIn
from liftgate.errors import AuthenticationFailed, MissingParameter, let_go
from liftgate.json_types import JsonObject
from liftgate.keys.key import Caller
from liftgate.server.asgi import Header
from liftgate.server.auth import OPEN
from liftgate.server.origin import client_of
from liftgate.server.query import check_known
from liftgate.server.request import Request
from liftgate.server.responses import JSON, Response, json_response
from liftgate.server.sign_in import SignInDesk, check_origin, cookie_of, set_cookie, signed_in

log = logging.getLogger("liftgate.server")

LARGEST_BODY = 16 * 1024
"""Bytes. Whoever is not known yet is given no more room."""
NOT_KEPT: Header = (b"cache-control", b"no-store")
FORGET: Header = (b"clear-site-data", b'"cache"')
"""What a browser kept of files that were looked at goes with the sign-in."""


async def show(request: Request) -> Response:
    """200 also for a browser that has not signed in: a page asks this first."""
    request.query("key")
    desk = request.desk
    if desk is None:
        return _answer(_session_json(request, OPEN, keys=False))
    cookie = cookie_of(request)
    if not cookie:
        return _answer({"signed_in": False, "keys": True})
    try:
        found = await signed_in(request, cookie)
        caller = await _caller(request, desk, found.key)
    except AuthenticationFailed as error:
        let_go(error)
        return _answer({"signed_in": False, "keys": True}, set_cookie(request, ""))
    return _answer(_session_json(request, caller, keys=True, found=found))


async def sign_in(request: Request) -> Response:
    """A new cookie always: none that the browser brought is taken over."""
    request.query("key")
    check_origin(request)
    desk = request.desk
    if desk is None:
        return _answer(_session_json(request, OPEN, keys=False))
    desk.check_rate(request)
    body = await request.json_object(LARGEST_BODY)
    check_known(body, "key")
    key = body.get("key")
    if not key or not isinstance(key, str):
        raise MissingParameter("key")
    secret = key.strip().encode("utf-8", "surrogatepass")
    try:
        caller = await _caller(request, desk, secret)
    except AuthenticationFailed:
        note(log, "sign_in_refused", By("", client_of(request)))
        desk.note_failure(request)
        raise
    cookie, found = await request.gateway.sign_ins.begin(caller.owner, secret, cookie_of(request))
    note(log, "signed_in", By(caller.name, client_of(request)), owner=caller.owner)
    return _answer(_session_json(request, caller, keys=True, found=found), set_cookie(request, cookie))


async def sign_out(request: Request) -> Response:
    request.query("key")
    check_origin(request)
    if cookie := cookie_of(request):
        owner = await request.gateway.sign_ins.end(cookie)
        if owner is not None:
            note(log, "signed_out", By(owner, client_of(request)), owner=owner)
    return _answer({"signed_in": False, "keys": request.desk is not None}, set_cookie(request, ""), FORGET)


async def _caller(request: Request, desk: SignInDesk, key: bytes) -> Caller:
    request.signed_in_key = key
    return await desk.auth.find_caller(request, request.gateway.known_keys)


def _session_json(request: Request, caller: Caller, *, keys: bool, found: SignedIn | None = None) -> JsonObject:
    """`master`: whether keys are made and changed with it; `files`: whether it opens files and models; `spend`: whether
    it is counted; `largest_file`: bytes of the largest File that is taken from it."""
    shown: JsonObject = {
        "signed_in": True,
        "keys": keys,
        "owner": caller.owner,
        "master": caller.manages or not keys,
        "files": caller.key is None or caller.key.terms.key_type in ("default", "llm_api"),
        "spend": request.gateway.settings.counting.spend,
        "largest_file": request.gateway.settings.limits.largest_file(caller.owner),
    }
    if found is not None:
        shown |= {"ends_at": int(found.ends_at), "idle_seconds": int(IDLE_SECONDS)}
    return shown


def _answer(value: JsonObject, *headers: Header) -> Response:
    response = json_response(value)
    response.headers = (JSON, NOT_KEPT, *headers)
    return response
