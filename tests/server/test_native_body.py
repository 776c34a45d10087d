"""Where a native body names files and models, and that nothing else of it changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liftgate.dialects.gemini.body import read_body
from liftgate.errors import InvalidRequest

PLAIN = (
    b'{ "contents":[{"parts" : [{"text":"file\\nuri \xc3\xa9 1.10"}]}],"temperature":1.10, "n":12345678901234567890 }'
)


def test_body_without_names_is_not_even_read() -> None:
    for body in (PLAIN, b"{'single': 'quotes'}", b"\xff\x00", b""):
        found = read_body(body)
        assert (found.files, found.models, found.refused) == ((), (), None)
        assert found.with_names({}) is body


@pytest.mark.parametrize(
    "body",
    [
        {"contents": [{"parts": [{"fileData": {"fileUri": "U", "mimeType": "a/b"}}]}]},
        {"contents": {"parts": {"file_data": {"mime_type": "a/b", "file_uri": "U"}}}},
        {"systemInstruction": {"parts": [{"fileData": {"mime_type": "a/b", "fileUri": "U"}}]}},
        {
            "contents": [
                {"parts": [{"functionResponse": {"parts": [{"fileData": {"fileUri": "U", "mimeType": "a/b"}}]}}]}
            ]
        },
        {"generateContentRequest": {"contents": [{"parts": [{"fileData": {"fileUri": "U", "mimeType": "a/b"}}]}]}},
        {"content": {"parts": [{"fileData": {"fileUri": "U", "mimeType": "a/b"}}]}},
        {"requests": [{"content": {"parts": [{"fileData": {"fileUri": "U", "mimeType": "a/b"}}]}}]},
        {"somethingNew": [{"deep": {"fileUri": "U", "mimeType": "a/b"}}]},
    ],
)
def test_file_is_found_wherever_google_reads_one(body: dict[str, Any]) -> None:
    raw = json.dumps(body, indent=1).encode()
    found = read_body(raw)
    [named] = found.files
    assert named.mime_type is not None and (named.text, named.mime_type.text) == ("U", "a/b")
    assert found.with_names({named.start: "files/é"}) == raw.replace(b'"U"', b'"files/\\u00e9"')


def test_each_file_has_a_path_of_its_own() -> None:
    data = b'{"fileData":{"fileUri":"U"}}'
    deep = b'{"a":' * 30 + data + b"}" * 30
    for raw, paths in (
        (b'{"contents":[{"parts":[{"text":"a, [b"},%b,%b]},{"parts":[%b]}]}' % (data, data, data), [
            "contents[0].parts[1].fileData.fileUri",
            "contents[0].parts[2].fileData.fileUri",
            "contents[1].parts[0].fileData.fileUri",
        ]),
        (b'{"requests":[[],[1,2],{"content":{"parts":%b}}]}' % data, ["requests[2].content.parts.fileData.fileUri"]),
        (b'{"a":%b,"a":%b,"b":{"file_uri":"x"}}' % (data, data), [
            "a.fileData.fileUri", "a.fileData.fileUri#1", "b.file_uri",
        ]),
        (b'{"%b":[%b,%b]}' % (b"k" * 9999, data, data), [
            f".{'k' * 64}…[{index}].fileData.fileUri".removeprefix(".") for index in (0, 1)
        ]),
        (b'{"b":[%b,%b]}' % (deep, deep), [f"b[0]{'.a' * 14}#0", f"b[1]{'.a' * 14}#1"]),
    ):  # fmt: skip
        assert [each.path for each in read_body(raw).files] == paths


@pytest.mark.parametrize(
    "body",
    [
        {"contents": [{"parts": [{"functionCall": {"args": {"fileUri": "U", "cachedContent": "x"}}}]}]},
        {"contents": [{"parts": [{"functionResponse": {"response": {"a": [{"file_uri": "U"}]}}}]}]},
        {"tools": [{"functionDeclarations": [{"parameters": {"properties": {"fileUri": {"type": "STRING"}}}}]}]},
        {"generationConfig": {"responseJsonSchema": {"properties": {"fileUri": {"enum": ["U"]}}}}},
        {"contents": [{"parts": [{"text": '{"fileUri": "U"}'}, {"text": "fileUri"}]}]},
        {
            "contents": [{"parts": [{"fileData": {"fileUri": None}}]}],
            "cachedContent": "",
            "tools": [{"fileSearch": None}],
        },
    ],
)
def test_values_of_the_clients_own_are_not_looked_into(body: dict[str, Any]) -> None:
    found = read_body(json.dumps(body).encode())
    assert (list(found.files), found.refused) == ([], None)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"a":{"f\\u0069leUri":"files\\/x"}}', ["files/x"]),
        (b'{"a":{"\\u0066\\u0069\\u006c\\u0065\\u0055\\u0072\\u0069":"x"}}', ["x"]),
        (b'{"a":{"fileUri":"x","fileUri":null,"fileUri":"y"},"a":{"file_uri":"z"}}', ["x", "y", "z"]),
        (b'{"t":"\\\\","fileUri":"x","u":"\\"fileUri\\":\\"no\\""}', ["x"]),
        (b'{"fileUri"\n:\t"x" , "l":["fileUri","no"]}', ["x"]),
    ],
)
def test_no_spelling_hides_a_file(body: bytes, names: list[str]) -> None:
    assert [named.text for named in read_body(body).files] == names


@pytest.mark.parametrize(
    "body",
    [b'{"fileUri": "x"', b"{'fileUri': 'x'}", b'[{"fileUri": "x"}]', b'{"fileUri": x}', b'"fileUri"', b"\xff fileUri"],
)
def test_what_may_name_a_file_and_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="Invalid JSON payload received"):
        read_body(body)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"cachedContent": "cachedContents/x"}, "cachedContent"),
        ({"generateContentRequest": {"cached_content": "cachedContents/x"}}, "cached_content"),
        ({"tools": [{"fileSearch": {"fileSearchStoreNames": ["a"]}}]}, "fileSearch"),
        ({"tools": {"file_search": {}}}, "file_search"),
    ],
)
def test_what_gemini_keeps_by_name_is_told(body: dict[str, Any], key: str) -> None:
    assert read_body(json.dumps(body).encode()).refused == key


def test_models_are_found_at_their_places_only() -> None:
    body = {
        "model": "models/a",
        "requests": [{"model": "models/b"}, {"content": {"parts": [{"model": "no"}]}}],
        "generateContentRequest": {"model": "models/c", "contents": [{"model": "no"}]},
    }
    assert [named.text for named in read_body(json.dumps(body).encode()).models] == ["models/a", "models/b", "models/c"]


KEYS = st.sampled_from(["fileUri", "file_uri", "mimeType", "parts", "text", "args", "model", 'a"b', "é\n"])
DOCUMENTS = st.dictionaries(
    KEYS,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
        max_leaves=20,
    ),
)


def replaced(value: Any, free: bool = False) -> Any:
    if isinstance(value, list):
        return [replaced(each, free) for each in value]
    if not isinstance(value, dict) or free:
        return value
    return {
        key: "NEW" if key in ("fileUri", "file_uri") and isinstance(each, str) else replaced(each, key == "args")
        for key, each in value.items()
    }


@settings(max_examples=300, deadline=None)
@given(document=DOCUMENTS, indent=st.sampled_from([None, 0, 3]), ascii_only=st.booleans())
def test_names_are_replaced_and_all_else_stays(document: dict[str, Any], indent: int | None, ascii_only: bool) -> None:
    try:
        raw = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
        json.loads(raw.decode())
    except UnicodeEncodeError:
        return
    found = read_body(raw)
    changed = found.with_names({named.start: "NEW" for named in found.files})
    assert json.loads(changed) == replaced(document)
    for named in found.files:
        assert json.loads(raw[named.start : named.stop]) == named.text
