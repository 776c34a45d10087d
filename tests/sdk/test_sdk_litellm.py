"""Programs written for LiteLLM with the import changed: exceptions, settings, costs, fallbacks, results' old names.

The tree of exceptions, the arguments and the names are LiteLLM's and OpenAI's; what the report of moving programs found
missing is here case by case (S1 to S17), with others of its kind.
"""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import re
import subprocess
import sys
from typing import Any

import openai
import pytest
from pydantic import BaseModel

import liftgate
import liftgate.exceptions
from liftgate import errors
from liftgate.sdk.absent import ABSENT
from liftgate.sdk.module_settings import ACTS, HARMLESS, REFUSED
from sdk_sandbox import MODEL, Sandbox

HELLO = [{"role": "user", "content": "Hello"}]


def _google_error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "status": "UNKNOWN"}}


# ── exceptions: S1, S2, S3 ───────────────────────────────────────────────────────────────────────────────────────────

TREE = {
    "BadRequestError": openai.BadRequestError,
    "UnsupportedParamsError": openai.BadRequestError,
    "ContextWindowExceededError": openai.BadRequestError,
    "ContentPolicyViolationError": openai.BadRequestError,
    "AuthenticationError": openai.AuthenticationError,
    "PermissionDeniedError": openai.PermissionDeniedError,
    "NotFoundError": openai.NotFoundError,
    "UnprocessableEntityError": openai.UnprocessableEntityError,
    "RateLimitError": openai.RateLimitError,
    "Timeout": openai.APITimeoutError,
    "APIConnectionError": openai.APIConnectionError,
    "APIError": openai.APIError,
    "ServiceUnavailableError": openai.APIStatusError,
    "BadGatewayError": openai.APIStatusError,
    "InternalServerError": openai.InternalServerError,
    "APIResponseValidationError": openai.APIResponseValidationError,
}


@pytest.mark.parametrize("name", sorted(TREE))
def test_each_exception_is_openais_of_that_meaning_at_both_places(name: str) -> None:
    kind = getattr(liftgate.exceptions, name)
    assert issubclass(kind, TREE[name])
    assert getattr(liftgate, name) is kind


FAULTS: list[tuple[dict[str, Any], str, type[Exception], type[Exception]]] = [
    ({"code": 429, "message": "slow down"}, "RateLimitError", openai.RateLimitError, errors.UpstreamRateLimited),
    ({"code": 500, "message": "broken"}, "InternalServerError", openai.InternalServerError, errors.UpstreamUnavailable),
    ({"code": 503, "message": "busy"}, "ServiceUnavailableError", openai.APIStatusError, errors.UpstreamUnavailable),
    ({"code": 400, "message": "bad value"}, "BadRequestError", openai.BadRequestError, errors.InvalidRequest),
    ({"code": 404, "message": "no model"}, "NotFoundError", openai.NotFoundError, errors.NotFound),
    (
        {"code": 400, "message": "The input token count (9) exceeds the maximum number of tokens allowed (8)."},
        "ContextWindowExceededError",
        openai.BadRequestError,
        errors.InvalidRequest,
    ),
]


@pytest.mark.parametrize(("fault", "name", "theirs", "ours"), FAULTS, ids=[each[1] for each in FAULTS])
@pytest.mark.parametrize("how", ["plain", "stream", "awaited"])
def test_a_failure_is_caught_by_every_name_that_it_has(
    sandbox: Sandbox, fault: dict[str, Any], name: str, theirs: type[Exception], ours: type[Exception], how: str
) -> None:
    for operation in ("generate", "stream"):
        sandbox.fault(kind="status", operation=operation, times=9, code=fault["code"], body=_google_error(**fault))

    def ask() -> object:
        if how == "awaited":
            return asyncio.run(liftgate.acompletion(MODEL, HELLO, num_retries=0))
        streamed: bool = how == "stream"
        return liftgate.completion(MODEL, HELLO, num_retries=0, stream=streamed)

    with pytest.raises(getattr(liftgate, name)) as caught:
        ask()
    error: Any = caught.value
    for kind in (theirs, ours, liftgate.LiftgateError):
        assert isinstance(error, kind)
    assert (error.llm_provider, error.model) == ("gemini", MODEL)
    assert error.status_code == error.response.status_code == fault["code"]
    assert fault["message"] in str(error) and fault["message"] in error.message
    assert error.body == {"message": error.message, "type": error.type, "param": error.param, "code": error.code}


@pytest.mark.parametrize("awaited", [False, True])
def test_an_error_within_a_stream_is_of_its_kind_and_names_the_model(sandbox: Sandbox, awaited: bool) -> None:
    said = {"candidates": [{"content": {"role": "model", "parts": [{"text": "a"}]}, "index": 0}]}
    sandbox.control("scripts", {"chunks": [said, _google_error(429, "Quota")], "delays": [0, 0.3]})
    chunks = []

    async def read() -> None:
        async for chunk in await liftgate.acompletion(MODEL, HELLO, stream=True, num_retries=0):
            chunks.append(chunk)

    with pytest.raises(openai.RateLimitError) as caught:
        if awaited:
            asyncio.run(read())
        for chunk in liftgate.completion(MODEL, HELLO, stream=True, num_retries=0):
            chunks.append(chunk)
    error: Any = pickle.loads(pickle.dumps(caught.value))
    assert chunks and isinstance(error, liftgate.RateLimitError)
    assert (error.model, error.llm_provider, error.status_code) == (MODEL, "gemini", 429)


def test_errors_found_before_anything_is_sent_are_caught_alike(sandbox: Sandbox, monkeypatch: Any) -> None:
    with pytest.raises(openai.BadRequestError) as unknown:
        liftgate.completion(MODEL, HELLO, temprature=0.3)  # type: ignore[call-overload]
    assert "temprature" in str(unknown.value)
    with pytest.raises(liftgate.UnsupportedParamsError):
        liftgate.completion(MODEL, HELLO, logit_bias={"1": 1})
    monkeypatch.delenv("GEMINI_API_KEY")
    with pytest.raises(openai.AuthenticationError):
        liftgate.completion(MODEL, HELLO)
    with pytest.raises(openai.APIError):
        liftgate.file_retrieve("files/never")


def test_a_file_that_is_not_there_is_openais_not_found(sandbox: Sandbox) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        liftgate.file_retrieve("files/aaaaaaaaaaaa")
    assert errors.FileNotFound in type(caught.value).__mro__


def test_an_exception_survives_pickle_and_copy(sandbox: Sandbox) -> None:
    sandbox.fault(kind="status", operation="generate", code=429)
    with pytest.raises(liftgate.RateLimitError) as caught:
        liftgate.completion(MODEL, HELLO, num_retries=0)
    for again in (pickle.loads(pickle.dumps(caught.value)), copy.copy(caught.value)):
        assert type(again) is type(caught.value)
        facts: Any = again
        assert (str(facts), facts.status_code, facts.model) == (str(caught.value), 429, MODEL)


def test_an_exception_can_be_made_by_hand_as_in_a_test_of_a_program() -> None:
    error: Any = liftgate.RateLimitError("slow down", "gemini", MODEL)
    assert openai.RateLimitError in type(error).__mro__
    assert (error.message, error.llm_provider, error.model, error.status_code) == ("slow down", "gemini", MODEL, 429)
    assert pickle.loads(pickle.dumps(error)).message == "slow down"
    other: Any = liftgate.APIError(502, "bad", llm_provider="gemini", model=MODEL)
    assert other.status_code == 502


def test_without_openai_the_same_names_are_there() -> None:
    program = (
        "import sys\nsys.modules['openai'] = None\nimport liftgate\n"
        "assert issubclass(liftgate.RateLimitError, liftgate.OpenAIError)\n"
        "try: liftgate.completion('gemini-2.0-flash', [{'role': 'user', 'content': 'x'}], api_key='some-key', nope=1)\n"
        "except liftgate.BadRequestError as error: print(type(error).__name__, error.status_code, error.param)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["BadRequestError", "400", "nope"]


def test_calls_that_succeed_never_load_openai(sandbox: Sandbox) -> None:
    program = "import sys, liftgate\nliftgate.completion('gemini-2.0-flash', 'x')\n"
    program = program.replace("'x'", repr(HELLO)) + "print('openai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"


# ── settings of the module: S4 ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def module() -> Any:
    """The module, whose settings are as before when the test has ended."""
    before = dict(vars(liftgate))
    yield liftgate
    for name in set(vars(liftgate)) - set(before):
        if name in {*ACTS, *HARMLESS, *REFUSED}:
            delattr(liftgate, name)


def test_settings_of_the_module_act(sandbox: Sandbox, module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (module.drop_params, module.api_key, module.num_retries) == (False, None, None)
    with pytest.raises(liftgate.UnsupportedParamsError):
        liftgate.completion(MODEL, HELLO, logit_bias={"1": 1})
    module.drop_params = True
    assert liftgate.completion(MODEL, HELLO, logit_bias={"1": 1}).choices
    with pytest.raises(liftgate.UnsupportedParamsError):
        liftgate.completion(MODEL, HELLO, logit_bias={"1": 1}, drop_params=False)

    monkeypatch.delenv("GEMINI_API_KEY")
    monkeypatch.delenv("GEMINI_API_BASE")
    module.api_key, module.api_base = "key-b", sandbox.url
    assert liftgate.create_file(file=b"hello").id.startswith("http")
    assert liftgate.completion(MODEL, HELLO).choices

    module.num_retries = 0
    sandbox.fault(kind="status", operation="generate", code=503)
    with pytest.raises(liftgate.ServiceUnavailableError):
        liftgate.completion(MODEL, HELLO)
    sandbox.fault(kind="status", operation="generate", code=503)
    assert liftgate.completion(MODEL, HELLO, max_retries=1).choices
    module.request_timeout = 0.000001
    with pytest.raises(openai.APITimeoutError):
        liftgate.completion(MODEL, HELLO)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_setting_that_cannot_be_honoured_is_refused_aloud(module: Any, name: str) -> None:
    with pytest.raises(AttributeError, match=name):
        setattr(module, name, [print])
    setattr(module, name, None)  # what is off may be set to off
    assert not getattr(module, name)


def test_a_mistyped_setting_is_refused_and_harmless_ones_pass(module: Any) -> None:
    for typo in ("drop_parms", "max_budgets", "api_keys", "num_retry"):
        with pytest.raises(AttributeError, match="Did you mean"):
            setattr(module, typo, True)
    for unknown in ("max_parallel", "foo"):
        with pytest.raises(AttributeError, match=rf"{unknown}.*would change nothing"):
            setattr(module, unknown, True)
    for name in HARMLESS:
        setattr(module, name, True)
        assert getattr(module, name) is True


def test_a_client_of_its_own_does_not_take_the_modules_settings(sandbox: Sandbox, module: Any) -> None:
    module.drop_params = True
    with liftgate.Liftgate() as client, pytest.raises(liftgate.UnsupportedParamsError):
        client.completion(MODEL, HELLO, logit_bias={"1": 1})


# ── what is not there: S7, S8, S9 ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    [
        *("Router", "embedding", "cancel_responses", "speech", "image_generation", "CustomLogger"),
        *(
            "acreate_fine_tuning_job",
            "alist_batches",
            "TranscriptionResponse",
            "anthropic_messages",
            "avector_store_search",
        ),
        *("create_thread", "LoggingWorker", "arealtime", "avideo_edit"),
    ],
)
def test_what_is_not_there_says_what_to_use(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"liftgate has no {name}\. \w+"):
        getattr(liftgate, name)
    assert not hasattr(liftgate, name)


@pytest.mark.parametrize("name", sorted(ABSENT.keys() - {"router"}))
def test_an_import_of_what_is_not_there_says_it_too(name: str) -> None:
    """By every name of the module; and programs that try it and have another way go on."""
    for place in (
        "liftgate",
        "liftgate.utils",
        "liftgate.main",
        "liftgate.integrations.custom_logger",
        "liftgate.caching",
    ):
        with pytest.raises(ImportError) as raised:
            exec(f"from {place} import completion, {name}")
        assert str(raised.value) == f"liftgate has no {name}. {ABSENT[name]}"
    assert not hasattr(liftgate, name) and getattr(liftgate, name, None) is None


def test_litellms_router_module_says_what_to_use() -> None:
    with pytest.raises(ImportError, match=re.escape(f"liftgate has no Router. {ABSENT['Router']}")):
        exec("from liftgate.router import Router")
    exec("from liftgate import router\nfrom liftgate.router import attempts")
    with pytest.raises(ImportError, match="cannot import name 'nosuch'"):
        exec("from liftgate.router import nosuch")


def test_a_traceback_ends_with_the_sentence() -> None:
    run = subprocess.run([sys.executable, "-c", "from liftgate import Router"], capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == f"ImportError: liftgate has no Router. {ABSENT['Router']}"


# ── requests: S10, S14, S15 ──────────────────────────────────────────────────────────────────────────────────────────


class Event(BaseModel):
    name: str
    guests: list[str]


@pytest.mark.parametrize("where", ["direct", "kept"])
def test_a_pydantic_model_is_the_schema_of_the_answer(sandbox: Sandbox, tmp_path: Any, where: str) -> None:
    with liftgate.Liftgate(data_dir=None if where == "direct" else tmp_path) as client:
        answer = client.completion(MODEL, HELLO, response_format=Event)
    config = sandbox.last_body()["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert set(config["responseJsonSchema"]["properties"]) == {"name", "guests"}
    event = Event.model_validate_json(str(answer.choices[0].message.content))
    assert isinstance(event.guests, list)
    wrongs: list[Any] = [
        int,
        dict,
        list[Event],
        Event(name="a", guests=[]),
        "json_object",
        [{"type": "json_object"}],
        5,
    ]
    for wrong in wrongs:
        with pytest.raises(liftgate.BadRequestError, match="is a dict or a pydantic model's class"):
            liftgate.completion(MODEL, HELLO, response_format=wrong)
    with pytest.raises(liftgate.BadRequestError, match="expected an object, but got a Python set instead"):
        liftgate.completion(MODEL, HELLO, tools=[{1}])  # type: ignore[list-item]


def test_fallbacks_are_asked_in_turn(sandbox: Sandbox) -> None:
    answer = liftgate.completion("gemini-none", HELLO, fallbacks=["gemini-neither", f"gemini/{MODEL}"], num_retries=0)
    assert answer.model == MODEL
    chunks = list(liftgate.completion("gemini-none", HELLO, fallbacks=[MODEL], stream=True))
    assert chunks[0].model == MODEL
    own = liftgate.completion("gemini-none", HELLO, fallbacks=[{"model": MODEL, "max_tokens": 1}])
    assert own.choices[0].finish_reason == "length"
    with pytest.raises(liftgate.NotFoundError):
        liftgate.completion("gemini-none", HELLO, fallbacks=["gemini-neither"])
    wrongs: list[Any] = [MODEL, [1], [{"max_tokens": 1}]]
    for wrong in wrongs:
        with pytest.raises(liftgate.BadRequestError, match="fallback"):
            liftgate.completion(MODEL, HELLO, fallbacks=wrong)


def test_a_prompt_that_is_too_long_goes_to_the_model_that_is_named_for_it(sandbox: Sandbox) -> None:
    words = "The input token count (9) exceeds the maximum number of tokens allowed (8)."
    sandbox.fault(kind="status", operation="generate", code=400, body=_google_error(400, words))
    by_window = {MODEL: "gemini-2.5-flash"}
    answer = liftgate.completion(MODEL, HELLO, context_window_fallback_dict=by_window, num_retries=0)
    assert answer.model == "gemini-2.5-flash"


@pytest.mark.parametrize("by_window", [{MODEL: MODEL}, {MODEL: "gemini-2.5-flash", "gemini-2.5-flash": MODEL}])
def test_stand_ins_for_long_prompts_that_lead_round_in_a_circle_end(
    sandbox: Sandbox, by_window: dict[str, str]
) -> None:
    words = "The input token count (9) exceeds the maximum number of tokens allowed (8)."
    sandbox.fault(kind="status", operation="generate", times=9, code=400, body=_google_error(400, words))
    with pytest.raises(liftgate.ContextWindowExceededError):
        liftgate.completion(MODEL, HELLO, context_window_fallback_dict=by_window, num_retries=0)
    assert sandbox.count("generate") <= len(by_window) + 1


@pytest.mark.parametrize(
    "name",
    [
        *("verbose", "logger_fn", "litellm_call_id", "model_info", "api_version", "roles", "stream_timeout", "rpm"),
        *("weight", "aws_region_name"),
    ],
)
def test_litellms_own_arguments_are_passed_over(sandbox: Sandbox, name: str) -> None:
    own: Any = {name: "x"}
    assert liftgate.completion(MODEL, HELLO, **own).choices


@pytest.mark.parametrize("name", ["max_budget", "guardrails", "prompt_id", "ssl_verify", "mock_tool_calls"])
def test_litellms_arguments_that_would_matter_are_refused_by_name(sandbox: Sandbox, name: str) -> None:
    with pytest.raises(liftgate.UnsupportedParamsError, match=name):
        liftgate.completion(MODEL, HELLO, **dict[str, Any]({name: "x"}))


def test_mock_response_is_the_answer_and_gemini_is_not_asked(sandbox: Sandbox) -> None:
    asked = sandbox.count("generate") + sandbox.count("stream")
    assert liftgate.completion(MODEL, HELLO, mock_response="one two").choices[0].message.content == "one two"
    text = "one two three four five"
    chunks = list(liftgate.completion(MODEL, HELLO, mock_response=text, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == text
    assert chunks[-1].choices[0].finish_reason == "stop"
    with pytest.raises(openai.RateLimitError):
        liftgate.completion(MODEL, HELLO, mock_response=liftgate.RateLimitError("slow", "gemini", MODEL))
    assert sandbox.count("generate") + sandbox.count("stream") == asked


def test_many_chats_at_once(sandbox: Sandbox) -> None:
    answers: Any = liftgate.batch_completion(MODEL, [HELLO, [], HELLO], max_workers=2)
    assert [isinstance(each, liftgate.BadRequestError) for each in answers] == [False, True, False]
    assert answers[0].choices[0].message.content
    awaited: Any = asyncio.run(liftgate.abatch_completion(MODEL, [HELLO] * 5))
    assert len(awaited) == 5


# ── results: S5, S6, S13, S16, S17 ───────────────────────────────────────────────────────────────────────────────────


def test_an_answers_cost_stands_where_litellms_users_look(sandbox: Sandbox) -> None:
    answer = liftgate.completion("gemini-2.5-flash", HELLO)
    assert answer.usage is not None
    usage = answer.usage
    # $0.30 and $2.50 for a million tokens (docs/protocol/gemini.md, "Prices").
    expected = usage.prompt_tokens * 300e-9 + usage.completion_tokens * 2500e-9
    assert answer._hidden_params["response_cost"] == pytest.approx(expected)
    for response in (answer, answer.model_dump()):
        assert liftgate.completion_cost(completion_response=response) == pytest.approx(expected)
    assert liftgate.completion_cost(response, model="gemini/gemini-2.5-pro") > expected
    assert liftgate.cost_per_token("gemini-2.5-flash", 1_000_000, 1_000_000) == (0.3, 2.5)
    counted = liftgate.completion_cost(model="gemini-2.5-flash", prompt="Hello", completion="Hello there")
    assert counted > 0
    with pytest.raises(liftgate.NotFoundError, match="No price"):
        liftgate.completion_cost(completion_response={**answer.model_dump(), "model": "gemini-99"})
    assert "_hidden_params" not in answer.model_dump()


def test_a_kept_engine_prices_its_answers_too(sandbox: Sandbox, tmp_path: Any) -> None:
    with liftgate.Liftgate(data_dir=tmp_path) as client:
        answer = client.completion("gemini-2.5-flash", HELLO)
    assert answer._hidden_params["response_cost"] == pytest.approx(liftgate.completion_cost(answer))


def test_chunks_add_up_to_the_answer(sandbox: Sandbox) -> None:
    usage = {"include_usage": True}
    chunks = list(liftgate.completion("gemini-2.5-flash", HELLO, stream=True, n=2, stream_options=usage))
    whole = liftgate.completion("gemini-2.5-flash", HELLO, n=2)
    built = liftgate.stream_chunk_builder(chunks, messages=HELLO)
    assert built.object == "chat.completion"
    assert [choice.message.content for choice in built.choices] == [c.message.content for c in whole.choices]
    assert [choice.finish_reason for choice in built.choices] == ["stop", "stop"]
    assert built.usage is not None and whole.usage is not None
    assert built.usage.total_tokens == whole.usage.total_tokens
    assert liftgate.completion_cost(built) > 0
    with pytest.raises(liftgate.BadRequestError):
        liftgate.stream_chunk_builder([])


@pytest.mark.parametrize("kept", [False, True])
def test_chunks_add_up_with_their_usage_unasked(sandbox: Sandbox, tmp_path: Any, kept: bool) -> None:
    with liftgate.Liftgate(**({"data_dir": tmp_path} if kept else {})) as client:
        chunks = list(client.completion("gemini-2.5-flash", HELLO, stream=True))
        whole = client.completion("gemini-2.5-flash", HELLO)
    assert all("usage" not in chunk.model_dump() for chunk in chunks)
    built = liftgate.stream_chunk_builder(chunks, messages=HELLO)
    assert built.usage is not None and built.usage == whole.usage
    assert liftgate.completion_cost(built) > 0


def test_tool_calls_in_pieces_add_up_too() -> None:
    def chunk(**delta: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    def call(index: int, **function: str) -> dict[str, Any]:
        return {"index": index, "function": function}

    first = {**call(0, name="f", arguments=""), "id": "c0", "type": "function"}
    second = {**call(1, name="g", arguments="{"), "id": "c1", "type": "function"}
    built = liftgate.stream_chunk_builder(
        [
            chunk(role="assistant", tool_calls=[first]),
            chunk(tool_calls=[call(0, arguments='{"a"'), second]),
            chunk(tool_calls=[call(1, arguments="}"), call(0, arguments=":1}")]),
        ]
    )
    calls = built.choices[0].message.tool_calls
    assert calls is not None
    assert [(each.id, each.function.name, each.function.arguments) for each in calls] == [
        ("c0", "f", '{"a":1}'),
        ("c1", "g", "{}"),
    ]


PLACES = (
    "import liftgate as litellm; litellm.exceptions.RateLimitError; litellm.types.utils.ModelResponse",
    "import liftgate.types.utils; liftgate.types.utils.ModelResponse",
    "from liftgate.types import utils; utils.Usage",
    "from liftgate.exceptions import ImageFetchError, MidStreamFallbackError, RejectedRequestError",
    "from liftgate import LiteLLMUnknownProvider, GuardrailRaisedException, BlockedPiiEntityError",
    "import liftgate; assert issubclass(liftgate.ImageFetchError, liftgate.BadRequestError)",
)
EACH_FORKED = """
import os, sys
import openai
assert "liftgate" not in sys.modules
for program in sys.argv[1:]:
    if os.fork() == 0:
        exec(program)
        os._exit(0)
    assert os.wait()[1] == 0, program
"""
"""Of what these programs import, openai takes nine tenths of the time."""


def test_places_of_litellms_are_there_in_a_fresh_process() -> None:
    command = [sys.executable, "-W", "error", "-c"]
    subprocess.run([*command, PLACES[0]], check=True, timeout=60)
    subprocess.run([*command, EACH_FORKED, *PLACES], check=True, timeout=60)


def test_fields_that_an_answer_lacks_read_as_none_and_old_names_work(sandbox: Sandbox) -> None:
    answer = liftgate.completion(MODEL, HELLO)
    message = answer.choices[0].message
    for name in ("thinking_blocks", "provider_specific_fields", "reasoning_content", "function_call", "audio"):
        assert getattr(message, name) is None
    assert answer.to_dict() == answer.dict() == answer.model_dump()
    assert json.loads(answer.json()) == answer.model_dump()
    assert message.dict()["content"] == message.content
    assert (answer._response_ms, answer._response_headers) == (None, None)
    assert answer.choices[0].provider_specific_fields is None
    copied = answer.model_copy(update={"model": "another"})
    assert (copied.model, answer.model, copied.choices) == ("another", MODEL, answer.choices)
    assert answer.copy() == answer.model_copy(deep=True) == answer
    assert answer.model_copy(deep=True).choices[0] is not answer.choices[0] is answer.copy().choices[0]


def test_facts_of_models() -> None:
    info = liftgate.get_model_info("gemini/gemini-2.5-flash")
    assert (info["max_input_tokens"], info["max_output_tokens"]) == (1048576, 65536)
    assert (info["input_cost_per_token"], info["output_cost_per_token"]) == (3e-07, 2.5e-06)
    assert liftgate.model_cost["gemini/gemini-2.5-flash"]["input_cost_per_audio_token"] == 1e-06
    assert liftgate.get_max_tokens("gemini-2.5-flash") == 65536
    assert liftgate.supports_vision("gemini/gemini-2.5-flash")
    assert liftgate.supports_function_calling("gemini-2.5-flash")
    assert not liftgate.supports_function_calling("gemini-2.5-flash-preview-tts")
    assert not liftgate.supports_vision("no-such-model")
    assert "temperature" in liftgate.get_supported_openai_params("gemini-2.5-flash")
    with pytest.raises(liftgate.NotFoundError):
        liftgate.get_model_info("no-such-model")


def test_classes_and_functions_are_where_litellms_users_import_them(sandbox: Sandbox) -> None:
    program = (
        "from liftgate.types.utils import ChatCompletionMessageToolCall, Choices, Function, Message\n"
        "from liftgate.types.utils import ModelResponse, Usage\n"
        "call = ChatCompletionMessageToolCall(id='c', type='function', function=Function(name='f', arguments='{}'))\n"
        "message = Message(content='hi', tool_calls=[call])\n"
        "made = ModelResponse(choices=[Choices(index=0, message=message)], usage=Usage(prompt_tokens=1))\n"
        "message = made.choices[0].message\n"
        "print(message.role, message.tool_calls[0].function.name, made.usage.prompt_tokens)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["assistant", "f", "1"]
    assert isinstance(liftgate.completion(MODEL, HELLO).choices[0].message, liftgate.Message)
