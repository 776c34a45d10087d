"""The sandbox's tables of fields against google-genai's types, and against the protocol notes' appendix A where it lies
beside the checkout.

Every field of a public request message is known, with the SDK's additions; those that only Vertex AI takes are not.
"""

import re

import pytest

import google_fields
from evidence import evidence
from liftgate.sandbox.wire.strict_json import ENUM_VALUES, TABLES

# Names in the appendix → names in our tables.
RENAMED = {"Tool.GoogleSearch": "GoogleSearch", "Tool.ComputerUse": "ComputerUse", "FunctionResponseBlob": "Blob"}
ENUM_NAMES = {
    "HarmCategory": "HarmCategory",
    "SafetySetting.HarmBlockThreshold": "HarmBlockThreshold",
    "GenerationConfig.Modality": "ResponseModality",
    "GenerationConfig.MediaResolution": "MediaResolution",
    "FunctionCallingConfig.Mode": "FunctionCallingMode",
    "FunctionDeclaration.Behavior": "Behavior",
    "FunctionResponse.Scheduling": "Scheduling",
    "ExecutableCode.Language": "Language",
    "CodeExecutionResult.Outcome": "Outcome",
    "Tool.ComputerUse.Environment": "Environment",
    "DynamicRetrievalConfig.Mode": "DynamicMode",
    "Type": "Type",
    "TaskType": "TaskType",
    "File.State": "FileState",
    "File.Source": "FileSource",
}
# Output only: fields that a request cannot set, so that the sandbox need not know them.
OUTPUT_ONLY = {("File", "videoMetadata"), ("File", "error")}


# Of Vertex AI only, though the package does not say so there.
UNSAID = {("ImageConfig", "outputMimeType")}
# Names in our tables → in google-genai.
PACKAGED_ENUMS = {
    "DynamicMode": "DynamicRetrievalConfigMode",
    "FunctionCallingMode": "FunctionCallingConfigMode",
    "ResponseModality": "Modality",
    "Scheduling": "FunctionResponseScheduling",
}
# The Gemini API takes the words in small letters that Google's client sends, and these.
SMALL_LETTERS = {"ServiceTier"}


@pytest.mark.parametrize("name", sorted(name for name in TABLES if google_fields.message(name) is not None))
def test_every_field_of_google_genai_is_known(name: str) -> None:
    missing = google_fields.fields(name) - set(TABLES[name])
    assert {field for field in missing if (name, field) not in OUTPUT_ONLY | UNSAID} == set()
    assert google_fields.only_vertex(name) & set(TABLES[name]) == set()


def test_google_genai_has_most_of_the_messages_and_enums() -> None:
    assert sum(google_fields.message(name) is not None for name in TABLES) >= 45
    assert sum(google_fields.message(PACKAGED_ENUMS.get(name, name)) is not None for name in ENUM_VALUES) >= 20


@pytest.mark.parametrize("name", sorted(ENUM_VALUES))
def test_every_enum_value_of_google_genai_is_known(name: str) -> None:
    if google_fields.message(PACKAGED_ENUMS.get(name, name)) is None:
        assert name == "TaskType", "the package has it as a text"
        return
    values = google_fields.values(PACKAGED_ENUMS.get(name, name))
    known = set(ENUM_VALUES[name])
    assert {value.upper() if name in SMALL_LETTERS else value for value in values} - known - {"UNSPECIFIED"} == set()


def sections() -> dict[str, str]:
    """Appendix A's messages and enums by name, with the text up to the next."""
    appendix = evidence("GEMINI.md").read_text("utf-8").partition("## Appendix A")[2]
    parts = re.split(r"^\*\*((?:enum )?[\w.]+)\*\*", appendix, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_public_request_field_is_known() -> None:
    checked = 0
    for name, text in sections().items():
        table = TABLES.get(RENAMED.get(name, name))
        if table is None or name.startswith("enum "):
            continue
        fields = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
        added = re.findall(r"`(\w+)` \(([^)]*)\)", text.partition("*SDK 3.4.0 adds:")[2].partition("*\n")[0])
        public = fields | {field for field, kind in added if "Vertex only" not in kind}
        checked += len(public)
        assert {field for field in public if field not in table and (name, field) not in OUTPUT_ONLY} == set(), name
        assert {field for field, kind in added if "Vertex only" in kind and field in table} == set(), name
    assert checked > 180


def test_every_enum_value_is_known() -> None:
    texts = sections()
    for noted, ours in ENUM_NAMES.items():
        first, _, added = texts[f"enum {noted}"].partition("*SDK 3.4.0 adds")
        # The appendix's prose follows each value in brackets.
        values = set(re.findall(r"`([A-Z_]+)`(?: \(| ·|$|\n)", first)) | set(re.findall(r"`([A-Z_]+)`", added))
        assert values, noted
        assert values <= set(ENUM_VALUES[ours]), noted
