"""Results as values: attribute and item access, dumps, equality, texts."""

import copy
import json
import pickle

import pytest

from liftgate import FileList, FileObject, ModelResponse
from liftgate.sdk.results import Message, plain

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gemini-2.0-flash",
    "choices": [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
                ],
            },
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "extra": {"deep": [1, 2]}},
}


def test_fields_are_attributes_and_items_at_every_depth() -> None:
    answer = ModelResponse(**ANSWER)
    call = answer.choices[0].message.tool_calls
    assert call is not None and call[0].function.name == "look"
    assert answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"a": 1}'
    assert isinstance(answer.choices[0].message, Message)
    assert answer.usage is not None and answer.usage.extra.deep == [1, 2]
    assert "usage" in answer and "nothing" not in answer
    assert (answer.get("model"), answer.get("nothing", 7)) == ("gemini-2.0-flash", 7)


def test_a_dump_is_the_answer_that_came() -> None:
    answer = ModelResponse(**ANSWER)
    assert answer.model_dump() == ANSWER == plain(answer)
    assert json.loads(answer.model_dump_json()) == ANSWER
    assert "content" not in answer.model_dump(exclude_none=True)["choices"][0]["message"]
    assert dict(answer).keys() == ANSWER.keys()


def test_what_is_missing_reads_as_none_where_it_is_known_and_fails_where_it_is_not() -> None:
    message = Message(role="assistant", content="Hello")
    assert message.tool_calls is None and message["audio"] is None
    with pytest.raises(AttributeError):
        _ = message.nothing
    with pytest.raises(KeyError):
        _ = message["nothing"]
    with pytest.raises(KeyError):
        _ = message["model_dump"]


def test_results_are_values() -> None:
    one, other = ModelResponse(**ANSWER), ModelResponse(**ANSWER)
    assert one == other and copy.deepcopy(one) == one and pickle.loads(pickle.dumps(one)) == one
    other.choices[0].message.content = "changed"
    other["model"] = "another"
    assert one != other and other.model == "another"
    assert ANSWER["model"] == "gemini-2.0-flash"


def test_a_list_of_files_is_a_list_and_openais_page() -> None:
    page = FileList(object="list", data=[{"id": "a"}, {"id": "b"}], first_id="a", last_id="b", has_more=False)
    assert [file.id for file in page] == ["a", "b"]
    assert (len(page), page[1].id, page["last_id"], page.data[0]) == (2, "b", "b", FileObject(id="a"))
    assert page.model_dump()["data"] == [{"id": "a"}, {"id": "b"}]


def test_a_result_reads_well() -> None:
    assert (
        repr(FileObject(id="files/a", bytes=3))
        == "FileObject(id='files/a', bytes=3)"
        == str(FileObject(id="files/a", bytes=3))
    )
