"""A checked request as the answering side reads it: its media with their facts, its texts, its turns, its tokens.

Resolves `fileData` to stored files of the caller's project (Google's refusals for those that are missing, foreign or
not ACTIVE) and `inlineData` to bytes. Computes facts in a thread, once per stored file.
"""

import asyncio
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from liftgate.sandbox.files.stored_files import StoredFile
from liftgate.sandbox.media import media_types
from liftgate.sandbox.media.media_facts import MediaFacts, facts_of
from liftgate.sandbox.requests.model_facts import ModelFacts
from liftgate.sandbox.requests.refusals import Refusal, file_forbidden, file_not_active
from liftgate.sandbox.state import SandboxState
from liftgate.sandbox.wire.json_types import JsonObject

MOST_PAGES = 1000
YOUTUBE = re.compile(r"https://(www\.|m\.)?(youtube\.com/(watch|shorts|live)|youtu\.be/)")


@dataclass(frozen=True)
class SeenMedia:
    """One file or inline part: what it is called, what it is."""

    mime_type: str
    sha256: str
    facts: MediaFacts
    heard: str | None = None

    def described(self) -> str:
        line = ", ".join([self.mime_type, f"{self.facts.size} bytes", f"SHA-256 {self.sha256}", *self.facts.phrases()])
        if self.heard is not None:
            line += f". Heard: {self.heard!r}"
        if self.facts.text:
            line += f". Text: {self.facts.text}"
        return line


@dataclass
class Prompt:
    """The request with everything that it refers to."""

    model: ModelFacts
    request: JsonObject
    media: list[SeenMedia] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    """URLs of videos that are not ours to read."""

    @property
    def contents(self) -> list[JsonObject]:
        return list(self.request.get("contents", []))

    @property
    def config(self) -> JsonObject:
        return dict(self.request.get("generationConfig", {}))

    @property
    def tools(self) -> list[JsonObject]:
        return list(self.request.get("tools", []))

    def texts(self, content: JsonObject) -> str:
        return "\n".join(part["text"] for part in content.get("parts", []) if part.get("text"))

    @property
    def question(self) -> str:
        """The text of the last turn that is the user's own."""
        for content in reversed(self.contents):
            if content.get("role", "user") != "model":
                text = self.texts(content)
                if text:
                    return text
        return ""

    @property
    def system(self) -> str:
        return self.texts(self.request.get("systemInstruction", {}))

    @property
    def last_responses(self) -> list[JsonObject]:
        """functionResponse parts of the last turn."""
        last = self.contents[-1] if self.contents else {}
        return [part["functionResponse"] for part in last.get("parts", []) if "functionResponse" in part]

    def token_counts(self) -> Counter[str]:
        """Tokens of the whole request by modality."""
        counts: Counter[str] = Counter()
        characters = len(self.system)
        for content in self.contents:
            for part in content.get("parts", []):
                characters += len(part.get("text", "")) + _json_length(part)
        characters += sum(_length(tool) for tool in self.tools)
        counts["TEXT"] += -(-characters // 4) if characters else 0
        for seen in self.media:
            kind = seen.facts.kind
            counts[self.model.pdf_modality if kind == "DOCUMENT" else kind] += seen.facts.tokens()
        counts["VIDEO"] += 263 * len(self.links)
        return +counts


def _json_length(part: JsonObject) -> int:
    return sum(_length(part[name]) for name in ("functionCall", "functionResponse", "executableCode") if name in part)


def _length(value: object) -> int:
    """Characters of all texts and numbers in a value, without punctuation or bytes."""
    if isinstance(value, dict):
        return sum(len(name) + _length(item) for name, item in value.items())
    if isinstance(value, list):
        return sum(_length(item) for item in value)
    return 0 if isinstance(value, bytes) else len(str(value))


def media_parts(contents: list[JsonObject]) -> Iterator[JsonObject]:
    """Every part that carries inlineData or fileData, those inside function responses too."""
    for content in contents:
        for part in content.get("parts", []):
            if "inlineData" in part or "fileData" in part:
                yield part
            yield from part.get("functionResponse", {}).get("parts", [])


async def read_prompt(
    state: SandboxState, model: ModelFacts, request: JsonObject, project: str, operation: str
) -> Prompt:
    """Resolve all media of a checked request; raises `Refusal` as Google does."""
    prompt = Prompt(model, request)
    for part in media_parts(prompt.contents):
        if "fileData" in part:
            data = part["fileData"]
            uri = data.get("fileUri", "")
            if YOUTUBE.match(uri):
                prompt.links.append(uri)
                continue
            file = _stored(state, uri, project, operation)
            prompt.media.append(await _seen_file(state, file, data.get("mimeType") or file.mime_type))
        elif "inlineData" in part:
            prompt.media.append(await _seen_inline(part["inlineData"]))
        _check_document(prompt.media[-1].facts)
    return prompt


def _check_document(facts: MediaFacts) -> None:
    """The limit is documented (docs/protocol/gemini.md, "Limits and types"). The first sentence is what Google says
    of a document that it cannot open (google-gemini/gemini-cli#13808); the second is ours: Google's is not recorded."""
    if facts.encrypted:
        raise Refusal(400, "The document has no pages.")
    if facts.pages > MOST_PAGES:
        raise Refusal(
            400, f"The document contains {facts.pages} pages which exceeds the supported page limit of {MOST_PAGES}."
        )


def _stored(state: SandboxState, uri: str, project: str, operation: str) -> StoredFile:
    found = re.fullmatch(re.escape(state.settings.public_base) + r"/v1(?:beta|alpha)?/files/([^/?#]+)", uri)
    if found is None:
        if uri.startswith(("https://", "http://")):
            raise Refusal(400, "Cannot fetch content from the provided URL.")
        raise Refusal(400, f"Unsupported file URI type: {uri}")
    file = usable_file(state, found.group(1), project, operation)
    if file.state != "ACTIVE":
        raise file_not_active(file.id)
    return file


def usable_file(state: SandboxState, file_id: str, project: str, operation: str) -> StoredFile:
    """The live file, or Google's one 403 for missing, expired, foreign, and what faults call so."""
    file = state.files.find(file_id, project)
    if file is None or state.faults.forbids(operation, project, file_id):
        raise file_forbidden(file_id)
    if file.forbidden_left > 0:
        file.forbidden_left -= 1
        raise file_forbidden(file_id)
    return file


def _check_type(mime_type: str) -> None:
    if not media_types.usable(mime_type):
        raise Refusal(400, f"Unsupported MIME type: {mime_type}")


async def _seen_file(state: SandboxState, file: StoredFile, mime_type: str) -> SeenMedia:
    _check_type(mime_type)

    def read() -> tuple[MediaFacts, str | None]:
        with file.path.open("rb") as stream:
            facts = facts_of(mime_type, stream, file.size)
        listens = state.settings.listen is not None and facts.kind in ("AUDIO", "VIDEO")
        return facts, state.settings.listen(file.path) if listens and state.settings.listen else None

    if file.facts is None or file.facts[0] != mime_type:
        file.facts = (mime_type, *await asyncio.to_thread(read))
    _, facts, heard = file.facts
    return SeenMedia(mime_type, file.sha256, facts, heard)


async def _seen_inline(data: JsonObject) -> SeenMedia:
    mime_type = data.get("mimeType", "")
    _check_type(mime_type)
    content: bytes = data.get("data", b"")
    if not content:
        raise Refusal(
            400, "Unable to process input image. Please retry or report in https://developers.generativeai.google"
        )

    def read() -> SeenMedia:
        facts = facts_of(mime_type, io.BytesIO(content), len(content))
        return SeenMedia(mime_type, hashlib.sha256(content).hexdigest(), facts)

    return await asyncio.to_thread(read)
