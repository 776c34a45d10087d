"""Which deployment answers a request: health, choice, and what happens after a failure.

Knows nothing of Gemini, files or HTTP: an attempt is a function of a deployment, affinity a number, an error its class.
`attempts.Router` is the whole of it for the engine; `health` and `choose` are pure.
"""

from __future__ import annotations

from typing import Never


def __getattr__(name: str) -> Never:
    """LiteLLM's `from litellm.router import Router` comes here, when the name of the package is changed in it."""
    if name == "Router":
        raise ImportError(
            "liftgate has no Router. Liftgate(config='config.yaml') routes over the deployments of a LiteLLM config; "
            "or run a gateway.",
            name=__name__,
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
