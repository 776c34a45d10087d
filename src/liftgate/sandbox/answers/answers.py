"""The sandbox's answer to a prompt: computed from what was sent, and saying so.

One `Answer` per candidate: its parts, why it ended, its tokens. Streamed and unstreamed replies are both made of it
(`replies`). No I/O.
"""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field

from liftgate.sandbox.answers.extras import code_parts, grounding, logprobs, url_context
from liftgate.sandbox.answers.sample_values import sample
from liftgate.sandbox.answers.tool_calls import calls_for
from liftgate.sandbox.media.synthetic_media import AUDIO_TOKENS_PER_SECOND, PCM_TYPE, RATE, picture, tone
from liftgate.sandbox.requests.prompt import Prompt
from liftgate.sandbox.wire.json_types import JsonObject

IMAGE_TOKENS = 1290
CHARACTERS_PER_TOKEN = 4


@dataclass
class Answer:
    """One candidate."""

    parts: list[JsonObject]
    finish: str = "STOP"
    message: str = ""
    tokens: Counter[str] = field(default_factory=Counter)
    thought_tokens: int = 0
    extras: JsonObject = field(default_factory=dict)
    """Further fields of the candidate, such as groundingMetadata."""

    @property
    def text(self) -> str:
        return "".join(part["text"] for part in self.parts if "text" in part and not part.get("thought"))


def text_tokens(text: str) -> int:
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def answer(prompt: Prompt, number: int, count: int) -> Answer:
    """Candidate `number` of `count`."""
    calls = calls_for(prompt)
    thoughts = _thoughts(prompt)
    if calls:
        result = Answer(thoughts + calls, message="Model generated function call(s)." if prompt.model.signs else "")
        result.tokens["TEXT"] = sum(text_tokens(json.dumps(part["functionCall"])) for part in calls)
    else:
        result = Answer(thoughts + _content(prompt, number, count))
        result.tokens = _tokens(result.parts)
    result.thought_tokens = _thought_tokens(prompt, thoughts)
    _end(prompt, result, is_call=bool(calls))
    _add_extras(prompt, result)
    return result


def _content(prompt: Prompt, number: int, count: int) -> list[JsonObject]:
    wanted = prompt.config.get("responseModalities") or list(prompt.model.outputs[0])
    text = explain(prompt) + (f"\nAnswer {number + 1} of {count}." if count > 1 else "")
    if "AUDIO" in wanted:
        return [{"inlineData": {"mimeType": PCM_TYPE, "data": tone(prompt.question, _voice(prompt))}}]
    parts: list[JsonObject] = []
    if "TEXT" in wanted:
        parts += code_parts(prompt)
        parts.append({"text": _formed(prompt, text)})
    if "IMAGE" in wanted:
        parts.append({"inlineData": {"mimeType": "image/png", "data": picture(prompt.question)}})
    return parts


def explain(prompt: Prompt) -> str:
    """What was received, item by item, and the prompt's own words."""
    lines = [
        f"The sandbox's {prompt.model.name} received {len(prompt.media)} file{'' if len(prompt.media) == 1 else 's'}."
    ]
    lines += [f"File {index}: {seen.described()}" for index, seen in enumerate(prompt.media, 1)]
    lines += [f"Video that is not fetched: {link}" for link in prompt.links]
    for response in prompt.last_responses:
        content = json.dumps(response.get("response", {}), ensure_ascii=False)
        lines.append(f"Function {response['name']} answered: {content}")
    if prompt.system:
        lines.append(f"System instruction: {prompt.system}")
    if len(prompt.contents) > 1:
        lines.append(f"Turns: {len(prompt.contents)}.")
    lines.append(f"Prompt: {prompt.question}")
    return "\n".join(lines)


def _formed(prompt: Prompt, text: str) -> str:
    """`text` in the form that responseMimeType and the schema ask for."""
    config = prompt.config
    mime_type = config.get("responseMimeType") or "text/plain"
    schema = config.get("responseSchema") or config.get("responseJsonSchema") or config.get("_responseJsonSchema")
    if mime_type == "text/x.enum" and schema:
        return str(sample(schema, text))
    if mime_type != "application/json":
        return text
    if schema:
        return json.dumps(sample(schema, text), ensure_ascii=False)
    files = [{"mimeType": seen.mime_type, "sizeBytes": seen.facts.size, "sha256": seen.sha256} for seen in prompt.media]
    return json.dumps({"prompt": prompt.question, "files": files}, ensure_ascii=False)


def _voice(prompt: Prompt) -> str:
    return json.dumps(prompt.config.get("speechConfig", {}), sort_keys=True, default=str)


def _thoughts(prompt: Prompt) -> list[JsonObject]:
    config = prompt.config.get("thinkingConfig", {})
    if not config.get("includeThoughts") or config.get("thinkingBudget") == 0:
        return []
    return [
        {
            "text": f"**Reading the request**\n\nIt has {len(prompt.media)} files and asks: {prompt.question}",
            "thought": True,
        }
    ]


def _thought_tokens(prompt: Prompt, thoughts: list[JsonObject]) -> int:
    config = prompt.config.get("thinkingConfig", {})
    if thoughts:
        return text_tokens(thoughts[0]["text"])
    thinks = prompt.model.thinks and (config.get("thinkingBudget") or config.get("thinkingLevel"))
    return 16 if thinks else 0


def _tokens(parts: list[JsonObject]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for part in parts:
        data = part.get("inlineData", {})
        if data.get("mimeType") == PCM_TYPE:
            counts["AUDIO"] += max(1, round(len(data["data"]) / 2 / RATE * AUDIO_TOKENS_PER_SECOND))
        elif data:
            counts["IMAGE"] += IMAGE_TOKENS
        elif "executableCode" in part:
            counts["TEXT"] += text_tokens(part["executableCode"]["code"])
        elif "text" in part and not part.get("thought"):
            counts["TEXT"] += text_tokens(part["text"])
    return counts


def _end(prompt: Prompt, result: Answer, *, is_call: bool) -> None:
    """Apply stop sequences, then maxOutputTokens, which thoughts use up too."""
    if not is_call:
        for part in result.parts:
            if "text" in part and not part.get("thought"):
                ends = [part["text"].find(stop) for stop in prompt.config.get("stopSequences", []) if stop]
                found = [end for end in ends if end >= 0]
                if found:
                    part["text"] = part["text"][: min(found)]
        result.tokens = _tokens(result.parts)
    limit = prompt.config.get("maxOutputTokens")
    if limit is None or result.tokens.total() + result.thought_tokens <= limit:
        return
    result.finish, result.message = "MAX_TOKENS", ""
    result.thought_tokens = min(result.thought_tokens, limit)
    room = limit - result.thought_tokens
    kept = []
    for part in result.parts:
        if part.get("thought"):
            kept.append(part)
        elif "text" in part and room > 0:
            part["text"] = part["text"][: room * CHARACTERS_PER_TOKEN]
            room -= text_tokens(part["text"])
            kept.append(part)
    result.parts = kept
    result.tokens = _tokens(kept)


def _add_extras(prompt: Prompt, result: Answer) -> None:
    text_parts = [part for part in result.parts if "text" in part and not part.get("thought")]
    if text_parts and any("googleSearch" in tool or "googleSearchRetrieval" in tool for tool in prompt.tools):
        limit = prompt.config.get("maxOutputTokens")
        used = result.tokens.total() + result.thought_tokens
        last = text_parts[-1]
        last["text"], found = grounding(prompt.question, last["text"], None if limit is None else limit - used)
        result.extras |= found
        result.tokens = _tokens(result.parts)
    if text_parts and prompt.model.signs:
        digest = hashlib.sha256(text_parts[-1]["text"].encode()).digest()
        text_parts[-1]["thoughtSignature"] = b"sandbox-text-1:" + digest
    if any("urlContext" in tool for tool in prompt.tools):
        result.extras |= url_context(prompt.question)
    if prompt.config.get("responseLogprobs"):
        result.extras |= logprobs(result.text, prompt.config.get("logprobs", 0))
