"""Nothing without a fate: every request field of OpenAI's schema and every answer field of Gemini's tables has a row,
every mapped row an example on the wire, and what is refused or ignored really is."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

import google_fields
from answer_examples import ANSWER_EXAMPLES, AnswerExample
from asking import translate_chat
from evidence import evidence
from liftgate.answer.choice import Head
from liftgate.answer.fold import AnswerFold
from liftgate.ask.model_facts import facts_for
from liftgate.dialects.chat.answer_table import ANSWER
from liftgate.dialects.chat.completion import completion
from liftgate.dialects.chat.fields import IGNORED, REFUSED, REQUEST
from liftgate.dialects.chat.question import ChatQuestion
from liftgate.dialects.chat.request import DEPENDENT, READERS
from liftgate.errors import UnsupportedParameter
from openai_schema import document, errors, request_parameters
from wire_examples import EXAMPLES, HI, Example

KNOWN = {row.field: row for row in REQUEST}


def _schema_fields() -> set[str]:
    """Every property path of the chat request, `[]` for elements."""
    schemas = document().doc["components"]["schemas"]
    found: set[str] = set()

    def walk(node: dict[str, Any], path: str, within: tuple[str, ...]) -> None:
        if "$ref" in node:
            name = node["$ref"].rsplit("/", 1)[1]
            if name not in within:
                walk(schemas[name], path, (*within, name))
            return
        for each in itertools.chain.from_iterable(node.get(key, []) for key in ("allOf", "anyOf", "oneOf")):
            walk(each, path, within)
        for name, each in node.get("properties", {}).items():
            found.add(f"{path}.{name}".removeprefix("."))
            walk(each, f"{path}.{name}", within)
        if isinstance(node.get("items"), dict):
            walk(node["items"], f"{path}[]", within)

    walk({"$ref": "#/components/schemas/CreateChatCompletionRequest"}, "", ())
    return found


def test_every_request_field_of_the_schema_has_a_fate() -> None:
    fields = _schema_fields()
    assert len(fields) > 120
    assert sorted(fields - set(KNOWN)) == []


def test_every_parameter_of_the_openai_package_has_a_fate() -> None:
    parameters = request_parameters()
    assert len(parameters) > 30
    assert sorted(parameters - set(KNOWN)) == []


def test_no_field_has_two_fates() -> None:
    for table in (REQUEST, ANSWER):
        fields = [row.field for row in table]
        assert len(fields) == len(set(fields))
        assert all(len(row.note) > 5 for row in table if row.fate != "mapped")


def test_the_readers_and_the_table_name_the_same_parameters() -> None:
    top = {row.field: row.fate for row in REQUEST if not re.search(r"[.\[]", row.field)}
    native = {"safety_settings", "cached_content", "tool_config", "labels", "generation_config"}
    # These are read for their default value, which is accepted, and refused otherwise.
    read = {name for name, fate in top.items() if fate == "mapped"} | {"logit_bias", "store", "verbosity"}
    assert set(READERS) | set(DEPENDENT) == read - native
    assert not set(READERS) & set(DEPENDENT)
    assert set(IGNORED) == {name for name, fate in top.items() if fate == "ignored"}


def test_every_mapped_request_field_has_an_example() -> None:
    shown = set(itertools.chain.from_iterable(example.fields.split() for example in EXAMPLES))
    assert sorted(shown - set(KNOWN)) == []
    assert sorted({row.field for row in REQUEST if row.fate == "mapped"} - shown) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.fields.split()[-1])
def test_request_example_comes_out_as_the_contract_says(example: Example) -> None:
    request = {"model": example.model, "messages": HI, **example.request}
    translation = translate_chat(
        request, facts=facts_for(example.model), files=example.files, signatures=example.signatures
    )
    body = dict(translation.body)
    assert body.pop("contents") == example.contents
    assert body == example.body
    assert translation.notes == ()


REFUSALS: list[tuple[str, Any]] = [
    ("logit_bias", {"50256": -100}),
    ("store", True),
    ("verbosity", "high"),
    ("web_search_options.user_location", {"user_location": {"type": "approximate", "approximate": {"city": "Bonn"}}}),
    (
        "tools[0].custom.format",
        [{"type": "custom", "custom": {"name": "c", "format": {"type": "grammar", "grammar": {}}}}],
    ),
    *((name, {"type": "content"}) for name in REFUSED if name not in ("logit_bias", "store", "verbosity")),
]


@pytest.mark.parametrize(("param", "value"), REFUSALS, ids=lambda value: value if isinstance(value, str) else "")
def test_refused_field_is_refused_by_name_or_dropped_by_name(param: str, value: Any) -> None:
    name = re.split(r"[.\[]", param)[0]
    request = {"messages": HI, name: value}
    facts = facts_for("gemini-2.5-flash")
    with pytest.raises(UnsupportedParameter) as refused:
        translate_chat(request, facts=facts, files={}, signatures={})
    assert refused.value.param == param
    assert refused.value.http_status == 400
    translation = translate_chat(request, facts=facts, files={}, signatures={}, drop_params=True)
    assert [each.param for each in translation.dropped] == [param]


def test_every_refused_field_has_an_example() -> None:
    refused = {row.field for row in REQUEST if row.fate == "refused"}
    shown = {re.sub(r"\[\d+\]", "[]", param) for param, _ in REFUSALS} | {"messages[].audio.id"}
    # Rows below a refused one are refused with it.
    assert [name for name in sorted(refused) if not any(name.startswith(each) for each in shown)] == []


@pytest.mark.parametrize("name", sorted(IGNORED))
def test_ignored_parameter_changes_nothing(name: str) -> None:
    facts = facts_for("gemini-2.5-flash")
    plain = translate_chat({"messages": HI}, facts=facts, files={}, signatures={})
    assert translate_chat({"messages": HI, name: "x"}, facts=facts, files={}, signatures={}) == plain


_FIELD = re.compile(r"^\| `(\w+)` \|")
_ADDED = re.compile(r"`(\w+)` \((?!\w[^;)]*; \*\*Vertex only\*\*)")
_LATER = {"UsageMetadata": ["serviceTier"], "GenerateContentResponse": ["turnToken"], "Candidate": ["finishMessage"]}


def _answer_fields() -> set[str]:
    """`Type.field` of the appendix's answer tables, without what only Vertex has, and of Part and FunctionCall."""
    text = evidence("GEMINI.md").read_text("utf-8")
    answer = text[text.index("### A.4 Response") : text.index("### A.5 Enums")]
    request = text[text.index("### A.1 Request") : text.index("### A.2 Tools")]
    found = {f"{kind}.{name}" for kind, names in _LATER.items() for name in names}
    for section, kinds in ((answer, None), (request, {"Content", "Part", "FunctionCall"})):
        for block in re.split(r"^\*\*(?=[A-Z])", section, flags=re.MULTILINE)[1:]:
            name = block[: block.index("**")]
            kind = name if name == "LogprobsResult.Candidate" else name.rsplit(".", 1)[-1]
            if kinds is not None and kind not in kinds:
                continue
            for line in block.splitlines():
                if field := _FIELD.match(line):
                    found.add(f"{kind}.{field[1]}")
                elif line.startswith("*SDK"):
                    found.update(f"{kind}.{each}" for each in _ADDED.findall(line))
    return found


def test_every_answer_field_of_the_appendix_has_a_fate() -> None:
    fields = _answer_fields()
    assert len(fields) > 90
    missing = fields - {row.field for row in ANSWER}
    # Message types that other rows name as a whole.
    assert sorted(name for name in missing if not name.startswith(("PlaceAnswerSources.", "ReviewSnippet."))) == []


def test_every_mapped_answer_field_has_an_example() -> None:
    shown = set(itertools.chain.from_iterable(example.fields.split() for example in ANSWER_EXAMPLES))
    assert sorted(shown - {row.field for row in ANSWER}) == []
    assert sorted({row.field for row in ANSWER if row.fate == "mapped"} - shown) == []


@pytest.mark.parametrize("example", ANSWER_EXAMPLES, ids=lambda example: example.fields.split()[-1])
def test_answer_example_comes_out_as_the_contract_says(example: AnswerExample) -> None:
    numbers = itertools.count(1)
    fold = AnswerFold(
        Head("1", "m", 1760000000),
        ChatQuestion(body={}, **example.question),
        new_call_id=lambda: f"call_{next(numbers)}",
    )
    fold.feed(example.reply)
    fold.end()
    answer = completion(fold.answer)
    assert errors("CreateChatCompletionResponse", answer) == []
    for path, expected in example.expected.items():
        found: Any = answer
        for step in path.split("."):
            found = found[int(step)] if step.isdigit() else found[step]
        assert found == expected, path
    assert dict(fold.take_signatures()) == example.signatures
    for choice in answer["choices"]:
        said = choice["message"]
        results = [{"role": "tool", "tool_call_id": call["id"], "content": "1"} for call in said.get("tool_calls", ())]
        if (call := said.get("function_call")) is not None:
            results.append({"role": "function", "name": call["name"], "content": "1"})
        history = {"messages": [*HI, said, *results, *HI]}
        translate_chat(history, facts=facts_for("gemini-3.5-flash"), files={}, signatures={})


GOOGLES = {
    "UsageMetadata": "GenerateContentResponseUsageMetadata",
    "PromptFeedback": "GenerateContentResponsePromptFeedback",
    "Web": "GroundingChunkWeb",
    "Maps": "GroundingChunkMaps",
    "RetrievedContext": "GroundingChunkRetrievedContext",
    "CitationSource": "Citation",
    "TopCandidates": "LogprobsResultTopCandidates",
}
"""Names in our table → in google-genai, where they differ."""


@pytest.mark.parametrize("name", sorted({row.field.split(".")[0] for row in ANSWER}))
def test_every_answer_field_of_google_genai_has_a_fate(name: str) -> None:
    known = {row.field for row in ANSWER}
    assert {f"{name}.{field}" for field in google_fields.fields(GOOGLES.get(name, name))} - known == set()
