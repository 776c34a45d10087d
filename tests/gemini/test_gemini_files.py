"""The File resource: every recorded one, and what is not of the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from evidence import RECORDINGS, needs_recordings
from liftgate.errors import UpstreamProtocolError
from liftgate.gemini.files import parse, parse_time

# docs/protocol/gemini.md, "Resumable upload", "The File resource": the recorded upload of sample.pdf; the hash is the
# one that the note says decoding gives.
SAMPLE: dict[str, Any] = {
    "name": "files/k4t1ywl66fz2",
    "displayName": "sample.pdf",
    "mimeType": "application/pdf",
    "sizeBytes": "18810",
    "createTime": "2026-08-19T14:34:14.094797Z",
    "expirationTime": "2026-08-21T14:34:13.503405945Z",
    "sha256Hash": "MjI5ZGVmYmIwY2VlNmYwMjY3M2E1Y2RlMjkwZDA2NzNlNzVhMGRjMzFjZWM0Mzk4OWM4YWIyYTRlY2E3ZTFiYg==",
    "uri": "https://generativelanguage.googleapis.com/v1beta/files/k4t1ywl66fz2",
    "state": "ACTIVE",
    "source": "UPLOADED",
}


def test_parse_recorded_file_gives_every_field() -> None:
    file = parse(SAMPLE)
    assert (file.name, file.uri, file.mime_type) == (SAMPLE["name"], SAMPLE["uri"], "application/pdf")
    assert (file.size, file.state, file.error) == (18810, "ACTIVE", None)
    assert file.sha256 == "229defbb0cee6f02673a5cde290d0673e75a0dc31cec43989c8ab2a4eca7e1bb"
    # date -u -d 2026-08-21T14:34:13Z +%s
    assert file.expires_at == pytest.approx(1787322853.503405, abs=1e-5)


@needs_recordings
def test_parse_every_recorded_file() -> None:
    seen = []
    for path in [*RECORDINGS.glob("files.upload.finalize*"), *RECORDINGS.glob("files.[gl]*")]:
        body = json.loads(path.read_text())["response"]["body"]
        for raw in body.get("files") or [body.get("file") or body]:
            file = parse(raw)
            seen.append(file.state)
            assert file.size == int(raw["sizeBytes"])
            assert file.sha256 is not None
            assert file.expires_at is not None
    assert sorted(set(seen)) == ["ACTIVE", "PROCESSING"]


def test_parse_bare_file_leaves_unknown_what_is_absent() -> None:
    file = parse({"name": "files/a"})
    assert (file.size, file.state, file.sha256, file.expires_at, file.error) == (0, "", None, None, None)
    assert parse({"name": "files/a", "state": "STATE_UNSPECIFIED"}).state == ""


@pytest.mark.parametrize(
    ("error", "said"), [({"code": 9, "message": "bad video"}, "bad video"), ({"code": 9}, "error 9"), ("odd", None)]
)
def test_parse_failed_file_says_why(error: object, said: str | None) -> None:
    assert parse({"name": "files/a", "state": "FAILED", "error": error}).error == said


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", 7),
        ("sizeBytes", "many"),
        ("sizeBytes", 1.5),
        ("sizeBytes", True),
        ("sha256Hash", "not base64!"),
        ("sha256Hash", "aGVsbG8="),
        ("expirationTime", "soon"),
        ("expirationTime", "2026-08-21T14:34:13"),
        ("state", 2),
    ],
)
def test_parse_field_out_of_the_contract_is_named(field: str, value: object) -> None:
    with pytest.raises(UpstreamProtocolError, match=field):
        parse({**SAMPLE, field: value})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T00:00:01.5Z", 1.5),
        ("1970-01-01T00:00:01.123456789Z", 1.123456),
        ("1970-01-01T01:00:01.25+01:00", 1.25),
        ("", None),
    ],
)
def test_parse_time_takes_up_to_nine_fraction_digits(text: str, seconds: float | None) -> None:
    assert parse_time(text, "t") == seconds
