"""The resumable upload as a table: what was answered, what must be done next. No I/O."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liftgate import errors
from liftgate.errors import LiftgateError, UpstreamDisconnected
from liftgate.gemini.files import GeminiFile
from liftgate.gemini.upload_rules import ChunkAnswer, Verdict, verdict
from liftgate.gemini.upload_session import (
    RESTARTS,
    STRIKES,
    Action,
    Done,
    Fail,
    FindByName,
    Query,
    Restart,
    SendChunk,
    UploadSession,
)

MIB = 1024 * 1024
GRANULARITY = 8 * MIB
TOTAL = 20 * MIB
FILE = GeminiFile(name="files/a", uri="https://g/v1beta/files/a", mime_type="text/plain", size=TOTAL, state="ACTIVE")
FINAL_BODY = json.dumps(
    {
        "file": {
            "name": "files/a",
            "uri": "https://g/v1beta/files/a",
            "mimeType": "text/plain",
            "sizeBytes": str(TOTAL),
            "state": "ACTIVE",
        }
    }
).encode()
BROKEN = UpstreamDisconnected("the connection broke")
OK = ChunkAnswer(200, "active")
FINAL = ChunkAnswer(200, "final", body=FINAL_BODY)
TERMINATED = ChunkAnswer(400, "final", body=b"Upload has already been terminated.")
QUERY_UNKNOWN = ChunkAnswer(400, body=b"Unknown upload command: query")
FULL_PROJECT = json.dumps(
    {
        "error": {
            "code": 429,
            "message": "You exceeded your current quota",
            "status": "RESOURCE_EXHAUSTED",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
                    "violations": [{"quotaMetric": "generativelanguage.googleapis.com/file_storage_bytes"}],
                },
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "315576000000s"},
            ],
        }
    }
).encode()


def has(size: int | None) -> ChunkAnswer:
    return ChunkAnswer(200, "active", size)


def refusal(code: int, status: str, message: str = "No.") -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "status": status}}).encode()


def session(total: int = TOTAL, *, granularity: int = GRANULARITY) -> UploadSession:
    return UploadSession(total=total, granularity=granularity)


# Status header and HTTP status → verdict: the table of docs/protocol/gemini.md, "Resumable upload". Two cells differ,
# as the module says: a data request has no key, so 401 and 403 are the session's; and 5xx is asked about rather than
# sent again.
VERDICTS = [
    ("active", (200,), Verdict.ACCEPTED),
    ("active", (400, 404, 409, 416), Verdict.RECOVER),
    ("active", (429, 500, 503), Verdict.BUSY),
    ("final", (200,), Verdict.DONE),
    ("final", (400, 409, 429, 503), Verdict.REJECTED),
    ("cancelled", (200, 400, 410), Verdict.DEAD),
    ("", (200,), Verdict.RECOVER),
    ("", (401, 403, 404, 410), Verdict.DEAD),
    ("", (405, 413, 415), Verdict.FATAL),
    ("", (400, 408, 409, 412, 416, 499), Verdict.RECOVER),
    ("", (429, 500, 502, 503, 504), Verdict.BUSY),
]


@pytest.mark.parametrize(("header", "statuses", "expected"), VERDICTS)
def test_verdict_follows_the_table(header: str, statuses: tuple[int, ...], expected: Verdict) -> None:
    assert {status: verdict(ChunkAnswer(status, header)) for status in statuses} == dict.fromkeys(statuses, expected)


def test_session_undisturbed_sends_granular_chunks_and_a_shorter_last_one() -> None:
    upload = session()
    assert upload.begin() == SendChunk(0, 8 * MIB, finalize=False)
    assert upload.answered(OK) == SendChunk(8 * MIB, 16 * MIB, finalize=False)
    assert upload.answered(has(16 * MIB)) == SendChunk(16 * MIB, TOTAL, finalize=True)
    assert upload.answered(FINAL) == Done(FILE)


@pytest.mark.parametrize(
    ("total", "granularity", "first"),
    [
        (0, GRANULARITY, SendChunk(0, 0, finalize=True)),
        (1, GRANULARITY, SendChunk(0, 1, finalize=True)),
        (8 * MIB, GRANULARITY, SendChunk(0, 8 * MIB, finalize=True)),
        (8 * MIB + 1, GRANULARITY, SendChunk(0, 8 * MIB, finalize=False)),
        (9 * MIB, 256 * 1024, SendChunk(0, 8 * MIB, finalize=False)),
        (9 * MIB, 3 * MIB, SendChunk(0, 6 * MIB, finalize=False)),
        (40 * MIB, 16 * MIB, SendChunk(0, 16 * MIB, finalize=False)),
        (9 * MIB, 0, SendChunk(0, 8 * MIB, finalize=False)),
    ],
)
def test_session_first_chunk_fits_size_and_granularity(total: int, granularity: int, first: SendChunk) -> None:
    assert session(total, granularity=granularity).begin() == first


def at_second_chunk() -> UploadSession:
    upload = session()
    upload.begin()
    assert upload.answered(OK) == SendChunk(8 * MIB, 16 * MIB, finalize=False)
    return upload


def at_last_chunk() -> UploadSession:
    upload = at_second_chunk()
    assert upload.answered(OK) == SendChunk(16 * MIB, TOTAL, finalize=True)
    return upload


@pytest.mark.parametrize(
    ("held", "then"),
    [
        (8 * MIB, SendChunk(8 * MIB, 16 * MIB, finalize=False)),
        (16 * MIB, SendChunk(16 * MIB, TOTAL, finalize=True)),
        # Kept in part: the next chunk's size, not its end, is a multiple of the granularity.
        (8 * MIB + 5, SendChunk(8 * MIB + 5, 16 * MIB + 5, finalize=False)),
        # Less than it had acknowledged: our bytes are read again.
        (0, SendChunk(0, 8 * MIB, finalize=False)),
        # All of it, though it never was told to finish.
        (TOTAL, SendChunk(TOTAL, TOTAL, finalize=True)),
    ],
)
def test_session_after_a_break_asks_and_goes_on_from_what_gemini_has(held: int, then: Action) -> None:
    upload = at_second_chunk()
    assert upload.broke(BROKEN) == Query(0.0)
    assert upload.answered(has(held)) == then


@pytest.mark.parametrize(
    "answer",
    [
        ChunkAnswer(409, "active", body=b"Invalid offset: expected 0, got 8388608"),
        ChunkAnswer(409, body=b"Invalid offset: expected 0, got 8388608"),
        ChunkAnswer(416),
        ChunkAnswer(400, body=b"Chunk size 5 is not a multiple of granularity 8388608"),
        ChunkAnswer(412),
        ChunkAnswer(200),
    ],
)
def test_session_out_of_step_asks_and_realigns(answer: ChunkAnswer) -> None:
    upload = at_second_chunk()
    assert upload.answered(answer) == Query(0.0)
    assert upload.answered(has(0)) == SendChunk(0, 8 * MIB, finalize=False)


def test_session_busy_server_is_left_alone_for_a_while_before_it_is_asked() -> None:
    upload = at_second_chunk()
    assert upload.answered(ChunkAnswer(503)) == Query(0.5)
    assert upload.answered(ChunkAnswer(503)) == Query(1.0)
    assert upload.answered(ChunkAnswer(429, headers={"retry-after": "12"})) == Query(12.0)
    assert upload.answered(has(16 * MIB)) == SendChunk(16 * MIB, TOTAL, finalize=True)


def test_session_chunk_answer_that_keeps_less_is_believed() -> None:
    upload = session()
    upload.begin()
    assert upload.answered(has(3 * MIB)) == SendChunk(3 * MIB, 11 * MIB, finalize=False)


def test_session_lost_finalize_answer_is_recovered_by_asking() -> None:
    upload = at_last_chunk()
    assert upload.broke(BROKEN) == Query(0.0)
    assert upload.answered(FINAL) == Done(FILE)


def test_session_lost_finalize_that_was_not_received_is_sent_again() -> None:
    upload = at_last_chunk()
    upload.broke(BROKEN)
    assert upload.answered(has(16 * MIB)) == SendChunk(16 * MIB, TOTAL, finalize=True)


def test_session_bytes_there_but_not_finished_is_finalized_without_bytes() -> None:
    upload = at_last_chunk()
    assert upload.answered(OK) == Query(0.0)
    assert upload.answered(has(TOTAL)) == SendChunk(TOTAL, TOTAL, finalize=True)
    assert upload.answered(FINAL) == Done(FILE)


@pytest.mark.parametrize(
    "answer",
    [
        ChunkAnswer(200, "final"),
        ChunkAnswer(200, "final", body=b"OK"),
        ChunkAnswer(200, "final", body=b"{}"),
        ChunkAnswer(200, "final", body=b'{"file": {}}'),
        ChunkAnswer(200, "final", body=refusal(409, "ALREADY_EXISTS")),
        ChunkAnswer(409, "final", body=refusal(409, "ALREADY_EXISTS")),
        TERMINATED,
        QUERY_UNKNOWN,
        ChunkAnswer(404, body=b"Invalid or missing session ID"),
        ChunkAnswer(410, "cancelled"),
    ],
)
def test_session_finished_in_the_dark_is_looked_for_by_name_before_it_is_sent_again(answer: ChunkAnswer) -> None:
    upload = at_last_chunk()
    upload.broke(BROKEN)
    assert upload.answered(answer) == FindByName()
    found = upload.found(FILE)
    assert found == Done(FILE)

    upload = at_last_chunk()
    upload.broke(BROKEN)
    upload.answered(answer)
    missing = upload.found(None)
    assert isinstance(missing, Restart)
    # What was looked for may still turn up: it is deleted once it does.
    assert missing.purge
    assert upload.restarted(GRANULARITY) == SendChunk(0, 8 * MIB, finalize=False)


@pytest.mark.parametrize(
    "answer",
    [
        TERMINATED,
        ChunkAnswer(200, "cancelled"),
        ChunkAnswer(410, "cancelled", body=b"Upload has been cancelled."),
        ChunkAnswer(404, body=b"Invalid or missing session ID"),
        ChunkAnswer(403),
        has(TOTAL + 1),
    ],
)
def test_session_that_died_before_its_end_is_started_anew_at_once(answer: ChunkAnswer) -> None:
    upload = at_second_chunk()
    action = upload.answered(answer)
    assert isinstance(action, Restart)
    assert (action.after, action.purge) == (0.0, False)
    assert upload.restarted(4 * MIB) == SendChunk(0, 8 * MIB, finalize=False)
    assert upload.offset == 0


def test_session_terminated_without_the_header_is_asked_first() -> None:
    upload = at_second_chunk()
    text = ChunkAnswer(400, body=b"Upload has already been terminated.")
    assert upload.answered(text) == Query(0.0)
    assert isinstance(upload.answered(text), Restart)


def test_session_where_query_is_unknown_starts_anew() -> None:
    upload = at_second_chunk()
    upload.broke(BROKEN)
    assert isinstance(upload.answered(QUERY_UNKNOWN), Restart)


def test_session_resumed_from_the_catalogue_asks_first_and_may_be_finished() -> None:
    upload = session()
    assert upload.resume() == Query(0.0)
    assert upload.answered(has(8 * MIB)) == SendChunk(8 * MIB, 16 * MIB, finalize=False)
    upload = session()
    upload.resume()
    assert upload.answered(FINAL) == Done(FILE)
    upload = session()
    upload.resume()
    assert upload.answered(ChunkAnswer(404)) == FindByName()


REFUSED: list[tuple[ChunkAnswer, type[LiftgateError]]] = [
    (
        ChunkAnswer(400, "final", body=refusal(400, "INVALID_ARGUMENT", "Unsupported MIME type: x")),
        errors.InvalidRequest,
    ),
    (ChunkAnswer(200, "final", body=refusal(400, "INVALID_ARGUMENT")), errors.InvalidRequest),
    (ChunkAnswer(429, body=FULL_PROJECT), errors.UpstreamStorageFull),
    (ChunkAnswer(429, "final", body=FULL_PROJECT), errors.UpstreamStorageFull),
    (ChunkAnswer(413, body=refusal(413, "INVALID_ARGUMENT")), errors.TooLarge),
    (ChunkAnswer(405), errors.UpstreamProtocolError),
    (ChunkAnswer(415, body=b"no"), errors.UpstreamProtocolError),
]


@pytest.mark.parametrize(("answer", "kind"), REFUSED)
def test_session_refused_for_good_fails_with_what_google_means(answer: ChunkAnswer, kind: type[LiftgateError]) -> None:
    action = at_last_chunk().answered(answer)
    assert isinstance(action, Fail)
    assert type(action.error) is kind


def test_session_failed_for_want_of_room_goes_on_when_there_is_some() -> None:
    upload = at_last_chunk()
    assert isinstance(upload.answered(ChunkAnswer(429, body=FULL_PROJECT)), Fail)
    assert upload.resume() == Query(0.0)
    assert upload.answered(has(16 * MIB)) == SendChunk(16 * MIB, TOTAL, finalize=True)


def test_session_plain_texts_are_never_the_clients_fault() -> None:
    upload = at_second_chunk()
    action: Action = upload.answered(TERMINATED)
    for _ in range(RESTARTS):
        assert isinstance(action, Restart)
        assert isinstance(action.error, errors.UpstreamProtocolError)
        upload.restarted(GRANULARITY)
        action = upload.answered(TERMINATED)
    assert isinstance(action, Fail)
    assert isinstance(action.error, errors.UpstreamProtocolError)


def test_session_restarts_are_bounded_and_spaced() -> None:
    upload = session()
    upload.begin()
    waits = []
    action = upload.answered(ChunkAnswer(404))
    while isinstance(action, Restart):
        waits.append(action.after)
        upload.restarted(GRANULARITY)
        action = upload.answered(ChunkAnswer(404))
    assert isinstance(action, Fail)
    assert waits == [0.0, 0.5, 1.0]


def test_session_without_progress_gives_up_after_bounded_waits() -> None:
    upload = at_second_chunk()
    waits = []
    action = upload.broke(BROKEN)
    while isinstance(action, Query):
        waits.append(action.after)
        action = upload.broke(BROKEN)
    assert action == Fail(BROKEN)
    assert waits == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0]


def test_session_every_byte_of_progress_forgives_what_was() -> None:
    upload = at_second_chunk()
    for step in range(1, 4 * STRIKES):
        assert upload.broke(BROKEN) == Query(0.0)
        held = 8 * MIB + step
        assert upload.answered(has(held)) == SendChunk(held, held + 8 * MIB, finalize=False)


def test_session_server_that_takes_chunks_and_keeps_nothing_is_given_up() -> None:
    upload = session()
    action = upload.begin()
    for _ in range(4 * STRIKES):
        if isinstance(action, Fail):
            break
        action = upload.answered(has(0))
    assert isinstance(action, Fail)


ANSWERS = st.builds(
    ChunkAnswer,
    status=st.sampled_from([200, 200, 200, 400, 403, 404, 408, 409, 410, 413, 416, 429, 499, 500, 503]),
    upload_status=st.sampled_from(["active", "active", "final", "cancelled", ""]),
    size_received=st.none() | st.integers(-1, TOTAL + 1),
    body=st.sampled_from([b"", b"text", b"{}", FINAL_BODY, FULL_PROJECT, refusal(409, "ALREADY_EXISTS")]),
)


@settings(max_examples=400)
@given(
    total=st.integers(0, TOTAL),
    granularity=st.sampled_from([0, 1, 262_144, 3 * MIB, GRANULARITY, 16 * MIB]),
    events=st.lists(st.one_of(st.none(), ANSWERS), max_size=60),
)
def test_session_under_any_answers_sends_sound_chunks_and_ends(
    total: int, granularity: int, events: list[ChunkAnswer | None]
) -> None:
    upload = session(total, granularity=granularity)
    action, restarts = upload.begin(), 0
    for event in events:
        match action:
            case Done() | Fail():
                return
            case SendChunk(start, stop, finalize):
                assert 0 <= start <= stop <= total
                assert stop == total if finalize else stop > start
                assert finalize or granularity == 0 or (stop - start) % granularity == 0
            case Query(after):
                assert after >= 0.0
            case FindByName():
                action = upload.found(None)
                continue
            case Restart():
                restarts += 1
                assert restarts <= RESTARTS
                action = upload.restarted(granularity)
                continue
        action = upload.broke(BROKEN) if event is None else upload.answered(event)
