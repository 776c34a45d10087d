"""Thought signatures of gemini-3 models: made for function calls, demanded back in the current turn.

A signature is a digest of the call under a fixed word, so that verifying needs no memory. Rules as Google documents:
within the turn since the user's last own message, the first function call of each model content must carry the
signature that came with it, or the documented skip value.
"""

import base64
import hashlib
import json

from liftgate.sandbox.requests.refusals import Refusal
from liftgate.sandbox.wire.json_types import JsonObject

SKIP_WORDS = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")


_OURS = b"sandbox-thought-1:"


def signature_of(name: str, args: JsonObject) -> bytes:
    """The opaque bytes that the sandbox puts on a call."""
    call = json.dumps([name, args], sort_keys=True).encode()
    return _OURS + hashlib.sha256(b"the sandbox thought of " + call).digest()


def _skips(signature: bytes) -> bool:
    # Clients that treat the field as bytes send the word base64-encoded, others send it as the JSON string itself.
    spelled = base64.urlsafe_b64encode(signature).decode()
    return any(signature == word.encode() or spelled == word for word in SKIP_WORDS)


def check_signatures(contents: list[JsonObject], *, foreign: str) -> None:
    """Raises the 400 for the first call of the current turn that lacks its signature or carries another.

    `foreign`: what becomes of one that was not made here, `refuse` or `accept`; only Google can verify those.
    """
    start = 0
    for index, content in enumerate(contents):
        own = content.get("role", "user") != "model" and any(
            "functionResponse" not in part for part in content["parts"]
        )
        start = index if own else start
    for index, content in enumerate(contents[start:], start):
        if content.get("role") != "model":
            continue
        part = next((part for part in content["parts"] if "functionCall" in part), None)
        if part is None:
            continue
        call = part["functionCall"]
        signature = part.get("thoughtSignature")
        if not signature:
            raise Refusal(
                400,
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                "work correctly, and missing thought_signature may lead to degraded model performance. "
                f"Additional data, function call `default_api:{call['name']}` , position {index + 1}. Please refer to "
                "https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
            )
        if _skips(signature) or (foreign == "accept" and not signature.startswith(_OURS)):
            continue
        if signature != signature_of(call["name"], call.get("args", {})):
            raise Refusal(400, "Thought signature is not valid.")
