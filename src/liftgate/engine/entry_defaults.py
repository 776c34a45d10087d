"""Parameters that an operator gave an entry of `model_list`, read once at the start, as if a chat had sent them.

What every chat of the entry would be refused for is the operator's slip, and the sentence would be about a parameter
that the client never sent.
"""

from __future__ import annotations

from liftgate.ask.builder import Ask
from liftgate.ask.model_facts import facts_for
from liftgate.deployments import Deployment
from liftgate.dialects.chat.request import read_chat
from liftgate.errors import InvalidRequest, UnsupportedParameter
from liftgate.json_types import JsonObject

_ANY = {"type": "function", "function": {"name": "any"}}


def refused_default(deployment: Deployment, drop_params: bool) -> tuple[str, str] | None:
    """The path of a default of the entry that no request could have, below `litellm_params`, and why; None where all
    can be. `drop_params`: the gateway's."""
    request = _request(deployment)
    try:
        read_chat(request, Ask(facts_for(deployment.model), drop_params=drop_params or deployment.drop_params))
    except InvalidRequest as refused:
        way_out = " `drop_params: true` leaves it out." if isinstance(refused, UnsupportedParameter) else ""
        param = refused.param or ""
        within = "" if param.split(".")[0].split("[")[0] in deployment.defaults else "extra_body."
        return within + param, refused.message + way_out
    return None


def _request(deployment: Deployment) -> JsonObject:
    """A chat of these parameters, with what they need of a request's own: a tool to choose, probabilities to name."""
    given = dict(deployment.defaults)
    if not given.get("tools") and not given.get("functions"):
        for name in ("tool_choice", "function_call"):
            if isinstance(given.get(name), str):
                given["tools"] = [_ANY]
            elif isinstance(given.get(name), dict):
                del given[name]
    if given.get("top_logprobs") is not None:
        given.setdefault("logprobs", True)
    return {**given, "messages": [{"role": "user", "content": ""}]}
