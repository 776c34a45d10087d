"""What every call of the SDK may say beside its own arguments, and which key, root and deadline follow from it.

Pure: the environment is handed in. docs/protocol/openai.md, "LiteLLM" is where the names come from; where LiteLLM uses
GOOGLE_API_KEY first, we take GEMINI_API_KEY, as Google's own clients document it for this API.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypedDict

from liftgate.deployments import Account
from liftgate.errors import AuthenticationFailed, ConfigError, InvalidRequest, ModelNotFound
from liftgate.json_types import JsonMapping
from liftgate.names import bare_model, is_collection, names_a_model
from liftgate.settings.google import (
    ApiBase,
    check_length,
    environment_key,
    key_account,
    key_warnings,
    missing_key,
    read_base,
)
from liftgate.settings.keys import checked_key

PROVIDER = "gemini"
PROVIDER_HEADER = "custom-llm-provider"
TIMEOUT = 600.0
"""Seconds for a call, page-in and retries included; LiteLLM's default."""
RETRIES = 2


class CallOptions(TypedDict, total=False):
    """Keyword arguments of every function. `timeout` in seconds; `base_url`, `request_timeout` and `max_retries` are
    other names for `api_base`, `timeout` and `num_retries`.
    """

    api_key: str | None
    api_base: str | None
    base_url: str | None
    timeout: float | str | None
    request_timeout: float | str | None
    num_retries: int | None
    max_retries: int | None


WITHOUT_A_KEY = "`liftgate sandbox` stands for Gemini without a key, and prints the two variables to set."
OPTION_NAMES = frozenset(CallOptions.__annotations__)
OTHER_NAMES = {"api_base": "base_url", "timeout": "request_timeout", "num_retries": "max_retries"}
LONGEST = 2.0**31
"""Seconds of a `timeout`."""
_LONGEST_NUMBER = 32


@dataclass(frozen=True, slots=True)
class Call:
    """The options of one call, None where the caller gave none."""

    provider: str | None = None
    api_key: str | None = field(default=None, repr=False)
    api_base: str | None = None
    timeout: float | None = None
    retries: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: JsonMapping = field(default_factory=dict, repr=False)

    def over(self, defaults: Call) -> Call:
        """This call, with `defaults` where it says nothing."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) not in (None, {})}
        return replace(defaults, **given)


@dataclass(frozen=True, slots=True)
class Connection:
    """`headers` go with each request to Gemini; `timeout` in seconds for the whole call."""

    account: Account
    headers: Mapping[str, str] = field(repr=False)
    timeout: float
    retries: int


def call_of(
    options: CallOptions,
    *,
    provider: str | None = None,
    extra_headers: Mapping[str, str] | None = None,
    extra_body: JsonMapping | None = None,
) -> Call:
    """InvalidRequest names the argument that is of the wrong type; TypeError an argument that no function has."""
    for name in options:
        if name not in OPTION_NAMES:
            raise TypeError(f"unexpected keyword argument {name!r}")
    timeout_name, timeout = _given(options, "timeout")
    timeout = _seconds(timeout) if isinstance(timeout, str) else timeout
    if timeout is not None and (
        isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout <= LONGEST
    ):
        raise InvalidRequest(f"'{timeout_name}' is a number of seconds above 0.", param=timeout_name)
    retries_name, retries = _given(options, "num_retries")
    if retries is not None:
        check_whole_number(retries, retries_name, least=0)
    base_name, base = _given(options, "api_base")
    for name, value in (("api_key", options.get("api_key")), (base_name, base)):
        if not (value is None or isinstance(value, str)):
            raise InvalidRequest(f"'{name}' is a text.", param=name)
    for name, value in (("extra_headers", extra_headers), ("extra_body", extra_body)):
        if not (value is None or isinstance(value, Mapping)):
            raise InvalidRequest(f"'{name}' is a mapping of names to values.", param=name)
    headers = {str(name): str(value) for name, value in (extra_headers or {}).items()}
    for name, value in headers.items():
        if not (name + value).isprintable() or not name.isascii() or not name:
            raise InvalidRequest(
                f"'extra_headers' has a name or a value that is no header: {name!r}.", param="extra_headers"
            )
    named = {value for name, value in headers.items() if name.lower() == PROVIDER_HEADER}
    return Call(
        provider=provider or (named.pop() if named else None),
        api_key=options.get("api_key"),
        api_base=base,
        timeout=timeout,
        retries=retries,
        headers={name: value for name, value in headers.items() if name.lower() != PROVIDER_HEADER},
        body=dict(extra_body or {}),
    )


def _seconds(text: str) -> float | str:
    """A number in a text, as a variable gives it and LiteLLM takes it; any other text as it is."""
    try:
        return float(text) if len(text) <= _LONGEST_NUMBER else text
    except ValueError:
        return text


def check_whole_number(value: object, param: str, *, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidRequest(f"'{param}' is a whole number, {least} or more.", param=param)


def check_provider(provider: str | None) -> None:
    if provider not in (None, PROVIDER):
        raise InvalidRequest(
            f"The provider {provider!r} is not one of Liftgate's: it speaks to 'gemini' (Google AI Studio) only.",
            param="custom_llm_provider",
        )


def connect(call: Call, environ: Mapping[str, str]) -> Connection:
    """AuthenticationFailed without any key; InvalidRequest for another provider or a base that is no URL."""
    check_provider(call.provider)
    base, key = check_address(call, environ), _key(call, environ)
    return Connection(
        key_account(key, base, "api_key" if call.api_key else ""),
        call.headers,
        TIMEOUT if call.timeout is None else call.timeout,
        RETRIES if call.retries is None else call.retries,
    )


def model_name(model: object) -> str:
    """`gemini/x`, `models/x` and `x` → `x`; `tunedModels/x` stays; another provider's prefix is an InvalidRequest."""
    if not isinstance(model, str) or not model:
        raise InvalidRequest("'model' is the name of a Gemini model, as in 'gemini-flash-latest'.", param="model")
    name = bare_model(model)
    provider, slash, _ = name.partition("/")
    if slash and not is_collection(provider):
        check_provider(provider)
    if not names_a_model(name):
        raise ModelNotFound(model)
    return name


def check_address(call: Call, environ: Mapping[str, str]) -> ApiBase:
    """Where Gemini is. InvalidRequest and AuthenticationFailed name what the caller gave and cannot be right."""
    try:
        base = read_base(call.api_base, environ, "api_base" if call.api_base else "GEMINI_API_BASE")
    except ConfigError as error:
        raise InvalidRequest(str(error), param="api_base") from None
    if call.api_key:
        try:
            check_length(checked_key(call.api_key, "api_key", environ), base, "api_key")
        except ConfigError as error:
            raise AuthenticationFailed(str(error), param="api_key") from None
    return base


def _key(call: Call, environ: Mapping[str, str]) -> str:
    if call.api_key:
        return call.api_key
    for warning in key_warnings(environ):
        warnings.warn(warning, UserWarning, stacklevel=2)
    try:
        found = environment_key(environ)
    except ConfigError as error:
        raise AuthenticationFailed(str(error), param="api_key") from error
    if found is None:
        raise AuthenticationFailed(
            f"No key of Google's: {missing_key(environ)}. Pass api_key=…, or set GEMINI_API_KEY. {WITHOUT_A_KEY}",
            param="api_key",
        )
    return found[0]


def _given(options: CallOptions, name: str) -> tuple[str, Any]:
    """By which of its names the caller gave an option, and its value."""
    values: Mapping[str, Any] = {**options}
    other = OTHER_NAMES[name]
    return (name, values[name]) if values.get(name) is not None else (other, values.get(other))
