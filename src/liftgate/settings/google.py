"""Where Gemini is and which key opens it, from an entry of `model_list`, the environment or an argument."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from liftgate.deployments import Account
from liftgate.errors import ConfigError
from liftgate.settings.caller import COMMAND_LINE, Caller
from liftgate.settings.keys import checked_key
from liftgate.settings.spelling import hint
from liftgate.settings.values import shown

GOOGLE = "https://generativelanguage.googleapis.com"
KEY_VARIABLES = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
SHORTEST_AT_GOOGLE = 8
"""Characters. Google's keys have 39; what stands for Gemini elsewhere takes any."""


class ApiBase(NamedTuple):
    """Where Gemini is. `versioned`: whether its version comes after `root`."""

    root: str
    versioned: bool


def environment_key(environ: Mapping[str, str], caller: Caller = COMMAND_LINE) -> tuple[str, str] | None:
    """Google's key from the environment, GEMINI_API_KEY, then GOOGLE_API_KEY, and what the caller calls that.
    ConfigError for what is no key."""
    name = next((name for name in KEY_VARIABLES if environ.get(name)), None)
    if name is None:
        return None
    called = caller.variable(name)
    return checked_key(environ[name], called, environ), called


def key_warnings(environ: Mapping[str, str]) -> list[str]:
    """Two keys in the environment that differ: which one is used."""
    first, second = (environ.get(name, "").strip() for name in KEY_VARIABLES)
    if first and second and first != second:
        return ["GEMINI_API_KEY and GOOGLE_API_KEY are both set and differ: GEMINI_API_KEY is used."]
    return []


def missing_key(environ: Mapping[str, str]) -> str:
    """Why the environment has no key of Google's."""
    empty = [name for name in KEY_VARIABLES if name in environ]
    if empty:
        return f"{empty[0]} is set, and is empty"
    near = next((f" ({name} is set.{meant})" for name in environ if (meant := hint(name, KEY_VARIABLES))), "")
    return f"neither {' nor '.join(KEY_VARIABLES)} is set{near}"


def read_base(base: str | None, environ: Mapping[str, str], where: str = "GEMINI_API_BASE") -> ApiBase:
    """`base`, else GEMINI_API_BASE, else Google's.

    LiteLLM's chat takes the base as all that stands before `models/`, its file calls as the root of the API. Both forms
    are met: one that is a root, or ends with a version, is the root of files and chat alike; another is the prefix.
    """
    given = (base or environ.get("GEMINI_API_BASE") or GOOGLE).strip().rstrip("/")
    root = re.sub(r"/v\d+(?:beta|alpha)?\d*\Z", "", given).rstrip("/")
    try:
        parts = urlsplit(root)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or not root.isprintable() or " " in root:
        raise ConfigError(f"{where}: expected an address such as {GOOGLE}, got {shown(base or root)}.")
    if parts.path.endswith("/openai"):
        raise ConfigError(f"{where}: {shown(base or root)} speaks OpenAI's form; without /openai it is Gemini's.")
    if ":" in parts.path or parts.path.endswith("/models") or "/models/" in parts.path:
        raise ConfigError(f"{where}: {shown(base or root)} names models; the address ends before /models.")
    return ApiBase(root, versioned=root != given or not parts.path)


def key_account(api_key: str, base: ApiBase, where: str = "") -> Account:
    """The account of a key that stands alone; its name holds no secret and is stable over restarts."""
    digest = hashlib.sha256(f"{api_key} {base.root}".encode()).hexdigest()
    return Account(f"key:{digest[:12]}", (api_key,), base.root, base.versioned, where)


def check_length(api_key: str, base: ApiBase, where: str) -> None:
    if base.root == GOOGLE and len(api_key) < SHORTEST_AT_GOOGLE:
        raise ConfigError(f"{where}: is too short to be a key of Google's.")
