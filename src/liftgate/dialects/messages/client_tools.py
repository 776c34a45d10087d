"""Tools that the client runs and Anthropic describes: their input, as published, as a function's schema."""

from __future__ import annotations

import re

from liftgate.json_types import JsonObject

_DATED = re.compile(r"(bash|text_editor|memory)_(\d{8})\Z")


def _text(description: str) -> JsonObject:
    return {"type": "string", "description": description}


def _line_range() -> JsonObject:
    return {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": 2,
        "maxItems": 2,
        "description": "For `view` of a file: the first and the last line to show, counted from 1; -1 is the last one.",
    }


_BASH: JsonObject = {
    "type": "object",
    "properties": {
        "command": _text("The bash command to run. Required unless the tool is restarted."),
        "restart": {"type": "boolean", "description": "True restarts the tool, and runs nothing."},
    },
}


def _editor(version: str) -> JsonObject:
    """Before 2025-07-28 `insert` took its text as `new_str`; before 2025-04-29 there was `undo_edit`."""
    commands = ["view", "create", "str_replace", "insert"]
    if version < "20250429":
        commands.append("undo_edit")
    newer = version >= "20250728"
    properties: JsonObject = {
        "command": {"type": "string", "enum": commands, "description": "What to do."},
        "path": _text("The path of the file or directory."),
        "view_range": _line_range(),
        "file_text": _text("For `create`: the content of the file."),
        "old_str": _text("For `str_replace`: the text to replace, which stands in the file exactly once."),
        "new_str": _text("For `str_replace`: the new text." if newer else "For `str_replace` and `insert`: the text."),
        "insert_line": {"type": "integer", "description": "For `insert`: the line behind which the text goes."},
    }
    if newer:
        properties["insert_text"] = _text("For `insert`: the text.")
    return {"type": "object", "properties": properties, "required": ["command", "path"]}


_MEMORY: JsonObject = {
    "type": "object",
    "properties": {
        "command": {"type": "string", "enum": ["view", "create", "str_replace", "insert", "delete", "rename"]},
        "path": _text("The path of the file or directory, which begins with /memories."),
        "view_range": _line_range(),
        "file_text": _text("For `create`: the content of the file."),
        "old_str": _text("For `str_replace`: the text to replace."),
        "new_str": _text("For `str_replace`: the new text."),
        "insert_line": {"type": "integer", "description": "For `insert`: the line behind which the text goes."},
        "insert_text": _text("For `insert`: the text."),
        "old_path": _text("For `rename`: the path as it is."),
        "new_path": _text("For `rename`: the path as it shall be."),
    },
    "required": ["command"],
}

_DESCRIPTIONS = {
    "bash": "Runs a command in a bash shell, which keeps its state between calls.",
    "text_editor": "Views, creates and edits files.",
    "memory": "Keeps what shall be remembered between conversations, as files in the directory /memories. View it "
    "before a task, and note there what is worth knowing later.",
}


def client_tool(kind: str) -> tuple[str, JsonObject] | None:
    """The description and the schema of a tool's type such as `bash_20250124`; None for another."""
    found = _DATED.match(kind)
    if found is None:
        return None
    name, version = found.groups()
    schema = {"bash": _BASH, "memory": _MEMORY}.get(name) or _editor(version)
    return _DESCRIPTIONS[name], schema
