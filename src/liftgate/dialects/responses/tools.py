"""Tools: functions, custom tools, namespaces of both, and the tools that Google runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from liftgate.ask import checks, generation, tools
from liftgate.ask.media_parts import data_part
from liftgate.ask.tools import GOOGLE_TOOLS, MAX_DECLARATIONS
from liftgate.dialects.responses.fields import REFUSED_TOOLS, TOOLS
from liftgate.dialects.responses.media import container_file
from liftgate.dialects.responses.question import Reading
from liftgate.errors import UnsupportedParameter
from liftgate.json_types import JsonMapping, JsonObject

_OF_ALL = frozenset({"type", "name", "description", "async", "defer_loading", "allowed_callers"})
_FUNCTION_KEYS = _OF_ALL | {"parameters", "strict", "output_schema"}
_CUSTOM_KEYS = _OF_ALL | {"format"}
_SEARCH_KEYS = frozenset(
    {"type", "search_context_size", "user_location", "filters", "external_web_access", "search_content_types"}
)
_SERVER_KEYS = frozenset(
    {
        "type", "server_label", "server_url", "server_description", "headers", "require_approval", "authorization",
        "allowed_callers", "allowed_tools", "connector_id", "tunnel_id", "defer_loading",
    }
)  # fmt: skip
_CODE = "code_interpreter"
_GOOGLES = {**{name: name for name in GOOGLE_TOOLS}, **{snake: name for name, snake in GOOGLE_TOOLS.items()}}
_OWN_MEANING = frozenset({"file_search", "fileSearch", "mcp_servers", "mcpServers", "computer_use", "computerUse"})


def read_tools(reading: Reading, value: object, param: str) -> None:
    ask = reading.ask
    listed = checks.array(value, param, most=MAX_DECLARATIONS)
    if listed and not ask.facts.tools:
        return ask.refuse_unsupported(param, "tools")
    for index, tool in enumerate(listed):
        where = f"{param}[{index}]"
        found = checks.mapping(tool, where)
        kind = checks.required(found, "type", where)
        read = _READERS.get(kind) if isinstance(kind, str) else None
        if read is not None:
            read(reading, found, where)
        elif isinstance(kind, str) and (reason := REFUSED_TOOLS.get(kind)):
            ask.leave_out(f"{where}.type", f"Unsupported tool: '{where}' is a '{kind}': {reason}.")
        elif isinstance(kind, str) and kind in _GOOGLES and kind not in _OWN_MEANING:
            fields = {key: each for key, each in found.items() if key != "type" and each is not None}
            tools.add_google_tool(ask, _GOOGLES[kind], fields, where)
            reading.hosted.append(kind)
        else:
            names = tuple(row.field for row in TOOLS if row.fate == "mapped")
            raise checks.invalid_value(f"{where}.type", kind, (*names, "url_context", "google_maps"))
    return None


# ── functions ────────────────────────────────────────────────────────────────────────────────────


def _function(reading: Reading, tool: JsonObject, where: str, space: str = "") -> None:
    ask = reading.ask
    checks.required(tool, "name", where)  # what chat's form has not, which clients know by this error
    ask.refuse_unknown_keys(tool, where, _FUNCTION_KEYS)
    _refuse_callers(reading, tool, where)
    function = dict(tool)
    if space:
        function["name"] = _in_space(reading, space, tool, where)
    tools.declare(ask, function, where, schema="parameters", result="output_schema")


def _custom(reading: Reading, tool: JsonObject, where: str, space: str = "") -> None:
    ask = reading.ask
    ask.refuse_unknown_keys(tool, where, _CUSTOM_KEYS)
    _refuse_callers(reading, tool, where)
    named = {"name": _in_space(reading, space, tool, where)} if space else tool
    name = tools.function_name(ask, named, where)
    tools.read_custom(ask, tool, name, where)


def _refuse_callers(reading: Reading, tool: JsonObject, where: str) -> None:
    """What would let something else than the model's turn call the function, hide it at first, or let the model go on
    before its result."""
    if tool.get("async"):
        reading.ask.leave_out(
            f"{where}.async", f"Unsupported parameter: '{where}.async'. Gemini waits for the result of each call."
        )
    if tool.get("defer_loading"):
        reading.ask.leave_out(
            f"{where}.defer_loading",
            f"Unsupported parameter: '{where}.defer_loading'. Gemini gets all tools at once.",
        )
    tools.refuse_other_callers(tool, where)


def _namespace(reading: Reading, tool: JsonObject, where: str) -> None:
    reading.ask.refuse_unknown_keys(tool, where, frozenset({"type", "name", "description", "tools"}))
    space = checks.string(checks.required(tool, "name", where), f"{where}.name", empty=False)
    for index, each in enumerate(checks.array(checks.required(tool, "tools", where), f"{where}.tools", least=1)):
        at = f"{where}.tools[{index}]"
        found = checks.mapping(each, at)
        if checks.choice(checks.required(found, "type", at), f"{at}.type", ("function", "custom")) == "function":
            _function(reading, found, at, space)
        else:
            _custom(reading, found, at, space)


def _in_space(reading: Reading, space: str, tool: JsonObject, where: str) -> str:
    name = checks.string(checks.required(tool, "name", where), f"{where}.name", empty=False)
    flat = f"{space}__{name}"
    reading.namespaces[flat] = (space, name)
    return flat


# ── what Google runs ─────────────────────────────────────────────────────────────────────────────


def _web_search(reading: Reading, tool: JsonObject, where: str) -> None:
    """How much is read, and for which place, Google decides by itself."""
    ask = reading.ask
    ask.refuse_unknown_keys(tool, where, _SEARCH_KEYS)
    if (size := tool.get("search_context_size")) is not None:
        checks.choice(size, f"{where}.search_context_size", ("low", "medium", "high"))
    if (location := tool.get("user_location")) is not None:
        for key, each in checks.mapping(location, at := f"{where}.user_location").items():
            if each is not None:
                checks.string(each, f"{at}.{key}")
    filters = tool.get("filters")
    for key, each in () if filters is None else checks.mapping(filters, f"{where}.filters").items():
        if each:
            at = f"{where}.filters.{key}"
            ask.leave_out(at, f"Unsupported parameter: '{at}'. Google Search cannot be held to some domains.")
    access = tool.get("external_web_access")
    if access is not None and not checks.boolean(access, f"{where}.external_web_access"):
        ask.notes.append(f"'{where}' is left out: Google Search always reads the web.")
        return
    if not any("googleSearch" in each for each in ask.google_tools):
        tools.add_google_tool(ask, "googleSearch", {}, where)
    reading.hosted.append("web_search")


def _code_interpreter(reading: Reading, tool: JsonObject, where: str) -> None:
    ask = reading.ask
    ask.refuse_unknown_keys(tool, where, frozenset({"type", "container", "allowed_callers"}))
    _refuse_callers(reading, tool, where)
    container = tool.get("container")
    at = f"{where}.container"
    if isinstance(container, str):
        raise UnsupportedParameter(
            f"Unsupported value: '{at}': no containers are kept here. Supported values are: an object of type 'auto'.",
            param=at,
        )
    if container is not None:
        found = checks.mapping(container, at)
        checks.choice(checks.required(found, "type", at), f"{at}.type", ("auto",))
        ask.refuse_unknown_keys(found, at, frozenset({"type", "file_ids", "memory_limit", "network_policy"}))
        policy = found.get("network_policy")
        if policy is not None and checks.mapping(policy, f"{at}.network_policy").get("type") != "disabled":
            ask.leave_out(
                f"{at}.network_policy", f"Unsupported value: '{at}.network_policy': Google's code has no network."
            )
        for place, each in enumerate(checks.array(found.get("file_ids") or [], f"{at}.file_ids", most=50)):
            param = f"{at}.file_ids[{place}]"
            media = ask.media.get(param) or container_file(checks.string(each, param, empty=False), param)
            reading.attached.append(data_part(ask, media))
    tools.add_google_tool(ask, "codeExecution", {}, where)
    reading.hosted.append(_CODE)


def _file_search(reading: Reading, tool: JsonObject, where: str) -> None:
    ask = reading.ask
    known = frozenset({"type", "vector_store_ids", "max_num_results", "ranking_options", "filters"})
    ask.refuse_unknown_keys(tool, where, known)
    at = f"{where}.vector_store_ids"
    stores = checks.array(checks.required(tool, "vector_store_ids", where), at, least=1)
    fields: JsonObject = {
        "fileSearchStoreNames": [checks.string(each, f"{at}[{index}]") for index, each in enumerate(stores)]
    }
    if (most := tool.get("max_num_results")) is not None:
        fields["topK"] = checks.integer(most, f"{where}.max_num_results", 1, 50)
    for key in ("ranking_options", "filters"):
        if tool.get(key):
            ask.leave_out(f"{where}.{key}", f"Unsupported parameter: '{where}.{key}'. Gemini has no such setting.")
    tools.add_google_tool(ask, "fileSearch", fields, where)
    reading.hosted.append("file_search")


def _image_generation(reading: Reading, tool: JsonObject, where: str) -> None:
    ask = reading.ask
    if not ask.facts.image_out:
        ask.refuse_unsupported(where, "image output")
        return
    for key, each in tool.items():
        if key not in ("type", "action", "model") and each not in (None, "auto", 0):
            ask.leave_out(f"{where}.{key}", f"Unsupported parameter: '{where}.{key}'. Gemini has no such setting.")
    generation.choose_modalities(ask, ("text", "image"), where)
    reading.hosted.append("image_generation")


def _mcp(reading: Reading, tool: JsonObject, where: str) -> None:
    ask = reading.ask
    ask.refuse_unknown_keys(tool, where, _SERVER_KEYS)
    tools.refuse_other_callers(tool, where)
    if tool.get("require_approval") != "never":
        raise UnsupportedParameter(
            f"Unsupported value: '{where}.require_approval' must be 'never': Gemini runs MCP tools by itself, without "
            "a step of approval.",
            param=f"{where}.require_approval",
        )
    for key in ("allowed_tools", "connector_id", "tunnel_id", "defer_loading"):
        if tool.get(key):
            raise UnsupportedParameter(
                f"Unsupported parameter: '{where}.{key}'. Gemini has no such setting.", param=f"{where}.{key}"
            )
    url = checks.string(checks.required(tool, "server_url", where), f"{where}.server_url", empty=False)
    headers = dict(checks.mapping(tool.get("headers") or {}, f"{where}.headers"))
    for key, value in headers.items():
        checks.string(value, checks.Place(f"{where}.headers", key))
    if token := tool.get("authorization"):
        headers.setdefault("Authorization", f"Bearer {checks.string(token, f'{where}.authorization')}")
    transport: JsonObject = {"url": url}
    if headers:
        transport["headers"] = headers
    name = checks.string(checks.required(tool, "server_label", where), f"{where}.server_label", empty=False)
    tools.add_google_tool(ask, "mcpServers", [{"name": name, "streamableHttpTransport": transport}], where)
    reading.hosted.append("mcp")


_READERS: dict[str, Callable[[Reading, JsonObject, str], None]] = {
    "function": _function,
    "custom": _custom,
    "namespace": _namespace,
    "web_search": _web_search,
    "web_search_2025_08_26": _web_search,
    "web_search_preview": _web_search,
    "web_search_preview_2025_03_11": _web_search,
    _CODE: _code_interpreter,
    "file_search": _file_search,
    "image_generation": _image_generation,
    "mcp": _mcp,
}


def declared_names(request: JsonMapping) -> set[str]:
    """Every name of a function in `tools`."""
    listed = request.get("tools")
    return set(_names(listed)) if isinstance(listed, list) else set()


def _names(listed: list[object]) -> Iterator[str]:
    for tool in listed:
        if isinstance(tool, Mapping) and isinstance(name := tool.get("name"), str):
            yield name
            inner = tool.get("tools")
            for each in inner if isinstance(inner, list) else ():
                if isinstance(each, Mapping) and isinstance(each.get("name"), str):
                    yield f"{name}__{each['name']}"
