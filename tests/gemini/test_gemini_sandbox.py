"""The client and the upload session against the sandbox: 40 MB through broken connections, and every open question."""

from __future__ import annotations

import asyncio
import hashlib
import json
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from functools import cache
from typing import Any

import pytest

from liftgate import errors, ids
from liftgate.byte_source import ByteSource
from liftgate.deployments import Account
from liftgate.gemini.client import GeminiClient
from liftgate.gemini.files import GeminiFile
from liftgate.gemini.status import lost_file
from liftgate.gemini.upload_rules import ChunkAnswer
from liftgate.gemini.upload_session import (
    Action,
    Done,
    Fail,
    FindByName,
    Query,
    Restart,
    SendChunk,
    UploadSession,
)
from liftgate.http.transport import ClientLimits
from liftgate.sandbox.app import SandboxSettings, create_app
from local_gemini import KEY, BytesSource, account_at, client, deployment_at
from serving import serve

MIB = 1024 * 1024
SIZE = 40_000_000
DATA = (hashlib.shake_256(b"forty megabytes").digest(1_000_003) * 40)[:SIZE]
THREE_CHUNKS = DATA[:18_000_000]
BODY = b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'


class SandboxControl:
    """The sandbox's own routes."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.account = account_at(base)

    def ask(self, method: str, noun: str, order: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if order is None else json.dumps(order).encode()
        request = urllib.request.Request(f"{self.base}/sandbox/{noun}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            got: dict[str, Any] = json.loads(answer.read())
        return got

    def fault(self, **order: Any) -> None:
        self.ask("POST", "faults", order)

    def files(self) -> list[dict[str, Any]]:
        files: list[dict[str, Any]] = self.ask("GET", "files")["files"]
        return files


@pytest.fixture(scope="module")
def running() -> Iterator[str]:
    with serve(create_app(SandboxSettings())) as base:
        yield base


@pytest.fixture
def sandbox(running: str) -> SandboxControl:
    control = SandboxControl(running)
    control.ask("POST", "reset", {})
    return control


class Driven:
    """A plain driver of the session, as any caller has to write it; records what it was asked to do."""

    def __init__(self, gemini: GeminiClient, account: Account, source: ByteSource) -> None:
        self.gemini, self.account, self.source = gemini, account, source
        self.actions: list[Action] = []
        self.name, self.url = "", ""

    async def start(self) -> int:
        self.name = ids.new_copy_name()
        started = await self.gemini.start_upload(
            self.account, mime_type="application/pdf", size=self.source.size, name=self.name
        )
        self.url = started.url
        return started.granularity

    async def upload(self) -> GeminiFile:
        session = UploadSession(total=self.source.size, granularity=await self.start())
        return await self.drive(session, session.begin())

    async def drive(self, session: UploadSession, action: Action) -> GeminiFile:
        while True:
            self.actions.append(action)
            match action:
                case SendChunk(start, stop, finalize):
                    sending = self.gemini.send_chunk(
                        self.account, self.url, self.source, start, stop, finalize=finalize
                    )
                    action = await self._report(session, sending)
                case Query():
                    action = await self._report(session, self.gemini.query(self.account, self.url))
                case FindByName():
                    try:
                        action = session.found(await self.gemini.get_file(self.account, self.name))
                    except errors.UpstreamFileLost:
                        action = session.found(None)
                case Restart(_, doom, _):
                    if doom:
                        await self.gemini.delete_file(self.account, self.name)
                    action = session.restarted(await self.start())
                case Done(file):
                    return file
                case Fail(error):
                    raise error

    async def _report(self, session: UploadSession, call: Awaitable[ChunkAnswer]) -> Action:
        try:
            return session.answered(await call)
        except (errors.UpstreamDisconnected, errors.UpstreamTimeout) as error:
            return session.broke(error)

    def count(self, kind: type[Action]) -> int:
        return sum(isinstance(action, kind) for action in self.actions)

    @property
    def sent(self) -> int:
        return sum(action.stop - action.start for action in self.actions if isinstance(action, SendChunk))


@cache
def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def upload(sandbox: SandboxControl, data: bytes = DATA, *, limits: ClientLimits | None = None) -> Driven:
    """`data` to the sandbox; the file there has our bytes, and is the only one unless the caller says otherwise."""

    async def scenario() -> Driven:
        async with client(limits) as gemini:
            driven = Driven(gemini, sandbox.account, BytesSource(data))
            file = await driven.upload()
            assert (file.size, file.state) == (len(data), "ACTIVE")
            assert file.sha256 in (sha256_of(data), None)
            return driven

    driven = asyncio.run(scenario())
    assert {file["sha256"] for file in sandbox.files()} == {sha256_of(data)}
    return driven


def test_upload_undisturbed_sends_every_byte_once(sandbox: SandboxControl) -> None:
    driven = upload(sandbox)
    assert driven.sent == SIZE
    assert driven.count(SendChunk) == 5
    assert len(sandbox.files()) == 1


FAULTS: dict[str, list[dict[str, Any]]] = {
    "cut in the middle of a chunk": [{"kind": "cut", "operation": "upload.chunk", "skip": 1, "after_bytes": 3 * MIB}],
    "cut in order": [{"kind": "cut", "operation": "upload.chunk", "after_bytes": 5 * MIB + 7, "how": "close"}],
    "cut four times": [{"kind": "cut", "operation": "upload.chunk", "after_bytes": MIB, "times": 4}],
    "cut in the last chunk": [{"kind": "cut", "operation": "upload.finalize", "after_bytes": MIB}],
    "lost answer to a chunk": [{"kind": "lose_answer", "operation": "upload.chunk", "skip": 2}],
    "lost answer to the finalize": [{"kind": "lose_answer", "operation": "upload.finalize"}],
    "lost answers to finalize and query": [
        {"kind": "lose_answer", "operation": "upload.finalize"},
        {"kind": "lose_answer", "operation": "upload.query"},
    ],
    "503 to a chunk": [{"kind": "status", "operation": "upload.chunk", "skip": 1}],
    "503 to a finalize that was done": [{"kind": "status", "operation": "upload.finalize", "processed": True}],
    "503 active": [{"kind": "status", "operation": "upload.chunk", "upload_status": "active"}],
    "429 to a chunk": [{"kind": "status", "operation": "upload.chunk", "code": 429, "retry_delay": "1s"}],
    "500 to a query": [
        {"kind": "cut", "operation": "upload.chunk", "after_bytes": MIB},
        {"kind": "status", "operation": "upload.query", "code": 500},
    ],
    "stalled": [{"kind": "stall", "operation": "upload.chunk", "skip": 1, "after_bytes": MIB, "seconds": 30}],
    "dead session": [{"kind": "terminated", "operation": "upload.chunk", "skip": 2}],
    "dead session at the end": [{"kind": "terminated", "operation": "upload.finalize"}],
}


@pytest.mark.parametrize("name", FAULTS)
def test_upload_survives(name: str, sandbox: SandboxControl) -> None:
    for fault in FAULTS[name]:
        sandbox.fault(**fault)
    driven = upload(sandbox, limits=ClientLimits(idle=0.5, chunk_answer=5.0))
    assert len(sandbox.files()) == 1
    hits = [fault["hits"] for fault in sandbox.ask("GET", "faults")["faults"]]
    assert all(hits), hits
    # One chunk more for each break; a dead session costs what it had.
    breaks = sum(fault.get("times", 1) for fault in FAULTS[name])
    allowed = SIZE * (1 + driven.count(Restart)) + breaks * 8 * MIB
    assert driven.sent <= allowed


OPEN_QUESTIONS: list[dict[str, Any]] = [
    {"wrong_offset_status": 400},
    {"wrong_offset_status": 416, "wrong_offset_header": "none"},
    {"resent_bytes": "refuse"},
    {"misaligned_chunk": "accept"},
    {"chunk_kept_after_cut": "none"},
    {"chunk_kept_after_cut": "aligned"},
    {"query_supported": False},
    {"query_supported": False, "resent_bytes": "refuse", "wrong_offset_header": "none"},
    {"query_supported": False, "finalize_resend": "terminated", "custom_name_honoured": False},
    {"query_final_returns_body": False},
    {"query_final_returns_body": False, "custom_name_honoured": False},
    {"finalize_resend": "terminated"},
    {"finalize_resend": "terminated", "terminated_header": "none"},
    {"name_collision_status": "200final"},
    {"sha256_present": False},
    {"delete_missing": 404},
]


@pytest.mark.parametrize("switches", OPEN_QUESTIONS, ids=str)
@pytest.mark.parametrize(
    "name", ["cut in the middle of a chunk", "lost answer to the finalize", "dead session at the end"]
)
def test_upload_survives_whatever_google_really_does(
    switches: dict[str, Any], name: str, sandbox: SandboxControl
) -> None:
    sandbox.ask("POST", "unverified", switches)
    for fault in FAULTS[name]:
        sandbox.fault(**fault)
    upload(sandbox, THREE_CHUNKS)
    # Where a finished file can neither be asked for nor named, a second copy is what it costs: it dies after 48 hours.
    blind = switches.get("custom_name_honoured") is False and name == "lost answer to the finalize"
    assert len(sandbox.files()) == (2 if blind else 1)


def test_upload_resumed_by_another_client_continues_where_it_was(sandbox: SandboxControl) -> None:
    async def scenario() -> Driven:
        async with client() as gemini:
            first = Driven(gemini, sandbox.account, BytesSource(DATA))
            await first.start()
            await gemini.send_chunk(sandbox.account, first.url, first.source, 0, 8 * MIB, finalize=False)
        async with client() as gemini:
            second = Driven(gemini, sandbox.account, BytesSource(DATA))
            second.name, second.url = first.name, first.url
            session = UploadSession(total=SIZE, granularity=8 * MIB)
            await second.drive(session, session.resume())
            return second

    driven = asyncio.run(scenario())
    assert driven.sent == SIZE - 8 * MIB
    assert [file["sha256"] for file in sandbox.files()] == [sha256_of(DATA)]


def test_upload_cancelled_leaves_nothing(sandbox: SandboxControl) -> None:
    async def scenario() -> None:
        async with client() as gemini:
            driven = Driven(gemini, sandbox.account, BytesSource(DATA))
            await driven.start()
            await gemini.send_chunk(sandbox.account, driven.url, driven.source, 0, 8 * MIB, finalize=False)
            await gemini.cancel(sandbox.account, driven.url)

    asyncio.run(scenario())
    assert sandbox.ask("GET", "sessions")["sessions"] == []
    assert sandbox.files() == []


def test_upload_of_no_bytes_follows_what_gemini_says(sandbox: SandboxControl) -> None:
    async def scenario() -> GeminiFile:
        async with client() as gemini:
            return await Driven(gemini, sandbox.account, BytesSource(b"")).upload()

    assert asyncio.run(scenario()).size == 0
    sandbox.ask("POST", "unverified", {"empty_file": "400"})
    with pytest.raises(errors.LiftgateError):
        asyncio.run(scenario())


def test_upload_into_a_full_project_says_so(sandbox: SandboxControl) -> None:
    with serve(create_app(SandboxSettings(quota_bytes=30_000_000))) as base:
        small = SandboxControl(base)
        for when in ("start", "finalize"):
            small.ask("POST", "unverified", {"quota_checked_at": when})
            with pytest.raises(errors.UpstreamStorageFull) as caught:
                upload(small)
            assert caught.value.retry_after is None


# ── files and chat ─────────────────────────────────────────────────────────────────────────────────────────────────


def with_client(call: Callable[[GeminiClient], Awaitable[Any]]) -> Any:
    async def scenario() -> Any:
        async with client() as gemini:
            return await call(gemini)

    return asyncio.run(scenario())


def test_files_get_delete_and_delete_again(sandbox: SandboxControl) -> None:
    driven = upload(sandbox)
    file = with_client(lambda gemini: gemini.get_file(sandbox.account, driven.name))
    assert (file.name, file.sha256) == (driven.name, sha256_of(DATA))
    for _ in range(2):
        with_client(lambda gemini: gemini.delete_file(sandbox.account, driven.name))
    assert sandbox.files() == []
    with pytest.raises(errors.UpstreamFileLost) as caught:
        with_client(lambda gemini: gemini.get_file(sandbox.account, driven.name))
    assert lost_file(caught.value) == driven.name


def test_generate_with_a_lost_file_names_it(sandbox: SandboxControl) -> None:
    uri = "https://generativelanguage.googleapis.com/v1beta/files/gone1"
    part = {"fileData": {"fileUri": uri, "mimeType": "application/pdf"}}
    body = json.dumps({"contents": [{"role": "user", "parts": [part]}]}).encode()
    with pytest.raises(errors.UpstreamFileLost) as caught:
        with_client(lambda gemini: gemini.generate(deployment_at(sandbox.base), body, timeout=10.0))
    assert lost_file(caught.value) == "files/gone1"


def test_generate_and_count_tokens_answer(sandbox: SandboxControl) -> None:
    deployment = deployment_at(sandbox.base)
    answer = json.loads(with_client(lambda gemini: gemini.generate(deployment, BODY, timeout=10.0)))
    assert answer["candidates"]
    counted = json.loads(with_client(lambda gemini: gemini.call(deployment, "countTokens", BODY, timeout=10.0)))
    assert counted["totalTokens"] > 0


def test_generate_unknown_model_and_rejected_key_are_told_apart(sandbox: SandboxControl) -> None:
    with pytest.raises(errors.NotFound, match="models/none is not found") as caught:
        with_client(lambda gemini: gemini.generate(deployment_at(sandbox.base, "none"), BODY, timeout=10.0))
    assert caught.value.code == "model_not_found"
    rejected = Account(name="team-b", api_keys=("invalid-key",), api_base=sandbox.base)
    with pytest.raises(errors.UpstreamKeyRejected, match="team-b") as refused:
        with_client(lambda gemini: gemini.get_file(rejected, "files/a"))
    assert "invalid-key" not in str(refused.value)


@pytest.mark.parametrize(("code", "kind"), [(429, errors.UpstreamRateLimited), (503, errors.UpstreamUnavailable)])
def test_stream_early_error_is_a_status_in_both_forms(
    code: int, kind: type[errors.UpstreamError], sandbox: SandboxControl
) -> None:
    for form in ("bare", "data"):
        sandbox.ask("POST", "unverified", {"early_stream_error": form})
        sandbox.fault(kind="status", operation="stream", code=code, retry_delay="7s")
        with pytest.raises(kind) as caught:
            with_client(
                lambda gemini: gemini.open_stream(deployment_at(sandbox.base), BODY, timeout=10.0, idle_timeout=10.0)
            )
        assert caught.value.retry_after == 7.0


@pytest.mark.parametrize("form", ["data", "bare"])
def test_stream_midstream_error_comes_after_the_events_before_it(form: str, sandbox: SandboxControl) -> None:
    sandbox.ask("POST", "unverified", {"midstream_error": form})
    sandbox.fault(kind="stream_error", operation="stream", after_events=1)

    async def call(gemini: GeminiClient) -> list[bytes]:
        stream = await gemini.open_stream(deployment_at(sandbox.base), BODY, timeout=10.0, idle_timeout=10.0)
        events: list[bytes] = []
        try:
            async for event in stream:
                events.append(bytes(event))
        except errors.UpstreamUnavailable:
            return events
        finally:
            await stream.close()
        raise AssertionError("the stream ended without its error")

    assert len(with_client(call)) == 1


def test_stream_events_are_whole_and_end(sandbox: SandboxControl) -> None:
    async def call(gemini: GeminiClient) -> list[bytes]:
        stream = await gemini.open_stream(deployment_at(sandbox.base), BODY, timeout=10.0, idle_timeout=10.0)
        events = [event async for event in stream]
        await stream.close()
        return [bytes(event) for event in events]

    last = json.loads(with_client(call)[-1])
    assert last["candidates"][0]["finishReason"] == "STOP"


def test_upstream_now_follows_the_sandbox_clock(sandbox: SandboxControl) -> None:
    sandbox.ask("POST", "clock", {"advance": 49 * 3600})

    async def call(gemini: GeminiClient) -> float:
        await gemini.generate(deployment_at(sandbox.base), BODY, timeout=10.0)
        return gemini.upstream_now(sandbox.account)

    there: float = sandbox.ask("GET", "clock")["now"]
    assert with_client(call) == pytest.approx(there, abs=3.0)


def test_key_is_never_in_an_upload_url(sandbox: SandboxControl) -> None:
    async def call(gemini: GeminiClient) -> str:
        started = await gemini.start_upload(sandbox.account, mime_type="text/plain", size=1, name=None)
        return started.url

    assert KEY not in with_client(call)
