"""What Google refuses of JSON Schema, in `parametersJsonSchema` and `responseJsonSchema`.

Reported: neighbours of a `$ref` (anomalyco/opencode#12295, su-kaka/gcli2api#374); a `$ref` that names nothing
(google-gemini/gemini-cli#13326, agent-infra/sandbox#83); a name in `required` without a property
(google-gemini/gemini-cli#23382); a loop of required fields (juspay/juspay-mcp#132).
"""

from collections.abc import Iterator
from urllib.parse import unquote

from liftgate.sandbox.requests.refusals import Refusal
from liftgate.sandbox.wire.json_types import JsonObject

BESIDE_REFERENCE = {"description", "default"}
MAPS = ("properties", "$defs", "definitions")
LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
SINGLE = ("items", "additionalProperties")


def check_json_schema(schema: object) -> None:
    """Raises the 400 that Google gives."""
    if not isinstance(schema, dict):
        return
    nodes = list(_schemas(schema, ""))
    names = {node[key] for _, node in nodes for key in ("$id", "$anchor") if isinstance(node.get(key), str)}
    for path, node in nodes:
        place = path.removeprefix(".") or "top-level"
        _check_reference(schema, node, place, names)
        _check_required(node, place)
    targets = {id(_named(schema, node["$ref"])) for _, node in nodes if "$ref" in node}
    for path, node in nodes:
        if id(node) in targets:
            _check_loop(schema, node, path, set(), id(node))


def _schemas(node: object, path: str) -> Iterator[tuple[str, JsonObject]]:
    """Each schema with its place, as Google writes it: `.properties.a.anyOf.0`."""
    if not isinstance(node, dict):
        return
    yield path, node
    for key in MAPS:
        for name, each in node[key].items() if isinstance(node.get(key), dict) else ():
            yield from _schemas(each, f"{path}.{key}.{name}")
    for key in LISTS:
        for index, each in enumerate(node[key]) if isinstance(node.get(key), list) else ():
            yield from _schemas(each, f"{path}.{key}.{index}")
    for key in SINGLE:
        yield from _schemas(node.get(key), f"{path}.{key}")


def _check_reference(root: JsonObject, node: JsonObject, place: str, names: set[str]) -> None:
    """What begins with `$` may stand beside it (docs/protocol/gemini.md, "Schemas"; recorded with `$defs` and a
    title)."""
    reference = node.get("$ref", "")
    if not isinstance(reference, str):
        raise Refusal(400, "$ref must be a string.")
    if not reference:
        return
    beside = {key for key in node if not key.startswith("$")} - BESIDE_REFERENCE
    if "$defs" in node:
        beside -= {"title"}
    if beside:
        raise Refusal(
            400,
            f"$ref '{reference.rsplit('/', 1)[-1]}' was set alongside unsupported fields. If a schema node has "
            "$ref set, then only description and default can be set alongside it",
        )
    # Names by `$id` and `$anchor` are taken (measured by others in 2026); how they are joined is not looked at here.
    by_name = any(reference.split("#/")[0].endswith(name) for name in names)
    if reference.startswith("#/") and reference.split("/")[1] not in MAPS[1:]:
        # What zod shows once and then points to; several report this refusal of its schemas.
        raise Refusal(400, f"reference to undefined schema at {place}")
    if _named(root, reference) is None and not by_name:
        raise Refusal(400, f"reference to undefined schema at {place}")


def _check_required(node: JsonObject, place: str) -> None:
    required, properties = node.get("required"), node.get("properties", {})
    if isinstance(required, list) and isinstance(properties, dict):
        for name in required:
            if isinstance(name, str) and name not in properties:
                raise Refusal(400, f"schema at {place} requires unspecified property '{name}'")


def _named(root: JsonObject, reference: str) -> object:
    """What a pointer from the root names; None for nothing."""
    found: object = root
    if not reference.startswith("#"):
        return None
    for step in unquote(reference[1:]).split("/")[1:]:
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
    return found


def _check_loop(root: JsonObject, node: object, path: str, seen: set[int], start: int) -> None:
    """Follows what a value cannot do without: required properties, choices, values of maps, items of a list that may
    not be empty. Neither null among the choices nor a type `null` ends a loop (measured by others in 2026)."""
    if not isinstance(node, dict):
        return
    reference = node.get("$ref")
    if isinstance(reference, str) and isinstance(target := _named(root, reference), dict):
        if id(target) == start:
            raise Refusal(
                400,
                "ref loops are only supported if they include optional or nullable property values, or a "
                f"potentially-zero-length array items, but a ref loop of required fields was found at {path[1:]}",
            )
        if id(target) not in seen:
            seen.add(id(target))
            _check_loop(root, target, path, seen, start)
    required = node.get("required")
    for name, each in node["properties"].items() if isinstance(node.get("properties"), dict) else ():
        if isinstance(required, list) and name in required:
            _check_loop(root, each, f"{path}.properties.{name}", seen, start)
    for key in LISTS[:3]:
        for index, each in enumerate(node[key]) if isinstance(node.get(key), list) else ():
            _check_loop(root, each, f"{path}.{key}.{index}", seen, start)
    _check_loop(root, node.get("additionalProperties"), f"{path}.additionalProperties", seen, start)
    if isinstance(least := node.get("minItems"), int) and least > 0:
        _check_loop(root, node.get("items"), f"{path}.items", seen, start)
