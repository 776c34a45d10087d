"""Phase one: which parts need I/O; and a File as both fronts show it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import pytest

from asking import translate_chat
from liftgate.ask.inline_data import PIECE, decoded_pieces
from liftgate.ask.media import Media, ResolvedFile
from liftgate.ask.model_facts import facts_for
from liftgate.dialects.chat.media import find_media
from liftgate.dialects.gemini.files import gemini_file
from liftgate.dialects.openai_files import openai_file, openai_file_deleted, openai_file_list
from liftgate.errors import InvalidRequest
from liftgate.records import FileRecord
from openai_schema import errors

URI = "https://generativelanguage.googleapis.com/v1beta/files/k4t1ywl66fz2"


def _needs(*parts: dict[str, Any], inline_limit: int = 10) -> Sequence[Media]:
    return find_media({"messages": [{"role": "user", "content": list(parts)}]}, inline_limit=inline_limit).needs


def _file(**file: Any) -> dict[str, Any]:
    return {"type": "file", "file": file}


def _image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


@pytest.mark.parametrize("ref", ["file-abc", "files/abc", URI])
def test_every_name_of_a_file_is_a_need(ref: str) -> None:
    [need] = _needs({"type": "text", "text": "x"}, _file(file_id=ref, filename="talk.mp3"))
    assert (need.kind, need.ref, need.param) == ("file_id", ref, "messages[0].content[1].file.file_id")
    assert (need.mime_type, need.filename) == (None, "talk.mp3"), "a File has the type of its bytes"


def test_declared_format_wins_over_the_filename_and_is_normalised() -> None:
    [need] = _needs(_file(file_id="file-abc", filename="talk.mp3", format="audio/x-wav"))
    assert need.mime_type == "audio/wav"


def test_file_without_format_and_name_has_no_type_yet() -> None:
    [need] = _needs(_file(file_id="file-abc"))
    assert (need.mime_type, need.filename) == (None, None)


def test_inline_data_is_a_need_above_the_limit_only() -> None:
    small, large = base64.b64encode(bytes(9)).decode(), base64.b64encode(bytes(12)).decode()
    assert _needs(_image(f"data:image/png;base64,{small}")) == []
    [need] = _needs(_image(f"data:image/png;base64,{large}"))
    assert (need.kind, need.ref, need.mime_type) == ("inline", large, "image/png")


def test_all_inline_data_of_a_request_counts_and_the_largest_leaves_first() -> None:
    sizes = (30, 60, 45)
    parts = [_image(f"data:image/png;base64,{base64.b64encode(bytes(size)).decode()}") for size in sizes]
    for limit, leaving in ((135, []), (134, [1]), (75, [1]), (74, [1, 2]), (29, [0, 1, 2])):
        params = [f"messages[0].content[{place}].image_url.url" for place in leaving]
        found = find_media({"messages": [{"role": "user", "content": parts}]}, inline_limit=limit)
        assert [need.param for need in found.needs] == params
        assert found.budget == limit - sum(size for place, size in enumerate(sizes) if place not in leaving)


def test_images_of_earlier_answers_count_and_leave_last() -> None:
    def image(size: int) -> dict[str, Any]:
        return _image(f"data:image/png;base64,{base64.b64encode(bytes(size)).decode()}")

    messages = [
        {"role": "user", "content": [image(30)]},
        {"role": "assistant", "content": "here", "images": [{**image(60), "index": 0}]},
    ]
    for limit, params in (
        (90, []),
        (89, ["messages[0].content[0].image_url.url"]),
        (59, ["messages[0].content[0].image_url.url", "messages[1].images[0].image_url.url"]),
    ):
        assert [need.param for need in find_media({"messages": messages}, inline_limit=limit).needs] == params


@pytest.mark.parametrize("size", [1, 2, 3, PIECE * 3 // 4, PIECE, 2 * PIECE + 1])
@pytest.mark.parametrize("wrapped", [False, True])
def test_base64_of_both_alphabets_is_decoded_piece_by_piece(size: int, wrapped: bool) -> None:
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = encode(data).decode()
        if wrapped:
            text = "\r\n".join(text[at : at + 76] for at in range(0, len(text), 76))
        for ref in (text, text.rstrip("=")):
            assert b"".join(decoded_pieces(Media("p", "inline", ref))) == data


@pytest.mark.parametrize("text", ["AAA!", "AAAA\0AAA", "A", "AA=A"])
def test_what_is_no_base64_is_refused_by_its_place(text: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        list(decoded_pieces(Media("messages[0]", "inline", text)))
    assert error.value.param == "messages[0]"


def test_urls_are_fetched_but_those_that_gemini_reads() -> None:
    [need] = _needs(
        _image("https://example.com/cat.png"),
        _image("https://www.youtube.com/watch?v=abc"),
        _image("https://youtu.be/abc"),
        _file(file_url="gs://bucket/a.mp4"),
    )
    assert (need.kind, need.ref) == ("url", "https://example.com/cat.png")


@pytest.mark.parametrize(
    "url", ["https://youtube.com.example.com/watch?v=a", "https://example.com/?https://youtu.be/a"]
)
def test_address_that_only_looks_like_youtube_is_fetched_under_guard(url: str) -> None:
    [need] = _needs(_image(url))
    assert need.kind == "url"


def test_needs_are_told_apart_by_their_place_not_their_content() -> None:
    first, second = _needs(_file(file_id="file-abc"), _file(file_id="file-abc"))
    assert (first.param, second.param) == (
        "messages[0].content[0].file.file_id",
        "messages[0].content[1].file.file_id",
    )


def test_needs_and_what_became_of_them_show_no_content() -> None:
    [need] = _needs(_file(file_data="data:text/plain;base64," + "QUJD" * 9), inline_limit=0)
    assert "QUJD" not in repr(need)
    assert "QUJD" not in repr(ResolvedFile("text/plain", data="QUJD"))


def test_files_in_system_and_tool_messages_are_needs_too() -> None:
    messages = [{"role": role, "content": [_file(file_id="file-abc")]} for role in ("system", "tool", "developer")]
    params = [need.param for need in find_media({"messages": messages}, inline_limit=0).needs]
    assert params == [f"messages[{index}].content[0].file.file_id" for index in range(3)]


def test_line_breaks_in_base64_are_no_fault() -> None:
    lines = base64.encodebytes(bytes(90)).decode()
    part = _file(file_data=lines, format="audio/wav")
    [need] = _needs(part)
    assert b"".join(decoded_pieces(need)) == bytes(90)
    assert _needs(part, inline_limit=1000) == []
    request = {"messages": [{"role": "user", "content": [part]}]}
    body = translate_chat(request, facts=facts_for("gemini-2.5-flash"), files={}, signatures={}).body
    assert body["contents"][0]["parts"][0]["inlineData"]["data"] == base64.b64encode(bytes(90)).decode()


@pytest.mark.parametrize("data", ["AAAA" * 2000 + "!", "AAAAA", "A=AA", "AA===", "=", " "])
def test_data_that_is_no_base64_is_refused(data: str) -> None:
    request = {"messages": [{"role": "user", "content": [_file(file_data=data, format="audio/wav")]}]}
    with pytest.raises(InvalidRequest) as error:
        translate_chat(request, facts=facts_for("gemini-2.5-flash"), files={}, signatures={})
    assert error.value.param == "messages[0].content[0].file.file_data"


def test_native_uri_under_our_own_host_is_a_file_too() -> None:
    [need] = _needs(_file(file_id="http://127.0.0.1:4000/v1beta/files/abc"))
    assert need.kind == "file_id"
    [need] = _needs(_image("http://127.0.0.1:4000/v1beta/files/abc"))
    assert need.kind == "url"


def test_unreadable_media_is_refused_before_any_file_is_touched() -> None:
    with pytest.raises(InvalidRequest) as error:
        _needs(_file(file_id="file-abc"), _file(filename="x"))
    assert error.value.param == "messages[0].content[1].file.file_id"


RECORD = FileRecord(
    id="file-abcdefghijklmnopqrstuvwx",
    owner="me",
    blob_id="blob-1",
    filename="recording.wav",
    mime_type="audio/wav",
    bytes=18810,
    sha256="229defbb0cee6f02673a5cde290d0673e75a0dc31cec43989c8ab2a4eca7e1bb",
    purpose="user_data",
    created_at=1760000000.5,
)


def test_file_object_is_valid_and_leaves_out_what_is_not_there() -> None:
    body = openai_file(RECORD)
    assert errors("OpenAIFile", body) == []
    assert set(body) == {"id", "object", "bytes", "created_at", "filename", "purpose", "status"}
    assert errors("ListFilesResponse", openai_file_list([RECORD], has_more=False)) == []
    assert errors("DeleteFileResponse", openai_file_deleted(RECORD.id)) == []


def test_empty_list_has_empty_ids() -> None:
    body = openai_file_list([], has_more=False)
    assert (body["first_id"], body["last_id"], body["has_more"]) == ("", "", False)
    assert errors("ListFilesResponse", body) == []


def test_gemini_file_is_written_as_google_writes_it() -> None:
    """The hash is the recorded one of docs/protocol/gemini.md, "The File resource": base64 of the hex digits."""
    body = gemini_file(RECORD)
    assert body["name"] == "files/abcdefghijklmnopqrstuvwx"
    assert body["uri"] == "https://generativelanguage.googleapis.com/v1beta/files/abcdefghijklmnopqrstuvwx"
    assert body["sizeBytes"] == "18810"
    assert base64.b64decode(body["sha256Hash"]).decode() == RECORD.sha256
    assert body["createTime"] == "2025-10-09T08:53:20.500000Z"
    assert body["state"] == "ACTIVE"
    assert "expirationTime" not in body
