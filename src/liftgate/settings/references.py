"""Texts that stand for another one and were not filled in: `${NAME}`, `os.environ.NAME`, `{{ name }}`, `<your key>`.

Only `os.environ/NAME` is filled in here, as LiteLLM has it. A compose file, a shell, a chart or a person fills in the
others, and where that did not happen the text itself would become the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# Compiled when a setting is read: each command of the command line reads the table of settings, few the settings.
_NAME = r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
_REFERENCES = (
    rf"\$\{{+\s*(?:\w+[.:]\s*)?{_NAME}[^}}]*\}}*",
    rf"\$\(\s*{_NAME}.*",
    rf"\A\$(?:[Ee][Nn][Vv]:)?{_NAME}\Z",
    rf"\A%{_NAME}%\Z",
    rf"\{{\{{-?\s*(?:[\w$]*[.:]\s*)*{_NAME}?.*",
    rf"(?i)\A['\"]?(?:os\.env\w*|os\.getenv|os/environ|process\.env)[/.:\\(\[|\s]*['\"]?{_NAME}",
    rf"(?i)\A!env\b\s*{_NAME}?",
    rf"\A(?:#|\$[A-Za-z]+)\{{{_NAME}\}}#?\Z",
    rf"%\({_NAME}\)",
    r"\A(?P<frame>__|@@?)(?P<name>[A-Za-z][A-Za-z0-9_]*?)(?P=frame)\Z",
)
_WITHIN = (
    r"(?:\A|[/@:])\$(?P<name>[A-Z_][A-Z0-9_]*)(?=[/@:]|\Z)",
    r"(?:\A|[/@:])%(?P<name>[A-Z_][A-Z0-9_]*)%(?=[/@:]|\Z)",
)
"""Of a path or an address: a whole piece of it. A password that is one is written with %24."""
_OF_KEYS = rf"(?i)\A['\"]?(?:os\.\w+|env|environ|environment|getenv)[/.:\\(\[|\s]+['\"]?{_NAME}"
_MARKS = ("$", "%", "{{", "#{", "@", "__", "env", "os.", "os/")
"""Each of these patterns needs one: without, none is compiled, which takes longer than reading the rest of a config."""
_STORES = (
    r"(?i)\A(?:[a-z][a-z0-9+.-]*://|arn:aws|vault:|oidc/|ENC\[|projects/[^/]+/secrets/|@microsoft\.keyvault"
    r"|/(?:run|etc|var|mnt|secrets)/|~/|\.{1,2}/|[a-z]:\\)"
)
_VARIABLE = r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"
_SETTING = r"(?i)(?:(?:gemini|google|litellm|liftgate|openai|my|the)[-_ ]?)*(?:api|master|secret)[-_ ]?key"
_BRACKETS = r"(?s)\A(?:[\w.-]*<.*>|\[.*\]|\(.*\)|\{.*\}|[\w.-]+[\[({][A-Za-z][\w .-]*[\])}])\Z"
_BLANKS = r"(?i)\A(?:sk-|AIza)?(?:[.…*•_-]+|x{3,}|(?:[.…*•]{3}|x{4,}).*)\Z"
_WORDS = frozenset(
    """
    none null nil undefined nan true false todo tbd fixme placeholder redacted
    changeme changethis changeit replaceme replacethis secret password
    """.split()  # noqa: SIM905 - a list of words
)
_ASKS = (
    r"(?:sk)?(?:your|(?:replace|change|fill|insert|enter|paste|put|add)"
    r"(?:with|in|your|my|the|key|apikey|here|this|me))"
)


def unresolved(value: str, *, refers: bool = True) -> str | None:
    """What is wrong with a text that is a reference left unfilled; None for any other text. `refers`: whether
    `os.environ/NAME` is filled in where it stands."""
    return _unfilled((*_REFERENCES, *_WITHIN), value, refers=refers)


def _unfilled(patterns: Iterable[str], value: str, *, refers: bool) -> str | None:
    folded = value.casefold()
    if not any(mark in folded for mark in _MARKS):
        return None
    for pattern in patterns:
        if found := re.search(pattern, value, re.DOTALL):
            if not refers:
                of = f"the value of {found['name']}" if found["name"] else "the value itself"
                return f"looks like a reference, and none is filled in here. Did you mean {of}?"
            meant = f"Did you mean os.environ/{found['name'] or 'NAME'}?"
            return f"looks like a reference that was not filled in; only os.environ/NAME is filled in here. {meant}"
    return None


def stand_in(value: str, environ: Mapping[str, str], *, refers: bool = True) -> str | None:
    """What is wrong with a key that is none: a reference, the name of a variable, a placeholder; else None."""
    patterns = (*_REFERENCES, _OF_KEYS)
    # Behind what keys begin with, as in `sk-$MASTER_KEY`.
    for part in dict.fromkeys((value, value.removeprefix("sk-"))):
        if advice := _unfilled(patterns, part, refers=refers):
            return advice
    if re.fullmatch(_VARIABLE, value) or value in environ:
        return f"is the word {value}. Did you mean {f'os.environ/{value}' if refers else f'the value of {value}'}?"
    plain = re.sub(r"[-_ .]", "", value.casefold())
    if (
        re.fullmatch(_SETTING, value)
        or re.match(_BRACKETS, value)
        or re.match(_BLANKS, value)
        or plain in _WORDS
        or re.match(_ASKS, plain)
        or plain.endswith("keyhere")
    ):
        more = ", or os.environ/NAME for the variable that has it" if refers else " itself"
        return f"is a placeholder where a key belongs. Write the key{more}."
    if re.match(_STORES, value):
        more = "Put the key into a variable: os.environ/NAME." if refers else "Give the key itself."
        return f"is the address of a key, and Liftgate reads no secret store. {more}"
    return None
