"""What an answer carries besides its text: grounding, fetched URLs, executed code, log probabilities.

Shapes as recorded. Offsets of grounding are bytes, and the text before them is not ASCII, so that a reader who counts
characters is caught.
"""

import re
import zlib

from liftgate.sandbox.requests.prompt import Prompt
from liftgate.sandbox.wire.json_types import JsonObject

_URL = re.compile(r"https?://[^\s\"'<>)]+")


def grounding(question: str, text: str, room: int | None) -> tuple[str, JsonObject]:
    """`text` with a grounded sentence after it, and the groundingMetadata that points there.

    `room` is how many tokens may be added (None: any); too few, or a text that is JSON, leave the text alone.
    """
    query = question[:80] or "sandbox"
    lead = f"{text}\nGefunden für «{query}» – "
    sentence = "die Quelle nennt drei naïve Café-Ergebnisse."
    if text.startswith(("{", "[")) or (room is not None and len(lead + sentence) - len(text) > 4 * room):
        return text, {"groundingMetadata": {}}
    start = len(lead.encode())
    segment = {"startIndex": start, "endIndex": start + len(sentence.encode()), "text": sentence}
    host = "https://vertexaisearch.cloud.google.com/grounding-api-redirect"
    metadata = {
        "searchEntryPoint": {"renderedContent": '<div class="container">sandbox</div>'},
        "groundingChunks": [
            {"web": {"uri": f"{host}/sandbox-1", "title": "example.com"}},
            {"web": {"uri": f"{host}/sandbox-2", "title": "example.org"}},
        ],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0, 1]}],
        "webSearchQueries": [query],
    }
    return lead + sentence, {"groundingMetadata": metadata}


def url_context(text: str) -> JsonObject:
    """One entry for each URL in the prompt."""
    urls = [{"retrievedUrl": url, "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"} for url in _URL.findall(text)]
    return {"urlContextMetadata": {"urlMetadata": urls}} if urls else {}


def code_parts(prompt: Prompt) -> list[JsonObject]:
    """The code that the model ran, and its result, where the tool was given."""
    if not any("codeExecution" in tool for tool in prompt.tools):
        return []
    question = prompt.question
    code: JsonObject = {"language": "PYTHON", "code": f"print(len({question!r}))\n"}
    result: JsonObject = {"outcome": "OUTCOME_OK", "output": f"{len(question)}\n"}
    if prompt.model.signs:
        code, result = {"id": "code0001", **code}, {"id": "code0001", **result}
    return [{"executableCode": code}, {"codeExecutionResult": result}]


def logprobs(text: str, count: int) -> JsonObject:
    """logprobsResult for tokens of four characters, with `count` alternatives at each."""
    tokens = [text[index : index + 4] for index in range(0, len(text), 4)]
    chosen = [_chance(token, 0) for token in tokens]
    total = sum(item["logProbability"] for item in chosen)
    top = [{"candidates": [_chance(token, rank) for rank in range(count)]} for token in tokens] if count else []
    result: JsonObject = {"chosenCandidates": chosen, "logProbabilitySum": total}
    if top:
        result["topCandidates"] = top
    return {"avgLogprobs": total / max(1, len(tokens)), "logprobsResult": result}


def _chance(token: str, rank: int) -> JsonObject:
    shown = token if rank == 0 else f"{token}~{rank}"
    number = zlib.crc32(shown.encode())
    return {"token": shown, "tokenId": number % 262_144, "logProbability": -(0.001 + number % 97 / 1000) - rank}
