"""The order of turns, and what may stand in a turn of function responses: Google's rules over all contents."""

from collections.abc import Iterator

from liftgate.sandbox.requests.model_facts import ModelFacts
from liftgate.sandbox.requests.refusals import Refusal
from liftgate.sandbox.wire.json_types import JsonObject

LAST_TURN = "Requests ending with a model turn are not supported."


def check_turns(contents: list[JsonObject], model: ModelFacts) -> None:
    """Raises the 400 that Google gives."""
    _check_counts(contents)
    _check_first_call(contents)
    for content in contents:
        _check_responses(content["parts"], model)
    if not model.may_end_with_model and contents[-1].get("role") == "model":
        raise Refusal(400, LAST_TURN)


def _check_counts(contents: list[JsonObject]) -> None:
    """A turn of function calls is answered by as many responses; adjacent contents of one side are one turn."""
    calls = responses = 0
    for index, content in enumerate(contents):
        by_model = content.get("role") == "model"
        if index == 0 or by_model != (contents[index - 1].get("role") == "model"):
            if by_model:
                calls = 0
            responses = 0
        kind = "functionCall" if by_model else "functionResponse"
        count = sum(kind in part for part in content["parts"])
        calls += count if by_model else 0
        responses += 0 if by_model else count
        following = contents[index + 1].get("role") == "model" if index + 1 < len(contents) else True
        if by_model or not responses or not following:
            continue
        if not calls:
            raise Refusal(
                400, "Please ensure that function response turn comes immediately after a function call turn."
            )
        if calls != responses:
            raise Refusal(
                400,
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn.",
            )


def _check_first_call(contents: list[JsonObject]) -> None:
    """pipecat-ai/pipecat#5660, gemini-cli#26486; contents before it that are the model's too do not help."""
    for content in contents:
        if content.get("role") != "model":
            return
        if any("functionCall" in part for part in content["parts"]):
            raise Refusal(
                400,
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn.",
            )


def _check_responses(parts: list[JsonObject], model: ModelFacts) -> None:
    answered = False
    for part in parts:
        response = part.get("functionResponse")
        if answered and response is None and not model.parts_behind_responses:
            # agentgateway#2811, kimi-code#3274: this very sentence, though the turn is the user's.
            raise Refusal(400, LAST_TURN)
        if response is None:
            continue
        answered = True
        for name in _references(response.get("response")):
            # vercel/ai#14369, hermes-agent#100441; displayName does not help on this API (docs/protocol/gemini.md,
            # "Parts").
            raise Refusal(
                400,
                f"The referenced name `{name}` in function_response.response does not match to a display_name in the "
                "function_response.parts.",
            )
        for media in response.get("parts", []):
            data: JsonObject = media.get("inlineData") or media.get("fileData") or {}
            kind = data.get("mimeType", "")
            if not model.media_in_responses and kind.startswith(("audio/", "video/")):
                raise Refusal(400, "Request contains an invalid argument.")


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref":
                yield str(each)
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
