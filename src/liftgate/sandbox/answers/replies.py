"""Answers as GenerateContentResponse: whole, or as the events of a stream.

Pure. Usage adds up: total = prompt + candidates + thoughts, and each modality's details add up to their count. In a
stream every event carries the usage so far, and the parts are deltas.
"""

import re
import secrets
from collections import Counter
from collections.abc import Iterator

from liftgate.sandbox.answers.answers import Answer, text_tokens
from liftgate.sandbox.requests.prompt import Prompt
from liftgate.sandbox.wire.json_types import JsonObject

_WORDS = re.compile(r"\s*\S+\s*|\s+")
PIECE = 40


def whole(prompt: Prompt, answers: list[Answer]) -> JsonObject:
    """The unstreamed response."""
    candidates = []
    for index, answer in enumerate(answers):
        content: JsonObject = {"parts": answer.parts, "role": "model"} if answer.parts else {"role": "model"}
        candidates.append(_candidate(content, index) | _ending(answer))
    tokens = sum((answer.tokens for answer in answers), Counter[str]())
    thoughts = sum(answer.thought_tokens for answer in answers)
    return _response(prompt, candidates, tokens, thoughts, _response_id())


def events(prompt: Prompt, answers: list[Answer]) -> Iterator[JsonObject]:
    """The same as a stream."""
    response_id = _response_id()
    so_far: Counter[str] = Counter()
    thoughts = 0
    for index, answer in enumerate(answers):
        deltas: list[JsonObject | None] = [*_deltas(answer)] or [None]
        thoughts += answer.thought_tokens
        target = so_far + answer.tokens
        for number, part in enumerate(deltas, 1):
            content: JsonObject = {"parts": [part], "role": "model"} if part is not None else {"role": "model"}
            candidate = _candidate(content, index)
            if number == len(deltas):
                candidate |= _ending(answer)
                so_far = target
            elif part is not None and "text" in part and not part.get("thought"):
                so_far["TEXT"] = min(target["TEXT"], so_far["TEXT"] + text_tokens(part["text"]))
            yield _response(prompt, [candidate], so_far, thoughts, response_id)


def _deltas(answer: Answer) -> Iterator[JsonObject]:
    for part in answer.parts:
        if "text" not in part:
            yield part
            continue
        side = {"thought": True} if part.get("thought") else {}
        for piece in _pieces(part["text"]):
            yield {"text": piece, **side}
        if "thoughtSignature" in part:
            yield {"text": "", "thoughtSignature": part["thoughtSignature"]}


def _pieces(text: str) -> Iterator[str]:
    """Whole words, up to about PIECE characters; together they are the text."""
    piece = ""
    for word in _WORDS.findall(text):
        if piece and len(piece) + len(word) > PIECE:
            yield piece
            piece = ""
        piece += word
    if piece:
        yield piece


def _candidate(content: JsonObject, index: int) -> JsonObject:
    return {"content": content, "index": index}


def _ending(answer: Answer) -> JsonObject:
    ending: JsonObject = {"finishReason": answer.finish}
    if answer.message:
        ending["finishMessage"] = answer.message
    return ending | answer.extras


def _response(
    prompt: Prompt, candidates: list[JsonObject], tokens: Counter[str], thoughts: int, response_id: str
) -> JsonObject:
    return {
        "candidates": candidates,
        "usageMetadata": usage(prompt, tokens, thoughts),
        "modelVersion": prompt.model.name,
        "responseId": response_id,
    }


def usage(prompt: Prompt, tokens: Counter[str], thoughts: int) -> JsonObject:
    counts = prompt.token_counts()
    result: JsonObject = {"promptTokenCount": counts.total()}
    if tokens.total():
        result["candidatesTokenCount"] = tokens.total()
    result["totalTokenCount"] = counts.total() + tokens.total() + thoughts
    result["promptTokensDetails"] = details(counts)
    if tokens.total() and set(tokens) != {"TEXT"}:
        result["candidatesTokensDetails"] = details(tokens)
    if thoughts:
        result["thoughtsTokenCount"] = thoughts
    return result | {"serviceTier": "standard"}


def details(counts: Counter[str]) -> list[JsonObject]:
    """Tokens by modality, as Google lists them."""
    return [{"modality": name, "tokenCount": count} for name, count in sorted(counts.items()) if count]


def _response_id() -> str:
    return secrets.token_urlsafe(16)
